"""The branch manager's board and moving leads: shown first, done as shown, undone, and safe both ways at once (D13)."""

from __future__ import annotations

import datetime as dt
import functools

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bankcrm import clock, figures
from bankcrm.models import AuditEvent, Leave, User
from campaigns import followup, queue, reassign, sales
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign, Lead
from customers.models import Customer
from tests.campaigns import factories
from tests.campaigns.lead_cases import at_once, entry, pushed_leads
from tests.cast import login, make_user


@pytest.fixture
def rosa(cast):
    """A second relationship manager in Rita's branch."""
    return make_user("rosa", "rm", cast.tree.n1)


def member(user, person):
    return next(one for one in sales.team(user, clock.today()) if one.rm == person)


@pytest.mark.django_db
def test_the_board_counts_each_rms_leads(cast, rosa):
    first, second, third, fourth = pushed_leads(cast, 4)
    today = clock.today()
    Lead.objects.filter(pk=first.pk).update(due_on=today - dt.timedelta(days=1))
    Lead.objects.filter(pk=second.pk).update(due_on=today)
    followup.record(third.pk, cast.rita, entry("converted"))
    followup.record(fourth.pk, cast.rita, entry("no_answer"))
    rita = member(cast.bao, cast.rita)
    assert (rita.open, rita.overdue, rita.due_today, rita.new) == (3, 1, 1, 2)
    assert (rita.contacted, rita.converted) == (2, 1)
    assert rita.hours_for == cast.rita.daily_capacity * 5
    assert rita.used == rita.due_soon / 100
    assert member(cast.bao, rosa).open == 0
    assert all(one.rm != cast.raj for one in sales.team(cast.bao, today))


@pytest.mark.django_db
def test_a_missed_next_step_is_late_on_the_board_and_moves_with_the_overdue(cast, rosa):
    missed, *_rest = pushed_leads(cast)
    today = clock.today()
    Lead.objects.filter(pk=missed.pk).update(
        due_on=today + dt.timedelta(days=9), next_at=queue.moment() - dt.timedelta(days=2)
    )
    assert member(cast.bao, cast.rita).overdue == 1
    assert list(sales.late(cast.bao, today)) == [missed]
    page = login(cast.bao).get(reverse("team-board")).content.decode()
    assert "2 days late" in page
    plan = reassign.plan(cast.bao, [cast.rita], rosa, today, scope="overdue")
    assert [step[0] for step in plan.steps] == [missed.pk]


@pytest.mark.django_db
def test_the_board_costs_the_same_queries_for_two_and_forty_people(cast, rosa):
    client, url = login(cast.bao), reverse("team-board")
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for n in range(38):
        make_user(f"rm{n}", "rm", cast.tree.n1)
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).status_code == 200
    assert len(few) == len(many) <= 22


@pytest.mark.django_db
def test_who_reads_the_board_and_who_moves(cast, rosa):
    pushed_leads(cast)
    url = reverse("team-board")
    for person, status in (
        (cast.bao, 200),
        (cast.max, 200),
        (cast.aud, 200),
        (cast.rita, 403),
        (cast.mei, 403),
    ):
        assert login(person).get(url).status_code == status, person
    assert login(cast.max).post(reverse("team-move"), {"plan": "x"}).status_code == 403
    assert login(cast.aud).post(reverse("team-move"), {"plan": "x"}).status_code == 403
    with pytest.raises(PermissionDenied):
        reassign.plan(cast.max, [cast.rita], rosa, clock.today())


@pytest.mark.django_db
def test_a_manager_reads_figures_without_names(cast, rosa):
    lead, *_rest = pushed_leads(cast)
    Lead.objects.update(due_on=clock.today() - dt.timedelta(days=3))
    page = login(cast.max).get(reverse("team-board")).content.decode()
    assert lead.customer.name not in page
    assert lead.customer.name in login(cast.bao).get(reverse("team-board")).content.decode()


@pytest.mark.django_db
def test_the_plan_prefers_the_backup_then_free_hours_and_moves_nothing(cast, rosa):
    leads = pushed_leads(cast, 6)
    busy = make_user("busy", "rm", cast.tree.n1, daily_capacity=1)
    Customer.objects.filter(pk__in=[lead.customer_id for lead in leads[:2]]).update(backup_rm=busy)
    plan = reassign.plan(cast.bao, [cast.rita], None, clock.today())
    shares = {share.rm: (share.leads, share.as_backup) for share in plan.shares}
    assert shares[busy][1] == 2
    assert sum(n for n, _backup in shares.values()) == 6
    assert shares[rosa][0] == 4
    assert set(Lead.objects.values_list("rm", flat=True)) == {cast.rita.pk}


