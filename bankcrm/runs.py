"""Long work that survives anything: a row says what is asked, a lease who does it, a reaper finds what was dropped.

Declare work beside the app's verbs, in ``<app>/tasks.py``::

    @runs.work("customers.import", _("Import"), roles={Role.ADMINISTRATOR})
    def run_import(job: runs.Job) -> dict[str, Any]: ...

and start it from a view or the API: ``runs.start("customers.import", request.user, subject=name, file_id=file.pk)``.
Work may be interrupted anywhere and run again, so it writes in chunks whose natural keys make repetition harmless.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, dispatch
from bankcrm.job import Job, Keeper, LeaseLost, RunCancelled, from_now
from bankcrm.models import Role, Run, User
from bankcrm.models.runs import SHARED
from bankcrm.reaper import MAX_ATTEMPTS, reap
from bankcrm.units import ROWS, Unit

__all__ = [
    "KINDS",
    "Conflict",
    "Job",
    "LeaseLost",
    "Refused",
    "RunCancelled",
    "Work",
    "cancel",
    "execute",
    "reap",
    "request",
    "retry",
    "start",
    "start_daily",
    "title",
    "unit",
    "work",
]

log = logging.getLogger(__name__)
State = Run.State


class Refused(Exception):
    """The work cannot be done as asked; the sentence goes to the requester, and no further attempt is made."""


class Conflict(Exception):
    """Somebody else changed the run first; the sentence says what it is now."""


@dataclass(frozen=True)
class Work:
    """One kind of long work: its name on screen, who may ask for it, what does it, what it is counted in."""

    kind: str
    title: Any
    roles: frozenset[Role] | None
    call: Callable[[Job], dict[str, Any] | None]
    daily: bool = False
    shared: bool = False
    unit: Unit = ROWS

    def allows(self, user: User) -> bool:
        if not user.is_active or user.is_auditor:
            return False
        return self.roles is None or user.role in self.roles


KINDS: dict[str, Work] = {}


def work(
    kind: str,
    title: Any,
    *,
    roles: Iterable[Role] | None = None,
    daily: bool = False,
    shared: bool = False,
    unit: Unit = ROWS,
) -> Callable[[Callable[[Job], dict[str, Any] | None]], Callable[[Job], dict[str, Any] | None]]:
    """Declare a kind of long work. ``roles`` None: every role may ask. The callable gets a Job, returns JSON or None.

    ``daily``: the clock asks for it once a day besides, without arguments and in nobody's name. ``shared``: whoever may
    ask for it sees all its runs, because a second person who asks is given the first one's. ``unit``: what ``progress``
    of its jobs counts. Raises ValueError when another callable already has the name.
    """

    def declare(call: Callable[[Job], dict[str, Any] | None]) -> Callable[[Job], dict[str, Any] | None]:
        known = KINDS.get(kind)
        if known and (known.call.__module__, known.call.__qualname__) != (call.__module__, call.__qualname__):
            raise ValueError(f"two kinds of work are called {kind!r}")
        KINDS[kind] = Work(
            kind, title, None if roles is None else frozenset(roles), call, daily, shared, unit
        )
        if shared:
            SHARED[kind] = frozenset(Role if roles is None else roles)
        return call

    return declare


def title(kind: str) -> str:
    """The kind as people read it; a kind that no longer exists is shown by its code."""
    return str(KINDS[kind].title) if kind in KINDS else kind


def unit(kind: str) -> Unit:
    """What the kind is counted in."""
    return KINDS[kind].unit if kind in KINDS else ROWS


def request(kind: str, user: User | None, *, subject: str = "", key: str = "", **arguments: Any) -> Run:
    """Write the row and send nothing: the reaper will. An unfinished run of the same kind and key is returned instead.

    ``user`` None means a schedule asks. Arguments are ids, never personal data. Raises KeyError for an unknown kind,
    PermissionDenied when the work is not for this user.
    """
    declared = KINDS[kind]
    if user is not None and not declared.allows(user):
        raise PermissionDenied(_("Your role does not include this."))
    while True:
        running = Run.objects.unfinished().filter(kind=kind, key=key).first() if key else None
        if running:
            return running
        try:
            with transaction.atomic():
                run = Run.objects.create(
                    kind=kind, subject=subject[:200], key=key, requested_by=user, arguments=arguments
                )
                audit.record(user, "run.asked", run, to_state=State.QUEUED, kind=kind)
        except IntegrityError as error:
            # Two asked at the same moment: the unique key let one of them through, and the other takes that one.
            if "one_unfinished_run_per_key" not in str(error):
                raise
        else:
            run.refresh_from_db()
            return run


def start(kind: str, user: User | None, *, subject: str = "", key: str = "", **arguments: Any) -> Run:
    """``request`` for the edge: once the transaction has committed, the id is sent to a worker."""
    run = request(kind, user, subject=subject, key=key, **arguments)
    if run.state == State.QUEUED and run.dispatched_at is None:
        transaction.on_commit(lambda: _send_quietly(run.pk))
    return run


def start_daily() -> list[Run]:
    """Ask for today's run of every daily kind that has none yet; two clocks that ask at once make one run."""
    day = timezone.localdate().isoformat()
    asked = set(Run.objects.filter(kind__in=KINDS, key=day).values_list("kind", flat=True))
    due = [kind for kind, declared in KINDS.items() if declared.daily and kind not in asked]
    return [start(kind, None, subject=day, key=day) for kind in due]


