"""Leads as the pages show them: tier, reason, last touch and who has them, in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.reasons import sentence
from bankcrm import absence, figures
from bankcrm.models import User
from campaigns import queue
from campaigns.models import Arm, Lead, Target
from campaigns.outcomes import MEANINGS, NextStep
from customers import profile, tiering
from customers.models import CustomerProfile

# A touch longer ago says nothing to a caller, and older partitions need not be read.
TOUCH_DAYS = 400
_KNOWN = """
SELECT asked.id, profile.tier, touch.contacted_on, touch.outcome, touch.was_reached
FROM unnest(%(customers)s::bigint[]) asked (id)
LEFT JOIN customers_customerprofile profile ON profile.customer_id = asked.id AND profile.month = %(month)s
LEFT JOIN LATERAL (
    SELECT contacted_on, outcome, was_reached FROM customers_contact
    WHERE customer_id = asked.id AND contacted_on > %(since)s
    ORDER BY contacted_on DESC, reference DESC LIMIT 1
) touch ON true
"""
STEP_ICONS = {NextStep.CALL: "phone", NextStep.MEETING: "users", NextStep.MESSAGE: "message"}
OVERDUE, TODAY, LATER, CLOSED = "overdue", "today", "later", "closed"
GROUP_ORDER = (OVERDUE, TODAY, LATER, CLOSED)


@dataclass(frozen=True)
class Row:
    """One lead of a list."""

    lead: Lead
    group: str
    due: dt.date
    tier: str
    why: str
    status: tuple[str, str, str]
    touch: str
    holder: User | None
    # "for Rita, on leave until 3 Dec", where somebody stands in.
    instead: str = ""

    @property
    def is_late(self) -> bool:
        return self.group == OVERDUE


def complete(leads: Sequence[Lead], user: User) -> Sequence[Lead]:
    """Give the leads of one page what their rows show, by key: joining it before the page is cut reads every lead.

    At most three queries: campaign, arm and offer are the same few rows for many leads, and most leads are one's own.
    """
    arms = Arm.objects.select_related("offer", "campaign").only(
        "code", "name", "offer__name", "campaign__name", "campaign__code"
    )
    targets = Target.objects.select_related("customer").only(
        "reasons", "probability", "decile", "customer__name", "customer__number"
    )
    prefetch_related_objects(leads, Prefetch("target", targets), Prefetch("arm", arms))
    others = {pk for lead in leads for pk in (lead.rm_id, lead.claimed_by_id) if pk} - {user.pk}
    staff = {user.pk: user, **(User.objects.in_bulk(others) if others else {})}
    for lead in leads:
        lead.customer, lead.campaign = lead.target.customer, lead.arm.campaign
        lead.rm = staff[lead.rm_id] if lead.rm_id else None
        lead.claimed_by = staff[lead.claimed_by_id] if lead.claimed_by_id else None
    return leads


def rows(
    leads: Sequence[Lead],
    user: User,
    today: dt.date,
    tier_names: dict[str, str] | None = None,
    month: dt.date | None = None,
) -> list[Row]:
    """``leads`` come with customer, campaign, arm, offer, target and claimed_by selected.

    ``tier_names`` by code, and the newest profile's ``month``, where the caller has them.
    """
    names = tiering.names_at(today) if tier_names is None else tier_names
    known = _known([lead.customer_id for lead in leads], month or profile.latest_month(), today)
    return [
        Row(
            lead=lead,
            group=group_of(lead, today),
            due=queue.due_day(lead),
            tier=names.get(tier, tier),
            why=top_reason(lead),
            status=status(lead, user, today),
            touch=touch,
            holder=queue.holder(lead, user),
            instead=instead_of(lead, user),
        )
        for lead in leads
        for tier, touch in [known[lead.customer_id]]
    ]


def instead_of(lead: Lead, user: User) -> str:
    """For whom a lead is worked while its relationship manager is on leave; "" for everybody's own."""
    until = absence.standing_in(user).until.get(lead.rm_id or 0)
    if until is None or lead.rm_id == user.pk or not lead.is_open:
        return ""
    return _("for %(name)s, on leave until %(day)s") % {"name": lead.rm, "day": figures.short_day(until)}


