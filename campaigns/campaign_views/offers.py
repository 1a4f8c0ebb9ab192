"""Offers: what is proposed, what a sale is worth, and what the relationship manager says."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from bankcrm import clock, paging
from bankcrm.policy import SignedIn
from campaigns import offering
from campaigns.campaign_forms import add_errors
from campaigns.campaign_views import frame
from campaigns.conflicts import Conflict
from campaigns.models import Offer
from campaigns.plan_forms import OfferForm
from campaigns.versioned_forms import both_sides


def offer_list(request: SignedIn) -> HttpResponse:
    """Every offer, with whether it can be read out and where it is used."""
    found = Offer.objects.visible_to(request.user)
    shown = paging.page_of(
        request,
        found.select_related("product").annotate(used=Count("arms__campaign", distinct=True)),
        ("name", "pk"),
    )
    return render(
        request,
        "campaigns/offers/list.html",
        {
            "rows": shown.rows,
            "pager": shown.pager(request, paging.capped_count(found)),
            "today": clock.today(),
            "may_write": _may_write(request),
        },
    )


def _may_write(request: SignedIn) -> bool:
    return request.user.may_act_as(offering.PLANNERS)


def offer_create(request: SignedIn) -> HttpResponse:
    """A new offer."""
    return _form(request, Offer())


def offer_edit(request: SignedIn, pk: int) -> HttpResponse:
    """One offer; who may not write reads it."""
    return _form(request, get_object_or_404(Offer.objects.visible_to(request.user), pk=pk))


def _form(request: SignedIn, offer: Offer) -> HttpResponse:
    title = offer.name or _("New offer")
    form = OfferForm(request.POST or None, instance=offer, user=request.user)
    stale: dict[str, Any] = {}
    waiting = offering.waiting_campaigns(offer) if offer.pk else []
    if request.method == "POST" and form.is_valid():
        form.instance.eligibility = form.eligibility()
        try:
            saved = offering.save_offer(form.instance, request.user, form.seen)
        except ValidationError as refusal:
            add_errors(form, refusal)
        except Conflict as conflict:
            stale = both_sides(form, conflict, lambda row: OfferForm(instance=row, user=request.user))
        else:
            messages.success(request, _("“%(name)s” was saved.") % {"name": saved.name})
            return redirect("offer-list")
    context = {
        "form": form,
        "title": title,
        "stale": stale,
        "waiting": waiting,
        "may_write": _may_write(request),
        "scripts": [form[name] for name in ("script_open", "script_ask", "script_offer", "script_if_unsure")],
        "terms": [field for field in form.visible_fields() if not field.name.startswith("script_")],
    }
    if not context["may_write"]:
        for field in form.fields.values():
            field.disabled = True
    return render(request, "campaigns/offers/form.html", context, status=frame.status(form, stale))
