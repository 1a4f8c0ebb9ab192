"""Training: two learners on a split by time, or a refusal that says what is missing."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from analytics import card, labels, training
from analytics.modelling import artefact
from analytics.models import ModelVersion
from bankcrm import runs
from bankcrm.models import AuditEvent
from customers.models import Holding
from tests.analytics import bank
from tests.cast import Cast


def test_two_learners_are_trained_calibrated_and_judged_on_later_data(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    _model, versions = bank.trained(cast, monkeypatch)
    assert [version.number for version in versions] == [1, 2]
    assert {version.algorithm for version in versions} == {"logistic", "hist_gradient_boosting"}
    assert {version.state for version in versions} == {ModelVersion.State.TRAINED}
    for version in versions:
        document = version.card
        assert document["slices"]["train"]["to"] < document["slices"]["validation"]["from"]
        assert document["slices"]["validation"]["to"] < document["slices"]["out_of_time"]["from"]
        assert document["metrics"]["auc"]["low"] > 0.55
        assert document["importance"][0]["feature"] == "demand_deposit"
        assert (document["source"], document["owner"]) == ("holdings", "Ana")
        assert artefact.load(bytes(version.artefact), version.sha256).kind == version.algorithm
    other = versions[1].card["against"][0]
    assert other["version"] == 1
    assert other["metrics"]["auc"]["theirs"] == pytest.approx(versions[0].card["metrics"]["auc"]["value"])
    assert AuditEvent.objects.filter(action="model.trained", actor=cast.ana).count() == 2


def test_a_new_version_is_compared_with_the_champion_on_the_same_rows(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bank.in_use(cast, monkeypatch)
    model.features = ["industry", "last_transaction_on"]
    model.save()
    with_less = training.train(model, cast.ana)[0]
    champion = next(entry for entry in with_less.card["against"] if entry["version"] == 1)
    assert champion["n"] == with_less.card["slices"]["out_of_time"]["n"]
    assert champion["metrics"]["auc"]["high"] < 0
    assert with_less.card["objection"]


def test_where_campaigns_teach_nothing_the_model_learns_from_all_customers(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _versions = bank.trained(cast, monkeypatch)
    days = [dt.date(2026, 3, 16), dt.date(2026, 5, 18), dt.date(2026, 7, 13)]
    for number, day in enumerate(days):
        # Every fifth customer in order of the number converts: nothing a feature could tell.
        bank.campaign(model.product, f"c{number}", day, range(1 + 500 * number, 501 + 500 * number))
    assert labels.enough_assigned(model, bank.LATEST)
    version = training.train(model, cast.ana, bank.LATEST)[0]
    assert version.card["source"] == labels.HOLDINGS
    assert "no better than chance" in str([card.told(note) for note in version.card["notes"]])
    assert version.card["metrics"]["auc"]["low"] > 0.55


@pytest.mark.parametrize(("follows", "source"), [("demand_deposit", "assignments"), ("aum", "holdings")])
def test_campaigns_labels_are_taken_where_they_rank_all_later_customers_as_well(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, follows: str, source: str
) -> None:
    """Purchases follow demand deposits; who is contacted converts by the same, or by something of no use elsewhere."""
    monkeypatch.setattr(training, "RESAMPLES", 50)
    model = bank.make_model(cast, bank.make_history(2000))
    for number, day in enumerate([dt.date(2026, 3, 16), dt.date(2026, 5, 18), dt.date(2026, 7, 13)]):
        bank.campaign(model.product, f"c{number}", day, range(1, 1501), every=1501)
        bank.run_sql(
            "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
            " SELECT a.customer_id, a.campaign_code, 'conversion', 'matched', a.assigned_on + 9"
            " FROM customers_assignment a JOIN customers_customerprofile p ON p.customer_id = a.customer_id"
            " AND p.month = %s WHERE a.campaign_code = %s"
            f" AND mod(abs(hashint8extended(a.customer_id, 7)), 1000) < p.{follows} * 0.6"
            " ON CONFLICT DO NOTHING",
            day.replace(day=1) - dt.timedelta(days=1),
            f"c{number}",
        )
    version = training.train(model, cast.ana, bank.LATEST)[0]
    told = str([card.told(note) for note in version.card["notes"]])
    compared = version.card["labels_compared"]
    assert version.card["source"] == source, told
    if source == "assignments":
        assert "Learned from campaigns. Of the same" in told
        assert version.card["everybody"]["auc"]["low"] > 0.55
        assert version.card["against"][0]["n"] == compared["n"] == version.card["everybody"]["n"]
    else:
        assert "it may rank worse" in told
        assert compared["high"] < 0
        assert version.card["metrics"]["auc"]["low"] > 0.55


def test_a_feature_that_knows_the_outcome_blocks_the_training(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "RESAMPLES", 50)
    product = bank.make_history(800)
    bank.run_sql(
        "UPDATE customers_customerprofile p SET tenure_months = EXISTS (SELECT 1 FROM customers_holding h"
        " WHERE h.customer_id = p.customer_id AND h.opened_on BETWEEN p.month AND p.month + 60)::int"
    )
    model = bank.make_model(cast, product, features=["aum", "tenure_months"])
    with pytest.raises(runs.Refused, match=r"Months with us \(tenure_months\) alone ranks the outcome"):
        training.train(model, cast.ana)
    assert not ModelVersion.objects.exists()


def test_too_few_responders_give_a_rule_labelled_as_such(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    (version,) = training.train(model, cast.ana)
    assert (version.algorithm, version.artefact) == (ModelVersion.Algorithm.RULE, None)
    told = " ".join(card.told(note) for note in version.card["notes"])
    assert "needs at least 50 responders" in told
    assert "not a probability" in told
    assert 0 < version.card["rate"] < 0.2


def test_without_any_responder_nothing_is_made(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    Holding.objects.all().delete()
    with pytest.raises(runs.Refused, match=r"nothing to learn from: of \d+ customers .* nobody did it"):
        training.train(model, cast.ana)
    assert not ModelVersion.objects.exists()


def test_without_a_profile_training_says_what_to_do(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_product())
    with pytest.raises(runs.Refused, match="Build the month-end profile first"):
        training.train(model, cast.ana)


def test_without_a_complete_window_training_says_which(cast: Cast) -> None:
    model = bank.make_model(cast, bank.make_product())
    bank.make_people(5)
    bank.make_profiles([bank.LATEST])
    model.horizon_days = 3650
    with pytest.raises(runs.Refused, match="3650 days before"):
        training.train(model, cast.ana)


def test_missing_month_ends_are_built_on_the_way(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from analytics import labels

    built: list[Any] = []
    product = bank.make_history(120)
    bank.run_sql("DELETE FROM customers_customerprofile WHERE month = %s", bank.MONTHS[2])
    monkeypatch.setattr(
        labels.profile, "build", lambda month: built.append(month) or bank.make_profiles([month])
    )
    training.train(bank.make_model(cast, product), cast.ana)
    assert built == [bank.MONTHS[2]]


def test_a_repeated_run_finds_its_versions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bank.make_model(cast, bank.make_history(120))
    run = runs.request("analytics.train", cast.ana, model=model.pk)
    job = SimpleNamespace(
        run=run, run_id=run.pk, fence=lambda: None, progress=lambda done, total=None, note="": None
    )
    first = training.train(model, cast.ana, job=job)
    assert training.train(model, cast.ana, job=job) == first
    assert ModelVersion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_run_trains_and_links_to_the_model() -> None:
    from tests.cast import make_bank

    cast = make_bank()
    model = bank.make_model(cast, bank.make_history(120))
    run = runs.request("analytics.train", cast.ana, model=model.pk)
    assert runs.execute(run.pk) == "done"
    run.refresh_from_db()
    assert run.result == {"url": f"/models/{model.pk}/", "versions": "v1"}
