"""The campaign page: cards that read and edit in place, the live rail, and "why not this customer?"."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analytics import audience
from bankcrm import parsing
from bankcrm.htmx import toast
from bankcrm.policy import SignedIn
from campaigns import campaign_page, contact_rules, lifecycle, targeting, wording
from campaigns.campaign_forms import (
    BaseArms,
    BriefForm,
    CardForm,
    ControlForm,
    ExclusionForm,
    ScheduleForm,
    add_errors,
    arm_forms,
)
from campaigns.campaign_views import frame
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Arm, Campaign, Change
from customers.models import Customer
from customers.timeline import sees_control

FORMS: dict[str, type[CardForm]] = {
    "brief": BriefForm,
    "exclusions": ExclusionForm,
    "control": ControlForm,
    "schedule": ScheduleForm,
}
CARDS = {"arms", *FORMS}


def campaign_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One page of cards; the rail beside it follows by htmx, because counting takes a moment."""
    campaign = frame.campaign_of(request, pk)
    context = frame.head(request, campaign) | frame.work(request, campaign) | cards(campaign)
    context["reconciliation"] = campaign_page.reconciliation(campaign)
    return render(request, "campaigns/campaign/detail.html", context)


def cards(campaign: Campaign) -> dict[str, Any]:
    """What the cards read in place."""
    arms = list(Arm.objects.filter(campaign=campaign).select_related("offer").order_by("code"))
    counts = campaign.selection.definition.get("arms", {}) if campaign.selection else {}
    return {
        "arms": [{"arm": arm, "count": counts.get(arm.code)} for arm in arms],
        "arms_are_current": bool(campaign.selection)
        and campaign.selection is not None
        and campaign.selection.campaign_version == campaign.version,
        "audience_words": _words(campaign),
        "rules": contact_rules.in_words(campaign.product.code),
        "success_label": wording.Wording([]).value("success", campaign.success),
        "history": campaign_page.history(campaign),
    }


def _words(campaign: Campaign) -> str:
    if not campaign.condition:
        return ""
    try:
        return audience.describe(campaign.condition)
    except audience.InvalidCondition as invalid:
        return str(invalid)


def campaign_rail(request: SignedIn, pk: int) -> HttpResponse:
    """The rail, and with it the counts inside the cards and the head's buttons."""
    campaign = frame.campaign_of(request, pk)
    context = frame.head(request, campaign) | frame.rail(request, campaign)
    context["head_changed"] = request.GET.get("head") != context["head_stamp"]
    return render(request, "campaigns/campaign/_rail.html", context)


def campaign_card(request: SignedIn, pk: int, card: str) -> HttpResponse:
    """A card to read, its form with ``?edit``, and saving it."""
    if card not in CARDS:
        raise Http404
    campaign = frame.campaign_of(request, pk)
    if request.method == "POST":
        return _arms(request, campaign) if card == "arms" else _save(request, campaign, card)
    if "edit" not in request.GET or not frame.may_edit(request, campaign):
        return _read(request, campaign, card)
    form: CardForm | None = None
    arms: BaseArms | None = None
    if card == "arms":
        arms = arm_forms(campaign)
    else:
        form = FORMS[card](instance=campaign, user=request.user)
    return _form(request, campaign, card, {"form": form, "formset": arms, "version": campaign.version})


def _read(request: SignedIn, campaign: Campaign, card: str) -> HttpResponse:
    context = cards(campaign) | {"campaign": campaign, "may_edit": frame.may_edit(request, campaign)}
    return render(request, f"campaigns/campaign/{card}/card.html", context)


