"""The rolling protocol learns from the window before each step and from nothing else."""

import numpy as np
import pytest

from analytics.modelling import metrics
from analytics.modelling.estimators import fit_estimator
from analytics.modelling.rolling import rolling_protocol


@pytest.mark.parametrize("kind", ["logistic", "hist_gradient_boosting"])
def test_every_step_is_scored_by_the_window_before_it(history, kind):
    X, y, specs = history.X, history.y, history.specs
    result = rolling_protocol(X, y, specs, window=3_000, step=1_000, last=0.2, kind=kind)
    assert (result.start, result.refits) == (9_600, 3)
    for first, size in ((9_600, 1_000), (10_600, 1_000), (11_600, 400)):
        past = slice(first - 3_000, first)
        model = fit_estimator(kind, X[past], y[past], specs)
        expected = model.decision_function(X[first : first + size])
        assert result.scores[first - 9_600 : first - 9_600 + size] == pytest.approx(expected)
    assert result.auc == pytest.approx(metrics.auc(y[9_600:], result.scores))
    assert result.gains_area == pytest.approx(metrics.gains_area(y[9_600:], result.scores))


def test_later_outcomes_change_nothing_before_them(history):
    changed = history.y.copy()
    changed[11_000:] = 1 - changed[11_000:]
    first = rolling_protocol(history.X, history.y, history.specs, window=3_000, step=700)
    second = rolling_protocol(history.X, changed, history.specs, window=3_000, step=700)
    np.testing.assert_array_equal(first.scores[:1_400], second.scores[:1_400])
    assert (first.scores[2_100:] != second.scores[2_100:]).any()


def test_a_window_longer_than_the_past_is_refused(history):
    with pytest.raises(ValueError, match="does not fit"):
        rolling_protocol(history.X, history.y, history.specs, window=9_601)
