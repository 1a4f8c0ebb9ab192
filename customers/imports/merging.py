"""Checked rows into their table, in chunks that commit as a whole: an interrupted merge goes on after the last one."""

from __future__ import annotations

import functools
import itertools
import json
import os
import threading

from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import partitions
from bankcrm.job import Job
from customers.consents import acting
from customers.imports import campaign_merging, kinds, lanes, loads, own_fields, row_locks, staging, upsert
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import Kind
from customers.imports.upsert import Written
from customers.models import ImportFile

SQL = sql.SQL
CHUNK_ROWS = 50_000
# After line, up to line, rows.
Chunk = tuple[int, int, int]


def chunk_rows() -> int:
    """Rows per transaction; BANKCRM_IMPORT_CHUNK where it is set."""
    return int(os.environ.get("BANKCRM_IMPORT_CHUNK") or CHUNK_ROWS)


def merge_rows(file: ImportFile, job: Job | None) -> None:
    """Write every checked row that is not in yet. Raises LeaseLost or RunCancelled between chunks.

    A file of which no key is known goes in by two hands, each from its own line on: see ``lanes``.
    """
    kind = kinds.of(file)
    own_fields.declare(file)
    _ensure_partitions(file, kind)
    if kind.model is not None:
        upsert.create_before(file)
    spans = file.options.get("resume", {}).get("spans")
    after = min((done for done, _last in spans), default=0) if spans else 0
    # Of rows that others write at any moment, what is known is looked up under the lock of each chunk.
    all_new = kind.model is not None and not kind.locks_customers and not upsert.any_known(file, after)
    if spans:
        shares = [_chunks(file, done, last) for done, last in spans]
    else:
        shares = _begin(file, hands=lanes.count() if all_new and kind.written is None else 1)
    writer = _Writer(file, job, kind, all_new)
    works = [functools.partial(writer.write, at, chunks) for at, chunks in enumerate(shares)]
    if all_new and kind.written is None:
        lanes.side_by_side(works)
    else:
        for work in works:
            work()
    file.refresh_from_db(fields=["inserted", "updated", "options"])


class _Writer:
    """Chunks of one file, each a transaction that also says how far its span is and that the lease still holds."""

    def __init__(self, file: ImportFile, job: Job | None, kind: Kind, all_new: bool) -> None:
        self.file, self.job, self.kind, self.all_new = file, job, kind, all_new
        self.done = int(file.options["resume"]["rows"])
        self.others: dict[str, int] = dict(file.options.get("others", {}))
        self.stopped = threading.Event()
        self.lock = threading.Lock()

    def write(self, at: int, chunks: list[Chunk]) -> None:
        """Write the chunks of span ``at``. When one hand fails or is cancelled, the other ends after its chunk."""
        try:
            for first, last, size in chunks:
                if self.stopped.is_set():
                    return
                self._chunk(at, first, last, size)
                with self.lock:
                    self.done += size
                if self.job:
                    self.job.progress(self.done, self.file.accepted, "")
        except BaseException:
            self.stopped.set()
            raise

    @transaction.atomic
    def _chunk(self, at: int, first: int, last: int, size: int) -> None:
        acting(self.job.requested_by if self.job else self.file.uploaded_by)
        chunk = SQL("{} k WHERE k.line > {} AND k.line <= {}").format(
            Identifier(staging.checked_table(self.file)), Literal(first), Literal(last)
        )
        row_locks.customers_of(self.file, chunk)
        written = _merge_chunk(self.file, self.kind, first, last, self.all_new)
        if self.kind.written:
            self.kind.written(self.file, chunk)
        own_fields.write(self.file, chunk, all_new=self.all_new)
        for brought_by, rows in written.others.items():
            self.others[brought_by] = self.others.get(brought_by, 0) + rows
        # Foreign keys are checked before the file's row is held, not at the commit: the other hand waits for that row.
        connection.check_constraints()
        with connection.cursor() as cursor:
            cursor.execute(
                REMEMBER,
                {
                    "file": self.file.pk,
                    "new": written.new,
                    "changed": written.changed,
                    "others": json.dumps(self.others),
                    "span": ["resume", "spans", str(at), "0"],
                    "line": last,
                    "size": size,
                },
            )
        if self.job:
            # Last, so that two hands hold the run's row for a moment only; a lost lease undoes the chunk.
            self.job.fence()


# Both hands write their own place in the options, and what they add to.
REMEMBER = """
UPDATE customers_importfile SET inserted = inserted + %(new)s, updated = updated + %(changed)s,
    options = jsonb_set(
        jsonb_set(jsonb_set(options, '{others}', %(others)s::jsonb), %(span)s, to_jsonb(%(line)s::bigint)),
        '{resume,rows}', to_jsonb((options #>> '{resume,rows}')::bigint + %(size)s)
    )
WHERE id = %(file)s
"""


def _begin(file: ImportFile, hands: int) -> list[list[Chunk]]:
    """The chunks of each hand; the spans they cover, [after line, up to line], are stored."""
    chunks = _chunks(file, 0, None)
    if len(chunks) < 2 * hands:
        hands = 1
    cuts = [len(chunks) * at // hands for at in range(hands + 1)]
    shares = [chunks[start:end] for start, end in itertools.pairwise(cuts)]
    spans = [[share[0][0], share[-1][1]] if share else [0, 0] for share in shares]
    file.options["resume"] = {"spans": spans, "rows": 0}
    ImportFile.objects.filter(pk=file.pk).update(options=file.options)
    return shares


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
    model = kinds.of(file).model
    with connection.cursor() as cursor:
        for table in [model._meta.db_table] if model else campaign_merging.TABLES:
            cursor.execute(SQL("ANALYZE {}").format(Identifier(table)))


def _merge_chunk(file: ImportFile, kind: Kind, first: int, last: int, all_new: bool) -> Written:
    if kind.model is None:
        return campaign_merging.merge_chunk(file, first, last)
    return upsert.write_chunk(file, first, last, all_new=all_new)


def _chunks(file: ImportFile, after: int, last: int | None) -> list[Chunk]:
    """Every chunk of a span; ``last`` None: to the end."""
    size = chunk_rows()
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT line, place FROM (SELECT line, row_number() OVER (ORDER BY line) AS place,"
                " count(*) OVER () AS rows FROM {checked} WHERE line > {after} AND {upto}) numbered"
                " WHERE place % {size} = 0 OR place = rows ORDER BY line"
            ).format(
                size=Literal(size),
                checked=Identifier(staging.checked_table(file)),
                after=Literal(after),
                upto=SQL("true") if last is None else SQL("line <= {}").format(Literal(last)),
            )
        )
        ends = cursor.fetchall()
    places = [(after, 0), *ends]
    return [(start, end, place - before) for (start, before), (end, place) in itertools.pairwise(places)]


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
