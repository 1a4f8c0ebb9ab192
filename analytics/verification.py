"""Predicted against actual: what a published score run said, and what the customers then did.

Counted by a worker once the horizon has passed and outcomes through its end have arrived, and kept (``verifying``), so
that pages show a trend without counting anew and the evidence outlives the scores. Shown for everybody scored, and
apart for customers campaigns contacted, drew to explore or kept as control, by segment and by branch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from analytics import card, labels, targets
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.models import PredictiveModel, ScoreRun, Segmentation, SegmentRun, Verification
from bankcrm import bulk
from bankcrm.proportions import wilson

Kind = PredictiveModel.Kind
# What campaigns did with a customer in the window, by the number the statement gives; 0 is nothing.
ARMS = ("other", "contacted", "control", "exploration", "not_contacted")
CONTROL, TREATED = 2, (1, 3, 4)
ARM, BRANCH, SEGMENT = "arm", "branch", "segment:"
APPROACHED = gettext_noop(
    "Learned from campaigns, so its chances are those of customers a campaign approaches: of %(n)s of them in the"
    " window %(observed)s did it where %(expected).0f were predicted. Everybody else is only ranked by it."
)
# Draws for the intervals; fewer where a bank is so large that more would change no printed figure.
RESAMPLES, LARGE = 200, 200_000

_PROFILED = """
SELECT s.customer_id, s.raw, s.probability, s.decile, ({outcome}) IS TRUE AS happened, arm.arm,
       c.home_branch_id AS branch {segments}
FROM analytics_score s
JOIN customers_customer c ON c.id = s.customer_id
JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = %s
{joins}
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN count(*) = 0 THEN 0
        WHEN bool_and(a.is_control) THEN 2
        WHEN bool_and(a.is_exploration) FILTER (WHERE NOT a.is_control) THEN 3
        WHEN bool_or(NOT a.is_control AND EXISTS (
            SELECT 1 FROM customers_contact k WHERE k.customer_id = a.customer_id
            AND k.campaign_code = a.campaign_code AND k.contacted_on >= a.assigned_on AND k.contacted_on <= %s
        )) THEN 1
        ELSE 4 END AS arm
    FROM customers_assignment a
    WHERE a.customer_id = s.customer_id AND {campaigns} AND a.assigned_on >= %s AND a.assigned_on <= %s
) arm
WHERE s.score_run_id = %s AND {known} ORDER BY s.customer_id
"""
_FILED = """
SELECT s.customer_id, s.raw, s.probability, s.decile, CASE WHEN a.is_control THEN 2 ELSE 1 END AS arm,
       EXISTS (SELECT 1 FROM customers_response r WHERE r.customer_id = a.customer_id
               AND r.campaign_code = a.campaign_code AND r.kind = 'conversion') AS happened
FROM analytics_score s JOIN customers_assignment a ON a.customer_id = s.customer_id AND a.campaign_code = %s
WHERE s.score_run_id = %s ORDER BY s.customer_id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One decile: customers, mean predicted, actual rate with its 95 % Wilson interval. Of uplift: treated minus
    control with Newcombe's interval."""

    decile: int
    n: int
    positives: int
    predicted: float
    actual: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.predicted <= self.high


@dataclass(frozen=True, slots=True)
class Verified:
    """``rows`` by published decile; ``groups`` as ``modelling.verification.GroupCheck`` has them, as dicts.

    ``intervals`` and ``ratio`` (observed over expected, None of uplift) as value, low, high; ``against`` of a
    challenger the champion on the same customers. ``promised``: of a version that learned from campaigns the customers
    its chances are meant for, with n, observed and expected; ratio and alarm are then of these.
    """

    n: int
    observed: int
    expected: float
    rows: tuple[Row, ...]
    alarm: str = "none"
    ratio: dict[str, float] | None = None
    groups: tuple[dict[str, Any], ...] = ()
    intervals: dict[str, dict[str, float]] = field(default_factory=dict)
    sentence: dict[str, Any] | None = None
    against: dict[str, Any] | None = None
    promised: dict[str, Any] | None = None

    @property
    def inside(self) -> int:
        return sum(row.inside for row in self.rows)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The groups of one kind by name."""
        return {group["group"]: group for group in self.groups if group["kind"] == kind}


def stored(kept: Verification) -> Verified:
    """What was kept of a verification, as it was counted."""
    found = dict(kept.result)
    return Verified(
        n=kept.n,
        observed=kept.observed,
        expected=kept.expected,
        alarm=kept.alarm,
        rows=tuple(Row(**row) for row in found.pop("rows", [])),
        groups=tuple(found.pop("groups", [])),
        **{
            name: found[name]
            for name in ("ratio", "intervals", "sentence", "against", "promised")
            if name in found
        },
    )


def complete_on(run: ScoreRun) -> dt.date:
    """The day the last outcome of the run's window falls on; an imported history is complete from the start."""
    if run.version.model.history_campaign:
        return run.as_of
    return targets.window_end(run.version.model, run.as_of)


