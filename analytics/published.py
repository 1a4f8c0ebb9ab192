"""Tables that are split by run: what one run computed becomes visible whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from analytics.models import Explanation, ScoreRun
from bankcrm.partitions import partition_key


@contextmanager
def new_partition(parent: str, run: int) -> Iterator[str]:
    """A table to fill for one run, attached to ``parent`` at the end. Call in a transaction; gives the table's name.

    The parent is list-partitioned by the first column of its key, the second is ``customer_id``. Filled without
    index, then primary key, then CHECK, so that ATTACH neither scans nor builds.
    """
    name = f"{parent}_{run}"
    names = {
        "part": sql.Identifier(name),
        "parent": sql.Identifier(parent),
        "column": sql.Identifier(partition_key(parent)),
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


def drop_remains(results: QuerySet[Any]) -> int:
    """Mark score or segment runs that never got published and whose work has ended; returns how many.

    Their rows were never visible: a partition and the pointer commit together.
    """
    dead = results.filter(state="building").exclude(run__state__in=["queued", "running"], run__isnull=False)
    return dead.update(state="dropped")


def drop(results: QuerySet[Any], parent: str) -> int:
    """Drop the rows of published runs nobody reads any more, run by run with its mark; returns how many. In a
    transaction. Whatever a pointer still holds is refused by the caller, not here."""
    spent = list(results.filter(state="published").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for run in spent:
            cursor.execute(
                sql.SQL("DROP TABLE IF EXISTS {part}").format(part=sql.Identifier(f"{parent}_{run}"))
            )
    # What was said of rows goes with them.
    of = "score_run" if results.model is ScoreRun else "segment_run"
    Explanation.objects.filter(**{f"{of}__in": spent}).delete()
    results.filter(pk__in=spent).update(state="dropped")
    return len(spent)
