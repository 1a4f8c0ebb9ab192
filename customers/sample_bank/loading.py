"""Writing months and contracts of the sample bank, and emptying what it wrote."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import numpy as np
from django.db import connection, transaction
from psycopg import sql

from bankcrm import bulk
from bankcrm.partitions import ensure_months, months_between
from customers.sample_bank.buying import NEVER
from customers.sample_bank.names import days
from customers.sample_bank.staff import Staff
from customers.sample_bank.state import Contracts, Month
from customers.sample_bank.transactions import digits

MONTHLY = (
    "customers_transaction",
    "customers_monthlybalance",
    "customers_customerprofile",
    "customers_contact",
)
PLAIN = (
    "customers_response",
    "customers_assignment",
    "customers_consent",
    "customers_quietperiod",
    "customers_consumerfinancecontract",
    "customers_consumerfinancestate",
    "customers_holding",
    "customers_peergroup",
    "customers_customer",
)
# Computed from the others and no fact of the bank; no foreign key empties it along.
COMPUTED = ("customers_acquisition",)
HOLDING_CHANNELS = ["counter", "mobile", "online"]


def empty() -> None:
    """Empty the tables the bank fills, and what refers to customers (leads, targets); staff and products stay."""
    with connection.cursor() as cursor:
        # Foreign keys still to be checked in this transaction would forbid it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in MONTHLY:
            for partition in _partitions(table):
                cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))
        names = sql.SQL(", ").join(map(sql.Identifier, [*PLAIN, *MONTHLY, *COMPUTED]))
        cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _partitions(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
            " AND inhrelid::regclass::text <> %s",
            [table, f"{table}_rest"],
        )
        return [name for (name,) in cursor.fetchall()]


@transaction.atomic
def write_month(table: str, month: datetime.date, parts: Iterable[Mapping[str, bulk.Column]]) -> int:
    """COPY a month into a partition of its own, indexed afterwards: sorting once is faster than inserting into trees.

    Where the partition exists already the rows are added to it. Returns the number of rows.
    """
    name = f"{table}_{month:%Y%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"partitions:{table}"])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return sum(bulk.copy_columns(name, part) for part in parts)
        part_name, parent = sql.Identifier(name), sql.Identifier(table)
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
                part_name, parent
            )
        )
        rows = sum(bulk.copy_columns(name, part) for part in parts)
        first = month.replace(day=1)
        after = months_between(first, first + datetime.timedelta(days=31))[1]
        cursor.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                parent, part_name, sql.Literal(first), sql.Literal(after)
            )
        )
    return rows


def balance_columns(month_end: datetime.date, month: Month, staff: Staff) -> dict[str, bulk.Column]:
    return {
        "month": np.full(len(month.customer), np.datetime64(month_end, "D")),
        "customer_id": month.customer + 1,
        "product_id": staff.products[month.product],
        "average": bulk.Scaled(np.rint(month.average * 100).astype(np.int64)),
        "closing": bulk.Scaled(np.rint(month.closing * 100).astype(np.int64)),
    }


def write_contracts(contracts: Contracts, staff: Staff) -> tuple[int, int]:
    """COPY what was opened, mark what was closed, forget both; returns (opened, closed)."""
    opened, closed = 0, 0
    ends, ended = _closings(contracts)
    for part in contracts.opened:
        ids, at = part["id"], np.searchsorted(ends, part["id"])
        at = np.minimum(at, max(len(ends) - 1, 0))
        gone = np.full(len(ids), NEVER, np.int64)
        if len(ends):
            gone = np.where(ends[at] == ids, ended[at], NEVER)
        opened += bulk.copy_columns("customers_holding", _holding_columns(part, gone, staff))
    first = min((int(part["id"].min()) for part in contracts.opened if len(part["id"])), default=NEVER)
    earlier = ends < first
    if earlier.any():
        closed = _mark_closed(ends[earlier], ended[earlier])
    contracts.opened.clear()
    contracts.closed.clear()
    return opened, closed + int((~earlier).sum())


def _closings(contracts: Contracts) -> tuple[np.ndarray, np.ndarray]:
    if not contracts.closed:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids = np.concatenate([ids for ids, _ in contracts.closed]).astype(np.int64)
    day = np.concatenate([day for _, day in contracts.closed]).astype(np.int64)
    order = np.argsort(ids)
    return ids[order], day[order]


def _mark_closed(ids: np.ndarray, day: np.ndarray) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE ended (id bigint, closed_on date) ON COMMIT DROP")
        bulk.copy_columns("ended", {"id": ids, "closed_on": days(day)})
        cursor.execute("ANALYZE ended")
        cursor.execute(
            "UPDATE customers_holding AS h SET closed_on = ended.closed_on, status = 'closed'"
            " FROM ended WHERE ended.id = h.id"
        )
        changed = cursor.rowcount
        cursor.execute("DROP TABLE ended")
    return int(changed)


def _holding_columns(part: dict[str, np.ndarray], gone: np.ndarray, staff: Staff) -> dict[str, bulk.Column]:
    return {
        "id": part["id"],
        "number": np.strings.add(b"H", digits(part["id"], 9)),
        "customer_id": part["customer"] + 1,
        "product_id": staff.products[part["product"]],
        "opened_on": days(part["opened"]),
        "closed_on": days(gone),
        "first_used_on": days(part["used"]),
        "matures_on": days(part["matures"]),
        "amount": part["amount"],
        "instalment": part["instalment"],
        "channel": bulk.Coded(part["channel"], HOLDING_CHANNELS),
        "status": bulk.Coded((gone != NEVER).astype(int), ["open", "closed"]),
    }


def holds_customers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM customers_customer)")
        return bool(cursor.fetchone()[0])


def continue_numbers() -> None:
    """Let ids given by the database follow those given here."""
    with connection.cursor() as cursor:
        for table in ("customers_customer", "customers_holding"):
            cursor.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT greatest(max(id), 1) FROM {}))"
                ).format(sql.Literal(table), sql.Identifier(table))
            )


def analyze() -> None:
    """Fresh statistics, because the planner has never seen these rows: coarse ones, autovacuum makes them finer."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 20")
        for table in (*PLAIN, *MONTHLY):
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def ready_months(first: datetime.date, last: datetime.date) -> None:
    """Partitions for contacts of the history; the other monthly tables get theirs with their rows."""
    ensure_months("customers_contact", first, last)
