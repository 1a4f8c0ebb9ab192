"""Why does this customer score high? Exact contributions per row, and the three that push most.

Contributions are in log-odds of the calibrated probability and add up: base + Σ contributions = log-odds of the score.
They explain the score, never the cause of a customer's behaviour.

* logit: coefficient × (design value − its training mean), summed over the design columns of a feature.
* trees: path-dependent Shapley values (Lundberg et al. 2020, TreeSHAP; what LightGBM calls `pred_contrib`),
computed leaf
  by leaf. A leaf pays its value when every feature j on its path agrees (o_j = 1), and the share z_j of
  training rows that went the same way when j is unknown. The Shapley value of that product game is
  v · (o_i − z_i) · ∫₀¹ Π_{j≠i} (o_j t + z_j (1 − t)) dt, which Gauss–Legendre quadrature gives exactly because the
  integrand is a polynomial. With d features on a path there are only 2^d agreement patterns: one table per leaf.

The trees of scikit-learn are read through `_predictors`, `_baseline_prediction` and `_preprocessor`, which are private;
`tests/modelling/test_reasons.py` holds them to additivity and to Shapley's definition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import check_matrix
from .response import FittedResponse

TOP = 3
# Patterns are tabulated up to this many features on a path; our trees have at most six.
TABLE_FEATURES = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Push:
    """One group of features that moves the score of one row: the row, the leading feature, log-odds and its share of
    all that moves the same way."""

    row: int
    position: int
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class Grouped:
    """What every group of correlated features adds to the log-odds of each row: ``base + contribution.sum(axis=1)`` is
    the log-odds of the score.

    `feature` (n, groups) is the member that pushes most the way its group does, `contribution` (n, groups) log-odds.
    """

    feature: NDArray[np.int16]
    contribution: Floats
    base: float


def grouped(fitted: FittedResponse, X: ArrayLike) -> Grouped:
    """The exact contributions of all groups for rows X (n, features), in log-odds of the calibrated probability."""
    each, base = contributions(fitted, X)
    return in_groups(each, base, fitted.groups)


def in_groups(each: Floats, base: float, groups: Sequence[int]) -> Grouped:
    """Contributions (n, features) added up over features with the same number in `groups` (features,)."""
    numbers = np.unique(groups)
    total = np.empty((len(each), len(numbers)))
    leader = np.empty((len(each), len(numbers)), dtype=np.int16)
    for g, number in enumerate(numbers):
        members = np.flatnonzero(np.asarray(groups) == number)
        total[:, g] = each[:, members].sum(axis=1)
        towards = each[:, members] * np.where(total[:, g] < 0, -1, 1)[:, None]
        leader[:, g] = members[np.argmax(towards, axis=1)]
    return Grouped(leader, total, base)


def strongest(found: Grouped, *, up: bool, top: int = TOP) -> list[Push]:
    """The groups that move each row's score most in one direction, row by row, strongest first."""
    moving = np.maximum(found.contribution if up else -found.contribution, 0)
    everything = moving.sum(axis=1)
    order = np.argsort(-moving, axis=1, kind="stable")[:, :top]
    return [
        Push(
            row,
            int(found.feature[row, g]),
            float(found.contribution[row, g]),
            float(moving[row, g] / everything[row]),
        )
        for row in range(len(moving))
        for g in order[row].tolist()
        if moving[row, g] > 0
    ]


def contributions(fitted: FittedResponse, X: ArrayLike) -> tuple[Floats, float]:
    """Contributions (n, features) and the base, in log-odds of the calibrated probability."""
    matrix = check_matrix(X, fitted.specs)
    if fitted.kind == "logistic":
        each, base = logit_contributions(fitted.estimator, matrix, np.asarray(fitted.background))
    else:
        each, base = tree_contributions(fitted.estimator, matrix)
    return each * fitted.calibrator.slope, base * fitted.calibrator.slope + fitted.calibrator.intercept


def logit_contributions(
    pipeline: Any, X: NDArray[np.float32], mean_row: Floats, which: int = 0
) -> tuple[Floats, float]:
    """Contributions (n, features) and base of a fitted `estimators` logit; `mean_row` is its mean design row. Of
    several classes the raw score of class `which`."""
    design, logit = pipeline
    coefficients = logit.coef_[which]
    parts = (design.transform(X) - mean_row) * coefficients
    each = np.zeros((len(X), design.n_features_in_))
    for column, owner in enumerate(_owners(design)):
        each[:, owner] += parts[:, column]
    return each, float(logit.intercept_[which] + mean_row @ coefficients)


def _owners(design: Any) -> list[int]:
    """The feature behind every design column, from names such as `numeric__missingindicator_x3` or
    `categorical__x5_2.0`."""
    tails = (
        name.split("__", 1)[1].removeprefix("missingindicator_") for name in design.get_feature_names_out()
    )
    return [int(tail.removeprefix("x").split("_", 1)[0]) for tail in tails]


