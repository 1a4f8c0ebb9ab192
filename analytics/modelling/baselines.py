"""Segments by rule: what a clustering has to beat, and what stands in where there are no stable segments.

RFM: recency, frequency and monetary value in fifths, ties by rank in order of position, an empty recency as a class of
its own (`rules.rule_score` makes the fifths). Beside it the customer's tier, which the bank already uses.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rules import rule_score
from .sentences import gettext_noop

# Fifths of recency: 5 and 4, 3 and 2, 1, and customers without any transaction.
ACTIVITY = (
    gettext_noop("Active"),
    gettext_noop("Slowing down"),
    gettext_noop("Quiet"),
    gettext_noop("Never active"),
)
_ACTIVITY_OF_FIFTH = np.array([3, 2, 1, 1, 0, 0], dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Baseline:
    """`fifths` (n, 3) of recency, frequency and value, 5 = best, 0 = unknown; `cell` (n,) as R·100 + F·10 + M;
    `activity` (n,) positions in ACTIVITY; `segment` (n,) activity × tier: activity · tiers + tier."""

    fifths: NDArray[np.int8]
    cell: NDArray[np.int16]
    activity: NDArray[np.int8]
    segment: NDArray[np.int64]
    tiers: int


def rfm_by_tier(
    recency_days: ArrayLike, frequency: ArrayLike, monetary: ArrayLike, tier: ArrayLike, *, tiers: int
) -> Baseline:
    """Inputs (n,): days since the last transaction (NaN: never), number of transactions, their amount, and the tier's
    position 0 … tiers − 1. ValueError for different lengths or a tier out of range."""
    fifths = rule_score(recency_days, frequency, monetary).parts
    level: NDArray[Any] = np.asarray(tier)
    if level.shape != (len(fifths),):
        raise ValueError(f"{len(fifths)} customers but tiers of shape {level.shape}")
    if len(level) and (level.min() < 0 or level.max() >= tiers):
        raise ValueError(f"a tier outside 0 … {tiers - 1}")
    activity = _ACTIVITY_OF_FIFTH[fifths[:, 0]]
    cell = (fifths.astype(np.int16) * np.array([100, 10, 1], dtype=np.int16)).sum(axis=1, dtype=np.int16)
    return Baseline(fifths, cell, activity, activity.astype(np.int64) * tiers + level.astype(np.int64), tiers)
