"""While somebody is on leave, who stands in sees and works the customers and open leads; not a day longer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bankcrm import absence
from bankcrm.models import Branch, Holiday, Leave, Role, User
from campaigns import followup, queue, sales
from campaigns.models import Lead
from campaigns.models.leads import to_work
from customers.models import Customer
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.campaigns.lead_cases import entry, pushed_leads
from tests.cast import Cast, login, make_user

DAY = dt.timedelta(days=1)
pytestmark = pytest.mark.django_db


Live = Callable[[int], None]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Live so many days after TODAY."""
    return lambda days: monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY + days * DAY)


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


def again(user: User) -> User:
    """The user as the next request loads them."""
    return User.objects.select_related("branch").get(pk=user.pk)


def away(user: User, backup: User | None = None, days: int = 3) -> Leave:
    return Leave.objects.create(user=user, first_day=TODAY, last_day=TODAY + days * DAY, backup=backup)


def seen(user: User) -> tuple[int, int]:
    """Customers and open leads in sight."""
    user = again(user)
    return (
        Customer.objects.visible_to(user).count(),
        Lead.objects.visible_to(user).filter(state__in=queue.WORKABLE).count(),
    )


def test_the_backup_sees_customers_and_leads_from_the_first_to_the_last_day(
    cast: Cast, rosa: User, live: Live
) -> None:
    pushed_leads(cast, 3)
    away(cast.rita, rosa)
    for day, expected in ((-1, (0, 0)), (0, (3, 3)), (3, (3, 3)), (4, (0, 0))):
        live(day)
        assert seen(rosa) == expected, day
        assert seen(cast.rita) == (3, 3), "the absent keep their own"
        assert seen(cast.raj) == (0, 0)


def test_leave_that_is_removed_ends_it_at_once(cast: Cast, rosa: User) -> None:
    pushed_leads(cast)
    leave = away(cast.rita, rosa)
    assert seen(rosa) == (3, 3)
    login(cast.bao).post(reverse("leave-delete", args=[leave.pk]))
    assert seen(rosa) == (0, 0)


def test_a_backup_who_is_away_too_passes_everything_on(cast: Cast, rosa: User, live: Live) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1)
    pushed_leads(cast)
    away(cast.rita, rosa, days=9)
    away(rosa, sun, days=2)
    assert (seen(rosa), seen(sun)) == ((0, 0), (3, 3))
    live(3)
    assert (seen(rosa), seen(sun)) == ((3, 3), (0, 0))


def test_a_chain_that_bites_its_tail_ends_with_the_customers_own_backup(cast: Cast, rosa: User) -> None:
    leads = pushed_leads(cast)
    sun = make_user("sun", Role.RM, cast.tree.n1)
    Customer.objects.filter(pk=leads[0].customer_id).update(backup_rm=sun)
    away(cast.rita, rosa)
    away(rosa, cast.rita)
    assert absence.on(TODAY)[cast.rita.pk].stand_in is None
    assert seen(rosa) == (0, 0)
    assert seen(sun) == (1, 1)


@pytest.mark.parametrize("why", ["nobody named", "locked out", "no longer an RM"])
def test_without_a_backup_who_can_work_the_customers_own_backup_has_it(
    cast: Cast, rosa: User, why: str, live: Live
) -> None:
    leads = pushed_leads(cast)
    sun = make_user("sun", Role.RM, cast.tree.n1)
    Customer.objects.filter(pk=leads[0].customer_id).update(backup_rm=sun)
    away(cast.rita, None if why == "nobody named" else rosa)
    if why == "locked out":
        User.objects.filter(pk=rosa.pk).update(is_active=False)
    elif why == "no longer an RM":
        User.objects.filter(pk=rosa.pk).update(role=Role.APPROVER)
    assert seen(sun) == (1, 1)
    live(4)
    # A customer's backup sees the customer always, the leads only while they stand in.
    assert seen(sun) == (1, 0)


def test_the_branch_manager_works_what_nobody_else_can(cast: Cast, rosa: User) -> None:
    first, second, third = pushed_leads(cast)
    Customer.objects.filter(pk=first.customer_id).update(backup_rm=rosa)
    assert queue.next_lead(again(cast.bao)) is None
    away(cast.rita)
    bao = again(cast.bao)
    assert set(queue.waiting(bao).filter(to_work(bao))) == {second, third}
    assert queue.next_lead(bao) in (second, third)
    away(rosa)
    assert set(queue.waiting(again(cast.bao)).filter(to_work(again(cast.bao)))) == {first, second, third}


def test_a_backup_who_left_the_bank_leaves_it_to_the_branch_manager(cast: Cast, rosa: User) -> None:
    first, *_rest = pushed_leads(cast, 1)
    Customer.objects.filter(pk=first.customer_id).update(backup_rm=rosa)
    away(cast.rita)
    assert queue.next_lead(again(cast.bao)) is None
    User.objects.filter(pk=rosa.pk).update(is_active=False)
    assert queue.next_lead(again(cast.bao)) == first


