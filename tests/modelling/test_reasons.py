"""Contributions add up to the score and are Shapley's, checked against his definition on whole models."""

import math
import time
from itertools import combinations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from analytics.modelling import reasons
from analytics.modelling.reasons import (
    _product_game,
    contributions,
    grouped,
    in_groups,
    strongest,
    tree_contributions,
)

from .conftest import simulate


def expectation(nodes, bitsets, row, known, index=0):
    """Value of a tree when only the features in `known` are known: the rest goes both ways by training share."""
    node = nodes[index]
    if node["is_leaf"]:
        return node["value"]
    left, right = int(node["left"]), int(node["right"])
    if int(node["feature_idx"]) not in known:
        shares = [nodes[child]["count"] / node["count"] for child in (left, right)]
        values = [expectation(nodes, bitsets, row, known, child) for child in (left, right)]
        return shares[0] * values[0] + shares[1] * values[1]
    value = row[node["feature_idx"]]
    if math.isnan(value):
        goes_left = bool(node["missing_go_to_left"])
    elif node["is_categorical"]:
        goes_left = bool(int(bitsets[node["bitset_idx"]][int(value) // 32]) >> (int(value) % 32) & 1)
    else:
        goes_left = value <= node["num_threshold"]
    return expectation(nodes, bitsets, row, known, left if goes_left else right)


def shapley(predictors, row, p):
    """Shapley's sum over all subsets, for all trees together."""

    def worth(known):
        return sum(expectation(tree.nodes, tree.raw_left_cat_bitsets, row, known) for (tree,) in predictors)

    values = np.zeros(p)
    for i in range(p):
        others = [j for j in range(p) if j != i]
        for size in range(p):
            weight = math.factorial(size) * math.factorial(p - size - 1) / math.factorial(p)
            for subset in combinations(others, size):
                values[i] += weight * (worth({*subset, i}) - worth(set(subset)))
    return values


@pytest.mark.parametrize("categorical", [None, [1]], ids=["numeric", "with categories"])
def test_tree_contributions_are_shapley_values(history, categorical):
    X, y = history.X[:2_000, :5], history.y[:2_000]
    model = HistGradientBoostingClassifier(
        max_iter=4, max_leaf_nodes=12, min_samples_leaf=5, categorical_features=categorical, random_state=0
    ).fit(X, y)
    each, base = tree_contributions(model, X[:12])
    prepared = model._preprocessor.transform(X[:12]) if categorical else X[:12].astype(float)
    order = [1, 0, 2, 3, 4] if categorical else [0, 1, 2, 3, 4]
    assert any(tree.nodes["is_categorical"].any() for (tree,) in model._predictors) == bool(categorical)
    for row, ours in zip(prepared, each, strict=True):
        assert ours[order] == pytest.approx(shapley(model._predictors, row, 5), abs=1e-12)
    assert base + each.sum(axis=1) == pytest.approx(model.decision_function(X[:12]), abs=1e-10)


@pytest.mark.parametrize("name", ["trees", "logit"])
def test_contributions_add_up_to_the_score(name, history, request):
    fitted = request.getfixturevalue(name)
    each, base = contributions(fitted, history.X)
    probability = 1 / (1 + np.exp(-(base + each.sum(axis=1))))
    assert probability == pytest.approx(fitted.predict(history.X), abs=1e-6)


def test_unseen_categories_and_gaps_still_add_up(trees, history):
    X = history.X[:200].copy()
    X[:100] = np.nan
    each, base = contributions(trees, X)
    raw = trees.calibrator.slope * trees.raw(X) + trees.calibrator.intercept
    assert base + each.sum(axis=1) == pytest.approx(raw, abs=1e-10)


def test_a_calibrator_scales_the_contributions(trees, history):
    from dataclasses import replace

    from analytics.modelling.calibration import SigmoidCalibrator

    steeper = replace(trees, calibrator=SigmoidCalibrator(2.0, 0.5))
    plain = replace(trees, calibrator=SigmoidCalibrator())
    each, base = contributions(steeper, history.X[:50])
    plain_each, plain_base = contributions(plain, history.X[:50])
    assert each == pytest.approx(2 * plain_each)
    assert base == pytest.approx(2 * plain_base + 0.5)


def test_logit_contributions_are_coefficient_times_distance_from_the_mean(logit, history):
    each, _ = contributions(logit, history.X)
    design, model = logit.estimator
    rows = design.transform(history.X)
    names = list(design.get_feature_names_out())
    column = names.index("numeric__x0")
    learned = np.concatenate((history.slices.train, history.slices.validation))
    mean = design.transform(history.X[learned])[:, column].mean()
    by_hand = model.coef_[0, column] * (rows[:, column] - mean) * logit.calibrator.slope
    assert each[:, 0] == pytest.approx(by_hand, abs=1e-9)
    # what it learned from, on average, is explained by nothing
    assert each[learned].mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-9)


def test_long_paths_without_a_table_give_the_same_values(trees, history, monkeypatch):
    table, base = tree_contributions(trees.estimator, history.X[:300])
    monkeypatch.setattr(reasons, "TABLE_FEATURES", 0)
    direct, again = tree_contributions(trees.estimator, history.X[:300])
    assert direct == pytest.approx(table, abs=1e-12)
    assert base == again


def test_the_product_game_is_exact_for_many_features():
    rng = np.random.default_rng(0)
    unknown = rng.uniform(0.1, 0.9, size=9)
    agrees = rng.integers(0, 2, size=(20, 9))
    values = _product_game(agrees, unknown, 3.0)
    whole = 3.0 * (agrees.prod(axis=1) - unknown.prod())
    assert values.sum(axis=1) == pytest.approx(whole, abs=1e-12)


def test_the_planted_cause_leads_and_noise_does_not(trees, history):
    high = np.argsort(-trees.predict(history.X))[:500]
    found = strongest(grouped(trees, history.X[high]), up=True, top=1)
    assert [push.row for push in found] == list(range(500))
    first = np.array([push.position for push in found])
    assert np.isin(first, (0, 5)).mean() > 0.9
    assert (first == 4).mean() < 0.01


def test_a_group_is_named_once_by_its_leading_member():
    each = np.array([[0.5, 0.3, -0.2, 0.1], [-1.0, 0.4, -0.1, -0.3], [-1.0, -0.4, -0.1, -0.3]])
    found = strongest(in_groups(each, 0.0, (0, 1, 2, 0)), up=True)
    assert [(push.row, push.position) for push in found] == [(0, 0), (0, 1), (1, 1)]
    assert [push.contribution for push in found[:2]] == pytest.approx([0.6, 0.3])
    assert [push.share for push in found[:2]] == pytest.approx([2 / 3, 1 / 3])
    assert found[2].share == 1


def test_fewer_groups_than_reasons_asked_for_are_all_there_is():
    (push,) = strongest(in_groups(np.array([[0.5, 0.5]]), 0.0, (0, 0)), up=True, top=3)
    assert (push.row, push.position, push.contribution, push.share) == (0, 0, 1, 1)


def test_pieces_do_not_change_the_reasons(trees, history):
    whole = grouped(trees, history.X[:1_000])
    parts = [grouped(trees, history.X[start : start + 300]) for start in range(0, 900, 300)]
    parts.append(grouped(trees, history.X[900:1_000]))
    np.testing.assert_array_equal(whole.feature, np.concatenate([part.feature for part in parts]))
    np.testing.assert_array_equal(whole.contribution, np.concatenate([part.contribution for part in parts]))


def test_twenty_thousand_rows_take_seconds(trees):
    X = simulate(20_000, seed=5).X
    started = time.perf_counter()
    found = grouped(trees, X)
    assert strongest(found, up=True)
    assert time.perf_counter() - started < 20
    assert len(found.feature) == 20_000
