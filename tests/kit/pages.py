"""Pages that exist only in tests: every part of the kit on one page, and answers of every kind."""

from pathlib import Path

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path

from bankcrm import policy
from bankcrm.charts import plots
from bankcrm.htmx import toast
from tests.kit.example_data import ATTACK, charts, figures, work


class Brief(forms.Form):
    name = forms.CharField(help_text="As the RM reads it")
    product = forms.ChoiceField(choices=[("w", "Wealth plan"), ("f", "Fund")])
    start = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    channel = forms.ChoiceField(choices=[("call", "Call"), ("sms", "SMS")], widget=forms.RadioSelect)
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    urgent = forms.BooleanField(required=False, label="Push before the weekend")


def context():
    return {
        **charts(),
        **figures(),
        **work(),
        "form": Brief({"product": "w", "start": "2026-13-40"}),
        "codes": [403, 404, 409, 422, 500],
    }


def shown(request, name):
    source = (Path(__file__).parent / name).read_text()
    return HttpResponse(engines["django"].from_string(source).render(context(), request))


def example(request):
    if request.method == "POST" and request.htmx:
        return HttpResponse('<p class="m">Nobody found</p>')  # what the search field of the top bar asks for
    return shown(request, "example.html")


def charts_of_every_kind(request):
    return shown(request, "charts.html")


def chart(request):
    """A fragment with a chart, as htmx swaps it in."""
    return HttpResponse(f'<div class="bd">{plots.columns(charts()["week"], label="Closed this week")}</div>')


def workspace(request):
    return shown(request, "workspace.html")


def saved(request):
    return toast(HttpResponse(status=204), f"Saved {ATTACK} 王建国", undo_url="/kit/saved/")


def fail(request, code):
    if code == 403:
        raise PermissionDenied
    if code == 4030:
        raise PermissionDenied("The maker may not approve")
    if code == 404:
        raise Http404
    return HttpResponse(f"<p>answer {code}</p>", status=code)


def message(request):
    messages.success(request, "Kept for later")
    return redirect("/kit/")


def slow(request):
    return HttpResponse(status=204)


def open_to_everybody(settings, monkeypatch):
    """Serve these pages beside the site's own until the test ends."""
    settings.ROOT_URLCONF = __name__
    for pattern in urlpatterns:
        if name := getattr(pattern, "name", None):
            monkeypatch.setitem(policy.REGISTRY, name, policy.Rule(policy.EVERYONE, policy.EVERYONE))


urlpatterns = [
    path("kit/", example, name="kit-example"),
    path("kit/charts/", charts_of_every_kind, name="kit-charts"),
    path("kit/chart/", chart, name="kit-chart"),
    path("kit/workspace/", workspace, name="kit-workspace"),
    path("kit/saved/", saved, name="kit-saved"),
    path("kit/message/", message, name="kit-message"),
    path("kit/slow/", slow, name="kit-slow"),
    path("kit/fail/<int:code>/", fail, name="kit-fail"),
    path("", include("bankcrm.urls")),
]
