"""Leads as the pages show them: tier, reason, last touch and who has them, in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.reasons import sentence
from bankcrm import figures
from bankcrm.models import User
from campaigns import queue
from campaigns.models import Lead
from campaigns.outcomes import MEANINGS, NextStep
from customers import profile, tiering
from customers.models import Contact, CustomerProfile

# A touch longer ago says nothing to a caller, and older partitions need not be read.
TOUCH_DAYS = 400
STEP_ICONS = {NextStep.CALL: "phone", NextStep.MEETING: "users", NextStep.MESSAGE: "message"}
OVERDUE, TODAY, LATER, CLOSED = "overdue", "today", "later", "closed"


@dataclass(frozen=True)
class Row:
    """One lead of a list."""

    lead: Lead
    group: str
    tier: str
    why: str
    status: tuple[str, str, str]
    touch: str
    holder: User | None

    @property
    def is_late(self) -> bool:
        return self.group == OVERDUE


def rows(leads: Sequence[Lead], user: User, today: dt.date) -> list[Row]:
    """``leads`` come with customer, campaign, arm, offer, target and claimed_by selected."""
    customers = [lead.customer_id for lead in leads]
    tiers, touches = tiers_of(customers, today), last_touches(customers, today)
    return [
        Row(
            lead=lead,
            group=group_of(lead, today),
            tier=tiers.get(lead.customer_id, ""),
            why=top_reason(lead),
            status=status(lead, user),
            touch=touches.get(lead.customer_id, ""),
            holder=queue.holder(lead, user),
        )
        for lead in leads
    ]


RELATED = ("customer", "campaign", "arm__offer", "target", "claimed_by", "rm")


def group_of(lead: Lead, today: dt.date) -> str:
    if not lead.is_open:
        return CLOSED
    if lead.due_on < today:
        return OVERDUE
    return TODAY if lead.due_on == today else LATER


def tiers_of(customers: Iterable[int], today: dt.date) -> dict[int, str]:
    """Customer → name of the tier in the latest profile."""
    month = profile.latest_month()
    if month is None:
        return {}
    names = tiering.names_at(today)
    codes = CustomerProfile.objects.filter(month=month, customer_id__in=list(customers)).exclude(tier="")
    return {pk: names.get(code, code) for pk, code in codes.values_list("customer_id", "tier")}


def last_touches(customers: Iterable[int], today: dt.date) -> dict[int, str]:
    """Customer → "12 Sep reached", from the contact history of whatever campaign."""
    contacts = (
        Contact.objects.filter(
            customer_id__in=list(customers), contacted_on__gt=today - dt.timedelta(days=TOUCH_DAYS)
        )
        .order_by("customer_id", "-contacted_on", "-reference")
        .distinct("customer_id")
        .values_list("customer_id", "contacted_on", "outcome", "was_reached")
    )
    return {
        customer: f"{figures.short_day(day)} {_touch(outcome, was_reached)}"
        for customer, day, outcome, was_reached in contacts
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
    """The strongest reason; without one, the chance of the score, or nothing."""
    found = reasons(lead)
    if found:
        return str(found[0]["text"])
    if lead.target.probability is not None:
        return _("Score %(p)s, decile %(decile)s") % {
            "p": figures.pct(lead.target.probability),
            "decile": lead.target.decile or figures.NONE,
        }
    return ""


def status(lead: Lead, user: User) -> tuple[str, str, str]:
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
        return (
            _("%(step)s %(when)s")
            % {
                "step": step_label(lead.next_step),
                "when": _when(lead.next_at),
            },
            "act",
            STEP_ICONS.get(NextStep(lead.next_step or NextStep.CALL), "clock"),
        )
    if lead.last_outcome:
        meaning = MEANINGS[Lead.Outcome(lead.last_outcome)]
        return str(meaning.label), "", meaning.icon
    return str(Lead.State.NEW.label), "", "circle-dot"


def _when(at: dt.datetime) -> str:
    """The time of a step agreed for today, the day of any other."""
    return figures.clock(at) if timezone.localdate(at) == timezone.localdate() else figures.short_day(at)


def step_label(step: str) -> str:
    return str(NextStep(step).label) if step else str(NextStep.CALL.label)
