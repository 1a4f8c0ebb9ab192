"""What a readout says, and when it refuses to say anything."""

from dataclasses import replace
from datetime import date

import pytest
from django.utils import translation
from statsmodels.stats.proportion import confint_proportions_2indep

from bankcrm import figures
from campaigns.effect import Estimate, Moments
from campaigns.power import minimum_detectable_effect
from campaigns.refusal import Code, Refusal
from campaigns.verdict import ArmCounts, Circumstances, Verdict, evaluate_arms
from campaigns.verdict_text import verdict_sentence

CONTROL = ArmCounts("control", treated=False, assigned=2000, conversions=60)
WINNER = ArmCounts("A", treated=True, assigned=18_000, conversions=918, cost=200_000)
LOSER = ArmCounts("C", treated=True, assigned=18_000, conversions=300)
NEITHER = ArmCounts("B", treated=True, assigned=18_000, conversions=560)
CLOSED = Circumstances(
    today=date(2026, 3, 1),
    window_end=date(2026, 2, 28),
    data_through=date(2026, 2, 28),
    expected_shares={"A": 0.9, "control": 0.1},
    margin=2000,
    margin_per_sale=True,
)
SEVERAL = replace(CLOSED, expected_shares=None)


def codes(readout):
    return [refusal.code for refusal in readout.refusals]


def test_a_gain_is_proved_with_its_interval_extra_sales_and_return():
    readout = evaluate_arms([WINNER, CONTROL], CLOSED)
    figures = readout.leading.figures
    low, high = confint_proportions_2indep(918, 18_000, 60, 2000, method="newcomb")
    assert readout.verdict == Verdict.PROVED_POSITIVE
    assert readout.refusals == ()
    assert (figures.interval.low, figures.interval.high) == pytest.approx((low, high), abs=1e-6)
    assert figures.extra.value == pytest.approx(378)
    assert figures.roi.value == pytest.approx((378 * 2000 - 200_000) / 200_000)
    assert figures.roi.interval.low == pytest.approx(low * 18_000 * 2000 / 200_000 - 1)
    assert readout.overall == figures.effect


def test_the_verdict_sentence_of_a_gain():
    assert verdict_sentence(evaluate_arms([WINNER, CONTROL], CLOSED)) == (
        "Proved: +2.10 points conversions, 95 % interval +1.20 to +2.84; 378 extra sales; ROI 2.8 (1.2 to 4.1)"
    )


def test_a_loss_is_proved_and_said():
    readout = evaluate_arms([LOSER, CONTROL], SEVERAL)
    assert readout.verdict == Verdict.PROVED_NEGATIVE
    sentence = verdict_sentence(readout)
    assert sentence.startswith(
        "Proved harmful: −1.33 points conversions, 95 % interval −2.19 to −0.64; 240 sales lost"
    )


def test_an_interval_over_zero_is_inconclusive_with_what_could_have_been_shown():
    readout = evaluate_arms([NEITHER, CONTROL], SEVERAL)
    assert readout.verdict == Verdict.INCONCLUSIVE
    assert readout.leading.figures.mde == pytest.approx(minimum_detectable_effect(0.03, 18_000, 2000))
    assert verdict_sentence(readout) == (
        "Not proved: +0.11 points conversions, 95 % interval −0.77 to +0.82; these arms could show 1.27 points or more"
    )


def test_a_control_without_conversions_still_gives_a_minimum_detectable_effect():
    readout = evaluate_arms([ArmCounts("A", True, 900, 6), ArmCounts("control", False, 100, 0)], SEVERAL)
    assert readout.verdict == Verdict.INCONCLUSIVE
    assert readout.leading.figures.mde == pytest.approx(minimum_detectable_effect(0.006, 900, 100))


