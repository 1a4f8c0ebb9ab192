"""Consumer-finance contracts (S1.8): the newest of the states the bank told about each is the contract itself."""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from customers.models import ConsumerFinanceContract, ConsumerFinanceState, ImportFile

SQL = sql.SQL
COLUMNS = (
    "number",
    "customer_id",
    "opened_on",
    "partner",
    "scene",
    "upfront_fee",
    "principal",
    "principal_outstanding",
    "overdue_days",
    "as_of",
)


def derive(_file: ImportFile | None, chunk: sql.Composable) -> None:
    """Bring the contracts whose numbers stand in ``chunk`` (a FROM clause over ``k``) to their newest state."""
    _derive(SQL("WHERE s.number IN (SELECT k.number FROM {})").format(chunk))


def derive_again(_file: ImportFile | None = None) -> None:
    """All contracts from the states that are left: those without any go."""
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "DELETE FROM {contracts} c WHERE NOT EXISTS (SELECT FROM {states} s WHERE s.number = c.number)"
            ).format(**_tables())
        )
    _derive(SQL(""))


def _derive(where: sql.Composable) -> None:
    columns = [sql.Identifier(name) for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "INSERT INTO {contracts} AS old ({columns})"
                " SELECT DISTINCT ON (s.number) {chosen} FROM {states} s {where} ORDER BY s.number, s.as_of DESC"
                " ON CONFLICT (number) DO UPDATE SET ({columns}) = ({new})"
                " WHERE ({old}) IS DISTINCT FROM ({new})"
            ).format(
                **_tables(),
                columns=SQL(", ").join(columns),
                chosen=SQL(", ").join(SQL("s.{}").format(column) for column in columns),
                new=SQL(", ").join(SQL("excluded.{}").format(column) for column in columns),
                old=SQL(", ").join(SQL("old.{}").format(column) for column in columns),
                where=where,
            )
        )


def _tables() -> dict[str, sql.Composable]:
    return {
        "contracts": sql.Identifier(ConsumerFinanceContract._meta.db_table),
        "states": sql.Identifier(ConsumerFinanceState._meta.db_table),
    }
