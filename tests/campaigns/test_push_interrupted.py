"""A push that is killed, doubled or overtaken ends as one push that was left alone."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from bankcrm import runs
from bankcrm.models import AuditEvent, Run, User
from campaigns import lifecycle, push
from campaigns.conflicts import Refused
from campaigns.models import Campaign, ContactRule, Lead, Push, Target
from customers.models import Assignment
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, make_bank


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
        self.told: list[tuple[int, int | None]] = []

    def fence(self) -> None:
        pass

    def progress(self, done: int, total: int | None = None, note: object = "") -> None:
        self.told.append((done, total))
        self.left -= 1
        if not self.left:
            raise Killed


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_killed_push_goes_on_where_it_stopped(
    chunks: int, cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "40")
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    campaign = factories.approved(cast)
    with pytest.raises(Killed):
        push.push(campaign, cast.mei, job=DyingJob(chunks), on=TODAY)  # type: ignore[arg-type]  # all a push asks of a job
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


def test_a_push_that_goes_on_counts_what_was_done_before_and_ends_with_everybody(
    cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "40")
    monkeypatch.setattr("campaigns.explanation.explain", lambda _selection, _job: None)
    campaign = factories.approved(cast)
    killed, second = DyingJob(3), DyingJob(99)
    with pytest.raises(Killed):
        push.push(campaign, cast.mei, job=killed, on=TODAY)  # type: ignore[arg-type]  # all a push asks of a job
    assert killed.told[-1] == (120, 200)
    half = Lead.objects.count()
    push.push(campaign, cast.mei, job=second, on=TODAY)  # type: ignore[arg-type]  # all a push asks of a job
    assert second.told[0] == (half + 40, 200)
    assert second.told[-1] == (200, 200)


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


def test_a_push_that_another_began_between_our_two_reads_goes_on(
    cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "40")
    campaign = factories.approved(cast)
    real, others = Push.objects.filter, []

    def late(*args: Any, **kwargs: Any) -> Any:
        if not others:
            others.append("begins and dies")
            with pytest.raises(Killed):
                push.push(campaign, cast.mei, job=DyingJob(1), on=TODAY)  # type: ignore[arg-type]  # all a push asks of a job
        return real(*args, **kwargs)

    monkeypatch.setattr(Push.objects, "filter", late)
    done = push.push(campaign, cast.mei, on=TODAY)
    assert done.reconciliation["pushed"] == campaign.selection.targets_count == Lead.objects.count()


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
            push.push(campaign, cast.mei, job=DyingJob(1), on=TODAY)  # type: ignore[arg-type]  # all a push asks of a job
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
