"""Giving portfolios to other relationship managers: one transaction, told for ever, undone in a week (A1.10).

``transfer_plan`` shows first and says who may; here it is done, now or on its day, cancelled and undone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from decimal import Decimal

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, bulk, clock
from bankcrm.job import Job
from bankcrm.models import Role, User
from bankcrm.runs import Conflict, Refused
from customers import profile
from customers import transfer_plan as planning
from customers import transfer_sql as sql
from customers.models import Customer, PortfolioTransfer

PLAN_MINUTES = 30
UNDO_DAYS = 7
State = PortfolioTransfer.State


def order(user: User, token: str, reason: str, on: dt.date | None = None) -> PortfolioTransfer:
    """Carry out what a preview showed, now or, on a later business day, whatever fits the choice then.

    The same preview sent twice is one transfer. Raises Refused for a preview that is too old or not ours, a missing
    reason or a day that is over; Conflict when the customers are no longer those that were shown.
    """
    planning.check_role(user)
    try:
        body = signing.loads(token, salt=planning.SALT, max_age=PLAN_MINUTES * 60)
    except signing.BadSignature as error:
        raise Refused(_("This preview is too old. Look at a new one.")) from error
    reason = reason.strip()
    if not reason:
        raise Refused(_("Say why the customers move."))
    today = clock.today()
    if on is not None and on < today:
        raise Refused(_("This day is over."))
    choice = planning.Choice.stored(body["choice"])
    same = PortfolioTransfer.objects.filter(key=body["key"], requested_by=user)
    if known := same.first():
        return known
    try:
        with bulk.without_time_limit(), transaction.atomic():
            made = _write(user, choice, body["key"], reason[:300], on or today)
            if made.effective_on <= today:
                _do(made, user, digest=body["digest"])
    except IntegrityError:
        # The same form twice at the same moment: the other one made it.
        return same.get()
    made.refresh_from_db()
    return made


def _write(user: User, choice: planning.Choice, key: str, reason: str, on: dt.date) -> PortfolioTransfer:
    people = planning.people_of(user, choice)
    receivers = planning.receivers_of(choice, people)
    made = PortfolioTransfer.objects.create(
        requested_by=user,
        reason=reason,
        effective_on=on,
        open_leads=choice.open_leads,
        changes_branch=choice.changes_branch,
        choice=asdict(choice),
        people=sorted({*choice.sources, *receivers}),
        key=key,
    )
    audit.record(
        user, "portfolio.transfer_asked", made, to_state=State.PLANNED, reason=reason, effective_on=str(on)
    )
    return made


def _do(asked: PortfolioTransfer, user: User, digest: str | None = None) -> None:
    """Lock, deal, move, take along; in the caller's transaction."""
    guarded = PortfolioTransfer.objects.filter(pk=asked.pk, state=State.PLANNED)
    if not guarded.update(state=State.DONE, done_at=Now()):
        raise Conflict(_("This transfer has been done or cancelled already."))
    choice = planning.Choice.stored(asked.choice)
    with connection.cursor() as cursor:
        # First the locks, then everything read anew: what another transfer took meanwhile is no longer chosen.
        cursor.execute(sql.LOCK, sql.parameters(choice, profile.latest_month()))
        plan = planning.plan(user, choice)
        if digest is not None:
            cursor.execute(sql.DIGEST, plan.parameters)
            if cursor.fetchone()[1] != digest:
                raise Conflict(_("These customers changed since the preview. Look at a new one."))
        parameters = {**plan.parameters, "transfer": asked.pk, "changes_branch": choice.changes_branch}
        cursor.execute(sql.INSERT_MOVES, parameters)
        cursor.execute(sql.MOVE, parameters)
    along: dict[str, int] = {}
    for companion in planning.COMPANIONS.values():
        along |= companion.move(asked)
    result = {
        "customers": plan.total,
        "aum": str(sum((row[2] for row in plan.counts), Decimal(0))),
        "given": {str(pk or ""): n for pk, n, _aum, _without in plan.counts},
        "taken": dict(zip(map(str, plan.parameters["receivers"]), plan.parameters["shares"], strict=True)),
        "along": along,
    }
    PortfolioTransfer.objects.filter(pk=asked.pk).update(result=result, people=_everybody(plan))
    audit.record(
        user,
        "portfolio.transferred",
        asked,
        from_state=State.PLANNED,
        to_state=State.DONE,
        reason=asked.reason,
        customers=plan.total,
        **along,
    )


def _everybody(plan: planning.Plan) -> list[int]:
    return sorted({*(pk for pk, *_rest in plan.counts if pk), *plan.parameters["receivers"]})


def do_due(job: Job | None = None) -> dict[str, int]:
    """Do every planned transfer whose day has come, each in its own transaction; one that cannot be done says why."""
    due = PortfolioTransfer.objects.filter(state=State.PLANNED, effective_on__lte=clock.today())
    done = failed = 0
    for asked in due.select_related("requested_by").order_by("effective_on", "pk"):
        try:
            with bulk.without_time_limit(), transaction.atomic():
                if job:
                    job.fence()
                _do(asked, asked.requested_by)
            done += 1
        except (Refused, PermissionDenied) as refusal:
            _fail(asked, str(refusal))
            failed += 1
        except Conflict:
            continue
    return {"transfers_done": done, "transfers_failed": failed}