def data_through() -> dt.date | None:
    """Outcomes are in at least to this day: a holding was opened on it, or a profile was built of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest((SELECT max(opened_on) FROM customers_holding),"
            " (SELECT max(month) FROM customers_customerprofile))"
        )
        return cursor.fetchone()[0]


def published_runs() -> QuerySet[ScoreRun]:
    """Score runs whose rows are there to be counted, of champions and challengers."""
    return (
        ScoreRun.objects.filter(state=ScoreRun.State.PUBLISHED)
        .select_related("version__model__product")
        .defer("version__artefact", "shares")
    )


def is_over(run: ScoreRun, through: dt.date | None) -> bool:
    """Whether the run's window has passed and its outcomes are in, which are known to ``through``."""
    return bool(run.version.model.history_campaign) or (through is not None and through >= complete_on(run))


def due(model: PredictiveModel | None = None) -> list[ScoreRun]:
    """Published runs, of one model or all, whose window has passed and that nobody has counted; champions first."""
    through = data_through()
    waiting = published_runs().filter(verification__isnull=True)
    if model is not None:
        waiting = waiting.filter(version__model=model)
    return [run for run in waiting.order_by("challenger", "pk") if is_over(run, through)]


def verify(run: ScoreRun) -> Verified | None:
    """Predicted against actual of a published run; None while its window is open or nobody's outcome is known."""
    if run.state != ScoreRun.State.PUBLISHED or not is_over(run, data_through()):
        return None
    with bulk.without_time_limit():
        grouped = _segment_runs(run)
        found = bulk.read_columns(*_statement(run, grouped))
    if not len(found["customer_id"]):
        return None
    if run.version.model.kind == Kind.UPLIFT:
        return _uplift(found)
    return _probabilities(run, found, grouped)


def _statement(run: ScoreRun, grouped: dict[int, str]) -> tuple[str, list[Any]]:
    model = run.version.model
    if model.history_campaign:
        return _FILED, [model.history_campaign, run.pk]
    outcome, params = targets.outcome(model, run.as_of)
    known, known_params = targets.known(model, run.as_of)
    # What a campaign for another product did to a response is no campaign's arm; of leaving every contact may be.
    campaigns, code = ("a.product_code = %s", [model.product.code]) if model.product else ("TRUE", [])
    if model.kind == Kind.UPLIFT:
        campaigns = f"{campaigns} AND a.is_random"
    statement = _PROFILED.format(
        outcome=outcome,
        campaigns=campaigns,
        known=known,
        segments="".join(f", m{pk}.segment AS s{pk}" for pk in grouped),
        joins=" ".join(
            f"LEFT JOIN analytics_segmentmember m{pk}"
            f" ON m{pk}.segment_run_id = {pk} AND m{pk}.customer_id = s.customer_id"
            for pk in grouped
        ),
    )
    until = complete_on(run)
    return statement, [*params, run.as_of, until, *code, run.as_of, until, run.pk, *known_params]


def _segment_runs(run: ScoreRun) -> dict[int, str]:
    """Of every segmentation in use the newest published run not after the scores': its key and the segmentation's code.

    None for what is not judged by segment: uplift, and an imported campaign.
    """
    if run.version.model.kind == Kind.UPLIFT or run.version.model.history_campaign:
        return {}
    found = (
        SegmentRun.objects.filter(
            state=SegmentRun.State.PUBLISHED,
            as_of__lte=run.as_of,
            version__segmentation__in=Segmentation.objects.filter(in_use__isnull=False),
        )
        .order_by("version__segmentation_id", "-as_of", "-pk")
        .distinct("version__segmentation_id")
    )
    return dict(found.values_list("pk", "version__segmentation__code"))


def _probabilities(run: ScoreRun, found: dict[str, NDArray[Any]], grouped: dict[int, str]) -> Verified | None:
    # scikit-learn is for workers; pages import this module for what was kept.
    from analytics.modelling import verification as modelling

    happened, chance = found["happened"].astype(np.int8), found["probability"]
    if chance.sum() <= 0:
        return None  # a rule learned without a single positive promises nothing
    arms = np.array(ARMS, dtype=object)[found["arm"]]
    groups: dict[str, NDArray[Any]] = {ARM: arms}
    if "branch" in found:
        groups[BRANCH] = named(found["branch"])
    groups |= {f"{SEGMENT}{code}": named(found[f"s{pk}"]) for pk, code in grouped.items()}
    judged = modelling.verify(
        happened,
        np.clip(chance, 0, 1),
        rank=found["raw"],
        groups=groups,
        resamples=_resamples(len(happened)),
        seed=run.pk,
    )
    whole = judged.observed_expected
    verified = Verified(
        n=judged.n,
        observed=judged.observed,
        expected=whole.expected,
        rows=tuple(_rows(found)),
        alarm=judged.alarm,
        ratio={"value": whole.ratio, "low": whole.low, "high": whole.high},
        groups=tuple(asdict(group) for group in judged.groups),
        intervals={name: plain(each) for name, each in judged.intervals.items()},
        sentence=card.sentence(judged.sentence),
        against=_against(run, found) if run.challenger else None,
    )
    if run.version.card.get("source") == labels.ASSIGNMENTS:
        return _of_the_approached(verified, found)
    return verified


