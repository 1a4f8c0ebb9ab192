"""Who responded: the outcomes a model learns from, and only those whose window is complete at the as-of date.

Two sources. Facts: month-ends long past, everybody ``analytics.targets`` asks about then, and whether they did it
within the horizon. Assignments: customers whom campaigns treated for the product, and whether a conversion followed.
The second says more about responding to us but covers only who was selected, and needs earlier campaigns. Which of the
two a model learns from is decided by ``label_choice``, on later customers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from analytics import features, targets
from analytics.features import Population
from analytics.modelling import selection
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.models import PredictiveModel
from customers import profile
from customers.fields import Field
from customers.models import CustomerProfile

HOLDINGS, ASSIGNMENTS = "holdings", "assignments"
ENOUGH_ASSIGNED = 200  # positives; a judgement of methods.md section 4
SNAPSHOTS = 8
FEWEST_SNAPSHOTS = 3
# Rows beyond this are left out by a hash of the customer, which keeps the base rate.
MOST_ROWS = 600_000
SOURCE_SENTENCES = {
    HOLDINGS: gettext_noop("Who could still do it at %(dates)s month-ends, and who then did in the window."),
    ASSIGNMENTS: gettext_noop("Who was treated by campaigns on %(dates)s days and converted in the window."),
}
TOO_FEW_ASSIGNED = gettext_noop(
    "Campaigns gave %(positives)s responders on %(dates)s days; from %(needed)s on three or more days the model is"
    " learned from them too, and what ranks later customers better is kept."
)
AS_ASSIGNED = gettext_noop(
    "Everybody who was to be contacted counts, as assigned: of %(n)s customers %(contacted)s were contacted in the"
    " window, and %(explored)s had been drawn at random."
)

Step = Callable[[int, int], object]

# Reported conversions are left out: staff report for the treated alone, and some of them are mistaken.
CONVERTED = """EXISTS (
    SELECT 1 FROM customers_response r WHERE r.customer_id = a.customer_id AND r.campaign_code = a.campaign_code
    AND r.kind = 'conversion' AND r.how IN ('matched', 'imported')
    AND r.responded_on >= a.assigned_on AND r.responded_on <= a.assigned_on + %s::int)"""
CONTACTED = """EXISTS (
    SELECT 1 FROM customers_contact k WHERE k.customer_id = a.customer_id AND k.campaign_code = a.campaign_code
    AND k.contacted_on BETWEEN a.assigned_on AND a.assigned_on + %s::int)"""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled rows in time order of their batches: ``ids``, ``dates`` (datetime64[D]) and ``y`` are (n,), ``X`` (n,
    features). ``share`` of the customers was read; ``notes`` say where the labels come from. Not
    ``by_time``: rows of one day, one a customer, which no later day can test."""

    source: str
    ids: NDArray[np.int64]
    dates: NDArray[np.datetime64]
    y: NDArray[np.int8]
    X: NDArray[np.float32]
    specs: tuple[FeatureSpec, ...]
    batches: tuple[tuple[dt.date, Population], ...]
    share: float
    notes: tuple[Sentence, ...]
    by_time: bool = True
    # Of assignments (n,) whether the customer was drawn to explore; None where nobody was chosen.
    explored: NDArray[np.bool_] | None = None
    # How many customers each row stands for while learning (n,), by its chance of selection; None: one each.
    weight: NDArray[np.float64] | None = None

    def again(self, specs: Sequence[FeatureSpec], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The same rows encoded for another version's specifications, (len(rows), len(specs))."""
        if tuple(specs) == self.specs:
            return self.X[rows]
        parts = [features.matrix(month, specs, population) for month, population in self.batches]
        if not np.array_equal(np.concatenate([part.ids for part in parts]), self.ids):
            raise RuntimeError("the customers changed while the model was being trained")
        return np.concatenate([part.X for part in parts])[rows]


def snapshots(model: PredictiveModel, as_of: dt.date) -> list[dt.date]:
    """Month-ends with a complete window, oldest first, far enough apart that no two windows overlap.

    Month-ends with a year of facts behind them where there are enough, else those with three months.
    """
    first = _first_fact()
    if first is None:
        return []
    full = _spaced(model, as_of, profile.month_end(first, -11))
    if len(full) >= FEWEST_SNAPSHOTS + 1:
        return full
    return _spaced(model, as_of, profile.month_end(first, -2))


def _first_fact() -> dt.date | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(month) FROM customers_monthlybalance),"
            " (SELECT min(booked_on) FROM customers_transaction),"
            " (SELECT min(month) FROM customers_customerprofile))"
        )
        return cursor.fetchone()[0]


