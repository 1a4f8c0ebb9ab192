"""Feedback that bites: one answer acts on consent, data and the customer's other leads at once (D41)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from bankcrm.models import AuditEvent
from campaigns import feedback, followup, queue
from campaigns.models import Lead
from customers.models import Consent, Customer
from tests.campaigns import factories
from tests.campaigns.lead_cases import entry, pushed_leads

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(cast):
    """Two leads of one customer about different products; the second was claimed by Bao."""
    (first,) = pushed_leads(cast, 1, "autumn")
    factories.pushed(cast, "winter", product=factories.make_product("bond"), control_share=0)
    second = Lead.objects.get(campaign__code="winter")
    queue.claim(second.pk, cast.bao)
    return first, second


@pytest.mark.parametrize("outcome", ["do_not_contact", "wrong_number", "moved_away"])
def test_an_answer_about_the_customer_ends_the_other_leads(cast, pair, outcome):
    first, second = pair
    followup.record(first.pk, cast.rita, entry(outcome))
    second.refresh_from_db()
    assert (second.state, second.last_outcome, second.claimed_by) == (Lead.State.CLOSED, outcome, None)
    assert AuditEvent.objects.filter(action="lead.closed_by_feedback", object_id=str(second.pk)).count() == 1


def test_already_holds_ends_only_leads_of_the_same_product(cast, pair):
    first, second = pair
    followup.record(first.pk, cast.rita, entry("already_holds"))
    assert Lead.objects.get(pk=second.pk).state == Lead.State.NEW


def test_do_not_contact_is_an_objection_to_everything(cast, pair):
    followup.record(pair[0].pk, cast.rita, entry("do_not_contact"))
    consent = Consent.objects.get(customer=pair[0].customer)
    assert (consent.channel, consent.is_objection) == ("all", True)


def test_a_wrong_number_is_marked_on_the_customer(cast, pair):
    followup.record(pair[0].pk, cast.rita, entry("wrong_number"))
    assert Customer.objects.get(pk=pair[0].customer_id).phone_is_wrong


def test_an_ordinary_answer_touches_nothing_else(cast, pair):
    followup.record(pair[0].pk, cast.rita, entry("declined"))
    assert Lead.objects.get(pk=pair[1].pk).state == Lead.State.NEW
    assert not Consent.objects.exists()


def test_undo_reopens_what_the_answer_closed_unless_somebody_changed_it_since(cast, pair):
    first, second = pair
    done = followup.record(first.pk, cast.rita, entry("moved_away"))
    followup.undo(done.pk, cast.rita)
    second.refresh_from_db()
    assert (second.state, second.last_outcome, second.closed_at) == (Lead.State.NEW, "", None)
    done = followup.record(first.pk, cast.rita, entry("moved_away"))
    Lead.objects.filter(pk=second.pk).update(version=99)
    followup.undo(done.pk, cast.rita)
    assert Lead.objects.get(pk=second.pk).state == Lead.State.CLOSED


def test_an_objection_that_stood_before_stands_after_undo(cast, pair):
    since = dt.date(2026, 3, 12)
    Consent.objects.create(
        customer=pair[0].customer, channel="all", is_objection=True, since=since, source="letter"
    )
    done = followup.record(pair[0].pk, cast.rita, entry("do_not_contact"))
    followup.undo(done.pk, cast.rita)
    consent = Consent.objects.get()
    assert (consent.is_objection, consent.since, consent.source) == (True, since, "letter")


def test_the_effects_of_ones_answers_are_counted_and_undone_ones_are_not(cast, pair):
    since = timezone.localdate() - dt.timedelta(days=30)
    done = followup.record(pair[0].pk, cast.rita, entry("do_not_contact"))
    counted = feedback.effects(cast.rita, since)
    assert (counted.objections, counted.leads_stopped, counted.wrong_numbers) == (1, 1, 0)
    assert feedback.effects(cast.bao, since) == feedback.Effects()
    followup.undo(done.pk, cast.rita)
    assert feedback.effects(cast.rita, since) == feedback.Effects()
