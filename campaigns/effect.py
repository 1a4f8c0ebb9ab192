"""The effect of a campaign from counts and moments: differences, intervals, and what follows from them.

Everything is intention to treat: an arm is everyone assigned to it, contacted or not. Conversion effects are
differences of proportions (0.021 is 2.1 points); revenue effects are money per assigned customer, zeros included.
One rule decides significance everywhere: the interval excludes zero.
"""

import math
from dataclasses import dataclass, replace

from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from campaigns.refusal import MIN_BUYERS, Code, Refusal

LEVEL = 0.95
APPROXIMATE_BELOW_BUYERS = 100
MIN_CONTACT_DIFFERENCE = 0.10
MIN_FIRST_STAGE_F = 10.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; `level` is 0.95 for 95 %."""

    low: float
    high: float
    level: float = LEVEL

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> "Interval":
        """The interval of `factor` times the quantity; a negative factor swaps the ends."""
        ends = (self.low * factor, self.high * factor)
        return Interval(min(ends), max(ends), self.level)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, in the unit of the quantity."""

    value: float
    interval: Interval

    @property
    def proved(self) -> bool:
        return self.interval.excludes_zero

    def times(self, factor: float) -> "Estimate":
        return Estimate(self.value * factor, self.interval.times(factor))


@dataclass(frozen=True, slots=True)
class ArmLevel:
    """One arm's own level: `rate` is conversions (or money) per assigned customer."""

    n: int
    rate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Effect:
    """Treated minus control. `p_value` is dual to the interval: the interval at level 1 - p ends at zero."""

    value: float
    interval: Interval
    p_value: float
    treated: ArmLevel
    control: ArmLevel
    method: str
    approximate: bool = False

    @property
    def significant(self) -> bool:
        return self.interval.excludes_zero

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, self.interval)

    def total(self) -> Estimate:
        """The increment over all treated customers: extra conversions, or extra money."""
        return self.estimate.times(self.treated.n)


@dataclass(frozen=True, slots=True)
class Moments:
    """Sufficient statistics of one arm's revenue: everyone assigned, buyers or not.

    `variance` is the sample variance (divisor n - 1, PostgreSQL `var_samp`) in money squared; `buyers` counts the
    customers with revenue other than zero.
    """

    n: int
    mean: float
    variance: float
    buyers: int


@dataclass(frozen=True, slots=True)
class RevenueEffect:
    """Uncapped and capped effect side by side, or the refusal that stands in their place."""

    uncapped: Effect | None
    capped: Effect | None = None
    cap: float | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class PairedMoments:
    """Sufficient statistics of one arm for CUPED: the outcome, the same metric before launch, their covariance.

    Variances and covariance have divisor n - 1 (`var_samp`; PostgreSQL's `covar_pop` times n / (n - 1)).
    """

    n: int
    mean: float
    variance: float
    pre_mean: float
    pre_variance: float
    covariance: float


@dataclass(frozen=True, slots=True)
class CupedEffect:
    """The adjusted effect beside the raw one; `variance_ratio` below 1 is what the adjustment gained."""

    raw: Effect
    adjusted: Effect
    theta: float
    variance_ratio: float


@dataclass(frozen=True, slots=True)
class ContactEffect:
    """Complier average causal effect: the effect on customers whom the assignment made us contact."""

    estimate: Estimate | None
    contact_difference: float
    first_stage_f: float
    refusal: Refusal | None = None


def wilson(count: int, n: int, level: float = LEVEL) -> Interval:
    """Wilson score interval of a proportion; no data at all gives the whole range 0 to 1."""
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is not a proportion")
    if n == 0:
        return Interval(0.0, 1.0, level)
    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    return Interval(float(low), float(high), level)


def newcombe(
    treated_n: int, treated_conversions: int, control_n: int, control_conversions: int, level: float = LEVEL
) -> Interval:
    """Newcombe's hybrid score interval of a rate difference (Newcombe 1998, Stat Med 17:873, method 10)."""
    low, high = confint_proportions_2indep(
        treated_conversions, treated_n, control_conversions, control_n, method="newcomb", alpha=1 - level
    )
    return Interval(float(low), float(high), level)


