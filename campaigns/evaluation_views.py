"""The evaluation report: shown, brought up to date, frozen."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import paging
from bankcrm.policy import SignedIn
from campaigns import attribution, evaluation, evaluation_page, results_page
from campaigns.conflicts import Refused
from campaigns.models import Campaign
from campaigns.result_forms import ResultFilter


def report_list(request: SignedIn) -> HttpResponse:
    """Campaigns whose result can be read, each with its verdict, effect and return; newest first."""
    form = ResultFilter(request.GET)
    seen = Campaign.objects.visible_to(request.user).filter(state__in=results_page.STATES)
    found = form.filter(seen).select_related("product")
    context: dict[str, Any] = {"form": form, "filtered": form.narrows}
    if results_page.needs_figures(form.chosen):
        context |= results_page.computed(found, form.chosen)
    else:
        page = paging.page_of(request, found, results_page.order(form.chosen), results_page.PAGE)
        context |= results_page.listed(list(page.rows))
        context["pager"] = page.pager(request, paging.capped_count(found))
    return render(request, "campaigns/evaluation/list.html", context)


def report(request: SignedIn, pk: int) -> HttpResponse:
    """The frozen report, or the evaluation as the data stand now."""
    campaign = get_object_or_404(
        Campaign.objects.visible_to(request.user).select_related("product", "owner"), pk=pk
    )
    try:
        result = evaluation.latest(campaign)
    except Refused as refusal:
        return render(
            request, "campaigns/evaluation/nothing.html", {"campaign": campaign, "sentence": refusal}
        )
    may_freeze = request.user.may_act_as(evaluation.EVALUATORS)
    context = evaluation_page.context(result, request.user) | {
        "may_freeze": may_freeze,
        "freeze_objection": evaluation.freeze_objection(campaign, request.user) if may_freeze else "",
    }
    return render(request, "campaigns/evaluation/report.html", context)


@require_POST
def match(request: SignedIn, pk: int) -> HttpResponse:
    """Look for new contracts inside the window."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    changed = attribution.match(campaign, request.user)
    messages.success(request, _("%(n)s conversions are new or changed.") % {"n": changed})
    return redirect("evaluation-report", pk=pk)


@require_POST
def freeze(request: SignedIn, pk: int) -> HttpResponse:
    """Freeze the report for good."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    try:
        frozen = evaluation.freeze(campaign, request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Frozen as version %(version)s.") % {"version": frozen.version})
    return redirect("evaluation-report", pk=pk)
