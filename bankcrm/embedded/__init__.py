"""The database and the broker of a machine where nobody has set one up.

Production sets ``DATABASE_URL`` and ``BROKER_URL`` and this package starts nothing. Where they are missing it runs
PostgreSQL and Valkey from their wheels under ``var/``, on Unix sockets only, and they keep running until ``stop()``.

Standard library and psycopg only: settings import this before Django is configured.
"""

import os
from urllib.parse import quote

from bankcrm.embedded import postgres, valkey
from bankcrm.embedded.paths import EmbeddedError, exclusive, var_dir

__all__ = [
    "EmbeddedError",
    "broker_url",
    "database_url",
    "ensure_started",
    "prepare_database",
    "remove",
    "revive",
    "status",
    "stop",
    "stopped",
    "truth_url",
    "var_dir",
]


def database_url() -> str:
    """Return ``DATABASE_URL``, or the address of the embedded database for the application's role. Starts nothing."""
    return os.environ.get("DATABASE_URL") or _embedded_url(postgres.APP_ROLE)


def truth_url() -> str:
    """Return ``TRUTH_DATABASE_URL``, or the same embedded database for the role that owns schema ``truth``.

    The sample bank plants its true propensities there, where the application's role cannot read them.
    """
    return os.environ.get("TRUTH_DATABASE_URL") or _embedded_url(postgres.TRUTH_ROLE)


def broker_url() -> str:
    """Return ``BROKER_URL``, or the address of the embedded Valkey in Celery's notation. Starts nothing."""
    return os.environ.get("BROKER_URL") or f"redis+socket://{valkey.socket_path()}?virtual_host=0"


def ensure_started() -> None:
    """Start whatever the environment does not provide; create and prepare the database when it is missing.

    Idempotent and safe when many processes call it at once. Raises ``EmbeddedError`` whose text names the fix.
    """
    wants_postgres = not os.environ.get("DATABASE_URL")
    wants_valkey = not os.environ.get("BROKER_URL")
    if (not wants_postgres or postgres.is_ready(_database())) and (not wants_valkey or valkey.is_ready()):
        return
    with exclusive():
        valkey.end_orphan()
        if wants_postgres:
            postgres.start()
            postgres.create_database(_database())
        if wants_valkey:
            valkey.start()


def revive() -> list[str]:
    """Start again what has crashed, and only that: a server somebody stopped stays stopped. Returns the names."""
    crashed = []
    if not os.environ.get("DATABASE_URL") and postgres.has_crashed():
        crashed.append("PostgreSQL")
    if not os.environ.get("BROKER_URL") and valkey.has_crashed():
        crashed.append("Valkey")
    if crashed:
        ensure_started()
    return crashed


def stopped() -> list[str]:
    """Names of the embedded servers that somebody stopped: they left nothing to revive. Cheap, looks at files only."""
    found = []
    if not os.environ.get("DATABASE_URL") and postgres.was_stopped():
        found.append("PostgreSQL")
    if not os.environ.get("BROKER_URL") and valkey.was_stopped():
        found.append("Valkey")
    return found


def prepare_database(name: str) -> None:
    """Give embedded database ``name`` (created elsewhere, for example by a test run) its schema ``truth``.

    Does nothing where ``DATABASE_URL`` is set: that server's administrator decides on roles and schemas.
    """
    if os.environ.get("DATABASE_URL"):
        return
    with exclusive():
        postgres.prepare(name)


def stop() -> None:
    """Stop the embedded servers; their data stays. Servers named by the environment are left alone."""
    with exclusive():
        postgres.stop()
        valkey.stop()


def remove() -> None:
    """Stop the embedded servers and delete their data, wherever it lives."""
    with exclusive():
        postgres.stop()
        valkey.stop()
        postgres.remove()
        valkey.remove()


def status() -> dict[str, dict[str, str]]:
    """Return ``{"postgres": {...}, "valkey": {...}}``: state, pid, where the data, the socket and the log are."""
    return {
        "postgres": {"state": "from DATABASE_URL"} if os.environ.get("DATABASE_URL") else postgres.describe(),
        "valkey": {"state": "from BROKER_URL"} if os.environ.get("BROKER_URL") else valkey.describe(),
    }


def _database() -> str:
    return os.environ.get("BANKCRM_DATABASE") or "bankcrm"


def _embedded_url(role: str) -> str:
    return f"postgresql://{role}@/{quote(_database())}?host={quote(str(postgres.socket_dir()), safe='')}"
