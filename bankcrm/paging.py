"""Keyset paging: a page starts after a row, never at a number, so the thousandth page costs what the first one does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core import signing
from django.db.models import CompositePrimaryKey, F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

MOST = 100
COUNT_CAP = 10_000
SALT = "bankcrm.paging"
NEXT, PREVIOUS = "n", "p"


class BadCursor(ValueError):
    """The cursor was not made here, or for another order."""


@dataclass(frozen=True)
class Page:
    """Rows of one page and the cursors of its neighbours; an empty cursor means there is none."""

    rows: list[Any]
    next: str
    previous: str

    def pager(self, request: HttpRequest, total: Any = None) -> dict[str, Any]:
        """What ``kit/_pager.html`` takes: ``next_url``, ``previous_url``, ``shown``, ``total``."""
        return {
            "next_url": _url(request, self.next),
            "previous_url": _url(request, self.previous),
            "shown": len(self.rows),
            "total": total,
        }


@dataclass(frozen=True)
class CappedCount:
    """A count that stopped counting: reads "10,000+" when there are more."""

    value: int
    more: bool

    def __str__(self) -> str:
        return f"{self.value:,}+" if self.more else f"{self.value:,}"


def capped_count(queryset: QuerySet[Any], cap: int = COUNT_CAP) -> CappedCount:
    """Count at most ``cap`` rows, so that a count on a large list costs no more than on a small one."""
    found = queryset.order_by().values("pk")[: cap + 1].count()
    return CappedCount(min(found, cap), found > cap)


def keyset(queryset: QuerySet[Any], order: Sequence[str], cursor: str = "", size: int = 50) -> Page:
    """One page of ``queryset`` in ``order``: field or annotation names, "-" for descending; the key comes last.

    Empty values come last ascending and first descending, as in PostgreSQL. ``size`` is held between 1 and 100. Rows
    must be instances. A cursor that is stale or was tampered with raises BadCursor.
    """
    key = _key(queryset)
    order = _with_key(order, key)
    size = max(1, min(size, MOST))
    direction, values = _decode(queryset, order, cursor) if cursor else (NEXT, None)
    walked = [_flip(name) for name in order] if direction == PREVIOUS else order
    found = queryset.order_by(*(_ordering(name) for name in walked))
    if values is not None:
        found = found.filter(_after(walked, values, _nullable(queryset, order)))
    rows = list(found[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if direction == PREVIOUS:
        rows.reverse()
    before, after = (more, True) if direction == PREVIOUS else (cursor != "", more)
    return Page(
        rows,
        next=_encode(rows[-1], order, NEXT, key) if rows and after else "",
        previous=_encode(rows[0], order, PREVIOUS, key) if rows and before else "",
    )


def page_of(request: HttpRequest, queryset: QuerySet[Any], order: Sequence[str], size: int = 50) -> Page:
    """``keyset`` with the cursor of the URL; a cursor that no longer means anything leads to the first page."""
    try:
        return keyset(queryset, order, request.GET.get("cursor", ""), size)
    except BadCursor:
        return keyset(queryset, order, "", size)


class KeysetPagination(BasePagination):
    """The API's lists. A view names ``ordering`` (a tuple), and in ``orderings = {"name": ("name", "id")}`` others."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        self.request = request
        order = tuple(getattr(view, "ordering", None) or ("-pk",))
        allowed = getattr(view, "orderings", {})
        wanted = request.query_params.get("order", "")
        if wanted:
            if wanted.removeprefix("-") not in allowed:
                raise ValidationError({"order": [_not_an_order(allowed)]})
            order = tuple(allowed[wanted.removeprefix("-")])
            if wanted.startswith("-"):
                order = tuple(_flip(name) for name in order)
        try:
            self.page = keyset(queryset, order, request.query_params.get("cursor", ""), self._size(view))
        except BadCursor as error:
            raise ValidationError({"cursor": [_("This cursor is not valid for this list.")]}) from error
        return self.page.rows

    def _size(self, view: Any) -> int:
        text = self.request.query_params.get("page_size")
        if text is None:
            return getattr(view, "page_size", 50)
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST:
            raise ValidationError({"page_size": [_("The page size is a whole number from 1 to 100.")]})
        return int(text[:9])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "next": self._link(self.page.next),
                "previous": self._link(self.page.previous),
                "results": data,
            }
        )

    def _link(self, cursor: str) -> str | None:
        return self.request.build_absolute_uri(_url(self.request, cursor)) if cursor else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        allowed = getattr(view, "orderings", {})
        parameters = [
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST},
            },
        ]
        if allowed:
            parameters.append(
                {
                    "name": "order",
                    "in": "query",
                    "required": False,
                    "schema": {"type": "string", "enum": _orders(allowed)},
                }
            )
        return parameters


