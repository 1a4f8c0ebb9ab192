"""Random numbers that depend on what they are for and not on when they are asked for.

A draw is a hash of (seed, purpose, whom, when): a customer's luck in a round is the same whether anybody else is drawn,
in whatever order, today or next week. Mixing function: SplitMix64 (Steele, Lea & Flood, 2014).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from scipy.special import ndtri

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seed: int, purpose: str, *parts: Any) -> np.ndarray:
    """Uniform (0, 1) numbers, one per broadcast element of the integer arrays ``parts``; never 0 or 1."""
    start = int.from_bytes(sha256(f"{seed}:{purpose}".encode()).digest()[:8])
    state = np.full((1,) * max([1, *(np.ndim(part) for part in parts)]), start, np.uint64)
    for part in parts:
        state = _mixed(state + np.asarray(part).astype(np.uint64) * GOLDEN)
    return ((_mixed(state) >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52


def normal(seed: int, purpose: str, *parts: Any) -> np.ndarray:
    """Standard normal numbers by the inverse of their distribution."""
    return ndtri(uniform(seed, purpose, *parts))


def choice(shares: Any, uniforms: np.ndarray) -> np.ndarray:
    """Index of the share each uniform number falls into; ``shares`` need not add up to one."""
    edges = np.cumsum(np.asarray(shares, float))
    return np.minimum(np.searchsorted(edges / edges[-1], uniforms), len(edges) - 1)


def choice_by_row(shares: np.ndarray, rows: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Like ``choice`` where element i draws from the distribution ``shares[rows[i]]``."""
    edges = np.cumsum(shares, axis=1)
    edges /= edges[:, -1:]
    # Row r's edges lie in (r, r + 1], so one search serves every row.
    flat = (edges + np.arange(len(shares))[:, None]).ravel()
    found = np.searchsorted(flat, uniforms + rows) - rows * shares.shape[1]
    return np.clip(found, 0, shares.shape[1] - 1)


def _mixed(state: np.ndarray) -> np.ndarray:
    state = state + GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
