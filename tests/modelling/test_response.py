"""A response model finds the planted truth, measures itself on later rows, and refuses thin data."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.modelling import metrics
from analytics.modelling.artefact import digest, dump, load
from analytics.modelling.estimators import SignedLog, fit_estimator
from analytics.modelling.response import InsufficientData, compare, fit_champion, fit_response
from analytics.modelling.response_quality import raw_scores

from .conftest import simulate


@pytest.fixture(params=["trees", "logit"])
def fitted(request):
    return request.getfixturevalue(request.param)


def test_it_ranks_nearly_as_well_as_the_planted_truth(fitted, history):
    rows = history.slices.out_of_time
    best = metrics.auc(history.y[rows], history.truth[rows])
    assert best - 0.02 < fitted.quality.intervals["auc"].value <= best + 0.01


def test_its_probabilities_are_close_to_the_planted_ones(fitted):
    fresh = simulate(10_000, seed=99)
    assert np.abs(fitted.predict(fresh.X) - fresh.truth).mean() < 0.04  # a constant would be off by 0.13
    assert fitted.predict(fresh.X).mean() == pytest.approx(fresh.truth.mean(), rel=0.06)


def test_its_figures_belong_to_the_out_of_time_rows(fitted, history):
    rows = history.slices.out_of_time
    y, raw, p = history.y[rows], fitted.raw(history.X[rows]), fitted.predict(history.X[rows])
    intervals = fitted.quality.intervals
    assert intervals["auc"].value == pytest.approx(metrics.auc(y, raw))
    assert intervals["brier"].value == pytest.approx(metrics.brier(y, p), abs=1e-6)
    assert intervals["auc"].n == len(rows)
    learned = np.concatenate((history.slices.train, history.slices.validation))
    assert (fitted.n, fitted.positives) == (len(learned), history.y[learned].sum())
    assert dict(fitted.quality.gains)[1.0] == 1.0
    assert sum(row.n for row in fitted.quality.lift) == len(rows)
    for name in ("auc", "gini", "ks", "top_decile_lift", "gains_area", "brier", "log_loss"):
        assert intervals[name].low <= intervals[name].value <= intervals[name].high, name


def test_what_matters_is_important_and_noise_is_not(fitted):
    drops = {item.feature: item.drop for item in fitted.quality.importance}
    assert drops["region"] > 0.02
    assert abs(drops["noise"]) < 0.01
    assert fitted.quality.importance[0].feature in {"balance", "balance_echo"}


def test_correlated_features_form_one_group(fitted):
    groups = dict(zip((spec.name for spec in fitted.specs), fitted.groups, strict=True))
    assert groups["balance"] == groups["balance_echo"]
    assert len(set(groups.values())) == 5


def test_the_same_seed_gives_the_same_scores(history, logit, trees):
    for fitted in (logit, trees):
        again = fit_response(
            history.X,
            history.y,
            history.dates,
            history.specs,
            history.slices,
            kind=fitted.kind,
            seed=3,
            resamples=10,
        )
        np.testing.assert_array_equal(again.predict(history.X), fitted.predict(history.X))


def test_chunks_do_not_change_the_scores(fitted, history, monkeypatch):
    whole = fitted.raw(history.X)
    monkeypatch.setattr("analytics.modelling.response_quality.CHUNK", 999)
    # BLAS may sum in another order for another number of rows
    assert raw_scores(fitted.estimator, history.X) == pytest.approx(whole, abs=1e-12)
    assert fitted.predict(history.X).dtype == np.float32


def test_a_moved_feature_shows_in_its_stability_index(fitted, history):
    moved = history.X.copy()
    moved[:, 4] += 1
    psi = fitted.feature_psi(moved)
    assert psi["noise"] > 0.25
    assert psi["balance"] < 0.1
    assert psi["region"] < 0.1


def test_a_model_that_fails_out_of_time_objects_to_its_use(history, logit):
    assert logit.objection is None
    y = history.y.copy()
    later = history.slices.out_of_time
    y[later] = np.random.default_rng(0).permutation(y[later])
    broken = fit_response(
        history.X, y, history.dates, history.specs, history.slices, kind="logistic", resamples=200
    )
    assert "no better than chance" in str(broken.objection)


def test_a_moved_feature_is_named_with_the_model_and_survives_storage(history):
    X = history.X.copy()
    X[history.slices.out_of_time, 4] += 2
    fitted = fit_response(
        X, history.y, history.dates, history.specs, history.slices, kind="logistic", resamples=20
    )
    assert [drift.name for drift in fitted.quality.drift] == ["noise"]
    data = dump(fitted)
    assert load(data, digest(data)).quality.drift == fitted.quality.drift


def test_too_few_responders_are_refused_by_name(history):
    rows = np.flatnonzero(history.y == 1)
    y = history.y.copy()
    in_train = np.intersect1d(rows, history.slices.train)
    y[in_train[120:]] = 0
    with pytest.raises(
        InsufficientData, match=r"Gradient boosting needs at least 200 responders .* there are 120"
    ):
        fit_response(history.X, y, history.dates, history.specs, history.slices)
    choice = fit_champion(history.X, y, history.dates, history.specs, history.slices, resamples=20)
    assert choice.chosen.kind == "logistic"
    assert choice.other is None
    y[in_train[40:]] = 0
    with pytest.raises(InsufficientData, match=r"Logistic regression needs at least 50 .* there are 40"):
        fit_champion(history.X, y, history.dates, history.specs, history.slices)


def test_without_a_proven_difference_the_simpler_model_is_used(history, trees, logit):
    rows = history.slices.out_of_time
    result = compare(trees, logit, history.X[rows], history.y[rows], resamples=200)
    assert result.difference.low < 0
    assert result.winner == "challenger"
    same = compare(trees, trees, history.X[rows], history.y[rows], resamples=20)
    assert same.winner == "champion"


def test_a_better_figure_that_is_not_proven_does_not_win(history, trees, logit):
    rows = history.slices.out_of_time[:200]
    ahead, behind = replace(logit, kind="hist_gradient_boosting"), replace(trees, kind="logistic")
    result = compare(ahead, behind, history.X[rows], history.y[rows], resamples=200)
    assert result.difference.low < 0 < result.difference.value
    assert result.winner == "challenger"
    assert "simpler one" in str(result.sentence)


def test_trees_win_where_the_truth_is_not_linear(history):
    rng = np.random.default_rng(11)
    ring = (np.abs(history.X[:, 0]) > 1) ^ (history.X[:, 2] == 1)
    y = (rng.random(len(ring)) < np.where(ring, 0.3, 0.05)).astype(np.int8)
    choice = fit_champion(history.X, y, history.dates, history.specs, history.slices, resamples=200)
    assert choice.chosen.kind == "hist_gradient_boosting"
    assert choice.comparison.difference.low > 0
    assert str(choice.comparison.sentence).startswith("Trees rank better than the logistic regression: AUC +")
    rows = history.slices.out_of_time
    turned = compare(choice.other, choice.chosen, history.X[rows], y[rows], resamples=200)
    assert turned.winner == "challenger"


def test_two_learners_are_not_called_champion_and_challenger(history):
    choice = fit_champion(history.X, history.y, history.dates, history.specs, history.slices, resamples=50)
    sentence = str(choice.comparison.sentence)
    assert "logistic regression" in sentence
    assert "champion" not in sentence.lower()


def test_an_unknown_kind_is_refused(history):
    with pytest.raises(ValueError, match="known: hist_gradient_boosting, logistic"):
        fit_response(history.X, history.y, history.dates, history.specs, history.slices, kind="forest")


def test_only_long_tails_are_logged():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=500), -np.exp(2 * rng.normal(size=500)), np.zeros(500)])
    log = SignedLog().fit(X)
    assert log.long_tailed_.tolist() == [False, True, False]
    assert log.transform(X)[:, 1] == pytest.approx(-np.log1p(-X[:, 1]))
    assert log.transform(X)[:, 0] == pytest.approx(X[:, 0])


@pytest.mark.parametrize("kind", ["logistic", "hist_gradient_boosting"])
def test_columns_that_are_empty_or_constant_do_no_harm(history, kind):
    X = history.X.copy()
    X[:, 3] = np.nan
    X[:, 4] = 1
    X[:, 1] = np.nan
    scores = fit_estimator(kind, X, history.y, history.specs).decision_function(X)
    assert np.isfinite(scores).all()
    assert metrics.auc(history.y, scores) > 0.7
