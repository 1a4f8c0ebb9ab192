"""Checked rows into their table, in chunks that commit as a whole and that natural keys make harmless to repeat."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import F
from psycopg import sql

from bankcrm import partitions
from bankcrm.job import Job
from customers.imports import campaign_merging, checking, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import KINDS, Kind
from customers.models import ImportFile

SQL = sql.SQL
CHUNK_ROWS = 50_000


def merge_rows(file: ImportFile, job: Job | None) -> None:
    """Write every checked row after the last line already merged. Raises LeaseLost or RunCancelled between chunks."""
    kind = KINDS[file.kind]
    _ensure_partitions(file, kind)
    done = int(file.options.get("resume", {}).get("rows", 0))
    for first, last, size in _chunks(file, int(file.options.get("resume", {}).get("line", 0))):
        with transaction.atomic():
            if job:
                job.fence()
            inserted, updated = _merge_chunk(file, kind, first, last)
            done += size
            file.options["resume"] = {"line": last, "rows": done}
            ImportFile.objects.filter(pk=file.pk).update(
                inserted=F("inserted") + inserted, updated=F("updated") + updated, options=file.options
            )
        if job:
            job.progress(done, file.accepted, "")


def refresh_statistics(file: ImportFile) -> None:
    """Fresh statistics of the tables written: the planner has never seen these rows."""
    model = KINDS[file.kind].model
    with connection.cursor() as cursor:
        for table in [model._meta.db_table] if model else campaign_merging.TABLES:
            cursor.execute(SQL("ANALYZE {}").format(Identifier(table)))


def _merge_chunk(file: ImportFile, kind: Kind, first: int, last: int) -> tuple[int, int]:
    if kind.model is None:
        return campaign_merging.merge_chunk(file, first, last)
    return _upsert(file, kind, first, last)


def _chunks(file: ImportFile, after: int) -> list[tuple[int, int, int]]:
    """(after line, up to line, rows) of every chunk."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT max(line), count(*) FROM"
                " (SELECT line, (row_number() OVER (ORDER BY line) - 1) / {size} AS chunk"
                " FROM {checked} WHERE line > {after}) numbered GROUP BY chunk ORDER BY chunk"
            ).format(
                size=Literal(CHUNK_ROWS),
                checked=Identifier(staging.checked_table(file)),
                after=Literal(after),
            )
        )
        ends = cursor.fetchall()
    starts = [after, *(last for last, _rows in ends)]
    return [(start, last, rows) for start, (last, rows) in zip(starts, ends, strict=False)]


def _ensure_partitions(file: ImportFile, kind: Kind) -> None:
    if not kind.month_column or kind.model is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("SELECT DISTINCT date_trunc('month', {})::date FROM {} ORDER BY 1").format(
                Identifier(kind.month_column), Identifier(staging.checked_table(file))
            )
        )
        months = [month for (month,) in cursor.fetchall()]
    for month in months:
        with transaction.atomic():
            partitions.ensure_months(kind.model._meta.db_table, month, month)


def _upsert(file: ImportFile, kind: Kind, first: int, last: int) -> tuple[int, int]:
    """INSERT … SELECT … ON CONFLICT; a row that says what is known already changes nothing. Returns (new, changed)."""
    assert kind.model is not None  # noqa: S101  # narrows for the type checker
    table = Identifier(kind.model._meta.db_table)
    filled = {cell.target.name: cell.target.column for cell in checking.cells(file)}
    keys = [kind.target(name).column for name in kind.key]
    columns = dict(filled)
    values: list[tuple[str, sql.Composable]] = [
        (column, Identifier("k", name)) for name, column in columns.items()
    ]
    values += [(column, SQL(text)) for column, text in kind.fixed if column not in columns.values()]
    values += [(column, SQL(text)) for column, text in kind.touched]
    changing = [column for column in columns.values() if column not in keys]
    chunk = SQL("{} k WHERE k.line > {} AND k.line <= {}").format(
        Identifier(staging.checked_table(file)), Literal(first), Literal(last)
    )
    statement = SQL("INSERT INTO {} AS old ({}) SELECT {} FROM {} ORDER BY k.line ON CONFLICT ({}) ").format(
        table,
        SQL(", ").join(Identifier(column) for column, _value in values),
        SQL(", ").join(value for _column, value in values),
        chunk,
        SQL(", ").join(map(Identifier, keys)),
    )
    with connection.cursor() as cursor:
        known = _known(cursor, table, kind, chunk)
        cursor.execute(statement + _on_conflict(kind, changing))
        written = cursor.rowcount
        cursor.execute(SQL("SELECT count(*) FROM {}").format(chunk))
        inserted = cursor.fetchone()[0] - known
    return inserted, written - inserted


def _known(cursor: Any, table: sql.Composable, kind: Kind, chunk: sql.Composable) -> int:
    """How many rows of the chunk are in the table already: RETURNING cannot tell on a partitioned table."""
    same = SQL(" AND ").join(
        SQL("old.{} = k.{}").format(Identifier(kind.target(name).column), Identifier(name))
        for name in kind.key
    )
    cursor.execute(
        SQL("SELECT count(*) FROM {} AND EXISTS (SELECT FROM {} old WHERE {})").format(chunk, table, same)
    )
    return int(cursor.fetchone()[0])


def _on_conflict(kind: Kind, changing: list[str]) -> sql.Composable:
    if not changing:
        return SQL("DO NOTHING")
    sets = [SQL("{0} = EXCLUDED.{0}").format(Identifier(column)) for column in changing]
    sets += [SQL("{0} = EXCLUDED.{0}").format(Identifier(column)) for column, _text in kind.touched]
    return SQL("DO UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})").format(
        SQL(", ").join(sets),
        SQL(", ").join(Identifier("old", column) for column in changing),
        SQL(", ").join(Identifier("excluded", column) for column in changing),
    )
