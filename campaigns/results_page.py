"""The list of results: filters, order, and one line for each campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bankcrm import paging
from campaigns import results
from campaigns.evaluation_page import PILLS, SUCCESS_WORDS
from campaigns.models import Campaign
from campaigns.models.campaign import CampaignQuerySet
from campaigns.results import Result
from campaigns.verdict import Verdict
from campaigns.verdict_text import percent
from customers.models import Product

PAGE = 25
# What is ordered or filtered by its figures must be computed first: so many of the newest are.
MOST_COMPUTED = 100
STATES = [Campaign.State.RUNNING, Campaign.State.CLOSED, Campaign.State.IMPORTED]
NEWEST, NAME, EFFECT, RETURN = "", "name", "effect", "roi"
ORDERS = [
    (NEWEST, _("Newest first")),
    (NAME, _("Name")),
    (EFFECT, _("Largest effect first")),
    (RETURN, _("Highest ROI first")),
]
FROZEN, OPEN = "frozen", "provisional"


class ResultFilter(forms.Form):
    """Filters and order of the list, kept in the URL. What makes no sense filters nothing."""

    q = forms.CharField(label=_("Name or code"), required=False, max_length=100)
    product = forms.ModelChoiceField(
        Product.objects.filter(pk__in=Campaign.objects.filter(state__in=STATES).values("product")),
        label=_("Product"),
        required=False,
        empty_label=_("All"),
        to_field_name="code",
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), *((state.value, state.label) for state in STATES)],
    )
    frozen = forms.ChoiceField(
        label=_("Report"),
        required=False,
        choices=[("", _("All")), (FROZEN, _("Frozen")), (OPEN, _("Provisional"))],
    )
    verdict = forms.ChoiceField(
        label=_("Verdict"),
        required=False,
        choices=[("", _("All")), *((verdict.value, PILLS[verdict][0]) for verdict in Verdict)],
    )
    order = forms.ChoiceField(label=_("Order"), required=False, choices=ORDERS)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs["type"] = "search"
        self.is_valid()
        self.chosen = {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrows(self) -> bool:
        return bool(self.chosen.keys() - {"order"})

    @property
    def needs_figures(self) -> bool:
        return "verdict" in self.chosen or self.chosen.get("order") in (EFFECT, RETURN)

    def filter(self, campaigns: CampaignQuerySet) -> CampaignQuerySet:
        """Campaigns that pass whatever can be asked of the database."""
        if words := self.chosen.get("q"):
            campaigns = campaigns.filter(name__icontains=words) | campaigns.filter(code__icontains=words)
        same = {name: self.chosen[name] for name in ("product", "state") if name in self.chosen}
        campaigns = campaigns.filter(**same)
        if report := self.chosen.get("frozen"):
            frozen = Campaign.objects.filter(reports__is_frozen=True).values("pk")
            campaigns = (
                campaigns.filter(pk__in=frozen) if report == FROZEN else campaigns.exclude(pk__in=frozen)
            )
        return campaigns


def context(request: HttpRequest, seen: CampaignQuerySet) -> dict[str, Any]:
    """Everything the list shows of the campaigns in ``seen``: as many statements for a full page as for one line."""
    form = ResultFilter(request.GET)
    found = form.filter(seen.filter(state__in=STATES)).select_related("product")
    if form.needs_figures:
        newest = list(found.order_by("-pk")[: MOST_COMPUTED + 1])
        lines = _chosen(results.results(newest[:MOST_COMPUTED]), form)
        more, pager = len(newest) > MOST_COMPUTED, None
    else:
        order = ("name", "pk") if form.chosen.get("order") == NAME else ("-pk",)
        page = paging.page_of(request, found, order, PAGE)
        lines = results.results(page.rows)
        more, pager = False, page.pager(request, paging.capped_count(found))
    return {
        "form": form,
        "filtered": form.narrows,
        "rows": [_row(line) for line in lines],
        "pager": pager,
        "more_than": MOST_COMPUTED if more else 0,
    }


def _chosen(found: list[Result], form: ResultFilter) -> list[Result]:
    if verdict := form.chosen.get("verdict"):
        found = [one for one in found if one.verdict == verdict]
    value = {EFFECT: _effect, RETURN: _return}.get(form.chosen.get("order", ""))
    return sorted(found, key=_last_when_unknown(value)) if value else found


def _last_when_unknown(value: Callable[[Result], float | None]) -> Callable[[Result], tuple[bool, float]]:
    def key(one: Result) -> tuple[bool, float]:
        figure = value(one)
        return figure is None, -(figure or 0.0)

    return key


def _effect(one: Result) -> float | None:
    return one.arm.figures.effect.value if one.arm and one.arm.figures else None


def _return(one: Result) -> float | None:
    return one.roi.value if one.roi else None


def _row(one: Result) -> dict[str, Any]:
    word, tone = PILLS[one.verdict]
    figures = one.arm.figures if one.arm else None
    refusals = one.readout.refusals if one.readout else ()
    return {
        "campaign": one.campaign,
        "word": word,
        "tone": tone,
        "is_frozen": one.is_frozen,
        "version": one.version,
        "as_of": one.as_of,
        "assigned_to_anybody": one.readout is not None,
        "arm": one.arm.arm.code if one.arm and one.readout and len(one.readout.arms) > 1 else "",
        "others": len(one.readout.arms) - 1 if one.readout else 0,
        "counts": SUCCESS_WORDS.get(one.campaign.success, SUCCESS_WORDS["conversion"]),
        "effect": figures.effect.value if figures else None,
        "interval": figures.interval if figures else None,
        "level": percent(figures.interval.level) if figures else "",
        "roi": one.roi,
        "roi_refusal": one.roi_refusal,
        "has_margin": bool(figures and figures.roi is not None),
        "refusal": refusals[0] if refusals else None,
    }
