"""Two kinds of feature that shine in training and fail in use.

A leak knows the answer: alone it ranks the outcome almost perfectly, because it was filled in after it (`duration` of a
call, a closing date). A calendar has moved between training and later rows: interest rates or a running number tell the
model which month it is, and the months to come are none of those it learned.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from . import stability
from .limits import PSI_ACT
from .matrix import FeatureSpec, check_labels, check_matrix
from .sentences import ModellingRefusal, Sentence, gettext_noop

AUC_LIMIT = 0.90
# Of preferences, which last: what is preferred today rightly ranks tomorrow. A leak knows tomorrow better than today by
# so much, or all but certainly.
BETTER_THAN_TODAY = 0.05
CERTAIN = 0.995
# Rows of an answer under which it is not learned, so that nothing can leak about it.
ROWS_OF_AN_ANSWER = 50
STANDARD_ERRORS = 2
ROWS_LOOKED_AT = 50_000
BINS = 20


@dataclass(frozen=True, slots=True)
class Leak:
    """A feature that blocks the fit: its position, name, single-feature AUC, and the sentence to show."""

    feature: int
    name: str
    auc: float
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Drift:
    """A feature that has moved: its position, name, PSI from training to later rows, and the sentence to show."""

    feature: int
    name: str
    psi: float
    sentence: Sentence


class LeakageFound(ModellingRefusal):
    """At least one feature knows the outcome; `leaks` lists them, worst first."""

    def __init__(self, leaks: Sequence[Leak]) -> None:
        self.leaks = tuple(leaks)
        super().__init__(leaks[0].sentence.template, **leaks[0].sentence.values)


def leakage_scan(
    X: ArrayLike, y: ArrayLike, specs: Sequence[FeatureSpec], *, limit: float = AUC_LIMIT
) -> list[Leak]:
    """Features whose single-feature AUC exceeds `limit`, worst first; scan training rows only.

    The AUC of a feature is the larger of two: of its values in either direction with the missing at the far end, and of
    response rates per value class (categories, or 20 quantile bins and the missing), each half of the rows judged by
    the rates of the other half, which also finds what is not monotone and does not reward many categories.
    At most 50,000 evenly spaced rows are looked at; features `agreed` beforehand are not asked.
    """
    matrix = check_matrix(X, specs)
    labels = check_labels(y, len(matrix))
    if len(matrix) > ROWS_LOOKED_AT:
        rows = np.linspace(0, len(matrix) - 1, ROWS_LOOKED_AT).astype(np.intp)
        matrix, labels = matrix[rows], labels[rows]
    if labels.min() == labels.max():
        raise ValueError("leakage can only be judged with responders and non-responders")
    leaks = []
    for j, spec in enumerate(specs):
        if spec.agreed:
            continue
        auc = single_feature_auc(matrix[:, j], labels, categorical=spec.kind == "categorical")
        if auc > limit:
            leaks.append(Leak(j, spec.name, auc, _sentence(spec, auc, limit)))
    return sorted(leaks, key=lambda leak: -leak.auc)


def preference_leaks(
    X: ArrayLike, codes: ArrayLike, today: ArrayLike, specs: Sequence[FeatureSpec], names: Sequence[str]
) -> list[Leak]:
    """Features that know what is chosen later, worst first; scan training rows only.

    `codes` (n,) are positions in `names` of what was chosen, `today` (n,) of what was preferred at the row's date,
    −1 where nothing was. A feature leaks about a class when its AUC (that class against the others, as in
    `leakage_scan`) exceeds the limit there, and, less two standard errors (Hanley and McNeil 1982), also what it has
    about `today` on the rows where that is known by 0.05, or 0.995. Classes of fewer than 50 rows are not asked; at
    most 50,000 evenly spaced rows are looked at.
    """
    matrix, chosen, so_far = check_matrix(X, specs), np.asarray(codes), np.asarray(today)
    if len(matrix) > ROWS_LOOKED_AT:
        rows = np.linspace(0, len(matrix) - 1, ROWS_LOOKED_AT).astype(np.intp)
        matrix, chosen, so_far = matrix[rows], chosen[rows], so_far[rows]
    worst: dict[int, Leak] = {}
    for code, name in enumerate(names):
        later, now = (chosen == code).astype(np.int8), (so_far[so_far >= 0] == code).astype(np.int8)
        if _smaller(later) < ROWS_OF_AN_ANSWER:
            continue
        known = _smaller(now) >= ROWS_OF_AN_ANSWER
        for leak in leakage_scan(matrix, later, specs):
            spec = specs[leak.feature]
            column, categorical = matrix[so_far >= 0, leak.feature], spec.kind == "categorical"
            before = single_feature_auc(column, now, categorical=categorical) if known else 0.5
            sure = leak.auc - STANDARD_ERRORS * _auc_error(leak.auc, int(later.sum()), len(later))
            if sure <= min(max(before + BETTER_THAN_TODAY, AUC_LIMIT), CERTAIN):
                continue
            if leak.feature not in worst or leak.auc > worst[leak.feature].auc:
                told = _preference_sentence(spec, name, leak.auc, before)
                worst[leak.feature] = Leak(leak.feature, leak.name, leak.auc, told)
    return sorted(worst.values(), key=lambda leak: -leak.auc)


def _smaller(labels: NDArray[np.int8]) -> int:
    return int(min(labels.sum(), len(labels) - labels.sum()))


def _auc_error(auc: float, positives: int, n: int) -> float:
    """Standard error of an AUC after Hanley and McNeil (1982)."""
    negatives, square = n - positives, auc * auc
    above = (positives - 1) * (auc / (2 - auc) - square) + (negatives - 1) * (2 * square / (1 + auc) - square)
    return float(np.sqrt((auc * (1 - auc) + above) / (positives * negatives)))


def _preference_sentence(spec: FeatureSpec, answer: str, auc: float, today: float) -> Sentence:
    return Sentence(
        gettext_noop(
            "%(label)s (%(name)s) alone tells who chose %(answer)s later with an AUC of %(auc).3f; who preferred it "
            "before, with %(today).3f: it was probably recorded after the choice and must not be an input."
        ),
        {"label": spec.label, "name": spec.name, "answer": answer, "auc": auc, "today": today},
    )


def _sentence(spec: FeatureSpec, auc: float, limit: float) -> Sentence:
    return Sentence(
        gettext_noop(
            "%(label)s (%(name)s) alone ranks the outcome with an AUC of %(auc).3f, above %(limit).2f: "
            "it was probably recorded after the outcome and must not be an input."
        ),
        {"label": spec.label, "name": spec.name, "auc": auc, "limit": limit},
    )


def drift_scan(
    train: ArrayLike, later: ArrayLike, specs: Sequence[FeatureSpec], *, limit: float = PSI_ACT
) -> list[Drift]:
    """Features whose PSI from `train` to `later` rows exceeds `limit` (methods.md section 4: .25), worst first.

    It does not block a fit: a rate that moved is real. Fit without the features it names (`without`), or refit often.
    """
    early, late = check_matrix(train, specs), check_matrix(later, specs)
    found = []
    for j, spec in enumerate(specs):
        psi = stability.feature_reference(early[:, j], spec).psi(late[:, j])
        if psi > limit:
            found.append(Drift(j, spec.name, psi, _drift_sentence(spec, psi, limit)))
    return sorted(found, key=lambda drift: -drift.psi)


def _drift_sentence(spec: FeatureSpec, psi: float, limit: float) -> Sentence:
    return Sentence(
        gettext_noop(
            "%(label)s (%(name)s) has moved since training (PSI %(psi).2f, above %(limit).2f): "
            "the model may know the month rather than the customer."
        ),
        {"label": spec.label, "name": spec.name, "psi": psi, "limit": limit},
    )


def without(
    X: ArrayLike, specs: Sequence[FeatureSpec], features: Collection[int]
) -> tuple[NDArray[np.float32], tuple[FeatureSpec, ...]]:
    """The matrix and the specifications without the features at the given positions. ValueError if none remain."""
    kept = [j for j in range(len(specs)) if j not in features]
    if not kept:
        raise ValueError("no feature would remain")
    return check_matrix(X, specs)[:, kept], tuple(specs[j] for j in kept)


def single_feature_auc(column: NDArray[Any], y: NDArray[np.int8], *, categorical: bool = False) -> float:
    """How well one column (n,) alone ranks the outcome, 0.5 to 1; see `leakage_scan`."""
    best = _binned_auc(column if categorical else _quantile_bins(column), y)
    if categorical:
        return best
    for far_end in (-np.inf, np.inf):
        # Ranks instead of values: roc_auc_score refuses infinities.
        _, ranks = np.unique(np.where(np.isnan(column), far_end, column), return_inverse=True)
        auc = float(roc_auc_score(y, ranks))
        best = max(best, auc, 1 - auc)
    return best


def _quantile_bins(column: NDArray[Any]) -> NDArray[Any]:
    known = column[~np.isnan(column)]
    if not known.size:
        return np.zeros(len(column))
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    return np.where(np.isnan(column), np.nan, np.searchsorted(edges, column, side="right"))


def _binned_auc(column: NDArray[Any], y: NDArray[np.int8]) -> float:
    """AUC of out-of-half response rates, averaged over the halves (even and odd rows of each class)."""
    _, classes = np.unique(np.where(np.isnan(column), -1, column), return_inverse=True)
    half = np.empty(len(y), dtype=np.intp)
    for label in (0, 1):
        rows = np.flatnonzero(y == label)
        half[rows] = np.arange(len(rows)) % 2
    aucs = []
    for judged in (0, 1):
        learn, test = half != judged, half == judged
        if not learn.any() or y[test].min() == y[test].max():
            return 0.5
        n = np.bincount(classes[learn], minlength=classes.max() + 1)
        responders = np.bincount(classes[learn], weights=y[learn], minlength=classes.max() + 1)
        rates = (responders + y[learn].mean()) / (n + 1)  # one prior row: unseen classes get the overall rate
        aucs.append(float(roc_auc_score(y[test], rates[classes[test]])))
    return float(np.mean(aucs))
