"""Values of own fields as they are read from their rows and as people may see them."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from django.db import connection

from bankcrm import figures
from customers.fields import Field, Personal, Type, own

MASK = "•••"
LONG_DIGITS = re.compile(r"(\d{3})\d{5,}([\dXx]{3})")
ADDRESS = re.compile(r"^(.)[^@]*@(.+)$")


def read(field: Field, stored: Any) -> Any:
    """A stored value, JSON as text or read, as Python has it."""
    value = json.loads(stored) if isinstance(stored, str) else stored
    return dt.date.fromisoformat(value) if value is not None and field.type == Type.DATE else value


def shown(field: Field, value: Any) -> str:
    """As a page shows it: sensitive values never, personal words without the middle of what names somebody."""
    if value is None:
        return figures.NONE
    if field.personal == Personal.SENSITIVE:
        return MASK
    text = field.display(value)
    if field.unit and field.unit not in ("share", "change"):
        text = f"{text} {field.unit}"
    return disguised(text) if field.personal == Personal.PERSONAL and field.type == Type.CHOICE else text


def disguised(value: str) -> str:
    """A value without the middle of what looks like a phone, an identity number or an address."""
    plain = ADDRESS.sub(r"\1***@\2", value)
    compact = re.sub(r"(?<=\d)[ -](?=\d)", "", plain)
    return LONG_DIGITS.sub(r"\1*****\2", compact if LONG_DIGITS.search(compact) else plain)


def of(customer_id: int) -> dict[str, Any]:
    """Code → newest value of the own fields that may leave the house, None where nothing is known; two queries."""
    fields = {pk: field for pk, field in own.by_id().items() if field.export and not field.is_retired}
    if not fields:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (e.key) e.key::bigint, e.value FROM customers_ownvalues v"
            " CROSS JOIN LATERAL jsonb_each(v.content) e WHERE v.customer_id = %s"
            " ORDER BY e.key, v.valid_from DESC, v.brought_by DESC",
            [customer_id],
        )
        known = {pk: read(fields[pk], value) for pk, value in cursor.fetchall() if pk in fields}
    return {field.code: _outside(field, known.get(pk)) for pk, field in fields.items()}


def _outside(field: Field, value: Any) -> Any:
    is_word = isinstance(value, str) and field.personal == Personal.PERSONAL
    return disguised(value) if is_word else value
