"""Predicted against actual of a score run, once its outcomes are in."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from django.db import transaction

from analytics import card, scoring, segments, verification, verifying
from analytics.modelling import metrics
from analytics.models import ModelVersion, Score, ScoreRun, SegmentRun, Verification
from bankcrm import proportions
from bankcrm.partitions import ensure_months
from customers.models import Assignment, Contact
from tests.analytics import bank
from tests.analytics.scored import AS_OF, buy, hundred
from tests.cast import Cast


@pytest.fixture
def run(cast: Cast) -> ScoreRun:
    return hundred(cast)


def test_every_tenth_shows_predicted_and_actual(run: ScoreRun) -> None:
    buy(run, [1, 2, 3, 4, 15, 25])
    buy(run, [99], after_days=61)
    found = verification.verify(run)
    assert found is not None
    first, last = found.rows[0], found.rows[-1]
    assert (first.n, first.positives, first.predicted, first.actual) == (10, 4, pytest.approx(0.5), 0.4)
    assert (last.positives, last.inside) == (0, True)
    assert (found.n, found.observed, found.expected) == (100, 6, pytest.approx(14.0))
    assert found.alarm == "over"  # 0.43, and the interval ends below 1
    assert found.ratio is not None
    assert found.ratio["value"] == pytest.approx(6 / 14)
    assert found.inside == 10
    assert found.intervals["auc"]["low"] < found.intervals["auc"]["value"] < found.intervals["auc"]["high"]


def test_a_prediction_outside_the_interval_is_told(run: ScoreRun) -> None:
    found = verification.verify(run)
    assert found is not None
    assert not found.rows[0].inside
    assert found.rows[1].inside


def assign(customer: int, on: dt.date, **more: bool) -> None:
    Assignment.objects.create(
        campaign_code="autumn",
        customer_id=customer,
        cell_code="a",
        product_code="fund",
        assigned_on=on,
        **more,
    )


def test_contacted_control_exploration_and_other_customers_stand_apart(run: ScoreRun) -> None:
    inside = AS_OF + dt.timedelta(days=7)
    assign(1, inside)
    assign(2, inside)
    assign(3, inside, is_control=True)
    assign(4, AS_OF - dt.timedelta(days=7))
    assign(5, inside, is_exploration=True)
    ensure_months("customers_contact", inside, inside)
    Contact.objects.create(
        contacted_on=inside, reference="x", customer_id=1, campaign_code="autumn", channel="phone"
    )
    buy(run, [1, 3, 4])
    found = verification.verify(run)
    assert found is not None
    arms = {name: (group["n"], group["observed"]) for name, group in found.of(verification.ARM).items()}
    assert arms == {
        "contacted": (1, 1),
        "not_contacted": (1, 0),
        "control": (1, 1),
        "exploration": (1, 0),
        "other": (96, 1),
    }
    assert found.of(verification.ARM)["control"]["ratio"] is None  # half an outcome expected says nothing


def test_chances_learned_from_campaigns_are_held_against_the_approached_alone(
    cast: Cast, run: ScoreRun
) -> None:
    ModelVersion.objects.filter(pk=run.version_id).update(card={"source": "assignments"})
    for customer in range(1, 11):
        assign(customer, AS_OF + dt.timedelta(days=7))
    assign(11, AS_OF + dt.timedelta(days=7), is_control=True)
    buy(run, [1, 2, 3, 4, 5, 11])
    verifying.count(run.version.model, cast.ana)
    kept = Verification.objects.get(score_run=run)
    assert (kept.n, kept.observed, kept.alarm) == (100, 6, "none")  # of everybody 14 were "expected"
    found = verification.stored(kept)
    assert found.promised == {"n": 10, "observed": 5, "expected": pytest.approx(5.0)}
    assert found.ratio is not None
    assert found.ratio["value"] == pytest.approx(1.0)
    assert "ece" not in found.intervals
    assert "10 of them in the window 5 did it where 5 were predicted" in card.told(found.sentence)


def test_every_branch_and_segment_is_judged_by_itself(cast: Cast, run: ScoreRun) -> None:
    segmentation = segments.define(
        cast.ana, code="tens", name="Tens", kind="rules", rules=[{"name": "first", "condition": {}}]
    )
    made = SegmentRun.objects.create(
        version=segmentation.in_use, as_of=AS_OF, state=SegmentRun.State.PUBLISHED
    )
    bank.run_sql(
        f"CREATE TABLE analytics_segmentmember_{made.pk} PARTITION OF analytics_segmentmember"
        f" FOR VALUES IN ({made.pk})"
    )
    bank.run_sql(
        "INSERT INTO analytics_segmentmember (segment_run_id, customer_id, segment)"
        " SELECT %s, i, 1 + (i > 50)::int FROM generate_series(1, 90) i",
        made.pk,
    )
    north, south = cast.tree.n1.pk, cast.tree.s1.pk
    bank.run_sql(
        "UPDATE customers_customer SET home_branch_id = CASE WHEN id <= 40 THEN %s ELSE %s END", north, south
    )
    buy(run, list(range(51, 71)))
    found = verification.verify(run)
    assert found is not None
    branches = found.of(verification.BRANCH)
    assert {name: (group["n"], group["observed"]) for name, group in branches.items()} == {
        str(north): (40, 0),
        str(south): (60, 20),
    }
    assert (branches[str(north)]["alarm"], branches[str(south)]["alarm"]) == ("over", "under")
    assert {name: group["n"] for name, group in found.of("segment:tens").items()} == {"1": 50, "2": 40}


def test_an_open_window_is_not_verified(run: ScoreRun) -> None:
    run.version.model.horizon_days = 62
    assert verification.complete_on(run) == dt.date(2026, 11, 1)
    assert verification.verify(run) is None
    buy(run, [1], after_days=62)
    assert verification.verify(run) is not None


def test_a_run_that_was_never_published_is_not_verified(run: ScoreRun) -> None:
    run.state = ScoreRun.State.DROPPED
    assert verification.verify(run) is None


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 4120)])
def test_the_interval_is_wilsons(successes: int, n: int) -> None:
    assert proportions.wilson(successes, n) == pytest.approx(metrics.wilson(successes, n), abs=1e-12)


def test_who_is_assigned_on_the_day_of_the_scores_is_in_a_campaign(run: ScoreRun) -> None:
    Assignment.objects.create(
        campaign_code="c",
        customer_id=1,
        cell_code="a",
        product_code=run.version.model.sells.code,
        assigned_on=AS_OF,
    )
    found = verification.verify(run)
    assert found is not None
    arms = {name: group["n"] for name, group in found.of(verification.ARM).items()}
    assert arms == {"not_contacted": 1, "other": 99}


def test_what_is_counted_is_kept_once_and_outlives_the_scores(cast: Cast, run: ScoreRun) -> None:
    model = run.version.model
    buy(run, [1, 2])
    assert verifying.count(model, cast.ana) == 1
    assert verifying.count(model, cast.ana) == 0
    kept = Verification.objects.get(score_run=run)
    assert verification.stored(kept) == verification.verify(run)
    assert (kept.alarm, kept.data_through) == ("over", bank.LATEST)
    buy(run, [3], after_days=40)
    assert verifying.count(model, cast.ana, again=True) == 1
    assert Verification.objects.get(score_run=run).observed == 3


def test_a_challenger_is_held_against_the_champion_and_its_rows_go_when_they_are_spent(
    cast: Cast, run: ScoreRun
) -> None:
    def beside(number: int) -> ScoreRun:
        version = bank.make_version(run.version.model, number)
        made = ScoreRun.objects.create(
            version=version, as_of=AS_OF, state=ScoreRun.State.PUBLISHED, challenger=True
        )
        ids = np.arange(1, 101)
        with transaction.atomic():
            scoring.write_back(made, ids, ids.astype(float), np.full(100, 0.2, dtype=np.float32))
        return made

    first, second = beside(2), beside(3)
    buy(run, [1, 2, 3, 4])
    assert verifying.count(run.version.model, cast.ana) == 3
    against = verification.stored(Verification.objects.get(score_run=first)).against
    assert against is not None
    assert (against["run"], against["n"]) == (run.pk, 100)
    assert (against["auc"]["theirs"], against["auc"]["ours"]) == (1.0, 0.0)
    assert against["auc"]["high"] < 0
    for each in (run, first, second):
        each.refresh_from_db()
    assert (run.state, first.state, second.state) == ("published", "dropped", "published")
    assert Score.objects.filter(score_run=first).count() == 0