def tree_contributions(estimator: Any, X: ArrayLike, which: int = 0) -> tuple[Floats, float]:
    """Shapley values (n, features) and base of a fitted HistGradientBoostingClassifier: the log-odds of a yes, of
    several classes the raw score of class `which`."""
    matrix = np.asarray(X)
    columns = np.arange(estimator.n_features_in_)
    if estimator._preprocessor is not None:
        matrix = estimator._preprocessor.transform(matrix)
        columns = np.concatenate(
            [np.flatnonzero(estimator.is_categorical_), np.flatnonzero(~estimator.is_categorical_)]
        )
    by_column = np.asfortranarray(matrix, dtype=np.float64)
    phi = np.zeros((len(columns), len(by_column)))
    base = float(np.ravel(estimator._baseline_prediction)[which])
    for trees in estimator._predictors:
        base += _add_tree(trees[which], by_column, phi)
    each = np.empty((len(by_column), len(columns)))
    each[:, columns] = phi.T
    return each, base


def _add_tree(predictor: Any, X: Floats, phi: Floats) -> float:
    """Add one tree's Shapley values to `phi` (features, n); return its expected value."""
    nodes = predictor.nodes
    goes_left = {
        int(i): _goes_left(nodes[i], predictor.raw_left_cat_bitsets, X)
        for i in np.flatnonzero(nodes["is_leaf"] == 0)
    }
    expected = 0.0
    for value, path in _leaves(nodes):
        features = list(path)
        unknown = np.array([path[j][0] for j in features])
        expected += value * float(unknown.prod())
        if not features:
            continue
        agrees = [_agrees(goes_left, path[j][1]) for j in features]
        for feature, values in zip(features, _leaf_values(agrees, unknown, value), strict=True):
            phi[feature] += values
    return expected


def _goes_left(node: Any, bitsets: NDArray[np.uint32], X: Floats) -> NDArray[np.bool_]:
    """Which rows take the left branch; missing and (already NaN) unknown categories go where training sent them."""
    column = X[:, node["feature_idx"]]
    missing = np.isnan(column)
    if node["is_categorical"]:
        codes = np.where(missing, 0, column).astype(np.intp)
        words = bitsets[node["bitset_idx"]]
        left = (words[codes // 32] >> (codes % 32).astype(np.uint32)) & 1 == 1
    else:
        left = column <= node["num_threshold"]
    return np.where(missing, bool(node["missing_go_to_left"]), left)


def _leaves(nodes: NDArray[Any]) -> list[tuple[float, dict[int, tuple[float, list[tuple[int, bool]]]]]]:
    """Every leaf: its value and, per feature on its path, (share of training rows that agree, [(node, goes left)])."""
    found = []
    stack: list[tuple[int, dict[int, tuple[float, list[tuple[int, bool]]]]]] = [(0, {})]
    while stack:
        index, path = stack.pop()
        node = nodes[index]
        if node["is_leaf"]:
            found.append((float(node["value"]), path))
            continue
        feature = int(node["feature_idx"])
        share, steps = path.get(feature, (1.0, []))
        for child, left in ((int(node["left"]), True), (int(node["right"]), False)):
            part = float(nodes[child]["count"]) / float(node["count"])
            stack.append((child, {**path, feature: (share * part, [*steps, (index, left)])}))
    return found


def _agrees(goes_left: dict[int, NDArray[np.bool_]], steps: list[tuple[int, bool]]) -> NDArray[np.bool_]:
    agrees = None
    for index, left in steps:
        step = goes_left[index] if left else ~goes_left[index]
        agrees = step if agrees is None else agrees & step
    if agrees is None:
        raise ValueError("a feature on a path has at least one step")
    return agrees


def _leaf_values(agrees: list[NDArray[np.bool_]], unknown: Floats, value: float) -> Floats:
    """Shapley values (features on the path, n) of one leaf."""
    d = len(agrees)
    if d > TABLE_FEATURES:
        return _product_game(np.stack(agrees, axis=1), unknown, value).T
    patterns = (np.arange(2**d)[:, None] >> np.arange(d)) & 1
    table = _product_game(patterns, unknown, value)
    code = np.zeros(len(agrees[0]), dtype=np.intp)
    for bit, agree in enumerate(agrees):
        code |= agree.astype(np.intp) << bit
    return table.T[:, code]


def _product_game(agrees: NDArray[Any], unknown: Floats, value: float) -> Floats:
    """Shapley values (rows, d) of v(S) = value · Π_{j∈S} o_j · Π_{j∉S} z_j for rows of o, by exact quadrature."""
    d = len(unknown)
    points, weights = np.polynomial.legendre.leggauss(d // 2 + 1)
    total = np.zeros(agrees.shape)
    for t, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factors = agrees * t + unknown * (1 - t)  # positive: t < 1 and every branch holds training rows
        total += weight * factors.prod(axis=1, keepdims=True) / factors
    return value * (agrees - unknown) * total