@pytest.mark.django_db
def test_the_preview_shows_the_use_of_capacity_that_the_board_shows_after_the_move(cast, rosa):
    """Only what is due in the days of the measure counts in it, however much is moved."""
    leads = pushed_leads(cast, 6)
    today = clock.today()
    Lead.objects.update(due_on=today + dt.timedelta(days=40))
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:2]]).update(due_on=today)
    (share,) = reassign.plan(cast.bao, [cast.rita], rosa, today).shares
    assert (share.leads, share.due_soon, share.before) == (6, 2, 0)
    reassign.move(cast.bao, reassign.plan(cast.bao, [cast.rita], rosa, today).token)
    assert member(cast.bao, rosa).used == share.after == 2 / 100


@pytest.mark.django_db
def test_what_is_due_now_is_spread_over_the_team_and_so_is_what_comes_later(cast, rosa):
    leads = pushed_leads(cast, 8)
    other = make_user("robin", "rm", cast.tree.n1)
    today = clock.today()
    Lead.objects.update(due_on=today + dt.timedelta(days=40))
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:4]]).update(due_on=today)
    plan = reassign.plan(cast.bao, [cast.rita], None, today)
    assert {share.rm: (share.leads, share.due_soon) for share in plan.shares} == {rosa: (4, 2), other: (4, 2)}


@pytest.mark.django_db
def test_the_funnel_counts_leads_by_the_day_of_assignment_not_by_the_day_of_the_row(cast):
    old = pushed_leads(cast, 2, "spring")
    # Those two customers again, about something else, and three more.
    pushed_leads(cast, 3, "autumn", product=factories.make_product("bond"))
    today = clock.today()
    Campaign.objects.filter(code="autumn").update(assigned_on=today - dt.timedelta(days=30))
    Campaign.objects.filter(code="spring").update(assigned_on=today - dt.timedelta(days=31))
    followup.record(old[0].pk, cast.rita, entry("converted"))
    since = today - dt.timedelta(days=30)
    assert [step["count"] for step in sales.funnel(cast.rita, since, own=True)] == [5, 0, 0, 0, 0]
    earlier = since - dt.timedelta(days=1)
    assert [step["count"] for step in sales.funnel(cast.bao, earlier)] == [7, 1, 1, 1, 1]


@pytest.mark.django_db
def test_a_move_does_what_was_shown_and_undo_gives_everything_back(cast, rosa):
    pushed_leads(cast, 4)
    before = list(Lead.objects.order_by("pk").values_list("pk", "rm", "state"))
    moved = reassign.move(cast.bao, reassign.plan(cast.bao, [cast.rita], rosa, clock.today()).token)
    assert (moved.moved, moved.changed) == (4, 0)
    assert set(Lead.objects.values_list("rm", flat=True)) == {rosa.pk}
    assert AuditEvent.objects.filter(action="lead.reassigned").count() == 4
    assert reassign.last_undoable(cast.bao).pk == moved.event
    assert reassign.undo(cast.bao, moved.event).moved == 4
    assert list(Lead.objects.order_by("pk").values_list("pk", "rm", "state")) == before
    assert reassign.last_undoable(cast.bao) is None


@pytest.mark.django_db
def test_leads_changed_after_the_preview_stay_and_are_counted(cast, rosa):
    first, second, third = pushed_leads(cast)
    plan = reassign.plan(cast.bao, [cast.rita], rosa, clock.today())
    followup.record(first.pk, cast.rita, entry("no_answer"))
    queue.claim(second.pk, cast.rita)
    moved = reassign.move(cast.bao, plan.token)
    assert (moved.moved, moved.changed) == (1, 2)
    assert Lead.objects.get(pk=third.pk).rm == rosa
    assert Lead.objects.get(pk=first.pk).rm == cast.rita
    with pytest.raises(Conflict, match="changed meanwhile"):
        reassign.move(cast.bao, plan.token)


@pytest.mark.django_db
def test_undo_leaves_alone_what_was_worked_on_since(cast, rosa):
    first, *_rest = pushed_leads(cast)
    moved = reassign.move(cast.bao, reassign.plan(cast.bao, [cast.rita], rosa, clock.today()).token)
    followup.record(first.pk, rosa, entry("interested"))
    undone = reassign.undo(cast.bao, moved.event)
    assert (undone.moved, undone.changed) == (2, 1)
    assert Lead.objects.get(pk=first.pk).rm == rosa
    with pytest.raises(AuditEvent.DoesNotExist):
        reassign.undo(make_user("bea", "branch_manager", cast.tree.n1), moved.event)


@pytest.mark.django_db
def test_undo_gives_nothing_back_to_somebody_on_leave_and_says_how_many_stayed(cast, rosa):
    pushed_leads(cast, 3)
    ron = make_user("ron", "rm", cast.tree.n1)
    lead = Lead.objects.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(rm=ron)
    plan = reassign.plan(cast.bao, [cast.rita, ron], rosa, clock.today())
    moved = reassign.move(cast.bao, plan.token)
    back = clock.today() + dt.timedelta(days=6)
    Leave.objects.create(user=cast.rita, first_day=clock.today(), last_day=back)
    answer = login(cast.bao).post(reverse("team-move-undo", args=[moved.event]), follow=True)
    page = answer.content.decode()
    assert "1 lead went back." in page
    assert f"2 stayed: Rita is on leave to {figures.day(back)}." in page
    assert set(Lead.objects.exclude(pk=lead.pk).values_list("rm", flat=True)) == {rosa.pk}
    assert Lead.objects.get(pk=lead.pk).rm == ron


