"""The same segment under the same number from fit to fit, and who moved between them.

Numbers of clusters mean nothing. Between two fits the customers both know are counted by old and new segment, and the
pairs that keep most customers are one segment (Hungarian method, Kuhn 1955). Matching cures numbering only: when fewer
than 80 % stay, the segments themselves have changed, and that is said. methods.md section 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from .sentences import Sentence, gettext_noop

RETAINED_ALARM = 0.80


@dataclass(frozen=True, slots=True)
class Matching:
    """`identity` (new segments,): the lasting number of every new segment, that of the old one it continues or a
    number never used before. `migration` (old, new): customers by old identity `rows` and new identity `columns`.
    `retained` is the share of customers that keep their identity; `alarm` when it is under 0.80."""

    identity: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    migration: NDArray[np.int64]
    retained: float
    alarm: bool
    sentence: Sentence

    def relabel(self, labels: ArrayLike) -> NDArray[np.int64]:
        """Lasting numbers of new labels (n,)."""
        return np.asarray(self.identity, dtype=np.int64)[np.asarray(labels, dtype=np.intp)]


def match_segments(
    old: ArrayLike, new: ArrayLike, *, segments: int | None = None, used: ArrayLike = ()
) -> Matching:
    """Match `new` labels (n,), 0 … segments − 1, to `old` lasting numbers (n,) of the same customers in the same order.

    `used` are numbers that earlier fits had given away: a new segment never takes one. ValueError for different
    lengths, negative labels, or no customer in common.
    """
    before, after = np.asarray(old, dtype=np.int64), np.asarray(new, dtype=np.int64)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"labels of different customers: {before.shape} and {after.shape}")
    if not len(before):
        raise ValueError("no customer is known to both fits")
    if min(before.min(), after.min()) < 0:
        raise ValueError("a segment has no negative number")
    k = int(after.max()) + 1 if segments is None else segments
    rows, coded = np.unique(before, return_inverse=True)
    table = np.zeros((len(rows), k), dtype=np.int64)
    np.add.at(table, (coded, after), 1)
    pairs = dict(zip(*reversed(linear_sum_assignment(-table)), strict=True))
    fresh = max([-1, *rows.tolist(), *np.asarray(used, dtype=np.int64).tolist()]) + 1
    identity = []
    for column in range(k):
        row = pairs.get(column)
        # A pair without a customer is no continuation, only what the method had left over.
        if row is not None and table[row, column] > 0:
            identity.append(int(rows[row]))
        else:
            identity.append(fresh)
            fresh += 1
    order = np.argsort(identity, kind="stable")
    retained = float(np.mean(np.asarray(identity)[after] == before))
    return Matching(
        tuple(identity),
        tuple(rows.tolist()),
        tuple(int(identity[column]) for column in order),
        table[:, order],
        retained,
        retained < RETAINED_ALARM,
        _told(retained, len(before)),
    )


def _told(retained: float, n: int) -> Sentence:
    values = {"retained": 100 * retained, "n": n, "alarm": 100 * RETAINED_ALARM}
    if retained < RETAINED_ALARM:
        return Sentence(
            gettext_noop(
                "Only %(retained).0f %% of %(n)s customers stay in their segment, under %(alarm).0f %%: "
                "the segments themselves have changed."
            ),
            values,
        )
    return Sentence(gettext_noop("%(retained).0f %% of %(n)s customers stay in their segment."), values)


def migration(before: ArrayLike, after: ArrayLike, segments: ArrayLike) -> NDArray[np.int64]:
    """Customers by segment then and now, (segments + 1, segments + 1) in the order of `segments`; the last row and
    column are customers without one (a label not in `segments`): who came and who left."""
    known = np.asarray(segments, dtype=np.int64)
    place = {int(segment): position for position, segment in enumerate(known)}
    positions = [
        np.array([place.get(int(code), len(known)) for code in codes])[inverse]
        for codes, inverse in (
            np.unique(np.asarray(labels), return_inverse=True) for labels in (before, after)
        )
    ]
    table = np.zeros((len(known) + 1, len(known) + 1), dtype=np.int64)
    np.add.at(table, tuple(positions), 1)
    return table
