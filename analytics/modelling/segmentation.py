"""Customer segments: clusters that come out again when the customers are drawn again, or none at all.

k is chosen by stability first: the mean adjusted Rand index (Hubert and Arabie 1985) between the fit and fits of
bootstrap samples (Hennig 2007) must reach 0.85, the smallest segment two in a hundred; among those that remain the
silhouette (Rousseeuw 1987) decides, and of several within 5 % of the best the largest k: it says more and is told apart
as well. Silhouette alone likes k = 2. Where none remains there are no segments to be had, and `baselines` stand in.
Months later customers are assigned to the frozen centroids. methods.md section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from . import stability
from .matrix import FeatureSpec, check_matrix
from .segment_preparation import SegmentPreparation, preparation
from .segment_traits import Trait, traits
from .sentences import ModellingRefusal, Sentence, gettext_noop

CANDIDATES = tuple(range(3, 9))
LEAST_STABILITY = 0.85
LEAST_SHARE = 0.02
AS_GOOD = 0.95  # of the best silhouette; below that a difference is no longer one of the draw of 5,000 rows
RESAMPLES = 20
ROWS_OF_STABILITY = 10_000
ROWS_OF_SILHOUETTE = 5_000
MINI_BATCH_ABOVE = 300_000
LEAST_ROWS = 500
CHUNK = 100_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One k: mean bootstrap `stability` (ARI) with its 2.5 % and 97.5 % quantiles over the draws, share of the smallest
    segment, silhouette, and whether it may be chosen."""

    k: int
    stability: float
    low: float
    high: float
    smallest: float
    silhouette: float
    stable: bool


class NoStableSegments(ModellingRefusal):
    """No k passes; `candidates` holds the evidence. Use `baselines` instead."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = tuple(candidates)
        best = max(candidates, key=lambda candidate: candidate.stability)
        super().__init__(
            gettext_noop(
                "There are no stable segments: of %(least)s to %(most)s, %(k)s come out most alike when customers are "
                "drawn again (%(stability).2f, %(needed).2f is needed; the smallest holds %(smallest).1f %% of them)."
            ),
            least=candidates[0].k,
            most=candidates[-1].k,
            k=best.k,
            stability=best.stability,
            needed=LEAST_STABILITY,
            smallest=100 * best.smallest,
        )


class TooFewCustomers(ModellingRefusal):
    """Not enough rows to look for segments."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Frozen: `centroids` (k, columns) in prepared units, never refitted while it is in use.

    `shares` (k,) of the customers it was learned from, largest segment first, so segment 0 is the largest; `traits` per
    segment, strongest first; `references` of the features, for the watch on drift (PSI above 0.25: refit).
    """

    preparation: SegmentPreparation
    centroids: NDArray[np.float32]
    specs: tuple[FeatureSpec, ...]
    seed: int
    n: int
    shares: tuple[float, ...]
    candidates: tuple[Candidate, ...]
    traits: tuple[tuple[Trait, ...], ...]
    references: tuple[stability.Reference, ...]

    @property
    def k(self) -> int:
        return len(self.centroids)

    def assign(self, X: ArrayLike) -> NDArray[np.int8]:
        """The nearest centroid of every row of X (n, features), (n,); chunks of 100,000 rows. ValueError as in
        `matrix.check_matrix`."""
        matrix = check_matrix(X, self.specs)
        labels = np.empty(len(matrix), dtype=np.int8)
        for start in range(0, len(matrix), CHUNK):
            points = self.preparation.transform(matrix[start : start + CHUNK])
            labels[start : start + CHUNK] = nearest(points, self.centroids)
        return labels

    def feature_psi(self, X: ArrayLike) -> dict[str, float]:
        """PSI of every feature of X against the rows the segments were learned from."""
        matrix = check_matrix(X, self.specs)
        pairs = zip(self.specs, self.references, strict=True)
        return {spec.name: known.psi(matrix[:, j]) for j, (spec, known) in enumerate(pairs)}


def nearest(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.intp]:
    """Position of the nearest centroid by Euclidean distance; |x|² is the same for all and left out."""
    return np.argmin(np.square(centroids).sum(axis=1) - 2 * (points @ centroids.T), axis=1)


def find_segments(
    X: ArrayLike,
    specs: Sequence[FeatureSpec],
    *,
    candidates: Sequence[int] = CANDIDATES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Segmentation:
    """Prepare, choose k, fit. X (n, features) of one date.

    Raises NoStableSegments with the evidence, TooFewCustomers under 500 rows, UnusableFeature for one that does not
    vary, ValueError for infinities and shapes. Same input and seed give the same segments.
    """
    matrix = check_matrix(X, specs)
    if len(matrix) < LEAST_ROWS:
        raise TooFewCustomers(
            gettext_noop("Segments need at least %(needed)s customers; there are %(found)s."),
            needed=LEAST_ROWS,
            found=len(matrix),
        )
    prepared = preparation(matrix, specs)
    points = prepared.transform(matrix)
    tried = [judge(points, k, resamples=resamples, seed=seed) for k in candidates]
    passed = [candidate for candidate in tried if candidate.stable]
    if not passed:
        raise NoStableSegments(tried)
    k = chosen_k(passed)
    centroids, labels = _by_size(fit_centroids(points, k, seed), points)
    return Segmentation(
        preparation=prepared,
        centroids=centroids,
        specs=tuple(specs),
        seed=seed,
        n=len(matrix),
        shares=tuple((np.bincount(labels, minlength=k) / len(labels)).tolist()),
        candidates=tuple(tried),
        traits=traits(matrix, labels, prepared, specs),
        references=stability.feature_references(matrix, specs),
    )


def chosen_k(passed: Sequence[Candidate]) -> int:
    """Of the stable candidates the largest k whose silhouette is as good as the best, to within 5 %."""
    best = max(candidate.silhouette for candidate in passed)
    return max(
        candidate.k for candidate in passed if candidate.silhouette >= (AS_GOOD * best if best > 0 else best)
    )


def fit_centroids(points: NDArray[np.float32], k: int, seed: int, *, starts: int = 5) -> NDArray[np.float32]:
    """Centroids (k, columns) of prepared points: KMeans, in mini-batches above 300,000 rows."""
    model: Any
    if len(points) > MINI_BATCH_ABOVE:
        model = MiniBatchKMeans(k, batch_size=8192, n_init=starts, random_state=seed)
    else:
        model = KMeans(k, n_init=starts, random_state=seed)
    return np.asarray(model.fit(points).cluster_centers_, dtype=np.float32)


def _by_size(
    centroids: NDArray[np.float32], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Centroids ordered by how many points they hold, most first, and the labels."""
    sizes = np.bincount(nearest(points, centroids), minlength=len(centroids))
    ordered = centroids[np.argsort(-sizes, kind="stable")]
    return ordered, nearest(points, ordered)


