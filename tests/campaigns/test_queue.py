"""The queue: its order, who sees what, and that one lead is one person's at a time (D07)."""

from __future__ import annotations

import datetime as dt
import functools

import pytest
from django.urls import reverse
from django.utils import timezone

from bankcrm import clock
from bankcrm.models import AuditEvent
from campaigns import followup, queue
from campaigns.conflicts import Refused
from campaigns.lead_views import workspace
from campaigns.models import Lead
from tests.campaigns.lead_cases import at_once, entry, pushed_leads
from tests.cast import login, make_user


@pytest.mark.django_db
def test_the_earliest_due_comes_first_and_among_equals_the_dearest(cast):
    first, second, third = pushed_leads(cast)
    today = clock.today()
    Lead.objects.filter(pk=third.pk).update(due_on=today - dt.timedelta(days=2), value=1)
    Lead.objects.filter(pk=first.pk).update(due_on=today, value=5)
    Lead.objects.filter(pk=second.pk).update(due_on=today, value=50)
    assert list(queue.waiting(cast.rita)) == [third, second, first]


@pytest.mark.django_db
def test_the_queue_the_list_and_the_api_have_one_order(cast):
    first, second, third = pushed_leads(cast)
    today = clock.today()
    Lead.objects.filter(pk=first.pk).update(due_on=today, value=5)
    Lead.objects.filter(pk=second.pk).update(due_on=today, value=50)
    missed = queue.moment() - dt.timedelta(days=2)
    Lead.objects.filter(pk=third.pk).update(due_on=today + dt.timedelta(days=20), next_at=missed, value=1)
    order = [third, second, first]
    assert list(queue.waiting(cast.rita)) == list(queue.workable(cast.rita)) == order
    client = login(cast.rita)
    listed = [row.lead for row in client.get(reverse("lead-list")).context["rows"]]
    assert listed == order
    answer = client.get("/api/v1/leads/").json()["results"]
    assert [row["id"] for row in answer] == [lead.pk for lead in order]


@pytest.mark.django_db
def test_the_rail_says_how_many_wait_beyond_what_it_shows_and_names_what_comes_next(cast, monkeypatch):
    leads = pushed_leads(cast, 5)
    url = reverse("lead-detail", args=[leads[0].pk])
    client = login(cast.rita)
    assert "3 of 5" not in client.get(url).content.decode()
    monkeypatch.setattr(workspace, "RAIL", 3)
    page = client.get(url)
    assert "3 of 5" in page.content.decode()
    assert page.context["upcoming"] == queue.next_lead(cast.rita, after=leads[0])


@pytest.mark.django_db
def test_a_lead_waits_outside_the_queue_until_its_next_step(cast):
    lead, *_rest = pushed_leads(cast)
    Lead.objects.filter(pk=lead.pk).update(next_at=queue.moment() + dt.timedelta(minutes=1))
    assert lead not in queue.waiting(cast.rita)
    assert list(queue.later(cast.rita)) == [lead]
    Lead.objects.filter(pk=lead.pk).update(next_at=queue.moment() - dt.timedelta(minutes=1))
    assert lead in queue.waiting(cast.rita)


@pytest.mark.django_db
def test_a_moved_business_day_moves_the_queue_with_it(cast, monkeypatch):
    lead, *_rest = pushed_leads(cast)
    Lead.objects.filter(pk=lead.pk).update(next_at=queue.moment() + dt.timedelta(days=3))
    assert lead not in queue.waiting(cast.rita)
    moved = clock.today() + dt.timedelta(days=4)
    monkeypatch.setattr(clock, "today", lambda: moved)
    assert lead in queue.waiting(cast.rita)


@pytest.mark.django_db
def test_raj_sees_nothing_of_ritas_queue_and_bao_sees_his_branch(cast):
    leads = pushed_leads(cast)
    assert not queue.waiting(cast.raj).exists()
    assert set(queue.waiting(cast.bao)) == set(leads)


@pytest.mark.django_db
def test_the_figures_do_not_count_what_is_overdue_as_due_today(cast):
    first, second, third = pushed_leads(cast)
    today = clock.today()
    Lead.objects.filter(pk=first.pk).update(due_on=today - dt.timedelta(days=1))
    Lead.objects.filter(pk=second.pk).update(due_on=today)
    Lead.objects.filter(pk=third.pk).update(next_at=queue.moment() + dt.timedelta(days=1))
    counts = queue.counts(cast.rita, today)
    assert (counts.open, counts.overdue, counts.due_today, counts.later) == (3, 1, 1, 1)


