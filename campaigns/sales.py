"""Figures of the people who work on leads: an RM's own results, the team board, the funnel, what waits unassigned."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import workdays
from bankcrm.models import Leave, User
from campaigns import queue
from campaigns.models import FollowUp, Lead
from campaigns.models.leads import LeadQuerySet
from campaigns.outcomes import MEANINGS
from campaigns.push import UNASSIGNED_REASONS

State = Lead.State
CAPACITY_DAYS = 5
REACHED = [meaning.outcome for meaning in MEANINGS.values() if meaning.reached]


def closed_per_day(user: User, first: dt.date, last: dt.date) -> dict[dt.date, int]:
    """Leads the user closed with an outcome, by day; undone ones are open again and do not count."""
    closing = [meaning.outcome for meaning in MEANINGS.values() if meaning.closes]
    rows = (
        FollowUp.objects.filter(
            by=user, undone_at__isnull=True, outcome__in=closing, at__date__range=(first, last)
        )
        .annotate(day=TruncDate("at"))
        .values_list("day")
        .annotate(n=Count("lead", distinct=True))
        .order_by("day")
    )
    return dict(rows)


def worked_today(user: User, today: dt.date) -> int:
    """Leads on which the user wrote an outcome today."""
    found = FollowUp.objects.filter(by=user, undone_at__isnull=True, at__date=today)
    return found.aggregate(n=Count("lead", distinct=True))["n"]


def outcome_counts(user: User, since: dt.date) -> list[dict[str, Any]]:
    """How often the user typed each outcome, in the order of the keys."""
    counted = dict(
        FollowUp.objects.filter(by=user, undone_at__isnull=True, at__date__gte=since)
        .values_list("outcome")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return [
        {"label": meaning.label, "value": counted.get(meaning.outcome, 0)} for meaning in MEANINGS.values()
    ]


def funnel(user: User, since: dt.date, *, own: bool = False) -> list[dict[str, Any]]:
    """Leads in sight assigned since a business day, by how far they came.

    Pushed ⊇ contacted ⊇ reached ⊇ interested ⊇ converted. Each step counts leads, whoever worked them; a lead that
    converted counts as interested and reached. Rows are dicts ``label, count, meaning`` for ``kit/_funnel.html``.
    """
    assigned = Lead.objects.visible_to(user).filter(campaign__assigned_on__gte=since)
    leads = assigned.exclude(state=State.RECALLED)
    if own:
        leads = leads.filter(rm=user)
    done = Q(follow_ups__undone_at__isnull=True)
    figures = leads.aggregate(
        pushed=Count("pk", distinct=True),
        contacted=Count("pk", distinct=True, filter=done & Q(follow_ups__isnull=False)),
        reached=Count("pk", distinct=True, filter=done & Q(follow_ups__outcome__in=REACHED)),
        interested=Count(
            "pk",
            distinct=True,
            filter=done & Q(follow_ups__outcome__in=[Lead.Outcome.INTERESTED, Lead.Outcome.CONVERTED]),
        ),
        converted=Count("pk", distinct=True, filter=Q(state=State.CONVERTED)),
    )
    words = {
        "pushed": (_("Pushed"), _("Leads that were assigned in the period.")),
        "contacted": (_("Contacted"), _("At least one outcome was written that was not undone.")),
        "reached": (_("Reached"), _("The customer was spoken to, whatever came of it.")),
        "interested": (_("Interested"), _("The customer showed interest or bought.")),
        "converted": (_("Converted"), _("Closed as sold by the relationship manager.")),
    }
    return [
        {"label": label, "count": figures[name], "meaning": meaning}
        for name, (label, meaning) in words.items()
    ]


@dataclass(frozen=True)
class Member:
    """One relationship manager on the team board. ``used``: leads due in the next days ÷ leads the hours allow."""

    rm: User
    open: int
    overdue: int
    due_today: int
    new: int
    contacted: int
    converted: int
    due_soon: int
    hours_for: float
    away_until: dt.date | None
    backup: User | None

    @property
    def used(self) -> float | None:
        return self.due_soon / self.hours_for if self.hours_for else None

    @property
    def is_over(self) -> bool:
        return self.used is not None and self.used > 1


def team(user: User, today: dt.date, branch: int | None = None) -> list[Member]:
    """Every relationship manager in sight, in five queries whatever their number."""
    people = User.objects.visible_to(user).relationship_managers().select_related("branch")
    if branch:
        people = people.filter(branch=branch)
    wall = timezone.localdate()
    monday = wall - dt.timedelta(days=wall.weekday())
    until = workdays.add_working_days(today, CAPACITY_DAYS - 1)
    leads = {row["rm"]: row for row in _lead_figures(user, today, until)}
    done = {row["by"]: row for row in _week_figures(monday)}
    away = leaves(today)
    listed = list(people.order_by("full_name", "pk"))
    hours = workdays.capacities([person.pk for person in listed], today, until)
    members = []
    for person in listed:
        figures, week = leads.get(person.pk, {}), done.get(person.pk, {})
        leave = away.get(person.pk)
        members.append(
            Member(
                rm=person,
                **{
                    name: figures.get(name, 0) for name in ("open", "overdue", "due_today", "new", "due_soon")
                },
                contacted=week.get("contacted", 0),
                converted=week.get("converted", 0),
                hours_for=0 if leave else hours[person.pk],
                away_until=leave.last_day if leave else None,
                backup=leave.backup if leave else None,
            )
        )
    return members


def _lead_figures(user: User, today: dt.date, until: dt.date) -> Any:
    return (
        Lead.objects.visible_to(user)
        .filter(state__in=queue.WORKABLE)
        .alias(due_day=queue.DUE_DAY)
        .values("rm")
        .annotate(
            open=Count("pk"),
            overdue=Count("pk", filter=Q(due_day__lt=today)),
            due_today=Count("pk", filter=Q(due_day=today)),
            new=Count("pk", filter=Q(state=State.NEW)),
            due_soon=Count("pk", filter=Q(due_day__lte=until)),
        )
        .order_by()
    )


def _week_figures(monday: dt.date) -> Any:
    return (
        FollowUp.objects.filter(at__date__gte=monday, undone_at__isnull=True)
        .values("by")
        .annotate(
            contacted=Count("lead", distinct=True),
            converted=Count("lead", distinct=True, filter=Q(outcome=Lead.Outcome.CONVERTED)),
        )
        .order_by()
    )


def leaves(today: dt.date) -> dict[int, Leave]:
    """Who is away today: user id → leave."""
    found = Leave.objects.filter(first_day__lte=today, last_day__gte=today).select_related("backup")
    return {leave.user_id: leave for leave in found.order_by("user_id", "id")}


def unassigned(user: User) -> list[dict[str, Any]]:
    """Leads without a relationship manager, by the reason."""
    counted = (
        Lead.objects.visible_to(user)
        .filter(state=State.UNASSIGNED)
        .values("unassigned_reason")
        .annotate(n=Count("pk"), value=Sum("value"))
        .order_by("-n")
    )
    return [
        {
            "reason": UNASSIGNED_REASONS.get(row["unassigned_reason"], _("No reason was noted")),
            "count": row["n"],
            "value": row["value"],
        }
        for row in counted
    ]


def waiting_claims(user: User, most: int = 20) -> LeadQuerySet:
    """Leads in work now, longest first: who has had what since when."""
    return (
        Lead.objects.visible_to(user)
        .filter(state__in=queue.WORKABLE, claimed_by__isnull=False)
        .exclude(queue.unheld())
        .select_related("customer", "claimed_by", "rm", "arm__offer", "campaign")
        .order_by("claimed_at", "pk")[:most]
    )


def late(user: User, today: dt.date, most: int = 5) -> LeadQuerySet:
    """The leads that are late longest, the dearer first among equals."""
    return (
        Lead.objects.visible_to(user)
        .alias(due_day=queue.DUE_DAY)
        .filter(state__in=queue.WORKABLE, due_day__lt=today)
        .select_related("customer", "rm", "arm__offer", "campaign")
        .order_by("due_day", F("value").desc(), "pk")[:most]
    )
