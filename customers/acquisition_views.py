"""Acquisition pages: cohorts, the customers behind a figure, and the same as a file."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bankcrm import audit, paging
from bankcrm.policy import SignedIn
from bankcrm.spreadsheets import csv_bytes
from customers import acquisition_page
from customers.acquisition_forms import CohortFilter
from customers.models import Acquisition


@require_GET
def cohorts(request: SignedIn) -> HttpResponse:
    """Channels, partners or scenes side by side, their cohorts by month, and a cohort followed over time."""
    built = Acquisition.objects.only("as_of", "built_at").first()
    if built is None:
        return render(request, "customers/acquisition/index.html", {"built": None})
    form = CohortFilter(request.user, built.as_of, request.GET)
    return render(
        request,
        "customers/acquisition/index.html",
        acquisition_page.page(form.scope) | {"form": form, "built": built},
    )


@require_GET
def customers(request: SignedIn) -> HttpResponse:
    """Who a figure counts, most valuable first."""
    form = _filter(request)
    what = request.GET.get("what", "acquired")
    if what not in acquisition_page.BEHIND:
        raise Http404
    found = acquisition_page.customers(form.scope, what)
    page = paging.page_of(request, found, ["-value", "pk"])
    context = {
        "form": form,
        "what": what,
        "heading": acquisition_page.BEHIND[what][0],
        "page": page,
        "pager": page.pager(request, paging.capped_count(found)),
    }
    return render(request, "customers/acquisition/customers.html", context)


@require_GET
def cohort_file(request: SignedIn) -> HttpResponse:
    """All figures of the page as a CSV that a spreadsheet reads as text."""
    scope = _filter(request).scope
    rows = list(acquisition_page.table(scope))
    if request.user.may_change:
        built = Acquisition(pk=0, as_of=scope.as_of)
        audit.record(request.user, "acquisition.exported", built, rows=len(rows) - 1, **scope.address)
    answer = HttpResponse(csv_bytes(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{acquisition_page.file_name(scope.as_of)}"'
    return answer


def _filter(request: SignedIn) -> CohortFilter:
    built = Acquisition.objects.only("as_of").first()
    if built is None:
        raise Http404
    return CohortFilter(request.user, built.as_of, request.GET)