def test_the_nearest_branch_upwards_with_a_manager_has_it(cast: Cast) -> None:
    regina = make_user("regina", Role.BRANCH_MANAGER, cast.tree.north)
    rosa = make_user("rosa", Role.RM, cast.tree.n2)
    away(rosa)
    away(cast.rita)
    assert absence.standing_in(again(regina)).as_manager == (rosa.pk,)
    assert absence.standing_in(again(cast.bao)).as_manager == (cast.rita.pk,)


def test_the_backup_works_the_lead_as_their_own(cast: Cast, rosa: User, live: Live) -> None:
    lead, *_rest = pushed_leads(cast)
    away(cast.rita, rosa)
    assert queue.next_lead(again(rosa)) is not None
    page = login(rosa).get(reverse("lead-detail", args=[lead.pk])).content.decode()
    assert "for Rita, on leave until 28 Nov" in page
    assert queue.claim(lead.pk, again(rosa)).claimed_by == rosa
    done = followup.record(lead.pk, again(rosa), entry("interested"))
    assert (done.by, Lead.objects.get(pk=lead.pk).rm) == (rosa, cast.rita)
    live(4)
    assert login(rosa).get(reverse("lead-detail", args=[lead.pk])).status_code == 404
    with pytest.raises(Lead.DoesNotExist):
        queue.claim(lead.pk, again(rosa))


def test_pages_mark_whose_leads_they_are_and_the_absent_see_who_has_them(
    cast: Cast, rosa: User, live: Live
) -> None:
    pushed_leads(cast)
    away(cast.rita, rosa)
    for name in ("my-day", "lead-list"):
        assert "for Rita, on leave until 28 Nov" in login(rosa).get(reverse(name)).content.decode(), name
        own = login(cast.rita).get(reverse(name)).content.decode()
        assert "You are on leave until Sat 28 Nov." in own, name
        assert "Rosa sees your customers" in own
        assert "for Rita" not in own
    live(4)
    assert "on leave" not in login(cast.rita).get(reverse("my-day")).content.decode()


def test_the_days_figures_count_what_one_stands_in_for(cast: Cast, rosa: User) -> None:
    pushed_leads(cast)
    assert queue.counts(again(rosa), TODAY).open == 0
    away(cast.rita, rosa)
    assert queue.counts(again(rosa), TODAY).open == 3


def test_sight_costs_the_same_queries_for_one_absent_colleague_and_for_fifty(cast: Cast, rosa: User) -> None:
    away(cast.rita, rosa)
    one = again(rosa)
    with CaptureQueriesContext(connection) as few:
        list(Customer.objects.visible_to(one))
        list(Lead.objects.visible_to(one))
    for n in range(49):
        away(make_user(f"rm{n}", Role.RM, cast.tree.n1), rosa)
    one = again(rosa)
    with CaptureQueriesContext(connection) as many:
        list(Customer.objects.visible_to(one))
        list(Lead.objects.visible_to(one))
    assert len(absence.standing_in(one).portfolios) == 50
    # Two lists and one look at the leaves of the day.
    assert len(few) == len(many) == 3


def test_new_leads_follow_the_same_chain(cast: Cast, rosa: User) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1)
    away(cast.rita, rosa)
    away(rosa, sun)
    factories.make_customers(4, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    assert set(Lead.objects.values_list("rm", flat=True)) == {sun.pk}


def test_leads_fall_due_on_the_working_days_of_their_branch(cast: Cast) -> None:
    Holiday.objects.create(day="2026-11-26", name="North rests", branch=cast.tree.north)
    factories.make_customers(2, cast.tree.n1, cast.rita, prefix="N")
    factories.make_customers(2, cast.tree.s1, cast.raj, prefix="S")
    factories.pushed(cast, control_share=0, lead_due_days=1)
    due = dict(Lead.objects.values_list("rm", "due_on"))
    assert due == {cast.rita.pk: dt.date(2026, 11, 27), cast.raj.pk: dt.date(2026, 11, 26)}


def test_part_time_takes_its_share_of_what_nobody_owns(cast: Cast) -> None:
    half = make_user("half", Role.RM, cast.tree.n1, working_week=[1, 1, 1, 1, 1, 0, 0])
    make_user("never", Role.RM, cast.tree.n1, working_week=[0] * 7)
    factories.make_customers(30, Branch.objects.get(pk=cast.tree.n1.pk), None)
    factories.pushed(cast, control_share=0)
    assert Lead.objects.filter(rm=half).count() == 10
    assert Lead.objects.filter(rm=cast.rita).count() == 20


def test_the_board_counts_the_hours_of_the_own_week(cast: Cast, rosa: User) -> None:
    User.objects.filter(pk=rosa.pk).update(working_week=[2, 2, 0, 0, 0, 0, 0])
    Holiday.objects.create(day="2026-11-30", name="N1 closed", branch=cast.tree.n1)
    hours = {member.rm: member.hours_for for member in sales.team(again(cast.bao), TODAY)}
    # Wednesday to Tuesday: Rosa works the Tuesday, Rita all days but the Monday.
    assert hours == {rosa: 20, cast.rita: 80}