def judge(points: NDArray[np.float32], k: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Candidate:
    """The evidence for one k on prepared points; at most 10,000 evenly spaced rows are looked at."""
    rows = np.linspace(0, len(points) - 1, min(len(points), ROWS_OF_STABILITY)).astype(np.intp)
    looked_at = points[rows]
    labels = nearest(looked_at, fit_centroids(looked_at, k, seed))
    rng = np.random.default_rng([seed, k])
    agreement = []
    for draw in range(resamples):
        drawn = looked_at[rng.integers(0, len(looked_at), len(looked_at))]
        agreement.append(
            adjusted_rand_score(labels, nearest(looked_at, fit_centroids(drawn, k, seed + draw + 1)))
        )
    mean, (low, high) = float(np.mean(agreement)), np.quantile(agreement, (0.025, 0.975))
    smallest = float(np.bincount(labels, minlength=k).min() / len(labels))
    few = min(len(looked_at), ROWS_OF_SILHOUETTE)
    silhouette = 0.0
    if smallest > 0:
        silhouette = float(silhouette_score(looked_at, labels, sample_size=few, random_state=seed))
    stable = mean >= LEAST_STABILITY and smallest >= LEAST_SHARE
    return Candidate(k, mean, float(low), float(high), smallest, silhouette, stable)


def told(candidate: Candidate) -> Sentence:
    """Why a candidate was or was not allowed, for the page of the segmentation."""
    values = {
        "k": candidate.k,
        "stability": candidate.stability,
        "needed": LEAST_STABILITY,
        "smallest": 100 * candidate.smallest,
        "least": 100 * LEAST_SHARE,
    }
    if candidate.stability < LEAST_STABILITY:
        template = gettext_noop("%(k)s segments: not stable (%(stability).2f, %(needed).2f is needed).")
    elif candidate.smallest < LEAST_SHARE:
        template = gettext_noop(
            "%(k)s segments: the smallest holds %(smallest).1f %% of the customers, %(least).0f %% are needed."
        )
    else:
        template = gettext_noop("%(k)s segments: stable (%(stability).2f).")
    return Sentence(template, values)
