"""What the frame of Customer-360 shows around its tabs: who this is, at a glance, and what is ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import figures
from bankcrm.policy import REGISTRY
from customers import campaign_names
from customers.consents_page import Mark, open_marks
from customers.models import ConsentChannel, ConsentPurpose, ContactChannel, Holding, QuietPeriod
from customers.relation import CONTACT_DAYS, Touch
from customers.tabs import TABS, Seen
from customers.to_offer import to_offer
from customers.worth_knowing import RULES, next_birthday, worth_knowing

AHEAD_DAYS = 90
FREQUENT = 3  # contacts in 30 days after which another one is a nuisance
# Panels of other parts, shown where the route exists and this role may open it: route → heading around it, if any.
PANELS = {"customer-leads": gettext_lazy("Leads"), "customer-consents": ""}
# Under the facts of a tab, what models say.
TAB_PANELS = {"needs": "customer-preferences", "loyalty": "customer-churn"}


@dataclass(frozen=True, slots=True)
class Ahead:
    day: dt.date
    icon: str
    text: str
    amount: Any


def header(seen: Seen, tab: str) -> dict[str, Any]:
    """The context of ``customers/detail.html`` beside the tab's own."""
    customer = seen.customer
    return {
        "tab_links": [
            {"label": label, "url": reverse("customer-tab", args=[customer.pk, name]), "current": name == tab}
            for name, (label, _read) in TABS.items()
            if name != "own" or seen.has_own
        ],
        "panels": [
            {"url": address, "title": title}
            for name, title in PANELS.items()
            if (address := _panel(seen, name))
        ],
        "tier_name": seen.tier_names.get(seen.profile.tier, "") if seen.profile else "",
        "remembers": REGISTRY["customer-seen"].allows(seen.user, "POST"),
        **_glance(seen),
    }


def tab_panel(seen: Seen, tab: str) -> str:
    """The address of what models say under the facts of a tab; "" for none."""
    return _panel(seen, TAB_PANELS[tab]) if tab in TAB_PANELS else ""


def _panel(seen: Seen, name: str) -> str:
    """The address of a panel of another part, "" where the route does not exist or this role may not open it."""
    allowed = name in REGISTRY and REGISTRY[name].allows(seen.user, "GET")
    return reverse(name, args=[seen.customer.pk]) if allowed else ""


def _glance(seen: Seen) -> dict[str, Any]:
    year = seen.year_ago
    now = float(seen.profile.aum) if seen.profile and seen.balances and not seen.balances.is_unknown else None
    contacts = seen.relation.contacts
    ahead = _ahead(seen)
    return {
        "change": now - year.aum if now is not None and year else None,
        "change_share": (now - year.aum) / year.aum if now is not None and year and year.aum else None,
        "spark": [one.aum for one in seen.known_past],
        "avoid": _avoid(seen),
        "open_channels": _open_channels(seen),
        "ahead": ahead,
        "passed": _passed(seen),
        "next_due": ahead[0] if ahead else None,
        "last": _touch(contacts[0], seen.today) if contacts else None,
        "not_contacted_since": _not_contacted_since(seen),
        "offer": to_offer(seen),
        "worth": worth_knowing(seen),
        "rules": [rule for rule, _said in RULES],
    }


def _not_contacted_since(seen: Seen) -> dt.date | None:
    """From when no contact with a customer without contacts is known: what ``relation`` reads, and no earlier."""
    since = seen.known_since
    return max(since, seen.today - dt.timedelta(days=CONTACT_DAYS)) if since else None


