"""The audit trail is added to and never changed, by nobody."""

import pytest
from django.db import DatabaseError, connection, transaction

from bankcrm import audit
from bankcrm.models import AuditEvent
from tests.cast import Cast


def test_a_row_says_who_did_what_to_which_object(cast: Cast) -> None:
    event = audit.record(cast.ada, "branch.renamed", cast.tree.n1, reason="merger", name="North 1")
    event.refresh_from_db()
    assert (event.actor, event.object_type, event.object_id) == (
        cast.ada,
        "bankcrm.branch",
        str(cast.tree.n1.pk),
    )
    assert (event.action, event.reason, event.details) == ("branch.renamed", "merger", {"name": "North 1"})
    assert event.at


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bankcrm_auditevent SET action = 'other'",
        "DELETE FROM bankcrm_auditevent",
        "TRUNCATE bankcrm_auditevent",
    ],
)
def test_rows_cannot_be_changed_or_removed(cast: Cast, statement: str) -> None:
    with connection.cursor() as cursor:
        # Off in tests so that tables can be emptied between them; see conftest.py.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE bankcrm_auditevent ENABLE TRIGGER audit_table_stays")
        audit.record(cast.ada, "branch.renamed", cast.tree.n1)
        with pytest.raises(DatabaseError, match="never changed or removed"), transaction.atomic():
            cursor.execute(statement)
    assert AuditEvent.objects.get().action == "branch.renamed"
