"""The parts that several campaign pages and fragments share: which campaign, the head with its buttons, the rail."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from bankcrm import htmx, run_views
from bankcrm.models import Run
from bankcrm.policy import SignedIn
from campaigns import campaign_page, forecast_page, lifecycle
from campaigns.models import Campaign
from campaigns.wording import STATE_TONES

# Fired in the browser after every saved change; the rail listens.
CHANGED = "campaign-changed"


def campaign_of(request: SignedIn, pk: int) -> Campaign:
    """The campaign with all that the cards read, or 404."""
    found = Campaign.objects.visible_to(request.user).select_related(
        "product", "plan", "owner", "model", "selection", "submitted_by", "approved_by", "last_edited_by"
    )
    return get_object_or_404(found, pk=pk)


def head(request: SignedIn, campaign: Campaign) -> dict[str, Any]:
    """State, buttons, and the list that explains a disabled one."""
    draft = campaign.state == Campaign.State.DRAFT
    blockers, hard, known = campaign_page.blocker_rows(campaign, request.user) if draft else ([], 0, 0)
    returned = campaign_page.sent_back(campaign)
    tone, icon = STATE_TONES[campaign.state]
    return {
        "campaign": campaign,
        "state_tone": tone,
        "state_icon": icon,
        "blockers": blockers,
        "hard": hard,
        "to_know": known,
        "actions": campaign_page.actions(campaign, request.user, hard, returned),
        "sent_back": returned,
        "is_draft": draft,
        # What the head shows; the rail swaps it only when this changed, never under a pointer without need.
        "head_stamp": f"{campaign.state}-{campaign.version}-{campaign.selection_id}-{hard}",
        "may_edit": may_edit(request, campaign),
        "last_change": campaign.changes.select_related("by").order_by("-id").first(),
    }


def rail(request: SignedIn, campaign: Campaign) -> dict[str, Any]:
    """Who is left, what it costs and brings, and everything the cards show of it."""
    found = campaign_page.standing(campaign, request.user)
    return {
        "standing": found,
        "waterfall": campaign_page.waterfall_rows(found.waterfall),
        "exclusions": campaign_page.exclusion_rows(found.waterfall),
        "forecast": found.forecast,
        **forecast_page.context(found.forecast),
        "power": campaign_page.power_card(found),
        "over_budget": (found.forecast.get("cost") or 0) > campaign.budget,
    }


def work(request: SignedIn, campaign: Campaign) -> dict[str, Any]:
    """Runs as the progress panel shows them."""
    found = campaign_page.work(campaign)
    opened = Run.objects.visible_to(request.user).filter(pk__in=[run.pk for run in found])
    may_open = set(opened.values_list("pk", flat=True))
    shown = [run_views.show(run, request.user) | {"may_open": run.pk in may_open} for run in found]
    return {"campaign": campaign, "work": shown, "polls": any(not row["run"].is_finished for row in shown)}


def may_edit(request: SignedIn, campaign: Campaign) -> bool:
    """Whether the cards offer Edit."""
    return any(action.code == "edit" for action in lifecycle.actions_for(campaign, request.user))


def status(form: BaseForm, stale: dict[str, Any]) -> int:
    """How a form's page is answered: changed by somebody else, refused, or as asked."""
    return 409 if stale else 422 if form.errors else 200


def announce(response: HttpResponse) -> HttpResponse:
    """Tell the page that the campaign changed."""
    return htmx.trigger(response, CHANGED)
