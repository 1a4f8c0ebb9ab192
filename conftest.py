"""What every test gets: the embedded servers, and a test database prepared like a real one."""

import os
from typing import Any

# Two processes test side by side on two cores: threads of a learner would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from bankcrm import embedded


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.help and not config.option.collectonly:
        embedded.ensure_started()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Give the test database its schema ``truth`` once pytest-django has created it."""
    from django.db import connection

    embedded.prepare_database(str(connection.settings_dict["NAME"]))
    # Transactional tests empty every table between them; tests/platform/test_audit.py switches the trigger on again.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bankcrm_auditevent DISABLE TRIGGER audit_table_stays")
