"""Locks of an import in the order every writer takes them: customers by their ids, then what hangs on them.

Two that take the same rows in the same order wait for each other; in different orders one of them is killed.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from customers.imports import kinds, upsert
from customers.imports.expressions import Identifier, Literal
from customers.models import ImportFile

SQL = sql.SQL


def customers_of(file: ImportFile, rows: sql.Composable) -> None:
    """Lock whom ``rows`` is about, a FROM clause over ``k`` with the customer's id, where the kind asks for it."""
    if not kinds.of(file).locks_customers:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT count(*) FROM (SELECT c.id FROM customers_customer c WHERE c.id IN (SELECT k.customer FROM {})"
                " ORDER BY c.id FOR NO KEY UPDATE OF c) locked"
            ).format(rows)
        )


def written_by(file: ImportFile) -> None:
    """Lock what the file brought and changed, before it is counted and taken back.

    Of rows with a key of several columns, which nobody else writes, only those it changed.
    """
    found = upsert.shape(file)
    before, brought = Identifier(upsert.before_table(file)), SQL("t.brought_by = {}").format(Literal(file.pk))
    this = upsert.this_row("b", found)
    if kinds.of(file).locks_customers:
        whose = SQL(
            "(SELECT t.customer_id AS customer FROM {table} t WHERE {brought} UNION"
            " SELECT t.customer_id FROM {table} t JOIN {before} b ON {this}) k"
        ).format(table=found.table, brought=brought, before=before, this=this)
        customers_of(file, whose)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "SELECT count(*) FROM (SELECT FROM {table} t WHERE {brought} OR EXISTS"
                " (SELECT FROM {before} b WHERE {this}) ORDER BY {rows} FOR UPDATE OF t) locked"
            ).format(
                table=found.table,
                brought=brought if len(found.rows) == 1 else SQL("false"),
                before=before,
                this=this,
                rows=SQL(", ").join(Identifier("t", column) for column in found.rows),
            )
        )
