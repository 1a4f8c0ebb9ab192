"""Whom campaigns chose must not bend the ranking of everybody: weights by the inverse chance, against a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from analytics.modelling import selection
from analytics.modelling.estimators import KINDS, EstimatorKind, fit_estimator
from analytics.modelling.matrix import FeatureSpec

POOL, BY_RANK, DRAWN = 20_000, 2_000, 300
SPECS = (FeatureSpec("x", "numeric", "x"), FeatureSpec("u", "numeric", "u"))


def chosen(
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Features and true chances of everybody, who was on the list, and with which chance.

    The earlier model ranked by x and by z, which has left the data since; both raise the chance to buy. Among those it
    chose, a high x goes with a low z, so x seems to help far less than it does.
    """
    rng = np.random.default_rng(seed)
    x, z, u = rng.normal(size=(3, POOL))
    truth = expit(-3.2 + 0.7 * x + 1.4 * z + 0.3 * u)
    place = np.argsort(-(x + z))
    ranked, rest = place[:BY_RANK], place[BY_RANK:]
    drawn = rng.choice(rest, DRAWN, replace=False)
    rows = np.concatenate((ranked, drawn))
    chance = np.concatenate((np.ones(BY_RANK), np.full(DRAWN, DRAWN / len(rest))))
    return np.column_stack((x, u)).astype(np.float32), truth, rows, chance


def ranking(kind: EstimatorKind, seed: int, *, weighted: bool) -> float:
    """AUC on everybody, of fresh outcomes, of a model learned from those on the list."""
    X, truth, rows, chance = chosen(seed)
    rng = np.random.default_rng(seed + 100)
    y = (rng.random(POOL) < truth).astype(np.int8)
    weight = selection.weights(chance) if weighted else None
    fitted = fit_estimator(kind, X[rows], y[rows], SPECS, seed, weight=weight)
    later = rng.random(POOL) < truth
    return float(roc_auc_score(later, fitted.decision_function(X)))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_by_the_inverse_chance_rank_everybody_better(kind: EstimatorKind) -> None:
    gains = [ranking(kind, seed, weighted=True) - ranking(kind, seed, weighted=False) for seed in range(6)]
    assert np.mean(gains) > 0.01
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_chances_become_weights_up_to_the_cap_and_unknown_ones_count_once() -> None:
    found = selection.weights([1.0, 0.25, 0.001, np.nan])
    assert found is not None
    assert found.tolist() == [1.0, 4.0, selection.MOST, 1.0]
    assert "2 drawn at random" in str(selection.sentence(found))
    assert selection.weights([np.nan, np.nan]) is None  # nobody was chosen by score
    with pytest.raises(ValueError, match="above 0"):
        selection.weights([0.5, 0.0])
