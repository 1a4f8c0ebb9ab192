"""The embedded servers: started by anyone, from anywhere, after anything, and gone when told."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from bankcrm import embedded
from bankcrm.embedded import postgres, valkey
from bankcrm.embedded.paths import LONGEST_SOCKET_PATH, postgres_home, runs, socket_dir

REPOSITORY = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can act as another operating-system user"
)


def processes(marker: str) -> list[int]:
    """Live processes with ``marker`` in their command line, this one excepted."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if number != os.getpid() and runs(number, marker)]


def kill(pid: int) -> None:
    """Send SIGKILL and wait until the kernel has carried it out."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while runs(pid, "/") and time.monotonic() < deadline:
        time.sleep(0.02)


def postmaster() -> int:
    return int((postgres_home() / "data" / "postmaster.pid").read_text().split()[0])


def valkey_client() -> redis.Redis:
    return redis.Redis(unix_socket_path=str(valkey.socket_path()))


def ledger(action: Callable[[psycopg.Connection], object]) -> object:
    with psycopg.connect(embedded.database_url()) as connection:
        return action(connection)


def write_ledger(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE ledger AS SELECT generate_series(1, 50000) AS line")


def count_ledger(connection: psycopg.Connection) -> int:
    return connection.execute("SELECT count(*) FROM ledger").fetchone()[0]


def test_the_first_start_creates_a_database_the_application_owns_and_a_broker(own_var: Path) -> None:
    embedded.ensure_started()

    with psycopg.connect(embedded.database_url()) as connection:
        facts = connection.execute(
            """SELECT current_user, current_database(), rolsuper, rolcreatedb, rolcreaterole,
                      current_setting('listen_addresses'), current_setting('fsync'), datcollate, datdba = pg_roles.oid
               FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"""
        ).fetchone()
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE EXTENSION btree_gin")
    assert facts == ("bankcrm", "bankcrm", False, True, False, "", "on", "C.UTF-8", True)
    broker = valkey_client()
    assert broker.ping()
    assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert broker.config_get("appendonly") == {"appendonly": "yes"}
    assert socket_dir().stat().st_mode & 0o777 == 0o700
    assert {facts["state"] for facts in embedded.status().values()} == {"running"}


def test_a_second_call_changes_nothing(own_var: Path) -> None:
    embedded.ensure_started()
    before = (postmaster(), valkey_client().info()["process_id"])
    embedded.ensure_started()
    assert (postmaster(), valkey_client().info()["process_id"]) == before


def test_four_processes_that_start_it_at_once_get_one_server(own_var: Path) -> None:
    command = [sys.executable, "-m", "bankcrm.embedded", "start"]
    started = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    outcomes = [(process.communicate(timeout=60), process.returncode) for process in started]

    assert [code for _, code in outcomes] == [0] * 4, outcomes
    assert len(processes(f"-D {postgres_home() / 'data'}")) == 1
    assert len(processes(f"valkey-server unixsocket:{valkey.socket_path()}")) == 1


def test_it_survives_kill_9_of_the_postmaster(own_var: Path) -> None:
    embedded.ensure_started()
    ledger(write_ledger)
    kill(postmaster())

    assert embedded.revive() == ["PostgreSQL"]

    assert ledger(count_ledger) == 50000


def test_it_survives_kill_9_of_the_broker_with_its_messages(own_var: Path) -> None:
    embedded.ensure_started()
    broker = valkey_client()
    broker.lpush("celery", "one", "two")
    kill(broker.info()["process_id"])

    assert embedded.revive() == ["Valkey"]

    assert valkey_client().llen("celery") == 2


def test_a_zombie_postmaster_counts_as_dead(own_var: Path) -> None:
    # As PID 1 of some containers does, the script adopts the killed postmaster and never reaps it.
    script = """
        import ctypes, os, signal
        from pathlib import Path
        from bankcrm import embedded
        from bankcrm.embedded import postgres
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
        embedded.ensure_started()
        first = postgres._postmaster()
        os.kill(first, signal.SIGKILL)
        embedded.ensure_started()
        assert Path(f"/proc/{first}/stat").read_text().split()[2] == "Z", "the postmaster was no zombie"
        assert postgres._postmaster() not in (None, first)
        embedded.stop()
        print("started again")
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert ended.stdout.strip() == "started again", ended.stderr


