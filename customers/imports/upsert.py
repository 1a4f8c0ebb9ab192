"""The statement that writes one chunk: new rows with the stamp of their file, changed rows beside their former values.

``import_before_<file>`` holds what undo needs of changed rows: their key, every column the file may change as it was,
and a hash of what the file made of them. It is written by the statement that changes them, so neither is without the
other. New rows need no copy: ``brought_by`` names the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from psycopg import sql

from customers.imports import checking, kinds, loads, mapping, own_fields, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import Kind
from customers.imports.kinds.declaration import Target
from customers.models import ImportFile

SQL = sql.SQL
STAMP = "brought_by"


@dataclass(frozen=True)
class Written:
    """What a chunk did; ``others`` counts the changed rows by the earlier file that had brought them."""

    new: int
    changed: int
    others: dict[str, int]


@dataclass(frozen=True)
class Estimate:
    """``flag`` says of ``column``, filled by ``target``, whether it is an estimate: of the file's values ``is_one``."""

    flag: str
    target: str
    column: str
    is_one: bool
    # Over ``k``: the truth, where another column of the row tells it.
    truth: sql.Composable
    # No column gives the target: what is neither known nor told by another stays as it is.
    is_besides: bool = False

    @property
    def fresh(self) -> sql.Composable:
        """Of a new row, over ``k``."""
        if not self.is_one:
            return SQL("false")
        return SQL("({0} IS NOT NULL AND {0} IS DISTINCT FROM {1})").format(
            Identifier("k", self.target), self.truth
        )

    @property
    def changed(self) -> sql.Composable:
        """Of a known row ``t``: a value that stays is as good as it was."""
        if not self.is_one and not self.is_besides:
            return SQL("false")
        return SQL(
            "CASE WHEN {says} = {truth} THEN false WHEN {says} = {was} THEN {flag} ELSE {fresh} END"
        ).format(
            says=Identifier("k", self.target),
            truth=self.truth,
            was=Identifier("t", self.column),
            flag=Identifier("t", self.flag),
            fresh=self.fresh,
        )


