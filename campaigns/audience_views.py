"""The audience builder, inside a campaign's card or on a page of its own, and the list of saved audiences."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import audience as conditions
from analytics.models import Audience
from bankcrm import paging, parsing
from bankcrm.htmx import toast
from bankcrm.policy import REGISTRY, SignedIn
from campaigns import audience_builder, audience_page, offering
from campaigns.audience_rows import Item
from campaigns.campaign_views import frame, page
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign
from customers.profile import latest_month


@dataclass(slots=True)
class Place:
    """Where a condition is being built, and what the page around it needs."""

    url: str
    condition: dict[str, Any]
    month: dt.date | None
    campaign: Campaign | None = None
    audience: Audience | None = None
    version: str = ""
    name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def audience_edit(request: SignedIn, pk: int) -> HttpResponse:
    """A campaign's audience: the rows to edit; every change posts them and gets the counts back."""
    campaign = frame.campaign_of(request, pk)
    if not frame.may_edit(request, campaign) and request.method == "GET":
        # The card to read stands on the campaign's page.
        return (
            audience_card(request, pk)
            if request.htmx
            else redirect(f"{reverse('campaign-detail', args=[pk])}#audience")
        )
    place = Place(
        url=reverse("audience-edit", args=[pk]),
        condition=campaign.condition,
        month=campaign.profile_month or latest_month(),
        campaign=campaign,
        version=request.POST.get("version") or str(campaign.version),
    )
    return _build(request, place)


def audience_card(request: SignedIn, pk: int) -> HttpResponse:
    """The campaign's audience to read."""
    campaign = frame.campaign_of(request, pk)
    context = page.cards(campaign) | {"campaign": campaign, "may_edit": frame.may_edit(request, campaign)}
    return render(request, "campaigns/campaign/audience/card.html", context)


def audience_list(request: SignedIn) -> HttpResponse:
    """Saved audiences, in words."""
    found = Audience.objects.visible_to(request.user).select_related("owner")
    shown = paging.page_of(request, found, ("name", "pk"))
    return render(
        request,
        "campaigns/audiences/list.html",
        {
            "rows": shown.rows,
            "pager": shown.pager(request, paging.capped_count(found)),
            "may_create": _may_save(request),
        },
    )


def audience_create(request: SignedIn) -> HttpResponse:
    """A new saved audience, built outside of any campaign."""
    return _build(request, Place(url=reverse("audience-create"), condition={}, month=latest_month()))


def audience_detail(request: SignedIn, pk: int) -> HttpResponse:
    """A saved audience with its counts; whoever may save may change it."""
    found = get_object_or_404(Audience.objects.visible_to(request.user).select_related("owner"), pk=pk)
    place = Place(
        url=reverse("audience-detail", args=[pk]),
        condition=found.condition,
        month=latest_month(),
        audience=found,
        name=found.name,
    )
    return _build(request, place)


def _may_save(request: SignedIn) -> bool:
    return request.user.may_act_as(offering.AUDIENCE_MAKERS)


def _build(request: SignedIn, place: Place) -> HttpResponse:
    if place.month is None:
        return _show(request, place, Item("all", key=audience_builder.ROOT), None)
    known = audience_page.catalogue(request.user, without=place.audience.pk if place.audience else None)
    if request.method != "POST":
        root = audience_builder.from_condition(place.condition)
        return _show(request, place, root, known)
    root = audience_builder.from_form(request.POST)
    ends = {"save": _save, "save-as": _save_as, "preview": _preview}
    act = request.POST.get("act", "")
    return ends[act](request, place, root, known) if act in ends else _reshape(request, place, root, known)


def _reshape(request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue) -> HttpResponse:
    """A row or group came or went, another field was chosen; or only a value changed, and only counts move."""
    act, not_found = request.POST.get("act", ""), ""
    typed = {key: text for key in _groups(root) if (text := request.POST.get(f"{key}-find", "").strip())}
    if typed and not act.startswith("remove:"):
        # Enter in the search field, or leaving it, adds what was found.
        key = act.partition(":")[2] if act.startswith("add:") else next(iter(typed))
        act, not_found = f"add:{key}", typed.get(key, "") if not known.find(typed.get(key, "")) else ""
    if not_found:
        sentence = _("No single field is called “%(typed)s”.") % {"typed": not_found[:60]}
        return _show(request, place, root, known, status=422, refusal=sentence)
    opened = audience_builder.changed(root)
    if act == "use":
        root, opened = _used(request, root), ""
    elif act.startswith("open:"):
        opened = act.removeprefix("open:")
    elif act:
        opened = audience_builder.act(root, act, known.find(typed.get(act.partition(":")[2], "")))
    elif request.htmx and request.POST.get("shape") == audience_builder.shape(root):
        return _counts(request, place, root, known, opened)
    return _show(request, place, root, known, opened=opened)


def _groups(root: Item) -> list[str]:
    return [item.key for item in root.walk() if not item.is_row]


