"""Moving leads to other relationship managers: a plan that shows first, one guarded move, and its undo.

The order of locks is the order of lead ids everywhere, so that two moves in opposite directions wait for each other.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, clock, figures, workdays
from bankcrm.models import AuditEvent, Role, User
from campaigns import queue, sales
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Lead

SALT = "campaigns.reassign"
MOST = 500
UNDO_HOURS = 24
PLAN_MINUTES = 30
State = Lead.State

# One lead's move: id, the version the plan saw, from (None: nobody), to.
Step = tuple[int, int, int | None, int]


@dataclass(frozen=True)
class Share:
    """What one relationship manager would take over; ``due_soon`` of the leads fall in the days the board measures.

    ``before`` and ``after`` are the use of capacity as the board shows it, None when away.
    """

    rm: User
    leads: int
    as_backup: int
    due_soon: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Plan:
    """Who would get which lead; nothing is moved yet. ``skipped`` leads are in work by somebody or beyond MOST."""

    steps: list[Step]
    shares: list[Share] = field(default_factory=list)
    skipped: int = 0

    @property
    def token(self) -> str:
        """The plan as the page sends it back: signed, so that what was shown is what is done."""
        return signing.dumps(self.steps, salt=SALT, compress=True)


@dataclass(frozen=True)
class Moved:
    """What a move did; ``changed`` leads were changed by somebody in between and stayed. ``event`` undoes it.

    ``stayed``: a sentence for everybody who could not have leads back, with how many and why.
    """

    moved: int
    changed: int
    event: int
    stayed: tuple[str, ...] = ()


def plan(
    user: User,
    sources: Sequence[User],
    target: User | None,
    today: dt.date,
    *,
    scope: str = "all",
    unassigned: bool = False,
) -> Plan:
    """Spread the open leads of ``sources`` (and the unassigned) over the team, or give all to ``target``.

    Without a target a lead goes to the customer's backup where that colleague has room, else to whoever has most free
    hours. Raises Refused when there is nothing to move or nobody to take it.
    """
    _check(user)
    away = sales.leaves(today)
    until = workdays.add_working_days(today, sales.CAPACITY_DAYS - 1)
    found = Lead.objects.visible_to(user).filter(state__in=Lead.OPEN).alias(due_day=queue.DUE_DAY)
    chosen = found.filter(rm__in=sources, state__in=queue.WORKABLE)
    if scope == "overdue":
        chosen = chosen.filter(due_day__lt=today)
    elif scope == "due":
        chosen = chosen.filter(due_day__lte=until)
    if unassigned:
        chosen = chosen | found.filter(state=State.UNASSIGNED)
    free = chosen.filter(queue.unheld())
    leads = list(
        free.order_by(*queue.ORDER).values_list(
            "pk",
            "version",
            "rm",
            "customer__backup_rm",
            ExpressionWrapper(Q(due_day__lte=until), BooleanField()),
        )[:MOST]
    )
    team = {member.rm.pk: member for member in sales.team(user, today)}
    taking = _takers(team, sources, target, away)
    if not leads:
        raise Refused(_("There is no lead to move."))
    steps, backups, soon = _allot(leads, taking, team)
    return Plan(steps, _shares(steps, backups, soon, team), chosen.count() - len(leads))


def _takers(
    team: dict[int, sales.Member], sources: Sequence[User], target: User | None, away: dict[int, Any]
) -> list[int]:
    giving = {person.pk for person in sources}
    if target is not None:
        if target.pk not in team or target.pk in giving:
            raise Refused(_("%(name)s cannot take these leads.") % {"name": target})
        if target.pk in away:
            raise Refused(_("%(name)s is on leave.") % {"name": target})
        return [target.pk]
    taking = [
        pk for pk, member in team.items() if pk not in giving and pk not in away and member.rm.daily_capacity
    ]
    if not taking:
        raise Refused(_("Nobody in the team can take these leads."))
    return taking


def _allot(
    leads: Iterable[tuple[int, int, int | None, int | None, bool]],
    taking: list[int],
    team: dict[int, sales.Member],
) -> tuple[list[Step], Counter[int], Counter[int]]:
    """Backup first while there is room, else the lightest load; returns steps, and counts of backups and of due soon.

    A lead due within CAPACITY_DAYS goes to whoever has least due then, a later one to whoever has least in all, each in
    proportion to the hours: what is due later takes no hour of the days the board measures.
    """
    soon = {pk: team[pk].due_soon for pk in taking}
    held = {pk: team[pk].open for pk in taking}
    room = {pk: max(1, team[pk].hours_for) for pk in taking}
    steps: list[Step] = []
    given: Counter[int] = Counter()
    backups: Counter[int] = Counter()
    for lead, version, owner, backup, is_soon in leads:
        if backup in room and team[backup].due_soon + given[backup] < room[backup]:
            taker = backup
            backups[taker] += 1
        else:
            taker = min(
                taking, key=lambda pk: (soon[pk] / room[pk] if is_soon else 0, held[pk] / room[pk], pk)
            )
        soon[taker] += is_soon
        held[taker] += 1
        given[taker] += 1
        steps.append((lead, version, owner, taker))
    return steps, backups, Counter({pk: soon[pk] - team[pk].due_soon for pk in taking})


def _shares(
    steps: list[Step], backups: Counter[int], soon: Counter[int], team: dict[int, sales.Member]
) -> list[Share]:
    counts = Counter(step[3] for step in steps)
    return [
        Share(
            rm=team[pk].rm,
            leads=n,
            as_backup=backups[pk],
            due_soon=soon[pk],
            before=team[pk].used,
            after=(team[pk].due_soon + soon[pk]) / team[pk].hours_for if team[pk].hours_for else None,
        )
        for pk, n in counts.most_common()
    ]


def move(user: User, token: str) -> Moved:
    """Carry out a plan exactly as it was shown; leads that changed since stay where they are and are counted.

    Raises Refused for a plan that is too old or not ours, PermissionDenied for another role.
    """
    _check(user)
    try:
        steps = [tuple(step) for step in signing.loads(token, salt=SALT, max_age=PLAN_MINUTES * 60)]
    except signing.BadSignature as error:
        raise Refused(_("This preview is too old. Look at a new one.")) from error
    taking = _team(user) - sales.leaves(clock.today()).keys()
    if any(step[3] not in taking for step in steps):
        raise Refused(_("Somebody in this preview no longer takes leads. Look at a new one."))
    with transaction.atomic():
        done = _apply(user, steps)
        if not done:
            raise Conflict(_("Every one of these leads was changed meanwhile. Look at a new preview."))
        event = _record(user, "leads.reassigned", done)
    return Moved(len(done), len(steps) - len(done), event.pk)


def undo(user: User, event_id: int) -> Moved:
    """Give moved leads back to whoever had them; those touched since stay. Within UNDO_HOURS, by who moved them.

    Nothing goes back to somebody who is on leave today or no longer takes leads of this team. Raises
    AuditEvent.DoesNotExist for somebody else's move, Refused later or when nobody can have leads back, Conflict when
    nothing is left to undo.
    """
    _check(user)
    event = AuditEvent.objects.get(pk=event_id, actor=user, action="leads.reassigned")
    if event.at < timezone.now() - dt.timedelta(hours=UNDO_HOURS):
        raise Refused(_("A move can be undone for %(n)s hours.") % {"n": UNDO_HOURS})
    # As it stands after the move: one version on, owner and former owner swapped.
    steps = [(lead, version + 1, to, owner) for lead, version, owner, to in event.details["steps"]]
    absent = _cannot_have_back(user, Counter(owner for *_seen, owner in steps if owner is not None))
    stayed = tuple(absent.values())
    steps = [step for step in steps if step[3] not in absent]
    if not steps:
        raise Refused(" ".join(stayed))
    with transaction.atomic():
        done = _apply(user, steps)
        if not done:
            raise Conflict(_("Every one of these leads was worked on or moved since; nothing was undone."))
        undone = _record(user, "leads.reassignment_undone", done)
    return Moved(len(done), len(steps) - len(done), undone.pk, stayed)


def _cannot_have_back(user: User, owners: Counter[int]) -> dict[int, str]:
    """Former owners who take no leads today, with how many of theirs stay and why. ``owners``: user id → leads."""
    team, away = _team(user), sales.leaves(clock.today())
    found = {}
    for person in User.objects.filter(pk__in=owners).order_by("full_name", "pk"):
        named = {"name": person.full_name, "n": owners[person.pk]}
        if person.pk not in team:
            found[person.pk] = _("%(n)s stayed: %(name)s no longer takes leads in this team.") % named
        elif leave := away.get(person.pk):
            found[person.pk] = _("%(n)s stayed: %(name)s is on leave to %(day)s.") % {
                **named,
                "day": figures.day(leave.last_day),
            }
    return found


def _team(user: User) -> set[int]:
    """Ids of the relationship managers in the user's sight."""
    return set(User.objects.visible_to(user).relationship_managers().values_list("pk", flat=True))