@dataclass(frozen=True)
class Shape:
    """The columns of a file in the table its rows end in."""

    table: sql.Identifier
    keys: tuple[tuple[str, str], ...]  # (target, column)
    filled: tuple[tuple[str, str], ...]  # (target, column) of everything the file gives
    rows: tuple[str, ...]  # the primary key
    changing: tuple[str, ...]
    touched: tuple[str, ...]
    closing: tuple[str, ...]
    emptied: tuple[str, ...]  # of a row that is listed: it is there again
    estimates: tuple[Estimate, ...]

    @property
    def given(self) -> frozenset[str]:
        """Columns a changed row gets from the file."""
        return frozenset(self.changing)

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns a former value is kept of."""
        return tuple(dict.fromkeys((*self.changing, *self.flags, *self.touched, *self.closing)))

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(each.flag for each in self.estimates)


def before_table(file: ImportFile) -> str:
    return f"import_before_{file.pk}"


def shape(file: ImportFile) -> Shape:
    """Raises ValueError for a kind that ends in several tables."""
    kind = kinds.of(file)
    if kind.model is None:
        raise ValueError(f"{kind.code} ends in several tables")
    cells = [cell for cell in checking.cells(file) if not cell.target.is_own]
    besides = checking.told_besides(file)
    targets = [*(cell.target for cell in cells), *besides]
    filled = tuple((target.name, target.column) for target in targets)
    keys = tuple((name, kind.target(name).column) for name in kind.key)
    key_columns = {column for _name, column in keys}
    changing = tuple(column for _name, column in filled if column not in key_columns)
    closing = loads.CLOSINGS.get(file.kind) if file.load == ImportFile.Load.FULL else None
    return Shape(
        table=Identifier(kind.model._meta.db_table),
        keys=keys,
        filled=filled,
        rows=tuple(str(field.column) for field in kind.model._meta.pk_fields),
        changing=changing,
        touched=tuple(column for column, _text in kind.touched),
        closing=(closing.column,) if closing else (),
        emptied=(closing.column,) if closing and closing.reopens and closing.column not in changing else (),
        estimates=tuple(
            _estimate(file, target, is_besides=target in besides)
            for target in targets
            if target.estimate_column
        ),
    )


def _estimate(file: ImportFile, target: Target, *, is_besides: bool) -> Estimate:
    reading = target.reading(mapping.readings(file).get(target.name, ""))
    truth: sql.Composable = SQL("NULL::date")
    if target.filled_from in mapping.sources(file):
        truth = target.filled(Identifier("k", target.filled_from))
    is_one = reading is not None and reading.is_estimate
    return Estimate(target.estimate_column, target.name, target.column, is_one, truth, is_besides)


def create_before(file: ImportFile) -> None:
    """An empty table for former values, unless an interrupted merge has made it."""
    found = shape(file)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "CREATE TABLE IF NOT EXISTS {before} AS"
                " SELECT {columns}, NULL::bigint AS written FROM {table} t WITH NO DATA"
            ).format(
                before=Identifier(before_table(file)),
                columns=_listed("t", (*found.rows, *found.kept)),
                table=found.table,
            )
        )


def drop_before(files: models.QuerySet[ImportFile]) -> None:
    """Forget the former values these files changed: they can no longer be undone."""
    with connection.cursor() as cursor:
        for file in files:
            cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(before_table(file))))


def any_known(file: ImportFile, after: int) -> bool:
    """Whether a row after line ``after`` has a key the bank knows: when none has, chunks look nothing up."""
    found = shape(file)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT EXISTS (SELECT FROM {checked} k JOIN {table} t ON {same} WHERE k.line > {after})"
            ).format(
                checked=Identifier(staging.checked_table(file)),
                table=found.table,
                same=_same(found),
                after=Literal(after),
            )
        )
        return bool(cursor.fetchone()[0])


def expected(file: ImportFile) -> tuple[int, int]:
    """(new, changed): what the checked rows would do if they went in now; the others say what is known already."""
    found = shape(file)
    changes: sql.Composable = SQL("false")
    if found.changing or found.emptied:
        changes = _changes(kinds.of(file), found)
    if own := own_fields.differs(file, SQL("t.id")):
        changes = SQL("({} OR {})").format(changes, own)
    is_known = SQL("t.{} IS NOT NULL").format(Identifier(found.rows[0]))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL("SET LOCAL work_mem = '256MB'"))
        cursor.execute(
            SQL(
                "SELECT count(*) FILTER (WHERE NOT {known}), count(*) FILTER (WHERE {known} AND {changes})"
                " FROM {checked} k LEFT JOIN {table} t ON {same}{months}"
            ).format(
                known=is_known,
                changes=changes,
                checked=Identifier(staging.checked_table(file)),
                table=found.table,
                same=_same(found),
                months=_within(cursor, file),
            )
        )
        new, changed = cursor.fetchone()
    return int(new), int(changed)


def _within(cursor: Any, file: ImportFile) -> sql.Composable:
    """The days the file speaks of, so that only their partitions are looked at."""
    kind = kinds.of(file)
    if not kind.month_column:
        return SQL("")
    cursor.execute(
        SQL("SELECT min({0}), max({0}) FROM {1}").format(
            Identifier(kind.month_column), Identifier(staging.checked_table(file))
        )
    )
    first, last = cursor.fetchone()
    if first is None:
        return SQL("")
    column = Identifier("t", kind.target(kind.month_column).column)
    return SQL(" AND {} BETWEEN {} AND {}").format(column, Literal(first), Literal(last))


def write_chunk(file: ImportFile, first: int, last: int, *, all_new: bool) -> Written:
    """Write the checked rows with ``first`` < line <= ``last``; one statement.

    ``all_new``: no key of the chunk is known. Raises IntegrityError where another transaction brought one meanwhile.
    """
    kind, found = kinds.of(file), shape(file)
    chunk = SQL("{} k WHERE k.line > {} AND k.line <= {}").format(
        Identifier(staging.checked_table(file)), Literal(first), Literal(last)
    )
    # One file of a kind at a time decides what is known; where nothing is, a unique key decides.
    lock = "pg_advisory_xact_lock_shared" if all_new else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtext('bankcrm.import'), hashtext(%s))", [file.kind])
        if all_new:
            cursor.execute(_insert(file, kind, found, chunk))
            return Written(cursor.rowcount, 0, {})
        cursor.execute(_statement(file, kind, found, chunk))
        new, changed, others = cursor.fetchone()
    return Written(new, changed, json.loads(others) if others else {})


def _insert(file: ImportFile, kind: Kind, found: Shape, source: sql.Composable) -> sql.Composed:
    values: list[tuple[str, sql.Composable]] = [
        (column, Identifier("k", name)) for name, column in found.filled
    ]
    values += [(each.flag, each.fresh) for each in found.estimates]
    given = {column for column, _value in values}
    values += [(column, SQL(text)) for column, text in kind.fixed if column not in given]
    values += [(column, SQL(text)) for column, text in kind.touched]
    values.append((STAMP, Literal(file.pk)))
    return SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY k.line").format(
        found.table,
        SQL(", ").join(Identifier(column) for column, _value in values),
        SQL(", ").join(value for _column, value in values),
        source,
    )


def _statement(file: ImportFile, kind: Kind, found: Shape, chunk: sql.Composable) -> sql.Composed:
    """Known rows are locked as they are read, in the order of their keys: what is kept of them is what the change
    meets, and who else changes many of them takes the same order."""
    fresh = _insert(
        file,
        kind,
        found,
        SQL("chunk k WHERE NOT EXISTS (SELECT FROM {} t WHERE {})").format(found.table, _same(found)),
    )
    if not found.changing and not found.emptied:
        return SQL(
            "WITH chunk AS MATERIALIZED (SELECT * FROM {chunk}), fresh AS ({fresh} RETURNING 1)"
            " SELECT (SELECT count(*) FROM fresh), 0, NULL::jsonb"
        ).format(chunk=chunk, fresh=fresh)
    return SQL(
        "WITH chunk AS MATERIALIZED (SELECT * FROM {chunk}),"
        " old AS (SELECT k.line AS from_line, t.{stamp}, {kept} FROM chunk k JOIN {table} t ON {same}"
        " WHERE {changes} ORDER BY {order} FOR NO KEY UPDATE OF t),"
        " changed AS (UPDATE {table} t SET {sets} FROM chunk k JOIN old ON old.from_line = k.line"
        " WHERE {this} RETURNING old.from_line, {hash} AS written),"
        " saved AS (INSERT INTO {before} ({columns}, written)"
        " SELECT {old_columns}, changed.written FROM old JOIN changed USING (from_line)){history},"
        " fresh AS ({fresh} RETURNING 1)"
        " SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM changed),"
        " (SELECT jsonb_object_agg({stamp}, rows) FROM"
        " (SELECT {stamp}, count(*) AS rows FROM old WHERE {stamp} IS NOT NULL GROUP BY {stamp}) brought)"
    ).format(
        chunk=chunk,
        stamp=Identifier(STAMP),
        kept=_listed("t", (*found.rows, *found.kept)),
        table=found.table,
        same=_same(found),
        changes=_changes(kind, found),
        order=_listed("t", found.rows),
        history=_history(file, kind, found),
        sets=_sets(kind, found),
        this=this_row("old", found),
        hash=written_hash(found),
        before=Identifier(before_table(file)),
        columns=SQL(", ").join(map(Identifier, (*found.rows, *found.kept))),
        old_columns=_listed("old", (*found.rows, *found.kept)),
        fresh=fresh,
    )


def _changes(kind: Kind, found: Shape) -> sql.Composable:
    """Whether the row ``k`` changes the known row ``t``; a later word is not taken back by an earlier one."""
    changes = SQL("({}) IS DISTINCT FROM ({})").format(_was(found), _says(found))
    if kind.dated_by in dict(found.filled):
        later = SQL("{} > {}").format(
            Identifier("t", kind.target(kind.dated_by).column), Identifier("k", kind.dated_by)
        )
        changes = SQL("({} AND NOT COALESCE({}, false))").format(changes, later)
    return changes


def _was(found: Shape) -> sql.Composable:
    return _listed("t", (*found.changing, *found.flags, *found.emptied))


def _says(found: Shape) -> sql.Composable:
    return SQL(", ").join(
        [
            *(Identifier("k", name) for name, column in found.filled if column in found.changing),
            *(each.changed for each in found.estimates),
            *(SQL("NULL") for _column in found.emptied),
        ]
    )


def _history(file: ImportFile, kind: Kind, found: Shape) -> sql.Composable:
    """More parts of the statement, so that no row changes without its history."""
    if kind.history is None:
        return SQL("")
    told = kind.history(file, found.given, frozenset(found.emptied), loads.effective_day(file))
    return SQL("").join(
        SQL(", {} AS ({})").format(Identifier(f"history_{at}"), statement)
        for at, statement in enumerate(told)
    )


def _sets(kind: Kind, found: Shape) -> sql.Composable:
    sets = [
        SQL("{} = {}").format(Identifier(column), Identifier("k", name))
        for name, column in found.filled
        if column in found.changing
    ]
    sets += [SQL("{} = {}").format(Identifier(each.flag), each.changed) for each in found.estimates]
    sets += [SQL("{} = NULL").format(Identifier(column)) for column in found.emptied]
    sets += [SQL("{} = {}").format(Identifier(column), SQL(text)) for column, text in kind.touched]
    return SQL(", ").join(sets)


def written_hash(found: Shape, alias: str = "t") -> sql.Composable:
    """64 bits over what the file may change in a row, so that undo sees whether somebody changed it again."""
    columns = tuple(dict.fromkeys((*found.changing, *found.flags, *found.closing)))
    return SQL("hashtextextended(ROW({})::text, 0)").format(_listed(alias, columns))


def this_row(alias: str, found: Shape) -> sql.Composable:
    """``t`` is the row that ``alias`` keeps the primary key of."""
    return SQL(" AND ").join(
        SQL("t.{0} = {1}.{0}").format(Identifier(column), Identifier(alias)) for column in found.rows
    )


def _same(found: Shape) -> sql.Composable:
    return SQL(" AND ").join(
        SQL("t.{} = k.{}").format(Identifier(column), Identifier(name)) for name, column in found.keys
    )


def _listed(alias: str, columns: Any) -> sql.Composable:
    return SQL(", ").join(Identifier(alias, column) for column in columns)
