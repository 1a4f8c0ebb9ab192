"""Pages of segmentations: list, one segmentation, and the acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analytics import segment_chart_page, segment_page, segments
from analytics.models import Segment, Segmentation, SegmentationVersion, SegmentRun
from analytics.segment_forms import FORMS, Kind, SegmentForm
from bankcrm import parsing, runs
from bankcrm.models import Run, User
from bankcrm.policy import SignedIn

WORK = ("analytics.segments.find", "analytics.segments.assign")


def segmentation_list(request: SignedIn) -> HttpResponse:
    """Every segmentation with what is in use and how fresh it is."""
    found = segment_page.segmentations().filter(pk__in=Segmentation.objects.visible_to(request.user))
    context = {
        "rows": [segment_page.summary(made) for made in found],
        "may_write": request.user.may_act_as(segments.WRITERS),
    }
    return render(request, "analytics/segments/list.html", context)


def segmentation_create(request: SignedIn) -> HttpResponse:
    """Define a segmentation, found in the data or said by rules (``?kind=``)."""
    kind = request.GET.get("kind", Kind.FOUND)
    if kind not in FORMS:
        raise Http404
    form = FORMS[Kind(kind)](request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        made = segments.define(request.user, **form.definition())
        work = "assign" if made.kind == Kind.RULES else "find"
        _start(request, made, work)
        return redirect("segmentation-detail", made.pk)
    context = {"form": form, "kind": kind, "kinds": [(known, known.label) for known in Kind]}
    return render(request, "analytics/segments/form.html", context, status=422 if form.errors else 200)


def segmentation_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One segmentation: sizes, typical traits, evidence, movement, versions."""
    made = get_object_or_404(_seen(request), pk=pk)
    versions = list(made.versions.select_related("made_by").defer("artefact")[:20])
    shown = made.in_use or (versions[0] if versions else None)
    waiting = versions[0] if versions and versions[0].state == SegmentationVersion.State.TRIED else None
    months = segment_chart_page.runs(made)
    after, before = _two_months(request, made, months)
    known, moved = segment_page.names(made), segment_page.movement(made.current_run)
    told = moved if after == made.current_run and not before else segment_page.movement(after, before)
    before = told["earlier"] if told else None
    context: dict[str, Any] = {
        "made": made,
        "summary": segment_page.summary(made),
        "versions": versions,
        "shown": shown,
        "waiting": waiting,
        "rows": segment_page.sizes(made, made.current_run, moved),
        "profile": segment_chart_page.profile(segment_page.heat(waiting or shown, known)),
        "baselines": segment_chart_page.baselines(waiting or shown, known),
        "sizes_by_month": segment_chart_page.months(made, months),
        "described": waiting or shown,
        "evidence": segment_page.evidence(waiting or shown) if shown else [],
        "notes": segment_page.notes(waiting or shown) if shown else [],
        "watch": segment_page.watch(made, moved),
        "moves": told,
        "movement": segment_chart_page.movement(segment_page.moves(made, told, after), before, after),
        "months": months,
        "before": before,
        "after": after,
        "work": _work(made, request.user),
        "may_write": request.user.may_act_as(segments.WRITERS),
    }
    return render(request, "analytics/segments/detail.html", context)


def _two_months(
    request: SignedIn, made: Segmentation, months: list[SegmentRun]
) -> tuple[SegmentRun | None, SegmentRun | None]:
    """The runs asked for as ``?to=`` and ``?from=``: the one in use, and None for the month before it."""
    by_key = {run.pk: run for run in months}
    found = []
    for name, otherwise in (("to", made.current_run), ("from", None)):
        asked = parsing.whole_number(request.GET.get(name, ""))
        if asked and asked not in by_key:
            raise Http404
        found.append(by_key[asked] if asked else otherwise)
    after, before = found
    # The other way round nobody would read it.
    if after and before and before.as_of > after.as_of:
        after, before = before, after
    return after, None if after and before and before.as_of == after.as_of else before


def _seen(request: SignedIn) -> Any:
    return segment_page.segmentations().filter(pk__in=Segmentation.objects.visible_to(request.user))


def _work(made: Segmentation, user: User) -> list[dict[str, Any]]:
    unfinished = Run.objects.unfinished().filter(kind__in=WORK, key=segments.work_key(made))
    return [
        {"run": run, "title": runs.title(run.kind), "mine": run.requested_by_id == user.pk}
        for run in unfinished.select_related("requested_by")
    ]


def segmentation_work(request: SignedIn, pk: int) -> HttpResponse:
    """The progress panel, asked for again while work is under way; the page reloads when it has ended."""
    made = get_object_or_404(_seen(request), pk=pk)
    work = _work(made, request.user)
    response = render(request, "analytics/segments/_work.html", {"work": work, "made": made})
    if not work:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
def segmentation_find(request: SignedIn, pk: int) -> HttpResponse:
    """Look for segments anew."""
    made = get_object_or_404(_seen(request).filter(kind=Kind.FOUND), pk=pk)
    _start(request, made, "find")
    return redirect("segmentation-detail", pk)


@require_POST
def segmentation_assign(request: SignedIn, pk: int) -> HttpResponse:
    """Give customers their segments by the version in use."""
    made = get_object_or_404(_seen(request).filter(in_use__isnull=False), pk=pk)
    _start(request, made, "assign")
    return redirect("segmentation-detail", pk)


def _start(request: SignedIn, made: Segmentation, work: str) -> None:
    kind = {"find": "analytics.segments.find", "assign": "analytics.segments.assign"}[work]
    runs.start(kind, request.user, **segments.work_on(made))
    said = {
        "find": _("Looking for segments has started."),
        "assign": _("Giving customers their segments has started."),
    }
    messages.success(request, said[work])


@require_POST
def segmentation_use(request: SignedIn, pk: int, number: int) -> HttpResponse:
    """Put a version to use and give customers their segments by it."""
    version = get_object_or_404(
        SegmentationVersion.objects.filter(segmentation__in=_seen(request)).defer("artefact"),
        segmentation=pk,
        number=number,
    )
    try:
        segments.use(version, request.user)
    except segments.Refused as refused:
        messages.error(request, str(refused))
    else:
        _start(request, version.segmentation, "assign")
    return redirect("segmentation-detail", pk)


def segment_name(request: SignedIn, pk: int, number: int) -> HttpResponse:
    """Name and describe one segment."""
    made = get_object_or_404(_seen(request), pk=pk)
    segment = get_object_or_404(Segment, segmentation=made, number=number)
    form = SegmentForm(request.POST or None, instance=segment)
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            segments.rename(segment, request.user, data["name"], data["description"])
        except segments.Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, _("The segment is called “%(name)s”.") % {"name": segment})
            return redirect("segmentation-detail", pk)
    context = {"form": form, "made": made, "segment": segment}
    return render(request, "analytics/segments/name.html", context, status=422 if form.errors else 200)
