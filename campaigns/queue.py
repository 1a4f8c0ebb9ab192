"""The relationship manager's queue: which lead comes next, and making sure nobody else has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Least, Now, TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, clock
from bankcrm.models import Role, User
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Lead
from campaigns.models.leads import LeadQuerySet, to_work

State = Lead.State
WORKABLE = (State.NEW, State.WORKING)
# A claim nobody touched for so long no longer keeps a colleague waiting: the tab was closed, the phone died.
CLAIM_MINUTES = 30
# The day an open lead is due: its date, or the day of the agreed next step where that is earlier. What was agreed and
# missed is late, whatever the date says. PostgreSQL's LEAST passes over an empty next step.
DUE_DAY = Least("due_on", TruncDate("next_at"))
# The same as the names of a keyset page, whose rows are annotated with ``due_day``.
ORDER = ("due_day", "-value", "pk")
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
    """What waits in a queue, by DUE_DAY. ``due_today`` does not count what is overdue."""

    open: int
    overdue: int
    due_today: int
    new: int
    later: int


def waiting(user: User) -> LeadQuerySet:
    """Leads the user can work on now, first the earliest due by DUE_DAY, among those the most valuable.

    A lead with a next step in the future stays out until its time comes; a call that was agreed and missed comes before
    what is only due later.
    """
    return workable(user).filter(_its_time(moment()))


def later(user: User) -> LeadQuerySet:
    """Open leads whose next step lies in the future, soonest first."""
    return workable(user).filter(next_at__gt=moment()).order_by("next_at", "id")


def moment() -> dt.datetime:
    """Now, on the business day: what next steps are compared with. Claims run on the database's clock instead."""
    time = timezone.localtime().time()
    return timezone.make_aware(dt.datetime.combine(clock.today(), time))


def _its_time(now: dt.datetime) -> Q:
    return Q(next_at__isnull=True) | Q(next_at__lte=now)


def in_order(leads: LeadQuerySet) -> LeadQuerySet:
    """The one order in which leads are worked, wherever they are listed: DUE_DAY, the dearer first, the older first."""
    return leads.alias(due_day=DUE_DAY).order_by("due_day", F("value").desc(), "id")


def workable(user: User) -> LeadQuerySet:
    """Every lead in sight that is open and has a relationship manager, in queue order."""
    return in_order(Lead.objects.visible_to(user).filter(state__in=WORKABLE))


def counts(user: User, today: dt.date) -> QueueCounts:
    """The figures over the queue, in one query."""
    figures: dict[str, Any] = (
        Lead.objects.visible_to(user)
        .filter(state__in=WORKABLE)
        .alias(due_day=DUE_DAY)
        .aggregate(
            open=Count("id"),
            overdue=Count("id", filter=Q(due_day__lt=today)),
            due_today=Count("id", filter=Q(due_day=today)),
            new=Count("id", filter=Q(state=State.NEW)),
            later=Count("id", filter=Q(next_at__gt=moment())),
        )
    )
    return QueueCounts(**figures)


def due_day(lead: Lead) -> dt.date:
    """DUE_DAY of a lead at hand."""
    if lead.next_at is None or not lead.is_open:
        return lead.due_on
    return min(lead.due_on, timezone.localdate(lead.next_at))


def is_missed(lead: Lead, today: dt.date) -> bool:
    """Whether the next step was agreed for a day that is over."""
    return lead.is_open and lead.next_at is not None and timezone.localdate(lead.next_at) < today


def claim(lead_id: int, user: User) -> Lead:
    """Take a lead to work on; taking one's own again renews it. One's claims on other leads end: one call at a time.

    One guarded statement decides, so of any number of colleagues exactly one succeeds and is written to the audit
    trail. The lead's state stays: looking at a lead is not working on it. Raises Taken for the others,
    Lead.DoesNotExist out of sight, Refused when the lead is closed or the role only reads.
    """
    check_role(user)
    with transaction.atomic():
        workable_lead = Lead.objects.visible_to(user).filter(pk=lead_id, state__in=WORKABLE)
        renewed = workable_lead.filter(claimed_by=user).update(claimed_at=Now())
        taken = 0 if renewed else workable_lead.filter(unheld()).update(claimed_by=user, claimed_at=Now())
        lead = Lead.objects.visible_to(user).select_related("claimed_by").get(pk=lead_id)
        if taken:
            audit.record(user, "lead.claimed", lead)
    if not (renewed or taken):
        if lead.state not in WORKABLE:
            raise Refused(_("This lead is closed: %(state)s.") % {"state": lead.get_state_display()})
        raise Taken(lead)
    # After the commit, so that no claim waits for another lead while it holds its own. What closes or moves a lead ends
    # its claim, so the queue's own index is enough to find one: there is none on the claimant.
    others = Lead.objects.visible_to(user).filter(state__in=WORKABLE, claimed_by=user)
    others.exclude(pk=lead_id).update(claimed_by=None, claimed_at=None)
    return lead


def unheld() -> Q:
    """Leads nobody works on: no claim, or one so old that the colleague must have left it."""
    stale = Now() - dt.timedelta(minutes=CLAIM_MINUTES)
    return Q(claimed_by__isnull=True) | Q(claimed_at__lt=stale)


def holder(lead: Lead, user: User) -> User | None:
    """The colleague who works on the lead now; None for nobody, oneself or a claim that ran out."""
    if lead.claimed_by_id in (None, user.pk) or lead.claimed_at is None:
        return None
    return lead.claimed_by if lead.claimed_at > timezone.now() - dt.timedelta(minutes=CLAIM_MINUTES) else None


def release(lead_id: int, user: User) -> bool:
    """Give one's claim back without an outcome; False when there was none."""
    return bool(
        Lead.objects.visible_to(user)
        .filter(pk=lead_id, claimed_by=user)
        .update(claimed_by=None, claimed_at=None)
    )


def next_lead(user: User, after: Lead | None = None) -> Lead | None:
    """The lead to open next: the first in the queue that no colleague holds, other than ``after``.

    A relationship manager's own queue; a branch manager, who sees everybody's leads, is led through their own only.
    """
    leads = waiting(user).filter(to_work(user), unheld() | Q(claimed_by=user))
    return leads.exclude(pk=after.pk).first() if after else leads.first()


def appointments(user: User, first: dt.date, last: dt.date) -> LeadQuerySet:
    """Open leads to work with a dated next step from ``first`` to ``last``, both included, in order of time."""
    dated = workable(user).filter(to_work(user), next_at__date__range=(first, last))
    return dated.order_by("next_at", "id")


def missed(user: User, today: dt.date) -> LeadQuerySet:
    """Open leads to work whose next step was agreed for an earlier day, longest ago first."""
    return workable(user).filter(to_work(user), next_at__date__lt=today).order_by("next_at", "id")


def check_role(user: User) -> None:
    """Raises Refused for whoever does not work on leads."""
    if not user.may_act_as(WORKING_ROLES):
        raise Refused(_("Only relationship managers and branch managers work on leads."))