RELATED = ("customer", "campaign", "arm__offer", "target", "claimed_by", "rm")


def group_of(lead: Lead, today: dt.date) -> str:
    if not lead.is_open:
        return CLOSED
    due = queue.due_day(lead)
    if due < today:
        return OVERDUE
    return TODAY if due == today else LATER


def grouped(listed: Sequence[Row]) -> list[Row]:
    """One page of the queue with each group together, in the queue's order within it."""
    return sorted(listed, key=lambda row: GROUP_ORDER.index(row.group))


def tier_of(customer: int, today: dt.date) -> str:
    """Name of the customer's tier in the latest profile; "" without one."""
    month = profile.latest_month()
    if month is None:
        return ""
    newest = CustomerProfile.objects.filter(month=month, customer=customer)
    tier = newest.values_list("tier", flat=True).first() or ""
    return tiering.names_at(today).get(tier, tier)


def _known(customers: Sequence[int], month: dt.date | None, today: dt.date) -> dict[int, tuple[str, str]]:
    """Customer → (code of the tier in the profile of ``month``, "12 Sep reached" from whatever campaign).

    One statement with the month as a constant: planned over every partition it costs more than what it reads.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _KNOWN,
            {"customers": list(customers), "month": month, "since": today - dt.timedelta(days=TOUCH_DAYS)},
        )
        return {
            customer: (
                tier or "",
                f"{figures.short_day(day)} {_touch(outcome, was_reached)}" if day else "",
            )
            for customer, tier, day, outcome, was_reached in cursor.fetchall()
        }


def _touch(outcome: str, was_reached: bool | None) -> str:
    known: Any = dict(Lead.Outcome.choices).get(outcome)
    if known:
        return str(known).lower()
    return _("not reached") if was_reached is False else _("contacted")


def reasons(lead: Lead) -> list[dict[str, Any]]:
    """Why this customer, as sentences with their share of the score, for ``kit/_reasons.html``."""
    told = [(sentence(reason), reason) for reason in lead.target.reasons]
    return [{"text": text, "share": reason.get("share"), "icon": "point"} for text, reason in told if text]


def top_reason(lead: Lead) -> str:
    """The strongest reason; without one, the score, or that nothing but chance ordered the list."""
    found = reasons(lead)
    if found:
        return str(found[0]["text"])
    # Every score has a decile. Without one the probability is a rate of the past, the same for everybody.
    if lead.target.decile is None:
        return _("Order drawn: no model")
    return _("Score %(p)s, decile %(decile)s") % {
        "p": figures.pct(lead.target.probability),
        "decile": lead.target.decile,
    }


def status(lead: Lead, user: User, today: dt.date) -> tuple[str, str, str]:
    """(words, tone, icon) of the status pill."""
    colleague = queue.holder(lead, user)
    if colleague:
        return _("%(name)s has it") % {"name": colleague}, "", "lock"
    if lead.state == Lead.State.UNASSIGNED:
        return lead.get_state_display(), "warn", "user-question"
    if not lead.is_open:
        outcome = MEANINGS.get(Lead.Outcome(lead.last_outcome)) if lead.last_outcome else None
        tone = "ok" if lead.state == Lead.State.CONVERTED else ""
        return (
            str(outcome.label if outcome else lead.get_state_display()),
            tone,
            outcome.icon if outcome else "archive",
        )
    if lead.next_at:
        missed = queue.is_missed(lead, today)
        words = _("%(step)s %(when)s, missed") if missed else _("%(step)s %(when)s")
        return (
            words % {"step": step_label(lead.next_step), "when": _when(lead.next_at, today)},
            "bad" if missed else "act",
            STEP_ICONS.get(NextStep(lead.next_step or NextStep.CALL), "clock"),
        )
    if lead.last_outcome:
        meaning = MEANINGS[Lead.Outcome(lead.last_outcome)]
        return str(meaning.label), "", meaning.icon
    return str(Lead.State.NEW.label), "", "circle-dot"


def _when(at: dt.datetime, today: dt.date) -> str:
    """The time of a step agreed for today, the day of any other."""
    return figures.clock(at) if timezone.localdate(at) == today else figures.short_day(at)


def step_label(step: str) -> str:
    return str(NextStep(step).label) if step else str(NextStep.CALL.label)
