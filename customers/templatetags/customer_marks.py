"""Marks of the customer pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.templatetags.kit import pill
from customers import tiering
from customers.acquisition_names import channel_name
from customers.consents import SOURCES
from customers.fields import Field
from customers.grades import LoyaltyGrade
from customers.models import TierRule

register = template.Library()

GRADE_TONES = {LoyaltyGrade.A: "ok", LoyaltyGrade.B: "", LoyaltyGrade.C: "", LoyaltyGrade.D: "warn"}
CHURN_WARNING = 0.3


@register.simple_tag
def tier(customer: Any, tiers: Mapping[str, TierRule]) -> Any:
    """The tier's name; "by loan" beside it where assets alone would not give it. ``customer`` from ``with_profile``."""
    if not customer.tier:
        return figures.NONE
    rule = tiers.get(customer.tier)
    # An old code, of a tier that was given up, still shows.
    if rule is None:
        return customer.tier
    if not tiering.is_by_loan(rule, customer.aum_high_3m, customer.loan_high_3m):
        return rule.name
    return format_html('{} <span class="m">{}</span>', rule.name, _("by loan"))


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
def came_through(code: str | None) -> str:
    """The acquisition channel in words."""
    return channel_name(code) if code else figures.NONE


@register.filter
def said_where(source: str) -> str:
    """Where a word on consent was said: in words where the source is a code of ours, as the bank's file has it else."""
    if source.startswith("lead:"):
        return _("on a call for a campaign")
    return str(SOURCES.get(source, source)) or figures.NONE


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
