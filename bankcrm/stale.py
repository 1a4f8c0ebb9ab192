"""Saving from a form that somebody else overtook: nothing is lost silently."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.models import AuditEvent


def check_version(stored: models.Model | None, version: int | None) -> None:
    """Raises ValidationError when ``stored`` is no longer the version the form showed, and says who changed it when.

    ``stored`` comes from the same transaction, locked; None for something new. A ``version`` of None checks nothing.
    """
    if stored is None or version is None or getattr(stored, "version") == version:  # noqa: B009  (any model)
        return
    last = (
        AuditEvent.objects.filter(object_type=stored._meta.label_lower, object_id=str(stored.pk))
        .select_related("actor")
        .order_by("-id")
        .first()
    )
    if last is None or last.actor is None:
        raise ValidationError(_("This was changed since you opened it. Look at it again."), code="stale")
    raise ValidationError(
        _("%(who)s changed this %(when)s. Look at it again before you save.")
        % {"who": last.actor, "when": figures.stamp(last.at)},
        code="stale",
    )
