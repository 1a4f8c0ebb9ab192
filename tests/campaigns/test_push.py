"""The push: an approved selection becomes leads once, whatever interrupts it, and every target is accounted for."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import runs
from bankcrm.models import AuditEvent, Branch, Holiday, Leave, Role, Run, User
from campaigns import lifecycle, push
from campaigns.conflicts import Refused
from campaigns.models import Campaign, ContactRule, FollowUp, Lead, Offer, Push, Target
from customers.models import Assignment, Consent, Contact, Customer, Holding
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, make_bank, make_user


@pytest.fixture
def customers(cast: Cast) -> list[int]:
    return factories.make_customers(200, cast.tree.n1, cast.rita)


def digest() -> list[Any]:
    """Everything a push writes, without surrogate keys and clocks."""
    leads = Lead.objects.order_by("customer").values_list(
        "customer", "rm", "branch", "arm__code", "state", "unassigned_reason", "value", "due_on"
    )
    history = Assignment.objects.order_by("customer").values_list(
        "campaign_code", "customer", "cell_code", "is_control", "assigned_on", "score"
    )
    held = Target.objects.exclude(withheld="").order_by("customer").values_list("customer", "withheld")
    done = Push.objects.order_by("campaign").values_list("campaign", "wave", "reconciliation")
    told = AuditEvent.objects.filter(action__startswith="campaign.").order_by("id").values_list("action")
    return [list(leads), list(history), list(held), list(done), list(told)]


class Killed(BaseException):
    """As final as kill -9: nothing catches it."""


class DyingJob:
    """A job whose process dies after so many chunks are committed."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks
        self.run = None
        self.run_id = -1

    def fence(self) -> None:
        pass

    def progress(self, done: int, total: int | None = None, note: object = "") -> None:
        self.left -= 1
        if not self.left:
            raise Killed


def test_what_was_selected_is_pushed_or_control(cast: Cast, customers: list[int]) -> None:
    campaign, done = factories.pushed(cast)
    assert campaign.state == Campaign.State.RUNNING
    assert campaign.assigned_on == TODAY
    leads = Lead.objects.filter(campaign=campaign)
    treated = set(Target.objects.treated().values_list("customer", flat=True))
    assert set(leads.values_list("customer", flat=True)) == treated
    assert done.reconciliation == {
        "selected": 200,
        "pushed": len(treated),
        "control": 200 - len(treated),
        "withheld": {},
    }
    assert done.finished_at is not None
    counted = push.reconcile(campaign)
    assert counted.adds_up
    assert (counted.open, counted.closed, counted.recalled) == (len(treated), 0, 0)


