"""Nothing of a request is dropped silently: a parameter or a body that an operation does not take is refused.

What it takes is what its part of the schema says, so that the two cannot differ, and a new endpoint is held to it
without a line of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import path
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission

MOST_NAMED = 20
LONGEST_NAMED = 100
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})


@dataclass(frozen=True)
class Taken:
    """What one operation takes: the names of its query parameters, in order, and whether it reads a body."""

    parameters: tuple[str, ...]
    body: bool


class KnownParameters(BasePermission):
    """No right of anybody's, but REST framework asks it of every request, before any view reads a parameter."""

    def has_permission(self, request: Any, view: Any) -> bool:
        taken = taken_by(request.resolver_match.route, request.resolver_match.func, request.method)
        if taken is not None and (wrong := _wrong(request, taken)):
            # Imported late: REST framework loads its settings, and with them this module, while it defines APIView.
            from rest_framework.exceptions import ValidationError

            raise ValidationError(wrong)
        return True


@functools.lru_cache(maxsize=1000)
def taken_by(route: str, view: Callable[..., Any], method: str) -> Taken | None:
    """What ``method`` of the address takes according to the schema; None for what is not part of it."""
    from drf_spectacular.generators import SchemaGenerator

    told = SchemaGenerator(patterns=[path(route, view)]).get_schema(request=None, public=True)
    for item in told["paths"].values():
        if operation := item.get("get" if method == "HEAD" else method.lower()):
            names = [given["name"] for given in operation.get("parameters", []) if given["in"] == "query"]
            return Taken(tuple(names), "requestBody" in operation)
    return None


def _wrong(request: Any, taken: Taken) -> dict[str, list[str]]:
    """Parameter or field → the sentence that says what is wrong with it."""
    known = _("Known are: %(names)s.") % {"names": ", ".join(taken.parameters)} if taken.parameters else ""
    unknown = known or _("This address takes no parameters.")
    wrong = {}
    for name, values in request.query_params.lists():
        if name not in taken.parameters:
            wrong[name] = [_("There is no such parameter here. %(known)s") % {"known": unknown}]
        elif len(values) > 1:
            wrong[name] = [_("This parameter is given more than once; send it once.")]
    if not wrong and request.method in UNSAFE and not taken.body:
        wrong = {
            str(name): [_("This act takes no body, so nothing can be set with it.")]
            for name in _fields(request)
        }
    return {name[:LONGEST_NAMED]: wrong[name] for name in sorted(wrong)[:MOST_NAMED]}


def _fields(request: Any) -> list[Any]:
    """The names of what was sent; "" for a body that is no object. A form without fields sends nothing."""
    from rest_framework.exceptions import UnsupportedMediaType

    plain = request._request
    try:
        body = request.data
    except UnsupportedMediaType:
        if plain.content_type not in FORMS:
            raise
        return [*plain.POST, *plain.FILES]
    if isinstance(body, dict):
        return list(body)
    return [""] if body else []
