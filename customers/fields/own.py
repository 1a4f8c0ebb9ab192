"""The bank's own fields as entries of the catalogue, read from their table while the application runs.

Within a web request they are read once; everywhere else each question asks the table, so nobody works with what was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Type
from customers.models import OwnField

PREFIX = "own_"
_read_once: ContextVar[dict[str, Any] | None] = ContextVar("own_fields", default=None)

TYPES = {
    OwnField.Type.NUMBER: Type.NUMBER,
    OwnField.Type.WHOLE: Type.NUMBER,
    OwnField.Type.FLAG: Type.FLAG,
    OwnField.Type.CHOICE: Type.CHOICE,
    OwnField.Type.DATE: Type.DATE,
}
# The unit that makes a number an amount of money.
MONEY = "money"
CASTS = {
    Type.NUMBER: "numeric",
    Type.MONEY: "numeric",
    Type.FLAG: "boolean",
    Type.CHOICE: "text",
    Type.DATE: "date",
}


def catalogue() -> dict[str, Field]:
    """Every own field by its code, by label, retired ones too."""
    return {field.code: field for field in by_id().values()}


def by_id() -> dict[int, Field]:
    """Every own field by the id its values are stored under."""
    memory = _read_once.get()
    if memory is not None and "fields" in memory:
        found: dict[int, Field] = memory["fields"]
        return found
    found = {row.pk: _entry(row) for row in OwnField.objects.order_by("label", "id")}
    if memory is not None:
        memory["fields"] = found
    return found


def forget() -> None:
    """The fields changed: the rest of this request reads them again."""
    memory = _read_once.get()
    if memory is not None:
        memory.clear()


@contextmanager
def read_once() -> Iterator[None]:
    """Within it the fields are read at most once, however often they are asked for."""
    if _read_once.get() is not None:
        yield
        return
    token = _read_once.set({})
    try:
        yield
    finally:
        _read_once.reset(token)


class OwnFieldsReadOnce:
    """Middleware: one reading of the own fields for each request that asks for them."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with read_once():
            return self.get_response(request)


def _entry(row: OwnField) -> Field:
    kind = TYPES[OwnField.Type(row.type)]
    is_money = kind == Type.NUMBER and row.unit == MONEY
    if is_money:
        kind = Type.MONEY
    is_sensitive = row.personal == OwnField.Personal.SENSITIVE
    return Field(
        code=row.code,
        label=row.label,
        meaning=row.meaning
        or _("As the column “%(heading)s” of the bank's file says.") % {"heading": row.heading},
        area=Area.OWN,
        type=kind,
        source=_value(row.pk, kind, "AND o.valid_from <= p.month"),
        newest=_value(row.pk, kind, ""),
        basis=Basis.CUSTOMERS,
        origin=Origin.OWN,
        unit="" if is_money else row.unit,
        choices=tuple((word, word) for word in row.choices),
        personal=Personal(row.personal),
        model_use=row.model_use and not is_sensitive and not row.retired_at,
        filter=not is_sensitive,
        group=False,
        export=not is_sensitive,
        is_retired=row.retired_at is not None,
    )


def _value(pk: int, kind: Type, until: str) -> str:
    """SQL over ``c``, and ``p`` where ``until`` names it: the newest word on the field."""
    return (
        f"(SELECT (o.content ->> '{int(pk)}')::{CASTS[kind]} FROM customers_ownvalues o"  # noqa: S608  a number of ours
        f" WHERE o.customer_id = c.id AND jsonb_exists(o.content, '{int(pk)}') {until}"
        " ORDER BY o.valid_from DESC, o.brought_by DESC LIMIT 1)"
    )
