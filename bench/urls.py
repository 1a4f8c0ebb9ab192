"""The site's routes and the pages that limit others: one that shows nothing, one that finds a customer by key."""

from django.http import HttpResponse
from django.shortcuts import render

from bankcrm import policy
from bankcrm.policy import SignedIn
from bankcrm.urls import urlpatterns as site
from customers import portfolio, profile, tiering
from customers.models import Customer


def nothing(request: SignedIn) -> HttpResponse:
    """The frame alone."""
    return render(request, "base.html")


def by_key(request: SignedIn, pk: int) -> HttpResponse:
    """The page of search results with the one customer of a primary key."""
    month = profile.latest_month()
    found = portfolio.with_profile(Customer.objects.visible_to(request.user).filter(pk=pk), month)
    rows = list(found.select_related("primary_rm", "home_branch"))
    tiers = tiering.names_at(month) if month else {}
    return render(request, "customers/search.html", {"rows": rows, "q": "x", "tiers": tiers})


urlpatterns = [
    policy.route("bench/nothing/", nothing, name="bench-nothing"),
    policy.route("bench/customer/<int:pk>/", by_key, name="bench-customer"),
    *site,
]
