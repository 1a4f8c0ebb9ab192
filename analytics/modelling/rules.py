"""The score for a product with too little history to learn from: recency, frequency, monetary value.

It orders customers; it is not a probability, and everything made from it is labelled a rule.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from .sentences import Sentence, gettext_noop

LABEL = gettext_noop("Rule score (recency, frequency, value): an order of customers, not a probability.")


@dataclass(frozen=True, slots=True)
class RuleScore:
    """`score` (n,) float32 in [0, 1], the quintile `parts` (n, 3) of recency, frequency, value (0 = none), and
    the label."""

    score: NDArray[np.float32]
    parts: NDArray[np.int8]
    label: Sentence


def rule_score(recency_days: ArrayLike, frequency: ArrayLike, monetary: ArrayLike) -> RuleScore:
    """Sum of three quintiles, 5 = best (most recent, most often, most money), divided by 15.

    Inputs (n,): days since the last transaction, number of transactions, their amount. Quintiles rank the known values,
    ties by position; an unknown value is a class of its own, worth 0. ValueError for different lengths.
    """
    columns = [np.asarray(values, dtype=np.float64) for values in (recency_days, frequency, monetary)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError("recency, frequency and monetary value must be columns of one length")
    columns[0] = -columns[0]
    parts = np.column_stack([_quintiles(column) for column in columns])
    return RuleScore((parts.sum(axis=1) / 15).astype(np.float32), parts, Sentence(LABEL))


def _quintiles(values: NDArray[Any]) -> NDArray[np.int8]:
    known = ~np.isnan(values)
    quintile = np.zeros(len(values), dtype=np.int8)
    ranks = rankdata(values[known], method="ordinal")
    quintile[known] = np.ceil(ranks * 5 / max(known.sum(), 1)).astype(np.int8)
    return quintile
