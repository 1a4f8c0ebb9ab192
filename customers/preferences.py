"""Needs (S1.4): the likeliest answers preference models give, kept in the profile of a month beside what facts say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

from bankcrm import bulk

# Profile columns of the answers; the chance of each stands in the column of the same name with "_chance".
FIELDS = ("likely_product", "likely_channel", "likely_risk", "likely_finance")

Fill = Callable[[dt.date], Sequence[tuple[str, str, tuple[Any, ...]]]]
_sources: list[Fill] = []


def filled_by(source: Fill) -> Fill:
    """Register who knows the answers of a month: ``source(month)`` gives (column, SQL of customer_id, answer and
    chance, parameters) for every column known. Building a profile asks again, so that it loses none."""
    _sources.append(source)
    return source


def fill(month: dt.date) -> int:
    """Write the answers that are known for ``month`` into its profile; returns rows changed.

    A customer whom a source does not know, or knows without an answer, is left without one.
    """
    known = {column: (sql, params) for source in _sources for column, sql, params in source(month)}
    if strange := sorted(set(known) - set(FIELDS)):
        raise ValueError(f"no columns of preferences: {', '.join(strange)}")
    if not known:
        return 0
    pairs = {f"{column}{end}": (column, end) for column in known for end in ("", "_chance")}
    found = ", ".join(
        f"{column}.chance AS {name}" if end else f"coalesce({column}.answer, '') AS {name}"
        for name, (column, end) in pairs.items()
    )
    joins = " ".join(
        f"LEFT JOIN ({sql}) {column} ON {column}.customer_id = p.customer_id"
        for column, (sql, _params) in known.items()
    )
    changes = ", ".join(f"{name} = found.{name}" for name in pairs)
    changed = " OR ".join(f"p.{name} IS DISTINCT FROM found.{name}" for name in pairs)
    statement = (
        f"UPDATE customers_customerprofile p SET {changes}"  # noqa: S608  columns of FIELDS; the caller's own SQL
        f" FROM (SELECT p.customer_id, {found} FROM customers_customerprofile p {joins} WHERE p.month = %s) found"
        f" WHERE p.month = %s AND p.customer_id = found.customer_id AND ({changed})"
    )
    params = [value for _sql, values in known.values() for value in values]
    with bulk.without_time_limit(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [*params, month, month])
        return int(cursor.rowcount)
