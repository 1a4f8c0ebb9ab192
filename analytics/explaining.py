"""Why a score is what it is: exact contributions of the fitted model, with values and what they are held against.

They explain the score, never the customer. For workers: it loads models. ``reasons`` tells what is made here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import scoring
from analytics.compared import Earlier, Others, change, looks_back, plain
from analytics.features import Batch, Population
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.reasons import Grouped, Push, grouped, strongest
from analytics.modelling.response import FittedResponse
from analytics.modelling.stability import Reference
from analytics.models import ModelVersion, ScoreRun
from analytics.reasons import BY_RULE
from customers import fields as catalogue
from customers.fields import Type, own

# A push is a few thousand at a time; Shapley tables of more rows at once would only cost memory.
CHUNK = 20_000


class Explainer:
    """Reasons of the scores of one run: its model, loaded once, and what values are compared with, read once."""

    def __init__(self, score_run: ScoreRun) -> None:
        self.month = score_run.as_of
        self.is_rule = score_run.version.algorithm == ModelVersion.Algorithm.RULE
        loaded = scoring.load(score_run.version)
        # An uplift, the difference of two chances, has no additive contributions; the columns of an imported campaign
        # are no fields of the catalogue.
        self.fitted: FittedResponse | None = None
        self.teller: Teller | None = None
        if isinstance(loaded, FittedResponse) and not score_run.version.model.history_campaign:
            self.fitted = loaded
            self.teller = Teller(self.month, loaded.specs, loaded.feature_references)

    @own.read_once()
    def for_customers(self, customer_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """Customer id → what raises the score, strongest first, at most three; see ``reasons.for_customers``."""
        if self.is_rule:
            return {customer: [dict(BY_RULE)] for customer in customer_ids}
        if self.fitted is None or self.teller is None:
            return {}
        told: dict[int, list[dict[str, Any]]] = {}
        for start in range(0, len(customer_ids), CHUNK):
            batch = self.teller.rows(customer_ids[start : start + CHUNK])
            if not len(batch.ids):
                continue
            pushes = strongest(grouped(self.fitted, batch.X), up=True)
            told.update({int(customer): [] for customer in batch.ids})
            for push, reason in zip(pushes, self.teller.tell(batch, pushes), strict=True):
                told[int(batch.ids[push.row])].append(reason)
        return told

    def in_full(self, customer: int) -> dict[str, Any] | None:
        """Everything that makes the score of one customer: ``raises`` and ``lowers`` as reasons, strongest first,
        ``parts`` (field, log-odds) of every group, which with ``base`` add up to ``total``, the log-odds of the score.

        None where the model has no additive contributions, or the customer no profile of that month.
        """
        if self.fitted is None or self.teller is None:
            return None
        batch = self.teller.rows([customer])
        if not len(batch.ids):
            return None
        found = grouped(self.fitted, batch.X)
        return in_full(self.teller, batch, found)


def in_full(teller: Teller, batch: Batch, found: Grouped) -> dict[str, Any]:
    """What ``Explainer.in_full`` says, of the only row of ``batch``."""
    ups, downs = strongest(found, up=True), strongest(found, up=False)
    told = teller.tell(batch, [*ups, *downs])
    order = np.argsort(-np.abs(found.contribution[0]), kind="stable").tolist()
    return {
        "raises": told[: len(ups)],
        "lowers": told[len(ups) :],
        "base": round(found.base, 6),
        "total": round(found.base + float(found.contribution[0].sum()), 6),
        "parts": [
            [teller.specs[int(found.feature[0, g])].name, round(float(found.contribution[0, g]), 6)]
            for g in order
            if found.contribution[0, g]
        ],
    }


class Teller:
    """Turns contributions into reasons: the value of the field and what it is held against."""

    def __init__(self, month: dt.date, specs: Sequence[FeatureSpec], references: Sequence[Reference]) -> None:
        self.month, self.specs = month, tuple(specs)
        self.fields = [catalogue.get(spec.name) for spec in specs]
        self.learned = _middles(references)
        self.others = Others(month, specs)

    def rows(self, customer_ids: Sequence[int]) -> Batch:
        """The features of some customers, with the places of their tiers."""
        return self.others.read(Population(where="c.id = ANY(%s)", params=(list(customer_ids),)))

    def tell(self, batch: Batch, pushes: Sequence[Push]) -> list[dict[str, Any]]:
        """One reason a push, in their order; rows are those of ``batch``, which ``rows`` read."""
        back = [field for field in (self.fields[push.position] for push in pushes) if looks_back(field)]
        ids = batch.ids[sorted({push.row for push in pushes})].tolist()
        earlier = Earlier(self.month, ids, back)
        return [self._reason(batch, push, earlier) for push in pushes]

    def _reason(self, batch: Batch, push: Push, earlier: Earlier) -> dict[str, Any]:
        spec, field = self.specs[push.position], self.fields[push.position]
        number = float(batch.X[push.row, push.position])
        high = spec.kind == "categorical" or not number < self.learned[push.position]
        told = {
            "field": spec.name,
            "value": self.plain(spec, number),
            "share": round(push.share, 3),
            "text_code": "high" if high else "low",
            "contribution": round(push.contribution, 4),
        }
        if np.isnan(number):
            return told
        moved = change(field, number, earlier.of(field, int(batch.ids[push.row])), high=high)
        return told | (
            moved or self._among(push.position, number, int(batch.extra["tier"][push.row]), high=high)
        )

    def _among(self, position: int, number: float, tier: int, *, high: bool) -> dict[str, Any]:
        """The middle of the customer's tier, of all learned from where the value is not on its side of that."""
        spec, same = self.specs[position], self.others.of(tier)
        if spec.kind != "numeric":
            return {"alike": round(same.share_of(position, number), 3), "tier": same.name} if same else {}
        middle = same.medians[position] if same else None
        if same and middle is not None and (number > middle if high else number < middle):
            return {"middle": self.plain(spec, middle), "tier": same.name}
        learned = float(self.learned[position])
        return {"middle": self.plain(spec, learned), "tier": ""} if number != learned else {}

    def plain(self, spec: FeatureSpec, number: float) -> Any:
        """A value of the matrix as JSON: number, word, yes or no, ISO day, None where unknown."""
        if np.isnan(number):
            return None
        if spec.kind == "categorical":
            return spec.categories[int(number)]
        if spec.kind == "flag":
            return bool(number)
        if catalogue.get(spec.name).type == Type.DATE:
            return (self.month + dt.timedelta(days=int(number))).isoformat()
        return plain(number)


def _middles(references: Sequence[Reference]) -> NDArray[np.float64]:
    """The middle bin edge of every training column: about its median, what high and low are measured from."""
    return np.array([known.edges[len(known.edges) // 2] if known.edges else 0.0 for known in references])
