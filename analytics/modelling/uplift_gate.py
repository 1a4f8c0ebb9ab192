"""May an uplift score choose customers? Only where held-back data prove it; otherwise what is used instead, and why.

The gate (methods.md section 6): enough control rows and responders, a Qini whose lower bound is above zero, and a Qini
above the response model's by the paired bootstrap. Otherwise response × the shrunk effect of the customer's segment, if
effects differ between segments and its own Qini is above zero; otherwise the response model alone, labelled as not
uplift, with a share of the contacts drawn at random so that effects can be learned next time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import Interval
from .matrix import check_labels
from .pooling import pooled
from .sentences import Sentence, gettext_noop
from .uplift_metrics import UpliftRow, newcombe, uplift_by_decile, uplift_intervals

Use = Literal["uplift", "response_by_segment", "response"]
Why = Literal["proven", "too_few_controls", "qini_not_above_zero", "not_above_response"]
# Judgements of methods.md section 6.
CONTROLS_NEEDED = 5_000
CONTROL_RESPONDERS_NEEDED = 300
EXPLORATION = 0.20
LEAST_PER_ARM = 30
LABEL_SEGMENT = gettext_noop("Chance to respond times the effect measured in the customer's tier.")
LABEL_RESPONSE = gettext_noop("Response score: ranks who will buy, not who is moved by being contacted.")


@dataclass(frozen=True, slots=True)
class SegmentEffect:
    """One segment: rows of both arms, raw difference in response rate with Newcombe interval, and `shrunk`, the
    difference used: pulled towards the average by its own uncertainty; the average itself below 30 rows an arm."""

    segment: int
    treated: int
    control: int
    uplift: float | None
    low: float | None
    high: float | None
    shrunk: float


@dataclass(frozen=True, slots=True)
class SegmentEffects:
    """`rows` by segment, their random-effects `average`, and `tau2`, the variance between segments beyond noise."""

    rows: tuple[SegmentEffect, ...]
    average: float
    tau2: float

    def of(self, segment: ArrayLike) -> NDArray[np.float64]:
        """The shrunk effect of every row's segment, (n,); the average for a segment not seen."""
        known = {row.segment: row.shrunk for row in self.rows}
        codes, inverse = np.unique(np.asarray(segment), return_inverse=True)
        return np.array([known.get(int(code), self.average) for code in codes])[inverse]


@dataclass(frozen=True, slots=True)
class UpliftEvidence:
    """What held-back rows say: their number, both arms, Qini and AUUC of the uplift score, Qini of the response
    model, how far the first is ahead of it (paired), and actual uplift per decile."""

    n: int
    treated: int
    controls: int
    control_responders: int
    qini: Interval
    auuc: Interval
    response_qini: Interval
    ahead: Interval
    segment_qini: Interval | None
    deciles: tuple[UpliftRow, ...]


@dataclass(frozen=True, slots=True)
class UpliftDecision:
    """Which score targets (`use`), the rule that decided (`why`), the sentence for the page, the label of the score,
    and the share of contacts to draw at random (`exploration`, 0 to 1)."""

    use: Use
    why: Why
    sentence: Sentence
    label: Sentence | None
    exploration: float
    evidence: UpliftEvidence