def _spaced(model: PredictiveModel, as_of: dt.date, first: dt.date) -> list[dt.date]:
    found: list[dt.date] = []
    before = as_of
    month = profile.month_end(as_of)
    while month >= first and len(found) < SNAPSHOTS:
        if targets.window_end(model, month) <= before:
            found.append(month)
            before = month
        month = profile.month_end(month, 1)
    return found[::-1]


def ensure_profiles(months: Sequence[dt.date], step: Step | None = None) -> None:
    """Build the profiles of the month-ends that have none yet."""
    for done, month in enumerate(months):
        if step:
            step(done, len(months))
        if not CustomerProfile.objects.filter(month=month).exists():
            profile.build(month)


def enough_assigned(model: PredictiveModel, as_of: dt.date) -> bool:
    """Whether campaigns gave a response model responders enough to learn from."""
    if model.kind != PredictiveModel.Kind.RESPONSE:
        return False
    assigned = _assigned_counts(model, as_of)
    return assigned["positives"] >= ENOUGH_ASSIGNED and assigned["dates"] >= FEWEST_SNAPSHOTS


def dataset(model: PredictiveModel, as_of: dt.date, step: Step | None = None) -> Dataset:
    """The labelled rows of a model from facts: everybody at month-ends long past.

    Raises ValueError for unknown features, LookupError when no month-end has a complete window.
    """
    months = snapshots(model, as_of)
    if not months:
        raise LookupError("no month-end has a complete window")
    return read(model, HOLDINGS, _profile_batches(model, months), _too_few_assigned(model, as_of), step)


def _too_few_assigned(model: PredictiveModel, as_of: dt.date) -> tuple[Sentence, ...]:
    if model.kind != PredictiveModel.Kind.RESPONSE or enough_assigned(model, as_of):
        return ()
    assigned = _assigned_counts(model, as_of)
    named = {name: assigned[name] for name in ("positives", "dates")}
    return (Sentence(TOO_FEW_ASSIGNED, {**named, "needed": ENOUGH_ASSIGNED}),)


def assigned_dataset(model: PredictiveModel, as_of: dt.date, step: Step | None = None) -> Dataset:
    """The labelled rows of a response model from campaigns: everybody treated, as assigned, weighted by their chance of
    having been selected. Raises ValueError for unknown features."""
    assigned = _assigned_counts(model, as_of)
    how = Sentence(AS_ASSIGNED, {name: assigned[name] for name in ("n", "contacted", "explored")})
    return read(model, ASSIGNMENTS, _assignment_batches(model, as_of), (how,), step)


def _profile_batches(model: PredictiveModel, months: Sequence[dt.date]) -> list[tuple[dt.date, Population]]:
    return [
        (month, replace(targets.learnable(model, month), extra=_labelled(model, month))) for month in months
    ]


def _labelled(model: PredictiveModel, month: dt.date) -> dict[str, targets.Fragment]:
    return {"label": targets.outcome(model, month), "day": ("p.month", ())}


