"""What an import leaves in the history of customers: other relationship managers, and who is there again."""

from __future__ import annotations

import datetime as dt

from psycopg import sql

from customers.models import CustomerReturn, ImportFile, PortfolioMove

SQL = sql.SQL
# Column of the customer → the row's own word on it.
MANAGERS = {"primary_rm_id": "primary_rm", "backup_rm_id": "backup_rm"}


def left_behind(
    file: ImportFile, given: frozenset[str], emptied: frozenset[str], day: dt.date
) -> list[sql.Composable]:
    """The statements of one chunk: see ``Kind.history``. What the file does not give is NULL on both sides."""
    statements: list[sql.Composable] = []
    if given & MANAGERS.keys():
        nothing = SQL("NULL::bigint")
        now = {column: SQL(f"k.{word}") if column in given else nothing for column, word in MANAGERS.items()}
        was = {column: SQL(f"old.{column}") if column in given else nothing for column in MANAGERS}
        statements.append(
            SQL(
                "INSERT INTO customers_portfoliomove"
                " (file_id, customer_id, from_rm_id, to_rm_id, backup_before_id, backup_after_id)"
                " SELECT {file}, old.id, {was}, {now}, {backup_was}, {backup_now}"
                " FROM old JOIN chunk k ON k.line = old.from_line"
                " WHERE {was} IS DISTINCT FROM {now} OR {backup_was} IS DISTINCT FROM {backup_now}"
            ).format(
                file=sql.Literal(file.pk),
                was=was["primary_rm_id"],
                now=now["primary_rm_id"],
                backup_was=was["backup_rm_id"],
                backup_now=now["backup_rm_id"],
            )
        )
    if "closed_on" in given | emptied:
        statements.append(
            SQL(
                "INSERT INTO customers_customerreturn (file_id, customer_id, left_on, returned_on)"
                " SELECT {file}, old.id, old.closed_on, {day}::date"
                " FROM old JOIN chunk k ON k.line = old.from_line WHERE old.closed_on IS NOT NULL AND {open}"
            ).format(
                file=sql.Literal(file.pk),
                day=sql.Literal(day),
                open=SQL("k.closed_on IS NULL" if "closed_on" in given else "true"),
            )
        )
    return statements


def forget(file: ImportFile) -> None:
    """The file was taken back: what it had done to customers did not happen."""
    PortfolioMove.objects.filter(file=file).delete()
    CustomerReturn.objects.filter(file=file).delete()
