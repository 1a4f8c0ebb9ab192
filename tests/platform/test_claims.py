"""One supervisor and one maker of a bank at a time on a database; the next one is told in a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bankcrm.embedded import claims
from bankcrm.embedded.paths import runs

REPOSITORY = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from bankcrm.embedded import claims
with claims.claim(sys.argv[1], int(sys.argv[2]) or None):
    print("holds", flush=True)
    time.sleep(600)
"""
Hold = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "BANKCRM_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BANKCRM_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def hold(var: Path) -> Iterator[Hold]:
    """Starts a process that holds a claim, and returns once it does."""
    started: list[subprocess.Popen[str]] = []

    def start(
        role: str, port: int = 0, database: str = "bankcrm", ignoring: str = ""
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", ignoring + HOLD, role, str(port)],
            cwd=REPOSITORY, env={**os.environ, "BANKCRM_DATABASE": database}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_second_one_is_told_who_serves_where(hold: Hold) -> None:
    first = hold(claims.SERVING, 8123)

    where = rf"at http://127\.0\.0\.1:8123/ \(process {first.pid}\)"
    with pytest.raises(claims.Taken, match=where), claims.claim(claims.SERVING, 8124):
        pytest.fail("two of them")
    with pytest.raises(claims.Taken):
        claims.refuse_beside_others(claims.MAKING, claims.SERVING)
    assert claims.holders() == [claims.Holder(claims.SERVING, first.pid, "bankcrm", 8123)]


def test_another_role_and_another_database_are_free(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(claims.SERVING, 8123)

    claims.refuse_beside_others(claims.MAKING)
    with claims.claim(claims.MAKING):
        assert claims.holder(claims.MAKING) is not None
    assert claims.holder(claims.MAKING) is None
    monkeypatch.setenv("BANKCRM_DATABASE", "bankcrm_loop")
    with claims.claim(claims.SERVING):
        assert len(claims.holders()) == 2


def test_kill_9_leaves_no_claim_behind(hold: Hold) -> None:
    hold(claims.MAKING).send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while claims.holder(claims.MAKING):
        assert time.monotonic() < deadline, "the claim outlives its process"
        time.sleep(0.05)
    with claims.claim(claims.MAKING):
        pass


def test_stop_ends_every_holder_of_this_var_and_no_other_process(
    hold: Hold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("BANKCRM_VAR", str(tmp_path / "another"))
        stranger = hold(claims.SERVING, 8125)
    monkeypatch.setattr(claims, "STOP_SECONDS", 1.0)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    mine = [hold(claims.SERVING, 8123), hold(claims.MAKING, database="bankcrm_loop", ignoring=stubborn)]
    told: list[str] = []

    claims.stop(told.append)

    assert [process.wait(timeout=10) for process in mine] == [-signal.SIGTERM, -signal.SIGKILL]
    assert f"serving database bankcrm at http://127.0.0.1:8123/ (process {mine[0].pid})" in " ".join(told)
    assert f"making database bankcrm_loop (process {mine[1].pid})" in " ".join(told)
    assert claims.holders() == []
    assert runs(stranger.pid, "python")
