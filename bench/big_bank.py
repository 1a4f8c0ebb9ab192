"""A large bank with everything a customer page reads, filled by COPY, for timing imports, profiles, search and pages.

For ``n`` customers: all attributes, 2.5 contracts each, a year of month-end balances (12 n) and of bookings (20 n),
consents, quiet periods, consumer finance with a state of every contract and month, eight past campaigns with contacts
and responses, the profile of the newest month and the acquisitions built with it.
Realistic because the rows are the sample bank's own (``customers.sample_bank``), one hundred thousand customers at a
time, so that memory does not grow with ``n``; without its laws, because nothing planted is measured here.

A measured path on this bank is a module of ``bench/`` with ``measure(bank: BigBank) -> list[Line]`` and one line in
``bench/paths.py``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from bankcrm import bulk, clock
from bankcrm.models import Role, User
from bankcrm.partitions import ensure_months, months_between
from bench import big_rows
from customers import acquisition, profile
from customers.models import Customer, CustomerProfile
from customers.sample_bank import attitudes, finance, loading, staff, transactions
from customers.sample_bank.bank import day_number, month_ends
from customers.sample_bank.staff import Staff

TODAY = dt.date(2026, 11, 25)
MONTH = dt.date(2026, 10, 31)
FIRST = dt.date(2025, 11, 1)
PASSWORD = "bankcrm-demo"  # of every login, as in a demo
PORTFOLIO = 600  # customers of one relationship manager
BOOKINGS_A_MONTH = 1.78
CHUNK = 100_000
PLAIN = (
    "customers_customer",
    "customers_holding",
    "customers_consent",
    "customers_consumerfinancecontract",
    "customers_consumerfinancestate",
    "customers_quietperiod",
    "customers_assignment",
    "customers_response",
)
MONTHLY = ("customers_transaction", "customers_monthlybalance", "customers_contact")

Tell = Callable[[str], object]


@dataclass(frozen=True)
class BigBank:
    """What a measured path needs to know of the bank. Logins: rita, raj, bao, mei, omar, max, ana, ada, aud, rm….

    ``rm`` (Rita) has about ``PORTFOLIO`` customers, ``planner`` (Mei) sees all of them. History runs from ``first`` to
    ``month``, the newest month-end with data and the only one with a profile; the business day is ``today``.
    """

    n: int
    first: dt.date
    month: dt.date
    today: dt.date
    rm: User
    branch_manager: User
    planner: User
    analyst: User
    administrator: User


def fill(n: int, tell: Tell = lambda text: None) -> BigBank:
    """Make the bank of ``n`` customers in the database Django is connected to, or find it there.

    Raises ``SystemExit`` where the database holds another bank; a fill that was interrupted is never taken for a bank,
    because ``bench.databases`` marks it only afterwards.
    """
    found = Customer.objects.count()
    if not found:
        _fill(n, tell)
    elif found != n:
        raise SystemExit(f"this database holds {found:,} customers, not {n:,}: use --drop")
    if not CustomerProfile.objects.filter(month=MONTH).exists():
        tell(f"  profile of {MONTH}")
        profile.build(MONTH)
        acquisition.build(MONTH)
        _vacuum(["customers_customerprofile", "customers_acquisition"])
    users = {
        user.username: user for user in User.objects.filter(username__in=["rita", "bao", "mei", "ana", "ada"])
    }
    return BigBank(
        n, FIRST, MONTH, TODAY, users["rita"], users["bao"], users["mei"], users["ana"], users["ada"]
    )


def _fill(n: int, tell: Tell) -> None:
    with transaction.atomic():
        who, places = _staff(n)
        clock.set_day(TODAY)
        ensure_months("customers_contact", FIRST, MONTH)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '768MB'")
    months = month_ends(FIRST, MONTH)
    ends = {end: day_number(end) for end in months}
    written: dict[str, int] = dict.fromkeys([*PLAIN, *MONTHLY], 0)
    with _without_indexes([*PLAIN]), _month_tables(months):
        for base in range(0, n, CHUNK):
            size = min(CHUNK, n - base)
            _chunk(base, size, who, places, ends, written)
            tell(f"  {base + size:,} customers, {written['customers_transaction']:,} transactions")
        tell("  states of contracts")
        written["customers_consumerfinancestate"] = finance.write_states(big_rows.SEED, FIRST, MONTH)
        tell("  indexes")
    loading.continue_numbers()
    tell("  statistics")
    _vacuum([*PLAIN, *MONTHLY])
    tell("  " + ", ".join(f"{rows:,} {table.partition('_')[2]}s" for table, rows in written.items()))


def _chunk(
    base: int, size: int, who: Staff, places: np.ndarray, ends: dict[dt.date, int], written: dict[str, int]
) -> None:
    """Customers ``base + 1`` to ``base + size`` with their whole history."""

    def write(table: str, columns: dict[str, bulk.Column], to: str = "") -> None:
        written[table] += bulk.copy_columns(to or table, columns)

    first, last = day_number(FIRST), day_number(MONTH)
    part = big_rows.draw(base, size, first, last, places, next_holding=written["customers_holding"] + 1)
    for number, (end, stop) in enumerate(ends.items()):
        begin = day_number(end.replace(day=1))
        suffix = f"_{end:%Y%m}"
        for columns in transactions.month(
            part.law, part.people.traits, part.state, begin, stop, number, BOOKINGS_A_MONTH
        ):
            before = written["customers_transaction"]
            write(
                "customers_transaction",
                big_rows.moved(columns, base, before),
                f"customers_transaction{suffix}",
            )
        write(
            "customers_monthlybalance",
            big_rows.balances(part, begin, stop, number, end, who),
            f"customers_monthlybalance{suffix}",
        )
    write("customers_customer", big_rows.customers(part, who))
    written["customers_holding"] += big_rows.write_holdings(part, who)
    write("customers_consent", big_rows.moved(attitudes.consents(part.law.seed, part.people, last), base))
    write("customers_quietperiod", big_rows.quiet_periods(part, day_number(TODAY)))
    contracts = big_rows.moved(attitudes.consumer_finance(part.law.seed, part.people, last), base)
    write("customers_consumerfinancecontract", big_rows.numbered(contracts))
    for campaign in big_rows.CAMPAIGNS:
        assigned, contacts, responses = big_rows.campaign(part, campaign, last)
        write("customers_assignment", assigned)
        write("customers_contact", contacts)
        write("customers_response", responses)


def _staff(n: int) -> tuple[Staff, np.ndarray]:
    """The sample bank's staff and as many more relationship managers as ``n`` customers need; branch of each."""
    known = staff.write(PASSWORD, FIRST)
    places = staff.branch_of_managers()
    more = max(0, math.ceil(n / PORTFOLIO) - len(places))
    extra = np.arange(more) % len(staff.BRANCHES)
    hashed = make_password(PASSWORD)
    made = User.objects.bulk_create(
        [
            User(
                username=f"rm{number + len(places) + 1}",
                employee_number=f"X{number + 1:05d}",
                full_name=f"Manager {number + 1}",
                role=Role.RM,
                branch_id=int(known.branches[place]),
                daily_capacity=20,
                password=hashed,
            )
            for number, place in enumerate(extra.tolist())
        ],
        batch_size=1000,
    )
    managers = np.concatenate([known.managers, np.array([user.pk for user in made], np.int64)])
    places = np.concatenate([places, extra])
    backups = np.empty(len(managers), np.int64)
    for place in range(len(staff.BRANCHES)):
        here = np.nonzero(places == place)[0]
        backups[here] = managers[np.roll(here, 1)]
    return Staff(known.branches, managers, backups, known.products), places


@contextmanager
def _without_indexes(tables: list[str]) -> Iterator[None]:
    """Foreign keys and plain indexes of ``tables`` are dropped for the block and made again afterwards, sorted once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])",
            [tables],
        )
        keys = cursor.fetchall()
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i"
            " WHERE indrelid = ANY(%s::regclass[])"
            " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            [tables],
        )
        indexes = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _name, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def _month_tables(months: list[dt.date]) -> Iterator[None]:
    """Tables for bookings and balances of ``months``, attached to their parents, and so indexed, after the block."""
    parents = ("customers_transaction", "customers_monthlybalance")
    with connection.cursor() as cursor:
        for parent in parents:
            for end in months:
                cursor.execute(
                    f"CREATE TABLE {parent}_{end:%Y%m} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
                )
        yield
        for parent in parents:
            for end in months:
                first = end.replace(day=1)
                after = months_between(first, end + dt.timedelta(days=1))[-1]
                cursor.execute(
                    f"ALTER TABLE {parent} ATTACH PARTITION {parent}_{end:%Y%m}"
                    f" FOR VALUES FROM ('{first}') TO ('{after}')"
                )


def _vacuum(tables: list[str]) -> None:
    """Fresh statistics and visibility maps, as a bank's autovacuum keeps them."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