def test_several_arms_share_the_control_and_are_holm_corrected():
    readout = evaluate_arms([NEITHER, LOSER, WINNER, CONTROL], SEVERAL)
    assert {arm.arm.code: arm.verdict for arm in readout.arms} == {
        "A": Verdict.PROVED_POSITIVE,
        "B": Verdict.INCONCLUSIVE,
        "C": Verdict.PROVED_NEGATIVE,
    }
    assert readout.leading.arm.code == "A"
    for code, conversions, level in (("C", 300, 1 - 0.05 / 3), ("A", 918, 0.975), ("B", 560, 0.95)):
        expected = confint_proportions_2indep(
            conversions, 18_000, 60, 2000, method="newcomb", alpha=1 - level
        )
        interval = readout.arm(code).figures.interval
        assert interval.level == pytest.approx(level)
        assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-6)
    sentence = verdict_sentence(readout)
    assert sentence.startswith("Proved: A +2.10 points")
    assert "B not proved (+0.11, −0.77 to +0.82)" in sentence
    assert "C proved harmful (−1.33, " in sentence


def test_an_arm_that_passes_alone_can_fail_among_three():
    weak = ArmCounts("A", True, 4000, 148)
    control = ArmCounts("control", False, 4000, 115)
    alone = evaluate_arms([weak, control], SEVERAL)
    others = [replace(weak, code=code, conversions=116) for code in ("B", "C")]
    among = evaluate_arms([weak, *others, control], SEVERAL)
    assert alone.verdict == Verdict.PROVED_POSITIVE
    assert among.verdict == Verdict.INCONCLUSIVE
    assert among.arm("A").figures.p_value == pytest.approx(3 * alone.arm("A").figures.p_value)


def test_the_leading_arm_is_the_gain_with_the_highest_lower_end_wherever_it_stands():
    lesser = replace(WINNER, code="B", conversions=800)
    noisy = ArmCounts("D", True, 400, 23)
    for arms in ([lesser, WINNER, noisy], [WINNER, noisy, lesser]):
        assert evaluate_arms([*arms, CONTROL], SEVERAL).leading.arm.code == "A"


def test_an_arm_too_small_leaves_the_family_and_one_with_few_conversions_stays():
    arms = [ArmCounts("A", True, 20_000, 30), ArmCounts("control", False, 2000, 0)]
    alone = evaluate_arms(arms, SEVERAL).arm("A").figures
    with_tiny = evaluate_arms([ArmCounts("B", True, 29, 0), *arms], SEVERAL).arm("A").figures
    with_empty = evaluate_arms([ArmCounts("B", True, 30, 0), *arms], SEVERAL)
    assert with_tiny.p_value == alone.p_value
    assert with_empty.arm("B").refusal.code == Code.TOO_FEW_CONVERSIONS
    assert with_empty.arm("A").figures.p_value == pytest.approx(2 * alone.p_value)


def test_what_three_arms_could_show_is_reckoned_at_the_corrected_level():
    arms = [replace(NEITHER, code=code) for code in "ABC"]
    figures = evaluate_arms([*arms, CONTROL], SEVERAL).arm("A").figures
    assert figures.mde == pytest.approx(minimum_detectable_effect(0.03, 18_000, 2000, alpha=0.05 / 3))


def test_without_a_control_no_effect_can_be_claimed():
    for arms in ([WINNER], [WINNER, ArmCounts("control", False, 0, 0)]):
        readout = evaluate_arms(arms, SEVERAL)
        assert readout.verdict == Verdict.REFUSED
        assert codes(readout) == [Code.NO_CONTROL]
        assert readout.arms[0].figures is None
    assert "No control group was withheld" in verdict_sentence(readout)
    assert "random control group" in readout.refusals[0].needed


def test_an_arm_of_twenty_nine_is_refused_and_one_of_thirty_is_not():
    small = ArmCounts("control", False, 29, 3)
    assert codes(evaluate_arms([WINNER, small], SEVERAL)) == [Code.ARM_TOO_SMALL]
    assert evaluate_arms([WINNER, replace(small, assigned=30)], SEVERAL).refusals == ()
    treated = ArmCounts("A", True, 29, 5)
    assert codes(evaluate_arms([treated, CONTROL], SEVERAL)) == [Code.ARM_TOO_SMALL]
    assert evaluate_arms([replace(treated, assigned=30), CONTROL], SEVERAL).refusals == ()


