"""Scores and segments of one customer on Customer-360, and why: asked by POST, looked for again until it is told."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render

from analytics import why_page
from analytics.why_page import SCORES, SEGMENTS
from bankcrm import runs
from bankcrm.policy import REGISTRY, SignedIn
from customers.models import Customer


def customer_scores(request: SignedIn, pk: int) -> HttpResponse:
    """Every score and segment in use of one customer: a panel under the likely preferences."""
    customer = _customer(request, pk)
    context = {
        "customer": customer,
        "scores": why_page.scores(customer),
        "segments": why_page.segments(customer),
        "may_ask": REGISTRY["score-why"].allows(request.user, "POST"),
        "may_open_models": REGISTRY["model-detail"].allows(request.user, "GET"),
    }
    return render(request, "analytics/_customer_scores.html", context)


def score_why(request: SignedIn, pk: int, run: int) -> HttpResponse:
    """Why this score, or this preference; POST asks for it."""
    return _why(request, SCORES, pk, run)


def segment_why(request: SignedIn, pk: int, run: int) -> HttpResponse:
    """Why this segment; POST asks for it."""
    return _why(request, SEGMENTS, pk, run)


def _why(request: SignedIn, kind: str, pk: int, number: int) -> HttpResponse:
    customer = _customer(request, pk)
    run = why_page.find(kind, number)
    if run is None:
        raise Http404
    may_ask = REGISTRY["score-why"].allows(request.user, "POST")
    found = why_page.why(run, customer, request.user, may_ask=may_ask)
    if request.method == "POST" and found.may_ask:
        runs.start(why_page.WORK, request.user, **why_page.work_on(run, customer))
        found = why_page.why(run, customer, request.user, may_ask=may_ask)
    return render(request, "analytics/_why.html", {"why": found})


def _customer(request: SignedIn, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
