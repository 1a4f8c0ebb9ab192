"""What a full load says beyond its rows: which rows its source no longer has, and what becomes of them.

Known from a source are the rows that its files brought and that are still open. Of these, missing are those whose key
stands in no row of the file, the rows that were left out included: a customer with a wrong phone number is still there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg import sql

from bankcrm import audit, clock
from bankcrm.models import User
from bankcrm.runs import Refused
from customers.imports import at_work, checking, kinds, mapping, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import KINDS, Type
from customers.models import ImportFile, ImportReject

SQL = sql.SQL
CLOSE, KEEP = "close", "keep"
# Above this share of the known rows somebody has to say the number out loud.
MOST_MISSING = 0.05
UNREADABLE = ("wrong_number_of_fields", "nul_byte", "bad_quotes")


@dataclass(frozen=True)
class Closing:
    """How a row that is no longer there is marked: ``column`` becomes ``value`` where ``is_open`` holds over ``t``."""

    column: str
    value: str
    is_open: str
    sentence: Any
    # Whether a row marked so, by whomever, is open again when a full load that does not speak of the mark lists it.
    reopens: bool = False


CLOSINGS: dict[str, Closing] = {
    ImportFile.Kind.CUSTOMERS: Closing(
        "closed_on",
        "GREATEST({day}::date, t.opened_on)",
        "t.closed_on IS NULL",
        gettext_lazy("Marked as gone, they count as having left on the day of the load."),
        reopens=True,
    ),
    ImportFile.Kind.HOLDINGS: Closing(
        "closed_on",
        "GREATEST({day}::date, t.opened_on)",
        "t.closed_on IS NULL",
        gettext_lazy("Marked as gone, they count as closed on the day of the load."),
        reopens=True,
    ),
    ImportFile.Kind.STAFF: Closing(
        "is_active",
        "false",
        "t.is_active AND t.id <> {user}",
        gettext_lazy("Marked as gone, they can no longer sign in."),
    ),
}


@dataclass(frozen=True)
class Missing:
    """Open rows known from the source, how many of them the file does not hold, and how many more had ended before."""

    known: int
    missing: int
    ended: int = 0

    @property
    def share(self) -> float:
        return self.missing / self.known if self.known else 0.0

    @property
    def is_many(self) -> bool:
        return self.share > MOST_MISSING


def describe(
    file: ImportFile,
    *,
    source: str | None = None,
    load: str = "",
    effective_on: dt.date | None = None,
    without_day: bool = False,
) -> ImportFile:
    """Store where the file comes from, whether it is everything, and its day; it must be checked again.

    ``None`` and "" leave a value as it is; ``without_day`` takes the day away. Raises Refused for a full load of a kind
    or source that has none, for a day to come, and once rows are in.
    """
    values: dict[str, Any] = {}
    if source is not None:
        values["source"] = source.strip()[:40]
    if load:
        values["load"] = load
    if effective_on is not None:
        if effective_on > clock.today():
            raise Refused(_future(effective_on))
        values["effective_on"] = effective_on
    elif without_day:
        values["effective_on"] = None
    if values.get("load", file.load) == ImportFile.Load.FULL:
        _may_be_full(file, values.get("source", file.source))
    if not values:
        return file
    changed = ImportFile.objects.filter(pk=file.pk, inserted__isnull=True).exclude(
        state__in=[ImportFile.State.MERGED, ImportFile.State.UNDONE]
    )
    if not changed.update(state=ImportFile.State.UPLOADED, missing=None, **values):
        raise Refused(_("Rows of the file are in; what the load is can no longer change."))
    file.refresh_from_db()
    return file


def _may_be_full(file: ImportFile, source: str) -> None:
    if file.kind not in CLOSINGS:
        raise Refused(_("Files of this kind only add and change; a full load of them says nothing more."))
    if not source:
        raise Refused(
            _("A full load needs the name of its source: it speaks for the rows of that source only.")
        )


def _future(day: dt.date) -> str:
    return _("%(day)s lies in the future; no file can speak of it yet.") % {"day": day.isoformat()}


def effective_day(file: ImportFile) -> dt.date:
    """The day the load speaks of: as told, otherwise the business day."""
    return file.effective_on or clock.today()


def day_objection(
    file: ImportFile, day: dt.date, mapped: Mapping[str, str], constants: Mapping[str, Any]
) -> str:
    """Why a load whose columns mean ``mapped`` cannot be of that day; "" if it can. ``constants``: what rows share."""
    if day > clock.today():
        return _future(day)
    kind = kinds.of(file)
    if not kind.day or kind.day in mapping.meant(mapped):
        return ""
    target = kind.target(kind.day)
    if target.type == Type.MONTH_END and (day + dt.timedelta(days=1)).day != 1:
        return _("%(day)s is not the last day of a month.") % {"day": day.isoformat()}
    told = str(constants.get(kind.day) or "")
    if told and told != day.isoformat() and not mapping.PLACEHOLDER.search(told):
        return _("Two days are told: the load is as of %(day)s, and %(label)s is %(told)s.") % {
            "day": day.isoformat(),
            "label": target.label,
            "told": told,
        }
    return ""


def count(file: ImportFile) -> Missing | None:
    """Of a full load that is staged; None of any other. Its keys stay listed for the merge."""
    if file.load != ImportFile.Load.FULL or file.kind not in CLOSINGS:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        _list_keys(cursor, file)
        cursor.execute(
            SQL(
                "SELECT (SELECT count(*) FROM {table} t WHERE {known}),"
                " (SELECT count(*) FROM {table} t WHERE {known} AND {free} AND {gone}),"
                " (SELECT count(*) FROM {table} t WHERE {brought} AND NOT ({known}))"
            ).format(
                gone=_gone(file),
                free=_free(file),
                table=_table(file),
                known=_known(file),
                brought=_brought(file),
            )
        )
        return Missing(*cursor.fetchone())


def _list_keys(cursor: Any, file: ImportFile) -> None:
    """Every key the file holds, once and indexed: each known row looks itself up, however large the file."""
    name = KINDS[file.kind].key[0]
    keys = Identifier(staging.keys_table(file))
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(keys))
    cursor.execute(
        SQL(
            "CREATE UNLOGGED TABLE {keys} WITH (autovacuum_enabled = false) AS"
            " SELECT DISTINCT found.key FROM {raw} s CROSS JOIN LATERAL (SELECT {text} AS key) found"
            " WHERE found.key IS NOT NULL"
        ).format(
            keys=keys,
            raw=Identifier(staging.raw_table(file)),
            text=checking.cell_of(file, name).text,
        )
    )
    cursor.execute(SQL("CREATE UNIQUE INDEX ON {} (key)").format(keys))
    cursor.execute(SQL("ANALYZE {}").format(keys))


def staying(file: ImportFile) -> list[dict[str, str]]:
    """Missing staff whom nothing marks as gone while they hold customers, leads or somebody's place.

    Each as {"number", "name", "holds"}, by number; empty for every other kind and load.
    """
    if file.load != ImportFile.Load.FULL or file.kind != ImportFile.Kind.STAFF:
        return []
    held = at_work.holders()
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT t.id FROM {table} t WHERE t.id = ANY({held}) AND t.id <> {user} AND {ours} AND {gone}"
            ).format(
                table=_table(file),
                held=Literal(list(held)),
                user=Literal(file.uploaded_by_id or 0),
                ours=_brought(file),
                gone=_gone(file),
            )
        )
        missing = [pk for (pk,) in cursor.fetchall()]
    return [
        {"number": user.employee_number, "name": user.full_name, "holds": held[user.pk]}
        for user in User.objects.filter(pk__in=missing).order_by("employee_number")
    ]


def unreadable(file: ImportFile) -> int:
    """Rows of which not even the key is known: while there are any, nobody knows who is missing."""
    return ImportReject.objects.filter(file=file, code__in=UNREADABLE).count()


def confirm(file: ImportFile, user: User | None, action: str, agreed: int | None = None) -> None:
    """Say what becomes of the missing rows before the file goes in.

    ``action``: CLOSE or KEEP. ``agreed``: their number, required where they are many. Raises Refused for a wrong
    number, for CLOSE while rows are unreadable, and for a file that is not a checked full load.
    """
    if file.state != ImportFile.State.CHECKED or file.load != ImportFile.Load.FULL:
        raise Refused(_("Only a checked full load says which rows are no longer there."))
    if action not in (CLOSE, KEEP):
        raise Refused(_("Say whether missing rows are marked as gone or left as they are."))
    found = Missing(int(file.options.get("known", 0)), file.missing or 0)
    if action == CLOSE and found.missing:
        if rows := unreadable(file):
            raise Refused(
                _(
                    "%(rows)s rows of the file cannot be read, so nobody knows whom they hold. Mend them first."
                )
                % {"rows": f"{rows:,}"}
            )
        if found.is_many and agreed != found.missing:
            raise Refused(
                _("%(missing)s of %(known)s known rows are missing. Confirm that number, or leave them.")
                % {"missing": f"{found.missing:,}", "known": f"{found.known:,}"}
            )
    with transaction.atomic():
        file.options["absent"] = {"action": action, "missing": found.missing}
        if not ImportFile.objects.filter(pk=file.pk, state=ImportFile.State.CHECKED).update(
            options=file.options
        ):
            raise Refused(_("The file is no longer as it was checked. Check it again."))
        audit.record(
            user, "import.missing_rows", file, to_state=action, missing=found.missing, known=found.known
        )


def objection(file: ImportFile) -> str:
    """Why a full load may not go in yet; "" when it may."""
    if file.load != ImportFile.Load.FULL or not file.missing or "absent" in file.options:
        return ""
    return _("Say first what becomes of the %(missing)s rows that the file does not hold.") % {
        "missing": f"{file.missing:,}"
    }


def close_missing(
    file: ImportFile, before: str, rows: tuple[str, ...], kept: tuple[str, ...], written: Any
) -> int:
    """Mark the missing rows as gone and keep their former values in ``before``; returns how many. One statement.

    Raises Refused, and marks none, when more are missing than were confirmed.
    """
    told: Mapping[str, Any] = file.options.get("absent", {})
    if file.load != ImportFile.Load.FULL or told.get("action") != CLOSE:
        return 0
    with transaction.atomic():
        marked = _mark_missing(file, before, rows, kept, written)
        if marked > told["missing"]:
            raise Refused(
                _("%(now)s rows are missing now, %(told)s were confirmed. Check the file again.")
                % {"now": f"{marked:,}", "told": f"{told['missing']:,}"}
            )
    return marked


def _mark_missing(
    file: ImportFile, before: str, rows: tuple[str, ...], kept: tuple[str, ...], written: Any
) -> int:
    closing = CLOSINGS[file.kind]
    columns = SQL(", ").join(map(Identifier, (*rows, *kept)))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "WITH old AS (SELECT {of_t} FROM {table} t WHERE {known} AND {gone} AND {free}"
                " ORDER BY {order} FOR NO KEY UPDATE OF t),"
                " changed AS (UPDATE {table} t SET {column} = {value}{touched} FROM old WHERE {this}"
                " RETURNING {keys}, {written} AS written)"
                " INSERT INTO {before} ({columns}, written)"
                " SELECT {of_old}, changed.written FROM old JOIN changed ON {again}"
            ).format(
                of_t=_listed("t", (*rows, *kept)),
                order=_listed("t", rows),
                table=_table(file),
                known=_known(file),
                gone=_gone(file),
                free=_free(file),
                column=Identifier(closing.column),
                value=SQL(closing.value).format(day=Literal(effective_day(file))),
                touched=SQL("").join(
                    SQL(", {} = {}").format(Identifier(column), SQL(text))
                    for column, text in KINDS[file.kind].touched
                ),
                this=_equal("t", "old", rows),
                keys=_listed("t", rows),
                written=written,
                before=Identifier(before),
                columns=columns,
                of_old=_listed("old", (*rows, *kept)),
                again=_equal("changed", "old", rows),
            )
        )
        return int(cursor.rowcount)


def _table(file: ImportFile) -> sql.Identifier:
    model = KINDS[file.kind].model
    assert model is not None  # noqa: S101  # every kind of CLOSINGS has a table
    return Identifier(model._meta.db_table)


def _known(file: ImportFile) -> sql.Composable:
    return SQL("{} AND {}").format(
        _brought(file), SQL(CLOSINGS[file.kind].is_open).format(user=Literal(file.uploaded_by_id or 0))
    )


def _free(file: ImportFile) -> sql.Composable:
    """Nothing keeps the row: of staff, they hold nothing that must be given to others first."""
    if file.kind != ImportFile.Kind.STAFF:
        return SQL("true")
    return SQL("t.id <> ALL({}::bigint[])").format(Literal(list(at_work.holders())))


def _brought(file: ImportFile) -> sql.Composable:
    files = ImportFile.objects.filter(kind=file.kind, source=file.source, inserted__isnull=False).exclude(
        pk=file.pk
    )
    return SQL("t.brought_by = ANY({}::bigint[])").format(Literal(list(files.values_list("pk", flat=True))))


def _gone(file: ImportFile) -> sql.Composable:
    kind = KINDS[file.kind]
    return SQL("NOT EXISTS (SELECT FROM {keys} s WHERE s.key = t.{column})").format(
        keys=Identifier(staging.keys_table(file)), column=Identifier(kind.target(kind.key[0]).column)
    )


def _listed(alias: str, columns: tuple[str, ...]) -> sql.Composable:
    return SQL(", ").join(Identifier(alias, column) for column in columns)


def _equal(left: str, right: str, columns: tuple[str, ...]) -> sql.Composable:
    return SQL(" AND ").join(
        SQL("{} = {}").format(Identifier(left, column), Identifier(right, column)) for column in columns
    )
