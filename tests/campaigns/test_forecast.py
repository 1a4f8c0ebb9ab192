"""The forecast: responses from probabilities, increments only from past control groups, silence otherwise."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from campaigns import forecast, targeting
from campaigns.power import minimum_detectable_effect
from customers.models import Assignment, Response
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast

Z90 = 1.6448536269514722
LONG_AGO = TODAY - dt.timedelta(days=200)


def past(
    ids: list[int], code: str, treated: int, bought: int, control: int, bought_control: int, **more: object
) -> None:
    """A past campaign whose first customers are treated, the next control."""
    arms = [(pk, False) for pk in ids[:treated]] + [(pk, True) for pk in ids[treated : treated + control]]
    Assignment.objects.bulk_create(
        Assignment(
            campaign_code=code,
            customer_id=pk,
            cell_code="control" if is_control else "a",
            is_control=is_control,
            product_code="fund",
            **({"assigned_on": LONG_AGO} | more),
        )
        for pk, is_control in arms
    )
    buyers = ids[:bought] + ids[treated : treated + bought_control]
    Response.objects.bulk_create(
        Response(
            campaign_code=code,
            customer_id=pk,
            product_code="fund",
            kind="conversion",
            how="matched",
            responded_on=LONG_AGO + dt.timedelta(days=5),
        )
        for pk in buyers
    )


def make(**changes: object) -> dict:
    fields = {
        "product_code": "fund",
        "success": "conversion",
        "days": 60,
        "on": TODAY,
        "n_treated": 900,
        "n_control": 100,
        "expected_responses": 45.0,
        "response_variance": 40.0,
        "margin": 100.0,
        "cost": 450.0,
    }
    return forecast.forecast(**(fields | changes))


def test_responses_come_with_an_interval(cast: Cast) -> None:
    found = make()
    assert found["responses"]["expected"] == 45
    assert found["responses"]["low"] == pytest.approx(45 - Z90 * math.sqrt(40))
    assert found["responses"]["high"] == pytest.approx(45 + Z90 * math.sqrt(40))
    assert (found["contacts"], found["cost"], found["level"]) == (900, 450.0, 0.9)


def test_without_a_past_effect_increments_are_not_forecast(cast: Cast) -> None:
    found = make()
    assert found["incremental"] is found["incremental_value"] is found["roi"] is None
    assert "No past effect known: incremental sales are not forecast." in found["sentences"]
    assert found["mde"] == pytest.approx(minimum_detectable_effect(0.05, 900, 100))


def test_one_past_campaign_gives_the_effect(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    known = forecast.past_effect("fund", "conversion", 60, TODAY)
    assert known is not None
    assert (known.effect, known.base_rate, known.campaigns) == (pytest.approx(0.10), pytest.approx(0.05), 1)
    found = make()
    assert found["incremental"]["expected"] == pytest.approx(90)
    assert found["incremental"]["low"] == pytest.approx(90 - Z90 * known.se * 900)
    assert found["incremental_value"]["expected"] == pytest.approx(90 * 100 - 450)
    assert found["roi"]["expected"] == pytest.approx((9000 - 450) / 450)
    assert found["can_be_judged"] is True


def test_several_past_campaigns_are_combined(cast: Cast) -> None:
    ids = factories.make_customers(1200, cast.tree.n1)
    past(ids[:600], "spring", 400, 80, 200, 10)
    past(ids[600:], "summer", 400, 20, 200, 8)
    known = forecast.past_effect("fund", "conversion", 60, TODAY)
    assert known is not None
    effects = [80 / 400 - 10 / 200, 20 / 400 - 8 / 200]
    variances = [
        forecast._variance(80, 400) + forecast._variance(10, 200),
        forecast._variance(20, 400) + forecast._variance(8, 200),
    ]
    pooled = combine_effects(np.array(effects), np.array(variances), method_re="dl")
    assert known.effect == pytest.approx(pooled.mean_effect_re)
    # The next campaign may differ as much as these two did.
    assert known.se**2 == pytest.approx(pooled.sd_eff_w_re**2 + pooled.tau2)


@pytest.mark.parametrize(
    "flaw", [{"is_random": False}, {"assigned_on": TODAY - dt.timedelta(days=59)}, {"product_code": "loan"}]
)
def test_what_proves_nothing_is_not_learnt_from(flaw: dict, cast: Cast) -> None:
    ids = factories.make_customers(600, cast.tree.n1)
    past(ids, "spring", 400, 60, 200, 10)
    assert forecast.past_effect("fund", "conversion", 60, TODAY) is not None
    Assignment.objects.update(**flaw)
    assert forecast.past_effect("fund", "conversion", 60, TODAY) is None


def test_what_staff_report_counts_for_nobody_because_control_has_no_staff(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    Response.objects.update(how="reported")
    assert forecast.past_effect("fund", "conversion", 60, TODAY) is None


def test_no_control_and_small_arms_are_said(cast: Cast) -> None:
    assert make(n_control=0)["can_be_judged"] is False
    assert "Without a control group" in make(n_control=0)["sentences"][-1]
    assert make(n_control=5)["can_be_judged"] is False
    unknown = make(expected_responses=None, response_variance=None)
    assert (unknown["responses"], unknown["mde"], unknown["can_be_judged"]) == (None, None, None)


def test_the_forecast_of_a_selection_sums_its_targets(cast: Cast) -> None:
    ids = factories.make_customers(300, cast.tree.n1, cast.rita)
    scores = {pk: 0.02 + pk % 10 / 50 for pk in ids}
    model = factories.make_scores(factories.make_product(), cast.ana, scores)
    campaign = factories.draft(cast, model=model, capacity=100)
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    treated = list(selection.targets.treated().values_list("probability", flat=True))
    kept = selection.definition["forecast"]
    assert kept["responses"]["expected"] == pytest.approx(sum(treated))
    spread = math.sqrt(sum(p * (1 - p) for p in treated))
    assert kept["responses"]["high"] == pytest.approx(sum(treated) + Z90 * spread)
    assert kept["cost"] == 1000
