"""Changing who works here: users, leave and special days, each change with its audit row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.authtoken.models import Token

from bankcrm import absence, audit, clock, figures
from bankcrm.models import Holiday, Leave, Role, User
from bankcrm.stale import check_version

USER_FIELDS = (
    "username",
    "employee_number",
    "full_name",
    "role",
    "is_auditor",
    "branch_id",
    "daily_capacity",
    "portfolio_size",
    "working_week",
    "is_active",
)
# The trail says that these changed, not from what to what.
PERSONAL = frozenset({"username", "employee_number", "full_name"})


@dataclass(frozen=True)
class Duty:
    """Something only a relationship manager can hold, such as customers: its name, how many each of some users has.

    ``route`` names the page on which it is given to somebody else; it takes ``where`` (branch) and ``source`` (user).
    """

    label: Any
    count: Callable[[Collection[int]], Mapping[int, int]]
    route: str


DUTIES: dict[str, Duty] = {}


def holds(name: str, duty: Duty) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    DUTIES[name] = duty


def duties(user: User) -> list[tuple[Any, int]]:
    """What the user holds now, as (name, how many); nothing where there is none."""
    counted = [(duty.label, duty.count([user.pk]).get(user.pk, 0)) for duty in DUTIES.values()]
    return [(label, n) for label, n in counted if n]


def consequences(before: User, after: User) -> list[str]:
    """Sentences that say what saving ``after`` does to what the person sees and may do; empty for small changes."""
    told = []
    if before.is_active and not after.is_active:
        told.append(
            _("%(name)s is signed out everywhere at once, and the API token ends.") % {"name": before}
        )
    if before.role != after.role:
        told.append(
            _("%(name)s works as “%(new)s” from the next click on, no longer as “%(old)s”: %(sight)s.")
            % {
                "name": before,
                "new": after.get_role_display(),
                "old": before.get_role_display(),
                "sight": _sight(after),
            }
        )
    if before.branch_id != after.branch_id:
        told.append(_moved(before, after))
    if before.is_auditor != after.is_auditor:
        told.append(
            _("Reads everything in the bank and can change nothing.")
            if after.is_auditor
            else _("No longer reads the whole bank.")
        )
    return told


def _sight(user: User) -> str:
    if user.role == Role.RM:
        return _("sees the own portfolio only")
    if user.role == Role.ADMINISTRATOR:
        return _("sees no customer, and may change users, branches and settings")
    return _("sees the customers of %(branch)s and below") % {"branch": user.branch}


def _moved(before: User, after: User) -> str:
    names = {"old": before.branch, "new": after.branch}
    if after.role == Role.RM:
        return (
            _("The portfolio goes along; its customers stay customers of %(old)s until they are moved.")
            % names
        )
    return _("Sees what belongs to %(new)s, and no longer what belongs to %(old)s.") % names


@transaction.atomic
def save_user(user: User, actor: User, password: str = "", version: int | None = None) -> User:
    """Write a new or changed user; a password is set when one is given.

    ``version`` is the one the form showed. Raises ValidationError when somebody else was faster, when somebody takes
    rights from themselves (the last administrator could lock the bank out), and when a relationship manager who holds
    customers or leads would stop being one.
    """
    before = User.objects.select_for_update().filter(pk=user.pk).first() if user.pk else None
    check_version(before, version)
    if before:
        check_own_rights(before, user, actor)
        check_duties(before, user)
        user.version = before.version + 1
    if user.branch.closed_on and (before is None or before.branch_id != user.branch_id):
        raise ValidationError({"branch": _("%(name)s is closed.") % {"name": user.branch}})
    if password:
        user.set_password(password)
    elif before is None:
        user.set_unusable_password()
    user.save()
    if before and before.is_active and not user.is_active:
        # A session ends because its user may no longer sign in; a token would come back to life with the user.
        Token.objects.filter(user=user).delete()
    changed = [name for name in USER_FIELDS if before and getattr(before, name) != getattr(user, name)]
    audit.record(
        actor,
        "user.changed" if before else "user.created",
        user,
        from_state=before.role if before else "",
        to_state=user.role,
        changed=[*changed, *(["password"] if password else [])],
        values={
            name: [getattr(before, name), getattr(user, name)] for name in changed if name not in PERSONAL
        },
    )
    return user


def check_own_rights(before: User, user: User, actor: User) -> None:
    """Raises ValidationError when somebody would take rights from, or give them to, themselves."""
    kept = (user.role, user.is_active, user.is_auditor) == (before.role, before.is_active, before.is_auditor)
    if before.pk == actor.pk and not kept:
        raise ValidationError(_("Ask another administrator to change your own role or access."))


def check_duties(before: User, user: User) -> None:
    """Raises ValidationError when ``user`` would stop working with what only a relationship manager can hold."""
    was, is_still = (one.role == Role.RM and one.is_active and not one.is_auditor for one in (before, user))
    if not was or is_still:
        return
    held = duties(before)
    if held:
        told = ", ".join(f"{n:,} {str(label).lower()}" for label, n in held)
        raise ValidationError(
            _("%(name)s still has %(held)s. Transfer them first.") % {"name": before, "held": told},
            code="duties",
        )
    standing = Leave.objects.filter(backup=before, last_day__gte=clock.today()).select_related("user").first()
    if standing:
        raise ValidationError(
            _("%(name)s stands in for %(other)s until %(day)s. Name another backup first.")
            % {"name": before, "other": standing.user, "day": figures.short_day(standing.last_day)}
        )


@transaction.atomic
def save_leave(leave: Leave, actor: User) -> Leave:
    """Write leave. Raises ValidationError for days that are over, that overlap other leave of the person, on which the
    backup is away too, or on which the person stands in for somebody and names nobody to take over."""
    # One person's leaves change one after the other, or two overlapping ones could slip in together.
    list(User.objects.select_for_update().filter(pk__in=[leave.user_id, leave.backup_id]).order_by("pk"))
    if leave.last_day < clock.today():
        raise ValidationError({"last_day": _("This leave is over already.")})
    same_days = Leave.objects.filter(first_day__lte=leave.last_day, last_day__gte=leave.first_day).exclude(
        pk=leave.pk
    )
    own = same_days.filter(user=leave.user_id).first()
    if own:
        raise ValidationError(
            _("%(name)s already has leave on some of these days: %(first)s to %(last)s.")
            % {"name": leave.user, "first": figures.day(own.first_day), "last": figures.day(own.last_day)}
        )
    if leave.backup_id and (away := same_days.filter(user=leave.backup_id).first()):
        raise ValidationError(
            {
                "backup": _("%(name)s is away on some of these days too: %(first)s to %(last)s.")
                % {
                    "name": leave.backup,
                    "first": figures.day(away.first_day),
                    "last": figures.day(away.last_day),
                }
            }
        )
    served = same_days.filter(backup=leave.user_id).select_related("user").first()
    if served and not leave.backup_id:
        raise ValidationError(
            {
                "backup": _(
                    "%(name)s stands in for %(other)s on some of these days: name who takes over both."
                )
                % {"name": leave.user, "other": served.user}
            }
        )
    created = leave.pk is None
    leave.save()
    audit.record(
        actor,
        "leave.created" if created else "leave.changed",
        leave,
        user=leave.user_id,
        backup=leave.backup_id,
        first_day=str(leave.first_day),
        last_day=str(leave.last_day),
    )
    return leave


def taken_over(leave: Leave) -> list[Leave]:
    """The other leaves whose chain of backups runs through this one: what its backup takes over besides."""
    return list(
        Leave.objects.filter(
            backup=leave.user_id, first_day__lte=leave.last_day, last_day__gte=leave.first_day
        ).select_related("user")
    )


@transaction.atomic
def remove_leave(leave: Leave, actor: User) -> None:
    """Delete leave: from now on the person has the customers alone. Leads the backup was given stay with the backup."""
    audit.record(
        actor,
        "leave.removed",
        leave,
        user=leave.user_id,
        first_day=str(leave.first_day),
        last_day=str(leave.last_day),
    )
    leave.delete()


def standing_leaves(leaves: Collection[Leave]) -> dict[int, absence.Away]:
    """Leave id → how it stands today, for those that hold today."""
    today = absence.on(clock.today())
    return {
        leave.pk: today[leave.user_id]
        for leave in leaves
        if leave.user_id in today and leave.first_day <= clock.today() <= leave.last_day
    }


@transaction.atomic
def save_holiday(holiday: Holiday, actor: User) -> Holiday:
    """Add a day that is not what its weekday says."""
    holiday.save()
    audit.record(
        actor,
        "holiday.saved",
        holiday,
        name=holiday.name,
        day=str(holiday.day),
        branch=holiday.branch_id,
        works_as=holiday.works_as,
    )
    return holiday


@transaction.atomic
def remove_holiday(holiday_id: int, actor: User) -> dt.date | None:
    """Make a day what its weekday says again. Returns the day; None when it is gone already."""
    holiday = Holiday.objects.select_for_update().filter(pk=holiday_id).first()
    if holiday is None:
        return None
    audit.record(
        actor, "holiday.removed", holiday, name=holiday.name, day=str(holiday.day), branch=holiday.branch_id
    )
    holiday.delete()
    return holiday.day
