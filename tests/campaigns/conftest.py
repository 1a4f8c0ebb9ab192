"""These tests live on one day, whatever the calendar says."""

from __future__ import annotations

import pytest

from tests.campaigns.factories import TODAY


@pytest.fixture(autouse=True)
def _on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY)
