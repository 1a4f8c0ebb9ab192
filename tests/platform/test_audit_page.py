"""The audit trail can be searched by person, object, action and time."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from bankcrm import audit
from bankcrm.models import AuditEvent
from tests.cast import Cast, login


def actions(client: object, query: str) -> list[str]:
    return [event.action for event in client.get(f"/audit/{query}").context["page"].rows]


def test_events_are_found_by_person_object_action_and_day(cast: Cast) -> None:
    audit.record(cast.mei, "campaign.submitted", cast.tree.n1)
    audit.record(cast.omar, "campaign.approved", cast.tree.n2, reason="fits the plan")
    audit.record(None, "run.done", cast.rita)
    client = login(cast.ada)
    assert actions(client, "") == ["run.done", "campaign.approved", "campaign.submitted"]
    assert actions(client, "?who=omar") == actions(client, "?who=E-omar") == ["campaign.approved"]
    assert actions(client, "?action=campaign") == ["campaign.approved", "campaign.submitted"]
    assert actions(client, f"?kind=branch&number={cast.tree.n1.pk}") == ["campaign.submitted"]
    assert actions(client, "?kind=bankcrm.user") == ["run.done"]
    today = timezone.localdate()
    assert len(actions(client, f"?since={today}&until={today}")) == 3
    assert actions(client, f"?since={today + dt.timedelta(days=1)}") == []
    # Days no one can add to filter nothing.
    assert len(actions(client, "?until=9999-12-31")) == len(actions(client, "?since=0001-01-01")) == 3
    assert actions(client, f"?until={today - dt.timedelta(days=1)}") == []
    assert len(actions(client, "?since=rubbish")) == 3


def test_a_page_of_events_is_a_fixed_number_of_queries(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    for person in cast.everybody().values():
        for _ in range(10):
            audit.record(person, "user.changed", person)
    client = login(cast.aud)
    with django_assert_max_num_queries(8):
        page = client.get("/audit/").context["page"]
    assert len(page.rows) == 50
    assert page.next
    assert AuditEvent.objects.count() == 90


def test_only_administrators_and_auditors_read_it(cast: Cast) -> None:
    for name, person in cast.everybody().items():
        assert login(person).get("/audit/").status_code == (200 if name in ("ada", "aud") else 403), name
