"""What may be done to a campaign, one POST each; long acts become runs whose progress shows in place."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from bankcrm import figures, parsing, runs
from bankcrm.models import Run
from bankcrm.policy import SignedIn
from campaigns import campaign_page, lifecycle, push
from campaigns.campaign_views import frame
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign

Act = Callable[[SignedIn, Campaign, str, int | None], str]


def _select(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.check_allowed("select", campaign, request.user)
    run = runs.start(
        "campaigns.select",
        request.user,
        subject=campaign.name,
        key=f"campaign:{campaign.pk}",
        campaign=campaign.pk,
        version=campaign.version,
    )
    return _begun_by_another(run, request)


def _push(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    key = lifecycle.push_key(campaign.pk)
    running = Run.objects.visible_to(request.user).unfinished().filter(kind="campaigns.push", key=key).first()
    # Asked before the state is: by now the first planner's push has moved the campaign on.
    if running is None:
        lifecycle.check_allowed("push", campaign, request.user)
        running = runs.start(
            "campaigns.push", request.user, subject=campaign.name, key=key, campaign=campaign.pk, wave=1
        )
    return _begun_by_another(running, request)


def _begun_by_another(run: Run, request: SignedIn) -> str:
    """One's own work needs no word: its progress stands on the page."""
    if run.requested_by is None or run.requested_by == request.user:
        return ""
    return _("%(name)s began this at %(time)s; it is done once, and you see it here.") % {
        "name": run.requested_by.full_name,
        "time": f"{timezone.localtime(run.created_at):%H:%M}",
    }


def _submit(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.submit(campaign, request.user, version)
    return _("Submitted. Somebody else approves it now.")


def _withdraw(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.withdraw(campaign, request.user, version)
    return _("Taken back. It is a draft again.")


def _approve(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.approve(campaign, request.user, comment, version)
    return _("Approved. A planner pushes it.")


def _send_back(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.send_back(campaign, request.user, comment, version)
    return _("Sent back with your comment.")


def _cancel(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.cancel(campaign, request.user, comment, version)
    return _("Cancelled. It stays readable.")


def _recall(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    n = push.recall(campaign, request.user, comment)
    return ngettext("%(n)s untouched lead recalled.", "%(n)s untouched leads recalled.", n) % {
        "n": figures.number(n)
    }


def _close(request: SignedIn, campaign: Campaign, comment: str, version: int | None) -> str:
    lifecycle.close(campaign, request.user, comment, version)
    return _("Closed. Its result is measured until the window ends.")


ACTS: dict[str, Act] = {
    "select": _select,
    "submit": _submit,
    "withdraw": _withdraw,
    "approve": _approve,
    "send_back": _send_back,
    "push": _push,
    "cancel": _cancel,
    "recall": _recall,
    "close": _close,
}


@require_POST
def campaign_act(request: SignedIn, pk: int, action: str) -> HttpResponse:
    """Do it, or say why not; either way the campaign's page, or the approver's, shows what is true now."""
    if action not in ACTS:
        raise Http404
    campaign = frame.campaign_of(request, pk)
    comment = parsing.words(request.POST.get("comment", ""), 2000)
    version = parsing.whole_number(request.POST.get("version", ""))
    try:
        done = ACTS[action](request, campaign, comment, version)
    except (Conflict, Refused) as refusal:
        messages.error(request, str(refusal))
        return redirect(_page(request), pk)
    if done:
        messages.success(request, done)
    if action in ("approve", "send_back") and _page(request) == "approval-detail":
        return redirect("approval-list")
    return redirect(_page(request), pk)


def _page(request: SignedIn) -> str:
    return "approval-detail" if request.POST.get("from") == "approval" else "campaign-detail"


def campaign_work(request: SignedIn, pk: int) -> HttpResponse:
    """The progress of selection and push, asked for every second; at its end the page is loaded anew, and before when
    the campaign is no longer in the ``state`` the page was made in."""
    campaign = frame.campaign_of(request, pk)
    work = campaign_page.work(campaign)
    moved_on = request.GET.get("state", campaign.state) != campaign.state
    if moved_on or all(run.is_finished for run in work):
        # Either changed nearly every card.
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = frame.work(request, campaign) | {"is_poll": True}
    # While a push runs, its equation moves with it.
    context["reconciliation"] = campaign_page.reconciliation(campaign)
    return render(request, "campaigns/campaign/_work.html", context)