def test_a_pid_file_that_names_another_program_does_not_stop_it(own_var: Path) -> None:
    embedded.ensure_started()
    embedded.stop()
    (postgres_home() / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    embedded.ensure_started()
    assert embedded.status()["postgres"]["state"] == "running"


def test_an_interrupted_first_start_is_repeated(own_var: Path) -> None:
    embedded.ensure_started()
    embedded.stop()
    data = postgres_home() / "data"
    data.rename(postgres_home() / "data.new")
    (postgres_home() / "data.new" / "PG_VERSION").unlink()
    embedded.ensure_started()
    assert embedded.status()["postgres"]["state"] == "running"


def test_a_clean_stop_leaves_no_process_no_socket_and_the_data(own_var: Path) -> None:
    embedded.ensure_started()
    ledger(write_ledger)
    embedded.stop()

    assert processes(str(postgres_home())) == []
    assert processes(str(valkey.socket_path())) == []
    assert list(socket_dir().iterdir()) == []
    assert not list(own_var.rglob("*.pid")) + list(postgres_home().rglob("postmaster.pid"))
    assert {facts["state"] for facts in embedded.status().values()} == {"stopped"}
    assert embedded.revive() == [], "what somebody stopped stays stopped"
    embedded.stop()
    embedded.ensure_started()
    assert ledger(count_ledger) == 50000


@needs_root
def test_deleting_var_deletes_the_data_as_root_too(own_var: Path) -> None:
    embedded.ensure_started()
    ledger(write_ledger)
    shutil.rmtree(own_var)
    embedded.ensure_started()
    assert len(processes(f"valkey-server unixsocket:{valkey.socket_path()}")) == 1, "the old broker is gone"
    with pytest.raises(psycopg.errors.UndefinedTable):
        ledger(count_ledger)


def test_the_application_cannot_read_the_truth(own_var: Path) -> None:
    embedded.ensure_started()
    with psycopg.connect(embedded.truth_url()) as truth:
        truth.execute("CREATE TABLE truth.propensity AS SELECT 1 AS customer, 0.3 AS probability")
        assert truth.execute("SELECT count(*) FROM truth.propensity").fetchone() == (1,)

    for forbidden in (
        "SELECT * FROM truth.propensity",
        "SET ROLE bankcrm_truth",
        "GRANT bankcrm_truth TO bankcrm",
        "DROP SCHEMA truth CASCADE",
        "ALTER SCHEMA truth OWNER TO bankcrm",
    ):
        with (
            psycopg.connect(embedded.database_url()) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(forbidden)


def test_a_database_made_by_the_application_gets_its_truth_when_prepared(own_var: Path) -> None:
    embedded.ensure_started()
    with psycopg.connect(embedded.database_url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_mei")
    embedded.prepare_database("test_mei")
    embedded.prepare_database("test_mei")
    with psycopg.connect(embedded.truth_url(), dbname="test_mei") as truth:
        truth.execute("CREATE TABLE truth.effect (customer bigint)")
    application = psycopg.connect(embedded.database_url(), dbname="test_mei")
    with application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("SELECT * FROM truth.effect")


def test_another_database_name_is_created_in_the_running_server(
    own_var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.ensure_started()
    monkeypatch.setenv("BANKCRM_DATABASE", "dev_omar")
    embedded.ensure_started()
    with psycopg.connect(embedded.database_url()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("dev_omar",)


def test_what_the_environment_names_is_used_and_nothing_is_started(
    own_var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.bank.example/crm")
    monkeypatch.setenv("TRUTH_DATABASE_URL", "postgresql://truth@db.bank.example/crm")
    monkeypatch.setenv("BROKER_URL", "redis://broker.bank.example/3")
    embedded.ensure_started()
    embedded.prepare_database("crm")
    assert embedded.database_url() == "postgresql://app@db.bank.example/crm"
    assert embedded.truth_url() == "postgresql://truth@db.bank.example/crm"
    assert embedded.broker_url() == "redis://broker.bank.example/3"
    assert embedded.revive() == []
    assert not own_var.exists()
    assert not postgres_home().exists()


def test_only_the_missing_server_is_started(own_var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.bank.example/crm")
    embedded.ensure_started()
    assert valkey_client().ping()
    assert not (postgres_home() / "data").exists()


def test_the_addresses_are_known_before_anything_runs(own_var: Path) -> None:
    assert embedded.database_url().startswith("postgresql://bankcrm@/bankcrm?host=")
    assert embedded.broker_url() == f"redis+socket://{socket_dir()}/valkey.sock?virtual_host=0"
    assert not own_var.exists()


def test_socket_paths_stay_under_the_limit_of_the_kernel(own_var: Path) -> None:
    # Undone here: whatever the order of teardown, no later test may inherit this one's directory.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bankcrm.embedded.paths.is_root", lambda: False)
        patch.setenv("BANKCRM_VAR", str(own_var / ("deep" * 20) / ("deeper" * 10)))
        assert len(str(socket_dir() / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
        patch.setenv("BANKCRM_VAR", "/srv/bankcrm/var")
        assert socket_dir() == Path("/srv/bankcrm/var/run")


def test_a_pg_bin_without_a_server_is_named(
    own_var: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(embedded.EmbeddedError, match=f"PG_BIN={tmp_path} holds no initdb"):
        embedded.ensure_started()


def test_pg_bin_wins_over_the_wheel(own_var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        pytest.skip("the machine has no PostgreSQL of its own under /usr/lib/postgresql")
    monkeypatch.setenv("PG_BIN", str(installed[-1].parent))
    embedded.ensure_started()
    with psycopg.connect(embedded.database_url()) as connection:
        assert connection.info.server_version // 10000 == int(installed[-1].parents[1].name)
    embedded.stop()
    monkeypatch.delenv("PG_BIN")
    if postgres.find_binaries() != installed[-1].parent:
        with pytest.raises(embedded.EmbeddedError, match="belongs to PostgreSQL"):
            embedded.ensure_started()


def test_without_any_binaries_one_sentence_names_every_way_out(
    own_var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(own_var))
    with pytest.raises(embedded.EmbeddedError) as told:
        embedded.ensure_started()
    for way in ("pip install", "apt-get install postgresql", "PG_BIN", "DATABASE_URL"):
        assert way in str(told.value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.bank.example/crm")
    with pytest.raises(embedded.EmbeddedError, match=r"No Valkey server found.*BROKER_URL"):
        embedded.ensure_started()
