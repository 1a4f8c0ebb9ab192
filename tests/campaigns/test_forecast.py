"""The forecast: responses from probabilities, increments only from past control groups, silence otherwise."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from campaigns import forecast, forecast_page, targeting
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


def test_probabilities_of_contacted_customers_are_split_by_what_past_campaigns_showed(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    found = make()
    # 5 of the 15 % came anyway in spring: of 45 conversions 30 are incremental, not the 90 of other customers.
    assert found["basis"] == "contacted"
    assert found["incremental_share"] == pytest.approx(2 / 3)
    assert found["responses"]["expected"] == 45
    assert found["incremental"]["expected"] == pytest.approx(30)
    assert found["incremental_value"]["expected"] == pytest.approx(30 * 100 - 450)
    assert found["roi"]["expected"] == pytest.approx((3000 - 450) / 450)
    assert (found["base_rate"], found["expected_effect"]) == (
        pytest.approx(15 / 900),
        pytest.approx(30 / 900),
    )
    assert found["can_be_judged"] is False
    assert make(expected_responses=180.0)["can_be_judged"] is True


def test_the_interval_of_the_incremental_share_is_what_simulation_gives(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    known = forecast.past_effect("fund", "conversion", 60, TODAY)
    assert known is not None
    draw = np.random.default_rng(1)
    spread_of = {True: math.sqrt(forecast._variance(60, 400)), False: math.sqrt(forecast._variance(10, 200))}
    treated, control = (
        draw.normal(0.15, spread_of[True], 200_000),
        draw.normal(0.05, spread_of[False], 200_000),
    )
    share, se = known.share
    assert share == pytest.approx(2 / 3)
    assert se == pytest.approx(np.std(1 - control / treated), rel=0.05)


def test_probabilities_of_what_comes_anyway_get_the_effect_on_top(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    found = make(contacted=False)
    assert found["basis"] == "anyway"
    assert found["incremental"]["expected"] == pytest.approx(90)
    assert found["responses"]["expected"] == pytest.approx(45 + 90)
    assert found["base_rate"] == pytest.approx(45 / 900)


def test_without_probabilities_past_campaigns_give_both_figures(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    found = make(expected_responses=None, response_variance=None)
    assert found["basis"] == "past"
    assert found["responses"]["expected"] == pytest.approx(0.15 * 900)
    assert found["incremental"]["expected"] == pytest.approx(0.10 * 900)
    assert not [sentence for sentence in found["sentences"] if "not forecast" in sentence]


@pytest.mark.parametrize(
    "known", [(45.0, 40.0, True), (2.0, 1.9, True), (45.0, 40.0, False), (None, None, True)]
)
def test_the_incremental_is_never_more_than_the_conversions(known: tuple) -> None:
    expected, variance, contacted = known
    for bought in (0, 1, 10, 20, 21, 60, 400):
        for bought_control in (0, 1, 10, 200):
            base = bought_control / 200
            one = forecast.PastEffect(bought / 400 - base, 0.02, base, 0.01, 1)
            found = forecast.account(one, 900, expected, variance, contacted=contacted)
            assert found.responses is not None
            assert found.incremental is not None
            assert found.incremental[0] <= found.responses[0] + 1e-9, (bought, bought_control)


def test_nor_does_its_interval_reach_beyond_theirs(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 500, 6, 100, 0)
    found = make(expected_responses=45.0, response_variance=1.0)
    assert found["incremental"]["expected"] == pytest.approx(45)
    assert found["incremental"]["high"] == found["responses"]["high"]


def test_a_harmful_effect_is_lost_sales_not_a_share(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 4, 200, 10)
    found = make()
    assert found["incremental_share"] is None
    assert found["incremental"]["expected"] == pytest.approx(-0.04 * 900)
    assert found["can_be_judged"] is None


def test_without_a_margin_no_value_is_claimed_and_the_reason_is_said(cast: Cast) -> None:
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    found = make(margin=0.0)
    assert found["incremental"]["expected"] == pytest.approx(30)
    assert found["incremental_value"] is found["roi"] is None
    assert "The offer has no margin per sale, so no value is forecast." in found["sentences"]
    by_label = {row["label"]: row["expected"] for row in forecast_page.rows(found)}
    assert by_label["Incremental value after contact cost"] == by_label["ROI"] == "—"
    assert forecast_page.rows(make())[2]["expected"] == "¥2,550"


def test_the_card_says_what_its_figures_rest_on(cast: Cast) -> None:
    assert "learned from contacted customers." in forecast_page.basis(make())
    anyway = make(contacted=False)
    assert forecast_page.rows(anyway)[0]["label"] == "Conversions that come anyway"
    assert "no effect of the contact is counted" in forecast_page.basis(anyway)
    past(factories.make_customers(600, cast.tree.n1), "spring", 400, 60, 200, 10)
    assert "Of these 67\u00a0% are incremental by 1 past campaign" in forecast_page.basis(make())
    assert "in addition the effect by 1 past campaign" in forecast_page.basis(make(contacted=False))


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


def test_a_model_of_what_customers_opened_is_told_from_one_of_contacted_customers(cast: Cast) -> None:
    ids = factories.make_customers(300, cast.tree.n1, cast.rita)
    model = factories.make_scores(factories.make_product(), cast.ana, dict.fromkeys(ids, 0.1))
    campaign = factories.draft(cast, model=model, capacity=100)
    for source, basis in (("assignments", "contacted"), ("history", "contacted"), ("holdings", "anyway")):
        model.versions.update(card={"source": source})
        assert targeting.preview(campaign, cast.mei, on=TODAY).forecast["basis"] == basis


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
