"""Runs: claimed by one worker, written once, tried three times, freed when their worker vanishes."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models.functions import Now

from bankcrm import dispatch, heartbeat, runs
from bankcrm.job import Job, Keeper, from_now
from bankcrm.models import AuditEvent, Role, Run
from tests.cast import Cast, make_bank

State = Run.State


@pytest.fixture
def declare() -> Iterator[Callable[..., str]]:
    """Declares a kind of work for one test."""
    before = dict(runs.KINDS)

    def declared(call: Callable[[Job], Any], *, roles: Any = None) -> str:
        kind = f"test.{call.__name__}"
        runs.KINDS.pop(kind, None)
        runs.work(kind, "Test work", roles=roles)(call)
        return kind

    yield declared
    runs.KINDS.clear()
    runs.KINDS.update(before)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids that would have been published."""
    sent: list[int] = []

    def publish(run_ids: Any) -> list[int]:
        ids = list(run_ids)
        sent.extend(ids)
        return ids

    monkeypatch.setattr(dispatch._broker, "publish", publish)
    return sent


def trail(run: Run) -> list[tuple[str, str]]:
    """From and to of every audit row of the run, in order."""
    rows = AuditEvent.objects.filter(object_type="bankcrm.run", object_id=str(run.pk)).order_by("pk")
    return list(rows.values_list("from_state", "to_state"))


def count_to_three(job: Job) -> dict[str, Any]:
    for number in range(1, 4):
        job.progress(number, 3, "counting")
    return {"counted": 3}


def break_off(job: Job) -> None:
    job.progress(1, 3)
    raise RuntimeError("phone 13812345678")


def refuse(job: Job) -> None:
    raise runs.Refused("The file is empty.")


def expire(run: Run) -> None:
    """As if the worker had vanished a lease ago."""
    Run.objects.filter(pk=run.pk).update(leased_until=from_now(-1))


def forget_wait(run: Run) -> None:
    """As if the back-off had passed."""
    Run.objects.filter(pk=run.pk).update(available_at=from_now(-1))


def test_work_is_claimed_done_and_its_result_kept(cast: Cast, declare: Callable[..., str]) -> None:
    run = runs.start(declare(count_to_three), cast.mei, subject="three", number=3)

    assert runs.execute(run.pk) == State.DONE

    run.refresh_from_db()
    assert (run.state, run.result, run.done, run.total, run.attempts) == ("done", {"counted": 3}, 3, 3, 1)
    assert run.arguments == {"number": 3}
    assert run.finished_at
    assert run.lease_token is None
    assert trail(run) == [("", "queued"), ("queued", "running"), ("running", "done")]


def test_a_message_that_arrives_twice_does_the_work_once(cast: Cast, declare: Callable[..., str]) -> None:
    calls = []
    run = runs.start(declare(lambda job: calls.append(job.attempt)), cast.mei)
    runs.execute(run.pk)

    assert runs.execute(run.pk) == ""
    assert calls == [1]


