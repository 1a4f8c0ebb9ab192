"""The site's routes and one more: a signed-in page that shows nothing, the limit of every other page."""

from django.http import HttpResponse
from django.shortcuts import render

from bankcrm import policy
from bankcrm.policy import SignedIn
from bankcrm.urls import urlpatterns as site


def nothing(request: SignedIn) -> HttpResponse:
    """The frame alone."""
    return render(request, "base.html")


urlpatterns = [policy.route("bench/nothing/", nothing, name="bench-nothing"), *site]