def _orders(allowed: Iterable[str]) -> list[str]:
    names = sorted(allowed)
    return [*names, *(f"-{name}" for name in names)]


def _not_an_order(allowed: Iterable[str]) -> str:
    return _("This list cannot be ordered so. Known are: %(names)s.") % {"names": ", ".join(_orders(allowed))}


def _key(queryset: QuerySet[Any]) -> tuple[str, ...]:
    """What tells rows apart: ``pk``, or the columns of a key that has several."""
    pk = queryset.model._meta.pk
    return tuple(pk.field_names) if isinstance(pk, CompositePrimaryKey) else ("pk",)


def _with_key(order: Sequence[str], key: Sequence[str] = ("pk",)) -> list[str]:
    names = list(order)
    known = {"pk" if name.lstrip("-") == "id" else name.lstrip("-") for name in names}
    sign = "-" if names and names[-1].startswith("-") else ""
    return [*names, *(f"{sign}{name}" for name in key if name not in known)]


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _ordering(name: str) -> Any:
    return F(name[1:]).desc() if name.startswith("-") else F(name).asc()


def _nullable(queryset: QuerySet[Any], order: Sequence[str]) -> set[str]:
    """Names that may be empty: fields that say so, and every annotation or related field, which cannot say."""
    names = {name.lstrip("-") for name in order} - {"pk"}
    columns = queryset.model._meta.concrete_fields
    fields = {field.name: field for field in columns} | {field.attname: field for field in columns}
    return {
        name
        for name in names
        if name in queryset.query.annotations or name not in fields or fields[name].null
    }


def _after(order: Sequence[str], values: Sequence[Any], nullable: set[str]) -> Q:
    """Rows after ``values`` in ``order``: greater in the first field, or equal there and after in the rest."""
    found, equal = Q(pk__in=[]), Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        found |= equal & _beyond(field, value, name.startswith("-"), field in nullable)
        equal &= Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})
    first = order[0].lstrip("-")
    if first not in nullable:
        # The same again for the planner: an index can start at a bound, not at an OR.
        found &= Q(**{f"{first}__{'lte' if order[0].startswith('-') else 'gte'}": values[0]})
    return found


def _beyond(field: str, value: Any, descending: bool, nullable: bool) -> Q:
    if value is None:
        return Q(**{f"{field}__isnull": False}) if descending else Q(pk__in=[])
    if descending:
        return Q(**{f"{field}__lt": value})
    greater = Q(**{f"{field}__gt": value})
    return greater | Q(**{f"{field}__isnull": True}) if nullable else greater


def _encode(row: Any, order: Sequence[str], direction: str, key: Sequence[str]) -> str:
    names = [name.lstrip("-") for name in order]
    values = [_packed(_value(row, name), is_key=name in key) for name in names]
    return signing.dumps([direction, ",".join(order), row.pk if key == ("pk",) else None, values], salt=SALT)


def _value(row: Any, name: str) -> Any:
    for part in name.split("__"):
        row = None if row is None else getattr(row, part)
    return getattr(row, "pk", row)


def _packed(value: Any, *, is_key: bool = False) -> Any:
    """JSON with its type. Text that is no key is left out: it may be a name, and a cursor stands in URLs and logs."""
    if value is None or isinstance(value, (bool, int, float)) or (is_key and isinstance(value, str)):
        return value
    if isinstance(value, (dt.datetime, dt.date)):
        return {"t" if isinstance(value, dt.datetime) else "d": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return {"look": True}


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    (kind, text), *_rest = value.items()
    if kind == "n":
        return Decimal(text)
    return dt.datetime.fromisoformat(text) if kind == "t" else dt.date.fromisoformat(text)


def _decode(queryset: QuerySet[Any], order: Sequence[str], cursor: str) -> tuple[str, list[Any]]:
    try:
        direction, made_for, key, values = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise BadCursor from error
    if made_for != ",".join(order):
        raise BadCursor
    if {"look": True} not in values:
        return direction, [_unpacked(value) for value in values]
    row = queryset.filter(pk=key).first()
    if row is None:
        raise BadCursor
    return direction, [_value(row, name.lstrip("-")) for name in order]


def _url(request: Any, cursor: str) -> str:
    if not cursor:
        return ""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"{request.path}?{query.urlencode()}"
