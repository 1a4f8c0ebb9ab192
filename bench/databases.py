"""Bench databases: dropped on request or when half filled, migrated, filled, marked as complete."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from bankcrm import embedded
from bench.paths import CAMPAIGNS, CUSTOMERS, DATABASES, IMPORTS

MARK = "bench_mark"


def drop(name: str) -> None:
    """Raises psycopg's ``ObjectInUse`` while somebody works in it."""
    with psycopg.connect(embedded.database_url(), dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def make_ready(bank: str, n: int, tell: Callable[[str], None], *, keep: bool) -> Any:
    """The filled bank of ``n`` customers: the one that is there, or a new one.

    The connection must lead to its database. Raises ``SystemExit`` where a migration has changed since it was filled,
    unless ``keep``: a bank takes minutes to make and somebody may be measuring on it.
    """
    from django.core.management import call_command
    from django.db import connection

    from bench import big_bank, import_customers, world

    name = DATABASES[bank].format(n=n)
    with _alone(name):
        found = _mark()
        if not keep and found not in (None, _stamp()):
            raise SystemExit(
                f"{name} was made with another schema: --drop makes it anew, --keep takes it as it is"
            )
        # Banks of campaigns made before there were marks are complete: they were filled in one transaction.
        if found is None and bank != CAMPAIGNS:
            connection.close()
            tell(f"{name} is missing or half filled: making it")
            drop(name)
            embedded.ensure_started()
        call_command("migrate", verbosity=0)
        tell(f"bank of {bank}: {n:,} customers in {name}")
        if bank == CUSTOMERS:
            made: Any = big_bank.fill(n, tell)
        elif bank == IMPORTS:
            made = import_customers.fill(n)
        else:
            made = world.build(n, tell)
            world.analyze()
        if _mark() is None:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {MARK} AS SELECT %s AS stamp", [_stamp()])
    return made


def _mark() -> str | None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [MARK])
        if cursor.fetchone()[0] is None:
            return None
        cursor.execute(f"SELECT stamp FROM {MARK}")
        return str(cursor.fetchone()[0])


def _stamp() -> str:
    """Changes with the SQL of any migration of the product, not with the words of its choices."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection, replace_migrations=False)
    ours = {path.parent.name for path in settings.BASE_DIR.glob("*/migrations")}
    plan = [(loader.graph.nodes[key], False) for key in sorted(loader.graph.nodes) if key[0] in ours]
    return hashlib.sha256("\n".join(loader.collect_sql(plan)).encode()).hexdigest()


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time makes a database ready."""
    with (embedded.var_dir() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
