"""Changing who works here: users, the branch tree, leave and holidays, each change with its audit row."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from bankcrm import audit, branches
from bankcrm.models import Branch, BranchLink, Holiday, Leave, User

USER_FIELDS = (
    "username",
    "employee_number",
    "full_name",
    "role",
    "is_auditor",
    "branch_id",
    "daily_capacity",
    "is_active",
)


@transaction.atomic
def save_user(user: User, actor: User, password: str = "") -> User:
    """Write a new or changed user; a password is set when one is given.

    Raises ValidationError when somebody takes rights from themselves: the last administrator could lock the bank out.
    """
    before = User.objects.select_for_update().filter(pk=user.pk).first() if user.pk else None
    if before and before.pk == actor.pk:
        kept = (user.role, user.is_active, user.is_auditor) == (
            before.role,
            before.is_active,
            before.is_auditor,
        )
        if not kept:
            raise ValidationError(_("Ask another administrator to change your own role or access."))
    if password:
        user.set_password(password)
    elif before is None:
        user.set_unusable_password()
    user.save()
    changed = [name for name in USER_FIELDS if before and getattr(before, name) != getattr(user, name)]
    audit.record(
        actor,
        "user.changed" if before else "user.created",
        user,
        from_state=before.role if before else "",
        to_state=user.role,
        changed=[*changed, *(["password"] if password else [])],
    )
    return user


@transaction.atomic
def save_branch(branch: Branch, actor: User) -> Branch:
    """Write a new or moved branch and the closure of the tree. Raises ValidationError for a circle."""
    with connection.cursor() as cursor:
        # Two moves at once could close a circle that neither of them sees.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('bankcrm.branch_tree'))")
    before = Branch.objects.filter(pk=branch.pk).first() if branch.pk else None
    if before and BranchLink.objects.filter(ancestor=branch.pk, descendant=branch.parent_id).exists():
        raise ValidationError(_("A branch cannot lie below itself."))
    branch.save()
    branches.rebuild_links()
    names = ("code", "name", "kind", "parent_id")
    audit.record(
        actor,
        "branch.changed" if before else "branch.created",
        branch,
        changed=[name for name in names if before and getattr(before, name) != getattr(branch, name)],
    )
    return branch


@transaction.atomic
def save_leave(leave: Leave, actor: User) -> Leave:
    """Write leave. Raises ValidationError when it overlaps other leave of the person or of the backup."""
    # One person's leaves change one after the other, or two overlapping ones could slip in together.
    list(User.objects.select_for_update().filter(pk__in=[leave.user_id, leave.backup_id]).order_by("pk"))
    same_days = Leave.objects.filter(first_day__lte=leave.last_day, last_day__gte=leave.first_day).exclude(
        pk=leave.pk
    )
    if same_days.filter(user=leave.user_id).exists():
        raise ValidationError(_("%(name)s already has leave on some of these days.") % {"name": leave.user})
    if leave.backup_id and same_days.filter(user=leave.backup_id).exists():
        raise ValidationError(_("%(name)s is away on some of these days too.") % {"name": leave.backup})
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


@transaction.atomic
def remove_leave(leave: Leave, actor: User) -> None:
    """Delete leave; what its backup received in the meantime stays there."""
    audit.record(
        actor,
        "leave.removed",
        leave,
        user=leave.user_id,
        first_day=str(leave.first_day),
        last_day=str(leave.last_day),
    )
    leave.delete()


@transaction.atomic
def save_holiday(holiday: Holiday, actor: User) -> Holiday:
    """Add a day on which no branch works, or rename it."""
    holiday.save()
    audit.record(actor, "holiday.saved", holiday, name=holiday.name)
    return holiday


@transaction.atomic
def remove_holiday(day: dt.date, actor: User) -> bool:
    """Make the day a working day again. Returns whether it was a holiday."""
    holiday = Holiday.objects.select_for_update().filter(pk=day).first()
    if holiday is None:
        return False
    audit.record(actor, "holiday.removed", holiday, name=holiday.name)
    holiday.delete()
    return True
