"""Settings that hold from a day (weights, thresholds, costs): begun, and undone while nothing was built with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from bankcrm import audit, figures
from bankcrm.models import AuditEvent, User
from customers.models import CustomerProfile, ProductMargin, TierRule

# Taken shared by a profile build, alone by whoever changes what it reads.
LOCK = "dated-settings"
# What holds after everything that is saved.
LAST_DAY = dt.date.max


@dataclass(frozen=True)
class Version:
    """One day from which settings hold: its rows, whether it may still be taken back, and who began it."""

    valid_from: dt.date
    rows: list[Any]
    may_be_undone: bool
    event: AuditEvent | None


def newest_built() -> dt.date | None:
    """The month-end of the newest profile."""
    return CustomerProfile.objects.order_by("-month").values_list("month", flat=True).first()


def check_day(model: type[models.Model], valid_from: dt.date) -> None:
    """Raises ValidationError for a day within finished months, or on or after which a change begins already."""
    built = newest_built()
    known = model._default_manager.filter(valid_from__gte=valid_from).order_by("valid_from")
    later = known.values_list("valid_from", flat=True).first()
    if built and valid_from <= built and _held_before(model):
        raise ValidationError(
            _(
                "Profiles are built up to %(day)s. Choose a later day, so that finished months stay as they are."
            )
            % {"day": figures.day(built)}
        )
    if later == valid_from:
        raise ValidationError(
            _("A change begins on %(day)s already. Take it back first, or choose another day.")
            % {"day": figures.day(valid_from)}
        )
    if later:
        raise ValidationError(
            _("A change that begins on %(day)s is saved already. Take it back first, or choose a later day.")
            % {"day": figures.day(later)}
        )


@transaction.atomic
def begin(
    user: User,
    model: type[models.Model],
    rows: Sequence[models.Model],
    valid_from: dt.date,
    action: str,
    reason: str = "",
    **details: Any,
) -> None:
    """Save ``rows`` of ``model``, all of that day, and the audit row. Raises ValidationError and saves nothing."""
    _alone()
    check_day(model, valid_from)
    if not rows:
        raise ValidationError(_("Nothing was changed."))
    made = model._default_manager.bulk_create(rows)
    audit.record(
        user, f"{action}.begun", made[0], reason=reason, valid_from=valid_from.isoformat(), **details
    )


@transaction.atomic
def undo(user: User, model: type[models.Model], valid_from: dt.date, action: str) -> None:
    """Take back what begins on that day. Raises ValidationError when a profile was built with it, or it is gone."""
    _alone()
    rows = model._default_manager.filter(valid_from=valid_from)
    first = rows.order_by("pk").first()
    if first is None:
        raise ValidationError(_("This change was taken back already."))
    earlier = model._default_manager.filter(valid_from__lt=valid_from).exists()
    if not _may_be_undone(model, valid_from, newest_built(), has_earlier=earlier):
        raise ValidationError(
            _("Profiles were built with what holds from %(day)s; begin another change instead.")
            % {"day": figures.day(valid_from)}
        )
    audit.record(user, f"{action}.undone", first, valid_from=valid_from.isoformat(), rows=rows.count())
    rows.delete()


def versions(model: type[models.Model], action: str) -> list[Version]:
    """Every day on which settings of ``model`` began, newest first, in two queries."""
    by_day: dict[dt.date, list[Any]] = {}
    known: models.QuerySet[Any] = model._default_manager.order_by("-valid_from", "pk")
    for row in known:
        by_day.setdefault(row.valid_from, []).append(row)
    events = AuditEvent.objects.filter(
        object_type=model._meta.label_lower, action=f"{action}.begun"
    ).select_related("actor")
    begun = {event.details.get("valid_from"): event for event in events.order_by("id")}
    built, first = newest_built(), min(by_day, default=None)
    return [
        Version(
            day,
            rows,
            _may_be_undone(model, day, built, has_earlier=day != first),
            begun.get(day.isoformat()),
        )
        for day, rows in by_day.items()
    ]


def _held_before(model: type[models.Model]) -> bool:
    """Whether something was said for the months that are finished; a product always has a margin."""
    return model is ProductMargin or model._default_manager.exists()


def _may_be_undone(
    model: type[models.Model], valid_from: dt.date, built: dt.date | None, *, has_earlier: bool
) -> bool:
    """Not what a profile was built with, and not the first tiers: without any rule nobody has one."""
    return (built is None or valid_from > built) and (has_earlier or model is not TierRule)


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
        if not cursor.fetchone()[0]:
            raise ValidationError(
                _(
                    "Profiles are being built, or somebody else is saving. Nothing was changed; try again soon."
                )
            )
