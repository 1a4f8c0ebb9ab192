"""Pages of prospects: the lists, one list, and its ranking as a file."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analytics import predictive, prospect_page, prospects
from analytics.models import PredictiveModel, ProspectRun
from bankcrm import audit, parsing, runs
from bankcrm.figures import number
from bankcrm.models import Run
from bankcrm.policy import SignedIn
from bankcrm.spreadsheets import csv_bytes
from customers.imports import kinds
from customers.models import Prospect


def prospect_lists(request: SignedIn) -> HttpResponse:
    """Every external list of people who are no customers."""
    context = {
        "rows": prospect_page.lists(),
        "may_write": request.user.may_act_as(predictive.WRITERS),
        "may_import": any(kind.code == "prospects" for kind in kinds.allowed(request.user)),
    }
    return render(request, "analytics/prospects/list.html", context)


def prospect_detail(request: SignedIn, code: str) -> HttpResponse:
    """One list: what it says, who of it is a customer, who may be approached, and how a model ranks them."""
    found = _seen(request, code)
    scored = prospects.in_use(code)
    run = _chosen(request, scored)
    models = list(
        PredictiveModel.objects.visible_to(request.user).filter(prospect_list=code).order_by("name")
    )
    context = {
        "found": found,
        "figures": prospect_page.figures(found),
        "fields": prospect_page.fields(found),
        "files": prospect_page.files(code),
        "models": models,
        "scored": scored,
        "run": run,
        "deciles": prospect_page.deciles(run) if run else None,
        "outcome": prospect_page.outcome(run) if run else None,
        "top": prospect_page.top(run) if run else [],
        "work": [
            {"run": each, "title": runs.title(each.kind), "mine": each.requested_by_id == request.user.pk}
            for each in Run.objects.unfinished()
            .filter(key__in=[predictive.work_key(model) for model in models])
            .select_related("requested_by")
        ],
        "may_write": request.user.may_act_as(predictive.WRITERS),
        "may_export": request.user.may_act_as(prospects.EXPORTERS),
    }
    return render(request, "analytics/prospects/detail.html", context)


@require_POST
def prospect_ranking(request: SignedIn, code: str) -> HttpResponse:
    """The ranking of who may be approached, as a CSV that a spreadsheet reads as text; masked, and in the audit."""
    _seen(request, code)
    run = _chosen(request, prospects.in_use(code))
    if run is None:
        raise Http404
    rows = list(prospect_page.table(run))
    audit.record(request.user, "prospects.exported", run.version.model, list=code, rows=len(rows) - 1)
    answer = HttpResponse(csv_bytes(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{code}-ranking.csv"'
    return answer


@require_POST
def prospect_remove(request: SignedIn, code: str) -> HttpResponse:
    """Delete the people of a list and their scores for good: what they were kept for is over."""
    found = _seen(request, code)
    prospects.remove(code, request.user)
    messages.success(
        request,
        _("The list %(list)s is deleted with its scores: %(n)s people.")
        % {"list": code, "n": number(found.size)},
    )
    return redirect("prospect-lists")


def _seen(request: SignedIn, code: str) -> prospects.Standing:
    found = prospects.standing(code)
    if found is None or not Prospect.objects.visible_to(request.user).filter(list_code=code).exists():
        raise Http404
    return found


def _chosen(request: SignedIn, scored: list[ProspectRun]) -> ProspectRun | None:
    """The scoring asked for by its number, else the newest."""
    asked = request.GET.get("run") or request.POST.get("run", "")
    if not asked:
        return scored[0] if scored else None
    wanted = parsing.whole_number(asked)
    found = next((run for run in scored if run.pk == wanted), None)
    if found is None:
        raise Http404
    return found
