"""What the page of a branch, a user, a product or an own field tells of its changes: the audit rows in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import branches, figures
from bankcrm.models import AuditEvent, Branch

SAID = {
    "created": gettext_lazy("Added"),
    "changed": gettext_lazy("Changed"),
    "branch.closed": gettext_lazy("Closed"),
    "reopened": gettext_lazy("Opened again"),
    "retired": gettext_lazy("Retired"),
    "restored": gettext_lazy("Offered again"),
    "token.created": gettext_lazy("Got an API token"),
    "token.revoked": gettext_lazy("The API token ended"),
}
FIELDS = {
    "parent_id": gettext_lazy("belongs to"),
    "branch_id": gettext_lazy("branch"),
    "password": gettext_lazy("password"),
}
BRANCHES = ("parent_id", "branch_id")
WHOLE_DAY = 2


@dataclass(frozen=True, slots=True)
class Told:
    """One change: who, when, what was done in a word or two, and the particulars, a sentence each."""

    at: dt.datetime
    actor: str
    text: str
    parts: list[str] = field(default_factory=list)
    reason: str = ""


def told(events: Iterable[AuditEvent]) -> list[Told]:
    """The rows in words, in their order; the branches they name are looked up in one query."""
    rows = list(events)
    asked = {number for event in rows for number in _branch_ids(event)}
    names = dict(Branch.objects.filter(pk__in=asked).values_list("pk", "name")) if asked else {}
    return [_told(event, names) for event in rows]


def _told(event: AuditEvent, names: dict[int, str]) -> Told:
    verb = event.action.rpartition(".")[2]
    said = str(SAID.get(event.action) or SAID.get(verb) or verb.replace("_", " ").capitalize())
    parts = _given(event, names) if event.action == "branch.closed" else _fields(event, names)
    if event.action == "user.created":
        parts = [_value(event, "role", event.to_state, names)]
    actor = str(event.actor) if event.actor else ""
    return Told(event.at, actor, said, parts, event.reason)


def _values(event: AuditEvent) -> dict[str, Any]:
    """Name of a field → [before, after], where the trail keeps both."""
    changed = event.details.get("changed")
    return changed if isinstance(changed, dict) else event.details.get("values") or {}


def _branch_ids(event: AuditEvent) -> list[int]:
    found = [number for name in BRANCHES for number in _values(event).get(name, ())]
    return [number for number in [*found, event.details.get("heir")] if number]


def _fields(event: AuditEvent, names: dict[int, str]) -> list[str]:
    """ "Name: Old → New" where the trail keeps both, the name of the field alone where it does not."""
    values = _values(event)
    parts = []
    for name in event.details.get("changed") or ():
        label = str(FIELDS.get(name) or getattr(_column(event, name), "verbose_name", name))
        if name in values:
            before, after = (_value(event, name, one, names) for one in values[name])
            parts.append(f"{_capital(label)}: {before} → {after}")
        else:
            parts.append(_capital(label))
    return parts


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _column(event: AuditEvent, name: str) -> Any:
    """The column of the changed row's model; None for what is none, such as a password."""
    model = apps.get_model(event.object_type)
    return next((one for one in model._meta.concrete_fields if one.name == name), None)


def _value(event: AuditEvent, name: str, value: Any, names: dict[int, str]) -> str:
    if name in BRANCHES:
        return names.get(value, figures.NONE)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "working_week":
        return _week(value)
    if value in (None, ""):
        return figures.NONE
    choices = dict(getattr(_column(event, name), "flatchoices", ()))
    return str(choices.get(value, value))


def _week(shares: list[int]) -> str:
    """ "Mon Tue ½ Wed": the days worked, Monday first; 2 is a whole day, 1 a half."""
    days = [(str(WEEKDAYS_ABBR[i]), share) for i, share in enumerate(shares) if share]
    return " ".join(day if share == WHOLE_DAY else f"½ {day}" for day, share in days) or figures.NONE


def _given(event: AuditEvent, names: dict[int, str]) -> list[str]:
    """Who took over what a closed branch had."""
    heir, given = event.details.get("heir"), event.details.get("given") or {}
    if not heir:
        return [_("nothing was left to give away")]
    labels = branches.labels()
    told = ", ".join(
        f"{figures.number(n)} {str(labels.get(what, what)).lower()}" for what, n in given.items() if n
    )
    words = {"heir": names.get(heir, figures.NONE), "given": told}
    return [
        _("%(heir)s took over %(given)s") % words
        if told
        else _("%(heir)s would take over; nothing was left") % words
    ]
