"""Tables that are split by run: what one run computed becomes visible whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import sql


@contextmanager
def new_partition(parent: str, run: int) -> Iterator[str]:
    """A table to fill for one run, attached to ``parent`` at the end. Call in a transaction; gives the table's name.

    The parent is list-partitioned by its first key column, ``<…>_run_id``, beside ``customer_id``. Filled without
    index, then primary key, then CHECK, so that ATTACH neither scans nor builds.
    """
    column = {"analytics_score": "score_run_id", "analytics_segmentmember": "segment_run_id"}[parent]
    name = f"{parent}_{run}"
    names = {
        "part": sql.Identifier(name),
        "parent": sql.Identifier(parent),
        "column": sql.Identifier(column),
        "run": sql.Literal(run),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {part} (LIKE {parent} INCLUDING DEFAULTS)").format(**names))
        yield name
        for statement in (
            "ALTER TABLE {part} ADD PRIMARY KEY ({column}, customer_id)",
            "ALTER TABLE {part} ADD CONSTRAINT one_run CHECK ({column} = {run})",
            "ALTER TABLE {parent} ATTACH PARTITION {part} FOR VALUES IN ({run})",
            "ANALYZE {part}",
        ):
            cursor.execute(sql.SQL(statement).format(**names))
