"""Pages of running and finished work: how far it is, how it ended, Cancel and Try again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from bankcrm import audit, freshness, heartbeat, paging, runs
from bankcrm.figures import duration, number, short_day
from bankcrm.freshness import Bell
from bankcrm.models import AuditEvent, Role, Run, User
from bankcrm.policy import SignedIn

State = Run.State
TONES = {
    State.QUEUED: ("", "clock"),
    State.RUNNING: ("act", "player-play"),
    State.DONE: ("ok", "check"),
    State.FAILED: ("bad", "alert-triangle"),
    State.CANCELLED: ("", "ban"),
    State.DEAD: ("bad", "player-stop"),
}
FILTERS = {
    "": (gettext_lazy("All"), tuple(State)),
    "unfinished": (gettext_lazy("Under way"), Run.UNFINISHED),
    "done": (gettext_lazy("Done"), (State.DONE,)),
    "failed": (gettext_lazy("Failed or given up"), (State.FAILED, State.DEAD)),
    "cancelled": (gettext_lazy("Cancelled"), (State.CANCELLED,)),
}
# What an app may put into a result for this page; everything else in it is listed as it is.
SPECIAL = {"url", "sentence"}
LISTED_STEPS = 100


def visible(user: User) -> QuerySet[Run]:
    """The runs this user may see, without the worker's heartbeat."""
    return Run.objects.visible_to(user).exclude(kind=heartbeat.KIND).select_related("requested_by")


def show(run: Run, user: User) -> dict[str, Any]:
    """A run as the templates want it."""
    tone, mark = TONES[State(run.state)]
    own = run.requested_by_id == user.pk or user.role == Role.ADMINISTRATOR
    may = own and user.may_change
    unit = runs.unit(run.kind)
    return {
        "run": run,
        "title": runs.title(run.kind),
        "tone": tone,
        "mark": mark,
        "subject": _subject(run),
        "counted": unit.count(run.done) if run.done and unit.tells else "",
        "seconds": _seconds(run),
        "stopping": run.cancel_requested and not run.is_finished,
        "may_cancel": may and (not run.is_finished or run.state == State.DEAD) and not run.cancel_requested,
        "may_retry": may and run.state in (State.FAILED, State.DEAD),
    }


def _subject(run: Run) -> str:
    """What the run is about; the clock's runs are about a day, which is kept as ISO and read as days are."""
    try:
        return short_day(dt.date.fromisoformat(run.subject))
    except ValueError:
        return run.subject


def _seconds(run: Run) -> float | None:
    if not run.started_at:
        return None
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()


def run_list(request: SignedIn) -> HttpResponse:
    """One's own work, newest first; administrators see everybody's and the state of the workers."""
    chosen = request.GET.get("state", "")
    _label, states = FILTERS.get(chosen, FILTERS[""])
    everybody = request.user.role == Role.ADMINISTRATOR or request.user.is_auditor
    found = visible(request.user).filter(state__in=states)
    if not everybody:
        found = found.filter(requested_by=request.user)
    page = paging.page_of(request, found, ("-pk",))
    context = {
        "rows": [show(run, request.user) for run in page.rows],
        "pager": page.pager(request, paging.capped_count(found)),
        "tabs": [
            {"label": label, "url": f"?state={name}" if name else request.path, "current": name == chosen}
            for name, (label, _states) in FILTERS.items()
        ],
        "everybody": everybody,
        "notices": freshness.notices(request.user),
        "kpis": _operations() if everybody else [],
    }
    return render(request, "bankcrm/runs.html", context)


def _operations() -> list[dict[str, Any]]:
    health = heartbeat.health()
    silent = health.worker_is_silent
    answered = (
        _("never")
        if health.worker_seconds is None
        else _("%(time)s ago") % {"time": duration(health.worker_seconds)}
    )
    late = (health.queue_seconds or 0) > heartbeat.SILENT_AFTER_SECONDS
    return [
        {
            "label": _("Worker answered"),
            "value": answered,
            "tone": "bad" if silent else "",
            "note": _("no worker is running, or all are busy") if silent else _("asked every minute"),
        },
        {
            "label": _("Oldest waiting"),
            "value": duration(health.queue_seconds) if health.queue_seconds else _("nothing waits"),
            "tone": "warn" if late else "",
            "note": _("%(count)s waiting") % {"count": health.waiting},
        },
        {"label": _("Running"), "value": health.running, "url": f"{reverse('run-list')}?state=unfinished"},
        {
            "label": _("Given up"),
            "value": health.dead,
            "tone": "bad" if health.dead else "",
            "note": _("three attempts, none finished"),
            "url": f"{reverse('run-list')}?state=failed",
        },
    ]


