"""Published answers against what customers then chose: only once the window is over, and only of those who chose."""

from __future__ import annotations

import datetime as dt

import pytest

from analytics import predictive, preference_verification, scoring, verifying
from analytics.models import PreferenceAnswer, Verification
from bankcrm import runs
from bankcrm.models import Run
from customers.models import Holding
from tests.analytics import bank, preference_bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


def test_answers_are_counted_once_the_window_is_over_against_what_was_chosen(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = preference_bank.in_use(cast, monkeypatch)
    assert (
        preference_verification.count(scoring.score(model, None, cast.ana)) is None
    )  # nothing can be known yet
    july = preference_bank.MONTHS[-1]
    run = scoring.score(model, july, cast.ana)
    counted = preference_verification.count(run)
    assert counted is not None
    said = {row.customer_id: row for row in PreferenceAnswer.objects.filter(score_run=run).exclude(answer="")}
    chosen = bank_words(july)
    both = said.keys() & chosen.keys()
    assert counted["n"] == len(both)
    assert counted["observed"] == sum(said[one].answer == chosen[one] for one in both)
    assert counted["expected"] == pytest.approx(sum(said[one].chance or 0 for one in both), rel=1e-6)
    assert counted["alarm"] == "none"
    result = counted["result"]
    assert sum(row["n"] for row in result["rows"]) == len(both)
    answers = {row["group"]: row for row in result["groups"] if row["kind"] == "answer"}
    assert answers["savings"]["observed"] == sum(chosen[one] == "savings" for one in both)
    assert answers["insurance"]["expected"] == 0  # never learned, so nothing was promised
    assert answers["insurance"]["ratio"] is None
    assert result["intervals"]["accuracy"]["low"] > result["intervals"]["base_accuracy"]["high"]
    assert result["intervals"]["gain"]["low"] > 0
    learned = result["preference"]
    assert learned["n"] == len(both) - answers["insurance"]["observed"]
    assert sum(map(sum, learned["confusion"])) == learned["n"]


def test_promises_that_do_not_come_true_raise_the_alarm(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = preference_bank.in_use(cast, monkeypatch)
    run = scoring.score(model, preference_bank.MONTHS[-1], cast.ana)
    savings = "(SELECT id FROM customers_product WHERE line = 'savings')"
    bank.run_sql(f"UPDATE customers_holding SET product_id = {savings} WHERE opened_on > DATE '2026-07-31'")
    counted = preference_verification.count(run)
    assert counted is not None
    assert counted["alarm"] == "over"
    alarms = {row["group"]: row["alarm"] for row in counted["result"]["groups"] if row["kind"] == "answer"}
    assert alarms == {"savings": "under", "wealth": "over"}


def bank_words(month: dt.date) -> dict[int, str]:
    """Customer → line of the first purchase in the window after a month, by hand."""
    found: dict[int, str] = {}
    bought = Holding.objects.filter(opened_on__gt=month).select_related("product").order_by("opened_on", "id")
    for one in bought:
        found.setdefault(one.customer_id, one.product.line)
    return found


def test_scoring_counts_what_has_become_known_once_and_the_page_shows_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = preference_bank.in_use(cast, monkeypatch)
    july = scoring.score(model, preference_bank.MONTHS[-1], cast.ana)
    page = f"/models/{model.pk}/verification/?run={july.pk}"
    assert "O/E" not in login(cast.mei).get(page).content.decode()
    asked = runs.request("analytics.score", cast.ana, **predictive.work_on(model))
    assert runs.execute(asked.pk) == Run.State.DONE
    kept = Verification.objects.get()
    assert kept.score_run_id == july.pk  # the newest month cannot be known yet
    assert kept.run_id == asked.pk
    assert verifying.count(model, cast.ana) == 0
    told = login(cast.mei).get(page).content.decode()
    for said in ("The likeliest answer came true", "O/E", "named →", "too few expected"):
        assert said in told
    api = login(cast.mei).get(f"/api/v1/models/{model.code}/score-runs/{july.pk}/verification/").json()
    assert api["is_known"]
    assert api["result"]["intervals"]["accuracy"] == kept.result["intervals"]["accuracy"]