def test_the_id_is_sent_after_commit_and_not_before(
    cast: Cast, declare: Callable[..., str], outbox: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    kind = declare(count_to_three)
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.start(kind, cast.mei)
        assert outbox == []
    assert outbox == [run.pk]
    run.refresh_from_db()
    assert run.dispatched_at


def test_request_writes_the_row_and_leaves_the_sending_to_the_reaper(
    cast: Cast, declare: Callable[..., str], outbox: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.request(declare(count_to_three), cast.mei)
    assert outbox == []

    assert runs.reap()["sent"] == 1
    assert outbox == [run.pk]
    assert runs.reap()["sent"] == 0


def test_a_second_request_with_the_same_key_finds_the_unfinished_first(
    cast: Cast, declare: Callable[..., str]
) -> None:
    kind = declare(count_to_three)
    first = runs.start(kind, cast.mei, key="campaign-7")

    assert runs.start(kind, cast.omar, key="campaign-7").pk == first.pk
    assert runs.start(kind, cast.mei, key="campaign-8").pk != first.pk
    runs.execute(first.pk)
    assert runs.start(kind, cast.mei, key="campaign-7").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_with_one_key_at_once_make_one_run(declare: Callable[..., str]) -> None:
    mei = make_bank().mei
    kind = declare(count_to_three)
    found: list[int] = []
    barrier = threading.Barrier(20)

    def ask() -> None:
        try:
            barrier.wait()
            found.append(runs.request(kind, mei, key="wave-1").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 20
    assert set(found) == {Run.objects.get().pk}
    assert len(trail(Run.objects.get())) == 1


@pytest.mark.django_db(transaction=True)
def test_ten_workers_that_get_the_same_id_at_once_do_it_once(declare: Callable[..., str]) -> None:
    mei = make_bank().mei
    calls: list[int] = []
    run = runs.request(declare(lambda job: calls.append(job.attempt)), mei)
    barrier = threading.Barrier(10)

    def execute() -> None:
        try:
            barrier.wait()
            runs.execute(run.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=execute) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls == [1]


def test_work_for_other_roles_is_refused_when_asked(cast: Cast, declare: Callable[..., str]) -> None:
    kind = declare(count_to_three, roles={Role.ADMINISTRATOR})
    for person in (cast.mei, cast.aud):
        with pytest.raises(PermissionDenied):
            runs.start(kind, person)
    assert not Run.objects.exists()
    assert runs.execute(runs.start(kind, cast.ada).pk) == State.DONE


@pytest.mark.parametrize(
    "change", [{"role": Role.RM}, {"is_active": False}, {"is_auditor": True}], ids=["role", "left", "auditor"]
)
def test_rights_lost_since_the_request_stop_the_work(
    cast: Cast, declare: Callable[..., str], change: dict[str, Any]
) -> None:
    calls: list[int] = []
    run = runs.start(declare(lambda job: calls.append(1), roles={Role.PLANNER}), cast.mei)
    type(cast.mei).objects.filter(pk=cast.mei.pk).update(**change)

    assert runs.execute(run.pk) == State.FAILED

    run.refresh_from_db()
    assert run.error == "Mei may no longer do this."
    assert calls == []


def test_an_unknown_kind_fails_and_says_so(cast: Cast, declare: Callable[..., str]) -> None:
    with pytest.raises(KeyError):
        runs.start("test.nothing", cast.mei)
    run = runs.start(declare(count_to_three), cast.mei)
    Run.objects.filter(pk=run.pk).update(kind="test.retired")
    assert runs.execute(run.pk) == State.FAILED


def test_a_refusal_ends_the_run_with_its_sentence_and_without_another_attempt(
    cast: Cast, declare: Callable[..., str]
) -> None:
    run = runs.start(declare(refuse), cast.mei)
    assert runs.execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert (run.error, run.attempts) == ("The file is empty.", 1)


def test_an_error_is_tried_three_times_with_growing_waits_and_then_given_up(
    cast: Cast, declare: Callable[..., str]
) -> None:
    run = runs.start(declare(break_off), cast.mei)
    waits = []
    for _ in range(2):
        assert runs.execute(run.pk) == State.QUEUED
        assert runs.execute(run.pk) == "", "not before the wait is over"
        waits.append(
            (Run.objects.values_list("available_at", flat=True).get() - database_now()).total_seconds()
        )
        forget_wait(run)
    assert runs.execute(run.pk) == State.DEAD

    assert 4 < waits[0] < 16
    assert 19 < waits[1] < 61
    forget_wait(run)
    assert runs.execute(run.pk) == ""
    run.refresh_from_db()
    assert run.attempts == 3
    assert "RuntimeError" in run.error
    assert "138" not in run.error, "an exception may quote personal data"
    running = [("queued", "running"), ("running", "queued")]
    assert trail(run) == [("", "queued"), *running, *running, ("queued", "running"), ("running", "dead")]


def database_now() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


def test_back_off_has_jitter() -> None:
    assert len({runs.back_off_seconds(1) for _ in range(20)}) > 10


def test_the_reaper_frees_a_run_whose_worker_vanished_and_sends_it_again(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    runs._claim(run.pk)
    assert runs.reap() == {"waiting": 0, "dead": 0, "cancelled": 0, "sent": 0}, "its lease still holds"
    expire(run)

    assert runs.reap() == {"waiting": 1, "dead": 0, "cancelled": 0, "sent": 1}
    assert runs.reap() == {"waiting": 0, "dead": 0, "cancelled": 0, "sent": 0}

    assert runs.execute(run.pk) == State.DONE
    run.refresh_from_db()
    assert run.attempts == 2
    assert trail(run) == [
        ("", "queued"),
        ("queued", "running"),
        ("running", "queued"),
        ("queued", "running"),
        ("running", "done"),
    ]


def test_the_reaper_gives_up_after_the_third_vanished_worker(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    for expected in ("waiting", "waiting", "dead"):
        runs._claim(run.pk)
        expire(run)
        assert runs.reap()[expected] == 1
    run.refresh_from_db()
    assert (run.state, run.attempts) == (State.DEAD, 3)


def test_a_message_lost_by_the_broker_is_sent_again_after_a_lease(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    runs.reap()
    Run.objects.filter(pk=run.pk).update(dispatched_at=from_now(-1000))
    runs.reap()
    assert outbox == [run.pk, run.pk]


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    def slow(job: Job) -> dict[str, Any]:
        expire(job.run)
        runs.reap()
        _run, second = runs._claim(job.run_id) or pytest.fail("the second worker could not claim")
        for act in (job.fence, lambda: job.progress(5, 10)):
            with pytest.raises(runs.LeaseLost):
                act()
        second.progress(7, 10)
        return {"from": "first"}

    run = runs.request(declare(slow), cast.mei)
    assert runs.execute(run.pk) == ""

    run.refresh_from_db()
    assert (run.state, run.done, run.result) == (State.RUNNING, 7, {})


def test_progress_renews_the_lease_at_most_once_a_second(
    cast: Cast, declare: Callable[..., str], django_assert_num_queries: Any
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    _, job = runs._claim(run.pk) or pytest.fail("not claimed")
    Run.objects.filter(pk=run.pk).update(leased_until=from_now(1))
    job.progress(1, 1000, "reading")
    run.refresh_from_db()
    assert run.leased_until > database_now() + dt.timedelta(seconds=60)
    assert (run.done, run.total, run.note) == (1, 1000, "reading")
    with django_assert_num_queries(0):
        for number in range(2, 1000):
            job.progress(number, 1000, "reading")


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_kept_while_one_statement_takes_longer(
    declare: Callable[..., str], settings: Any
) -> None:
    mei = make_bank().mei
    settings.RUN_LEASE_SECONDS = 1

    def long_statement(job: Job) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2.5)")
        assert runs.reap()["waiting"] == 0

    run = runs.request(declare(long_statement), mei)
    assert runs.execute(run.pk) == State.DONE


@pytest.mark.django_db(transaction=True)
def test_work_that_hangs_in_silence_loses_its_lease(
    declare: Callable[..., str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = make_bank().mei
    settings.RUN_LEASE_SECONDS = 1
    monkeypatch.setattr("bankcrm.job.LONGEST_SILENCE_SECONDS", 0.0)
    run = runs.request(declare(count_to_three), mei)
    _, job = runs._claim(run.pk) or pytest.fail("not claimed")
    with Keeper(job):
        threading.Event().wait(1.2)
    assert runs.reap()["waiting"] == 1


def test_waiting_work_is_cancelled_at_once(cast: Cast, declare: Callable[..., str]) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    assert runs.cancel(run, cast.mei).state == State.CANCELLED
    assert runs.execute(run.pk) == ""
    with pytest.raises(runs.Conflict, match="already ended"):
        runs.cancel(run, cast.mei)
    assert trail(run) == [("", "queued"), ("queued", "cancelled")]


def test_running_work_stops_at_its_next_step(cast: Cast, declare: Callable[..., str]) -> None:
    def cancelled_half_way(job: Job) -> None:
        job.progress(5, 10, "first half")
        runs.cancel(job.run, cast.mei)
        job.progress(6, 10, "second half")
        pytest.fail("it went on")

    run = runs.request(declare(cancelled_half_way), cast.mei)
    assert runs.execute(run.pk) == State.CANCELLED
    run.refresh_from_db()
    assert run.done == 6


def test_cancelled_work_whose_worker_vanished_is_not_started_again(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    runs._claim(run.pk)
    runs.cancel(run, cast.mei)
    expire(run)
    assert runs.reap()["cancelled"] == 1
    assert outbox == []


def test_dead_work_is_tried_again_by_hand_with_three_new_attempts(
    cast: Cast, declare: Callable[..., str]
) -> None:
    run = runs.request(declare(refuse), cast.mei)
    with pytest.raises(runs.Conflict, match="failed or was given up"):
        runs.retry(run, cast.ada)
    runs.execute(run.pk)
    again = runs.retry(run, cast.ada)
    assert (again.state, again.attempts, again.error) == (State.QUEUED, 0, "")
    assert trail(run)[-1] == ("failed", "queued")


def test_a_retry_does_not_double_work_that_is_under_way(cast: Cast, declare: Callable[..., str]) -> None:
    kind = declare(refuse)
    run = runs.request(kind, cast.mei, key="one")
    runs.execute(run.pk)
    runs.request(kind, cast.mei, key="one")
    with pytest.raises(runs.Conflict, match="already under way"):
        runs.retry(run, cast.ada)


def test_a_missing_broker_neither_fails_nor_slows_the_request(
    cast: Cast,
    declare: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    asked: list[int] = []

    def nobody_there(*args: Any, **more: Any) -> None:
        asked.append(1)
        raise OSError("connection refused")

    monkeypatch.setattr(dispatch, "_broker", dispatch._Broker())
    monkeypatch.setattr(dispatch.app, "send_task", nobody_there)
    kind = declare(count_to_three)
    with django_capture_on_commit_callbacks(execute=True):
        found = [runs.start(kind, cast.mei) for _ in range(5)]
    assert len(asked) == 1, "after one failure the broker is left alone for a while"
    assert set(Run.objects.values_list("state", "dispatched_at")) == {(State.QUEUED, None)}
    assert len(found) == 5


def test_two_kinds_of_one_name_are_refused(declare: Callable[..., str]) -> None:
    declare(count_to_three)
    with pytest.raises(ValueError, match="two kinds"):
        runs.work("test.count_to_three", "Other")(refuse)


def test_the_heartbeat_is_one_row_and_silence_is_noticed(cast: Cast) -> None:
    assert heartbeat.health().worker_is_silent
    heartbeat.beat()
    heartbeat.beat()
    assert Run.objects.filter(kind=heartbeat.KIND).count() == 1
    assert not heartbeat.health().worker_is_silent
    Run.objects.filter(kind=heartbeat.KIND).update(finished_at=from_now(-200))
    assert heartbeat.health().worker_is_silent


def test_health_tells_how_long_due_work_waits(cast: Cast, declare: Callable[..., str]) -> None:
    kind = declare(count_to_three)
    old, later = runs.request(kind, cast.mei), runs.request(kind, cast.mei)
    Run.objects.filter(pk=old.pk).update(available_at=from_now(-90))
    Run.objects.filter(pk=later.pk).update(available_at=from_now(900))
    Run.objects.create(kind=kind, state=State.DEAD, finished_at=Now(), lease_token=uuid.uuid4())
    health = heartbeat.health()
    assert 89 < (health.queue_seconds or 0) < 100
    assert (health.waiting, health.dead) == (2, 1)
