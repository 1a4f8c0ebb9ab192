"""Pages of the platform itself."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from bankcrm import policy


def home(request: policy.SignedIn) -> HttpResponse:
    """Everybody starts on the first page of their own navigation."""
    entries = policy.navigation_for(request.user)
    if entries:
        return redirect(entries[0]["url_name"])
    return render(request, "bankcrm/home.html")


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def ready(request: HttpRequest) -> HttpResponse:
    """The process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")
