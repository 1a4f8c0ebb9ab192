"""Bootstrap draws: the fast kernels equal the plain metrics, strata keep their sizes, intervals cover the truth."""

import numpy as np
import pytest

from analytics.modelling import bootstrap, metrics

KERNELS = [
    metrics.auc,
    metrics.gini,
    metrics.ks,
    metrics.gains_area,
    metrics.brier,
    metrics.log_loss,
    metrics.top_decile_lift,
    metrics.ece,
]


@pytest.fixture
def sample():
    rng = np.random.default_rng(1)
    p = np.round(rng.beta(1, 4, size=400), 2).clip(0.01, 0.99)
    return (rng.random(400) < p).astype(int), p


@pytest.mark.parametrize("metric", KERNELS, ids=lambda metric: metric.__name__)
def test_a_kernel_equals_the_metric_on_the_drawn_rows(metric, sample):
    y, p = sample
    fast = bootstrap.bootstrap_values({"m": (metric, p)}, y, n=20, seed=4, stratify=True)["m"]
    draws = [row for batch in bootstrap.draw_counts(y, 20, seed=4) for row in batch]
    plain = [metric(y[np.repeat(np.arange(400), row)], p[np.repeat(np.arange(400), row)]) for row in draws]
    assert fast == pytest.approx(plain, abs=1e-12)


def test_a_metric_without_a_kernel_is_measured_on_the_drawn_rows(sample):
    y, p = sample

    def mean_of_responders(labels, scores):
        return float(scores[labels == 1].mean())

    values = bootstrap.bootstrap_values({"m": (mean_of_responders, p)}, y, n=5, seed=4)["m"]
    (counts,) = bootstrap.draw_counts(y, 5, seed=4)
    assert values == pytest.approx(counts @ (p * y) / y.sum())


def test_every_stratum_keeps_its_size(sample):
    y, _ = sample
    arms = np.arange(400) % 3
    for counts in bootstrap.draw_counts(y, 30, seed=0):
        assert (counts @ y == y.sum()).all()
        assert (counts.sum(axis=1) == 400).all()
    for counts in bootstrap.draw_counts(y, 30, seed=0, stratify=arms):
        assert (counts @ (arms == 1) == (arms == 1).sum()).all()
    free = np.concatenate(list(bootstrap.draw_counts(y, 30, seed=0, stratify=False)))
    assert len(set((free @ y).tolist())) > 1


def test_the_same_seed_gives_the_same_interval_and_another_does_not(sample):
    y, p = sample
    first = bootstrap.bootstrap_interval(metrics.auc, y, p, n=100, seed=1)
    assert first == bootstrap.bootstrap_interval(metrics.auc, y, p, n=100, seed=1)
    assert first != bootstrap.bootstrap_interval(metrics.auc, y, p, n=100, seed=2)
    assert first.low < first.value < first.high
    assert (first.n, first.positives, first.resamples) == (400, y.sum(), 100)


def test_batches_do_not_change_what_is_drawn_in_size(sample, monkeypatch):
    y, _ = sample
    monkeypatch.setattr(bootstrap, "CELLS_AT_ONCE", 1_000)
    batches = list(bootstrap.draw_counts(y, 7, seed=0))
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]


def test_the_interval_of_a_mean_has_the_textbook_width():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 2_000)
    p = rng.normal(size=2_000)
    # Brier of a constant label is a plain mean of squares, so its standard error is known.
    squares = (p - y) ** 2
    interval = bootstrap.bootstrap_interval(metrics.brier, y, p.clip(0, 1), n=2_000, seed=0, stratify=False)
    squares = (p.clip(0, 1) - y) ** 2
    half_width = 1.96 * squares.std() / np.sqrt(2_000)
    assert (interval.high - interval.low) / 2 == pytest.approx(half_width, rel=0.08)


def test_a_paired_difference_of_a_score_with_itself_is_exactly_zero(sample):
    y, p = sample
    same = bootstrap.paired_difference(metrics.auc, y, p, 2 * p, n=50, seed=0)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_pairing_narrows_the_interval(sample):
    y, p = sample
    rng = np.random.default_rng(8)
    near = p + rng.normal(scale=0.01, size=len(p))
    paired = bootstrap.paired_difference(metrics.auc, y, p, near, n=300, seed=0)
    alone = bootstrap.bootstrap_interval(metrics.auc, y, p, n=300, seed=0)
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_auc_intervals_cover_the_truth_about_as_often_as_they_say():
    # Two normals one standard deviation apart: AUC = Φ(1/√2) = 0.7602
    rng = np.random.default_rng(6)
    y = np.repeat([0, 1], [300, 60])
    covered = 0
    for seed in range(200):
        p = rng.normal(size=360) + y
        interval = bootstrap.bootstrap_interval(metrics.auc, y, p, n=200, seed=seed)
        covered += interval.low <= 0.76025 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


@pytest.mark.parametrize("metric", [metrics.brier, metrics.log_loss], ids=lambda metric: metric.__name__)
def test_intervals_of_losses_at_a_low_rate_cover_the_truth_about_as_often_as_they_say(metric):
    rng = np.random.default_rng(11)
    # The chances are true, so the loss a bank of a million would have is known.
    everyone = rng.beta(1, 30, size=1_000_000)
    truth = metric((rng.random(len(everyone)) < everyone).astype(int), everyone)
    covered = 0
    for seed in range(150):
        p = rng.beta(1, 30, size=1_500)
        y = (rng.random(1_500) < p).astype(int)
        interval = bootstrap.bootstrap_intervals({"m": (metric, p)}, y, n=150, seed=seed)["m"]
        covered += interval.low <= truth <= interval.high
    assert 0.90 <= covered / 150 <= 0.99


def test_a_draw_of_one_outcome_is_drawn_again():
    y = np.array([0] * 9 + [1])
    free = np.concatenate(list(bootstrap.draw_counts(y, 200, seed=0, stratify=False)))
    assert (free.sum(axis=1) == 10).all()
    assert set(free @ y) - {1}  # not stratified
    assert ((free @ y > 0) & (free @ y < 10)).all()


def test_a_difference_of_losses_is_drawn_with_its_base_rate(sample):
    y, p = sample
    halved = bootstrap.paired_difference(metrics.brier, y, p, p / 2, n=500, seed=0)
    losses = (p - y) ** 2 - (p / 2 - y) ** 2
    assert (halved.high - halved.low) / 2 == pytest.approx(1.96 * losses.std() / 20, rel=0.12)


def test_the_mean_over_folds_is_that_of_the_folds_and_repeats_do_not_narrow_it():
    rng = np.random.default_rng(3)
    y = (rng.random(600) < 0.3).astype(int)
    score = y + rng.normal(size=600)
    folds = [(rows, score[rows]) for rows in np.array_split(rng.permutation(600), 5)]
    once = bootstrap.mean_over_folds(metrics.auc, y, folds, n=200)
    assert once.value == pytest.approx(np.mean([metrics.auc(y[rows], p) for rows, p in folds]))
    assert once.low < once.value < once.high
    assert (once.n, once.positives) == (600, y.sum())
    again = bootstrap.mean_over_folds(metrics.auc, y, folds * 4, n=200)
    assert (again.low, again.high) == pytest.approx((once.low, once.high))
