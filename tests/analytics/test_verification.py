"""Predicted against actual of a score run, once its outcomes are in."""

from __future__ import annotations

import datetime as dt

import pytest

from analytics import verification
from analytics.modelling import metrics
from analytics.models import ScoreRun
from bankcrm import proportions
from customers.models import Assignment
from tests.analytics import bank
from tests.cast import Cast

AS_OF = bank.MONTHS[-1]


@pytest.fixture
def run(cast: Cast) -> ScoreRun:
    """A hundred customers scored at the end of August, ten a decile: predicted 0.5 in the best tenth, 0.1 else."""
    bank.make_people(100)
    bank.make_profiles([AS_OF, bank.LATEST])
    model = bank.make_model(cast, bank.make_product())
    made = ScoreRun.objects.create(
        version=bank.make_version(model, 1), as_of=AS_OF, state=ScoreRun.State.PUBLISHED
    )
    bank.run_sql(
        f"CREATE TABLE analytics_score_{made.pk} PARTITION OF analytics_score FOR VALUES IN ({made.pk})"
    )
    bank.run_sql(
        "INSERT INTO analytics_score (score_run_id, customer_id, raw, probability, decile)"
        " SELECT %s, i, -i, CASE WHEN i <= 10 THEN 0.5 ELSE 0.1 END, 1 + (i - 1) / 10 FROM generate_series(1, 100) i",
        made.pk,
    )
    return made


def buy(run: ScoreRun, customers: list[int], after_days: int = 30) -> None:
    bank.run_sql(
        "INSERT INTO customers_holding (number, customer_id, product_id, opened_on)"
        " SELECT 'B' || i || '-' || %s, i, %s, %s FROM unnest(%s::int[]) i",
        after_days,
        run.version.model.product_id,
        AS_OF + dt.timedelta(days=after_days),
        customers,
    )


def test_every_tenth_shows_predicted_and_actual(run: ScoreRun) -> None:
    buy(run, [1, 2, 3, 4, 15, 25])
    buy(run, [99], after_days=61)
    found = verification.verify(run)
    assert found is not None
    first, last = found.rows[0], found.rows[-1]
    assert (first.n, first.positives, first.predicted, first.actual) == (10, 4, pytest.approx(0.5), 0.4)
    assert (last.positives, last.inside) == (0, True)
    total = found.totals[0]
    assert (total.arm, total.observed, total.expected) == ("all", 6, pytest.approx(14.0))
    assert total.alarm  # 0.43, and the interval ends below 1
    assert found.inside == 10


def test_a_prediction_outside_the_interval_is_told(run: ScoreRun) -> None:
    found = verification.verify(run)
    assert found is not None
    assert not found.rows[0].inside
    assert found.rows[1].inside


def test_approached_control_and_other_customers_stand_apart(run: ScoreRun) -> None:
    def assign(customer: int, on: dt.date, **more: bool) -> None:
        Assignment.objects.create(
            campaign_code="autumn",
            customer_id=customer,
            cell_code="a",
            product_code="fund",
            assigned_on=on,
            **more,
        )

    inside = AS_OF + dt.timedelta(days=7)
    assign(1, inside)
    assign(2, inside)
    assign(3, inside, is_control=True)
    assign(4, AS_OF - dt.timedelta(days=7))
    buy(run, [1, 3, 4])
    found = verification.verify(run)
    assert found is not None
    assert {total.arm: (total.n, total.observed) for total in found.totals} == {
        "all": (100, 3),
        "treated": (2, 1),
        "control": (1, 1),
        "other": (97, 1),
    }


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
    assert {total.arm: total.n for total in found.totals} == {"all": 100, "treated": 1, "other": 99}
