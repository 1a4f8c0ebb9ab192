"""Splits by time: train < validation (for calibration) < out-of-time. Rows are never dealt at random, because months of
one customer resemble each other and a random split would let the model recognise customers instead of
predicting them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import check_labels
from .sentences import ModellingRefusal, gettext_noop

Index = NDArray[np.intp]


class CannotSplit(ModellingRefusal):
    """The history cannot be cut into three usable parts."""


@dataclass(frozen=True, slots=True)
class Slices:
    """Row positions of the three parts, ascending in time, and the dates at which the later two begin.

    `dropped` counts rows whose label window would have reached into the next part.
    """

    train: Index
    validation: Index
    out_of_time: Index
    validation_from: Any
    out_of_time_from: Any
    dropped: int = 0

    def summary(self, dates: ArrayLike, y: ArrayLike) -> dict[str, dict[str, Any]]:
        """Per part: rows `n`, `positives`, first and last date as text; fit for JSON."""
        when, labels = np.asarray(dates), np.asarray(y)
        return {
            name: {
                "n": len(rows),
                "positives": int(labels[rows].sum()),
                "from": str(when[rows].min()),
                "to": str(when[rows].max()),
            }
            for name, rows in self.parts()
        }

    def parts(self) -> tuple[tuple[str, Index], ...]:
        """The three parts by name, in time order."""
        return (("train", self.train), ("validation", self.validation), ("out_of_time", self.out_of_time))


def time_split(
    dates: ArrayLike,
    y: ArrayLike,
    *,
    validation: float = 0.2,
    out_of_time: float = 0.2,
    embargo: Any = None,
) -> Slices:
    """Cut at whole dates so that the latest hold about the share `out_of_time` of the rows, those before
    `validation`: the cut nearest to the share, the later one of two. Every further month then soon reaches training.

    `dates` (n,) are snapshot dates (datetime64) or any ordered numbers; rows of one date stay together. At least one
    date is left for every part, so few snapshots give larger later parts. `embargo`: see `split_at`.
    Raises CannotSplit for fewer than three dates, unknown dates, or a part without positives or negatives.
    """
    when = _checked_dates(dates)
    distinct, counts = np.unique(when, return_counts=True)
    if len(distinct) < 3:
        raise CannotSplit(
            gettext_noop("A split by time needs at least three snapshot dates; there are %(found)s."),
            found=len(distinct),
        )
    after = np.cumsum(counts[::-1])[::-1]  # rows on this date or later
    total = len(when)
    last = _nearest_start(after, out_of_time * total, ceiling=len(distinct) - 1, floor=2)
    before = (
        total - after[last]
    )  # of these, validation takes its part even when the last snapshot is oversized
    wanted = validation / (1 - out_of_time) * before
    middle = _nearest_start(after - after[last], wanted, ceiling=last - 1, floor=1)
    return split_at(when, y, distinct[middle], distinct[last], embargo=embargo)


def _nearest_start(after: NDArray[np.intp], rows: float, *, ceiling: int, floor: int) -> int:
    """The date position from `floor` to `ceiling` from which nearest to `rows` rows remain, the later of two."""
    misses = np.abs(after[floor : ceiling + 1] - rows)
    return ceiling - int(np.argmin(misses[::-1]))


def split_at(
    dates: ArrayLike, y: ArrayLike, validation_from: Any, out_of_time_from: Any, *, embargo: Any = None
) -> Slices:
    """Cut at two given dates. Rows keep their order inside a part, sorted by date.

    `embargo` (timedelta64 or number, the gap plus the label window) drops rows of an earlier part whose outcome was not
    yet known when the next part begins: date + embargo > start of the next part.
    """
    when = _checked_dates(dates)
    labels = check_labels(y, len(when))
    order = np.argsort(when, kind="stable")
    ordered = when[order]
    first = np.searchsorted(ordered, validation_from, side="left")
    second = np.searchsorted(ordered, out_of_time_from, side="left")
    train, middle, last = order[:first], order[first:second], order[second:]
    if embargo is not None:
        train = train[when[train] + embargo <= validation_from]
        middle = middle[when[middle] + embargo <= out_of_time_from]
    dropped = len(when) - len(train) - len(middle) - len(last)
    slices = Slices(train, middle, last, validation_from, out_of_time_from, dropped)
    for name, rows in slices.parts():
        _require_both_classes(name, labels[rows])
    return slices


def _checked_dates(dates: ArrayLike) -> NDArray[Any]:
    when = np.asarray(dates)
    if when.ndim != 1:
        raise ValueError(f"dates have shape {when.shape}, expected (n,)")
    if when.dtype.kind == "O":
        when = when.astype("datetime64[D]")
    if (when.dtype.kind == "M" and np.isnat(when).any()) or (when.dtype.kind == "f" and np.isnan(when).any()):
        raise CannotSplit(gettext_noop("Every row needs a snapshot date; some have none."))
    return when


def _require_both_classes(part: str, labels: NDArray[np.int8]) -> None:
    positives = int(labels.sum())
    if positives == 0:
        raise CannotSplit(
            gettext_noop(
                "The %(part)s part (%(n)s rows) has no positive outcome; a longer history is needed."
            ),
            part=part,
            n=len(labels),
        )
    if positives == len(labels):
        raise CannotSplit(
            gettext_noop(
                "Every row of the %(part)s part (%(n)s rows) is positive; non-responders are needed too."
            ),
            part=part,
            n=len(labels),
        )
