"""Saving from a form that somebody else overtook: nothing is lost silently."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from django.core.exceptions import ValidationError
from django.db.models.options import Options
from django.utils.translation import gettext as _

from bankcrm import audit, figures


class Versioned(Protocol):
    """A row that counts its changes."""

    pk: Any
    _meta: ClassVar[Options[Any]]

    @property
    def version(self) -> int: ...


def check_version(stored: Versioned | None, version: int | None) -> None:
    """Raises ValidationError when ``stored`` is no longer the version the form showed, and says who changed it when.

    ``stored`` comes from the same transaction, locked; None for something new. A ``version`` of None checks nothing.
    """
    if stored is None or version is None or stored.version == version:
        return
    last = audit.about(stored._meta.label_lower, stored.pk).first()
    if last is None or last.actor is None:
        raise ValidationError(_("This was changed since you opened it. Look at it again."), code="stale")
    raise ValidationError(
        _("%(who)s changed this %(when)s. Look at it again before you save.")
        % {"who": last.actor, "when": figures.stamp(last.at)},
        code="stale",
    )
