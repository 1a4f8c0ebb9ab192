"""The readout of a campaign: what was proved, what was not, and what cannot be said.

Arms are compared with one shared control, Holm-corrected. A verdict is given once, after the attribution window has
closed and the outcome data reach its end; before that the figures are marked interim.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from campaigns.effect import (
    LEVEL,
    Effect,
    Estimate,
    Interval,
    Moments,
    RevenueEffect,
    conversion_effect,
    newcombe,
    revenue_effect,
    roi,
)
from campaigns.effect_tables import SampleRatio, holm, holm_levels, sample_ratio
from campaigns.power import minimum_detectable_effect
from campaigns.refusal import MIN_CONVERSIONS, MIN_PER_ARM, Code, Refusal


class Verdict(StrEnum):
    PROVED_POSITIVE = "proved_positive"
    PROVED_NEGATIVE = "proved_negative"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"
    INTERIM = "interim"


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """One arm as assigned, contacted or not: customers and how many of them converted inside the window.

    `revenue` covers everyone assigned, zeros included; `revenue_capped` the same with the cap declared at launch.
    `cost` is the arm's whole cost in money.
    """

    code: str
    treated: bool
    assigned: int
    conversions: int
    label: str = ""
    revenue: Moments | None = None
    revenue_capped: Moments | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """What one treated arm did against control.

    `effect` is uncorrected at the readout's level. `interval` and `p_value` are Holm-corrected and decide the verdict;
    with a single treated arm they equal the effect's. `extra` is extra conversions, `roi` an estimate, a refusal, or
    None when no margin is known; `mde` is None when no effect of any size could have been shown.
    """

    effect: Effect
    interval: Interval
    p_value: float
    extra: Estimate
    mde: float | None
    revenue: RevenueEffect | None = None
    roi: Estimate | Refusal | None = None


@dataclass(frozen=True, slots=True)
class ArmReadout:
    """One treated arm: its verdict, and either `figures` or the `refusal` in their place."""

    arm: ArmCounts
    verdict: Verdict
    figures: ArmFigures | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Readout:
    """The whole answer. `verdict` is that of `leading`, the arm the verdict sentence speaks about.

    `overall` sets all treated arms together against control, for sums over campaigns; it decides no verdict.
    """

    verdict: Verdict
    arms: tuple[ArmReadout, ...]
    refusals: tuple[Refusal, ...] = ()
    leading: ArmReadout | None = None
    ratio: SampleRatio | None = None
    level: float = LEVEL
    overall: Effect | None = None

    def arm(self, code: str) -> ArmReadout:
        return next(readout for readout in self.arms if readout.arm.code == code)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What must hold before any figure means anything.

    `expected_shares` maps arm codes to designed shares; None skips the sample-ratio test. `window_end` is the last day
    of the attribution window of the last customer assigned and `data_through` the last day outcomes are loaded for;
    both None for history that is complete. `margin` is money earned per unit of revenue, or per sale when
    `margin_per_sale`.
    """

    today: date
    window_end: date | None = None
    data_through: date | None = None
    assigned_at_random: bool = True
    outcome_source: bool = True
    expected_shares: Mapping[str, float] | None = None
    margin: float | None = None
    margin_per_sale: bool = False
    cap: float | None = None
    level: float = LEVEL


def evaluate_arms(arms: Sequence[ArmCounts], circumstances: Circumstances) -> Readout:
    """Compare every treated arm with the control and say what follows, or refuse with the reasons.

    Raises ValueError without a treated arm, with more than one control, with two arms of one code, or with more
    conversions than customers.
    """
    treated = [arm for arm in arms if arm.treated]
    controls = [arm for arm in arms if not arm.treated]
    if not treated or len(controls) > 1:
        raise ValueError("a readout needs at least one treated arm and at most one control")
    if len({arm.code for arm in arms}) < len(arms):
        raise ValueError("every arm needs a code of its own")
    if any(not 0 <= arm.conversions <= arm.assigned for arm in arms):
        raise ValueError("an arm cannot have more conversions than customers")
    control = controls[0] if controls and controls[0].assigned else None
    ratio = _ratio(arms, circumstances)
    refusals = _refusals(arms, control, ratio, circumstances)
    if refusals or control is None:
        readouts = tuple(ArmReadout(arm, Verdict.REFUSED, refusal=refusals[0]) for arm in treated)
        return Readout(Verdict.REFUSED, readouts, refusals, None, ratio, circumstances.level)
    readouts = _compare(treated, control, circumstances)
    if all(readout.verdict == Verdict.REFUSED for readout in readouts):
        reasons = [_window_refusal(circumstances), *(readout.refusal for readout in readouts)]
        own = _distinct([refusal for refusal in reasons if refusal])
        return Readout(Verdict.REFUSED, readouts, own, None, ratio, circumstances.level)
    leading, overall = _leading(readouts), _overall(treated, control, circumstances.level)
    open_window = _window_refusal(circumstances)
    if open_window:
        readouts = tuple(_interim(readout) for readout in readouts)
        return Readout(
            Verdict.INTERIM,
            readouts,
            (open_window,),
            _interim(leading),
            ratio,
            circumstances.level,
            overall,
        )
    return Readout(leading.verdict, readouts, (), leading, ratio, circumstances.level, overall)


