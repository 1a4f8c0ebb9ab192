"""Prospects: a list comes in, a model learns from customers by the fields it has; who may be approached is ranked."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied

from analytics import card, predictive, prospect_scoring, prospect_verification, prospects, training
from analytics.forms import ProspectModelForm
from analytics.models import PredictiveModel, ProspectRun, ProspectScore
from bankcrm import runs
from bankcrm.models import AuditEvent
from customers.imports import undo
from customers.models import Customer, Holding, ImportFile, Prospect
from tests.analytics import bank
from tests.cast import Cast, login
from tests.customers import imports_world

pytestmark = pytest.mark.django_db
COLUMNS = "list,number,name,phone,income,occupation,consent,opt out\n"
MAPPED = {
    "list": "list_code", "number": "number", "name": "name", "phone": "phone", "income": "monthly_income",
    "occupation": "occupation", "consent": "has_agreed", "opt out": "objects_to_contact",
}  # fmt: skip


def row(number: int, **changes: str) -> str:
    told = {
        "list": "fair-2026", "number": f"P{number}", "name": f"Person {number}", "phone": f"139{number:08}",
        "income": str(50 * number), "occupation": "", "consent": "yes", "opt out": "no",
    }  # fmt: skip
    return ",".join((told | changes).values()) + "\n"


def bring(folder: Path, cast: Cast, rows: str, name: str = "fair.csv") -> ImportFile:
    path = imports_world.write(folder, COLUMNS + rows, name)
    return imports_world.merged(path, "prospects", cast.ana, mapped=MAPPED)


@pytest.fixture
def listed(cast: Cast, tmp_path: Path) -> ImportFile:
    """200 people; P1 is a customer by the phone, P2 did not agree, P3 must not be contacted."""
    Customer.objects.create(pk=900001, number="K1", name="Known", phone="13900000001", closed_on="2020-01-01")
    odd = {2: {"consent": ""}, 3: {"opt out": "yes"}}
    return bring(tmp_path, cast, "".join(row(n, **odd.get(n, {})) for n in range(1, 201)))


def model_of(cast: Cast, **changes: str) -> PredictiveModel:
    """Customers with a high income open the product more often; nothing else tells who does."""
    product = bank.make_product()
    bank.make_people(1500)
    bank.run_sql(
        "UPDATE customers_customer SET monthly_income = 10 * (id * 37 % 1000),"
        " occupation = (ARRAY['farmer', 'teacher'])[1 + id % 2] WHERE number LIKE 'C%'"
    )
    bank.make_profiles([*bank.MONTHS, bank.LATEST])
    for month in bank.MONTHS:
        bank.run_sql(
            "INSERT INTO customers_holding (number, customer_id, product_id, opened_on, closed_on)"
            " SELECT 'H' || id || '-' || %s::date, id, %s, %s::date + 20, %s::date + 25 FROM customers_customer"
            " WHERE mod(abs(hashint8extended(id, %s)), 10000) < 0.4 * monthly_income",
            month, product.pk, month, month, month.toordinal(),
        )  # fmt: skip
    told = {
        "name": "Fair",
        "code": "fair",
        "product": product.pk,
        "horizon_days": 60,
        "prospect_list": "fair-2026",
    }
    form = ProspectModelForm(told | changes, user=cast.ana)
    assert form.is_valid(), form.errors
    return predictive.define(cast.ana, **form.definition())


def scored(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> ProspectRun:
    monkeypatch.setattr(training, "RESAMPLES", 50)
    model = model_of(cast)
    version = training.train(model, cast.ana)[0]
    predictive.promote(version, cast.max)
    return prospect_scoring.score(PredictiveModel.objects.get(pk=model.pk), cast.ana)


def test_a_list_is_ranked_by_what_customers_taught_about_the_fields_it_has(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scored(cast, monkeypatch)
    version = run.version
    # Nobody's occupation is on the list, so no model may look at it.
    assert version.features == ["monthly_income"]
    assert "only from the fields the list fair-2026 has" in card.told(version.card["limits"][0])
    assert (run.rows, run.left_out) == (199, {"identity": 0, "phone": 1})
    found = ProspectScore.objects.filter(prospect_run=run).order_by("-raw")
    numbers = [int(score.prospect.number[1:]) for score in found.select_related("prospect")]
    assert np.corrcoef(numbers, np.arange(199))[0, 1] < -0.95
    chances = [score.probability for score in found]
    assert chances[0] > 0.25
    assert chances[-1] < 0.1
    assert [score.decile for score in found][::20] == list(range(1, 11))
    assert AuditEvent.objects.filter(action="prospects.scored").exists()
    assert not PredictiveModel.objects.for_targeting().filter(pk=version.model_id).exists()


def test_only_who_agreed_does_not_object_and_is_no_customer_is_handed_over_masked(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scored(cast, monkeypatch)
    found = prospects.standing("fair-2026")
    assert found is not None
    assert (found.size, found.agreed, found.objects, found.by_phone, found.approachable) == (
        200,
        199,
        1,
        1,
        197,
    )
    # Whoever became a customer since the scoring goes too.
    Customer.objects.create(pk=900002, number="K2", name="New", phone="13900000200")
    answer = login(cast.mei).post("/prospects/fair-2026/ranking/", {"run": run.pk})
    told = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    assert len(told) == 196
    assert {"P1", "P2", "P3", "P200"}.isdisjoint(line[1] for line in told)
    assert told[0][1] == "P199"
    assert "13900000199" not in answer.content.decode()
    assert "139****0199" in answer.content.decode()
    event = AuditEvent.objects.get(action="prospects.exported")
    assert (event.actor_id, event.details["rows"]) == (cast.mei.pk, 196)
    page = login(cast.max).get("/prospects/fair-2026/").content.decode()
    for text in (
        "139****0199",
        "Mean chance by decile",
        "not used: too few have it",
        "Customers already, by phone",
    ):
        assert text in page
    assert "Ranking as CSV" not in page
    api = login(cast.ana).get("/api/v1/prospect-lists/fair-2026/ranking/").json()
    assert api["results"][0]["number"] == "P199"
    assert login(cast.max).post("/prospects/fair-2026/ranking/").status_code == 403
    assert login(cast.rita).get("/prospects/fair-2026/").status_code == 403


def test_a_list_that_lost_a_field_of_the_model_is_not_scored(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scored(cast, monkeypatch)
    Prospect.objects.update(monthly_income=None)
    with pytest.raises(runs.Refused, match="no longer says: Monthly income"):
        prospect_scoring.score(run.version.model, cast.ana)
    assert prospects.in_use("fair-2026") == [run]


def test_the_undo_of_the_import_takes_the_prospects_and_their_scores(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scored(cast, monkeypatch)
    undo.undo(listed, cast.ana)
    assert not Prospect.objects.exists()
    assert not ProspectScore.objects.exists()
    assert login(cast.ana).get("/prospects/fair-2026/").status_code == 404
    with pytest.raises(runs.Refused, match="Nobody is on the list"):
        prospect_scoring.score(run.version.model, cast.ana)


def test_a_list_whose_purpose_is_over_is_deleted_with_its_scores_and_on_record(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = scored(cast, monkeypatch)
    bring(tmp_path, cast, row(1, list="other"), "other.csv")
    assert login(cast.mei).post("/prospects/fair-2026/remove/").status_code == 403
    with pytest.raises(PermissionDenied):
        prospects.remove("fair-2026", cast.mei)
    assert login(cast.ana).post("/prospects/fair-2026/remove/").status_code == 302
    assert list(Prospect.objects.values_list("list_code", flat=True)) == ["other"]
    assert not ProspectScore.objects.exists()
    assert ProspectRun.objects.get().rows == run.rows
    event = AuditEvent.objects.get(action="prospects.removed")
    assert (event.actor_id, event.details) == (cast.ana.pk, {"list": "fair-2026", "rows": 200})


def test_too_few_buyers_give_no_rule_because_a_list_has_no_bookings(cast: Cast, listed: ImportFile) -> None:
    model = model_of(cast)
    bank.run_sql("DELETE FROM customers_holding WHERE customer_id > 20")
    with pytest.raises(runs.Refused, match="needs at least 50 responders"):
        training.train(model, cast.ana)


def test_a_corrected_file_changes_the_list_and_a_bad_name_stays_out(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, row(1) + row(2), "a.csv")
    again = bring(tmp_path, cast, row(1, income="70") + row(3) + row(4, list="the fair"), "b.csv")
    assert (again.inserted, again.updated, again.rejected) == (1, 1, 1)
    assert imports_world.rejects(again) == [(4, "list", "list_code_unusable")]
    assert again.options["page"] == {"route": "prospect-detail", "pk": "fair-2026"}
    assert Prospect.objects.get(number="P1").monthly_income == 70
    undo.undo(again, cast.ana)
    assert Prospect.objects.get(number="P1").monthly_income == 50
    assert Prospect.objects.count() == 2


def test_the_form_asks_for_a_list_that_says_something(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast, row(1, income=""))
    told = {
        "name": "F",
        "code": "f",
        "product": bank.make_product().pk,
        "horizon_days": 60,
        "prospect_list": "fair-2026",
    }
    lacking = ProspectModelForm(told | {"features": ["occupation"]}, user=cast.ana)
    assert "does not say: Occupation" in str(lacking.errors["features"])
    Prospect.objects.all().delete()
    assert "prospect_list" in ProspectModelForm(told, user=cast.ana).errors


def test_scores_are_held_against_who_became_a_customer_and_opened_the_product(
    cast: Cast, listed: ImportFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scored(cast, monkeypatch)
    web = login(cast.ana)
    assert "Not known yet" in web.get("/prospects/fair-2026/").content.decode()
    product = run.version.model.sells
    first, last = run.as_of + dt.timedelta(days=1), prospect_verification.complete_on(run)
    opened = {150: first, 170: last, 180: last + dt.timedelta(days=1), 190: None}
    for number, day in opened.items():
        pk = 910_000 + number
        Customer.objects.create(
            pk=pk, number=f"N{number}", name="New", phone=f"139{number:08}", opened_on=first
        )
        if day:
            Holding.objects.create(number=f"N{number}", customer_id=pk, product=product, opened_on=day)
    Prospect.objects.filter(number="P60").update(phone="")  # nobody could recognise
    found = prospect_verification.outcome(run)
    assert (found.n, found.observed, found.joined, found.unrecognisable) == (run.rows - 1, 2, 4, 1)
    assert sum(row.positives for row in found.rows if row.decile <= 3) == 2  # a high income ranks first
    assert found.alarm == "over"  # about 25 of the 199 were promised
    page = web.get("/prospects/fair-2026/").content.decode()
    assert "promised too much" in page
    assert "4 became customers" in page
    told = web.get("/api/v1/prospect-lists/fair-2026/").json()["scorings"][0]
    assert (told["counted"], told["observed"]) == (found.n, 2)
    assert [each.run.pk for each in prospect_verification.trend(run)] == [run.pk]