@pytest.mark.django_db
def test_undo_is_refused_when_nobody_can_have_leads_back(cast, rosa):
    pushed_leads(cast, 3)
    moved = reassign.move(cast.bao, reassign.plan(cast.bao, [cast.rita], rosa, clock.today()).token)
    Leave.objects.create(user=cast.rita, first_day=clock.today(), last_day=clock.today())
    with pytest.raises(Refused, match="3 stayed: Rita is on leave"):
        reassign.undo(cast.bao, moved.event)
    Leave.objects.all().delete()
    User.objects.filter(pk=cast.rita.pk).update(branch=cast.tree.s1)
    with pytest.raises(Refused, match="3 stayed: Rita no longer takes leads in this team"):
        reassign.undo(cast.bao, moved.event)
    assert set(Lead.objects.values_list("rm", flat=True)) == {rosa.pk}
    assert not AuditEvent.objects.filter(action="leads.reassignment_undone").exists()


@pytest.mark.django_db
def test_a_plan_whose_taker_went_on_leave_meanwhile_is_not_carried_out(cast, rosa):
    pushed_leads(cast, 3)
    plan = reassign.plan(cast.bao, [cast.rita], rosa, clock.today())
    Leave.objects.create(user=rosa, first_day=clock.today(), last_day=clock.today())
    with pytest.raises(Refused, match="no longer takes leads"):
        reassign.move(cast.bao, plan.token)
    assert set(Lead.objects.values_list("rm", flat=True)) == {cast.rita.pk}


@pytest.mark.django_db
def test_a_plan_is_refused_for_somebody_on_leave_another_branch_or_a_forged_token(cast, rosa):
    pushed_leads(cast)
    today = clock.today()
    Leave.objects.create(user=rosa, first_day=today, last_day=today)
    with pytest.raises(Refused, match="on leave"):
        reassign.plan(cast.bao, [cast.rita], rosa, today)
    with pytest.raises(Refused, match="Nobody"):
        reassign.plan(cast.bao, [cast.rita], None, today)
    with pytest.raises(Refused, match="cannot take"):
        reassign.plan(cast.bao, [cast.rita], cast.raj, today)
    with pytest.raises(Refused, match="too old"):
        reassign.move(cast.bao, "forged")
    assert set(Lead.objects.values_list("rm", flat=True)) == {cast.rita.pk}


@pytest.mark.django_db
def test_the_unassigned_stand_there_with_their_reason_and_can_be_given_to_somebody(cast, rosa):
    pushed_leads(cast, 2)
    Lead.objects.update(rm=None, state=Lead.State.UNASSIGNED, unassigned_reason="nobody_in_branch")
    client = login(cast.bao)
    assert b"Nobody in the branch can take leads" in client.get(reverse("team-board")).content
    preview = client.get(
        reverse("team-move-preview"), {"unassigned": 1, "target": rosa.pk}, headers={"HX-Request": "true"}
    )
    token = preview.context["plan"].token
    assert client.post(reverse("team-move"), {"plan": token}).status_code == 302
    assert list(Lead.objects.values_list("rm", "state")) == [(rosa.pk, "new")] * 2
    event = reassign.last_undoable(cast.bao)
    client.post(reverse("team-move-undo", args=[event.pk]))
    assert list(Lead.objects.values_list("rm", "state")) == [(None, "unassigned")] * 2


@pytest.mark.django_db(transaction=True)
def test_moves_in_both_directions_at_once_never_deadlock_and_lose_nothing(cast, rosa):
    leads = pushed_leads(cast, 40)
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[::2]]).update(rm=rosa)
    before = Lead.objects.count()

    results = []
    for _round in range(5):
        # All plans are made from the same state, so that all twenty want to write the same rows.
        plans = [
            reassign.plan(cast.bao, [source], target, clock.today()).token
            for source, target in [(cast.rita, rosa), (rosa, cast.rita)] * 10
        ]
        results += at_once([functools.partial(reassign.move, cast.bao, plan) for plan in plans])
        Lead.objects.filter(pk__in=[lead.pk for lead in leads[::2]]).exclude(rm=rosa).update(rm=rosa)
        Lead.objects.filter(pk__in=[lead.pk for lead in leads[1::2]]).exclude(rm=cast.rita).update(
            rm=cast.rita
        )
    assert [result for result in results if not isinstance(result, (reassign.Moved, Conflict))] == []
    won = sum(result.moved for result in results if isinstance(result, reassign.Moved))
    assert won == sum(version - 1 for version in Lead.objects.values_list("version", flat=True))
    assert won == AuditEvent.objects.filter(action="lead.reassigned").count() == 5 * 40
    assert Lead.objects.count() == before
