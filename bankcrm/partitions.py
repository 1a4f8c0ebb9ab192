"""Partitioned tables: turning a table Django made into a partitioned one, and adding partitions to it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations import RunSQL
from psycopg import sql


def partition(table: str, method: str, primary_key: str, indexes: Iterable[str] = ()) -> RunSQL:
    """Migration operation: replace an empty table by one partitioned on the first column of ``primary_key``.

    Columns, defaults and NOT NULL stay as Django wrote them; indexes are given again because a unique index of a
    partitioned table must contain the partition key. ``method`` is ``range`` or ``list``; a default partition catches
    what has no partition of its own, so that a row is never refused for its month.
    """
    key = primary_key.split(",", maxsplit=1)[0].strip()
    statements = [
        f"ALTER TABLE {table} RENAME TO {table}_plain",
        (
            f"CREATE TABLE {table} (LIKE {table}_plain INCLUDING DEFAULTS INCLUDING IDENTITY)"
            f" PARTITION BY {method} ({key})"
        ),
        f"DROP TABLE {table}_plain",
        f"ALTER TABLE {table} ADD PRIMARY KEY ({primary_key})",
    ]
    if method == "range":
        statements.append(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
    statements += [
        f"CREATE INDEX {table}_{number} ON {table} ({columns})"
        for number, columns in enumerate(indexes, start=1)
    ]
    return RunSQL([(statement, None) for statement in statements], RunSQL.noop)


def months_between(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """The first day of every month from the one of ``first`` to the one of ``last``, both included."""
    start, stop = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return [datetime.date(month // 12, month % 12 + 1, 1) for month in range(start, stop + 1)]


def ensure_months(table: str, first: datetime.date, last: datetime.date) -> None:
    """Create the missing monthly partitions of a range-partitioned table for ``first`` to ``last``.

    Rows already in the default partition for such a month are moved; concurrent callers wait for one another.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"partitions:{table}"])
        for month in months_between(first, last):
            _ensure_month(cursor, table, month)


def _ensure_month(cursor: CursorWrapper, table: str, month: datetime.date) -> None:
    name = f"{table}_{month:%Y%m}"
    cursor.execute("SELECT to_regclass(%s)", [name])
    if cursor.fetchone()[0] is not None:
        return
    after = months_between(month, month + datetime.timedelta(days=31))[1]
    parent, part, rest = (sql.Identifier(text) for text in (table, name, f"{table}_rest"))
    cursor.execute(
        sql.SQL("CREATE TABLE {part} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
            part=part, parent=parent
        )
    )
    key = partition_key(table)
    cursor.execute(
        sql.SQL(
            "WITH moved AS (DELETE FROM {rest} WHERE {key} >= {month} AND {key} < {after} RETURNING *)"
            " INSERT INTO {part} SELECT * FROM moved"
        ).format(
            rest=rest,
            part=part,
            key=sql.Identifier(key),
            month=sql.Literal(month),
            after=sql.Literal(after),
        )
    )
    cursor.execute(
        sql.SQL("ALTER TABLE {parent} ATTACH PARTITION {part} FOR VALUES FROM ({month}) TO ({after})").format(
            parent=parent, part=part, month=sql.Literal(month), after=sql.Literal(after)
        )
    )


def partition_key(table: str) -> str:
    """The column a partitioned table is split by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_partitioned_table JOIN pg_attribute"
            " ON attrelid = partrelid AND attnum = partattrs[0] WHERE partrelid = %s::regclass",
            [table],
        )
        return str(cursor.fetchone()[0])