def _form(
    request: SignedIn, campaign: Campaign, card: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context |= {
        "campaign": campaign,
        "card": card,
        "card_url": reverse("campaign-card", args=[campaign.pk, card]),
        "reopens": campaign.state != Campaign.State.DRAFT,
    }
    response = render(request, f"campaigns/campaign/{card}/edit_form.html", context, status=status)
    if status == 409:
        # Names where the refusal goes: beside what was typed, which stays.
        response["HX-Reswap"] = "innerHTML"
    return response


def _save(request: SignedIn, campaign: Campaign, card: str) -> HttpResponse:
    form = FORMS[card](request.POST, instance=campaign, user=request.user)
    if not form.is_valid():
        context = {"form": form, "version": request.POST.get("version", "")}
        return _form(request, frame.campaign_of(request, campaign.pk), card, context, 422)
    changes = form.changes()
    try:
        saved = write(request, campaign, form.cleaned_data["version"], **changes)
    except Conflict as conflict:
        context = {"form": form, "conflict": _conflict(conflict, list(changes))}
        return _form(request, frame.campaign_of(request, campaign.pk), card, context, 409)
    except ValidationError as invalid:
        add_errors(form, invalid)
        return _form(request, frame.campaign_of(request, campaign.pk), card, {"form": form}, 422)
    return _saved(request, saved, card)


def _arms(request: SignedIn, campaign: Campaign) -> HttpResponse:
    formset = arm_forms(campaign, request.POST)
    version = parsing.whole_number(request.POST.get("version", ""))
    context: dict[str, Any] = {"formset": formset, "version": version or ""}
    if not formset.is_valid() or version is None:
        return _form(request, campaign, "arms", context, 422)
    try:
        saved = write(request, campaign, version, arms=formset.arms())
    except Conflict as conflict:
        context["conflict"] = _conflict(conflict, ["arms"])
        return _form(request, frame.campaign_of(request, campaign.pk), "arms", context, 409)
    except ValidationError as invalid:
        context["refusal"] = " ".join(invalid.messages)
        return _form(request, frame.campaign_of(request, campaign.pk), "arms", context, 422)
    return _saved(request, saved, "arms")


def write(request: SignedIn, campaign: Campaign, version: int, **changes: Any) -> Campaign:
    """``lifecycle.edit``; a card that was open while its reader saved *another* card of theirs is not stale."""
    names = changes.keys()
    since = list(Change.objects.filter(campaign=campaign, version__gt=version).order_by("id"))
    own_and_elsewhere = all(
        change.by_id == request.user.pk
        and change.from_state == change.to_state
        and not names & change.fields.keys()
        for change in since
    )
    if since and own_and_elsewhere:
        version = since[-1].version
    return lifecycle.edit(campaign, request.user, version, **changes)


def _conflict(conflict: Conflict, names: list[str]) -> dict[str, Any]:
    """Both versions of what the card holds, field by field where they differ."""
    from campaigns import definition

    current: Campaign = conflict.current
    now = definition.describe(current)
    mine = {name: _plain(current, name, conflict.yours.get(name)) for name in names}
    pairs = {name: [now[name], mine[name]] for name in names if now[name] != mine[name]}
    return {
        "sentence": str(conflict),
        "version": current.version,
        "fields": wording.Wording([pairs]).fields(pairs),
        "may_overwrite": current.state in lifecycle.ACTIONS["edit"].sources,
    }


def _plain(campaign: Campaign, name: str, value: Any) -> Any:
    from campaigns import definition

    if name == "arms":
        return [
            {
                **arm,
                "offer": arm["offer"].pk if arm["offer"] else None,
                "share": definition.plain(arm["share"]),
            }
            for arm in value or []
        ]
    return definition.plain(value)


def _saved(request: SignedIn, saved: Campaign, card: str) -> HttpResponse:
    campaign = frame.campaign_of(request, saved.pk)
    if not request.htmx:
        return redirect(f"{reverse('campaign-detail', args=[campaign.pk])}#{card}")
    response = frame.announce(_read(request, campaign, card))
    return toast(response, _("Saved as v%(version)s.") % {"version": campaign.version})


def campaign_history(request: SignedIn, pk: int) -> HttpResponse:
    """The change log, asked for again after every change."""
    campaign = frame.campaign_of(request, pk)
    return render(
        request,
        "campaigns/campaign/history/card.html",
        {"campaign": campaign, "history": campaign_page.history(campaign)},
    )


@require_POST
def campaign_why(request: SignedIn, pk: int) -> HttpResponse:
    """Why one customer is, or is not, on the list. By POST, so that no customer number gets into an address."""
    campaign = frame.campaign_of(request, pk)
    number = parsing.words(request.POST.get("number", "").strip(), 32)
    context: dict[str, Any] = {"campaign": campaign, "number": number}
    customer = Customer.objects.visible_to(request.user).filter(number=number).first() if number else None
    if customer is None:
        context["refusal"] = (
            _("No customer with this number is in your sight.") if number else _("Type a customer number.")
        )
        return render(request, "campaigns/campaign/_why.html", context, status=422)
    try:
        context["why"] = targeting.why_not(campaign, customer, tell_control=sees_control(request.user))
    except (Refused, audience.InvalidCondition) as refusal:
        context["refusal"] = str(refusal)
        return render(request, "campaigns/campaign/_why.html", context, status=422)
    return render(request, "campaigns/campaign/_why.html", context | {"customer": customer})
