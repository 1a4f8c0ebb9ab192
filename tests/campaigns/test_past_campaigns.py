"""A past campaign comes in by file and reads like a campaign that was run here."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from bankcrm.models import AuditEvent
from campaigns import evaluation
from campaigns.models import Arm, Campaign, EvaluationReport
from customers import imports
from customers.imports import undo
from customers.models import Assignment, Consent, Contact, Customer, ImportFile, Product, Response
from tests.analytics.bank import make_model, make_version
from tests.cast import Cast, login
from tests.customers.imports_world import merged, product, rejects, write

pytestmark = pytest.mark.django_db
TOLD = {
    "code": "spring",
    "name": "Spring deposits",
    "product": "savings",
    "control_cells": ["none"],
    "is_random": True,
}
HEAD = "customer,arm,assigned,contacted on,reached,converted,value,shoe size\n"
ROWS = (
    'C1,A,2025-03-01,2025-03-04,yes,yes,"1,000.00",42\nC2,A,2025-03-01,,no,no,,41\n'
    "C3,none,2025-03-01,,,yes,500,\nC4,B,2025-03-02,2025-03-03,yes,no,,39\n"
)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def bank(cast: Cast) -> Cast:
    for number in ("C1", "C2", "C3", "C4"):
        Customer.objects.create(number=number, name=number, home_branch=cast.tree.n1)
    product()
    return cast


def bring(cast: Cast, path: Path, **told: Any) -> ImportFile:
    return merged(path, "campaign", cast.ana, options={"campaign": TOLD | told})


def test_assignment_contact_and_response_history_is_written_for_every_cell(
    bank: Cast, tmp_path: Path
) -> None:
    file = bring(bank, write(tmp_path, HEAD + ROWS + "C9,A,2025-03-01,,,,,\n"))
    assert (file.inserted, rejects(file)) == (4, [(6, "customer", "unknown_customer")])
    found = Assignment.objects.order_by("customer__number").values_list("cell_code", "is_control", "facts")
    assert list(found) == [
        ("A", False, {"shoe size": "42"}),
        ("A", False, {"shoe size": "41"}),
        ("none", True, {"shoe size": None}),
        ("B", False, {"shoe size": "39"}),
    ]
    contacts = Contact.objects.order_by("contacted_on").values_list(
        "customer_id", "contacted_on", "was_reached"
    )
    ids = dict(Customer.objects.values_list("number", "id"))
    assert list(contacts) == [
        (ids["C2"], dt.date(2025, 3, 1), False),
        (ids["C4"], dt.date(2025, 3, 3), True),
        (ids["C1"], dt.date(2025, 3, 4), True),
    ]
    responses = Response.objects.order_by("customer__number").values_list(
        "customer__number", "kind", "how", "amount"
    )
    assert list(responses) == [
        ("C1", "conversion", "imported", Decimal(1000)),
        ("C3", "conversion", "imported", Decimal(500)),
    ]


def test_it_becomes_a_campaign_with_arms_whose_page_opens(bank: Cast, tmp_path: Path) -> None:
    file = bring(bank, write(tmp_path, HEAD + ROWS))
    campaign = Campaign.objects.get(code="spring")
    assert (campaign.state, campaign.owner, campaign.control_share) == (
        "imported",
        bank.ana,
        Decimal("0.250"),
    )
    assert (campaign.starts_on, campaign.ends_on) == (dt.date(2025, 3, 1), dt.date(2025, 3, 4))
    assert [(arm.code, arm.share) for arm in campaign.arms.all()] == [
        ("A", Decimal("0.667")),
        ("B", Decimal("0.333")),
    ]
    assert file.options["page"] == {"route": "evaluation-report", "pk": campaign.pk}
    page = login(bank.ana).get(reverse("evaluation-report", args=[campaign.pk]))
    assert page.status_code == 200
    shown = page.content.decode()
    assert "Spring deposits" in shown
    assert "Assigned at random, as was said at the import." in shown
    assert "<b>A</b> A" not in shown
    assert f"those of the imported file {file.name}, for control as for the treated" in shown
    assert "matched from new holdings" not in shown
    result = evaluation.evaluate(campaign)
    assert {arm["cell_code"]: arm["successes"] for arm in result.arms} == {"A": 1, "B": 0, "none": 1}


def test_a_corrected_file_corrects_the_history_instead_of_adding_to_it(bank: Cast, tmp_path: Path) -> None:
    bring(bank, write(tmp_path, HEAD + ROWS))
    mended = ROWS.replace('2025-03-04,yes,yes,"1,000.00"', "2025-04-02,yes,no,").replace("C3,none", "C3,B")
    file = bring(bank, write(tmp_path, HEAD + mended, "mended.csv"), control_cells=[])
    assert (file.inserted, file.updated) == (0, 1)
    ids = dict(Customer.objects.values_list("number", "id"))
    assert list(Contact.objects.filter(customer_id=ids["C1"]).values_list("contacted_on", flat=True)) == [
        dt.date(2025, 4, 2)
    ]
    assert Contact.objects.count() == 4
    assert list(Response.objects.values_list("customer__number", "cell_code")) == [("C3", "B")]
    assert Campaign.objects.get().arms.count() == 2


def test_an_anonymous_list_makes_a_customer_of_every_row(bank: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, "arm,assigned,visit\nA,2025-01-01,1\nnone,2025-01-01,0\n")
    with pytest.raises(imports.Refused, match="No column gives: Customer number"):
        bring(bank, path)
    file = imports.receive(path, "campaign", bank.ana)
    imports.remap(file, file.mapping, {"campaign": TOLD | {"new_customers": "SP-", "success": "visit"}})
    imports.merge(imports.check(file))
    assert list(Assignment.objects.order_by("pk").values_list("customer__number", flat=True)) == [
        "SP-2",
        "SP-3",
    ]
    assert Response.objects.get().kind == "visit"


def test_the_code_of_a_campaign_planned_here_is_refused(bank: Cast, tmp_path: Path) -> None:
    Campaign.objects.create(
        code="spring",
        name="Ours",
        product=Product.objects.get(),
        owner=bank.mei,
        last_edited_by=bank.mei,
        starts_on=dt.date(2025, 1, 1),
        ends_on=dt.date(2025, 2, 1),
        salt="x",
    )
    with pytest.raises(imports.Refused, match="planned here"):
        bring(bank, write(tmp_path, HEAD + ROWS))
    assert not Assignment.objects.exists()


def test_rows_of_a_campaign_run_here_are_never_overwritten(bank: Cast, tmp_path: Path) -> None:
    Assignment.objects.create(
        campaign_code="spring",
        customer=Customer.objects.first(),
        cell_code="A",
        assigned_on=dt.date(2025, 1, 1),
    )
    with pytest.raises(imports.Refused, match="was run here"):
        bring(bank, write(tmp_path, HEAD + ROWS))
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"product": "gold"}, "No product has the code “gold”"),
        ({"name": ""}, "Say the code, the name and the product"),
        ({"code": "two words"}, "letters, digits and hyphens"),
        ({"success": "refusal"}, "succeeds by a visit"),
    ],
)
def test_what_is_told_of_the_campaign_must_hold(
    bank: Cast, tmp_path: Path, told: dict[str, str], sentence: str
) -> None:
    with pytest.raises(imports.Refused, match=sentence):
        bring(bank, write(tmp_path, HEAD + ROWS), **told)
    assert not Campaign.objects.exists()


def everything() -> list[list[dict[str, Any]]]:
    return [
        list(model.objects.order_by("pk").values())  # type: ignore[attr-defined]  # every model here has a manager
        for model in (Assignment, Contact, Response, Campaign, Arm, Customer)
    ]


def test_a_past_campaign_is_taken_back_with_every_file_of_it_and_may_come_again(
    bank: Cast, tmp_path: Path
) -> None:
    before = everything()
    first = bring(bank, write(tmp_path, HEAD + ROWS))
    mended = bring(bank, write(tmp_path, HEAD + ROWS.replace("C3,none", "C3,A"), "mended.csv"))
    with pytest.raises(imports.Refused, match=r"mended\.csv” corrected it"):
        undo.undo(first, bank.ana)
    address = reverse("import-undo", args=[mended.pk])
    assert "Earlier files of the campaign" in login(bank.ana).get(address).content.decode()
    undo.undo(mended, bank.ana)
    assert everything() == before
    assert set(ImportFile.objects.values_list("state", flat=True)) == {"undone"}
    assert AuditEvent.objects.filter(action="import.undone").count() == 2
    assert AuditEvent.objects.get(action="campaign.import_undone").details["file"] == mended.pk
    again = bring(bank, write(tmp_path, HEAD + ROWS, "again.csv"))
    assert (again.inserted, Campaign.objects.count()) == (4, 1)


def test_customers_of_an_anonymous_list_go_with_it_unless_somebody_worked_with_them(
    bank: Cast, tmp_path: Path
) -> None:
    before = everything()
    text = "shoe size,arm,assigned\n42,A,2025-03-01\n41,none,2025-03-01\n"
    file = bring(bank, write(tmp_path, text), new_customers="L", branch="N1")
    made = Customer.objects.filter(source__startswith="import:")
    assert made.count() == 2
    note = Consent.objects.create(
        customer=made[0], channel="sms", is_objection=True, since=dt.date(2025, 5, 1)
    )
    with pytest.raises(imports.Refused, match="consents: 1"):
        undo.undo(file, bank.ana)
    assert made.count() == 2
    assert note.pk
    second = bring(bank, write(tmp_path, text.replace("42", "43"), "b.csv"), code="two", new_customers="M")
    undo.undo(second, bank.ana)
    assert Campaign.objects.filter(code="spring").exists()
    assert Customer.objects.count() == len(before[5]) + 2


def test_a_frozen_result_and_a_model_that_learned_stand_in_the_way(bank: Cast, tmp_path: Path) -> None:
    file = bring(bank, write(tmp_path, HEAD + ROWS))
    campaign = Campaign.objects.get()
    report = EvaluationReport.objects.create(
        campaign=campaign, version=1, as_of=dt.date(2026, 1, 1), is_frozen=True, verdict="proved"
    )
    model = make_model(bank, Product.objects.get(), history_campaign="spring")
    make_version(model, 1)
    page = login(bank.ana).get(reverse("import-undo", args=[file.pk])).content.decode()
    assert "Frozen evaluations" in page
    with pytest.raises(
        imports.Refused, match="frozen evaluations: 1, model versions that learned from it: 1"
    ):
        undo.undo(file, bank.ana)
    assert (Assignment.objects.count(), Campaign.objects.count()) == (4, 1)
    EvaluationReport.objects.filter(pk=report.pk).update(is_frozen=False)
    model.versions.all().delete()
    undo.undo(file, bank.ana)  # a provisional result is computed again at any time
    assert not EvaluationReport.objects.exists()


def test_a_model_that_learned_from_the_product_s_assignments_stands_in_the_way(
    bank: Cast, tmp_path: Path
) -> None:
    file = bring(bank, write(tmp_path, HEAD + ROWS))
    version = make_version(make_model(bank, Product.objects.get()), 1, card={"source": "assignments"})
    with pytest.raises(imports.Refused, match="learned from it: 1"):
        undo.undo(file, bank.ana)
    version.card = {"source": "holdings"}
    version.save()
    undo.undo(file, bank.ana)
    assert not Assignment.objects.exists()


def test_an_arm_said_to_be_control_that_no_row_has_is_refused_with_the_arms_there_are(
    bank: Cast, tmp_path: Path
) -> None:
    with pytest.raises(imports.Refused, match=r"“non”.*“A” \(2\), “B” \(1\), “none” \(1\).*Is “none” meant"):
        bring(bank, write(tmp_path, HEAD + ROWS), control_cells=["non"])
    file = ImportFile.objects.get()
    assert file.state == ImportFile.State.REFUSED
    assert not Assignment.objects.exists()
    told = file.options | {"campaign": TOLD}
    imports.merge(imports.check(imports.remap(file, file.mapping, told)))
    # A second part of the list need not hold the control customers again.
    more = HEAD + "C1,A,2025-03-01,2025-03-04,yes,no,,42\n"
    assert bring(bank, write(tmp_path, more, "more.csv")).accepted == 1
