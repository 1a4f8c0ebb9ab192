"""What a model learns from, whichever source it came from: matrix, outcomes, dates, and what its card says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import card, features, history, labels, own_target, targets
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.modelling.splits import Slices, time_split
from analytics.models import PredictiveModel
from bankcrm import figures, runs

# Of a training; the first, reading, is told of here.
STEPS = 5
TODAYS_ROW = gettext_noop(
    "Fields of the customer's own row, such as occupation or credit limit, are as known today, not as of the month-end."
)
NOT_UPLIFT = gettext_noop("Ranks who will buy, not who is moved by being contacted.")
DUE_COUNTS = gettext_noop(
    "A contract that ends on its due date and is not renewed counts as leaving: what is maturing is much of what the"
    " model ranks by."
)
ONLY_SELECTED = gettext_noop("Learned from customers earlier campaigns selected; others it knows less well.")
FILE_ORDER = gettext_noop("Rows of the imported campaign %(campaign)s in file order, %(n)s of them.")
REFUSED_COLUMNS = gettext_noop("Columns refused as known only after the contact: %(names)s.")
FROM_CUSTOMERS = gettext_noop(
    "Learned from customers, and only from the fields the list %(list)s has. People who are no customers differ from"
    " them: read the order, and take the chance for a guess."
)
RAISED_ANYWAY = gettext_noop("Ranks who moves up, not who is moved by being contacted.")


@dataclass(frozen=True, slots=True)
class Material:
    """What a fit needs, whichever source it came from."""

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    dates: NDArray[Any]
    specs: tuple[FeatureSpec, ...]
    embargo: Any
    facts: dict[str, Any]
    data: labels.Dataset | None = None
    past: history.History | None = None

    @property
    def weight(self) -> NDArray[np.float64] | None:
        """How many customers each row (n,) stands for while learning; None: one each."""
        return self.data.weight if self.data is not None else None

    def again(self, specs: Sequence[FeatureSpec], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Some rows encoded for another version's specifications, (len(rows), len(specs))."""
        if self.data is not None:
            return self.data.again(specs, rows)
        return history.read(self.facts["campaign"], tuple(specs)).X[rows]


def read(
    model: PredictiveModel, as_of: dt.date | None, job: runs.Job | None, *, source: str = labels.HOLDINGS
) -> Material:
    """What a model can learn from at ``as_of``, the newest profile where it is None.

    ``source``: of a response model ASSIGNMENTS reads what campaigns gave. Raises runs.Refused with the sentence where
    there is nothing to read.
    """
    if model.history_campaign:
        return _from_history(model)
    day = features.month_to_read(as_of)

    def step(done: int, total: int) -> None:
        if job:
            job.progress(
                0,
                STEPS,
                _("Profiles of month-end %(done)s of %(total)s") % {"done": done + 1, "total": total},
            )

    data = _dataset(model, day, step, source)
    facts = {
        "source": data.source,
        "as_of": day.isoformat(),
        "notes": [card.sentence(note) for note in data.notes],
        "limits": [card.sentence(limit) for limit in _limits(model, data)],
        "labels": labels.label_counts(model, day) if data.source != own_target.SOURCE else {},
        "snapshots": sorted({str(date) for date in np.unique(data.dates)}),
        "share_of_customers": data.share,
        "n": len(data.y),
        "positives": int(data.y.sum()),
    }
    embargo = None
    if data.source != labels.ASSIGNMENTS and data.by_time:
        # The month-ends were chosen so that no two windows overlap; months differ in length, so the shortest gap.
        embargo = np.timedelta64(min(targets.window_end(model, month) - month for month, _ in data.batches))
    return Material(data.X, data.y, data.dates, data.specs, embargo, facts, data=data)


def _dataset(model: PredictiveModel, day: dt.date, step: labels.Step, source: str) -> labels.Dataset:
    with refusing(model, day):
        try:
            if model.kind == PredictiveModel.Kind.OWN:
                return own_target.dataset(model, day, step)
            if source == labels.ASSIGNMENTS:
                return labels.assigned_dataset(model, day, step)
            return labels.dataset(model, day, step)
        except own_target.NoValues as nobody:
            raise runs.Refused(str(nobody)) from nobody


@contextmanager
def refusing(model: PredictiveModel, day: dt.date) -> Iterator[None]:
    """What reading labels raises, as refusals: LookupError for want of a complete window, ValueError as it says."""
    try:
        yield
    except LookupError as nothing:
        raise runs.Refused(
            _("No month-end has a complete window of %(days)s days before %(day)s yet.")
            % {"days": model.horizon_days, "day": figures.day(day)}
        ) from nothing
    except ValueError as unusable:
        raise runs.Refused(str(unusable)) from unusable


def _limits(model: PredictiveModel, data: labels.Dataset) -> list[Sentence]:
    limits = [Sentence(TODAYS_ROW)]
    if model.kind == PredictiveModel.Kind.RESPONSE:
        limits.insert(0, Sentence(NOT_UPLIFT))
    if model.kind == PredictiveModel.Kind.RAISING:
        limits.insert(0, Sentence(RAISED_ANYWAY))
    if model.kind == PredictiveModel.Kind.PROSPECT:
        limits = [Sentence(FROM_CUSTOMERS, {"list": model.prospect_list}), *limits]
    if model.target == PredictiveModel.Target.FALLS:
        limits.insert(0, Sentence(DUE_COUNTS))
    if not data.by_time:
        limits.append(Sentence(own_target.SAME_DAY))
    if data.source == labels.ASSIGNMENTS:
        limits.append(Sentence(ONLY_SELECTED))
    return limits


def _from_history(model: PredictiveModel) -> Material:
    try:
        past = history.read(model.history_campaign)
    except LookupError as nothing:
        raise runs.Refused(
            _("The imported campaign “%(campaign)s” has no rows with columns to learn from.")
            % {"campaign": model.history_campaign}
        ) from nothing
    notes = [Sentence(FILE_ORDER, {"campaign": model.history_campaign, "n": len(past.y)})]
    if past.refused:
        notes.append(Sentence(REFUSED_COLUMNS, {"names": ", ".join(past.refused)}))
    facts = {
        "source": "history",
        "campaign": model.history_campaign,
        "notes": [card.sentence(note) for note in notes],
        "limits": [card.sentence(Sentence(NOT_UPLIFT))],
        "n": len(past.y),
        "positives": int(past.y.sum()),
        "refused": list(past.refused),
    }
    return Material(past.X, past.y, np.arange(len(past.y)), past.specs, None, facts, past=past)


def slices(material: Material, seed: int) -> Slices:
    """The three parts in time order; raises CannotSplit."""
    if material.data is not None and not material.data.by_time:
        return own_target.split_at_random(material.y, material.dates[0], seed)
    return time_split(material.dates, material.y, embargo=material.embargo)
