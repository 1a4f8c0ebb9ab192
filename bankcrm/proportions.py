"""What a share of few says of the whole."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of the rate ``successes / n``, ``n`` at least 1 (E. B. Wilson, JASA 22, 1927).

    In closed form, so that pages need no scipy.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, square = successes / n, z * z
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)
