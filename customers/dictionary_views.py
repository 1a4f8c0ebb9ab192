"""The data dictionary as a page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bankcrm.policy import SignedIn
from customers import dictionary, life_stage, value_page
from customers.dictionary_forms import DictionarySearch


@require_GET
def data_dictionary(request: SignedIn) -> HttpResponse:
    """Every field: what it means, how its values are made and what they may be used for."""
    form = DictionarySearch(request.GET)
    search = form.search
    areas = dictionary.found(search)
    context = {
        "tabs": value_page.tabs(request.user, "data-dictionary"),
        "form": form,
        "areas": areas,
        "count": sum(len(rows) for _area, rows in areas),
        "filtered": search != dictionary.Search(),
        "stages": life_stage.RULES,
    }
    template = "customers/_dictionary.html" if request.htmx else "customers/dictionary.html"
    return render(request, template, context)
