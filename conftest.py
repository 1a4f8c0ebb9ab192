"""What every test gets: the embedded servers, and a test database prepared like a real one."""

import pytest

from bankcrm import embedded


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.help and not config.option.collectonly:
        embedded.ensure_started()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> None:
    """Give the test database its schema ``truth`` once pytest-django has created it."""
    from django.db import connection

    embedded.prepare_database(str(connection.settings_dict["NAME"]))
