"""The pages and the API of long work: one's own runs, and what may be done with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from bankcrm import heartbeat, reaper, run_pace, runs, units
from bankcrm.job import Job, from_now
from bankcrm.models import Run, User
from tests.cast import Cast, login

State = Run.State


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    """One kind of work to ask for."""
    before = dict(runs.KINDS)

    def count(job: Job) -> dict[str, Any]:
        return {"rows_in": 3}

    runs.work("test.count", "Count the rows")(count)
    yield
    runs.KINDS.clear()
    runs.KINDS.update(before)


def asked(user: User, **changes: Any) -> Run:
    run = runs.request("test.count", user, subject="march.csv")
    Run.objects.filter(pk=run.pk).update(**changes)
    run.refresh_from_db()
    return run


def running(user: User) -> Run:
    return asked(
        user,
        state=State.RUNNING,
        started_at=from_now(-60),
        leased_until=from_now(60),
        attempts=1,
        done=2_500,
        total=10_000,
        note="reading",
    )


def test_the_list_shows_ones_own_work_and_nobody_elses(cast: Cast) -> None:
    own, other = asked(cast.mei), asked(cast.omar)
    text = login(cast.mei).get("/work/").content.decode()
    assert f"/work/{own.pk}/" in text
    assert f"/work/{other.pk}/" not in text
    assert "Worker answered" not in text


def test_administrators_see_everybodys_work_and_whether_workers_answer(cast: Cast) -> None:
    asked(cast.mei, state=State.DEAD, finished_at=Now())
    heartbeat.beat()
    text = login(cast.ada).get("/work/").content.decode()
    assert "Mei" in text
    assert "Worker answered" in text
    assert "bankcrm.heartbeat" not in text
    Run.objects.filter(kind=heartbeat.KIND).update(finished_at=from_now(-1000))
    assert "no worker is running" in login(cast.ada).get("/work/").content.decode()


def test_the_list_costs_the_same_for_few_and_for_many(cast: Cast) -> None:
    client = login(cast.ada)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked_for:
            assert client.get("/work/").status_code == 200
        return len(asked_for)

    running(cast.mei)
    few = queries()
    for _ in range(40):
        running(cast.mei)
    assert queries() == few <= 11


def test_an_unfinished_row_asks_for_itself_again_and_a_finished_one_does_not(cast: Cast) -> None:
    run = running(cast.mei)
    client = login(cast.mei)
    row = client.get(f"/work/{run.pk}/row/").content.decode()
    assert 'hx-trigger="every 2s"' in row
    assert "2,500 of 10,000 rows" in row
    assert "about 3\u00a0min" in row
    Run.objects.filter(pk=run.pk).update(state=State.DONE, finished_at=Now())
    assert "hx-get" not in client.get(f"/work/{run.pk}/row/").content.decode()
    assert "hx-get" not in client.get(f"/work/{run.pk}/state/").content.decode()


def test_the_estimate_of_work_that_falls_silent_runs_down_and_is_gone_after_12_seconds(
    cast: Cast, settings: Any
) -> None:
    run = running(cast.mei)
    left: list[float | None] = []
    for silent in (0, 10, 13):
        # Half the rows in the minute before the last word.
        Run.objects.filter(pk=run.pk).update(
            done=5_000,
            started_at=from_now(-60 - silent),
            leased_until=from_now(settings.RUN_LEASE_SECONDS - silent),
        )
        run.refresh_from_db()
        left.append(run_pace.seconds_left(run))
    assert left == [pytest.approx(60, abs=1), pytest.approx(50, abs=1), None]
    assert run_pace.seconds_silent(run) == pytest.approx(13, abs=1)


def test_work_is_told_in_the_unit_of_its_kind_while_it_runs_and_afterwards(cast: Cast) -> None:
    run, client = running(cast.mei), login(cast.mei)

    def shown(**changes: Any) -> str:
        Run.objects.filter(pk=run.pk).update(**changes)
        return " ".join(client.get(f"/work/{run.pk}/{path}").content.decode() for path in ("row/", "state/"))

    assert shown(kind="campaigns.push", done=15, total=287).count("15 of 287 customers") == 2
    assert shown(kind="analytics.train", done=1, total=3).count("1 of 3 steps") == 2
    ended = shown(kind="campaigns.push", done=287, state=State.DONE, finished_at=Now())
    assert "287 customers in" in ended
    assert "287 customers done." in ended
    ended = shown(kind="analytics.train", done=3)
    assert "3 " not in ended.replace("of 3", "")
    assert "Finished." in ended


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        ("customers.import", units.ROWS),
        ("customers.profile", units.STEPS),
        ("analytics.train", units.STEPS),
        ("analytics.score", units.CUSTOMERS),
        ("analytics.segments.assign", units.CUSTOMERS),
        ("campaigns.push", units.CUSTOMERS),
        ("gone.with.an.older.version", units.ROWS),
    ],
)
def test_every_kind_says_what_it_counts(kind: str, unit: units.Unit) -> None:
    assert runs.unit(kind) is unit


def test_a_start_that_does_not_count_as_an_attempt_is_explained(cast: Cast) -> None:
    run, client = asked(cast.mei), login(cast.mei)
    runs._claim(run.pk)
    Run.objects.filter(pk=run.pk).update(done=15, total=287, leased_until=from_now(-1))
    assert "vanished" not in client.get(f"/work/{run.pk}/").content.decode()
    reaper.reap()
    told = client.get(f"/work/{run.pk}/").content.decode()
    assert "Its worker vanished. Another takes it over by itself" in told
    assert "its worker vanished, another" in client.get(f"/work/{run.pk}/row/").content.decode()
    runs._claim(run.pk)
    told = client.get(f"/work/{run.pk}/").content.decode()
    assert "1 of 3" in told
    assert "Started once more: an attempt that got further before its worker vanished does not count." in told


def test_a_run_about_a_day_names_the_day_as_people_do(cast: Cast) -> None:
    run = asked(cast.mei, subject="2025-11-25")
    for path in ("", "row/"):
        told = login(cast.mei).get(f"/work/{run.pk}/{path}").content.decode()
        assert "25 Nov 2025" in told
        assert "2025-11-25" not in told


@pytest.mark.parametrize("path", ["", "row/", "state/"])
def test_somebody_elses_run_is_as_absent_as_one_that_never_was(cast: Cast, path: str) -> None:
    run = asked(cast.omar)
    client = login(cast.mei)
    hidden, missing = client.get(f"/work/{run.pk}/{path}"), client.get(f"/work/999999/{path}")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content == missing.content


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_nobody_acts_on_somebody_elses_run(cast: Cast, act: str) -> None:
    run = asked(cast.omar, state=State.DEAD)
    assert login(cast.mei).post(f"/work/{run.pk}/{act}/").status_code == 404
    assert login(cast.aud).post(f"/work/{run.pk}/{act}/").status_code == 403
    run.refresh_from_db()
    assert run.state == State.DEAD


def test_cancel_stops_waiting_work_and_asks_running_work(cast: Cast) -> None:
    waiting, busy = asked(cast.mei), running(cast.mei)
    client = login(cast.mei)
    assert "Cancelled." in client.post(f"/work/{waiting.pk}/cancel/", follow=True).content.decode()
    assert "next step" in client.post(f"/work/{busy.pk}/cancel/", follow=True).content.decode()
    waiting.refresh_from_db()
    busy.refresh_from_db()
    assert (waiting.state, busy.state, busy.cancel_requested) == (State.CANCELLED, State.RUNNING, True)
    assert "already ended" in client.post(f"/work/{waiting.pk}/cancel/", follow=True).content.decode()
    assert client.get(f"/work/{busy.pk}/cancel/").status_code == 403


def test_failed_work_says_why_what_was_kept_and_can_be_tried_again(cast: Cast) -> None:
    run = asked(
        cast.mei, state=State.FAILED, error="Column “phone” is missing.", finished_at=Now(), attempts=1
    )
    client = login(cast.mei)
    text = client.get(f"/work/{run.pk}/").content.decode()
    assert "Column “phone” is missing." in text
    assert "Nothing finished before this was undone" in text
    client.post(f"/work/{run.pk}/retry/")
    run.refresh_from_db()
    assert (run.state, run.attempts) == (State.QUEUED, 0)


def test_given_up_work_rings_until_it_is_tried_again_or_set_aside(cast: Cast) -> None:
    run = asked(cast.mei, state=State.DEAD, finished_at=Now())
    client = login(cast.mei)
    assert "0 running, 1 unread" in client.get("/work/").content.decode()
    client.post(f"/work/{run.pk}/cancel/")
    assert "0 running, 0 unread" in client.get("/work/").content.decode()


def test_a_finished_run_shows_its_result_and_leads_to_it_inside_this_site_only(cast: Cast) -> None:
    run = asked(
        cast.mei, state=State.DONE, finished_at=Now(), result={"rows_in": 41188, "url": "/imports/7/"}
    )
    client = login(cast.mei)
    text = client.get(f"/work/{run.pk}/").content.decode()
    assert "rows in" in text
    assert "41,188" in text
    assert 'href="/imports/7/"' in text
    Run.objects.filter(pk=run.pk).update(result={"url": "//evil.example/"})
    assert "evil" not in client.get(f"/work/{run.pk}/").content.decode()


def test_the_list_filters_by_state(cast: Cast) -> None:
    done, failed = asked(cast.mei, state=State.DONE), asked(cast.mei, state=State.FAILED)
    text = login(cast.mei).get("/work/?state=failed").content.decode()
    assert f"/work/{failed.pk}/" in text
    assert f"/work/{done.pk}/" not in text
    assert login(cast.mei).get("/work/?state=rubbish").status_code == 200


def test_the_api_lists_shows_and_cancels_by_token(cast: Cast, client: Any) -> None:
    own, other = asked(cast.mei), asked(cast.omar)
    head = {"HTTP_AUTHORIZATION": f"Token {Token.objects.create(user=cast.mei).key}"}
    listed = client.get("/api/v1/runs/", **head).json()
    assert [row["id"] for row in listed["results"]] == [own.pk]
    shown = client.get(f"/api/v1/runs/{own.pk}/", **head).json()
    assert (shown["title"], shown["state"], shown["requested_by"]) == ("Count the rows", "queued", "E-mei")
    assert client.get(f"/api/v1/runs/{other.pk}/", **head).status_code == 404
    assert client.post(f"/api/v1/runs/{other.pk}/cancel/", **head).status_code == 404
    assert client.post(f"/api/v1/runs/{own.pk}/cancel/", **head).json()["state"] == "cancelled"
    assert client.post(f"/api/v1/runs/{own.pk}/cancel/", **head).status_code == 409
    assert client.get("/api/v1/runs/?state=nonsense", **head).status_code == 400
    assert client.get("/api/v1/runs/").status_code == 401


def test_the_api_refuses_an_auditors_cancel(cast: Cast, client: Any) -> None:
    run = asked(cast.mei)
    head = {"HTTP_AUTHORIZATION": f"Token {Token.objects.create(user=cast.aud).key}"}
    assert client.get(f"/api/v1/runs/{run.pk}/", **head).status_code == 200
    assert client.post(f"/api/v1/runs/{run.pk}/cancel/", **head).status_code == 403
