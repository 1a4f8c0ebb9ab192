"""What leaving means, as data stored with the model, and how two chances of leaving become one grade of loyalty.

A definition is read from arrays of facts at the date of the features (before) and at the end of the window (after);
the same definitions in SQL stand in `analytics/targets.py`. The grade is S1.5: `loyalty_grades`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .sentences import Sentence, gettext_noop

Event = Literal["falls", "closes", "prepays"]
EVENTS: tuple[Event, ...] = ("falls", "closes", "prepays")
# A loan closed less than a month before it was due ran its course.
EARLY_DAYS = 30
GRADES = ("A", "B", "C", "D")
# A chance of leaving so many times the average, and the best grade that it leaves.
TIMES_AVERAGE = ((3.0, "D"), (2.0, "C"), (1.5, "B"))


@dataclass(frozen=True, slots=True)
class ChurnDefinition:
    """`event`: the balance `falls` under `share` of what it was, everything held `closes`, or a loan is repaid early
    (`prepays`), within `days` after the date of the features. Customers with less than `least` are not asked about."""

    event: Event
    days: int
    share: float | None = None
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise ValueError(f"unknown event {self.event!r}; known: {', '.join(EVENTS)}")
        if self.days <= 0:
            raise ValueError("a window has at least one day")
        if self.event == "falls" and not (self.share is not None and 0 < self.share < 1):
            raise ValueError("a balance falls under a share between 0 and 1, both excluded")
        if self.event != "falls" and self.share is not None:
            raise ValueError("only a falling balance has a share")
        if self.least < 0:
            raise ValueError("the least balance cannot be negative")

    def to_json(self) -> dict[str, Any]:
        """Fit for a JSON column."""
        return {"event": self.event, "days": self.days, "share": self.share, "least": self.least}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ChurnDefinition":
        """The definition kept as JSON; ValueError for what `to_json` cannot have written."""
        if set(document) != {"event", "days", "share", "least"}:
            raise ValueError(f"not a churn definition: {sorted(document)}")
        return cls(**document)

    @property
    def sentence(self) -> Sentence:
        """The definition in words, for the model card."""
        template = {
            "falls": gettext_noop(
                "The balance falls under %(share).0f %% of what it was within %(days)s days."
            ),
            "closes": gettext_noop("Everything held of the kind is closed within %(days)s days."),
            "prepays": gettext_noop("A loan is repaid before it is due within %(days)s days."),
        }[self.event]
        return Sentence(template, {"share": 100 * (self.share or 0), "days": self.days})


@dataclass(frozen=True, slots=True)
class ChurnLabels:
    """`asked` (n,): who could leave at the date of the features; `left` (n,) 0/1, meaningful where asked."""

    asked: NDArray[np.bool_]
    left: NDArray[np.int8]


def label_balance(definition: ChurnDefinition, before: ArrayLike, after: ArrayLike) -> ChurnLabels:
    """Labels of `falls` and `closes` from balances before and after, (n,) in one currency; a missing balance after the
    window counts as none, a missing one before as not a customer. ValueError for different lengths or `prepays`."""
    then, later = (np.nan_to_num(np.asarray(values, dtype=np.float64)) for values in (before, after))
    if then.shape != later.shape or then.ndim != 1:
        raise ValueError(f"balances of different customers: {then.shape} and {later.shape}")
    asked = (then > 0) & (then >= definition.least)
    if definition.event == "falls":
        left = later < float(definition.share or 0) * then
    elif definition.event == "closes":
        left = later <= 0
    else:
        raise ValueError("prepayment is read from the dates of contracts: label_prepayment")
    return ChurnLabels(asked, (asked & left).astype(np.int8))


def label_prepayment(
    definition: ChurnDefinition, as_of: Any, matures_on: ArrayLike, closed_on: ArrayLike, balance: ArrayLike
) -> ChurnLabels:
    """Labels of `prepays`, one row per contract: date of the features, due dates and closing dates (n,) (datetime64,
    NaT while open), balance owed (n,). Asked: open, owing `least`, due more than 30 days later."""
    if definition.event != "prepays":
        raise ValueError("only prepayment is read from the dates of contracts")
    day = np.datetime64(as_of, "D")
    due, closed = (np.asarray(values, dtype="datetime64[D]") for values in (matures_on, closed_on))
    owed = np.nan_to_num(np.asarray(balance, dtype=np.float64))
    if not due.shape == closed.shape == owed.shape:
        raise ValueError("due dates, closing dates and balances of different contracts")
    early = np.timedelta64(EARLY_DAYS, "D")
    still_open = np.isnat(closed) | (closed > day)
    asked = still_open & (owed > 0) & (owed >= definition.least) & (due > day + early)
    within = (closed > day) & (closed <= day + np.timedelta64(definition.days, "D"))
    return ChurnLabels(asked, (asked & within & (closed < due - early)).astype(np.int8))


def loyalty_grades(
    facts: Sequence[str],
    wealth: ArrayLike,
    loan: ArrayLike,
    *,
    averages: tuple[float, float] | None = None,
    limits: Sequence[tuple[float, str]] = TIMES_AVERAGE,
) -> NDArray[np.str_]:
    """The loyalty grade of every customer, (n,) of A (very loyal) to D (at risk).

    `facts` (n,) is the grade of tenure, products and activity: the best a customer can have. `wealth` and `loan` (n,)
    are chances of leaving, NaN for whom the model was not asked about. Each is held against the average of all it was
    computed for (or `averages`), so that frequent and rare events count alike; the higher multiple decides: three
    times the average is D, twice at best C, one and a half times at best B. ValueError for chances outside 0 … 1,
    unknown grades, different lengths.
    """
    given = np.asarray(facts)
    if not np.isin(given, GRADES).all():
        raise ValueError(f"grades are {', '.join(GRADES)}")
    chances = [np.asarray(values, dtype=np.float64) for values in (wealth, loan)]
    if any(values.shape != given.shape for values in chances):
        raise ValueError("facts and chances of different customers")
    times = np.zeros(given.shape)
    for position, values in enumerate(chances):
        known = ~np.isnan(values)
        if not ((values[known] >= 0) & (values[known] <= 1)).all():
            raise ValueError("a chance lies between 0 and 1")
        if not known.any():
            continue
        average = averages[position] if averages else float(values[known].mean())
        if average > 0:
            times[known] = np.maximum(times[known], values[known] / average)
    best = np.zeros(given.shape, dtype=np.intp)
    for limit, grade in sorted(limits):
        best[times >= limit] = GRADES.index(grade)
    place = np.searchsorted(GRADES, given)
    return np.asarray(GRADES)[np.maximum(best, place)]
