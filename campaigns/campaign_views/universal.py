"""The universal control: what it is, what it shows, and how a manager begins and ends one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import clock, paging, parsing, runs
from bankcrm.models import Run
from bankcrm.policy import SignedIn
from campaigns import universal, universal_page
from campaigns.campaign_forms import add_errors
from campaigns.conflicts import Refused
from campaigns.models import UniversalControl
from campaigns.universal_forms import UniversalForm


def universal_list(request: SignedIn) -> HttpResponse:
    """The control in force or to come, with what it shows so far, and all earlier ones."""
    found = UniversalControl.objects.visible_to(request.user).select_related("made_by")
    current = found.filter(ends_on__gte=clock.today()).order_by("starts_on").first()
    shown = paging.page_of(request, found, ("-starts_on", "-pk"))
    context = _context(request, current) | {
        "rows": [{"row": row, **universal_page.state(row)} for row in shown.rows],
        "pager": shown.pager(request, paging.capped_count(found)),
    }
    return render(request, "campaigns/universal/list.html", context)


def universal_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One control, also one that is over: its verdict and the two groups."""
    found = UniversalControl.objects.visible_to(request.user).select_related("made_by")
    context = _context(request, get_object_or_404(found, pk=pk))
    return render(request, "campaigns/universal/detail.html", context)


def _context(request: SignedIn, control: UniversalControl | None) -> dict[str, Any]:
    """What both pages show of one control, and what its reader may do."""
    may_write = request.user.may_act_as(universal.MAKERS)
    return {
        "current": control,
        "state": universal_page.state(control) if control else None,
        "measured": universal_page.measured(control) if control else None,
        "work": _work(request),
        "may_write": may_write,
        "may_end": may_write and control is not None and control.ends_on > clock.today(),
    }


def universal_create(request: SignedIn) -> HttpResponse:
    """Begin one; what its size could show stands beside the form."""
    last = UniversalControl.objects.visible_to(request.user).order_by("-ends_on").first()
    first = max(clock.today(), last.ends_on + dt.timedelta(days=1)) if last else clock.today()
    form = UniversalForm(request.POST or None, first=first)
    if request.method == "POST" and form.is_valid():
        try:
            made = universal.begin(request.user, **form.cleaned_data)
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            _begun(request, made)
            return redirect("universal-list")
    context = {"form": form}
    return render(request, "campaigns/universal/form.html", context, status=422 if form.errors else 200)


def universal_outlook(request: SignedIn) -> HttpResponse:
    """What a control of the typed share and length could show, asked for while it is typed."""
    form = UniversalForm(request.GET)
    form.is_valid()
    data = form.cleaned_data
    outlook = None
    if {"share", "starts_on", "ends_on"} <= data.keys() and not form.errors.get("ends_on"):
        outlook = universal.outlook(data["share"], (data["ends_on"] - data["starts_on"]).days + 1)
    return render(request, "campaigns/universal/_outlook.html", {"outlook": outlook})


@require_POST
def universal_end(request: SignedIn, pk: int) -> HttpResponse:
    """End one early, with the reason for the record."""
    control = get_object_or_404(UniversalControl.objects.visible_to(request.user), pk=pk)
    try:
        universal.end(control, request.user, parsing.words(request.POST.get("comment", ""), 2000))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("“%(name)s” has ended.") % {"name": control.name})
    return redirect("universal-list")


def universal_work(request: SignedIn) -> HttpResponse:
    """The progress of the draw, asked for every second; at its end the page is loaded anew."""
    work = _work(request)
    if work is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "campaigns/universal/_work.html", {"work": work})


def _work(request: SignedIn) -> Run | None:
    return (
        Run.objects.visible_to(request.user)
        .unfinished()
        .filter(kind=universal.WORK, key=universal.KEY)
        .first()
    )


def _begun(request: SignedIn, made: UniversalControl) -> None:
    if made.starts_on > clock.today():
        messages.success(
            request, _("“%(name)s” is planned. Its members are drawn on its first day.") % {"name": made.name}
        )
        return
    runs.start(universal.WORK, request.user, subject=made.name, key=universal.KEY)
    messages.success(request, _("“%(name)s” has begun. Its members are being drawn.") % {"name": made.name})
