"""A learner's setting is chosen on the training rows alone, by what ranks their later part best."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from analytics.modelling import settings
from analytics.modelling.estimators import SETTINGS
from analytics.modelling.matrix import FeatureSpec

N = 4000


def test_many_weak_signs_call_for_shallow_trees_and_a_tangle_of_signs_for_long_growing() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(N, 8)).astype(np.float32)
    specs = [FeatureSpec(f"x{j}", "numeric", f"x{j}") for j in range(8)]
    additive = (rng.random(N) < expit(X.sum(axis=1) * 0.5 - 2)).astype(np.int8)
    tangled = (rng.random(N) < expit(4 * X[:, 0] * X[:, 1] * np.sign(X[:, 2]) - 1)).astype(np.int8)
    assert settings.choose("hist_gradient_boosting", X, additive, specs) == "shallow"
    assert settings.choose("hist_gradient_boosting", X, tangled, specs) == "long"


def test_noise_columns_call_for_holding_the_logit_and_too_few_positives_for_no_choice() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(800, 60)).astype(np.float32)
    specs = [FeatureSpec(f"x{j}", "numeric", f"x{j}") for j in range(60)]
    y = (rng.random(800) < expit(X[:, 0] - 1)).astype(np.int8)
    assert settings.choose("logistic", X, y, specs) == "held"
    rare = np.zeros(800, dtype=np.int8)
    rare[::40] = 1
    for kind in SETTINGS:
        assert settings.choose(kind, X, rare, specs) == next(iter(SETTINGS[kind]))
