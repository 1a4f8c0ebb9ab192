"""The customer pages: portfolio, search and Customer-360."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bankcrm import clock, freshness, paging
from bankcrm.models import Role
from bankcrm.policy import REGISTRY, SignedIn
from customers import customer_page, kyc, portfolio, profile, recent, search, tabs, tiering
from customers import reveal as revealing
from customers.forms import CustomerFilters, RevealForm
from customers.models import Customer
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
    today = clock.today()
    seen = portfolio.with_profile(Customer.objects.visible_to(request.user).active(), month, today)
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
            "tiers": tiering.by_code(month or dt.date.max),
            "due_by": portfolio.due_by(today),
            "own": request.user.role == Role.RM and not request.user.is_auditor,
        },
    )


@never_cache
@require_http_methods(["GET", "POST"])
def customer_search(request: SignedIn) -> HttpResponse:
    """Results while one types (htmx) or on a page of their own; asked by POST, so that no name stands in an address.

    Nothing typed yet: the customers one looked at last.
    """
    text = request.POST.get("q", "")
    month, today = profile.latest_month(), clock.today()
    found = (
        search.find(request.user, text) if text.strip() else recent.customers(request.user, request.session)
    )
    shown = portfolio.with_profile(found, month, today).select_related("primary_rm", "home_branch")
    rows = list(shown[: search.MOST + 1])
    context = {
        "q": text,
        "rows": rows[: search.MOST],
        "more": len(rows) > search.MOST,
        "tiers": tiering.by_code(month or dt.date.max) if rows else {},
        "due_by": portfolio.due_by(today),
        "month": month,
        "too_short": not rows and search.is_too_short(text),
    }
    if not request.htmx:
        return render(request, "customers/search.html", context)
    under_the_field = request.htmx.target == "search-found"
    return render(
        request, "customers/_found_list.html" if under_the_field else "customers/_found.html", context
    )


@require_POST
def customer_seen(request: SignedIn, pk: int) -> HttpResponse:
    """The page was opened: first of those one looked at last."""
    recent.remember(request.session, _found(request, pk).customer)
    return HttpResponse(status=204)


@require_GET
def customer_detail(request: SignedIn, pk: int, tab: str = "overview") -> HttpResponse:
    """Customer-360. To htmx a tab answers with its fragment alone, so that other pages can show it."""
    found = _found(request, pk)
    label, read = tabs.TABS.get(tab, (None, None))
    if read is None:
        raise Http404
    seen = tabs.look(request.user, found)
    context = {
        "customer": seen.customer,
        "seen": seen,
        "month": seen.month,
        "tab": tab,
        "tab_label": label,
        "tab_template": f"customers/tabs/{tab}.html",
        "tab_url": reverse("customer-tab", args=[pk, tab]),
        "tab_panel": customer_page.tab_panel(seen, tab),
        **read(seen, request.GET),
    }
    if request.htmx:
        return render(request, "customers/_tab.html", context)
    context |= customer_page.header(seen, tab) | {"reveals": _reveals(seen)}
    context["freshness"] = freshness.line({profile.freshness: profile.freshness_of(seen.month)})
    return render(request, "customers/detail.html", context)


@never_cache
@require_POST
def customer_reveal(request: SignedIn, pk: int) -> HttpResponse:
    """A number in full, shown in this one answer and nowhere else."""
    customer = _found(request, pk).customer
    form = RevealForm(request.POST)
    if not form.is_valid():
        context = {"customer": customer, "form": form}
        return render(request, "customers/_reveal_form.html", context, status=422)
    secret = Secret(form.cleaned_data["what"])
    number = revealing.reveal(request.user, customer, secret, form.cleaned_data["reason"])
    return render(
        request, "customers/_revealed.html", {"label": secret.label, "number": number, "secret": secret}
    )


def _reveals(seen: tabs.Seen) -> list[dict[str, Any]]:
    """One dialog per number the customer has, for those who may see it in full."""
    if not REGISTRY["customer-reveal"].allows(seen.user, "POST"):
        return []
    return [
        {
            "form": RevealForm(initial={"what": secret}, auto_id=f"{secret.value}_%s"),
            "what": secret.value,
            "dialog": f"reveal-{secret.value}",
            "title": secret.label,
            "label": REVEAL_LABELS[secret],
        }
        for secret in Secret
        if getattr(seen.customer, secret.value)
    ]


def _found(request: SignedIn, pk: int) -> kyc.Found:
    found = kyc.found(request.user, pk)
    if found is None:
        raise Http404
    return found
