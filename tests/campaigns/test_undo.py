"""Undo: lead, history and feedback are as before, once, for a while, and never over somebody else's work."""

from __future__ import annotations

import datetime as dt

import pytest

from bankcrm.models import AuditEvent
from campaigns import followup, queue
from campaigns.conflicts import Conflict, Refused
from campaigns.models import FollowUp, Lead
from campaigns.outcomes import MEANINGS
from customers.models import Consent, Contact, Customer, Response
from tests.campaigns.lead_cases import entry, pushed_leads

pytestmark = pytest.mark.django_db
FIELDS = (*followup.RESTORED, "rm_id", "value")


def picture(lead):
    """Everything an outcome may touch."""
    return {
        "leads": list(Lead.objects.order_by("pk").values(*FIELDS)),
        "contacts": Contact.objects.count(),
        "responses": list(Response.objects.values("kind", "reference")),
        "consents": list(Consent.objects.values("channel", "is_objection", "since", "source")),
        "phone": Customer.objects.get(pk=lead.customer_id).phone_is_wrong,
    }


@pytest.mark.parametrize("outcome", [meaning.value for meaning in MEANINGS])
def test_undo_puts_everything_back(cast, outcome):
    lead, *_rest = pushed_leads(cast)
    before = picture(lead)
    done = followup.record(lead.pk, cast.rita, entry(outcome, note="x"))
    assert picture(lead) != before
    undone = followup.undo(done.pk, cast.rita)
    assert picture(lead) == before
    assert undone.undone_at is not None
    assert Lead.objects.get(pk=lead.pk).claimed_by == cast.rita
    assert AuditEvent.objects.get(action="lead.outcome_undone").details["follow_up"] == done.pk


def test_undo_of_the_second_outcome_keeps_the_first(cast):
    lead, *_rest = pushed_leads(cast)
    followup.record(lead.pk, cast.rita, entry("no_answer"))
    between = picture(lead)
    second = followup.record(lead.pk, cast.rita, entry("converted"))
    followup.undo(second.pk, cast.rita)
    assert picture(lead) == between


def test_undoing_twice_is_once(cast):
    lead, *_rest = pushed_leads(cast)
    done = followup.record(lead.pk, cast.rita, entry("declined"))
    followup.undo(done.pk, cast.rita)
    followup.undo(done.pk, cast.rita)
    assert AuditEvent.objects.filter(action="lead.outcome_undone").count() == 1


def test_only_the_last_outcome_of_a_lead_is_undone(cast):
    lead, *_rest = pushed_leads(cast)
    first = followup.record(lead.pk, cast.rita, entry("no_answer"))
    followup.record(lead.pk, cast.rita, entry("later"))
    before = picture(lead)
    with pytest.raises(Conflict):
        followup.undo(first.pk, cast.rita)
    assert picture(lead) == before


def test_nobody_undoes_for_somebody_else_or_after_an_hour(cast):
    lead, *_rest = pushed_leads(cast)
    done = followup.record(lead.pk, cast.rita, entry("no_answer"))
    with pytest.raises(FollowUp.DoesNotExist):
        followup.undo(done.pk, cast.bao)
    FollowUp.objects.filter(pk=done.pk).update(at=queue.moment() - dt.timedelta(minutes=61))
    with pytest.raises(Refused, match="60 minutes"):
        followup.undo(done.pk, cast.rita)
    assert followup.last_undoable(cast.rita) is None


def test_a_lead_that_moved_or_is_in_work_is_not_undone_under_a_colleague(cast):
    lead, other, _third = pushed_leads(cast)
    done = followup.record(lead.pk, cast.rita, entry("no_answer"))
    queue.claim(lead.pk, cast.bao)
    with pytest.raises(queue.Taken):
        followup.undo(done.pk, cast.rita)
    gone = followup.record(other.pk, cast.rita, entry("no_answer"))
    Lead.objects.filter(pk=other.pk).update(rm=cast.raj, branch=cast.tree.s1)
    with pytest.raises(Lead.DoesNotExist):
        followup.undo(gone.pk, cast.rita)


def test_undo_leaves_an_objection_that_came_by_another_way(cast):
    lead, *_rest = pushed_leads(cast)
    done = followup.record(lead.pk, cast.rita, entry("do_not_contact"))
    Consent.objects.update(source="letter 12")
    followup.undo(done.pk, cast.rita)
    assert Consent.objects.get().is_objection


def test_the_undo_button_offers_the_last_outcome(cast):
    first, second, _third = pushed_leads(cast)
    followup.record(first.pk, cast.rita, entry("no_answer"))
    last = followup.record(second.pk, cast.rita, entry("no_answer"))
    assert followup.last_undoable(cast.rita) == last
    followup.undo(last.pk, cast.rita)
    assert followup.last_undoable(cast.rita).lead == first
