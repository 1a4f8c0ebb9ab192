"""The site's routes and the pages that limit others: one that shows nothing, one that finds a customer by key."""

from django.http import HttpResponse
from django.shortcuts import render

from bankcrm import clock, policy
from bankcrm.policy import SignedIn
from bankcrm.urls import urlpatterns as site
from customers import portfolio, profile, tiering
from customers.models import Customer


def nothing(request: SignedIn) -> HttpResponse:
    """The frame alone."""
    return render(request, "base.html")


def by_key(request: SignedIn, pk: int) -> HttpResponse:
    """The page of search results with the one customer of a primary key."""
    month, today = profile.latest_month(), clock.today()
    found = portfolio.with_profile(Customer.objects.visible_to(request.user).filter(pk=pk), month, today)
    rows = list(found.select_related("primary_rm", "home_branch"))
    context = {
        "rows": rows,
        "q": "x",
        "tiers": tiering.by_code(month) if month else {},
        "due_by": portfolio.due_by(today),
    }
    return render(request, "customers/search.html", context)


urlpatterns = [
    policy.route("bench/nothing/", nothing, name="bench-nothing"),
    policy.route("bench/customer/<int:pk>/", by_key, name="bench-customer"),
    *site,
]
