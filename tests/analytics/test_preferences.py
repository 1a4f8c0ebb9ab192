"""Preferences: what counts as an answer, what a model learns and says of itself, and who gets no answer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from analytics import audience, card, features, predictive, preference_training, preferences, scoring
from analytics.models import ModelVersion, PredictiveModel, PreferenceAnswer
from bankcrm import runs
from customers import preferences as profile_preferences
from customers.models import CustomerProfile, Product
from tests.analytics import bank, preference_bank
from tests.cast import Cast

pytestmark = pytest.mark.django_db
APRIL, JULY = dt.date(2026, 4, 30), dt.date(2026, 7, 31)


def answers(model: PredictiveModel, month: dt.date = APRIL) -> dict[int, str]:
    """Customer → the word that counts, of everybody a model learns from at a month-end."""
    classes = preferences.subject(model).classes
    specs = features.learn_specs(features.usable(["aum"]), ())
    batch = features.matrix(month, specs, preferences.labelled(model, month))
    words = [classes[int(code)] for code in batch.extra["label"]]
    return dict(zip(batch.ids.tolist(), words, strict=True))


def small(n: int = 8) -> None:
    """A few customers, all of them busy but the last."""
    bank.make_people(n)
    bank.make_profiles([APRIL, JULY])
    CustomerProfile.objects.update(transactions_12m=4, purchases_12m=1)
    CustomerProfile.objects.filter(customer_id=n).update(purchases_12m=0)


def hold(customer: int, line: str, asset_class: str, day: dt.date) -> None:
    product, _made = Product.objects.get_or_create(
        code=f"{line}-{asset_class}", defaults={"name": line, "line": line, "asset_class": asset_class}
    )
    bank.run_sql(
        "INSERT INTO customers_holding (number, customer_id, product_id, opened_on) VALUES (%s, %s, %s, %s)",
        f"{customer}-{line}-{day}",
        customer,
        product.pk,
        day,
    )


def test_the_first_purchase_in_the_window_counts_and_a_current_account_is_none(cast: Cast) -> None:
    small()
    model = preference_bank.define(cast)
    hold(1, "wealth", "wealth_management", dt.date(2026, 5, 2))
    hold(1, "insurance", "insurance", dt.date(2026, 6, 2))
    hold(2, "savings", "demand_deposit", dt.date(2026, 5, 2))
    hold(3, "credit_card", "", APRIL)  # before the window
    hold(4, "credit_card", "", dt.date(2026, 7, 24))  # its last day
    hold(5, "credit_card", "", dt.date(2026, 7, 25))  # after it
    hold(8, "wealth", "wealth_management", dt.date(2026, 5, 2))  # seen too little
    assert answers(model) == {1: "wealth", 4: "credit_card"}


def test_the_channel_of_most_transactions_counts_from_five_on_and_other_never(cast: Cast) -> None:
    small()
    model = preference_bank.define(cast, "channel")
    may = dt.date(2026, 5, 4)
    preference_bank.book(1, "mobile", may, 3)
    preference_bank.book(1, "counter", may, 2)
    preference_bank.book(2, "mobile", may, 4)  # one too few
    preference_bank.book(3, "mobile", may, 2)
    preference_bank.book(3, "other", may, 9)
    preference_bank.book(4, "other", may, 9)
    preference_bank.book(5, "online", APRIL, 9)  # before the window
    assert answers(model) == {1: "mobile", 3: "mobile"}


@pytest.mark.parametrize(
    ("target", "column", "word"),
    [("risk", "risk_preference", "adventurous"), ("finance", "financial_preference", "investing")],
)
def test_risk_and_finance_are_what_balances_show_at_the_month_end_of_the_window(
    cast: Cast, target: str, column: str, word: str
) -> None:
    small()
    model = preference_bank.define(cast, target)
    CustomerProfile.objects.filter(month=APRIL).update(**{column: "cautious"})
    CustomerProfile.objects.filter(month=JULY, customer_id=3).update(**{column: word})
    assert answers(model) == {3: word}


def test_a_model_learns_says_how_good_it_is_and_fills_the_profile_once_a_second_person_promotes(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, version = preference_bank.trained(cast, monkeypatch)
    known = version.card["preference"]
    assert known["kept"] == ["savings", "wealth"]
    assert [part["name"] for part in known["parts"]] == ["train", "validation", "out_of_time"]
    assert sum(sum(part["counts"]) for part in known["parts"]) == version.card["n"] == 3957
    # Eight of ten do what their balance says, half would be right by naming the commoner of two.
    assert known["metrics"]["accuracy"]["low"] < 0.8 < known["metrics"]["accuracy"]["high"]
    assert known["metrics"]["accuracy"]["low"] > known["metrics"]["base_accuracy"]["high"]
    assert sum(map(sum, known["confusion"])) == known["metrics"]["accuracy"]["n"]
    assert version.card["importance"][0]["feature"] == "demand_deposit"
    notes = " ".join(card.told(note) for note in version.card["notes"])
    for said in (
        "Insurance is not learned",
        "nobody chose it: Personal loan",
        "first purchase",
        "less than 5",
    ):
        assert said in notes
    with pytest.raises(predictive.Refused, match="second person"):
        predictive.promote(version, cast.ana)
    predictive.promote(version, cast.max)
    run = scoring.score(PredictiveModel.objects.get(pk=model.pk), None, cast.ana)
    assert run.psi == pytest.approx(0, abs=0.01)
    found = {row.customer_id: row for row in PreferenceAnswer.objects.filter(score_run=run)}
    profiles = CustomerProfile.objects.filter(month=bank.LATEST)
    assert len(found) == len(profiles) == run.rows == 2000
    for row in profiles:
        one = found[row.customer_id]
        enough = row.transactions_12m >= 5
        assert bool(one.answer) == enough
        assert (row.likely_product, row.likely_product_chance) == (one.answer, one.chance)
        if enough:
            assert one.chance == max(one.chances)
            assert {one.answer, one.second} == {"savings", "wealth"}
            assert sum(one.chances) == pytest.approx(1, abs=1e-6)
    rich = [
        found[row.customer_id] for row in profiles if row.demand_deposit > 700 and row.transactions_12m >= 5
    ]
    assert {one.answer for one in rich} == {"wealth"}
    # Building the month anew loses no answer, and conditions of audiences ask the field.
    assert profile_preferences.fill(bank.LATEST) == 0
    profiles.update(likely_product="", likely_product_chance=None)
    assert profile_preferences.fill(bank.LATEST) == sum(bool(one.answer) for one in found.values())
    wealth = {"all": [{"field": "likely_product", "op": "is", "value": "wealth"}]}
    assert audience.count(wealth, bank.LATEST, cast.ana) == sum(
        one.answer == "wealth" for one in found.values()
    )


def test_a_new_version_is_held_against_the_champion_on_the_same_later_customers(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, blind = preference_bank.trained(cast, monkeypatch, features=["aum"])
    ModelVersion.objects.update(card={**blind.card, "objection": None})
    champion = predictive.promote(blind, cast.max)
    PredictiveModel.objects.filter(pk=model.pk).update(features=preference_bank.FEATURES)
    (better,) = preference_training.train(PredictiveModel.objects.get(pk=model.pk), cast.ana)
    against = better.card["preference"]["against"]
    assert against["version"] == champion.number
    assert against["gain"]["low"] > 0.05
    assert against["accuracy"]["low"] > 0.2
    assert against["theirs"]["accuracy"] == pytest.approx(0.5, abs=0.05)
    predictive.promote(better, cast.max)
    back = predictive.roll_back(PredictiveModel.objects.get(pk=model.pk), cast.max)
    assert back.pk == champion.pk


def test_a_model_that_knows_no_more_than_the_shares_cannot_be_promoted(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    _model, version = preference_bank.trained(cast, monkeypatch, features=["preferred_product", "aum"])
    assert "not proven to know more" in card.told(version.card["objection"])
    with pytest.raises(predictive.Refused, match="not proven to know more"):
        predictive.promote(version, cast.max)


def test_a_field_that_knew_the_later_choice_is_refused_by_name(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_training, "RESAMPLES", 50)
    preference_bank.make()
    preference_bank.purchases()
    # As if the balance of insurance had been written down after the purchase.
    bank.run_sql(
        "UPDATE customers_customerprofile p SET insurance = 500 + p.customer_id %% 90 FROM customers_holding h"
        " JOIN customers_product product ON product.id = h.product_id WHERE h.customer_id = p.customer_id"
        " AND h.opened_on = p.month + 20 AND product.line = 'wealth' AND %s",
        True,
    )
    model = preference_bank.define(cast, features=[*preference_bank.FEATURES, "insurance"])
    with pytest.raises(
        runs.Refused, match=r"Insurance \(insurance\) alone tells who chose Wealth management later"
    ):
        preference_training.train(model, cast.ana)
    assert not ModelVersion.objects.exists()


def test_what_cannot_be_learned_is_refused_with_the_reason_and_leaves_no_version(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = preference_bank.define(cast, "channel")
    with pytest.raises(runs.Refused, match="no customer profile"):
        preference_training.train(model, cast.ana)
    preference_bank.make(60)
    with pytest.raises(runs.Refused, match="No month-end has a complete window"):
        preference_training.train(model, cast.ana)  # nobody booked anything
    preference_bank.purchases()
    with pytest.raises(runs.Refused, match="Two choices with at least 50 customers"):
        preference_training.train(preference_bank.define(cast), cast.ana)
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("wrong", [{"target": "opens"}, {"kind": "churn", "balance": "fund"}])
def test_the_database_keeps_a_definition_complete(cast: Cast, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        preference_bank.define(cast, **wrong)


def test_only_columns_of_preferences_can_be_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_preferences, "_sources", [lambda month: [("tier", "SELECT 1, 2, 3", ())]])
    with pytest.raises(ValueError, match="tier"):
        profile_preferences.fill(APRIL)
