"""Who is away today, who stands in for them, and for whom one stands in oneself.

A leave's backup stands in for the whole portfolio. A backup who is away too passes it on to their own leave's backup,
and so on. Where the chain ends with nobody who can work, each customer goes to the customer's own backup, and without
one to the manager of the branch, or of the nearest branch above that has one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import F

from bankcrm import clock
from bankcrm.models import Leave, Role, User

_CACHE = "_standing_in"


@dataclass(frozen=True, slots=True)
class Away:
    """One absent relationship manager: since when, until when, and who has the portfolio (None: see the module)."""

    first_day: dt.date
    last_day: dt.date
    stand_in: int | None


@dataclass(frozen=True, slots=True)
class StandingIn:
    """For whom a user stands in today.

    ``portfolios``: absent relationship managers whose whole portfolio is the user's to see and work. ``as_backup``:
    those of whom only the customers with the user as their backup are. ``as_manager``: those whose customers are the
    branch manager's where the customer's backup cannot work. ``until``: the last day of each one's leave.
    """

    portfolios: tuple[int, ...] = ()
    as_backup: tuple[int, ...] = ()
    as_manager: tuple[int, ...] = ()
    until: Mapping[int, dt.date] = field(default_factory=dict)
    # Everybody who is away: as the backup of a customer they do not count.
    away: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.portfolios or self.as_backup or self.as_manager)


def on(day: dt.date) -> dict[int, Away]:
    """Everybody who is away on a day, with the chain of backups followed to its end. One query."""
    leaves = list(
        Leave.objects.filter(first_day__lte=day, last_day__gte=day)
        .order_by("user", "id")
        .values_list("user", "backup", "first_day", "last_day")
        .annotate(role=F("backup__role"), active=F("backup__is_active"))
    )
    named = {
        user: backup if role == Role.RM and active else None
        for user, backup, _first, _last, role, active in leaves
    }
    return {
        user: Away(first, last, _end_of_chain(user, named)) for user, _backup, first, last, *_rest in leaves
    }


def _end_of_chain(user: int, named: Mapping[int, int | None]) -> int | None:
    seen = {user}
    backup = named[user]
    while backup is not None and backup in named:
        if backup in seen:
            return None
        seen.add(backup)
        backup = named[backup]
    return backup


@dataclass(frozen=True, slots=True)
class OwnLeave:
    """One's own leave as one's pages say it. ``stand_in`` None: the customers' backups, else the branch manager."""

    until: dt.date
    stand_in: User | None


def leave_of(user: User, today: dt.date) -> OwnLeave | None:
    """The leave the user is on today; None for everybody at work."""
    if user.pk not in standing_in(user, today).away:
        return None
    absent = on(today)[user.pk]
    return OwnLeave(absent.last_day, User.objects.filter(pk=absent.stand_in).first())


def standing_in(user: User, today: dt.date | None = None) -> StandingIn:
    """For whom ``user`` stands in today, asked once per loaded user, which is once per request.

    ``today``: the business day where the caller knows it already, which saves asking for it.
    """
    known = user.__dict__.get(_CACHE)
    if isinstance(known, StandingIn):
        return known
    found = _standing_in(user, today)
    user.__dict__[_CACHE] = found
    return found


def _standing_in(user: User, today: dt.date | None) -> StandingIn:
    if user.role not in (Role.RM, Role.BRANCH_MANAGER):
        return StandingIn()
    away = on(today or clock.today())
    if not away or user.pk in away:
        return StandingIn(away=tuple(away))
    until = {pk: absent.last_day for pk, absent in away.items()}
    left = sorted(pk for pk, absent in away.items() if absent.stand_in is None)
    if user.role == Role.BRANCH_MANAGER:
        mine = _managed_by(user, left) if left else ()
        return StandingIn(as_manager=mine, until=until, away=tuple(away))
    portfolios = tuple(sorted(pk for pk, absent in away.items() if absent.stand_in == user.pk))
    return StandingIn(portfolios, tuple(left), (), until, tuple(away))


def _managed_by(manager: User, absent: list[int]) -> tuple[int, ...]:
    """Those of ``absent`` whose nearest branch upwards with a manager who is there is the manager's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT user_id FROM (
                SELECT DISTINCT ON (u.id) u.id AS user_id, l.ancestor_id
                FROM bankcrm_user u
                JOIN bankcrm_branchlink l ON l.descendant_id = u.branch_id
                JOIN bankcrm_user m ON m.branch_id = l.ancestor_id AND m.role = 'branch_manager' AND m.is_active
                WHERE u.id = ANY(%s) ORDER BY u.id, l.depth
            ) nearest WHERE ancestor_id = %s ORDER BY user_id
            """,
            [absent, manager.branch_id],
        )
        return tuple(pk for (pk,) in cursor.fetchall())
