"""Outcomes: what each one writes, that it counts once (D05), and what is refused."""

from __future__ import annotations

import datetime as dt
import functools
import uuid

import pytest

from bankcrm import clock, workdays
from bankcrm.models import AuditEvent
from campaigns import followup, queue
from campaigns.conflicts import Conflict, Refused
from campaigns.models import FollowUp, Lead
from campaigns.outcomes import MEANINGS
from customers.models import Contact, Customer, Response
from tests.campaigns.lead_cases import at_once, entry, pushed_leads


@pytest.mark.django_db
@pytest.mark.parametrize("meaning", MEANINGS.values(), ids=lambda meaning: meaning.outcome.value)
def test_every_outcome_moves_the_lead_and_writes_history_as_its_row_says(cast, meaning):
    lead, *_rest = pushed_leads(cast, 1)
    queue.claim(lead.pk, cast.rita)
    done = followup.record(lead.pk, cast.rita, entry(meaning.outcome))
    lead.refresh_from_db()
    assert (lead.state, lead.last_outcome, lead.claimed_by) == (meaning.state, meaning.outcome, None)
    assert (lead.closed_at is not None) == meaning.closes
    contact = Contact.objects.get(customer=lead.customer)
    assert (contact.outcome, contact.was_reached) == (meaning.outcome, meaning.reached)
    assert contact.staff_number == cast.rita.employee_number
    kinds = list(Response.objects.filter(customer=lead.customer).values_list("kind", flat=True))
    assert kinds == ([meaning.response] if meaning.response else [])
    audit = AuditEvent.objects.get(action="lead.outcome")
    assert (audit.from_state, audit.to_state, audit.details["follow_up"]) == ("new", meaning.state, done.pk)


@pytest.mark.django_db
def test_the_proposed_next_step_stands_on_a_working_day_and_moves_the_due_date(cast):
    lead, *_rest = pushed_leads(cast, 1)
    Lead.objects.update(due_on=clock.today())
    done = followup.record(lead.pk, cast.rita, entry("interested"))
    assert done.next_step == "meeting"
    assert done.next_at.date() == workdays.add_working_days(clock.today(), 2)
    assert Lead.objects.get(pk=lead.pk).due_on == done.next_at.date()


@pytest.mark.django_db
def test_a_note_an_amount_and_a_reason_are_kept(cast):
    first, second, _third = pushed_leads(cast)
    sold = followup.record(first.pk, cast.rita, entry("converted", amount=5000, note="Signed."))
    assert (sold.amount, sold.note) == (5000, "Signed.")
    assert Response.objects.get(customer=first.customer).amount == 5000
    assert (
        followup.record(second.pk, cast.rita, entry("declined", reason_code="price")).reason_code == "price"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"outcome": "nonsense"}, "not an outcome"),
        ({"outcome": "declined", "reason_code": "weather"}, "not a reason"),
        ({"outcome": "later", "next_step": "fax"}, "not a next step"),
        ({"outcome": "converted", "amount": -1}, "negative"),
        ({"outcome": "later", "next_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "in the past"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(cast, fields, sentence):
    lead, *_rest = pushed_leads(cast, 1)
    with pytest.raises(Refused, match=sentence):
        followup.record(lead.pk, cast.rita, entry(**fields))
    assert not FollowUp.objects.exists()
    assert Lead.objects.get(pk=lead.pk).state == Lead.State.NEW


@pytest.mark.django_db
def test_nobody_writes_on_a_lead_out_of_sight_taken_or_closed(cast):
    lead, other, _third = pushed_leads(cast)
    with pytest.raises(Lead.DoesNotExist):
        followup.record(lead.pk, cast.raj, entry("later"))
    queue.claim(lead.pk, cast.bao)
    with pytest.raises(queue.Taken, match="Bao"):
        followup.record(lead.pk, cast.rita, entry("later"))
    followup.record(other.pk, cast.rita, entry("declined"))
    with pytest.raises(Conflict, match="closed"):
        followup.record(other.pk, cast.rita, entry("later"))
    assert FollowUp.objects.count() == 1


@pytest.mark.django_db
def test_the_same_request_finds_its_first_answer_and_another_one_on_the_same_page_is_a_conflict(cast):
    lead, *_rest = pushed_leads(cast, 1)
    key = uuid.uuid4()
    first = followup.record(lead.pk, cast.rita, entry("no_answer", client_key=key))
    assert followup.record(lead.pk, cast.rita, entry("no_answer", client_key=key)) == first
    with pytest.raises(Conflict, match="already used"):
        followup.record(lead.pk, cast.rita, entry("converted", client_key=key))
    assert FollowUp.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("outcome", ["no_answer", "declined"])
def test_twenty_submissions_at_once_are_one_follow_up(cast, outcome):
    lead, *_rest = pushed_leads(cast, 1)
    typed = entry(outcome)
    results = at_once([functools.partial(followup.record, lead.pk, cast.rita, typed)] * 20)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert len({result.pk for result in results}) == 1
    assert FollowUp.objects.count() == Contact.objects.count() == 1
    assert AuditEvent.objects.filter(action="lead.outcome").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_leads_of_one_customer_answered_at_once_do_not_deadlock(cast):
    (first,) = pushed_leads(cast, 1, "autumn")
    cast_customer = first.customer_id
    from tests.campaigns import factories

    factories.pushed(cast, "winter", product=factories.make_product("bond"), control_share=0)
    second = Lead.objects.get(campaign__code="winter")
    assert second.customer_id == cast_customer
    for round_number in range(5):
        Lead.objects.update(state=Lead.State.NEW, closed_at=None, last_outcome="")
        Customer.objects.update(phone_is_wrong=False)
        results = at_once(
            [
                functools.partial(followup.record, first.pk, cast.rita, entry("moved_away")),
                functools.partial(followup.record, second.pk, cast.bao, entry("wrong_number")),
            ]
        )
        won = [result for result in results if isinstance(result, FollowUp)]
        lost = [result for result in results if not isinstance(result, FollowUp)]
        assert (len(won), [type(error) for error in lost]) == (1, [Conflict]), round_number


@pytest.mark.django_db
def test_snoozing_records_no_contact_and_needs_a_time_to_come(cast):
    lead, *_rest = pushed_leads(cast, 1)
    until = queue.moment() + dt.timedelta(hours=1)
    assert followup.snooze(lead.pk, cast.rita, until).next_at == until
    assert not Contact.objects.exists()
    with pytest.raises(Refused, match="future"):
        followup.snooze(lead.pk, cast.rita, queue.moment() - dt.timedelta(hours=1))
    queue.claim(lead.pk, cast.bao)
    with pytest.raises(queue.Taken):
        followup.snooze(lead.pk, cast.rita, until)