def _of_the_approached(verified: Verified, found: dict[str, NDArray[Any]]) -> Verified:
    """Of a version that learned from campaigns: it ranks everybody, but its chances are those of the approached."""
    from analytics.modelling import verification as modelling

    asked = np.isin(found["arm"], TREATED)
    n, observed, expected = (
        int(asked.sum()),
        int(found["happened"][asked].sum()),
        float(found["probability"][asked].sum()),
    )
    met = modelling.check_group(ARM, "approached", n, observed, expected, of=1)
    values = {"n": n, "observed": observed, "expected": expected}
    known = {"value": met.ratio, "low": met.low, "high": met.high}
    return replace(
        verified,
        alarm=met.alarm,
        ratio={name: value for name, value in known.items() if value is not None} or None,
        # Calibration is not asked of those whom no campaign approached.
        intervals={name: each for name, each in verified.intervals.items() if name in ("auc", "gini")},
        sentence=card.sentence(Sentence(APPROACHED, values)),
        promised=values,
    )


def _resamples(n: int) -> int:
    return RESAMPLES if n <= LARGE else RESAMPLES // 2


def named(numbers: NDArray[Any]) -> NDArray[Any]:
    """Keys (n,), NaN where there is none, as words with None."""
    words = np.full(len(numbers), None, dtype=object)
    known = ~np.isnan(numbers.astype(np.float64))
    words[known] = numbers[known].astype(np.int64).astype(str)
    return words


def plain(interval: Any) -> dict[str, float]:
    """An interval as JSON keeps it."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _rows(found: dict[str, NDArray[Any]]) -> Iterable[Row]:
    for decile in np.unique(found["decile"]).tolist():
        inside = found["decile"] == decile
        n, positives = int(inside.sum()), int(found["happened"][inside].sum())
        low, high = wilson(positives, n)
        yield Row(decile, n, positives, float(found["probability"][inside].mean()), positives / n, low, high)


def _uplift(found: dict[str, NDArray[Any]]) -> Verified | None:
    """Treated minus control among those campaigns assigned at random later; None without either."""
    from analytics.modelling import uplift_metrics
    from analytics.modelling.uplift_metrics import newcombe

    assigned = found["arm"] > 0
    here = {name: values[assigned] for name, values in found.items()}
    treated, happened, gained = here["arm"] != CONTROL, here["happened"], here["probability"]
    if not treated.any() or treated.all():
        return None
    rows = []
    for decile in np.unique(here["decile"]).tolist():
        inside = here["decile"] == decile
        (n1, y1), (n0, y0) = (
            (int((inside & arm).sum()), int(happened[inside & arm].sum())) for arm in (treated, ~treated)
        )
        if n1 and n0:
            low, high = newcombe(y1, n1, y0, n0)
            rows.append(
                Row(decile, n1 + n0, y1 + y0, float(gained[inside].mean()), y1 / n1 - y0 / n0, low, high)
            )
    measured = uplift_metrics.uplift_intervals(
        happened.astype(np.int8), {"score": here["raw"]}, treated.astype(np.int8), n=_resamples(len(treated))
    )
    return Verified(
        n=len(treated),
        observed=int(happened.sum()),
        expected=float(gained.sum()),
        rows=tuple(rows),
        intervals={"qini": plain(measured.qini["score"])},
    )


def _against(run: ScoreRun, found: dict[str, NDArray[Any]]) -> dict[str, Any] | None:
    """The challenger's AUC minus the champion's of the same day, on the customers both scored; None without one."""
    from analytics.modelling import bootstrap, metrics

    rival = (
        published_runs()
        .filter(version__model=run.version.model, as_of=run.as_of, challenger=False)
        .order_by("-pk")
        .first()
    )
    if rival is None:
        return None
    theirs = bulk.read_columns(
        "SELECT customer_id, raw FROM analytics_score WHERE score_run_id = %s ORDER BY customer_id",
        [rival.pk],
    )
    _, ours, other = np.intersect1d(
        found["customer_id"], theirs["customer_id"], assume_unique=True, return_indices=True
    )
    y = found["happened"][ours].astype(np.int8)
    if not len(y) or y.min() == y.max():
        return None
    first, second = found["raw"][ours], theirs["raw"][other]
    difference = bootstrap.paired_difference(metrics.auc, y, first, second, n=_resamples(len(y)), seed=run.pk)
    return {
        "run": rival.pk,
        "version": rival.version.number,
        "n": len(y),
        "positives": int(y.sum()),
        "auc": {**plain(difference), "ours": metrics.auc(y, first), "theirs": metrics.auc(y, second)},
    }
