"""Marks of the customer pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.templatetags.kit import pill
from customers.fields import Field
from customers.grades import LoyaltyGrade

register = template.Library()

GRADE_TONES = {LoyaltyGrade.A: "ok", LoyaltyGrade.B: "", LoyaltyGrade.C: "", LoyaltyGrade.D: "warn"}
CHURN_WARNING = 0.3


@register.filter
def entry(mapping: Mapping[str, Any], key: str | None) -> Any:
    """``mapping[key]``; the key itself where it has no entry, so that an old tier code still shows."""
    return mapping.get(key or "", key)


@register.simple_tag
def loyalty_pill(grade: str | None, churn_wealth: float | None, churn_loan: float | None) -> Any:
    """The loyalty grade, or a churn warning where a model gives one."""
    churn = max(churn_wealth or 0, churn_loan or 0)
    if churn >= CHURN_WARNING:
        return pill(_("churn %(chance)s") % {"chance": figures.pct(churn, 0)}, "warn")
    if not grade:
        return figures.NONE
    return pill(grade, GRADE_TONES.get(LoyaltyGrade(grade), ""))


@register.filter
def uses(field: Field) -> list[tuple[str, bool]]:
    """What a field may be used for, in the order of the dictionary's columns."""
    return [
        (_("Models"), field.model_use),
        (_("Conditions"), field.filter),
        (_("Groups"), field.group),
        (_("Export"), field.export),
    ]


@register.filter
def unit_words(field: Field) -> str:
    """The unit as people say it; a field without one has none."""
    said = {"share": _("0 to 1, shown as per cent"), "change": _("difference")}
    return said.get(str(field.unit), str(field.unit))
