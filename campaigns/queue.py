"""The relationship manager's queue: which lead comes next, and making sure nobody else has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit
from bankcrm.models import Role, User
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Lead
from campaigns.models.leads import LeadQuerySet

State = Lead.State
WORKABLE = (State.NEW, State.WORKING)
# A claim nobody touched for so long no longer keeps a colleague waiting: the tab was closed, the phone died.
CLAIM_MINUTES = 30
WORKING_ROLES = frozenset({Role.RM, Role.BRANCH_MANAGER})


class Taken(Conflict):
    """Another member of staff works on the lead: ``holder`` since ``since``."""

    def __init__(self, lead: Lead) -> None:
        self.holder = lead.claimed_by
        self.since = lead.claimed_at
        since = timezone.localtime(lead.claimed_at).strftime("%H:%M") if lead.claimed_at else ""
        super().__init__(
            _("%(name)s has had this lead since %(since)s.") % {"name": lead.claimed_by, "since": since}, lead
        )


@dataclass(frozen=True)
class QueueCounts:
    """What waits in a queue today. ``due_today`` does not count what is overdue."""

    open: int
    overdue: int
    due_today: int
    new: int
    later: int


def waiting(user: User) -> LeadQuerySet:
    """Leads the user can work on now, first the earliest due, among those the most valuable.

    A lead with a next step in the future stays out until its time comes.
    """
    return workable(user).filter(Q(next_at__isnull=True) | Q(next_at__lte=Now()))


def later(user: User) -> LeadQuerySet:
    """Open leads whose next step lies in the future, soonest first."""
    return workable(user).filter(next_at__gt=Now()).order_by("next_at", "id")


def workable(user: User) -> LeadQuerySet:
    """Every lead in sight that is open and has a relationship manager, in queue order."""
    return (
        Lead.objects.visible_to(user).filter(state__in=WORKABLE).order_by("due_on", F("value").desc(), "id")
    )


def counts(user: User, today: dt.date) -> QueueCounts:
    """The figures over the queue, in one query."""
    due = Q(next_at__isnull=True) | Q(next_at__lte=Now())
    figures: dict[str, Any] = (
        Lead.objects.visible_to(user)
        .filter(state__in=WORKABLE)
        .aggregate(
            open=Count("id"),
            overdue=Count("id", filter=due & Q(due_on__lt=today)),
            due_today=Count("id", filter=due & Q(due_on=today)),
            new=Count("id", filter=Q(state=State.NEW)),
            later=Count("id", filter=Q(next_at__gt=Now())),
        )
    )
    return QueueCounts(**figures)


def claim(lead_id: int, user: User) -> Lead:
    """Take a lead to work on; taking one's own again renews it.

    One guarded statement decides, so of any number of colleagues exactly one succeeds. Raises Taken for the others,
    Lead.DoesNotExist out of sight, Refused when the lead is closed or the role only reads.
    """
    check_role(user)
    stale = Now() - dt.timedelta(minutes=CLAIM_MINUTES)
    with transaction.atomic():
        free = Q(claimed_by__isnull=True) | Q(claimed_by=user) | Q(claimed_at__lt=stale)
        taken = (
            Lead.objects.visible_to(user)
            .filter(free, pk=lead_id, state__in=WORKABLE)
            .update(claimed_by=user, claimed_at=Now(), state=State.WORKING)
        )
        lead = Lead.objects.visible_to(user).select_related("claimed_by").get(pk=lead_id)
        if taken:
            audit.record(user, "lead.claimed", lead, to_state=State.WORKING)
            return lead
    if lead.state not in WORKABLE:
        raise Refused(_("This lead is closed: %(state)s.") % {"state": lead.get_state_display()})
    raise Taken(lead)


def release(lead_id: int, user: User) -> bool:
    """Give one's claim back without an outcome; False when there was none."""
    return bool(
        Lead.objects.visible_to(user)
        .filter(pk=lead_id, claimed_by=user)
        .update(claimed_by=None, claimed_at=None)
    )


def next_lead(user: User, after: Lead | None = None) -> Lead | None:
    """The lead to open next: the first in the queue that no colleague holds, other than ``after``."""
    stale = Now() - dt.timedelta(minutes=CLAIM_MINUTES)
    free = Q(claimed_by__isnull=True) | Q(claimed_by=user) | Q(claimed_at__lt=stale)
    leads = waiting(user).filter(free)
    return leads.exclude(pk=after.pk).first() if after else leads.first()


def check_role(user: User) -> None:
    """Raises Refused for whoever does not work on leads."""
    if user.role not in WORKING_ROLES or not user.may_change:
        raise Refused(_("Only relationship managers and branch managers work on leads."))