def conversion_effect(
    treated_n: int,
    treated_conversions: int,
    control_n: int,
    control_conversions: int,
    *,
    level: float = LEVEL,
) -> Effect:
    """Difference of conversion rates with Newcombe's interval.

    The p-value inverts that interval, so it agrees with it where the z-test and Fisher's would not.
    Raises ValueError when an arm is empty or has more conversions than customers.
    """
    if treated_n < 1 or control_n < 1:
        raise ValueError("both arms need at least one customer")
    treated = ArmLevel(
        treated_n, treated_conversions / treated_n, wilson(treated_conversions, treated_n, level)
    )
    control = ArmLevel(
        control_n, control_conversions / control_n, wilson(control_conversions, control_n, level)
    )
    counts = (treated_n, treated_conversions, control_n, control_conversions)
    difference = treated.rate - control.rate
    return Effect(
        difference, newcombe(*counts, level), _newcombe_p(counts, difference), treated, control, "newcombe"
    )


def _newcombe_p(counts: tuple[int, int, int, int], difference: float) -> float:
    if difference == 0:
        return 1.0

    def nearer_end(z: float) -> float:
        interval = newcombe(*counts, level=1 - 2 * stats.norm.sf(z))
        return interval.low if difference > 0 else -interval.high

    # 8 standard errors is p = 1e-15, as small as 1 - level can be told from 1.
    if nearer_end(8.0) > 0:
        return float(2 * stats.norm.sf(8.0))
    return float(2 * stats.norm.sf(brentq(nearer_end, 1e-9, 8.0, xtol=1e-12)))


def welch(
    treated: Moments | PairedMoments, control: Moments | PairedMoments, *, level: float = LEVEL
) -> Effect:
    """Difference of means with Welch's interval (unequal variances, Satterthwaite degrees of freedom).

    Raises ValueError when an arm has fewer than two customers: its variance is then unknown.
    """
    if treated.n < 2 or control.n < 2:
        raise ValueError("both arms need at least two customers")
    difference = treated.mean - control.mean
    parts = (treated.variance / treated.n, control.variance / control.n)
    error = math.sqrt(sum(parts))
    if error == 0:
        # Two constants: the difference is known exactly.
        interval, p_value = Interval(difference, difference, level), float(difference == 0)
    else:
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / (treated.n - 1) + parts[1] ** 2 / (control.n - 1))
        half = float(stats.t.isf((1 - level) / 2, freedom)) * error
        interval = Interval(difference - half, difference + half, level)
        p_value = float(2 * stats.t.sf(abs(difference) / error, freedom))
    return Effect(
        difference, interval, p_value, _mean_level(treated, level), _mean_level(control, level), "welch"
    )


def _mean_level(arm: Moments | PairedMoments, level: float) -> ArmLevel:
    half = float(stats.t.isf((1 - level) / 2, arm.n - 1)) * math.sqrt(arm.variance / arm.n)
    return ArmLevel(arm.n, arm.mean, Interval(arm.mean - half, arm.mean + half, level))


def revenue_effect(
    treated: Moments,
    control: Moments,
    *,
    capped: tuple[Moments, Moments] | None = None,
    cap: float | None = None,
    level: float = LEVEL,
) -> RevenueEffect:
    """Extra money per assigned customer, uncapped and, where `capped` = (treated, control) is given, capped at `cap`.

    The cap is the 99th percentile declared at launch. Under 10 buyers in an arm the answer is a refusal, under 100
    the effect is `approximate`: Welch covers about 89 % instead of 95 % with 30 buyers and a heavy tail, and a
    bootstrap does not repair it.
    """
    buyers = min(treated.buyers, control.buyers)
    if buyers < MIN_BUYERS:
        figures = {"n": str(buyers), "minimum": str(MIN_BUYERS)}
        return RevenueEffect(None, cap=cap, refusal=Refusal(Code.TOO_FEW_BUYERS, figures))
    return RevenueEffect(
        _with_approximation(welch(treated, control, level=level), buyers),
        _with_approximation(welch(*capped, level=level), buyers) if capped else None,
        cap,
    )


