"""A note on a lead without an outcome: kept once, told in the timeline, never lost to a refusal."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bankcrm.models import AuditEvent
from campaigns import followup, notes, queue
from campaigns.conflicts import Conflict, Refused
from campaigns.models import FollowUp, Lead, LeadNote
from customers import timeline
from customers.timeline import Group
from tests.campaigns.factories import TODAY
from tests.campaigns.lead_cases import entry, pushed_leads
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def lead(cast: Cast) -> Lead:
    return pushed_leads(cast, 2)[0]


def save(client: Client, lead: Lead, text: str, key: uuid.UUID | None = None) -> Any:
    sent = {"note": text, "note_key": key or uuid.uuid4()}
    return client.post(reverse("lead-note", args=[lead.pk]), sent, headers=HTMX)


def told(user: Any, lead: Lead) -> list[str]:
    found = timeline.timeline(user, lead.customer, TODAY, groups=[Group.NOTES])
    return [one.what for one in found]


def test_a_note_is_saved_alone_and_the_lead_stays_as_it_is(cast: Cast, lead: Lead) -> None:
    before = Lead.objects.values().get(pk=lead.pk)
    answer = save(login(cast.rita), lead, "  asks for the brochure ")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "asks for the brochure" in page
    assert "noted" in answer["HX-Trigger"]
    assert Lead.objects.values().get(pk=lead.pk) == before
    assert not FollowUp.objects.exists()
    assert "brochure" not in str(AuditEvent.objects.get(action="lead.noted").details)
    assert b"asks for the brochure" in login(cast.rita).get(reverse("lead-detail", args=[lead.pk])).content


def test_the_same_note_sent_twice_is_kept_once_and_its_key_takes_no_other(cast: Cast, lead: Lead) -> None:
    key = uuid.uuid4()
    for _time in range(2):
        notes.write(lead.pk, cast.rita, "has moved", key)
    assert LeadNote.objects.count() == AuditEvent.objects.filter(action="lead.noted").count() == 1
    with pytest.raises(Conflict):
        notes.write(lead.pk, cast.rita, "has not moved", key)
    assert save(login(cast.rita), lead, "   ").status_code == 422
    assert login(cast.raj).post(reverse("lead-note", args=[lead.pk]), {}).status_code == 404
    assert LeadNote.objects.count() == 1


def test_the_timeline_tells_notes_to_those_who_talk_with_the_customer(cast: Cast, lead: Lead) -> None:
    done = followup.record(lead.pk, cast.rita, entry("no_answer", note="rang three times"))
    notes.write(lead.pk, cast.rita, "mornings only")
    assert sorted(told(cast.rita, lead)) == ["mornings only", "rang three times"]
    assert sorted(told(cast.aud, lead)) == ["mornings only", "rang three times"]
    assert told(cast.mei, lead) == []
    followup.undo(done.pk, cast.rita)
    assert told(cast.rita, lead) == ["mornings only"]


def test_ones_own_note_is_taken_back_and_a_colleagues_is_not(cast: Cast, lead: Lead) -> None:
    note = notes.write(lead.pk, cast.rita, "wrong customer")
    url = reverse("note-undo", args=[note.pk])
    assert login(cast.bao).post(url, headers=HTMX).status_code == 404
    page = login(cast.rita).post(url, headers=HTMX).content.decode()
    assert "wrong customer" not in page
    assert told(cast.rita, lead) == []
    late = notes.write(lead.pk, cast.rita, "too late")
    LeadNote.objects.filter(pk=late.pk).update(at="2020-01-01T00:00Z")
    with pytest.raises(Refused):
        notes.undo(late.pk, cast.rita)


def test_a_typed_note_stays_when_a_colleague_closed_the_lead_meanwhile(cast: Cast, lead: Lead) -> None:
    followup.record(lead.pk, cast.bao, entry("declined"))
    typed = {"outcome": "no_answer", "client_key": uuid.uuid4(), "note": "likes to sail"}
    url = reverse("lead-outcome", args=[lead.pk])
    answer = login(cast.rita).post(url, typed, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="likes to sail"' in page
    assert reverse("lead-note", args=[lead.pk]) in page
    plain = login(cast.rita).post(url, typed)
    assert plain.status_code == 409
    assert 'value="likes to sail"' in plain.content.decode()
    assert not FollowUp.objects.filter(by=cast.rita).exists()
    save(login(cast.rita), lead, "likes to sail")
    assert told(cast.rita, lead) == ["likes to sail"]


def test_a_typed_note_stays_when_a_colleague_holds_the_lead(cast: Cast, lead: Lead) -> None:
    queue.claim(lead.pk, cast.bao)
    typed = {"outcome": "no_answer", "client_key": uuid.uuid4(), "note": "likes to sail"}
    answer = login(cast.rita).post(reverse("lead-outcome", args=[lead.pk]), typed, headers=HTMX)
    assert answer.status_code == 409
    assert 'value="likes to sail"' in answer.content.decode()
    assert LeadNote.objects.count() == 0


def test_putting_a_lead_off_keeps_the_note_that_was_typed(cast: Cast, lead: Lead) -> None:
    until = f"{TODAY.replace(year=TODAY.year + 1)}T10:00"
    sent = {"until": until, "note": "on holiday", "note_key": uuid.uuid4()}
    login(cast.rita).post(reverse("lead-snooze", args=[lead.pk]), sent, headers=HTMX)
    assert LeadNote.objects.get().text == "on holiday"
    assert Lead.objects.get(pk=lead.pk).next_at is not None
