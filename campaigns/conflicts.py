"""Why a verb on campaigns did nothing: each carries the sentence its reader sees."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from bankcrm import audit, figures, runs


class Refused(runs.Refused):
    """What was asked is against a rule of the bank; nothing was changed. Ends a run without another attempt."""


class Conflict(runs.Conflict):
    """Somebody else changed the campaign first; nothing was changed.

    ``current`` is the campaign as it stands now, ``yours`` what the loser of the race wanted to write.
    """

    def __init__(self, sentence: str, current: Any = None, yours: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.current = current
        self.yours = yours or {}


def changed_meanwhile(current: models.Model, yours: dict[str, Any] | None = None) -> Conflict:
    """The conflict of an editor whose version is old, with who changed the row last and when, as audited."""
    last = audit.about(current._meta.label_lower, current.pk).first()
    if last is None or last.actor is None:
        return Conflict(_("This was changed meanwhile. Nothing was saved."), current, yours)
    return Conflict(
        _("%(name)s changed this at %(time)s, after you opened it. Nothing was saved.")
        % {"name": last.actor.full_name, "time": figures.stamp(last.at)},
        current,
        yours,
    )
