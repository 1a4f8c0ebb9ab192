"""Servers of a test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankcrm import embedded

FOREIGN_VARIABLES = ("DATABASE_URL", "TRUTH_DATABASE_URL", "BROKER_URL", "PG_BIN", "BANKCRM_DATABASE")


@pytest.fixture
def own_var(tmp_path: Path) -> Iterator[Path]:
    """A ``var/`` of this test's own, with nothing running before and nothing left after."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("BANKCRM_VAR", str(tmp_path / "var"))
        patch.setenv("BANKCRM_PG_SHARED_BUFFERS", "16MB")
        yield tmp_path / "var"
        for name in FOREIGN_VARIABLES:
            os.environ.pop(name, None)
        embedded.remove()