def _used(request: SignedIn, root: Item) -> Item:
    """The conditions of a saved audience in the place of what was there."""
    chosen = parsing.whole_number(request.POST.get("saved", ""))
    saved = Audience.objects.visible_to(request.user).filter(pk=chosen).first() if chosen else None
    return audience_builder.from_condition(saved.condition) if saved else root


def _show(
    request: SignedIn,
    place: Place,
    root: Item,
    known: audience_page.Catalogue | None,
    *,
    opened: str = "",
    complete: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The builder: the whole page, the form for a card, or what stands inside the form."""
    context: dict[str, Any] = {"place": place, "may_save": _may_save(request), "known": known} | more
    context["is_campaign"] = place.campaign is not None
    context["in_card"] = place.campaign is not None and _in_card(request, place.campaign)
    if known is not None and place.month is not None:
        context["builder"] = audience_page.Page(request.user, place.month, known).build(
            root, opened, complete=complete
        )
        context["saved"] = next(
            (options for label, options in known.groups if label == _("Saved audiences")), []
        )
    if not request.htmx:
        return render(request, "campaigns/audiences/page.html", context, status=status)
    template = "_form" if request.method == "GET" else "_builder"
    return render(request, f"campaigns/audiences/{template}.html", context, status=status)


def _counts(
    request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue, opened: str
) -> HttpResponse:
    """Only what moves: counts, errors, the histogram. The controls stay, and with them whatever is being typed."""
    assert place.month is not None  # noqa: S101  where there is none, _build has shown so
    built = audience_page.Page(request.user, place.month, known).build(root, opened)
    response = render(request, "campaigns/audiences/_counts.html", {"builder": built, "place": place})
    response["HX-Reswap"] = "none"
    return response


def _save(request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue) -> HttpResponse:
    condition = audience_builder.check(root)
    if audience_builder.unfinished(root):
        return _refused(request, place, root, known, _("Nothing was saved: some rows need a look."))
    if place.campaign is None:
        return _save_as(request, place, root, known)
    try:
        saved = page.write(
            request, place.campaign, parsing.whole_number(place.version) or 0, condition=condition
        )
    except Conflict as conflict:
        theirs = conflict.current.condition
        words = conditions.describe(theirs) if not conditions.validate(theirs) else ""
        place.version = str(conflict.current.version)
        response = _show(request, place, root, known, status=409, conflict=str(conflict), theirs=words)
        response["HX-Reswap"] = "innerHTML"
        return response
    except ValidationError as invalid:
        return _refused(request, place, root, known, " ".join(invalid.messages))
    if not _in_card(request, saved):
        return redirect(f"{reverse('campaign-detail', args=[saved.pk])}#audience")
    response = frame.announce(audience_card(request, saved.pk))
    response["HX-Retarget"], response["HX-Reswap"] = "#audience-slot", "innerHTML"
    return toast(response, _("Saved as v%(version)s.") % {"version": saved.version})


def _in_card(request: SignedIn, campaign: Campaign) -> bool:
    """Whether the builder stands in the campaign's card, not on a page of its own."""
    address = request.htmx.current_url if request.htmx else None
    return urlsplit(address or "").path == reverse("campaign-detail", args=[campaign.pk])


def _save_as(request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue) -> HttpResponse:
    condition = audience_builder.check(root)
    place.name = parsing.words(request.POST.get("name", ""), 200)
    if audience_builder.unfinished(root):
        return _refused(request, place, root, known, _("Nothing was saved: some rows need a look."))
    try:
        saved = offering.save_audience(request.user, place.name, condition, audience=place.audience)
    except Refused as refusal:
        return _refused(request, place, root, known, str(refusal))
    said = _("“%(name)s” is saved as an audience.") % {"name": saved.name}
    if place.campaign is not None and request.htmx:
        place.name = ""
        return toast(_show(request, place, root, audience_page.catalogue(request.user)), said)
    messages.success(request, said)
    return redirect("audience-list")


def _refused(
    request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue, sentence: str
) -> HttpResponse:
    return _show(request, place, root, known, status=422, refusal=sentence, complete=True)


def _preview(request: SignedIn, place: Place, root: Item, known: audience_page.Catalogue) -> HttpResponse:
    condition = audience_builder.check(root)
    assert place.month is not None  # noqa: S101  where there is none, _build has shown so
    rows = audience_page.preview(condition, place.month, request.user)
    return _preview_of(request, rows, place.month)


def audience_preview(request: SignedIn, pk: int) -> HttpResponse:
    """Twenty customers who meet a campaign's saved conditions, numbers masked, as far as one may see them."""
    campaign = frame.campaign_of(request, pk)
    month = campaign.profile_month or latest_month()
    try:
        rows = audience_page.preview(campaign.condition, month, request.user) if month else []
    except conditions.InvalidCondition:
        rows = []
    return _preview_of(request, rows, month)


def _preview_of(request: SignedIn, rows: list[Any], month: dt.date | None) -> HttpResponse:
    context = {"rows": rows, "month": month, "opens": REGISTRY["customer-detail"].allows(request.user, "GET")}
    response = render(request, "campaigns/audiences/_preview.html", context)
    response["HX-Retarget"], response["HX-Reswap"] = "#audience-preview", "innerHTML"
    return response
