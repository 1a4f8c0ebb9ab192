"""The door of the API: what one may read there, for programs and, as pages, for people."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from bankcrm import api_reader, parsing
from bankcrm.policy import SignedIn


class Root(APIView):
    """What is here."""

    @extend_schema(
        operation_id="root",
        tags=["root"],
        responses={200: {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}},
    )
    def get(self, request: Request) -> Response:
        """The address of every collection that the caller's role may read, of the schema and of its pages."""
        found = {
            part: reverse(name, request=request)
            for part, name in api_reader.collections(request.user).items()
        }
        return Response(found | {"reader": reverse("api-reader", request=request)})


def reader(request: SignedIn) -> HttpResponse:
    """Every operation by group; ``q`` narrows to those in which all its words stand, ``mine`` to what one may do."""
    words = parsing.words(request.GET.get("q", ""), 100).strip()
    mine = request.GET.get("mine") == "on"
    found: list[dict[str, Any]] = [
        {"operation": one, "may": one.may(request.user)}
        for one in api_reader.operations()
        if one.is_about(words)
    ]
    if mine:
        found = [row for row in found if row["may"]]
    groups = [
        {"name": name, "rows": list(rows)}
        for name, rows in groupby(found, key=lambda row: row["operation"].group)
    ]
    context = {"groups": groups, "n": len(found), "q": words, "mine": mine}
    return render(request, "bankcrm/api_reader.html", context)


def operation(request: SignedIn, code: str) -> HttpResponse:
    """One operation: what it takes, an example, and every answer."""
    found = api_reader.operation(code)
    if found is None:
        raise Http404
    return render(request, "bankcrm/api_operation.html", {"operation": found, "may": found.may(request.user)})
