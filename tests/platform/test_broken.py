"""Which faults are the database being away, and which are ours."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import RequestFactory

from bankcrm.broken import database_is_away, server_error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (caused(OperationalError("refused"), psycopg.OperationalError("refused")), True),
        (caused(OperationalError("shutdown"), psycopg.errors.AdminShutdown("shutdown")), True),
        (caused(OperationalError("starting"), psycopg.errors.CannotConnectNow("starting")), True),
        (InterfaceError("connection already closed"), True),
        (caused(OperationalError("slow"), psycopg.errors.QueryCanceled("slow")), False),
        (caused(OperationalError("full"), psycopg.errors.DiskFull("full")), False),
        (caused(DataError("text"), psycopg.errors.InvalidTextRepresentation("text")), False),
        (ZeroDivisionError(), False),
    ],
)
def test_only_a_database_that_does_not_answer_is_away(error, away):
    assert database_is_away(error) is away
    try:
        raise error
    except type(error):
        answer = server_error(RequestFactory().get("/work/"))
    assert answer.status_code == (503 if away else 500)
    assert ("Retry-After" in answer) is away