@transaction.atomic
def _fail(asked: PortfolioTransfer, sentence: str) -> None:
    if PortfolioTransfer.objects.filter(pk=asked.pk, state=State.PLANNED).update(
        state=State.FAILED, result={"error": sentence}, ended_at=Now()
    ):
        audit.record(
            None,
            "portfolio.transfer_failed",
            asked,
            from_state=State.PLANNED,
            to_state=State.FAILED,
            reason=sentence,
        )


@transaction.atomic
def name_backup(user: User, customer: Customer, backup: User | None) -> bool:
    """Make somebody the backup of one customer, or nobody. Returns False when it was so already.

    ``customer`` comes from ``visible_to(user)``. Raises PermissionDenied for whoever is no branch manager, Refused for
    the relationship manager themselves and for somebody who works with no customers or in no branch of the user's.
    """
    if not user.may_act_as({Role.BRANCH_MANAGER}):
        raise PermissionDenied(_("Only branch managers name backups."))
    if backup is not None:
        seen = User.objects.visible_to(user).relationship_managers().filter(is_auditor=False)
        if not seen.filter(pk=backup.pk).exists():
            raise Refused(_("%(name)s cannot take customers.") % {"name": backup})
        if backup.pk == customer.primary_rm_id:
            raise Refused(_("Nobody is their own backup."))
    # Guarded by the manager that was seen: a transfer in between could have made the backup the manager.
    changed = Customer.objects.filter(pk=customer.pk, primary_rm=customer.primary_rm_id).exclude(
        backup_rm=backup
    )
    if not changed.update(backup_rm=backup, updated_at=Now()):
        return False
    audit.record(
        user,
        "customer.backup_named",
        customer,
        before=customer.backup_rm_id,
        after=backup.pk if backup else None,
    )
    return True


def may_undo(done: PortfolioTransfer) -> bool:
    """Whether the time to undo is not over; what changed since stays in any case."""
    return (
        done.state == State.DONE
        and done.done_at is not None
        and done.done_at > timezone.now() - dt.timedelta(days=UNDO_DAYS)
    )


def undo(user: User, transfer_id: int) -> PortfolioTransfer:
    """Give customers back to whoever had them, apart from those something else happened to since, which are counted.

    Raises PortfolioTransfer.DoesNotExist out of sight, Refused when somebody of it is not the user's or it is too
    late, Conflict when nothing is left to give back.
    """
    with bulk.without_time_limit(), transaction.atomic():
        done = _own(user, transfer_id)
        if not may_undo(done):
            raise Refused(_("A transfer that was done can be undone for %(n)s days.") % {"n": UNDO_DAYS})
        guarded = PortfolioTransfer.objects.filter(pk=done.pk, state=State.DONE)
        if not guarded.update(state=State.UNDONE, ended_by=user, ended_at=Now()):
            raise Conflict(_("This transfer has been undone already."))
        with connection.cursor() as cursor:
            cursor.execute(sql.LOCK_MOVED, {"transfer": done.pk})
            moved = cursor.fetchone()[0]
            cursor.execute(sql.UNDO, {"transfer": done.pk})
            back = cursor.rowcount
        if not back:
            raise Conflict(_("Every one of these customers was changed since; nothing was undone."))
        undone = {"customers": back, "customers_kept": moved - back}
        for companion in planning.COMPANIONS.values():
            undone |= companion.undo(done)
        PortfolioTransfer.objects.filter(pk=done.pk).update(result={**done.result, "undone": undone})
        audit.record(
            user,
            "portfolio.transfer_undone",
            done,
            from_state=State.DONE,
            to_state=State.UNDONE,
            **undone,
        )
    done.refresh_from_db()
    return done


@transaction.atomic
def cancel(user: User, transfer_id: int) -> PortfolioTransfer:
    """Take back a planned transfer before its day. Raises as ``undo``."""
    planned = _own(user, transfer_id)
    if not PortfolioTransfer.objects.filter(pk=planned.pk, state=State.PLANNED).update(
        state=State.CANCELLED, ended_by=user, ended_at=Now()
    ):
        raise Conflict(_("Only a planned transfer can be cancelled."))
    audit.record(
        user,
        "portfolio.transfer_cancelled",
        planned,
        from_state=State.PLANNED,
        to_state=State.CANCELLED,
    )
    planned.refresh_from_db()
    return planned


def _own(user: User, transfer_id: int) -> PortfolioTransfer:
    planning.check_role(user)
    found = PortfolioTransfer.objects.visible_to(user).get(pk=transfer_id)
    known = User.objects.visible_to(user).filter(pk__in=found.people).count()
    if known < len(found.people):
        raise Refused(_("People of other branches are part of this transfer; ask who made it."))
    return found
