"""Have the customers, or what is known of them, moved since a version learned? Measured while they are scored.

Scores and every field are counted into the bins of training (``modelling.stability``) and compared with what the
version learned from. Where it learned from customers whom campaigns had selected, everybody else was different from the
start: such a version is compared with its own first scores instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import card, labels
from analytics.features import Batch, Population
from analytics.modelling import inputs, stability
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import FittedPreference
from analytics.modelling.response import FittedResponse
from analytics.modelling.sentences import ModellingRefusal, Sentence
from analytics.modelling.uplift_model import FittedUplift
from analytics.models import ModelVersion, ScoreRun
from bankcrm import bulk, runs
from customers import fields as catalogue

# Rows counted at most; at this many a PSI is sure to the third decimal, and counting stays cheap beside predicting.
ROWS = 100_000
SELECTED = frozenset({labels.ASSIGNMENTS, "uplift"})
TRAINING, FIRST = "training", "first"
SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Drift:
    """PSI of the scores (None at a first scoring that has nothing to compare with), and what the run keeps."""

    psi: float | None
    kept: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, Any] = field(default_factory=dict)


class Watch:
    """The fields of one scoring, counted piece by piece: every k-th row, so that ``ROWS`` are enough; ``unseen`` names
    those with words that the version does not know."""

    def __init__(
        self, specs: Sequence[FeatureSpec], references: Sequence[stability.Reference], rows: int
    ) -> None:
        self._specs = specs
        self._counted = stability.ShareCount(references)
        self._step = max(1, rows // ROWS)
        self.unseen: set[str] = set()

    def add(self, batch: Batch) -> None:
        """Count some rows of the matrix."""
        self.unseen.update(batch.unseen)
        if self._counted.references:
            self._counted.add(batch.X[:: self._step])

    def known(self) -> list[NDArray[np.float64]]:
        """Shares per field, none where the version kept nothing to compare with or nobody was scored.

        Raises runs.Refused, naming it, for a field that was known while learning and is missing now.
        """
        if not self._counted.references or not self._counted.n:
            return []
        shares = self._counted.shares()
        try:
            inputs.refuse_gone([float(each[-1]) for each in shares], self._specs, self._counted.references)
        except ModellingRefusal as gone:
            raise runs.Refused(card.told(gone.sentence)) from gone
        return shares


def refuse_lost(fitted: FittedResponse | FittedUplift | FittedPreference) -> None:
    """Raises runs.Refused naming the fields of a version that the catalogue no longer has."""
    try:
        inputs.refuse_absent(catalogue.everything(), fitted.specs)
    except ModellingRefusal as gone:
        raise runs.Refused(card.told(gone.sentence)) from gone


def measure(
    version: ModelVersion,
    fitted: FittedResponse | FittedUplift,
    watch: Watch,
    probability: NDArray[np.float32],
    day: dt.date,
    who: Population,
) -> Drift:
    """How far scores and fields have moved."""
    now = watch.known()
    if fitted.score_reference is None:
        return Drift(None)
    shares: dict[str, Any] = {SCORES: _rounded(fitted.score_reference.shares_of(probability))}
    if now:
        shares["features"] = {spec.name: _rounded(each) for spec, each in zip(fitted.specs, now, strict=True)}
    expected, since = _expected(version, fitted)
    if expected is None:
        return Drift(None, {"against": FIRST}, shares)
    moved = {
        code: stability.psi_of_shares(then, shares["features"][code])
        for code, then in expected["features"].items()
        if code in shares.get("features", {})
    }
    kept: dict[str, Any] = {"against": FIRST if since else TRAINING, "features": moved}
    if since:
        kept["since"] = since.isoformat()
    if unseen := _unseen(fitted, watch.unseen, now, day, who):
        kept["unseen"] = unseen
    return Drift(stability.psi_of_shares(expected[SCORES], shares[SCORES]), kept, shares)


def _rounded(shares: NDArray[np.float64]) -> list[float]:
    return [round(float(share), 6) for share in shares]


def _expected(
    version: ModelVersion, fitted: FittedResponse | FittedUplift
) -> tuple[dict[str, Any] | None, dt.date | None]:
    """Shares to compare with, and the day of the first scores where they are those."""
    if version.card.get("source") in SELECTED:
        first = (
            ScoreRun.objects.filter(version=version, shares__has_key=SCORES, published_at__isnull=False)
            .order_by("as_of", "pk")
            .first()
        )
        return (first.shares, first.as_of) if first else (None, None)
    reference = fitted.score_reference
    if reference is None:
        return None, None
    learned = {
        spec.name: list(known.shares)
        for spec, known in zip(fitted.specs, fitted.feature_references, strict=False)
    }
    return {SCORES: list(reference.shares), "features": learned}, None


def _unseen(
    fitted: FittedResponse | FittedUplift,
    unseen: set[str],
    now: list[NDArray[np.float64]],
    day: dt.date,
    who: Population,
) -> list[dict[str, Any]]:
    """Sentences on words of a choice that training had not seen; told where more is missing than was then."""
    if not now:
        return []
    suspects = [
        spec
        for spec, known, each in zip(fitted.specs, fitted.feature_references, now, strict=True)
        if spec.name in unseen and each[-1] > known.shares[-1]
    ]
    return [card.sentence(told) for spec in suspects for told in _unseen_words(spec, day, who)]


def _unseen_words(spec: FeatureSpec, day: dt.date, who: Population) -> tuple[Sentence, ...]:
    source = catalogue.get(spec.name).source
    statement = (
        f"SELECT coalesce(({source})::text, '') AS value, count(*) AS n"  # noqa: S608  an expression of the field catalogue
        f" FROM {who.source} {who.joins} WHERE p.month = %s AND ({who.where}) GROUP BY 1"
    )
    words = bulk.read_columns(statement, [*who.join_params, day, *who.params])
    return inputs.unseen_counted(spec, dict(zip(words["value"], words["n"].tolist(), strict=True)))