def _send_quietly(run_id: int) -> None:
    try:
        dispatch.send([run_id])
    except DatabaseError:
        # The row is committed and unsent, which is the reaper's business; the requester's page must not fail.
        log.exception("run %s is written but could not be sent", run_id)


def execute(run_id: int) -> str:
    """Claim the run, do its work, write how it ended. Returns the state, or "" when there was nothing to claim."""
    claimed = _claim(run_id)
    if claimed is None:
        return ""
    run, job = claimed
    try:
        with Keeper(job):
            result = _permitted(run).call(job)
    except Refused as refusal:
        return _end(job, State.FAILED, error=str(refusal))
    except RunCancelled:
        return _end(job, State.CANCELLED)
    except LeaseLost:
        log.warning("run %s lost its lease in attempt %s; another worker has it", run_id, job.attempt)
        return ""
    except Exception as error:  # the reason for attempts is that anything may go wrong
        log.exception("run %s (%s) failed in attempt %s", run_id, run.kind, job.attempt)
        return _after_error(job, error)
    return _end(job, State.DONE, result=result or {})


def _permitted(run: Run) -> Work:
    """The declared work, if its requester may still ask for it: rights may have gone between asking and doing."""
    declared = KINDS.get(run.kind)
    if declared is None:
        raise Refused(_("This version of the program does not know such work."))
    user = run.requested_by
    if user is not None and not declared.allows(user):
        raise Refused(_("%(name)s may no longer do this.") % {"name": user.full_name})
    return declared


# statement_timestamp() is what Django's Now() writes: one clock for every comparison. While a run is unfinished, "mark"
# in its result is the most rows any attempt had done before this one; one that got further does not count, whether
# the reaper or another worker takes it from the vanished one.
CLAIM = """
WITH due AS (
    SELECT id, state,
        attempts - (state = 'running' AND done > coalesce((result->>'mark')::bigint, 0))::int AS counted
    FROM bankcrm_run
    WHERE id = %(id)s AND (
        state = 'queued' AND available_at <= statement_timestamp()
        OR state = 'running' AND leased_until < statement_timestamp()
    )
    FOR UPDATE
)
UPDATE bankcrm_run run
SET state = 'running', attempts = due.counted + 1, lease_token = %(token)s,
    leased_until = statement_timestamp() + %(lease)s * interval '1 second',
    started_at = COALESCE(started_at, statement_timestamp()),
    result = jsonb_build_object('mark', GREATEST(done, (result->>'mark')::bigint))
FROM due WHERE run.id = due.id AND due.counted < %(most)s
RETURNING due.state
"""


def _claim(run_id: int) -> tuple[Run, Job] | None:
    token = uuid.uuid4()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                CLAIM,
                {"id": run_id, "most": MAX_ATTEMPTS, "token": token, "lease": settings.RUN_LEASE_SECONDS},
            )
            found = cursor.fetchone()
        if not found:
            return None
        run = Run.objects.select_related("requested_by").get(pk=run_id)
        audit.record(
            None, "run.started", run, from_state=found[0], to_state=State.RUNNING, attempt=run.attempts
        )
    return run, Job(run, token)


