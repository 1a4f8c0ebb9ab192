"""What the consent panel of a customer shows: what holds now, what was said before, and what may be recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.models import User
from customers import consents
from customers.models import Consent, ConsentChannel, ConsentEvent, ConsentPurpose, Customer, QuietPeriod

HISTORY = 20
CHANNELS = [channel for channel in ConsentChannel if channel != ConsentChannel.ALL]
PURPOSES = [purpose for purpose in ConsentPurpose if purpose != ConsentPurpose.ALL]


@dataclass(frozen=True, slots=True)
class Cell:
    """One channel for one purpose: objects, agrees, or nothing was said; ``since`` when."""

    channel: Any
    objects: bool
    agrees: bool
    since: dt.date | None


def panel(user: User, customer: Customer, today: dt.date) -> dict[str, Any]:
    """The context of ``customers/consents/_panel.html``: three queries, whatever was said."""
    said = list(Consent.objects.filter(customer=customer).order_by("channel", "purpose"))
    periods = QuietPeriod.objects.filter(customer=customer, lifted_at__isnull=True, last_day__gte=today)
    events = ConsentEvent.objects.filter(customer=customer).select_related("by").order_by("-id")
    listens = user.may_act_as(consents.LISTENERS)
    history = list(events[:HISTORY])
    return {
        "customer": customer,
        "today": today,
        "everything": next((one for one in said if one.is_do_not_contact), None),
        "marketing": next((one for one in said if _is_marketing(one)), None),
        "channels": [channel.label for channel in CHANNELS],
        "purposes": [
            (purpose.label, [_cell(said, channel, purpose) for channel in CHANNELS]) for purpose in PURPOSES
        ],
        "periods": list(periods.order_by("first_day", "id")),
        "events": history,
        "undoable": consents.undoable(history, user),
        "listens": listens,
        "said_nothing": not said,
    }


@dataclass(frozen=True, slots=True)
class Mark:
    """A pill: what a customer's word means for offers, in the looks of the consent grid."""

    text: str
    tone: str
    icon: str


def pills(said: Iterable[Consent]) -> list[Mark]:
    """For the head of a page: channels on which offers are objected to and since when, agreed to, and neither."""
    offers = [one for one in said if one.purpose in (ConsentPurpose.ALL, ConsentPurpose.MARKETING)]
    objections = {one.channel: one.since for one in offers if one.is_objection}
    if ConsentChannel.ALL in objections:
        stop = any(one.is_do_not_contact for one in offers)
        label = _("Do not contact") if stop else _("Objects to marketing")
        return [_objection(label, objections[ConsentChannel.ALL])]
    objecting = [
        _objection(channel.label, objections[channel]) for channel in CHANNELS if channel in objections
    ]
    agreed = {one.channel for one in offers if not one.is_objection}
    return [*objecting, *open_marks(set(objections), agreed)]


def open_marks(closed: set[str], agreed: set[str]) -> list[Mark]:
    """The channels that no objection closes: those agreed to apart from those of which nothing was said."""
    still = [channel for channel in CHANNELS if channel not in closed]
    yes = [channel for channel in still if channel in agreed or ConsentChannel.ALL in agreed]
    silent = [channel for channel in still if channel not in yes]
    marks = []
    if yes:
        marks.append(Mark(_("Agreed: %(channels)s") % {"channels": _labels(yes)}, "ok", "check"))
    if silent:
        marks.append(Mark(_("Open, nothing said: %(channels)s") % {"channels": _labels(silent)}, "", "point"))
    return marks


def _labels(channels: Iterable[ConsentChannel]) -> str:
    return ", ".join(str(channel.label) for channel in channels)


def _objection(label: Any, since: dt.date) -> Mark:
    words = {"label": label, "day": figures.short_day(since)}
    return Mark(_("%(label)s, objected %(day)s") % words, "bad", "ban")


def _is_marketing(one: Consent) -> bool:
    return one.is_objection and one.channel == ConsentChannel.ALL and one.purpose == ConsentPurpose.MARKETING


def _cell(said: list[Consent], channel: ConsentChannel, purpose: ConsentPurpose) -> Cell:
    """An objection to more than this cell covers it; a consent speaks for its own cell only."""
    covering = [
        one
        for one in said
        if one.channel in (channel, ConsentChannel.ALL) and one.purpose in (purpose, ConsentPurpose.ALL)
    ]
    objections = [one for one in covering if one.is_objection]
    if objections:
        return Cell(channel.label, True, False, min(one.since for one in objections))
    agreed = [one for one in covering if not one.is_objection]
    return Cell(channel.label, False, bool(agreed), max((one.since for one in agreed), default=None))


WHAT = ("do_not_contact", "objections", "quiet")


def register(user: User, what: str, today: dt.date) -> QuerySet[Any]:
    """Who may not be contacted, of the customers the user may see: consents, or for "quiet" quiet periods."""
    seen = Customer.objects.visible_to(user)
    if what == "quiet":
        found = QuietPeriod.objects.filter(lifted_at__isnull=True, last_day__gte=today, customer__in=seen)
        return found.select_related("customer__home_branch", "customer__primary_rm", "recorded_by")
    objecting = Consent.objects.filter(is_objection=True, customer__in=seen)
    everything = Q(channel=ConsentChannel.ALL, purpose=ConsentPurpose.ALL)
    narrowed = objecting.filter(everything) if what == "do_not_contact" else objecting.exclude(everything)
    return narrowed.select_related("customer__home_branch", "customer__primary_rm")
