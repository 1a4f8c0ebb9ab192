"""Why a customer scored so: reasons as kept, each a value, its share and what it is held against, and as sentences.

They explain the score, never the customer. ``explaining`` makes them in a worker: when leads are pushed, for those
customers, and for any other customer on demand. They are shown later, in the reader's language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from analytics.models import ScoreRun
from customers import fields as catalogue
from customers.fields import Type, comparison

if TYPE_CHECKING:
    from analytics.explaining import Explainer

# What stands where reasons would, so that nobody takes a rule for a model.
BY_RULE = {"field": "rule", "value": None, "share": None, "text_code": "high"}


def explainer(score_run: ScoreRun) -> Explainer:
    """What explains the scores of one run: its model is loaded once, however many pieces of customers are asked for.
    Raises runs.Refused where it cannot be loaded."""
    from analytics.explaining import Explainer  # scikit-learn is for workers; pages import this module too

    return Explainer(score_run)


def for_customers(score_run: ScoreRun, customer_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Customer id → up to three reasons that raise the score, strongest first; read as of the score.

    A reason is ``{"field", "value", "share", "text_code", "contribution"}``: ``value`` JSON (number, text, ISO date,
    None where unknown), ``share`` 0 to 1 of all that raised the score, ``text_code`` "high" or "low": which of the
    field's sentences fits, ``contribution`` log-odds. Beside them what the value is held against: ``earlier`` and
    ``months``, or ``middle`` and ``tier``, or of a category ``alike`` and ``tier``. Of a rule score only that it is
    one; empty for uplift and for imported histories, whose columns are no customer fields. Customers without a profile
    of that month are left out.
    """
    return explainer(score_run).for_customers(customer_ids)


def sentence(reason: Mapping[str, Any]) -> str:
    """One stored reason as the reader sees it; "" when the catalogue no longer has its field."""
    field = catalogue.find(reason["field"])
    if field is None:
        by_rule = reason["field"] == BY_RULE["field"]
        return _("Chosen by a rule (recency, frequency, value), not by a model") if by_rule else ""
    value, high = _as_read(field, reason["value"]), reason["text_code"] == "high"
    if "earlier" in reason:
        if field.change_of:
            label = str(catalogue.get(field.change_of).label)
            now = reason["earlier"] + value
            return comparison.moved(label, now, reason["earlier"], reason["months"])
        return comparison.against_earlier(field, value, reason["earlier"], reason["months"], high=high)
    if "middle" in reason:
        middle = _as_read(field, reason["middle"])
        return comparison.against_others(field, value, middle, reason["tier"], high=high)
    if "alike" in reason:
        return comparison.among_others(field, value, reason["alike"], reason["tier"])
    return field.reason(value, high=high)


def _as_read(field: catalogue.Field, value: Any) -> Any:
    return dt.date.fromisoformat(value) if field.type == Type.DATE and isinstance(value, str) else value