def _with_approximation(effect: Effect, buyers: int) -> Effect:
    return replace(effect, approximate=buyers < APPROXIMATE_BELOW_BUYERS)


def roi(increment: Estimate, margin: float, cost: float) -> Estimate | Refusal:
    """(incremental margin - cost) / cost, with the interval of the increment carried through; cost has no error.

    `increment` is extra revenue with `margin` the share of it that is earned, or extra sales with `margin` the money
    earned on one. `proved` on the answer means that the interval excludes zero: a gain, or a loss.
    """
    if margin < 0 or cost < 0:
        raise ValueError("margin and cost cannot be negative")
    if cost == 0:
        return Refusal(Code.NO_COST)
    earned = increment.times(margin / cost)
    ends = (earned.interval.low - 1, earned.interval.high - 1)
    return Estimate(earned.value - 1, Interval(*ends, increment.interval.level))


def cuped(treated: PairedMoments, control: PairedMoments, *, level: float = LEVEL) -> CupedEffect:
    """Effect adjusted by the same metric before launch (Deng et al. 2013), beside the raw effect.

    theta is the within-arm covariance over the within-arm variance, pooled over the arms, which makes the adjusted
    difference that of a regression on arm and pre-period metric. The pre-period must end before the assignment.
    """
    raw = welch(treated, control, level=level)
    weights = (treated.n - 1, control.n - 1)
    shared = weights[0] * treated.covariance + weights[1] * control.covariance
    spread = weights[0] * treated.pre_variance + weights[1] * control.pre_variance
    theta = shared / spread if spread > 0 else 0.0
    grand = (treated.n * treated.pre_mean + control.n * control.pre_mean) / (treated.n + control.n)
    arms = [_adjusted(arm, theta, grand) for arm in (treated, control)]
    adjusted = welch(*arms, level=level)
    before = treated.variance / treated.n + control.variance / control.n
    after = arms[0].variance / treated.n + arms[1].variance / control.n
    return CupedEffect(raw, adjusted, theta, after / before if before > 0 else 1.0)


def _adjusted(arm: PairedMoments, theta: float, grand_pre_mean: float) -> PairedMoments:
    variance = arm.variance - 2 * theta * arm.covariance + theta**2 * arm.pre_variance
    mean = arm.mean - theta * (arm.pre_mean - grand_pre_mean)
    # Rounding can leave a perfectly predicted outcome just below zero variance.
    return PairedMoments(arm.n, mean, max(variance, 0.0), arm.pre_mean, arm.pre_variance, arm.covariance)


def cace(itt: Effect, treated_contacted: int, control_contacted: int) -> ContactEffect:
    """Effect of being contacted: intention to treat over the contact-rate difference (Angrist, Imbens, Rubin 1996).

    The interval is that of the intention-to-treat effect over the same difference. Refused when the contact rates
    differ by less than 10 points or the first-stage F (the squared z of that difference) is under 10.
    """
    rates = (treated_contacted / itt.treated.n, control_contacted / itt.control.n)
    if not all(0 <= rate <= 1 for rate in rates):
        raise ValueError("more customers contacted than assigned")
    difference = rates[0] - rates[1]
    variance = rates[0] * (1 - rates[0]) / itt.treated.n + rates[1] * (1 - rates[1]) / itt.control.n
    strength = difference**2 / variance if variance > 0 else math.inf
    if difference < MIN_CONTACT_DIFFERENCE or strength < MIN_FIRST_STAGE_F:
        return ContactEffect(None, difference, strength, Refusal(Code.CONTACT_DIFFERENCE_SMALL))
    return ContactEffect(itt.estimate.times(1 / difference), difference, strength)