def _assignment_batches(model: PredictiveModel, as_of: dt.date) -> list[tuple[dt.date, Population]]:
    """Approached customers by the month-end before their assignment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('month', assigned_on)::date - 1 FROM customers_assignment"
            " WHERE product_code = %s AND NOT is_control AND assigned_on <= %s ORDER BY 1",
            [model.sells.code, as_of - dt.timedelta(days=model.horizon_days)],
        )
        months = [row[0] for row in cursor.fetchall()]
    batches = []
    for month in months:
        where, params = targets.conditions(model, month)
        batches.append(
            (
                month,
                Population(
                    where=where,
                    params=params,
                    joins="JOIN customers_assignment a ON a.customer_id = c.id AND a.product_code = %s"
                    " AND NOT a.is_control AND date_trunc('month', a.assigned_on)::date - 1 = %s"
                    " AND a.assigned_on <= %s",
                    join_params=(
                        model.sells.code,
                        month,
                        as_of - dt.timedelta(days=model.horizon_days),
                    ),
                    extra={
                        "label": (CONVERTED, (model.horizon_days,)),
                        "day": ("a.assigned_on", ()),
                        "explored": ("a.is_exploration", ()),
                        "chance": ("a.selection_chance", ()),
                    },
                    order="a.assigned_on, a.id",
                ),
            )
        )
    return batches


def learnable(model: PredictiveModel) -> list[Field]:
    """The fields a model may learn from; never the one it predicts. Raises ValueError for unknown ones."""
    return [field for field in features.usable(model.features) if field.code != model.own_field]


def read(
    model: PredictiveModel,
    source: str,
    batches: list[tuple[dt.date, Population]],
    notes: tuple[Sentence, ...],
    step: Step | None,
) -> Dataset:
    """The labelled rows of the batches; each population's extra columns are ``label`` and ``day``."""
    months = [month for month, _ in batches]
    ensure_profiles([*months, *targets.profiles_after(model, months)], step)
    share = min(1.0, MOST_ROWS / max(sum(features.count(month, who) for month, who in batches), 1))
    if share < 1:
        batches = [(month, features.thinned(who, share)) for month, who in batches]
    # Categories come from the earlier months, so that the later ones meet new values as use will.
    specs = features.learn_specs(learnable(model), months[: max(1, round(len(months) * 0.6))])
    parts = [features.matrix(month, specs, who) for month, who in batches]
    days = np.concatenate([part.extra["day"] for part in parts]).astype("datetime64[D]")
    told = (
        (Sentence(SOURCE_SENTENCES[source], {"dates": len(np.unique(days))}),)
        if source in SOURCE_SENTENCES
        else ()
    )
    weight = None
    if parts and "chance" in parts[0].extra:
        weight = selection.weights(np.concatenate([part.extra["chance"] for part in parts]))
    if weight is not None:
        notes = (*notes, selection.sentence(weight))
    return Dataset(
        source=source,
        ids=np.concatenate([part.ids for part in parts]),
        dates=days,
        y=np.concatenate([part.extra["label"] for part in parts]).astype(np.int8),
        X=np.concatenate([part.X for part in parts]),
        specs=specs,
        batches=tuple(batches),
        share=share,
        notes=(*told, *notes),
        explored=np.concatenate([part.extra["explored"] for part in parts]).astype(bool)
        if parts and "explored" in parts[0].extra
        else None,
        weight=weight,
    )


_COUNT_ASSIGNED = f"""
SELECT count(*) FILTER (WHERE NOT is_control AND complete),
       count(*) FILTER (WHERE NOT is_control AND complete AND converted),
       count(DISTINCT assigned_on) FILTER (WHERE NOT is_control AND complete),
       count(*) FILTER (WHERE is_control AND complete),
       count(*) FILTER (WHERE is_control AND complete AND converted),
       count(*) FILTER (WHERE NOT is_control AND complete AND contacted),
       count(*) FILTER (WHERE NOT is_control AND complete AND is_exploration),
       count(*) FILTER (WHERE NOT complete)
FROM (
    SELECT a.is_control, a.is_exploration, a.assigned_on, a.assigned_on + %s::int <= %s AS complete,
           {CONVERTED} AS converted, {CONTACTED} AS contacted
    FROM customers_assignment a WHERE a.product_code = %s AND a.assigned_on <= %s
) assigned
"""  # noqa: S608  constants of this module


def label_counts(model: PredictiveModel, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """How many labels each source holds at ``as_of``.

    ``{"holdings": {"n", "positives", "dates"}, "assignments": {"n", "positives", "dates", "control",
    "control_positives", "contacted", "explored", "open"}}``: treated rows apart from control, ``explored`` of them
    drawn at random, ``open`` = window not complete yet.
    Facts count only month-ends whose profile is built; a churn model has no assignments.
    """
    counted = {HOLDINGS: _counted(model, snapshots(model, as_of))}
    if model.product is not None:
        counted[ASSIGNMENTS] = _assigned_counts(model, as_of)
    return counted


def _assigned_counts(model: PredictiveModel, as_of: dt.date) -> dict[str, int]:
    horizon = model.horizon_days
    names = ("n", "positives", "dates", "control", "control_positives", "contacted", "explored", "open")
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ASSIGNED, [horizon, as_of, horizon, horizon, model.sells.code, as_of])
        return dict(zip(names, cursor.fetchone(), strict=True))


def _counted(model: PredictiveModel, months: Sequence[dt.date]) -> dict[str, int]:
    found = {"n": 0, "positives": 0, "dates": 0}
    with connection.cursor() as cursor:
        for month in months:
            who, (outcome, outcome_params) = targets.learnable(model, month), targets.outcome(model, month)
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE {outcome})"  # noqa: S608  outcomes of analytics.targets
                " FROM customers_customerprofile p JOIN customers_customer c ON c.id = p.customer_id"
                f" WHERE p.month = %s AND {who.where}",
                [*outcome_params, month, *who.params],
            )
            n, positives = cursor.fetchone()
            found = {
                "n": found["n"] + n,
                "positives": found["positives"] + positives,
                "dates": found["dates"] + (n > 0),
            }
    return found
