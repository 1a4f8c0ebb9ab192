"""Pages that exist only in tests, open to every role."""

import pytest

from bankcrm import policy


@pytest.fixture
def kit_pages(settings, monkeypatch):
    settings.ROOT_URLCONF = "tests.kit.pages"
    for name in ("kit-example", "kit-saved", "kit-slow", "kit-fail", "kit-expired", "kit-message"):
        monkeypatch.setitem(policy.REGISTRY, name, policy.Rule(policy.EVERYONE, policy.EVERYONE))
