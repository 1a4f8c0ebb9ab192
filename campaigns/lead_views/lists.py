"""My day, the lead queue, the calendar, my results, and the leads of one customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from bankcrm import absence, clock, figures, freshness, paging, parsing, workdays
from bankcrm.models import Role, User
from bankcrm.policy import SignedIn
from campaigns import feedback, followup, queue, sales
from campaigns.lead_forms import LeadFilter
from campaigns.lead_views import rows
from campaigns.models import Lead
from campaigns.models.leads import to_work
from customers import profile
from customers.models import Customer

PAGE = 20
EFFECT_DAYS = 30
GROUPS = {
    rows.OVERDUE: gettext_lazy("Overdue"),
    rows.TODAY: gettext_lazy("Due today"),
    rows.LATER: gettext_lazy("Later"),
    rows.CLOSED: gettext_lazy("Closed"),
}


@require_GET
def my_day(request: SignedIn) -> HttpResponse:
    """What waits today, what is agreed, what one's answers did; one button starts calling."""
    user, today = request.user, clock.today()
    monday = today - dt.timedelta(days=today.weekday())
    # What was done stands under the day of the calendar, what is due under the business day.
    wall = timezone.localdate()
    week = wall - dt.timedelta(days=wall.weekday())
    queued = rows.complete(list(queue.waiting(user).filter(to_work(user))[:14]), user)
    first = queue.next_lead(user)
    counts = queue.counts(user, today)
    agreed = list(
        queue.appointments(user, today, monday + dt.timedelta(days=6)).select_related(*rows.RELATED)
    )
    days = sales.closed_per_day(user, week, wall)
    return render(
        request,
        "campaigns/leads/my_day.html",
        {
            "today": today,
            "leave": absence.leave_of(user, today),
            "first": first,
            "first_due": queue.due_day(first) if first else None,
            "undoable": followup.last_undoable(user),
            "kpis": _kpis(user, today, counts, agreed, sum(days.values())),
            "counts": counts,
            "rows": rows.grouped(rows.rows(queued, user, today)),
            "groups": GROUPS,
            "missed": list(queue.missed(user, today).select_related(*rows.RELATED)[:8]),
            "agreed_today": [lead for lead in agreed if timezone.localdate(lead.next_at) == today],
            "agreed_week": [lead for lead in agreed if timezone.localdate(lead.next_at) != today],
            "closed": [
                {"label": _weekday(week, n), "value": days.get(week + dt.timedelta(days=n), 0)}
                for n in range(5)
            ],
            "closed_sum": sum(days.values()),
            "closed_target": user.daily_capacity,
            "effects": feedback.effects(user, wall - dt.timedelta(days=EFFECT_DAYS)),
            "effect_days": EFFECT_DAYS,
        },
    )


def _weekday(monday: dt.date, n: int) -> str:
    return figures.day(monday + dt.timedelta(days=n)).split()[0]


def _kpis(
    user: User, today: dt.date, counts: queue.QueueCounts, agreed: list[Lead], closed: int
) -> list[dict[str, Any]]:
    today_agreed = [lead for lead in agreed if timezone.localdate(lead.next_at) == today]
    upcoming = next((lead for lead in today_agreed if lead.next_at and lead.next_at >= queue.moment()), None)
    leads = reverse("lead-list")
    done = sales.worked_today(user, timezone.localdate())
    due = counts.due_today + counts.overdue
    week = user.weekly_capacity
    return [
        {
            "label": _("Overdue"),
            "value": figures.number(counts.overdue),
            "tone": "bad" if counts.overdue else "",
            "url": f"{leads}?due=overdue",
            "note": _("call these first") if counts.overdue else _("nothing is late"),
        },
        {
            "label": _("Due today"),
            "value": figures.number(counts.due_today),
            "url": f"{leads}?due=today",
            "note": _("%(done)s of %(all)s done") % {"done": done, "all": done + due},
        },
        {
            "label": _("Appointments"),
            "value": figures.number(len(today_agreed)),
            "url": reverse("lead-calendar") + "?view=day",
            "note": _("next %(time)s, %(name)s")
            % {"time": figures.clock(upcoming.next_at), "name": upcoming.customer.name}
            if upcoming
            else _("%(n)s more this week") % {"n": len(agreed) - len(today_agreed)},
        },
        {
            "label": _("New leads"),
            "value": figures.number(counts.new),
            "url": f"{leads}?status=new",
            "note": _("without an outcome yet; %(n)s open in all") % {"n": figures.number(counts.open)},
        },
        {
            "label": _("Closed this week"),
            "value": figures.number(closed),
            "url": reverse("my-results"),
            "note": _("capacity %(n)s a week") % {"n": figures.number(week)},
        },
    ]


