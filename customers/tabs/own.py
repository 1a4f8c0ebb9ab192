"""What the bank's own files say of the customer beyond our catalogue: newest values, since when, and from where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from customers import own_values
from customers.fields import Field, own
from customers.tabs.seen import Seen

# Every word on one field of one customer, the newest first; the file that said it.
TOLD = """
SELECT e.key::bigint, e.value, v.valid_from, f.name, f.source, f.merged_at
FROM customers_ownvalues v CROSS JOIN LATERAL jsonb_each(v.content) e
LEFT JOIN customers_importfile f ON f.id = v.brought_by
WHERE v.customer_id = %s ORDER BY v.valid_from DESC, v.brought_by DESC
"""


@dataclass(slots=True)
class Told:
    """The newest word on a field; ``before`` are (from, value) of the words before it, newest first."""

    field: Field
    shown: str
    since: dt.date
    file: str
    source: str
    merged_at: dt.datetime | None
    before: list[tuple[dt.date, str]]


def own_fields(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    """One query beside the fields themselves; fields that were retired are not shown."""
    fields = {pk: field for pk, field in own.by_id().items() if not field.is_retired}
    with connection.cursor() as cursor:
        cursor.execute(TOLD, [seen.customer.pk])
        rows = cursor.fetchall()
    found: dict[int, Told] = {}
    for pk, value, since, name, source, merged_at in rows:
        if pk not in fields:
            continue
        shown = own_values.shown(fields[pk], own_values.read(fields[pk], value))
        if pk in found:
            found[pk].before.append((since, shown))
        else:
            found[pk] = Told(fields[pk], shown, since, name or "", source or "", merged_at, [])
    return {
        "told": sorted(found.values(), key=lambda each: str(each.field.label).casefold()),
        "unsaid": len(fields) - len(found),
    }
