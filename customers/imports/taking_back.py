"""What an import did to rows, undone piece by piece within one transaction, so that it can say how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from customers.imports import upsert
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import KINDS
from customers.imports.upsert import Shape
from customers.models import ImportFile

SQL = sql.SQL
PIECE = 20_000
# Says how many rows are done.
Told = Callable[[int], None]


def restore(file: ImportFile, found: Shape, told: Told) -> int:
    """Former values of every row the file changed or marked as gone; returns how many."""
    touched = {column for column, _text in KINDS[file.kind].touched}
    # Whoever wrote another column of the row since keeps the moment of that.
    sets = [
        SQL("{0} = CASE WHEN t.{0} > {1} THEN t.{0} ELSE b.{0} END").format(
            Identifier(column), last_write(file)
        )
        if column in touched
        else SQL("{0} = b.{0}").format(Identifier(column))
        for column in found.kept
    ]
    if not sets:
        return 0
    restored = 0
    before = Identifier(upsert.before_table(file))
    with connection.cursor() as cursor:
        for piece in _by_place(before):
            cursor.execute(
                SQL("UPDATE {table} t SET {sets} FROM {before} b WHERE {this} AND {piece}").format(
                    table=found.table,
                    sets=SQL(", ").join(sets),
                    before=before,
                    this=upsert.this_row("b", found),
                    piece=piece,
                )
            )
            restored += int(cursor.rowcount)
            told(restored)
    return restored


def _by_place(before: sql.Composable) -> Iterator[sql.Composable]:
    """Conditions over ``b`` that cut the former values into pieces, by where they lie."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("SELECT count(*), pg_relation_size({}) / current_setting('block_size')::int FROM {}").format(
                Literal(before.as_string(connection.connection)), before
            )
        )
        rows, pages = map(int, cursor.fetchone())
    pieces = max(1, -(-rows // PIECE))
    places = [Literal(f"({pages * at // pieces},0)") for at in range(pieces)]
    for start, stop in zip(places, [*places[1:], None], strict=True):
        upto = SQL("") if stop is None else SQL(" AND b.ctid < {}::tid").format(stop)
        yield SQL("b.ctid >= {}::tid{}").format(start, upto)


def remove(file: ImportFile, found: Shape, derived: set[tuple[str, str]], told: Told) -> int:
    """Delete the rows the file brought and what is computed from them; returns how many it brought.

    Raises IntegrityError where rows stand on them: foreign keys, most of the work, are checked piece by piece.
    """
    brought = SQL("t.{} = {}").format(Identifier(upsert.STAMP), Literal(file.pk))
    removed = 0
    with connection.cursor() as cursor:
        for model, column in relations(file):
            if (model._meta.label, column) in derived:
                cursor.execute(
                    SQL("DELETE FROM {rows} r USING {table} t WHERE r.{column} = t.id AND {brought}").format(
                        rows=Identifier(model._meta.db_table),
                        table=found.table,
                        column=Identifier(column),
                        brought=brought,
                    )
                )
        for piece in _by_key(found, brought):
            cursor.execute(SQL("DELETE FROM {} t WHERE {} AND {}").format(found.table, brought, piece))
            removed += int(cursor.rowcount)
            connection.check_constraints()
            told(removed)
    return removed


def _by_key(found: Shape, brought: sql.Composable) -> list[sql.Composable]:
    """Conditions over ``t`` that cut what was brought into pieces; one where rows have a key of several columns."""
    if len(found.rows) > 1:
        return [SQL("true")]
    key = Identifier("t", found.rows[0])
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT min(key), max(key) FROM (SELECT {key} AS key, row_number() OVER (ORDER BY {key}) AS place"
                " FROM {table} t WHERE {brought}) numbered GROUP BY (place - 1) / {piece} ORDER BY 1"
            ).format(key=key, table=found.table, brought=brought, piece=Literal(PIECE))
        )
        return [
            SQL("{} BETWEEN {} AND {}").format(key, Literal(first), Literal(last))
            for first, last in cursor.fetchall()
        ]


def relations(file: ImportFile) -> Iterator[tuple[type[models.Model], str]]:
    """(model, column) of everything that points at rows of the file's table, of whichever app."""
    target = KINDS[file.kind].model
    assert target is not None  # noqa: S101  # undo.objection() refused kinds of several tables
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model is target and model is not ImportFile:
                yield model, str(field.column)


def last_write(file: ImportFile) -> sql.Composable:
    """When the file wrote last; never, while it is half in."""
    return Literal(file.merged_at) if file.merged_at else SQL("'infinity'::timestamptz")
