"""On the mapping page every column that means nothing here is proposed as an own field, or left out with the reason."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from customers import fields
from customers.models import Customer, ImportFile, OwnField
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, draft, field_of, filled, upload
from tests.customers.imports_world import rejects
from tests.customers.own_files import bank_churners, churn_modelling, facts_only, loan_approval

pytestmark = pytest.mark.django_db
DAY = {"effective_on": "2024-11-30"}


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def proposals(page) -> dict[str, str]:
    """Column → its meaning, or the type of the own field it is proposed as, or why it is left out."""
    found = {}
    for at, row in enumerate(page.context["rows"]):
        meaning = str(row.means.value())
        found[row.name] = str(page.context["form"][f"own_type_{at}"].value()) if meaning == "own" else meaning
        found[row.name] = found[row.name] or f"out: {row.why_not}"
    return found


def after(client, page, told: dict[str, str]) -> dict[str, str]:
    """The columns as the page shows them once something else was chosen."""
    changed = draft(client, page.context["file"], filled(page) | told).context["form"]
    return {bound.html_name: bound.value() or "" for bound in changed if bound.value() is not False}


def test_a_churn_file_is_kept_whole_as_proposed(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, churn_modelling(random.Random(1)), name="Churn_Modelling.csv")
    assert {
        name: what for name, what in proposals(page).items() if name not in ("CustomerId", "Surname")
    } == {
        "RowNumber": "out: counts the rows",
        "CreditScore": "whole",
        "Geography": "region",
        "Gender": "gender",
        "Age": "birth_date:age",
        "Tenure": "opened_on:years",
        "Balance": "number",
        "NumOfProducts": "whole",
        "HasCrCard": "flag",
        "IsActiveMember": "flag",
        "EstimatedSalary": "monthly_income:annual",
        "Exited": "closed_on:left",
    }
    # The label a model is to learn stays a fact of its own.
    kept = after(client, page, {field_of(page, "Exited"): "own"})
    file = bring_in(client, page, filled(page) | kept | DAY)
    assert (file.state, file.accepted, file.rejected) == (ImportFile.State.MERGED, 200, 0)
    assert set(OwnField.objects.values_list("code", "type")) == {
        ("own_credit_score", "whole"),
        ("own_balance", "number"),
        ("own_num_of_products", "whole"),
        ("own_has_cr_card", "flag"),
        ("own_is_active_member", "flag"),
        ("own_exited", "flag"),
    }
    assert not Customer.objects.filter(closed_on__isnull=False).exists()


def test_a_card_file_without_names_comes_in_and_its_words_for_leaving_are_yes_and_no(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, bank_churners(random.Random(2)), name="BankChurners.csv")
    said = proposals(page)
    assert (said["Card_Category"], said["Total_Trans_Amt"], said["Avg_Utilization_Ratio"]) == (
        "choice",
        "whole",
        "number",
    )
    assert said["Naive_Bayes_Classifier_1"].startswith("out: numbers with an exponent")
    kept = after(client, page, {field_of(page, "Attrition_Flag"): "own"})
    at = [row.name for row in page.context["rows"]].index("Attrition_Flag")
    assert kept[f"own_type_{at}"] == "flag"
    file = bring_in(client, page, filled(page) | kept | DAY)
    assert rejects(file) == []
    assert (file.state, file.rejected) == (ImportFile.State.MERGED, 0)
    assert fields.get("own_attrition_flag").type == fields.Type.FLAG
    first = Customer.objects.order_by("number").first()
    assert first is not None
    assert first.name == first.number


def test_a_loan_file_comes_in_with_its_status_as_yes_and_no(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, loan_approval(random.Random(3)), name="loans.csv")
    said = proposals(page)
    assert said["Loan_ID"] == "number"
    assert said["Loan_Status"] == "flag"
    assert said["Property_Area"] == "choice"
    file = bring_in(client, page, filled(page) | DAY)
    assert rejects(file) == []
    assert (file.state, file.accepted, file.rejected) == (ImportFile.State.MERGED, 200, 0)
    assert OwnField.objects.get(code="own_loan_status").type == "flag"


def test_a_file_of_numbers_and_facts_meets_known_customers_and_can_leave_others_out(cast: Cast) -> None:
    client = login(cast.ada)
    Customer.objects.create(number="C1", name="Wang Fang")
    page = upload(client, facts_only(), name="facts.csv")
    file = bring_in(client, page, filled(page) | DAY | {"named_by_number": "no"})
    assert (file.accepted, file.rejected) == (1, 2)
    assert Customer.objects.get().name == "Wang Fang"
    page = upload(client, facts_only() + b"C4,9\n", name="more.csv")
    assert proposals(page) == {"customer_id": "number", "nps": "own_nps"}
    file = bring_in(client, page, filled(page) | DAY | {"named_by_number": "yes"})
    assert (file.accepted, file.inserted) == (4, 3)
    assert dict(Customer.objects.values_list("number", "name"))["C1"] == "Wang Fang"
