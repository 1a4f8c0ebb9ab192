"""What a campaign's control group will be able to show, before it is launched.

All rates and effects are proportions (0.016 is 1.6 points). Power is that of the two-sided z-test of two independent
proportions with pooled variance under the null, as `statsmodels.stats.proportion.power_proportions_2indep` computes it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from scipy.optimize import brentq
from statsmodels.stats.proportion import power_proportions_2indep

from campaigns.refusal import MIN_PER_ARM

POWER = 0.8
ALPHA = 0.05
# The planner's slider: a universal 1 % to an even split.
CURVE_SHARES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50)


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """One point of the planner's chart; `mde` is None where no effect of any size could be shown."""

    control_share: float
    n_treated: int
    n_control: int
    mde: float | None


@dataclass(frozen=True, slots=True)
class Judgeability:
    """Whether the expected effect can be shown, and if not, what could show it.

    `n_treated_needed` and `n_control_needed` keep the control share; `larger_control` is the control group that would
    do with the same number of targets. Each is None when not needed, `larger_control` also when none is large enough.
    """

    judgeable: bool
    mde: float | None
    sentence: str
    n_treated_needed: int | None = None
    n_control_needed: int | None = None
    larger_control: int | None = None


def power_of(effect: float, base_rate: float, n_treated: int, n_control: int, alpha: float = ALPHA) -> float:
    """Probability that the readout shows `effect` (treated minus control) at significance `alpha`."""
    return float(
        power_proportions_2indep(
            effect, base_rate, n_treated, ratio=n_control / n_treated, alpha=alpha, return_results=False
        )
    )


def minimum_detectable_effect(
    base_rate: float, n_treated: int, n_control: int, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """Smallest increase over `base_rate` shown with probability `power`; None when even a rise to 100 % would not be.

    Raises ValueError when a rate is not inside [0, 1) or an arm is empty.
    """
    _check_rate(base_rate)
    if n_treated < 1 or n_control < 1:
        raise ValueError("both arms need at least one customer")
    # Stop short of 100 %: there the variance of the treated arm is zero and the power undefined.
    ceiling = (1.0 - base_rate) * (1 - 1e-9)

    def shortfall(effect: float) -> float:
        return power_of(effect, base_rate, n_treated, n_control, alpha) - power

    if shortfall(ceiling) < 0:
        return None
    return float(brentq(shortfall, 1e-12, ceiling, xtol=1e-12))


def sample_needed(
    base_rate: float, effect: float, control_share: float, power: float = POWER, alpha: float = ALPHA
) -> tuple[int, int]:
    """(treated, control) needed to show `effect` when `control_share` of the targets is withheld."""
    _check_rate(base_rate)
    if not 0 < effect < 1 - base_rate:
        raise ValueError("the effect must be positive and leave the treated rate below 100 %")
    if not 0 < control_share < 1:
        raise ValueError("the control share must be between 0 and 1")
    ratio = control_share / (1 - control_share)

    def shortfall(n_treated: float) -> float:
        return (
            power_proportions_2indep(
                effect, base_rate, n_treated, ratio=ratio, alpha=alpha, return_results=False
            )
            - power
        )

    high = 2.0
    while shortfall(high) < 0:
        high *= 2
    n_treated = math.ceil(brentq(shortfall, high / 2, high, xtol=1e-6)) if high > 2 else 2
    return n_treated, math.ceil(n_treated * ratio)


def control_needed(
    base_rate: float, effect: float, n_total: int, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """Smallest control group, out of `n_total` targets, that shows `effect`; None when an even split is too small."""
    _check_rate(base_rate)
    if not 0 < effect < 1 - base_rate:
        raise ValueError("the effect must be positive and leave the treated rate below 100 %")

    def enough(n_control: int) -> bool:
        return power_of(effect, base_rate, n_total - n_control, n_control, alpha) >= power

    low, high = min(MIN_PER_ARM, n_total // 2), n_total // 2
    if low < MIN_PER_ARM or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def power_curve(
    base_rate: float,
    n_total: int,
    shares: Sequence[float] = CURVE_SHARES,
    power: float = POWER,
    alpha: float = ALPHA,
) -> list[PowerPoint]:
    """Control share against minimum detectable effect for `n_total` targets; shares that empty an arm are dropped."""
    points = []
    for share in shares:
        n_control = round(n_total * share)
        n_treated = n_total - n_control
        if n_control and n_treated:
            mde = minimum_detectable_effect(base_rate, n_treated, n_control, power, alpha)
            points.append(PowerPoint(share, n_treated, n_control, mde))
    return points


def judgeable(
    base_rate: float,
    n_treated: int,
    n_control: int,
    expected_effect: float,
    *,
    power: float = POWER,
    alpha: float = ALPHA,
) -> Judgeability:
    """Can the readout be expected to show `expected_effect`? The launch page prints `sentence`."""
    if min(n_treated, n_control) < MIN_PER_ARM:
        sentence = _(
            "This campaign cannot be judged: each arm needs at least %(minimum)s customers; it has "
            "%(treated)s treated and %(control)s control."
        ) % {"minimum": MIN_PER_ARM, "treated": f"{n_treated:,}", "control": f"{n_control:,}"}
        return Judgeability(False, None, sentence)
    mde = minimum_detectable_effect(base_rate, n_treated, n_control, power, alpha)
    sentence = _situation(base_rate, n_treated, n_control, mde, expected_effect)
    if mde is not None and mde <= expected_effect:
        return Judgeability(True, mde, sentence)
    if not 0 < expected_effect < 1 - base_rate:
        # Past campaigns of an offer may have lost sales: no size of control makes a gain of that.
        return Judgeability(False, mde, sentence)
    share = n_control / (n_treated + n_control)
    need_treated, need_control = sample_needed(base_rate, expected_effect, share, power, alpha)
    remedy = _(
        "At the same control share that takes %(treated)s treated and %(control)s control: enlarge the control, "
        "pool campaigns of the same offer, or lengthen the window."
    ) % {"treated": f"{need_treated:,}", "control": f"{need_control:,}"}
    larger = control_needed(base_rate, expected_effect, n_treated + n_control, power, alpha)
    return Judgeability(False, mde, f"{sentence} {remedy}", need_treated, need_control, larger)


def _situation(base_rate: float, n_treated: int, n_control: int, mde: float | None, expected: float) -> str:
    figures = {
        "treated": f"{n_treated:,}",
        "control": f"{n_control:,}",
        "base": f"{base_rate * 100:.1f} %",
        "expected": f"{expected * 100:.2f}".replace("-", "\u2212"),
    }
    if mde is None:
        sentence = _("%(treated)s treated against %(control)s control cannot show an effect of any size.")
    elif mde <= expected:
        sentence = _(
            "%(treated)s treated against %(control)s control at a base rate of %(base)s show an effect of %(mde)s "
            "points or more; the expected effect is %(expected)s points."
        )
    else:
        sentence = _(
            "%(treated)s treated against %(control)s control at a base rate of %(base)s show only effects of %(mde)s "
            "points or more; the expected effect is %(expected)s points."
        )
    return sentence % (figures | {"mde": f"{(mde or 0) * 100:.2f}"})


def _check_rate(base_rate: float) -> None:
    if not 0 <= base_rate < 1:
        raise ValueError("the base rate must be at least 0 and below 1")