def _distinct(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    return tuple(refusal for i, refusal in enumerate(refusals) if refusal not in refusals[:i])


def _overall(treated: Sequence[ArmCounts], control: ArmCounts, level: float) -> Effect:
    pooled = replace(
        treated[0],
        assigned=sum(arm.assigned for arm in treated),
        conversions=sum(arm.conversions for arm in treated),
    )
    return conversion_effect(*_counts(pooled, control), level=level)


def _ratio(arms: Sequence[ArmCounts], circumstances: Circumstances) -> SampleRatio | None:
    if circumstances.expected_shares is None or len(arms) < 2:
        return None
    return sample_ratio({arm.code: arm.assigned for arm in arms}, circumstances.expected_shares)


def p_shown(p_value: float) -> str:
    """A p-value as it stands after "p": "= 0.0421"; the smallest are not written as zero."""
    return "< 0.0001" if p_value < 0.0001 else f"= {p_value:.4f}"


def _window_refusal(circumstances: Circumstances) -> Refusal | None:
    end = circumstances.window_end
    if end is not None and circumstances.today <= end:
        return Refusal(Code.WINDOW_OPEN, by_when=end)
    return None


def _refusals(
    arms: Sequence[ArmCounts],
    control: ArmCounts | None,
    ratio: SampleRatio | None,
    circumstances: Circumstances,
) -> tuple[Refusal, ...]:
    """Reasons that stop the whole readout, the gravest first."""
    found = []
    window_open = _window_refusal(circumstances)
    if not circumstances.outcome_source:
        found.append(Refusal(Code.OUTCOME_SOURCE_MISSING, by_when=circumstances.window_end))
    # Without a control nobody was drawn either: the lack of a control is what the reader must mend.
    if control is None:
        found.append(Refusal(Code.NO_CONTROL))
    if not circumstances.assigned_at_random:
        found.append(Refusal(Code.NOT_RANDOM))
    if control is not None and control.assigned < MIN_PER_ARM:
        found.append(_too_small(control))
    if ratio and ratio.blocked:
        found.append(Refusal(Code.SAMPLE_RATIO_MISMATCH, {"p": p_shown(ratio.p_value)}))
    end, through = circumstances.window_end, circumstances.data_through
    covered = end is None or (through is not None and through >= end)
    if end is not None and not window_open and not covered:
        found.append(Refusal(Code.DATA_NOT_THROUGH_END, {"through": through or "—", "end": end}))
    # Before window and data are complete, nobody having converted is no sign of a missing file.
    complete = covered and not window_open
    if complete and circumstances.outcome_source and not any(arm.conversions for arm in arms):
        found.append(Refusal(Code.ZERO_EVENTS, {"minimum": str(MIN_CONVERSIONS)}))
    if found and window_open:
        found.append(window_open)
    return tuple(found)


def _too_small(arm: ArmCounts) -> Refusal:
    figures = {"arm": arm.label or arm.code, "n": str(arm.assigned), "minimum": str(MIN_PER_ARM)}
    return Refusal(Code.ARM_TOO_SMALL, figures)


def _arm_refusal(arm: ArmCounts, control: ArmCounts) -> Refusal | None:
    if arm.assigned < MIN_PER_ARM:
        return _too_small(arm)
    conversions = arm.conversions + control.conversions
    if conversions < MIN_CONVERSIONS:
        return Refusal(Code.TOO_FEW_CONVERSIONS, {"n": str(conversions), "minimum": str(MIN_CONVERSIONS)})
    return None


def _counts(arm: ArmCounts, control: ArmCounts) -> tuple[int, int, int, int]:
    return arm.assigned, arm.conversions, control.assigned, control.conversions


def _compare(
    treated: Sequence[ArmCounts], control: ArmCounts, circumstances: Circumstances
) -> tuple[ArmReadout, ...]:
    """The family of the correction is every arm of sufficient size: that is known before any outcome.

    An arm refused for its few conversions stays in it with p = 1, since leaving it out would be a choice made after
    looking.
    """
    level = circumstances.level
    refusals = {arm.code: _arm_refusal(arm, control) for arm in treated}
    effects = {
        arm.code: conversion_effect(*_counts(arm, control), level=level)
        for arm in treated
        if refusals[arm.code] is None
    }
    family = [arm.code for arm in treated if arm.assigned >= MIN_PER_ARM]
    p_values = [effects[code].p_value if code in effects else 1.0 for code in family]
    corrected = dict(zip(family, zip(holm(p_values), holm_levels(p_values, level), strict=True), strict=True))
    readouts = []
    for arm in treated:
        if arm.code not in effects:
            readouts.append(ArmReadout(arm, Verdict.REFUSED, refusal=refusals[arm.code]))
            continue
        p_value, own_level = corrected[arm.code]
        readouts.append(
            _judged(arm, control, circumstances, effect=effects[arm.code], p_value=p_value, level=own_level)
        )
    return tuple(readouts)


def _judged(
    arm: ArmCounts,
    control: ArmCounts,
    circumstances: Circumstances,
    *,
    effect: Effect,
    p_value: float,
    level: float,
) -> ArmReadout:
    interval = newcombe(*_counts(arm, control), level)
    if interval.low > 0:
        verdict = Verdict.PROVED_POSITIVE
    elif interval.high < 0:
        verdict = Verdict.PROVED_NEGATIVE
    else:
        verdict = Verdict.INCONCLUSIVE
    # A control without conversions gives no base rate; both arms together do, since somebody converted.
    base = effect.control.rate or (arm.conversions + control.conversions) / (arm.assigned + control.assigned)
    mde = (
        minimum_detectable_effect(base, arm.assigned, control.assigned, alpha=1 - level) if base < 1 else None
    )
    extra = Estimate(effect.value, interval).times(arm.assigned)
    revenue = _revenue(arm, control, level, circumstances)
    figures = ArmFigures(
        effect, interval, p_value, extra, mde, revenue, _return(arm, extra, revenue, circumstances)
    )
    return ArmReadout(arm, verdict, figures)


def _revenue(
    arm: ArmCounts, control: ArmCounts, level: float, circumstances: Circumstances
) -> RevenueEffect | None:
    if arm.revenue is None or control.revenue is None:
        return None
    capped = None
    if arm.revenue_capped is not None and control.revenue_capped is not None:
        capped = (arm.revenue_capped, control.revenue_capped)
    return revenue_effect(arm.revenue, control.revenue, capped=capped, cap=circumstances.cap, level=level)


def _return(
    arm: ArmCounts, extra: Estimate, revenue: RevenueEffect | None, circumstances: Circumstances
) -> Estimate | Refusal | None:
    """ROI from extra sales or, with a margin on revenue, from uncapped extra revenue: the money that came in.

    Where amounts are known and too few for an interval of revenue, they are too few for one of the return.
    """
    if circumstances.margin is None:
        return None
    if not arm.cost:
        return Refusal(Code.NO_COST)
    if revenue is not None and revenue.uncapped is None:
        return revenue.refusal
    if circumstances.margin_per_sale:
        return roi(extra, circumstances.margin, arm.cost)
    if revenue is None or revenue.uncapped is None:
        return None
    return roi(revenue.uncapped.total(), circumstances.margin, arm.cost)


def _leading(readouts: Sequence[ArmReadout]) -> ArmReadout:
    """The arm to speak of: the gain surest to be large, else the loss surest to be large, else the likeliest gain."""
    judged = [(readout, readout.figures.interval) for readout in readouts if readout.figures]
    for verdict in (Verdict.PROVED_POSITIVE, Verdict.PROVED_NEGATIVE, Verdict.INCONCLUSIVE):
        candidates = [pair for pair in judged if pair[0].verdict == verdict]
        if candidates and verdict == Verdict.PROVED_NEGATIVE:
            return min(candidates, key=lambda pair: pair[1].high)[0]
        if candidates:
            return max(candidates, key=lambda pair: pair[1].low)[0]
    raise ValueError("no arm was judged")


def _interim(readout: ArmReadout) -> ArmReadout:
    return readout if readout.verdict == Verdict.REFUSED else replace(readout, verdict=Verdict.INTERIM)
