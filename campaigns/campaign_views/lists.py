"""The campaign list, a new campaign, the approver's inbox and one request for approval."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from analytics import ranking
from bankcrm import clock, paging
from bankcrm.policy import SignedIn
from campaigns import campaign_page, definition, exploration, forecast_page, lifecycle
from campaigns.campaign_forms import CampaignFilter, CampaignForm, add_errors
from campaigns.campaign_views import frame, page
from campaigns.models import Campaign
from campaigns.wording import STATE_TONES

COPIED = (
    "condition",
    "model",
    "minimum_value",
    "capacity",
    "control_share",
    "exploration_share",
    "attribution_days",
    "lead_due_days",
    "success",
)


def campaign_list(request: SignedIn) -> HttpResponse:
    """Every campaign, newest first, with where it stands and how many it contacts."""
    form = CampaignFilter(request.GET)
    found = form.filter(Campaign.objects.visible_to(request.user))
    shown = paging.page_of(
        request, found.select_related("product", "owner", "plan", "selection"), ("-pk",), 50
    )
    return render(
        request,
        "campaigns/campaign/list.html",
        {
            "form": form,
            "filtered": any(request.GET.get(name) for name in form.fields),
            "rows": _rows(shown.rows),
            "pager": shown.pager(request, paging.capped_count(found)),
            "may_create": _may_create(request),
        },
    )


def _rows(campaigns: list[Campaign]) -> list[dict[str, Any]]:
    return [
        {"campaign": one, "tone": STATE_TONES[one.state][0], "icon": STATE_TONES[one.state][1]}
        for one in campaigns
    ]


def _may_create(request: SignedIn) -> bool:
    return request.user.may_act_as(lifecycle.PLANNERS)


def campaign_create(request: SignedIn) -> HttpResponse:
    """A new draft, empty or after a past campaign."""
    today = clock.today()
    initial = {
        "starts_on": today,
        "ends_on": today + dt.timedelta(days=60),
        "plan": request.GET.get("plan"),
        "copy_of": request.GET.get("copy_of"),
    }
    form = CampaignForm(request.POST or None, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        past = data.pop("copy_of")
        try:
            made = lifecycle.create(request.user, **(_copied(past, data) if past else _fresh(data)))
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("“%(name)s” is a draft now.") % {"name": made.name})
            return redirect("campaign-detail", made.pk)
    return render(
        request, "campaigns/campaign/create.html", {"form": form}, status=422 if form.errors else 200
    )


def _fresh(data: dict[str, Any]) -> dict[str, Any]:
    """Ranked by the product's own model where it has scores in use, with a share kept for exploration."""
    model = ranking.ranking_for(data["product"])
    return data | {"model": model, "exploration_share": exploration.proposed(model)}


def _copied(past: Campaign, data: dict[str, Any]) -> dict[str, Any]:
    arms = [
        {"code": a.code, "name": a.name, "offer": a.offer, "channel": a.channel, "share": a.share}
        for a in definition.arms_of(past)
    ]
    taken = {name: getattr(past, name) for name in COPIED}
    if past.product_id != data["product"].pk:
        taken["model"] = _fresh(data)["model"]
    return taken | data | {"objective": data["objective"] or past.objective, "arms": arms}


def approval_list(request: SignedIn) -> HttpResponse:
    """What waits for approval, oldest first, and what was decided lately."""
    seen = Campaign.objects.visible_to(request.user).select_related(
        "product", "owner", "selection", "submitted_by", "approved_by"
    )
    waiting = list(seen.filter(state=Campaign.State.SUBMITTED).order_by("submitted_at")[:100])
    return render(
        request,
        "campaigns/approvals/list.html",
        {
            "waiting": [
                {"campaign": one, "forecast": forecast_page.line(one), "own": _is_own(one, request)}
                for one in waiting
            ],
            "decided": _rows(list(seen.filter(approved_at__isnull=False).order_by("-approved_at")[:10])),
        },
    )


def _is_own(campaign: Campaign, request: SignedIn) -> bool:
    return request.user.pk in (campaign.owner_id, campaign.last_edited_by_id, campaign.submitted_by_id)


def approval_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One page to decide on: what, who, how many, cost, forecast, power, policy, and what changed."""
    campaign = frame.campaign_of(request, pk)
    rows, hard, known = campaign_page.blocker_rows(campaign, request.user)
    context = frame.head(request, campaign) | frame.rail(request, campaign) | page.cards(campaign)
    sentence, fields = campaign_page.difference(campaign)
    own = request.user.pk in lifecycle.makers(campaign)
    context |= {
        "checks": rows,
        "hard": hard,
        "to_know": known,
        "difference": sentence,
        "differing": fields,
        "is_own": own,
        "scripts": [row["arm"] for row in context["arms"]],
        "deciding": {action["code"] for action in context["actions"]} & {"approve", "send_back"},
    }
    return render(request, "campaigns/approvals/detail.html", context)