def test_a_small_arm_does_not_silence_the_others():
    readout = evaluate_arms([WINNER, ArmCounts("B", True, 12, 1, label="RM call"), CONTROL], SEVERAL)
    assert readout.verdict == Verdict.PROVED_POSITIVE
    assert readout.arm("B").verdict == Verdict.REFUSED
    assert "RM call not evaluated: Arm RM call has 12 customers, fewer than 30." in verdict_sentence(readout)


def test_four_conversions_are_refused_and_five_are_not():
    few = [ArmCounts("A", True, 900, 4), ArmCounts("control", False, 100, 0)]
    readout = evaluate_arms(few, SEVERAL)
    assert codes(readout) == [Code.TOO_FEW_CONVERSIONS]
    assert "Fewer than 5 conversions in total, treated and control together: 4." in verdict_sentence(readout)
    assert evaluate_arms([replace(few[0], conversions=5), few[1]], SEVERAL).verdict == Verdict.INCONCLUSIVE


def test_zero_events_are_refused():
    arms = [ArmCounts("A", True, 900, 0), ArmCounts("control", False, 100, 0)]
    assert codes(evaluate_arms(arms, SEVERAL)) == [Code.ZERO_EVENTS]


def test_the_same_reason_for_two_arms_is_said_once():
    arms = [ArmCounts(code, True, 900, 2) for code in "AB"] + [ArmCounts("control", False, 100, 0)]
    assert codes(evaluate_arms(arms, SEVERAL)) == [Code.TOO_FEW_CONVERSIONS]


def test_arm_sizes_off_the_design_are_refused():
    readout = evaluate_arms([WINNER, replace(CONTROL, assigned=1700)], CLOSED)
    assert codes(readout) == [Code.SAMPLE_RATIO_MISMATCH]
    assert readout.ratio.blocked
    assert "p = < 0.0001" not in readout.refusals[0].sentence
    assert "p < 0.0001" in readout.refusals[0].sentence


def test_an_open_window_gives_interim_figures_and_no_verdict():
    readout = evaluate_arms([WINNER, CONTROL], replace(CLOSED, today=date(2026, 2, 28)))
    assert readout.verdict == Verdict.INTERIM
    assert [arm.verdict for arm in readout.arms] == [Verdict.INTERIM]
    assert codes(readout) == [Code.WINDOW_OPEN]
    assert readout.refusals[0].by_when == date(2026, 2, 28)
    sentence = verdict_sentence(readout)
    assert sentence.startswith("Interim, not a result: +2.10 points")
    assert sentence.endswith(f"readout after {figures.day(date(2026, 2, 28))}")
    assert "extra sales" not in sentence


def test_an_open_window_with_too_few_conversions_names_both():
    arms = [ArmCounts("A", True, 900, 2), ArmCounts("control", False, 100, 0)]
    readout = evaluate_arms(arms, replace(SEVERAL, today=date(2026, 2, 1)))
    assert codes(readout) == [Code.WINDOW_OPEN, Code.TOO_FEW_CONVERSIONS]


@pytest.mark.parametrize("through", [None, date(2026, 2, 27)])
def test_data_that_end_before_the_window_are_refused(through):
    readout = evaluate_arms([WINNER, CONTROL], replace(CLOSED, data_through=through))
    assert codes(readout) == [Code.DATA_NOT_THROUGH_END]
    assert "Sat 28 Feb 2026" in readout.refusals[0].needed


def test_an_assignment_that_was_not_random_is_refused():
    readout = evaluate_arms([WINNER, CONTROL], replace(CLOSED, assigned_at_random=False))
    assert codes(readout) == [Code.NOT_RANDOM]


def test_a_missing_outcome_source_is_refused_and_not_taken_for_zero_events():
    arms = [replace(WINNER, conversions=0), replace(CONTROL, conversions=0)]
    assert codes(evaluate_arms(arms, replace(CLOSED, outcome_source=False))) == [Code.OUTCOME_SOURCE_MISSING]


