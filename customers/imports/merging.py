"""Checked rows into their table, in chunks that commit as a whole: an interrupted merge goes on after the last one."""

from __future__ import annotations

import os

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import partitions
from bankcrm.job import Job
from customers.consents import acting
from customers.imports import campaign_merging, loads, staging, upsert
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import KINDS, Kind
from customers.imports.upsert import Written
from customers.models import ImportFile

SQL = sql.SQL
CHUNK_ROWS = 50_000


def chunk_rows() -> int:
    """Rows per transaction; BANKCRM_IMPORT_CHUNK where it is set."""
    return int(os.environ.get("BANKCRM_IMPORT_CHUNK") or CHUNK_ROWS)


def merge_rows(file: ImportFile, job: Job | None) -> None:
    """Write every checked row after the last line already merged. Raises LeaseLost or RunCancelled between chunks."""
    kind = KINDS[file.kind]
    resume = file.options.get("resume", {})
    after, done = int(resume.get("line", 0)), int(resume.get("rows", 0))
    _ensure_partitions(file, kind)
    if kind.model is not None:
        upsert.create_before(file)
    all_new = kind.model is not None and not upsert.any_known(file, after)
    for first, last, size in _chunks(file, after):
        with transaction.atomic():
            if job:
                job.fence()
            acting(job.requested_by if job else file.uploaded_by)
            written = _merge_chunk(file, kind, first, last, all_new)
            if kind.written:
                chunk = SQL("{} k WHERE k.line > {} AND k.line <= {}").format(
                    Identifier(staging.checked_table(file)), Literal(first), Literal(last)
                )
                kind.written(file, chunk)
            done += size
            _remember(file, written, last, done)
        if job:
            job.progress(done, file.accepted, "")


def close_missing(file: ImportFile, job: Job | None) -> None:
    """Mark what a full load does not hold; once, however often the merge is repeated. Raises Refused."""
    if file.load != ImportFile.Load.FULL or file.closed is not None:
        return
    if job:
        job.progress(file.accepted or 0, file.accepted, _("Marking what is no longer there"))
    found = upsert.shape(file)
    with transaction.atomic():
        if job:
            job.fence()
        closed = loads.close_missing(
            file, upsert.before_table(file), found.rows, found.kept, upsert.written_hash(found)
        )
        ImportFile.objects.filter(pk=file.pk).update(closed=closed)
    file.closed = closed


def refresh_statistics(file: ImportFile) -> None:
    """Fresh statistics of the tables written: the planner has never seen these rows."""
    model = KINDS[file.kind].model
    with connection.cursor() as cursor:
        for table in [model._meta.db_table] if model else campaign_merging.TABLES:
            cursor.execute(SQL("ANALYZE {}").format(Identifier(table)))


def _merge_chunk(file: ImportFile, kind: Kind, first: int, last: int, all_new: bool) -> Written:
    if kind.model is None:
        return campaign_merging.merge_chunk(file, first, last)
    return upsert.write_chunk(file, first, last, all_new=all_new)


def _remember(file: ImportFile, written: Written, last: int, done: int) -> None:
    """In the transaction of the chunk: how far the file is, and what it did."""
    file.options["resume"] = {"line": last, "rows": done}
    others = file.options.setdefault("others", {})
    for brought_by, rows in written.others.items():
        others[brought_by] = others.get(brought_by, 0) + rows
    ImportFile.objects.filter(pk=file.pk).update(
        inserted=F("inserted") + written.new, updated=F("updated") + written.changed, options=file.options
    )


def _chunks(file: ImportFile, after: int) -> list[tuple[int, int, int]]:
    """(after line, up to line, rows) of every chunk."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT max(line), count(*) FROM"
                " (SELECT line, (row_number() OVER (ORDER BY line) - 1) / {size} AS chunk"
                " FROM {checked} WHERE line > {after}) numbered GROUP BY chunk ORDER BY chunk"
            ).format(
                size=Literal(chunk_rows()),
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
