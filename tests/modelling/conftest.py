"""One simulated history with a known truth, and the two models learned from it, shared by the tests of the core."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.response import FittedResponse, fit_response
from analytics.modelling.splits import Slices, time_split

SPECS = (
    FeatureSpec("balance", "numeric", "Balance"),
    FeatureSpec("region", "categorical", "Region", ("east", "north", "south", "west")),
    FeatureSpec("online", "flag", "Uses online banking"),
    FeatureSpec("turnover", "numeric", "Turnover"),
    FeatureSpec("noise", "numeric", "Noise"),
    FeatureSpec("balance_echo", "numeric", "Balance last month"),
)


@dataclass(frozen=True)
class History:
    X: Any
    y: Any
    dates: Any
    truth: Any
    specs: tuple[FeatureSpec, ...]
    slices: Slices


def simulate(n: int, seed: int) -> History:
    """`truth` is the planted probability of every row; `noise` has no effect."""
    rng = np.random.default_rng(seed)
    balance = rng.normal(size=n)
    region = rng.integers(0, 4, n)
    online = rng.integers(0, 2, n)
    turnover = np.exp(2 * rng.normal(size=n))
    effect = np.array([0.0, 0.6, -0.6, 1.0])[region]
    truth = expit(balance - 2.2 + effect + 0.5 * online * balance + 0.2 * np.log1p(turnover))
    y = (rng.random(n) < truth).astype(np.int8)
    echo = balance + 0.3 * rng.normal(size=n)
    X = np.column_stack([balance, region, online, turnover, rng.normal(size=n), echo]).astype(np.float32)
    X[::7, 3] = np.nan
    X[::11, 1] = np.nan
    months = np.arange("2024-01", "2024-11", dtype="datetime64[M]").astype("datetime64[D]")
    dates = np.repeat(months, n // 10)
    return History(X, y, dates, truth, SPECS, time_split(dates, y))


@pytest.fixture(scope="package")
def history() -> History:
    return simulate(12_000, seed=7)


def _fit(history: History, kind: Any) -> FittedResponse:
    return fit_response(
        history.X, history.y, history.dates, history.specs, history.slices, kind=kind, seed=3, resamples=200
    )


@pytest.fixture(scope="package")
def trees(history: History) -> FittedResponse:
    return _fit(history, "hist_gradient_boosting")


@pytest.fixture(scope="package")
def logit(history: History) -> FittedResponse:
    return _fit(history, "logistic")