@pytest.mark.django_db
def test_a_next_step_of_yesterday_is_overdue_and_one_of_today_is_due_today(cast):
    missed, agreed, _free = pushed_leads(cast)
    today, noon = clock.today(), queue.moment().replace(hour=12)
    Lead.objects.update(due_on=today + dt.timedelta(days=4))
    Lead.objects.filter(pk=missed.pk).update(next_at=noon - dt.timedelta(days=1))
    Lead.objects.filter(pk=agreed.pk).update(next_at=noon)
    counts = queue.counts(cast.rita, today)
    assert (counts.overdue, counts.due_today) == (1, 1)
    assert list(queue.missed(cast.rita, today)) == [missed]
    by_sql = dict(Lead.objects.values_list("pk", queue.DUE_DAY))
    assert by_sql == {lead.pk: queue.due_day(lead) for lead in Lead.objects.all()}
    followup.record(missed.pk, cast.rita, entry("no_answer"))
    assert queue.counts(cast.rita, today).overdue == 0


@pytest.mark.django_db
def test_a_next_step_after_the_due_date_does_not_excuse_a_late_lead(cast):
    lead, *_rest = pushed_leads(cast)
    today = clock.today()
    Lead.objects.filter(pk=lead.pk).update(
        due_on=today - dt.timedelta(days=1), next_at=queue.moment() + dt.timedelta(days=3)
    )
    assert queue.counts(cast.rita, today).overdue == 1


@pytest.mark.django_db
def test_claiming_does_not_change_the_state_and_the_second_person_is_told(cast):
    lead, *_rest = pushed_leads(cast)
    queue.claim(lead.pk, cast.rita)
    assert Lead.objects.get(pk=lead.pk).state == Lead.State.NEW
    with pytest.raises(queue.Taken, match=r"Rita has had this lead since \d\d:\d\d"):
        queue.claim(lead.pk, cast.bao)


@pytest.mark.django_db
def test_claiming_again_renews_and_is_one_audit_row(cast):
    lead, *_rest = pushed_leads(cast)
    queue.claim(lead.pk, cast.rita)
    queue.claim(lead.pk, cast.rita)
    assert AuditEvent.objects.filter(action="lead.claimed").count() == 1


@pytest.mark.django_db
def test_a_claim_left_alone_for_half_an_hour_is_free(cast):
    lead, *_rest = pushed_leads(cast)
    queue.claim(lead.pk, cast.rita)
    Lead.objects.filter(pk=lead.pk).update(claimed_at=timezone.now() - dt.timedelta(minutes=31))
    assert queue.claim(lead.pk, cast.bao).claimed_by == cast.bao


@pytest.mark.django_db
def test_one_person_holds_one_lead(cast):
    first, second, _third = pushed_leads(cast)
    queue.claim(first.pk, cast.rita)
    queue.claim(second.pk, cast.rita)
    assert list(Lead.objects.filter(claimed_by=cast.rita)) == [second]


@pytest.mark.django_db
def test_a_closed_lead_and_a_reading_role_cannot_claim(cast):
    lead, other, _third = pushed_leads(cast)
    followup.record(lead.pk, cast.rita, entry("declined"))
    with pytest.raises(Refused, match="closed"):
        queue.claim(lead.pk, cast.rita)
    with pytest.raises(Refused, match="Only relationship managers"):
        queue.claim(other.pk, cast.max)
    with pytest.raises(Lead.DoesNotExist):
        queue.claim(other.pk, cast.raj)


@pytest.mark.django_db
def test_the_next_lead_passes_over_what_a_colleague_holds(cast):
    leads = list(queue.waiting(cast.rita)) or pushed_leads(cast)
    order = list(queue.waiting(cast.rita))
    queue.claim(order[0].pk, cast.bao)
    assert queue.next_lead(cast.rita) == order[1]
    assert queue.next_lead(cast.rita, after=order[1]) == order[2]
    assert len(leads) == 3


@pytest.mark.django_db(transaction=True)
def test_of_fifty_people_who_claim_at_once_exactly_one_gets_the_lead(cast):
    lead, *_rest = pushed_leads(cast, 1)
    colleagues = [
        cast.rita,
        cast.bao,
        *(make_user(f"bm{n}", "branch_manager", cast.tree.n1) for n in range(48)),
    ]
    results = at_once([functools.partial(queue.claim, lead.pk, person) for person in colleagues])
    won = [result for result in results if isinstance(result, Lead)]
    assert len(won) == 1
    assert sum(isinstance(result, queue.Taken) for result in results) == 49
    assert all(str(won[0].claimed_by) in str(result) for result in results if isinstance(result, queue.Taken))
    assert AuditEvent.objects.filter(action="lead.claimed").count() == 1