def decide(
    y: ArrayLike,
    treated: ArrayLike,
    uplift: ArrayLike,
    response: ArrayLike,
    *,
    by_segment: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> UpliftDecision:
    """The decision on rows none of the scores was learned from; all inputs (n,). `by_segment`: response × effect of
    the segment, None where effects do not differ. ValueError as in `uplift_metrics`."""
    labels, arm = check_labels(y), check_labels(treated)
    scores = {"uplift": uplift, "response": response}
    if by_segment is not None:
        scores["segment"] = by_segment
    found = uplift_intervals(labels, scores, arm, weight=weight, n=resamples, seed=seed)
    evidence = UpliftEvidence(
        n=len(labels),
        treated=int(arm.sum()),
        controls=int((arm == 0).sum()),
        control_responders=int(labels[arm == 0].sum()),
        qini=found.qini["uplift"],
        auuc=found.auuc["uplift"],
        response_qini=found.qini["response"],
        ahead=found.ahead["response"],
        segment_qini=found.qini.get("segment"),
        deciles=tuple(uplift_by_decile(labels, uplift, arm, weight=weight)),
    )
    why, sentence = _judged(evidence)
    if why == "proven":
        return UpliftDecision("uplift", why, sentence, None, 0.0, evidence)
    if evidence.segment_qini is not None and evidence.segment_qini.low > 0:
        label = Sentence(LABEL_SEGMENT)
        return UpliftDecision("response_by_segment", why, sentence, label, EXPLORATION, evidence)
    return UpliftDecision("response", why, sentence, Sentence(LABEL_RESPONSE), EXPLORATION, evidence)


def _judged(evidence: UpliftEvidence) -> tuple[Why, Sentence]:
    qini, response, ahead = evidence.qini, evidence.response_qini, evidence.ahead
    values = {
        "qini": qini.value,
        "low": qini.low,
        "high": qini.high,
        "response": response.value,
        "ahead": ahead.value,
        "ahead_low": ahead.low,
        "ahead_high": ahead.high,
        "controls": evidence.controls,
        "responders": evidence.control_responders,
        "controls_needed": CONTROLS_NEEDED,
        "responders_needed": CONTROL_RESPONDERS_NEEDED,
    }
    if evidence.controls < CONTROLS_NEEDED or evidence.control_responders < CONTROL_RESPONDERS_NEEDED:
        template = gettext_noop(
            "Uplift is not used: %(controls)s control customers with %(responders)s responses are held back; "
            "%(controls_needed)s with %(responders_needed)s are needed."
        )
        return "too_few_controls", Sentence(template, values)
    if qini.low <= 0:
        template = gettext_noop(
            "Uplift is not used: its Qini of %(qini).4f (%(low).4f to %(high).4f) is not proven to be above zero."
        )
        if qini.high < 0:
            template = gettext_noop(
                "Uplift is not used: its Qini of %(qini).4f (%(low).4f to %(high).4f) is below zero."
            )
        return "qini_not_above_zero", Sentence(template, values)
    if ahead.low <= 0:
        template = gettext_noop(
            "Uplift is not used: its Qini is ahead of the response model's by %(ahead).4f "
            "(%(ahead_low).4f to %(ahead_high).4f), which does not exclude zero."
        )
        return "not_above_response", Sentence(template, values)
    template = gettext_noop(
        "Uplift is used: its Qini is %(qini).4f (%(low).4f to %(high).4f), ahead of the response model's "
        "%(response).4f by %(ahead).4f (%(ahead_low).4f to %(ahead_high).4f)."
    )
    return "proven", Sentence(template, values)


def segment_effects(
    y: ArrayLike, treated: ArrayLike, segment: ArrayLike, *, weight: ArrayLike | None = None
) -> SegmentEffects | None:
    """Effects per segment code (n,), shrunk by the normal-normal model with DerSimonian and Laird's tau² (`pooled`);
    None with fewer than two segments of 30 rows and one response an arm."""
    labels = check_labels(y)
    arm = check_labels(treated, len(labels))
    codes = np.asarray(segment)
    weights = np.ones(len(labels)) if weight is None else np.asarray(weight, dtype=np.float64)
    cells = [(int(code), _cell(labels, arm, weights, codes == code)) for code in np.unique(codes)]
    large = [(code, cell) for code, cell in cells if cell["variance"] is not None]
    if len(large) < 2:
        return None
    effects = np.array([cell["uplift"] for _, cell in large])
    variances = np.array([cell["variance"] for _, cell in large])
    average, _, tau2 = pooled(effects, variances)
    rows = []
    for code, cell in cells:
        variance = cell.pop("variance")
        kept = 0.0 if variance is None or tau2 == 0 else tau2 / (tau2 + variance)
        pull = 0.0 if variance is None else kept * (cell["uplift"] - average)
        rows.append(SegmentEffect(segment=code, shrunk=average + pull, **cell))
    return SegmentEffects(tuple(rows), average, tau2)


def _cell(
    y: NDArray[np.int8], treated: NDArray[np.int8], weight: NDArray[np.float64], inside: NDArray[np.bool_]
) -> dict[str, Any]:
    parts: Sequence[NDArray[np.bool_]] = [inside & (treated == arm) for arm in (1, 0)]
    counts = [int(part.sum()) for part in parts]
    empty = {"treated": counts[0], "control": counts[1], "uplift": None, "low": None, "high": None}
    if min(counts) < LEAST_PER_ARM or not y[inside].any():
        return {**empty, "variance": None}
    sizes = [float(weight[part].sum() ** 2 / (weight[part] ** 2).sum()) for part in parts]
    rates = [float(np.average(y[part], weights=weight[part])) for part in parts]
    # Half a responder more in each cell keeps the variance of an arm without any above zero (Agresti and Caffo 2000).
    smooth = [(rate * size + 0.5) / (size + 1) for rate, size in zip(rates, sizes, strict=True)]
    variance = sum(p * (1 - p) / size for p, size in zip(smooth, sizes, strict=True))
    low, high = newcombe(rates[0] * sizes[0], sizes[0], rates[1] * sizes[1], sizes[1])
    return {**empty, "uplift": rates[0] - rates[1], "low": low, "high": high, "variance": variance}