@require_GET
def lead_list(request: SignedIn) -> HttpResponse:
    """The queue as a table with filters; the number of queries does not depend on the number of leads."""
    user, today = request.user, clock.today()
    leave = absence.leave_of(user, today)
    form = LeadFilter(request.GET, user, today)
    found = form.filter(Lead.objects.visible_to(user))
    page = paging.page_of(request, found.annotate(due_day=queue.DUE_DAY), queue.ORDER, PAGE)
    month = profile.latest_month()
    listed = rows.rows(rows.complete(page.rows, user), user, today, form.tier_names, month)
    return render(
        request,
        "campaigns/leads/list.html",
        {
            "form": form,
            "filtered": bool(form.values),
            "rows": rows.grouped(listed),
            "freshness": freshness.line({profile.freshness: profile.freshness_of(month)}),
            "groups": GROUPS,
            "pager": page.pager(request, paging.capped_count(found)),
            "of_team": user.role != Role.RM,
            "leave": leave,
        },
    )


@require_GET
def calendar(request: SignedIn) -> HttpResponse:
    """Dated next steps of a day or a week."""
    user, today = request.user, clock.today()
    day = parsing.day(request.GET.get("day", "")) or today
    by_day = request.GET.get("view") == "day"
    first = day if by_day else day - dt.timedelta(days=day.weekday())
    span = 1 if by_day else 7
    leads = queue.appointments(user, first, first + dt.timedelta(days=span - 1)).select_related(*rows.RELATED)
    columns: list[dict[str, Any]] = [{"day": first + dt.timedelta(days=n), "leads": []} for n in range(span)]
    for lead in leads:
        columns[(timezone.localdate(lead.next_at) - first).days]["leads"].append(lead)
    # Saturdays and Sundays show only when they are worked or something was agreed for them.
    special = workdays.specials(first, first + dt.timedelta(days=span - 1), user.branch_id)
    shown = [
        c
        for c in columns
        if by_day
        or c["leads"]
        or c["day"].weekday() < workdays.SATURDAY
        or workdays.works_as(c["day"], special) is not None
    ]
    return render(
        request,
        "campaigns/leads/calendar.html",
        {
            "columns": shown,
            "today": today,
            "first": first,
            "last": first + dt.timedelta(days=span - 1),
            "by_day": by_day,
            "before": (first - dt.timedelta(days=span)).isoformat(),
            "after": (first + dt.timedelta(days=span)).isoformat(),
            "total": sum(len(c["leads"]) for c in columns),
        },
    )


@require_GET
def my_results(request: SignedIn) -> HttpResponse:
    """The funnel of one's leads in a period, with what every step means."""
    today = clock.today()
    days = {"30": 30, "90": 90, "365": 365}.get(request.GET.get("days", ""), 90)
    since = today - dt.timedelta(days=days)
    return render(
        request,
        "campaigns/leads/my_results.html",
        {
            "days": days,
            "periods": (30, 90, 365),
            "funnel": sales.funnel(request.user, since, own=True),
            "outcomes": sales.outcome_counts(request.user, since),
            "effects": feedback.effects(request.user, since),
            "since": since,
            "today": today,
        },
    )


@require_GET
def customer_leads(request: SignedIn, pk: int) -> HttpResponse:
    """The leads of one customer, for the 360 page: whose, about what, what came of them."""
    user, today = request.user, clock.today()
    leads = list(
        Lead.objects.visible_to(user).filter(customer=pk).select_related(*rows.RELATED).order_by("-id")[:50]
    )
    if not leads and not Customer.objects.visible_to(user).filter(pk=pk).exists():
        raise Http404
    template = (
        "campaigns/leads/_customer_leads.html" if request.htmx else "campaigns/leads/customer_leads.html"
    )
    found = rows.rows(leads, user, today)
    # The 360 page names no target; beside a lead the tab does, and there the page has no cell to offer in.
    alone = request.htmx and not request.headers.get("HX-Target")
    due = sorted((row for row in found if row.lead.is_open), key=lambda row: row.lead.due_on)
    context = {"rows": found, "customer_id": pk, "offered": due[0] if alone and due else None}
    return render(request, template, context)