def _end(job: Job, state: State, *, error: str = "", result: dict[str, Any] | None = None) -> str:
    """Write the end, if the lease is still ours; a worker that lost it has nothing to say."""
    with transaction.atomic():
        ended = job.owned().update(
            state=state,
            error=error,
            result=result or {},
            done=job.done,
            total=job.total,
            finished_at=Now(),
            lease_token=None,
            leased_until=None,
        )
        if not ended:
            log.warning("run %s ended as %s without its lease; nothing written", job.run_id, state)
            return ""
        audit.record(
            None, f"run.{state}", job.run, from_state=State.RUNNING, to_state=state, attempt=job.attempt
        )
    return state


def back_off_seconds(attempt: int) -> float:
    """Seconds before the next attempt: 10 s, 40 s, … times a random factor between 0.5 and 1.5."""
    return settings.RUN_BACK_OFF_SECONDS * 4 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  (no secret)


def _after_error(job: Job, error: Exception) -> str:
    # The message of a database error quotes rows; the class and the log's run number are enough for the screen.
    sentence = _(
        "Attempt %(attempt)s broke off with %(error)s; the worker's log has the details under run %(run)s."
    )
    told = sentence % {"attempt": job.attempt, "error": type(error).__name__, "run": job.run_id}
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    if Run.objects.filter(pk=job.run_id, cancel_requested=True).exists():
        return _end(job, State.CANCELLED, error=told)
    if job.attempt >= MAX_ATTEMPTS:
        return _end(job, State.DEAD, error=told)
    with transaction.atomic():
        waiting = job.owned().update(
            state=State.QUEUED,
            available_at=from_now(back_off_seconds(job.attempt)),
            dispatched_at=None,
            lease_token=None,
            leased_until=None,
            error=told,
        )
        if not waiting:
            return ""
        audit.record(
            None,
            "run.waiting",
            job.run,
            from_state=State.RUNNING,
            to_state=State.QUEUED,
            attempt=job.attempt,
        )
    return State.QUEUED


def cancel(run: Run, user: User) -> Run:
    """Stop waiting work at once, running work at its next step; set given-up work aside.

    Raises PermissionDenied for somebody else's work, Conflict when it has already ended.
    """
    _check_controls(run, user)
    try:
        with transaction.atomic():
            _wait_for_chunk()
            for state in (State.QUEUED, State.DEAD):
                if Run.objects.filter(pk=run.pk, state=state).update(
                    state=State.CANCELLED, cancel_requested=True, finished_at=Now()
                ):
                    audit.record(user, "run.cancelled", run, from_state=state, to_state=State.CANCELLED)
                    break
            else:
                _ask_to_stop(run, user)
    except OperationalError as error:
        raise Conflict(_("The work is writing a step just now. Try again in a moment.")) from error
    run.refresh_from_db()
    return run


def _check_controls(run: Run, user: User) -> None:
    if not Run.objects.controlled_by(user).filter(pk=run.pk).exists():
        raise PermissionDenied(
            _("Only whoever asked for this work, or an administrator, stops it or tries it again.")
        )


def _ask_to_stop(run: Run, user: User) -> None:
    running = Run.objects.filter(pk=run.pk, state=State.RUNNING)
    if running.filter(cancel_requested=False).update(cancel_requested=True):
        audit.record(user, "run.cancel_requested", run)
    elif not running.exists():
        raise Conflict(_("This work has already ended. Nothing was changed."))


def _wait_for_chunk() -> None:
    # A chunk's transaction holds the run's row by its fence; web requests wait no longer than this for it.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")


def retry(run: Run, user: User) -> Run:
    """Give failed or dead work three new attempts, in the name of whoever asked for it first.

    Raises PermissionDenied for somebody else's work, Conflict when it has not ended so, or when the same work is
    already under way.
    """
    _check_controls(run, user)
    try:
        with transaction.atomic():
            before = Run.objects.select_for_update().get(pk=run.pk).state
            again = Run.objects.filter(pk=run.pk, state__in=[State.FAILED, State.DEAD]).update(
                state=State.QUEUED,
                attempts=0,
                available_at=Now(),
                dispatched_at=None,
                cancel_requested=False,
                started_at=None,
                finished_at=None,
                error="",
                done=0,
                total=None,
                note="",
                result={},
            )
            if not again:
                raise Conflict(_("Only work that failed or was given up can be tried again."))
            audit.record(user, "run.retried", run, from_state=before, to_state=State.QUEUED)
    except IntegrityError as error:
        raise Conflict(_("The same work is already under way.")) from error
    transaction.on_commit(lambda: _send_quietly(run.pk))
    run.refresh_from_db()
    return run
