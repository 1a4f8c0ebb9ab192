"""The customer pages: portfolio, search, Customer-360, and the data dictionary."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bankcrm import paging, parsing
from bankcrm.models import Role
from bankcrm.policy import REGISTRY, SignedIn
from customers import fields, kyc, portfolio, profile, search, tabs, tiering
from customers import reveal as revealing
from customers.fields import Area
from customers.forms import CustomerFilters, RevealForm
from customers.models import ConsentChannel, Customer
from customers.reveal import Secret

REVEAL_LABELS = {
    Secret.PHONE: gettext_lazy("Show the phone number"),
    Secret.IDENTITY: gettext_lazy("Show the identity number"),
}


@require_GET
def customer_list(request: SignedIn) -> HttpResponse:
    """Own portfolio of a relationship manager, everybody in sight for the others."""
    month = profile.latest_month()
    form = CustomerFilters(request.user, month, request.GET)
    chosen = form.chosen
    order = chosen.pop("order", form.default_order)
    seen = portfolio.with_profile(Customer.objects.visible_to(request.user).active(), month)
    found = portfolio.narrowed(seen, chosen)
    page = paging.page_of(request, found.select_related("primary_rm", "home_branch"), portfolio.ORDERS[order])
    return render(
        request,
        "customers/list.html",
        {
            "form": form,
            "filtered": bool(chosen),
            "page": page,
            "pager": page.pager(request, paging.capped_count(found)),
            "month": month,
            "order": order,
            "tiers": tiering.names_at(month or dt.date.max),
            "own": request.user.role == Role.RM and not request.user.is_auditor,
        },
    )


@require_GET
def customer_search(request: SignedIn) -> HttpResponse:
    """Results while one types (htmx) or on a page of their own."""
    text = request.GET.get("q", "")
    month = profile.latest_month()
    found = portfolio.with_profile(search.find(request.user, text), month)
    rows = list(found.select_related("primary_rm", "home_branch")[: search.MOST + 1])
    context = {
        "q": text,
        "rows": rows[: search.MOST],
        "more": len(rows) > search.MOST,
        "tiers": tiering.names_at(month or dt.date.max) if rows else {},
    }
    template = "customers/_found.html" if request.htmx else "customers/search.html"
    return render(request, template, context)


@require_GET
def customer_detail(request: SignedIn, pk: int, tab: str = "overview") -> HttpResponse:
    """Customer-360. To htmx a tab answers with its fragment alone, so that other pages can show it."""
    customer = _customer(request, pk)
    seen = tabs.look(request.user, customer, profile.latest_month())
    label, read = tabs.TABS.get(tab, (None, None))
    if read is None:
        raise Http404
    context = {
        "customer": customer,
        "seen": seen,
        "month": seen.month,
        "tab": tab,
        "tab_label": label,
        "tab_template": f"customers/tabs/{tab}.html",
        "tab_url": reverse("customer-tab", args=[pk, tab]),
        **read(seen, parsing.day(request.GET.get("until", "")) or seen.today),
    }
    if request.htmx:
        return render(request, "customers/_tab.html", context)
    return render(request, "customers/detail.html", context | _header(request, seen, tab))


@never_cache
@require_POST
def customer_reveal(request: SignedIn, pk: int) -> HttpResponse:
    """A number in full, shown in this one answer and nowhere else."""
    customer = _customer(request, pk)
    form = RevealForm(request.POST)
    if not form.is_valid():
        context = {"customer": customer, "form": form}
        return render(request, "customers/_reveal_form.html", context, status=422)
    secret = Secret(form.cleaned_data["what"])
    number = revealing.reveal(request.user, customer, secret, form.cleaned_data["reason"])
    return render(
        request, "customers/_revealed.html", {"label": secret.label, "number": number, "secret": secret}
    )


@require_GET
def data_dictionary(request: SignedIn) -> HttpResponse:
    """Every field: what it means and what it may be used for."""
    areas = [(area, [field for field in fields.CATALOGUE.values() if field.area == area]) for area in Area]
    return render(request, "customers/dictionary.html", {"areas": areas})


def _customer(request: SignedIn, pk: int) -> Customer:
    customer = kyc.customer_for(request.user, pk)
    if customer is None:
        raise Http404
    return customer


def _header(request: SignedIn, seen: tabs.Seen, tab: str) -> dict[str, Any]:
    customer, rule = seen.customer, REGISTRY["customer-reveal"]
    links = [
        {"label": label, "url": reverse("customer-tab", args=[customer.pk, name]), "current": name == tab}
        for name, (label, _read) in tabs.TABS.items()
    ]
    may_reveal = rule.allows(request.user, "POST")
    # A panel of a higher app: shown where the route exists and this role may open it.
    leads = REGISTRY.get("customer-leads")
    return {
        "tab_links": links,
        "leads_url": reverse("customer-leads", args=[customer.pk])
        if leads and leads.allows(request.user, "GET")
        else "",
        "consents": _consents(customer),
        "tier_name": seen.tier_names.get(seen.profile.tier, "") if seen.profile else "",
        "reveals": [
            {
                "form": RevealForm(initial={"what": secret}, auto_id=f"{secret.value}_%s"),
                "what": secret.value,
                "dialog": f"reveal-{secret.value}",
                "title": secret.label,
                "label": REVEAL_LABELS[secret],
            }
            for secret in Secret
            if may_reveal and getattr(customer, secret.value)
        ],
    }


def _consents(customer: Customer) -> list[dict[str, Any]]:
    """One entry per channel: objected and since when, or not."""
    said = {consent.channel: consent for consent in customer.consents.all()}
    everything = said.get(ConsentChannel.ALL)
    if everything and everything.is_objection:
        return [{"label": _("Do not contact"), "objects": True, "since": everything.since}]
    return [
        {
            "label": channel.label,
            "objects": channel in said and said[channel].is_objection,
            "since": said[channel].since if channel in said else None,
        }
        for channel in ConsentChannel
        if channel != ConsentChannel.ALL
    ]
