"""Fixtures of the platform's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bankcrm import dispatch, runs
from bankcrm.job import Job


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