def test_every_reason_that_holds_is_given():
    readout = evaluate_arms([WINNER], replace(SEVERAL, assigned_at_random=False, outcome_source=False))
    assert codes(readout) == [Code.OUTCOME_SOURCE_MISSING, Code.NO_CONTROL, Code.NOT_RANDOM]


def test_imported_history_without_dates_is_taken_as_complete():
    readout = evaluate_arms([WINNER, CONTROL], Circumstances(today=date(2026, 3, 1)))
    assert readout.verdict == Verdict.PROVED_POSITIVE
    assert readout.leading.figures.roi is None


def test_return_on_revenue_uses_the_share_earned():
    treated = replace(
        WINNER, revenue=Moments(18_000, 60.0, 2.5e5, 900), revenue_capped=Moments(18_000, 55.0, 1e5, 900)
    )
    control = replace(
        CONTROL, revenue=Moments(2000, 30.0, 1e5, 60), revenue_capped=Moments(2000, 29.0, 9e4, 60)
    )
    figures = evaluate_arms(
        [treated, control], replace(CLOSED, margin=0.5, margin_per_sale=False, cap=5000.0)
    ).leading.figures
    assert figures.revenue.uncapped.approximate
    assert figures.revenue.capped.value == pytest.approx(26)
    assert figures.roi.value == pytest.approx(30 * 18_000 * 0.5 / 200_000 - 1)


def test_return_with_too_few_buyers_or_without_cost_is_refused():
    treated = replace(WINNER, revenue=Moments(18_000, 60.0, 2.5e5, 900))
    control = replace(CONTROL, revenue=Moments(2000, 30.0, 1e5, 9))
    on_revenue = replace(CLOSED, margin=0.5, margin_per_sale=False)
    few = evaluate_arms([treated, control], CLOSED).leading.figures
    # Counted in sales the return would have an interval beside a revenue that has none: one answer for both.
    assert few.roi == few.revenue.refusal
    assert few.roi.sentence == "Fewer than 10 buyers in one arm (9): too few for an interval of money."
    answers = [
        evaluate_arms([treated, control], on_revenue).leading.figures.roi,
        evaluate_arms([replace(WINNER, cost=None), CONTROL], CLOSED).leading.figures.roi,
    ]
    assert [answer.code for answer in answers] == [Code.TOO_FEW_BUYERS, Code.NO_COST]


def test_a_return_whose_interval_holds_zero_is_said_to_be_unproved():
    readout = evaluate_arms([replace(WINNER, cost=700_000), CONTROL], CLOSED)
    assert isinstance(readout.leading.figures.roi, Estimate)
    assert verdict_sentence(readout).endswith("ROI 0.1 (−0.4 to 0.5), not proved")


@pytest.mark.parametrize(
    "arms",
    [
        [CONTROL],
        [WINNER, CONTROL, CONTROL],
        [WINNER, WINNER, CONTROL],
        [replace(WINNER, conversions=18_001), CONTROL],
    ],
)
def test_impossible_arms_are_an_error(arms):
    with pytest.raises(ValueError, match="arm"):
        evaluate_arms(arms, SEVERAL)


@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_says_why_and_what_is_needed(code):
    figures = dict.fromkeys(("arm", "n", "minimum", "p", "through", "end"), "7")
    refusal = Refusal(code, figures)
    for text in (refusal.sentence, refusal.needed):
        assert text.endswith(".")
        assert "%(" not in text


def test_a_sentence_is_translated_when_it_is_read(monkeypatch):
    refusal = Refusal(Code.NO_CONTROL)
    english = refusal.sentence
    with translation.override("zh-hans"):
        catalogue = translation.trans_real.catalog()
        monkeypatch.setitem(catalogue._catalog._catalogs[0], english, "没有对照组")
        assert refusal.sentence == "没有对照组"
    assert refusal.sentence == english


def test_the_sentence_speaks_of_what_was_counted() -> None:
    sentence = verdict_sentence(evaluate_arms([WINNER, CONTROL], CLOSED), "visit")
    assert "points visits" in sentence
    assert "extra visits" in sentence
    assert "sales" not in sentence
