"""What the list of results may be narrowed to and in which order it stands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.evaluation_page import PILLS
from campaigns.models import Campaign
from campaigns.models.campaign import CampaignQuerySet
from campaigns.results_page import EFFECT, NAME, NEWEST, RETURN, STATES
from campaigns.verdict import Verdict
from customers.models import Product

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
