"""The evaluation report: shown, brought up to date, frozen."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm.policy import SignedIn
from campaigns import attribution, evaluation, evaluation_page, results_page
from campaigns.conflicts import Refused
from campaigns.models import Campaign


def report_list(request: SignedIn) -> HttpResponse:
    """Campaigns whose result can be read, each with its verdict, effect and return; newest first."""
    seen = Campaign.objects.visible_to(request.user)
    return render(request, "campaigns/evaluation/list.html", results_page.context(request, seen))


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