def last_undoable(user: User) -> AuditEvent | None:
    """The user's last move within the time in which it can be undone, unless it was."""
    last = AuditEvent.objects.filter(
        actor=user,
        action__in=["leads.reassigned", "leads.reassignment_undone"],
        at__gte=timezone.now() - dt.timedelta(hours=UNDO_HOURS),
    ).order_by("-id")[:1]
    return next((event for event in last if event.action == "leads.reassigned"), None)


def _apply(user: User, steps: Sequence[tuple[int, int, int | None, int | None]]) -> list[Step]:
    """Lock in the order of ids, then one statement for those still as they were seen; returns what was moved."""
    ids = [step[0] for step in steps]
    locked = (
        Lead.objects.visible_to(user)
        .filter(pk__in=ids, state__in=Lead.OPEN)
        .order_by("pk")
        .select_for_update(of=("self",))
        .values_list("pk", "version", "rm", "claimed_by", "claimed_at")
    )
    stale = timezone.now() - dt.timedelta(minutes=queue.CLAIM_MINUTES)
    as_seen = {
        pk: (version, owner)
        for pk, version, owner, holder, since in locked
        if holder is None or since is None or since < stale
    }
    free: list[Any] = [step for step in steps if as_seen.get(step[0]) == (step[1], step[2])]
    if not free:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE campaigns_lead l SET rm_id = s.rm_id, version = l.version + 1, claimed_by_id = NULL,
                claimed_at = NULL,
                state = CASE WHEN s.rm_id IS NULL THEN 'unassigned'
                    WHEN l.state = 'unassigned' THEN 'new' ELSE l.state END
            FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS s (id, version, rm_id)
            WHERE l.id = s.id AND l.version = s.version RETURNING l.id
            """,
            [[step[0] for step in free], [step[1] for step in free], [step[3] for step in free]],
        )
        moved = {pk for (pk,) in cursor.fetchall()}
    return [step for step in free if step[0] in moved]


def _record(user: User, action: str, done: Sequence[Step]) -> AuditEvent:
    """One event for the move, which undoes it, and one for each lead, which tells its own story."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            actor=user,
            action="lead.reassigned",
            object_type="campaigns.lead",
            object_id=str(lead),
            details={"from": owner, "to": to},
        )
        for lead, _version, owner, to in done
    )
    return audit.record(user, action, user.branch, steps=[list(step) for step in done], leads=len(done))


def _check(user: User) -> None:
    if user.role != Role.BRANCH_MANAGER or not user.may_change:
        raise PermissionDenied(_("Only branch managers move leads."))
