"""Why this answer rather than the next likeliest? Exact contributions to the margin between the two, row by row.

Of answers without an order the margin is log(p_a / p_b), calibrated: β times the difference of two raw scores, which
both learners give as sums over features. Of ordered answers it is the log-odds of the threshold below the answer, "at
least balanced", as that threshold's own model has it, before thresholds are made to fall; of the least answer, of not
passing the first one. base + Σ contributions = margin.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import check_matrix
from .ordinal import OrdinalClassifier
from .preference import FittedPreference
from .reasons import Floats, logit_contributions, tree_contributions


def margin_contributions(
    fitted: FittedPreference, row: NDArray[np.float32], answer: int, rival: int
) -> tuple[Floats, float]:
    """Contributions (features,) and base of one row (features,): `answer` and `rival` are positions of classes the
    model knows. ValueError for others."""
    if answer not in fitted.kept or rival not in fitted.kept:
        raise ValueError("an answer the model does not know has no reasons")
    matrix = check_matrix(row[None, :], fitted.specs)
    estimator: Any = fitted.estimator
    first, second = fitted.kept.index(answer), fitted.kept.index(rival)
    if isinstance(estimator, OrdinalClassifier):
        # β sharpens the chances of classes, not of thresholds: of a threshold no calibration is claimed.
        threshold, sign = (first - 1, 1.0) if first else (0, -1.0)
        each, base = _raw(fitted, estimator.estimators_[threshold], matrix, 0)
        return sign * each, sign * base
    if len(fitted.kept) == 2:  # one score says both: the log-odds of the second class
        each, base = _raw(fitted, estimator, matrix, 0)
        sign = fitted.inverse_temperature * (1.0 if first else -1.0)
        return sign * each, sign * base
    ours, our_base = _raw(fitted, estimator, matrix, first)
    theirs, their_base = _raw(fitted, estimator, matrix, second)
    beta = fitted.inverse_temperature
    return beta * (ours - theirs), beta * (our_base - their_base)


def _raw(
    fitted: FittedPreference, estimator: Any, matrix: NDArray[np.float32], which: int
) -> tuple[Floats, float]:
    if fitted.learner == "logistic":
        each, base = logit_contributions(estimator, matrix, np.asarray(fitted.background), which)
    else:
        each, base = tree_contributions(estimator, matrix, which)
    return each[0], base