def test_everybody_selected_enters_the_history_on_the_same_day(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    objector = Target.objects.treated().order_by("id").first()
    assert objector is not None
    Consent.objects.create(customer_id=objector.customer_id, channel="all", is_objection=True, since=TODAY)
    push.push(campaign, cast.mei, on=TODAY)
    history = {a.customer_id: a for a in Assignment.objects.filter(campaign_code=campaign.code)}
    for target in Target.objects.select_related("arm"):
        row = history.pop(target.customer_id)
        assert row.assigned_on == TODAY
        assert row.is_control == target.is_control
        assert row.cell_code == ("control" if target.is_control else "a")
        assert (row.is_random, row.product_code) == (True, "fund")
    assert not history


def test_only_an_approved_campaign_is_pushed(cast: Cast, customers: list[int]) -> None:
    for make, state in ((factories.selected, "Draft"), (factories.submitted, "Waiting for approval")):
        campaign = make(cast, state.lower().replace(" ", "-"))
        with pytest.raises(Refused, match=f"Only an approved campaign.*{state}"):
            push.push(campaign, cast.mei, on=TODAY)
    assert not Lead.objects.exists()
    assert not Push.objects.exists()
    assert not Assignment.objects.exists()


def test_a_second_push_is_refused_and_changes_nothing(cast: Cast, customers: list[int]) -> None:
    campaign, _done = factories.pushed(cast)
    before = digest()
    with pytest.raises(Refused, match="already pushed"):
        push.push(campaign, cast.mei, on=TODAY)
    with pytest.raises(Refused):
        push.push(campaign, cast.mei, wave=2, on=TODAY)
    assert digest() == before


def test_only_planners_push(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    for user in (cast.omar, cast.rita, cast.max, cast.ada, cast.aud):
        with pytest.raises(PermissionDenied):
            push.push(campaign, user, on=TODAY)
    assert not Push.objects.exists()


@pytest.mark.parametrize("drift", ["script", "price", "target lost", "target gained", "arm changed"])
def test_what_drifted_since_approval_is_not_pushed(drift: str, cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    chosen = Target.objects.treated().order_by("id")
    if drift == "script":
        Offer.objects.update(script_offer="Twice the interest.")
    elif drift == "price":
        Offer.objects.update(margin_per_sale=1)
    elif drift == "target lost":
        Target.objects.filter(pk=chosen[0].pk).delete()
    elif drift == "target gained":
        more = factories.make_customers(1, cast.tree.n1, prefix="X")[0]
        Target.objects.filter(pk=chosen[0].pk).update(customer=more)
    else:
        Target.objects.filter(pk=chosen[0].pk).update(is_control=True, arm=None)
    with pytest.raises(Refused, match="changed since approval"):
        push.push(campaign, cast.mei, on=TODAY)
    assert not Lead.objects.exists()
    assert Campaign.objects.get(pk=campaign.pk).state == Campaign.State.APPROVED


def test_who_must_not_be_contacted_any_more_is_withheld_with_the_reason(
    cast: Cast, customers: list[int]
) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    campaign = factories.approved(cast)
    treated = list(Target.objects.treated().order_by("id").values_list("customer", flat=True))
    dnc, objects, left, staff, called, phone, holds = treated[:7]
    Consent.objects.create(customer_id=dnc, channel="all", is_objection=True, since=TODAY)
    Consent.objects.create(customer_id=objects, channel="phone", is_objection=True, since=TODAY)
    Customer.objects.filter(pk=left).update(closed_on=TODAY)
    Customer.objects.filter(pk=staff).update(is_employee=True)
    Customer.objects.filter(pk=phone).update(phone_is_wrong=True)
    Contact.objects.create(customer_id=called, contacted_on=TODAY, reference="x", channel="sms")
    Holding.objects.create(number="H", customer_id=holds, product=campaign.product, opened_on=TODAY)
    done = push.push(campaign, cast.mei, on=TODAY)
    held = dict(Target.objects.exclude(withheld="").values_list("customer", "withheld"))
    assert held == {
        dnc: "do_not_contact",
        objects: "objection",
        left: "closed",
        staff: "employee",
        called: "capped",
        phone: "wrong_phone",
        holds: "holds_product",
    }
    assert held.keys().isdisjoint(Lead.objects.values_list("customer", flat=True))
    assert done.reconciliation["withheld"] == dict(Counter(held.values()))
    assert set(held.values()) <= push.WITHHELD_REASONS.keys()
    assert push.reconcile(campaign).adds_up


def test_two_campaigns_do_not_share_a_customer_beyond_the_cap(cast: Cast, customers: list[int]) -> None:
    """Both were selected while nobody had a lead; the second push finds the first one's open leads."""
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    first, second = factories.approved(cast, "first"), factories.approved(cast, "second")
    push.push(first, cast.mei, on=TODAY)
    push.push(second, cast.mei, on=TODAY)
    per_customer = Counter(Lead.objects.values_list("customer", flat=True))
    assert set(per_customer.values()) == {1}
    assert Target.objects.filter(selection=second.selection, withheld="capped").exists()


def test_the_number_of_queries_does_not_depend_on_the_leads(cast: Cast) -> None:
    counted = []
    for code, n in (("few", 30), ("many", 900)):
        factories.make_customers(n, cast.tree.n1, cast.rita, prefix=code)
        campaign = factories.approved(cast, code)
        with CaptureQueriesContext(connection) as queries:
            push.push(campaign, cast.mei, on=TODAY)
        counted.append(len(queries))
    assert Lead.objects.count() > 800
    assert counted[0] == counted[1]


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_killed_push_goes_on_where_it_stopped(
    chunks: int, cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "40")
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    campaign = factories.approved(cast)
    with pytest.raises(Killed):
        push.push(campaign, cast.mei, job=DyingJob(chunks), on=TODAY)  # type: ignore[arg-type]
    half = Lead.objects.count()
    assert 0 < half < campaign.selection.targets_count
    # A day later: windows still count from the day the push began.
    done = push.push(campaign, cast.mei, on=TODAY + dt.timedelta(days=1))
    assert done.reconciliation["pushed"] == campaign.selection.targets_count == Lead.objects.count()
    # Their own leads of the first half must not look like somebody else's contacts.
    assert done.reconciliation["withheld"] == {}
    assert set(Assignment.objects.values_list("assigned_on", flat=True)) == {TODAY}
    assert Assignment.objects.count() == 200
    assert AuditEvent.objects.filter(action="campaign.pushed").count() == 1
    assert AuditEvent.objects.filter(action="campaign.leads_made").count() == 1


@pytest.mark.parametrize("size", ["7", "5000"])
def test_the_chunk_size_does_not_show_in_the_result(
    size: str, cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", size)
    _campaign, done = factories.pushed(cast)
    assert (done.reconciliation["pushed"], done.reconciliation["control"]) == (
        Lead.objects.count(),
        Target.objects.filter(is_control=True).count(),
    )
    assert Assignment.objects.count() == 200


def test_chunks_are_never_larger_than_five_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "100000")
    assert push.chunk_size() == 5000
    monkeypatch.delenv("BANKCRM_PUSH_CHUNK")
    assert push.chunk_size() == 5000


@pytest.mark.django_db(transaction=True)
def test_two_pushes_at_the_same_moment_make_each_lead_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "20")
    cast = make_bank()
    factories.make_customers(200, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast)
    outcomes = in_threads(*[lambda: push.push(campaign, cast.mei, on=TODAY)] * 2)
    assert any(isinstance(outcome, Push) for outcome in outcomes), outcomes
    assert all(isinstance(o, Push | Refused | lifecycle.Conflict) for o in outcomes), outcomes
    assert Lead.objects.count() == campaign.selection.targets_count
    assert AuditEvent.objects.filter(action="campaign.pushed").count() == 1
    assert push.reconcile(Campaign.objects.get(pk=campaign.pk)).adds_up


@pytest.mark.django_db(transaction=True)
def test_two_campaigns_pushed_at_the_same_moment_keep_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_bank()
    factories.make_customers(200, cast.tree.n1, cast.rita)
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    campaigns = [factories.approved(cast, code, control_share="0") for code in ("first", "second")]
    barrier = threading.Barrier(2, timeout=20)
    real, met = push.chunk_statement, threading.local()

    def together(chunk: Any) -> Any:
        """Both are about to execute their first chunk before either does."""
        if not hasattr(met, "once"):
            met.once = True
            barrier.wait()
        return real(chunk)

    monkeypatch.setattr(push, "chunk_statement", together)
    in_threads(*[lambda c=c: push.push(c, cast.mei, on=TODAY) for c in campaigns])
    assert Lead.objects.count() == 200
    assert set(Counter(Lead.objects.values_list("customer", flat=True)).values()) == {1}
    assert Target.objects.filter(withheld="capped").count() == 200
    assert Assignment.objects.count() == 400


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """Run all at once, each on its own connection; results or exceptions in the order of their ends."""
    barrier = threading.Barrier(len(calls), timeout=20)
    outcomes: list[Any] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            outcomes.append(call())
        except BaseException as error:  # noqa: BLE001  looked at by the test
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# Who gets the lead


def owners(campaign: Campaign) -> Counter[str]:
    return Counter(
        lead.rm.username if lead.rm else lead.unassigned_reason
        for lead in Lead.objects.filter(campaign=campaign).select_related("rm")
    )


def test_the_owner_gets_the_lead_wherever_they_sit(cast: Cast) -> None:
    ids = factories.make_customers(40, cast.tree.n1, cast.raj)
    campaign, _done = factories.pushed(cast)
    assert owners(campaign).keys() == {"raj"}
    # The customer's branch answers for the lead.
    assert set(Lead.objects.values_list("branch", flat=True)) == {cast.tree.n1.pk}
    assert len(ids) == 40


@pytest.mark.parametrize(
    ("absence", "expected"),
    [
        ("leave with stand-in", "sun"),
        ("leave without stand-in", "raj"),
        ("leave, stand-in away too", "raj"),
        ("left the bank", "raj"),
        ("leave is over", "rita"),
    ],
)
def test_a_lead_of_somebody_away_goes_to_the_stand_in_then_the_backup(
    absence: str, expected: str, cast: Cast
) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n2)
    ids = factories.make_customers(40, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk__in=ids).update(backup_rm=cast.raj)
    day = dt.timedelta(days=1)
    last = TODAY - day if absence == "leave is over" else TODAY + 5 * day
    if absence == "left the bank":
        User.objects.filter(pk=cast.rita.pk).update(is_active=False)
    else:
        stand_in = None if absence == "leave without stand-in" else sun
        Leave.objects.create(user=cast.rita, first_day=TODAY - 5 * day, last_day=last, backup=stand_in)
    if "too" in absence:
        Leave.objects.create(user=sun, first_day=TODAY, last_day=TODAY)
    campaign, _done = factories.pushed(cast)
    assert owners(campaign).keys() == {expected}


def test_customers_without_an_owner_are_shared_by_room_not_by_turn(cast: Cast) -> None:
    make_user("sun", Role.RM, cast.tree.n1, daily_capacity=40)
    make_user("idle", Role.RM, cast.tree.n1, daily_capacity=0)
    make_user("away", Role.RM, cast.tree.n1)
    Leave.objects.create(user=User.objects.get(username="away"), first_day=TODAY, last_day=TODAY)
    make_user("elsewhere", Role.RM, cast.tree.n2)
    # Rita (20 a day) already has 15 open leads of an earlier campaign; Sun (40 a day) none.
    factories.make_customers(15, cast.tree.n1, cast.rita, prefix="R")
    factories.pushed(cast, "earlier", control_share="0")
    ids = factories.make_customers(90, cast.tree.n1, None, prefix="N")
    factories.run_sql("UPDATE customers_customerprofile SET age = 80 WHERE customer_id = ANY(%s)", ids)
    old = {"all": [{"field": "age", "op": "at_least", "value": 80}]}
    campaign, _done = factories.pushed(cast, "later", control_share="0", condition=old)
    # The same load per day for both: (15 + 20) / 20 = 70 / 40.
    assert owners(campaign) == {"rita": 20, "sun": 70}


@pytest.mark.parametrize("size", ["10", "5000"])
def test_the_balance_holds_across_chunks(size: str, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", size)
    make_user("sun", Role.RM, cast.tree.n1, daily_capacity=40)
    factories.make_customers(90, cast.tree.n1, None)
    campaign, _done = factories.pushed(cast, control_share="0")
    assert owners(campaign) == {"rita": 30, "sun": 60}


def test_nobody_to_take_it_leaves_the_lead_unassigned_with_the_reason(cast: Cast) -> None:
    empty = Branch.objects.get(pk=cast.tree.n2.pk)
    factories.make_customers(20, empty, None, prefix="E")
    ids = factories.make_customers(20, empty, None, prefix="B")
    Customer.objects.filter(pk__in=ids).update(home_branch=None)
    campaign, _done = factories.pushed(cast, control_share="0")
    assert owners(campaign) == {"nobody_in_branch": 20, "no_branch": 20}
    assert set(Lead.objects.values_list("state", flat=True)) == {Lead.State.UNASSIGNED}
    assert set(push.UNASSIGNED_REASONS) == {"nobody_in_branch", "no_branch"}


def test_leads_are_due_after_working_days(cast: Cast, customers: list[int]) -> None:
    # 25 November 2026 is a Wednesday.
    Holiday.objects.create(day=dt.date(2026, 11, 27), name="Founding day")
    factories.pushed(cast, lead_due_days=3)
    assert set(Lead.objects.values_list("due_on", flat=True)) == {dt.date(2026, 12, 1)}


# Taking back


def test_only_untouched_leads_are_recalled(cast: Cast, customers: list[int]) -> None:
    campaign, _done = factories.pushed(cast)
    claimed, spoken, sold, *_rest = Lead.objects.order_by("id")
    Lead.objects.filter(pk=claimed.pk).update(claimed_by=cast.rita)
    FollowUp.objects.create(lead=spoken, by=cast.rita, outcome=Lead.Outcome.NO_ANSWER)
    Lead.objects.filter(pk=sold.pk).update(state=Lead.State.CONVERTED)
    total = Lead.objects.count()
    assert push.recall(campaign, cast.mei, "The offer was withdrawn.") == total - 3
    counted = push.reconcile(campaign)
    assert counted.adds_up
    assert (counted.open, counted.closed, counted.recalled) == (2, 1, total - 3)
    with pytest.raises(PermissionDenied):
        push.recall(campaign, cast.rita)
    assert push.recall(campaign, cast.mei) == 0


# As work in the background


def work(kind: str, user: User, **arguments: Any) -> Run:
    run = runs.request(kind, user, key=f"campaign:{arguments['campaign']}", **arguments)
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def test_selection_and_push_run_as_work(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    chosen = work("campaigns.select", cast.mei, campaign=campaign.pk, version=1)
    assert chosen.state == Run.State.DONE, chosen.error
    assert chosen.result["targets"] + chosen.result["control"] == 200
    lifecycle.approve(lifecycle.submit(Campaign.objects.get(pk=campaign.pk), cast.mei), cast.omar)
    done = work("campaigns.push", cast.mei, campaign=campaign.pk, wave=1)
    assert done.state == Run.State.DONE, done.error
    assert done.result["pushed"] == chosen.result["targets"]
    before = digest()
    again = work("campaigns.push", cast.mei, campaign=campaign.pk, wave=1)
    assert (again.state, again.attempts) == (Run.State.FAILED, 1)
    assert "already pushed" in again.error
    assert digest() == before


def test_a_run_executed_twice_leaves_the_same(cast: Cast, customers: list[int]) -> None:
    """The worker died after the push and before it could say so: the run is claimed again."""
    campaign = factories.approved(cast)
    run = work("campaigns.push", cast.mei, campaign=campaign.pk, wave=1)
    before = digest()
    Run.objects.filter(pk=run.pk).update(state=Run.State.QUEUED, lease_token=None, finished_at=None)
    runs.execute(run.pk)
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    assert digest() == before


@pytest.mark.parametrize("begun", [False, True])
def test_a_worker_that_lost_its_lease_writes_nothing(
    begun: bool, cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = factories.approved(cast)
    if begun:
        monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "40")
        with pytest.raises(Killed):
            push.push(campaign, cast.mei, job=DyingJob(1), on=TODAY)  # type: ignore[arg-type]
    run = Run.objects.create(kind="campaigns.push", requested_by=cast.mei, state=Run.State.RUNNING)
    job = runs.Job(run, uuid.uuid4())
    before = digest()
    with pytest.raises(runs.LeaseLost):
        push.push(campaign, cast.mei, job=job, on=TODAY)
    assert digest() == before
    assert Push.objects.filter(run=run).count() == 0


def test_a_stale_selection_run_is_told_and_not_tried_again(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    lifecycle.edit(campaign, cast.mei, 1, capacity=5)
    run = work("campaigns.select", cast.mei, campaign=campaign.pk, version=1)
    assert (run.state, run.attempts) == (Run.State.FAILED, 1)
    assert "Select again" in run.error
