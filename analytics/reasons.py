"""Why a customer scored high, for those who are called: at most three reasons, each a value and its share of the push.

They explain the score, never the customer. Computed when leads are pushed, for those customers alone; shown later as
sentences of the field catalogue in the reader's language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import features
from analytics.features import Batch, Population
from analytics.models import ModelVersion, ScoreRun
from customers import fields as catalogue
from customers.fields import Type, own

# A push is a few thousand at a time; Shapley tables of more rows at once would only cost memory.
CHUNK = 20_000
# What stands where reasons would, so that nobody takes a rule for a model.
BY_RULE = {"field": "rule", "value": None, "share": None, "text_code": "high"}


@own.read_once()
def for_customers(score_run: ScoreRun, customer_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Customer id → up to three ``{"field", "value", "share", "text_code"}``, strongest first; read as of the score.

    ``value`` is JSON (number, text, ISO date, None where unknown), ``share`` 0 to 1 of all that raised the score,
    ``text_code`` "high" or "low": which of the field's sentences fits. Of a rule score only that it is one; empty for
    uplift and for imported histories, whose columns are no customer fields. Customers without a profile of that month
    are left out.
    """
    # scikit-learn is for workers; pages import this module for ``sentence``.
    from analytics import scoring
    from analytics.modelling.reasons import reasons
    from analytics.modelling.response import FittedResponse

    version = score_run.version
    if version.algorithm == ModelVersion.Algorithm.RULE:
        return {customer: [dict(BY_RULE)] for customer in customer_ids}
    fitted = scoring.load(version)
    # An uplift, the difference of two chances, has no additive contributions.
    if not isinstance(fitted, FittedResponse) or version.model.history_campaign:
        return {}
    middles = _middles(fitted.feature_references)
    told: dict[int, list[dict[str, Any]]] = {}
    for start in range(0, len(customer_ids), CHUNK):
        some = list(customer_ids[start : start + CHUNK])
        who = Population(where="c.id = ANY(%s)", params=(some,))
        batch = features.matrix(score_run.as_of, fitted.specs, who)
        if not len(batch.ids):
            continue
        strongest = reasons(fitted, batch.X)
        for row, customer in enumerate(batch.ids.tolist()):
            told[customer] = [
                _reason(
                    fitted.specs[position],
                    batch,
                    row,
                    position,
                    float(share),
                    middles[position],
                    score_run.as_of,
                )
                for position, share in zip(
                    strongest.feature[row].tolist(), strongest.share[row].tolist(), strict=True
                )
                if position >= 0
            ]
    return told


def _middles(references: Sequence[Any]) -> NDArray[np.float64]:
    """The middle bin edge of every training column: about its median, what high and low are measured from."""
    return np.array([known.edges[len(known.edges) // 2] if known.edges else 0.0 for known in references])


def _reason(
    spec: Any, batch: Batch, row: int, position: int, share: float, middle: float, month: dt.date
) -> dict[str, Any]:
    number = float(batch.X[row, position])
    high = spec.kind == "categorical" or not number < middle
    return {
        "field": spec.name,
        "value": _plain(spec, number, month),
        "share": round(share, 3),
        "text_code": "high" if high else "low",
    }


def _plain(spec: Any, number: float, month: dt.date) -> Any:
    if np.isnan(number):
        return None
    if spec.kind == "categorical":
        return spec.categories[int(number)]
    if spec.kind == "flag":
        return bool(number)
    if catalogue.get(spec.name).type == Type.DATE:
        return (month + dt.timedelta(days=int(number))).isoformat()
    # The matrix is float32: six digits are all it holds.
    value = float(f"{number:.6g}")
    return int(value) if value.is_integer() else value


def sentence(reason: Mapping[str, Any]) -> str:
    """One stored reason as the reader sees it; "" when the catalogue no longer has its field."""
    field = catalogue.find(reason["field"])
    if field is None:
        return _("Chosen by a rule (recency, frequency, value), not by a model") if reason == BY_RULE else ""
    value = reason["value"]
    if field.type == Type.DATE and isinstance(value, str):
        value = dt.date.fromisoformat(value)
    return field.reason(value, high=reason["text_code"] == "high")
