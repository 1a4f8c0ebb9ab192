"""Pages that exist only in tests, open to every role."""

import pytest

from tests.kit import pages


@pytest.fixture
def kit_pages(settings, monkeypatch):
    pages.open_to_everybody(settings, monkeypatch)
