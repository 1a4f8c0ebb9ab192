"""Runs: claimed by one worker, written once, tried three times, for those who may."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models.functions import Now

from bankcrm import runs
from bankcrm.job import Job, from_now
from bankcrm.models import Role, Run
from tests.cast import Cast, make_bank
from tests.run_steps import break_off, count_to_three, database_now, expire, forget_wait, refuse, trail

State = Run.State


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


@pytest.mark.django_db(transaction=True)
def test_a_worker_faster_than_the_mark_of_sending_still_does_the_run(declare: Callable[..., str]) -> None:
    """The sender marks the row as sent just after the message went out; a quick worker meets that lock and waits."""
    mei = make_bank().mei
    run = runs.request(declare(count_to_three), mei, number=3)
    held, ended = threading.Event(), []

    def mark_as_sent_slowly() -> None:
        try:
            with transaction.atomic():
                Run.objects.filter(pk=run.pk).update(dispatched_at=Now())
                held.set()
                time.sleep(0.4)
        finally:
            connection.close()

    def execute() -> None:
        try:
            held.wait()
            ended.append(runs.execute(run.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=mark_as_sent_slowly), threading.Thread(target=execute)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ended == [State.DONE]


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


def test_back_off_has_jitter() -> None:
    assert len({runs.back_off_seconds(1) for _ in range(20)}) > 10


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
    assert (run.state, run.done, run.result) == (State.RUNNING, 7, {"mark": 0})


def test_progress_renews_the_lease_at_most_once_a_second(
    cast: Cast, declare: Callable[..., str], django_assert_num_queries: Any
) -> None:
    run = runs.request(declare(count_to_three), cast.mei)
    _, job = runs._claim(run.pk) or pytest.fail("not claimed")
    Run.objects.filter(pk=run.pk).update(leased_until=from_now(1))
    job.progress(1, 1000, "reading")
    run.refresh_from_db()
    assert run.leased_until > database_now() + dt.timedelta(seconds=50)
    assert (run.done, run.total, run.note) == (1, 1000, "reading")
    with django_assert_num_queries(0):
        for number in range(2, 1000):
            job.progress(number, 1000, "reading")


def test_two_kinds_of_one_name_are_refused(declare: Callable[..., str]) -> None:
    declare(count_to_three)
    with pytest.raises(ValueError, match="two kinds"):
        runs.work("test.count_to_three", "Other")(refuse)