def run_row(request: SignedIn, pk: int) -> HttpResponse:
    """One row of the list, asked for again every two seconds while the work is unfinished."""
    run = get_object_or_404(visible(request.user), pk=pk)
    everybody = request.user.role == Role.ADMINISTRATOR or request.user.is_auditor
    return render(request, "bankcrm/_run_row.html", {"row": show(run, request.user), "everybody": everybody})


def run_state(request: SignedIn, pk: int) -> HttpResponse:
    """The state panel of one run, asked for again every two seconds while the work is unfinished."""
    return render(
        request, "bankcrm/_run_state.html", _state(request, get_object_or_404(visible(request.user), pk=pk))
    )


def _state(request: SignedIn, run: Run) -> dict[str, Any]:
    events = list(audit.about("bankcrm.run", run.pk)[:LISTED_STEPS])
    steps = [
        {
            "when": timezone.localtime(event.at).strftime("%H:%M:%S"),
            "icon": TONES[State(event.to_state)][1] if event.to_state else "hand-stop",
            "text": State(event.to_state).label if event.to_state else _("Asked to stop"),
            "meta": event.actor or event.reason,
        }
        for event in events
    ]
    result = run.result if run.state == State.DONE and isinstance(run.result, dict) else {}
    figures = [
        (name.replace("_", " "), number(value) if isinstance(value, int) else value)
        for name, value in result.items()
        if name not in SPECIAL and isinstance(value, (str, int, float))
    ]
    # Only a path of this site: a result is data, and data must not lead elsewhere.
    url = str(result.get("url", ""))
    link = url if url.startswith("/") and not url.startswith("//") else ""
    return {
        "row": show(run, request.user),
        "steps": steps,
        "given_back": _given_back(run, events),
        "figures": figures,
        "sentence": result.get("sentence", ""),
        "link": link,
    }


def _given_back(run: Run, events: list[AuditEvent]) -> int:
    """How many starts since the work was last asked for do not count as attempts (see ``reaper``)."""
    starts = 0
    for event in events:
        if event.action == "run.retried":
            break
        starts += event.to_state == State.RUNNING
    return max(0, starts - run.attempts)


def run_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One piece of work: progress, result or what went wrong, and every state it went through."""
    run = get_object_or_404(visible(request.user), pk=pk)
    return render(request, "bankcrm/run.html", _state(request, run))


@require_POST
def run_cancel(request: SignedIn, pk: int) -> HttpResponse:
    """Stop the work; what is done stays done."""
    run = get_object_or_404(visible(request.user), pk=pk)
    try:
        run = runs.cancel(run, request.user)
    except runs.Conflict as conflict:
        messages.warning(request, str(conflict))
    else:
        stopped = run.state == State.CANCELLED
        messages.success(request, _("Cancelled.") if stopped else _("It stops at its next step."))
    return redirect("run-detail", pk)


@require_POST
def run_retry(request: SignedIn, pk: int) -> HttpResponse:
    """Try failed or given-up work again."""
    run = get_object_or_404(visible(request.user), pk=pk)
    try:
        runs.retry(run, request.user)
    except runs.Conflict as conflict:
        messages.warning(request, str(conflict))
    else:
        messages.success(request, _("It is waiting for a worker again."))
    return redirect("run-detail", pk)


def bell(user: User) -> Bell:
    """Runs this user waits for, and given-up work that somebody must try again or set aside; one query for both."""
    rung = Run.objects.filter(requested_by=user).unfinished().order_by().values_list(Value("running"))
    if user.may_change:
        dead = Run.objects.controlled_by(user).exclude(kind=heartbeat.KIND).filter(state=State.DEAD)
        rung = rung.union(dead.order_by().values_list(Value("dead")), all=True)
    counts = Counter(kind for (kind,) in rung)
    return Bell(counts["running"], counts["dead"])
