"""Why this answer and not the next, why this segment and not the next: contributions add up to the margin."""

import numpy as np
import pytest

from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import fit_preference, raw_probabilities
from analytics.modelling.preference_reasons import margin_contributions
from analytics.modelling.segment_reasons import place
from analytics.modelling.segmentation import find_segments

CLASSES = ("cautious", "balanced", "adventurous")


def world(n=4_000, seed=0):
    """Two causes, one habit of three words, and noise; answers follow their sum."""
    rng = np.random.default_rng(seed)
    cause, other, noise = rng.normal(size=(3, n))
    word = rng.integers(0, 3, size=n)
    pull = 1.5 * cause + 0.7 * (word == 2) + rng.normal(size=n)
    codes = np.digitize(pull, (-0.6, 0.9))
    X = np.column_stack([cause, other, noise, word]).astype(np.float32)
    X[rng.random(n) < 0.05, 1] = np.nan
    specs = [FeatureSpec(name, "numeric", name) for name in ("cause", "other", "noise")]
    specs.append(FeatureSpec("word", "categorical", "word", ("a", "b", "c")))
    dates = np.repeat(np.arange("2025-01", "2025-09", dtype="datetime64[M]"), n // 8).astype("datetime64[D]")
    return X, codes, dates, specs


@pytest.mark.parametrize("learner", ["logistic", "hist_gradient_boosting"])
@pytest.mark.parametrize("classes", [3, 2])
def test_contributions_add_up_to_the_calibrated_margin_over_the_next_likeliest(learner, classes):
    X, codes, dates, specs = world()
    codes = np.minimum(codes, classes - 1)
    fitted = fit_preference(X, codes, dates, specs, CLASSES[:classes], learner=learner, resamples=20)
    few = X[:3] if learner == "hist_gradient_boosting" else X[:40]
    for row, chance in zip(few, fitted.predict_proba(few).astype(float), strict=True):
        answer, rival = np.argsort(-chance)[:2].tolist()
        each, base = margin_contributions(fitted, row, answer, rival)
        assert each.shape == (4,)
        assert base + each.sum() == pytest.approx(np.log(chance[answer] / chance[rival]), abs=1e-4)
        back, base_back = margin_contributions(fitted, row, rival, answer)
        assert back == pytest.approx(-each)
        assert base_back == pytest.approx(-base)
    sure = int(np.argmax(fitted.predict_proba(X[:400])[:, -1]))
    each, _base = margin_contributions(fitted, X[sure], classes - 1, 0)
    assert int(np.argmax(each)) == 0


@pytest.mark.parametrize("learner", ["logistic", "hist_gradient_boosting"])
def test_of_ordered_answers_the_threshold_below_the_answer_is_explained(learner):
    X, codes, dates, specs = world()
    fitted = fit_preference(X, codes, dates, specs, CLASSES, kind="ordinal", learner=learner, resamples=20)
    at_least = [model.predict_proba(X[:3])[:, 1] for model in fitted.estimator.estimators_]
    for at, row in enumerate(X[:3]):
        for answer, chance in ((2, at_least[1][at]), (1, at_least[0][at]), (0, 1 - at_least[0][at])):
            each, base = margin_contributions(fitted, row, answer, (answer + 1) % 3)
            assert base + each.sum() == pytest.approx(np.log(chance / (1 - chance)), abs=1e-6)


def test_an_answer_the_model_does_not_know_has_no_reasons():
    X, codes, dates, specs = world()
    fitted = fit_preference(X, codes, dates, specs, (*CLASSES, "never"), learner="logistic", resamples=20)
    assert raw_probabilities(fitted.estimator, X[:1]).shape == (1, 3)
    with pytest.raises(ValueError, match="does not know"):
        margin_contributions(fitted, X[0], 3, 0)


def test_what_holds_a_customer_in_a_segment_adds_up_to_how_much_nearer_its_middle_is():
    rng = np.random.default_rng(1)
    kind = np.arange(900) % 3
    X = np.column_stack(
        [
            10.0 * (kind == 0) + rng.normal(size=900),
            10.0 * (kind == 1) + rng.normal(size=900),
            rng.normal(size=900),
        ]
    ).astype(np.float32)
    specs = [FeatureSpec(name, "numeric", name) for name in ("first", "second", "noise")]
    fitted = find_segments(X, specs, candidates=(3,), resamples=3)
    for row in range(6):
        found = place(fitted, X[row])
        assert found.segment == fitted.assign(X[row : row + 1])[0]
        point = fitted.preparation.transform(X[row : row + 1])[0]
        apart = np.square(fitted.centroids - point).sum(axis=1)
        assert found.margin == pytest.approx(apart[found.rival] - apart[found.segment], rel=1e-4)
        assert found.gains.sum() == pytest.approx(found.margin)
        assert found.held[0].feature in (0, 1)
        assert sum(held.share for held in found.held) <= 1.0001
    assert place(fitted, X[0]).held[0].feature == 0
