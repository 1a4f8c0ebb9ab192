"""A portfolio transfer does exactly what its preview said, once, for whoever may, and can be taken back."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bankcrm.models import AuditEvent, Leave, Role, User
from bankcrm.runs import Conflict, Refused
from customers import transfer, transfer_sql
from customers.models import Customer, CustomerProfile, PortfolioMove, PortfolioTransfer
from customers.transfer_plan import Choice, preview
from tests.campaigns.factories import MONTH, TODAY, make_customers
from tests.cast import Cast, make_user

pytestmark = pytest.mark.django_db
State = PortfolioTransfer.State


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY)


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


def order(
    user: User, choice: Choice, reason: str = "Rita leaves", on: dt.date | None = None
) -> PortfolioTransfer:
    return transfer.order(user, preview(user, choice).token, reason, on)


def owners() -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in Customer.objects.values_list("primary_rm__username", flat=True):
        counted[name or ""] = counted.get(name or "", 0) + 1
    return counted


def test_a_preview_counts_and_moves_nothing(cast: Cast, rosa: User) -> None:
    ids = make_customers(6, cast.tree.n1, cast.rita)
    make_customers(4, cast.tree.n1, rosa, prefix="R")
    CustomerProfile.objects.filter(customer__in=ids).update(aum=1000)
    Customer.objects.filter(pk=ids[0]).update(backup_rm=rosa)
    User.objects.filter(pk=rosa.pk).update(portfolio_size=9)
    shown = preview(cast.bao, Choice(sources=(cast.rita.pk,), receivers=(rosa.pk,)))
    assert (shown.customers, shown.aum, shown.losing_backup) == (6, 6000, 1)
    (gives,), (takes,) = shown.giving, shown.receiving
    assert (gives.rm, gives.before, gives.after) == (cast.rita, 6, 0)
    assert (takes.rm, takes.before, takes.after, takes.is_over) == (rosa, 4, 10, True)
    assert owners() == {"rita": 6, "rosa": 4}
    assert not PortfolioTransfer.objects.exists()


def test_what_was_shown_is_done_and_told_per_customer(cast: Cast, rosa: User) -> None:
    ids = make_customers(6, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk=ids[0]).update(backup_rm=rosa)
    done = order(cast.bao, Choice(sources=(cast.rita.pk,), receivers=(rosa.pk,)))
    assert (done.state, done.result["customers"], done.people) == (State.DONE, 6, [cast.rita.pk, rosa.pk])
    assert owners() == {"rosa": 6}
    # Nobody is their own backup.
    assert Customer.objects.get(pk=ids[0]).backup_rm is None
    moves = PortfolioMove.objects.filter(transfer=done)
    assert set(moves.values_list("customer", "from_rm", "to_rm")) == {
        (pk, cast.rita.pk, rosa.pk) for pk in ids
    }
    event = AuditEvent.objects.get(action="portfolio.transferred")
    assert (event.actor, event.reason, event.details["customers"]) == (cast.bao, "Rita leaves", 6)


def test_customers_who_left_stay_where_they_are(cast: Cast, rosa: User) -> None:
    ids = make_customers(3, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk=ids[0]).update(closed_on=TODAY)
    order(cast.bao, Choice(sources=(cast.rita.pk,), receivers=(rosa.pk,)))
    assert owners() == {"rita": 1, "rosa": 2}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tier": "gold"}, 2),
        ({"branch": "n2"}, 1),
        ({"customers": (0, 4)}, 2),
        ({"tier": "gold", "branch": "n2"}, 1),
    ],
)
def test_filters_narrow_what_moves(cast: Cast, rosa: User, change: dict[str, Any], expected: int) -> None:
    ids = make_customers(5, cast.tree.n1, cast.rita)
    CustomerProfile.objects.filter(customer__in=ids[:2]).update(tier="gold")
    Customer.objects.filter(pk=ids[0]).update(home_branch=cast.tree.n2)
    if "branch" in change:
        change = {**change, "branch": cast.tree.n2.pk}
    if "customers" in change:
        change = {**change, "customers": tuple(ids[n] for n in change["customers"])}
    order(
        cast.bao if "branch" not in change else cast.ada,
        Choice((cast.rita.pk,), receivers=(rosa.pk,), **change),
    )
    assert owners() == {"rita": 5 - expected, "rosa": expected}


def test_sharing_brings_all_to_the_same_load_and_a_like_mixture(cast: Cast, rosa: User) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1, portfolio_size=1000)
    make_user("full", Role.RM, cast.tree.n1, portfolio_size=0)
    make_customers(10, cast.tree.n1, rosa, prefix="R")
    ids = make_customers(80, cast.tree.n1, cast.rita)
    for n, pk in enumerate(ids):
        CustomerProfile.objects.filter(customer=pk).update(aum=1000 * (n + 1))
    done = order(cast.bao, Choice((cast.rita.pk,), spread_over=cast.tree.n1.pk))
    # (10 + 20) / 500 = 60 / 1000
    assert owners() == {"rosa": 30, "sun": 60}
    assert done.result["taken"] == {str(rosa.pk): 20, str(sun.pk): 60}
    moved = {
        user: [
            float(aum)
            for aum in CustomerProfile.objects.filter(
                month=MONTH, customer__portfolio_moves__to_rm=user
            ).values_list("aum", flat=True)
        ]
        for user in (rosa, sun)
    }
    means = {user: sum(amounts) / len(amounts) for user, amounts in moved.items()}
    assert abs(means[rosa] - means[sun]) < 2000


def test_whoever_is_on_leave_is_left_out_of_a_sharing_and_named(cast: Cast, rosa: User) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1)
    Leave.objects.create(user=sun, first_day=TODAY, last_day=TODAY + dt.timedelta(days=5))
    make_customers(6, cast.tree.n1, cast.rita)
    shown = preview(cast.bao, Choice((cast.rita.pk,), spread_over=cast.tree.n1.pk))
    assert ([share.rm for share in shown.receiving], shown.left_out, shown.on_leave) == ([rosa], [sun], [])
    named = preview(cast.bao, Choice((cast.rita.pk,), receivers=(sun.pk,)))
    assert ([share.rm for share in named.receiving], named.left_out, named.on_leave) == ([sun], [], [sun])
    Leave.objects.update(last_day=TODAY, first_day=TODAY - dt.timedelta(days=9))
    assert preview(cast.bao, Choice((cast.rita.pk,), spread_over=cast.tree.n1.pk)).left_out == [sun]
    Leave.objects.update(last_day=TODAY - dt.timedelta(days=1))
    assert preview(cast.bao, Choice((cast.rita.pk,), spread_over=cast.tree.n1.pk)).left_out == []


def test_shares_reach_a_common_level_whatever_the_start() -> None:
    chance = random.Random(3)
    for _n in range(300):
        loads = {
            pk: (chance.randrange(900), chance.randrange(1, 800)) for pk in range(chance.randrange(1, 9))
        }
        total = chance.randrange(1, 5000)
        given = transfer_sql.shares(total, loads)
        assert sum(given.values()) == total
        # Nobody who got one could have been spared by somebody with less load after it.
        after = {pk: (now + given.get(pk, 0)) / size for pk, (now, size) in loads.items()}
        for pk in given:
            for other, (now, size) in loads.items():
                assert (loads[pk][0] + given[pk] - 1) / loads[pk][1] <= (
                    now + given.get(other, 0) + 1
                ) / size + 1e-9, (after, pk, other)


def test_customers_without_a_manager_can_be_given_out(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, None)
    make_customers(2, cast.tree.s1, None, prefix="S")
    order(cast.bao, Choice(nobody_in=cast.tree.n1.pk, receivers=(rosa.pk,)))
    assert owners() == {"rosa": 3, "": 2}


def test_customers_change_branch_when_asked_and_come_back(cast: Cast) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    done = order(cast.ada, Choice((cast.rita.pk,), receivers=(cast.raj.pk,), changes_branch=True))
    assert set(Customer.objects.values_list("home_branch", flat=True)) == {cast.tree.s1.pk}
    transfer.undo(cast.ada, done.pk)
    assert set(Customer.objects.values_list("home_branch", flat=True)) == {cast.tree.n1.pk}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda c: Choice((c.raj.pk,), receivers=(c.rita.pk,)), "your branches"),
        (lambda c: Choice((c.rita.pk,), receivers=(c.raj.pk,)), "your branches"),
        (lambda c: Choice((c.rita.pk,), spread_over=c.tree.south.pk), "not one of yours"),
        (lambda c: Choice((c.rita.pk,), branch=c.tree.s1.pk, receivers=(c.rita.pk,)), "not one of yours"),
        (lambda c: Choice(nobody_in=c.tree.head_office.pk, receivers=(c.rita.pk,)), "not one of yours"),
        (lambda c: Choice((c.rita.pk,), receivers=(c.rita.pk,)), "both give and take"),
        (lambda c: Choice((c.rita.pk,), receivers=(c.bao.pk,)), "cannot take customers"),
        (lambda c: Choice((c.rita.pk,), spread_over=c.tree.n1.pk), "Nobody else there"),
        (lambda c: Choice((c.rita.pk,)), "who takes"),
        (lambda c: Choice(receivers=(c.rita.pk,)), "whose customers"),
    ],
)
def test_a_branch_manager_is_refused_beyond_the_own_subtree_and_what_makes_no_sense(
    cast: Cast, make: Callable[[Cast], Choice], sentence: str
) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    make_customers(2, cast.tree.s1, cast.raj, prefix="S")
    with pytest.raises(Refused, match=sentence):
        preview(cast.bao, make(cast))


def test_nothing_to_move_is_said(cast: Cast, rosa: User) -> None:
    with pytest.raises(Refused, match="No customer fits"):
        preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))


@pytest.mark.parametrize("person", ["rita", "mei", "max", "aud", "ana", "omar"])
def test_other_roles_neither_look_nor_move(cast: Cast, rosa: User, person: str) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    choice = Choice((cast.rita.pk,), receivers=(rosa.pk,))
    token = preview(cast.ada, choice).token
    user = getattr(cast, person)
    with pytest.raises(PermissionDenied):
        preview(user, choice)
    with pytest.raises(PermissionDenied):
        transfer.order(user, token, "no")
    assert owners() == {"rita": 2}


def test_a_preview_of_more_rights_does_not_lend_them(cast: Cast) -> None:
    make_customers(2, cast.tree.s1, cast.raj)
    token = preview(cast.ada, Choice((cast.raj.pk,), receivers=(cast.rita.pk,))).token
    with pytest.raises(Refused, match="your branches"):
        transfer.order(cast.bao, token, "Mine")
    assert owners() == {"raj": 2}


def test_customers_that_changed_since_the_preview_stop_it(cast: Cast, rosa: User) -> None:
    ids = make_customers(3, cast.tree.n1, cast.rita)
    token = preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,))).token
    Customer.objects.filter(pk=ids[0]).update(primary_rm=cast.raj)
    with pytest.raises(Conflict, match="changed since the preview"):
        transfer.order(cast.bao, token, "x")
    assert owners() == {"rita": 2, "raj": 1}
    assert not PortfolioTransfer.objects.exists()


def test_the_same_preview_sent_twice_is_one_transfer(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    token = preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,))).token
    first = transfer.order(cast.bao, token, "x")
    assert transfer.order(cast.bao, token, "x") == first
    assert PortfolioMove.objects.count() == 3


@pytest.mark.parametrize(
    ("token", "reason", "on", "sentence"),
    [
        ("forged", "x", None, "too old"),
        (None, "  ", None, "Say why"),
        (None, "x", TODAY - dt.timedelta(days=1), "day is over"),
    ],
)
def test_an_order_without_its_parts_is_refused(
    cast: Cast, rosa: User, token: str | None, reason: str, on: dt.date | None, sentence: str
) -> None:
    make_customers(1, cast.tree.n1, cast.rita)
    token = token or preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,))).token
    with pytest.raises(Refused, match=sentence):
        transfer.order(cast.bao, token, reason, on)
    assert owners() == {"rita": 1}


def test_a_planned_transfer_is_done_on_its_day_with_what_fits_then(
    cast: Cast, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    later = TODAY + dt.timedelta(days=5)
    planned = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)), on=later)
    assert (planned.state, owners()) == (State.PLANNED, {"rita": 3})
    make_customers(2, cast.tree.n1, cast.rita, prefix="NEW")
    assert transfer.do_due() == {"transfers_done": 0, "transfers_failed": 0}
    monkeypatch.setattr("bankcrm.clock.today", lambda: later)
    assert transfer.do_due() == {"transfers_done": 1, "transfers_failed": 0}
    assert owners() == {"rosa": 5}
    assert transfer.do_due() == {"transfers_done": 0, "transfers_failed": 0}


def test_a_planned_transfer_that_cannot_be_done_says_why_and_others_are(
    cast: Cast, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    sun = make_user("sun", Role.RM, cast.tree.n1)
    make_customers(2, cast.tree.n1, sun, prefix="S")
    later = TODAY + dt.timedelta(days=1)
    broken = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)), on=later)
    sound = order(cast.bao, Choice((sun.pk,), receivers=(cast.rita.pk,)), on=later)
    User.objects.filter(pk=rosa.pk).update(is_active=False)
    monkeypatch.setattr("bankcrm.clock.today", lambda: later)
    assert transfer.do_due() == {"transfers_done": 1, "transfers_failed": 1}
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert (broken.state, sound.state) == (State.FAILED, State.DONE)
    assert "cannot take" in broken.result["error"]
    assert owners() == {"rita": 5}


def test_rights_that_went_between_asking_and_the_day_stop_it(
    cast: Cast, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_customers(1, cast.tree.n1, cast.rita)
    later = TODAY + dt.timedelta(days=1)
    planned = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)), on=later)
    User.objects.filter(pk=cast.bao.pk).update(role=Role.PLANNER)
    monkeypatch.setattr("bankcrm.clock.today", lambda: later)
    transfer.do_due()
    planned.refresh_from_db()
    assert (planned.state, owners()) == (State.FAILED, {"rita": 1})


def test_a_planned_transfer_is_taken_back_once(cast: Cast, rosa: User) -> None:
    make_customers(1, cast.tree.n1, cast.rita)
    planned = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)), on=TODAY + dt.timedelta(days=1))
    assert transfer.cancel(cast.bao, planned.pk).state == State.CANCELLED
    with pytest.raises(Conflict):
        transfer.cancel(cast.bao, planned.pk)
    with pytest.raises(Refused):
        transfer.undo(cast.bao, planned.pk)


def test_undo_gives_back_what_nothing_happened_to_and_counts_the_rest(cast: Cast, rosa: User) -> None:
    ids = make_customers(4, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk=ids[0]).update(backup_rm=rosa)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    Customer.objects.filter(pk=ids[1]).update(primary_rm=cast.raj)
    sun = make_user("sun", Role.RM, cast.tree.n1)
    order(cast.bao, Choice((rosa.pk,), receivers=(sun.pk,), customers=(ids[2],)))
    undone = transfer.undo(cast.bao, done.pk)
    assert undone.state == State.UNDONE
    assert undone.result["undone"]["customers"] == 2
    assert undone.result["undone"]["customers_kept"] == 2
    assert owners() == {"rita": 2, "raj": 1, "sun": 1}
    assert Customer.objects.get(pk=ids[0]).backup_rm == rosa
    assert PortfolioMove.objects.filter(transfer=done, undone_at__isnull=False).count() == 2
    with pytest.raises(Refused):
        transfer.undo(cast.bao, done.pk)


def test_undo_leaves_a_customer_who_went_round_and_came_back(cast: Cast, rosa: User) -> None:
    ids = make_customers(2, cast.tree.n1, cast.rita)
    sun = make_user("sun", Role.RM, cast.tree.n1)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    order(cast.bao, Choice((rosa.pk,), receivers=(sun.pk,), customers=(ids[0],)))
    order(cast.bao, Choice((sun.pk,), receivers=(rosa.pk,)))
    undone = transfer.undo(cast.bao, done.pk).result["undone"]
    assert (undone["customers"], undone["customers_kept"]) == (1, 1)
    assert owners() == {"rita": 1, "rosa": 1}


def test_nobody_gets_customers_back_who_no_longer_works_with_any(cast: Cast, rosa: User) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    User.objects.filter(pk=cast.rita.pk).update(is_active=False)
    with pytest.raises(Conflict, match="nothing was undone"):
        transfer.undo(cast.bao, done.pk)
    done.refresh_from_db()
    assert (done.state, owners()) == (State.DONE, {"rosa": 2})


def test_undo_ends_after_a_week(cast: Cast, rosa: User) -> None:
    make_customers(1, cast.tree.n1, cast.rita)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    PortfolioTransfer.objects.update(
        done_at=timezone.now() - dt.timedelta(days=transfer.UNDO_DAYS, minutes=1)
    )
    with pytest.raises(Refused, match="7 days"):
        transfer.undo(cast.bao, done.pk)


def test_a_transfer_of_other_branches_is_out_of_sight_or_out_of_reach(cast: Cast) -> None:
    make_customers(1, cast.tree.s1, cast.raj)
    beyond = make_user("sara", Role.RM, cast.tree.s1)
    elsewhere = order(cast.ada, Choice((cast.raj.pk,), receivers=(beyond.pk,)))
    with pytest.raises(PortfolioTransfer.DoesNotExist):
        transfer.undo(cast.bao, elsewhere.pk)
    half_ours = order(cast.ada, Choice((beyond.pk,), receivers=(cast.rita.pk,)))
    with pytest.raises(Refused, match="other branches"):
        transfer.undo(cast.bao, half_ours.pk)
    assert set(PortfolioTransfer.objects.visible_to(cast.bao)) == {half_ours}


def test_a_transfer_costs_the_same_statements_for_three_and_three_hundred(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    with CaptureQueriesContext(connection) as few:
        order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    make_customers(300, cast.tree.n1, cast.rita, prefix="M")
    with CaptureQueriesContext(connection) as many:
        order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    assert len(few) == len(many)
