"""Fixtures of the platform's tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bankcrm import dispatch, embedded, runs
from bankcrm.job import Job

FOREIGN_VARIABLES = ("DATABASE_URL", "TRUTH_DATABASE_URL", "BROKER_URL", "PG_BIN", "BANKCRM_DATABASE")


@contextmanager
def a_var_of_its_own(var: Path) -> Iterator[Path]:
    """``var`` as the place of the embedded servers, with nothing running before and nothing left after."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("BANKCRM_VAR", str(var))
        patch.setenv("BANKCRM_PG_SHARED_BUFFERS", "16MB")
        yield var
        for name in FOREIGN_VARIABLES:
            os.environ.pop(name, None)
        embedded.remove()


@pytest.fixture
def own_var(tmp_path: Path) -> Iterator[Path]:
    """A ``var/`` of this test's own."""
    with a_var_of_its_own(tmp_path / "var") as var:
        yield var


@pytest.fixture
def declare() -> Iterator[Callable[..., str]]:
    """Declares a kind of work for one test."""
    before = dict(runs.KINDS)

    def declared(call: Callable[[Job], Any], *, roles: Any = None) -> str:
        kind = f"test.{call.__name__}"
        runs.KINDS.pop(kind, None)
        runs.work(kind, "Test work", roles=roles)(call)
        return kind

    yield declared
    runs.KINDS.clear()
    runs.KINDS.update(before)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids that would have been published."""
    sent: list[int] = []

    def publish(run_ids: Any) -> list[int]:
        ids = list(run_ids)
        sent.extend(ids)
        return ids

    monkeypatch.setattr(dispatch._broker, "publish", publish)
    return sent
