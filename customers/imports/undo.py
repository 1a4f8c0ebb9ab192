"""Taking back the last import of a source: its rows go, the rows it changed say again what they said, exactly.

What is needed for it is kept until the next file of the same kind and source is merged. All of it happens in one
transaction, or nothing does: it is refused, with counts, where other work stands on what the file brought.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import audit, bulk
from bankcrm.job import Job, RunCancelled
from bankcrm.models import Run, User
from bankcrm.runs import Refused
from customers.consents import acting
from customers.imports import campaign_undo, own_fields, row_locks, staging, taking_back, upsert
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import KINDS
from customers.models import Customer, ImportFile, OwnValues

SQL = sql.SQL
State = ImportFile.State
# Computed from the rows themselves, and computed again when they change: they go with their customer.
DERIVED: set[tuple[str, str]] = {
    ("customers.CustomerProfile", "customer_id"),
    ("customers.TierChange", "customer_id"),
    ("customers.Acquisition", "customer_id"),
}


@dataclass(frozen=True)
class Standing:
    """Rows elsewhere that stand on rows the file brought."""

    label: str
    rows: int


def derived(label: str, column: str) -> None:
    """Called once by an app above, in ``AppConfig.ready``: rows of this model go with the customer they are about."""
    DERIVED.add((label, column))


def objection(file: ImportFile) -> str:
    """Why the file cannot be taken back at all; "" when it is the last of its source and its former values are kept."""
    if file.state == State.UNDONE:
        return _("This import is undone already. Nothing was changed.")
    if file.inserted is None or file.state not in (State.MERGED, State.CHECKED):
        return _("Nothing of this file is in, so there is nothing to undo.")
    if KINDS[file.kind].model is None:
        return campaign_undo.objection(file)
    later = _later(file)
    if later:
        return _(
            "“%(name)s” came after it from the same source. Only the last import of a source can be undone."
        ) % {"name": later.name}
    if not _is_kept(file):
        return _("What this import changed is no longer kept, so it cannot be undone.")
    return ""


def standing(file: ImportFile) -> list[Standing]:
    """What stands on the rows the file brought or changed, most first; empty when it can be taken back."""
    if KINDS[file.kind].model is None:
        told = [Standing(label, rows) for label, rows in campaign_undo.standing(file, DERIVED)]
        return sorted(told, key=lambda each: -each.rows)
    table = upsert.shape(file).table
    found = [
        Standing(str(model._meta.verbose_name_plural), _count_of(file, table, model, column))
        for model, column in taking_back.relations(file)
        if (model._meta.label, column) not in DERIVED
    ]
    found.append(Standing(str(_("rows that were changed again since")), _changed_again(file)))
    return sorted((each for each in found if each.rows), key=lambda each: -each.rows)


def refusal(stands: list[Standing]) -> str:
    """The counts as one sentence; "" where nothing stands."""
    if not stands:
        return ""
    return _("It was not undone, because other work stands on it: %(what)s.") % {
        "what": ", ".join(f"{each.label}: {each.rows:,}" for each in stands)
    }


def undo(file: ImportFile, user: User | None, job: Job | None = None) -> ImportFile:
    """Take the file back. One that is undone stays as it is. Raises Refused with the counts of what stands on it."""
    if file.state == State.UNDONE:
        return file
    if sentence := objection(file):
        raise Refused(sentence)
    with bulk.without_time_limit():
        if job:
            job.progress(
                0,
                (file.inserted or 0) + (file.updated or 0) + (file.closed or 0),
                _("Looking what stands on it"),
            )
        try:
            with transaction.atomic():
                _undo(file, user, job)
        except IntegrityError as error:
            raise Refused(
                _("Other rows stand on what this import brought, so it was left as it is.")
            ) from error
    file.refresh_from_db()
    staging.drop(file)
    return file


def _undo(file: ImportFile, user: User | None, job: Job | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('bankcrm.import'), hashtext(%s))", [file.kind])
    ImportFile.objects.select_for_update().get(pk=file.pk)
    if KINDS[file.kind].model is not None and _has_before(file):
        row_locks.written_by(file)
    if sentence := refusal(standing(file)):
        raise Refused(sentence)
    acting(user)
    if KINDS[file.kind].model is None:
        _pause(job, 0, _("Removing the campaign with all its files"))
        _finish(file, user, job, 0, campaign_undo.remove(file, user, DERIVED))
        return
    shape, restored = upsert.shape(file), 0
    if _has_before(file):
        note = _("Giving changed rows their former values")
        _pause(job, 0, note)
        restored = taking_back.restore(file, shape, lambda done: _pause(job, done, note))
    own_fields.remove(file)
    last = _("Removing the rows it brought")
    _pause(job, restored, last)
    removed = taking_back.remove(file, shape, DERIVED, lambda done: _pause(job, restored + done, last))
    if follows := KINDS[file.kind].undone:
        follows(file)
    _finish(file, user, job, restored, removed)


def _finish(file: ImportFile, user: User | None, job: Job | None, restored: int, removed: int) -> None:
    if job:
        job.fence()
    options = {name: value for name, value in file.options.items() if name != "resume"}
    undone = ImportFile.objects.filter(pk=file.pk, state=file.state)
    if not undone.update(state=State.UNDONE, undone_by=user, undone_at=Now(), options=options):
        raise Refused(_("Somebody else changed this import just now. Nothing was undone."))
    upsert.drop_before(ImportFile.objects.filter(pk=file.pk))
    audit.record(
        user,
        "import.undone",
        file,
        from_state=file.state,
        to_state=State.UNDONE,
        kind=file.kind,
        removed=removed,
        restored=restored,
    )


def _pause(job: Job | None, done: int, note: str) -> None:
    """Say where it is over a connection of its own, for nothing of this transaction shows; stop when asked to."""
    if job is None:
        return
    if Run.objects.filter(pk=job.run_id, cancel_requested=True).exists():
        raise RunCancelled
    job.done, job.note, job.last_word = done, note, time.monotonic()
    aside = connection.copy()
    try:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE bankcrm_run SET done = %s, note = %s WHERE id = %s AND lease_token = %s",
                [done, note[:200], job.run_id, job.token],
            )
    finally:
        aside.close()


def _count_of(file: ImportFile, table: sql.Composable, model: type[models.Model], column: str) -> int:
    # What the file itself said of its customers goes with them.
    by_others = SQL(" AND r.{} <> {}").format(Identifier(upsert.STAMP), Literal(file.pk))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT count(*) FROM {rows} r JOIN {table} t ON r.{column} = t.id WHERE {brought}{by_others}"
            ).format(
                by_others=by_others if model is OwnValues else SQL(""),
                rows=Identifier(model._meta.db_table),
                table=table,
                column=Identifier(column),
                brought=_brought(file),
            )
        )
        return int(cursor.fetchone()[0])


def _changed_again(file: ImportFile) -> int:
    """Rows that no longer say what the file wrote: changed by a later file, by hand, or gone."""
    # A later file counts, when it changes rows, which file had brought them.
    key = str(file.pk)
    others = ImportFile.objects.filter(pk__gt=file.pk, options__others__has_key=key).exclude(
        state=State.UNDONE
    )
    again = sum(int(other.options["others"][key]) for other in others)
    found = upsert.shape(file)
    with connection.cursor() as cursor:
        if file.kind == ImportFile.Kind.CUSTOMERS and not again:
            cursor.execute(
                SQL("SELECT count(*) FROM {} t WHERE {} AND t.updated_at > {}").format(
                    Identifier(Customer._meta.db_table), _brought(file), taking_back.last_write(file)
                )
            )
            again += int(cursor.fetchone()[0])
        if _has_before(file):
            cursor.execute(
                SQL(
                    "SELECT count(*) FROM {before} b LEFT JOIN {table} t ON {this}"
                    " WHERE {hash} IS DISTINCT FROM b.written"
                ).format(
                    before=Identifier(upsert.before_table(file)),
                    table=found.table,
                    this=upsert.this_row("b", found),
                    hash=upsert.written_hash(found),
                )
            )
            again += int(cursor.fetchone()[0])
    return again


def _brought(file: ImportFile) -> sql.Composable:
    return SQL("t.{} = {}").format(Identifier(upsert.STAMP), Literal(file.pk))


def _later(file: ImportFile) -> ImportFile | None:
    rows_in = ImportFile.objects.filter(kind=file.kind, source=file.source, inserted__isnull=False)
    later = rows_in.exclude(state=State.UNDONE).exclude(pk=file.pk)
    if file.merged_at:
        later = later.filter(models.Q(merged_at__gt=file.merged_at) | models.Q(merged_at__isnull=True))
    else:
        later = later.filter(merged_at__isnull=True)
    return later.order_by("-merged_at", "-pk").first()


def _has_before(file: ImportFile) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [upsert.before_table(file)])
        return bool(cursor.fetchone()[0])


def _is_kept(file: ImportFile) -> bool:
    return _has_before(file)


def forget_earlier(file: ImportFile) -> None:
    """Once ``file`` is merged, earlier files of its source are final: what was kept of them goes."""
    earlier = ImportFile.objects.filter(kind=file.kind, source=file.source, state=State.MERGED).exclude(
        pk=file.pk
    )
    upsert.drop_before(earlier.filter(options__has_key="before"))
    for other in earlier.filter(options__has_key="before"):
        other.options.pop("before")
        ImportFile.objects.filter(pk=other.pk).update(options=other.options)
