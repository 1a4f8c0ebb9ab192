"""The branch manager's team board: who has how much, and moving leads after looking at the plan."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from bankcrm import clock, figures, parsing
from bankcrm.models import AuditEvent, Branch, Role
from bankcrm.policy import SignedIn
from campaigns import queue, reassign, sales
from campaigns.conflicts import Conflict, Refused
from campaigns.lead_forms import MoveForm

FUNNEL_DAYS = 30


@require_GET
def team_board(request: SignedIn) -> HttpResponse:
    """Everybody's open, late and due leads beside the hours they have; what waits; what comes of it."""
    return render(request, "campaigns/team/board.html", _board(request))


@require_GET
def team_move_preview(request: SignedIn) -> HttpResponse:
    """Who would get which leads. Nothing is moved."""
    form = MoveForm(request.GET, request.user)
    today = clock.today()
    if not form.is_valid():
        error = next(iter(form.errors.values()))[0]
        return _preview(request, {"refusal": error}, 422)
    data = form.cleaned_data
    try:
        plan = reassign.plan(
            request.user,
            list(data["source"]),
            data["target"],
            today,
            scope=data["scope"] or "all",
            unassigned=data["unassigned"],
        )
    except Refused as refusal:
        return _preview(request, {"refusal": refusal}, 422)
    names = ", ".join(str(person) for person in data["source"]) or _("the unassigned leads")
    return _preview(request, {"plan": plan, "names": names, "total": len(plan.steps)})


@require_POST
def team_move(request: SignedIn) -> HttpResponse:
    """Move what the preview showed."""
    try:
        moved = reassign.move(request.user, request.POST.get("plan", ""))
    except (Conflict, Refused) as refusal:
        messages.error(request, str(refusal))
        return redirect("team-board")
    said = ngettext("%(n)s lead moved.", "%(n)s leads moved.", moved.moved) % {"n": moved.moved}
    if moved.changed:
        said += " " + ngettext(
            "%(n)s was changed meanwhile and stayed.",
            "%(n)s were changed meanwhile and stayed.",
            moved.changed,
        ) % {"n": moved.changed}
    messages.success(request, said)
    return redirect("team-board")


@require_POST
def team_move_undo(request: SignedIn, pk: int) -> HttpResponse:
    """Give the leads of a move back."""
    try:
        undone = reassign.undo(request.user, pk)
    except AuditEvent.DoesNotExist as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        messages.error(request, str(refusal))
        return redirect("team-board")
    said = ngettext("%(n)s lead went back.", "%(n)s leads went back.", undone.moved) % {"n": undone.moved}
    if undone.changed:
        said += " " + ngettext(
            "%(n)s was worked on since and stayed.", "%(n)s were worked on since and stayed.", undone.changed
        ) % {"n": undone.changed}
    said = " ".join([said, *undone.stayed])
    (messages.warning if undone.stayed else messages.success)(request, said)
    return redirect("team-board")


def _preview(request: SignedIn, context: dict[str, Any], status: int = 200) -> HttpResponse:
    if request.htmx:
        return render(request, "campaigns/team/_move.html", context, status=status)
    return render(request, "campaigns/team/board.html", _board(request) | context, status=status)


def _board(request: SignedIn) -> dict[str, Any]:
    user, today = request.user, clock.today()
    branches = Branch.objects.filter(
        pk__in=user.branch_ids(), kind__in=[Branch.Kind.BRANCH, Branch.Kind.OUTLET]
    )
    branch = parsing.whole_number(request.GET.get("branch", ""))
    members = sales.team(user, today, branch)
    waiting = sales.unassigned(user)
    moves = user.role == Role.BRANCH_MANAGER and user.may_change
    return {
        "today": today,
        "members": members,
        "totals": {
            name: sum(getattr(member, name) for member in members)
            for name in ("open", "overdue", "due_today", "new", "contacted", "converted")
        },
        "away": sum(1 for member in members if member.away_until),
        "branches": list(branches.order_by("name")[:200]),
        "branch": branch,
        "kpis": _kpis(members, waiting, moves or user.is_auditor),
        "unassigned": waiting,
        "unassigned_count": sum(row["count"] for row in waiting),
        "claims": list(sales.waiting_claims(user)),
        "late": [(lead, (today - queue.due_day(lead)).days) for lead in sales.late(user, today)],
        "funnel": sales.funnel(user, today - dt.timedelta(days=FUNNEL_DAYS)),
        "funnel_days": FUNNEL_DAYS,
        "may_move": moves,
        # Managers read figures; the leads behind them belong to the branch.
        "may_open": moves or user.is_auditor,
        "undoable": reassign.last_undoable(user) if moves else None,
    }


def _kpis(members: list[sales.Member], waiting: list[dict[str, Any]], links: bool) -> list[dict[str, Any]]:
    def total(name: str) -> int:
        return sum(getattr(member, name) for member in members)

    leads = reverse("lead-list") if links else ""
    late_with = sum(1 for member in members if member.overdue)
    hours = sum(member.hours_for for member in members)
    unassigned = sum(row["count"] for row in waiting)
    cells = [
        (_("Open"), total("open"), "", _("%(n)s of them new") % {"n": figures.number(total("new"))}, ""),
        (
            _("Overdue"),
            total("overdue"),
            "bad" if total("overdue") else "",
            _("with %(n)s of %(all)s RMs") % {"n": late_with, "all": len(members)},
            "due=overdue",
        ),
        (
            _("Due today"),
            total("due_today"),
            "",
            _("capacity %(n)s a day") % {"n": figures.number(hours // 5)},
            "due=today",
        ),
        (
            _("Contacted this week"),
            total("contacted"),
            "",
            _("capacity %(n)s a week") % {"n": figures.number(hours)},
            None,
        ),
        (_("Converted this week"), total("converted"), "", _("as typed by the RMs"), None),
        (
            _("Unassigned"),
            unassigned,
            "warn" if unassigned else "",
            _("reasons below") if unassigned else _("every lead has an RM"),
            "status=unassigned",
        ),
    ]
    return [
        {
            "label": label,
            "value": figures.number(value),
            "tone": tone,
            "note": note,
            "url": f"{leads}?{query}" if leads and query is not None else "",
        }
        for label, value, tone, note, query in cells
    ]
