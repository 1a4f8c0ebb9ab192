"""What to offer, in a glance: the model's likeliest next purchase, else what most peers hold; or why nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import figures
from customers import fields, product_gap
from customers.product_gap import Hindrance
from customers.tabs.seen import Seen

REFUSALS = {
    Hindrance.NONE: "",
    Hindrance.DO_NOT_CONTACT: gettext_lazy("Nothing: do not contact"),
    Hindrance.NO_MARKETING: gettext_lazy("Nothing: objects to offers"),
    Hindrance.NO_PROFILING: gettext_lazy("Nothing personal: objects to profiling"),
}


@dataclass(frozen=True, slots=True)
class ToOffer:
    """``what`` is "" where ``why`` says why nothing is offered."""

    what: str
    why: str


def to_offer(seen: Seen) -> ToOffer:
    """Nothing where the customer objects to offers or to being profiled; whether it suits stays with the campaign."""
    refused = _refused(seen)
    profile = seen.profile
    if refused or profile is None:
        return ToOffer("", refused or _("Nothing is known yet"))
    if profile.likely_product and profile.likely_product_chance is not None:
        label = fields.get("likely_product").choice_label(profile.likely_product)
        chance = figures.pct(profile.likely_product_chance, 0)
        return ToOffer(str(label), _("likeliest next purchase, %(chance)s by a model") % {"chance": chance})
    missing = product_gap.gap(profile, seen.peers, seen.relation)
    if not missing:
        return ToOffer("", _("Nothing stands out"))
    first = missing[0].held
    share = figures.pct(first.share, 0)
    return ToOffer(first.name, _("%(share)s of customers alike hold it") % {"share": share})


def _refused(seen: Seen) -> str:
    if seen.customer.closed_on:
        return _("Nothing: has left")
    return str(REFUSALS[product_gap.hindrance(seen.relation)])
