"""Runs whose worker, message, requester or broker goes missing; and the hand that stops or repeats them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from bankcrm import dispatch, heartbeat, runs
from bankcrm.job import Job, Keeper, from_now
from bankcrm.models import Run
from tests.cast import Cast, make_bank
from tests.run_steps import count_to_three, expire, refuse, trail

State = Run.State


def test_request_writes_the_row_and_leaves_the_sending_to_the_reaper(
    cast: Cast, declare: Callable[..., str], outbox: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.request(declare(count_to_three), cast.mei)
    assert outbox == []

    assert runs.reap()["sent"] == 1
    assert outbox == [run.pk]
    assert runs.reap()["sent"] == 0


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


def test_a_message_that_comes_back_cannot_start_a_fourth_attempt(
    cast: Cast, declare: Callable[..., str]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    for _ in range(3):
        assert runs._claim(run.pk)
        expire(run)
    assert runs.execute(run.pk) == ""
    assert runs.reap()["dead"] == 1


@pytest.mark.parametrize("first", ["the reaper", "another worker"])
def test_an_attempt_that_got_further_than_any_before_does_not_count(
    first: str, cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    seen = []
    for done in (10, 20, 30, 30, 5, 30):
        _, job = runs._claim(run.pk) or pytest.fail("not claimed")
        job.progress(done, 100)
        seen.append(job.attempt)
        expire(run)
        if first == "the reaper":
            runs.reap()
    runs.reap()
    run.refresh_from_db()
    assert seen == [1, 1, 1, 1, 2, 3]
    assert run.state == State.DEAD


def test_a_message_lost_by_the_broker_is_sent_again_after_a_lease(
    cast: Cast, declare: Callable[..., str], outbox: list[int]
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    runs.reap()
    Run.objects.filter(pk=run.pk).update(dispatched_at=from_now(-1000))
    runs.reap()
    assert outbox == [run.pk, run.pk]


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
