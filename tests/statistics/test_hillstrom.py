"""A real experiment with two arms and a control: the MineThatData e-mail challenge of 2008."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from campaigns.effect import Moments
from campaigns.refusal import Code
from campaigns.verdict import ArmCounts, Circumstances, Verdict, evaluate_arms

PATH = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "hillstrom.csv.gz"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason="the Hillstrom data are not beside the repository")

CIRCUMSTANCES = Circumstances(
    today=date(2026, 3, 1),
    expected_shares={"Womens E-Mail": 1, "Mens E-Mail": 1, "No E-Mail": 1},
)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return pd.read_csv(PATH)


def arms(customers: pd.DataFrame, outcome: str) -> list[ArmCounts]:
    return [
        ArmCounts(
            str(name),
            name != "No E-Mail",
            len(rows),
            int(rows[outcome].sum()),
            revenue=Moments(
                len(rows), float(rows.spend.mean()), float(rows.spend.var()), int((rows.spend > 0).sum())
            ),
        )
        for name, rows in customers.groupby("segment")
    ]


def test_visits_rise_by_the_published_points_in_both_arms(customers):
    readout = evaluate_arms(arms(customers, "visit"), CIRCUMSTANCES)
    points = {arm.arm.code: round(arm.figures.effect.value * 100, 2) for arm in readout.arms}
    assert points == {"Womens E-Mail": 4.52, "Mens E-Mail": 7.66}
    assert {arm.verdict for arm in readout.arms} == {Verdict.PROVED_POSITIVE}
    assert readout.leading.arm.code == "Mens E-Mail"
    assert not readout.ratio.blocked


def test_visit_intervals_equal_statsmodels_raw_and_holm_corrected(customers):
    counted = {arm.code: arm for arm in arms(customers, "visit")}
    readout = evaluate_arms(list(counted.values()), CIRCUMSTANCES)
    control = counted["No E-Mail"]
    for code, stepped in (("Mens E-Mail", 0.025), ("Womens E-Mail", 0.05)):
        figures, treated = readout.arm(code).figures, counted[code]
        for interval, alpha in ((figures.effect.interval, 0.05), (figures.interval, stepped)):
            expected = confint_proportions_2indep(
                treated.conversions,
                treated.assigned,
                control.conversions,
                control.assigned,
                method="newcomb",
                alpha=alpha,
            )
            assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-6)


def test_conversion_p_values_are_holms(customers):
    readout = evaluate_arms(arms(customers, "conversion"), CIRCUMSTANCES)
    raw = [arm.figures.effect.p_value for arm in readout.arms]
    expected = multipletests(raw, method="holm")[1]
    assert [arm.figures.p_value for arm in readout.arms] == pytest.approx(list(expected), abs=1e-9)


def test_spend_is_welchs_at_the_corrected_level(customers):
    readout = evaluate_arms(arms(customers, "conversion"), CIRCUMSTANCES)
    control = customers.spend[customers.segment == "No E-Mail"]
    for arm in readout.arms:
        effect = arm.figures.revenue.uncapped
        treated = customers.spend[customers.segment == arm.arm.code]
        test = stats.ttest_ind(treated, control, equal_var=False)
        low, high = test.confidence_interval(effect.interval.level)
        assert (effect.interval.low, effect.interval.high) == pytest.approx((low, high), abs=1e-6)
        assert not effect.approximate


def test_the_same_campaign_without_its_control_claims_nothing(customers):
    treated = [arm for arm in arms(customers, "visit") if arm.treated]
    shares = {"Womens E-Mail": 1, "Mens E-Mail": 1}
    readout = evaluate_arms(treated, Circumstances(today=date(2026, 3, 1), expected_shares=shares))
    assert [refusal.code for refusal in readout.refusals] == [Code.NO_CONTROL]
