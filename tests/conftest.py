"""Fixtures every test may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The named cast on its branch tree; see tests/cast.py."""
    from tests.cast import make_bank

    return make_bank()