def _avoid(seen: Seen) -> list[Mark]:
    """What stands against a call or an offer, the strongest first."""
    relation, customer = seen.relation, seen.customer
    marks = []
    if customer.closed_on:
        marks.append(
            Mark(_("Left on %(day)s") % {"day": figures.short_day(customer.closed_on)}, "bad", "user-x")
        )
    everything = relation.do_not_contact
    if everything:
        said = _("Do not contact, since %(day)s") % {"day": figures.short_day(everything.since)}
        return [*marks, Mark(said, "bad", "ban")]
    if quiet := relation.quiet_on(seen.today):
        said = _("Leave alone to %(day)s: %(reason)s") % {
            "day": figures.short_day(quiet.last_day),
            "reason": str(QuietPeriod.Reason(quiet.reason).label).lower(),
        }
        marks.append(Mark(said, "bad", "moon"))
    marks += [_objection(one.channel, one.purpose, one.since) for one in relation.objections]
    if customer.phone_is_wrong:
        marks.append(Mark(_("Phone number is wrong"), "warn", "phone-off"))
    if relation.contacts_30d >= FREQUENT:
        said = _("Contacted %(times)s times in 30 days") % {"times": relation.contacts_30d}
        marks.append(Mark(said, "warn", "repeat"))
    refused = next((one for one in relation.answers if one.kind == "refusal"), None)
    if refused and (seen.today - refused.day).days <= AHEAD_DAYS:
        said = _("Refused %(what)s on %(day)s") % {
            "what": refused.about,
            "day": figures.short_day(refused.day),
        }
        marks.append(Mark(said, "warn", "thumb-down"))
    return marks


def _objection(channel: str, purpose: str, since: dt.date) -> Mark:
    where = ConsentChannel(channel).label if channel in ConsentChannel.values else channel
    if purpose in (ConsentPurpose.ALL, ConsentPurpose.MARKETING):
        said = _("%(channel)s, objected %(day)s")
    else:
        said = _("%(channel)s, %(purpose)s: objected %(day)s")
    words = {
        "channel": where,
        "purpose": str(ConsentPurpose(purpose).label).lower()
        if purpose in ConsentPurpose.values
        else purpose,
        "day": figures.short_day(since),
    }
    return Mark(said % words, "bad", "ban")


def _open_channels(seen: Seen) -> list[Mark]:
    """Channels through which no objection forbids an offer: agreed to, or nothing was said."""
    relation = seen.relation
    closed = {one.channel for one in relation.objections if one.is_about_offers}
    if ConsentChannel.ALL in closed or relation.quiet_on(seen.today) or seen.customer.closed_on:
        return []
    return open_marks(closed, relation.agreed)


def _ahead(seen: Seen) -> list[Ahead]:
    """Maturities and the birthday within AHEAD_DAYS, in order."""
    last = seen.today + dt.timedelta(days=AHEAD_DAYS)
    found = [
        Ahead(one.matures_on, "calendar-due", _contract(seen, one), seen.falls_due(one))
        for one in seen.held
        if one.matures_on and seen.today <= one.matures_on <= last
    ]
    born = seen.customer.known_birth_date
    birthday = next_birthday(born, seen.today)
    if born and birthday and birthday <= last:
        said = _("Birthday, turns %(age)s") % {"age": birthday.year - born.year}
        found.append(Ahead(birthday, "gift", said, None))
    return sorted(found, key=lambda one: (one.day, one.icon))


def _contract(seen: Seen, one: Holding) -> str:
    """ "Savings plan", and what it is of where something else is on it: "Savings plan, contract of ¥15,600"."""
    return ", ".join(filter(None, (one.product.name, seen.terms(one))))


def _passed(seen: Seen) -> list[Ahead]:
    """What was due between the end of the bank's data and today: whether it came nobody knows yet. Latest first."""
    found = [
        Ahead(one.matures_on, "calendar-due", _contract(seen, one), seen.falls_due(one))
        for one in seen.held
        if one.matures_on and seen.is_after_the_data(one.matures_on) and one.matures_on < seen.today
    ]
    return sorted(found, key=lambda one: one.day, reverse=True)


def _touch(touch: Touch, today: dt.date) -> dict[str, Any]:
    channel = (
        str(ContactChannel(touch.channel).label) if touch.channel in ContactChannel.values else touch.channel
    )
    outcome = campaign_names.outcome(touch.outcome)
    if not outcome and touch.was_reached is not None:
        outcome = _("reached") if touch.was_reached else _("not reached")
    return {
        "day": touch.day,
        "days_ago": (today - touch.day).days,
        "channel": channel,
        "outcome": outcome,
        "about": touch.about,
        "seconds": touch.talk_seconds,
    }
