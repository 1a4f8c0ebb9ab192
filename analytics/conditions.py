"""Conditions over the field catalogue: what may stand in one, and reading it into a tree.

A condition is JSON: a group ``{"all": [...], "any": [...], "none": [...]}`` whose keys all hold together, or a row
``{"field": code, "op": op, "value": …}``. Empty groups restrict nothing, so ``{}`` is everybody.

Fields are the catalogue's filterable ones and:

* ``score:<model>`` (probability, 0 to 1) and ``decile:<model>``: the score run in use;
* ``contacted``, ``assigned``, ``responded``: value ``{"campaign": code, "days": n}``, both may be left out;
* ``segment:<segmentation>/<number>``: a segment of the run in use, no value;
* ``audience:<id>``: a saved audience, no value; ``customer_number``: numbers;
* ``branch``: branch codes, each with its subtree.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import fields
from customers.fields import Field, Type

MOST_LEVELS = 10
MOST_ROWS = 100
MOST_VALUES = 50_000
GROUPS = ("all", "any", "none")
EVENTS = ("contacted", "assigned", "responded")

OPERATORS: dict[str, Any] = {
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "one_of": gettext_lazy("is one of"),
    "not_one_of": gettext_lazy("is none of"),
    "at_least": gettext_lazy("is at least"),
    "at_most": gettext_lazy("is at most"),
    "between": gettext_lazy("is between"),
    "before": gettext_lazy("is before"),
    "after": gettext_lazy("is after"),
    "within_days": gettext_lazy("is within, days"),
    "older_than_days": gettext_lazy("is longer ago than, days"),
    "contains": gettext_lazy("contains"),
    "is_missing": gettext_lazy("is not known"),
    "is_known": gettext_lazy("is known"),
}
NO_VALUE = ("is_missing", "is_known")
# What is in the named thing or not: no value. These and scores say which one after a colon.
NAMED = ("audience", "segment")
OF_A_SUBJECT = ("score", "decile", *NAMED)
MANY_VALUES = ("one_of", "not_one_of")
KNOWN = ("is_missing", "is_known")
EQUAL = ("is", "is_not", "one_of", "not_one_of")
OPERATORS_BY_TYPE: dict[str, tuple[str, ...]] = {
    Type.NUMBER: ("at_least", "at_most", "between", *EQUAL, *KNOWN),
    Type.MONEY: ("at_least", "at_most", "between", *KNOWN),
    Type.DATE: ("before", "after", "between", "within_days", "older_than_days", *KNOWN),
    Type.CHOICE: (*EQUAL, *KNOWN),
    Type.TEXT: (*EQUAL, *KNOWN),
    Type.FLAG: ("is", "is_not"),
    Type.LIST: ("contains", *KNOWN),
}
EXTRA_LABELS: dict[str, Any] = {
    "score": gettext_lazy("Score"),
    "decile": gettext_lazy("Decile"),
    "contacted": gettext_lazy("Contacted"),
    "assigned": gettext_lazy("Assigned"),
    "responded": gettext_lazy("Responded"),
    "segment": gettext_lazy("Segment"),
    "audience": gettext_lazy("Audience"),
    "customer_number": gettext_lazy("Customer number"),
}
EXTRA_OPERATORS: dict[str, tuple[str, ...]] = {
    "score": ("at_least", "at_most", "between", *KNOWN),
    "decile": ("at_least", "at_most", "between", *EQUAL, *KNOWN),
    "contacted": ("is", "is_not"),
    "assigned": ("is", "is_not"),
    "responded": ("is", "is_not"),
    "segment": ("is", "is_not"),
    "audience": ("is", "is_not"),
    "customer_number": ("one_of", "not_one_of"),
}


class InvalidCondition(ValueError):
    """The condition cannot be used; ``sentences`` say why, one per fault."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__(" ".join(sentences))


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``kind`` is ``field`` or a key of EXTRA_LABELS; ``subject`` its model code or audience id."""

    path: str
    kind: str
    subject: str
    op: str
    value: Any = None

    @property
    def field(self) -> Field:
        """The catalogue's field; only for rows of kind ``field``."""
        return fields.get(self.subject)


@dataclass(frozen=True, slots=True)
class Group:
    """Parts of which all, any or none must hold."""

    path: str
    kind: str
    parts: tuple[Node, ...]


Node = Row | Group


@dataclass(slots=True)
class Reading:
    """What reading a condition gave: the tree and the sentences about what is wrong with it."""

    tree: Group
    faults: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        yield from rows_of(self.tree)


def rows_of(node: Node) -> Iterator[Row]:
    """Every row below a node, in reading order."""
    if isinstance(node, Row):
        yield node
    else:
        for part in node.parts:
            yield from rows_of(part)


def read(condition: Any) -> Reading:
    """The tree of a condition; faults are collected, not raised, and faulty rows are left out."""
    reader = _Reader()
    tree = reader.group(condition, "", 1)
    if reader.rows > MOST_ROWS:
        reader.faults.append(
            _("A condition has at most %(most)s rows; this one has %(rows)s.")
            % {"most": MOST_ROWS, "rows": reader.rows}
        )
    return Reading(tree, reader.faults)


class _Reader:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.rows = 0

    def group(self, node: Any, path: str, level: int) -> Group:
        """A group as "all" of its keys."""
        if level > MOST_LEVELS:
            self.fault(_("A condition has at most %(most)s levels.") % {"most": MOST_LEVELS})
            return Group(path, "all", ())
        if not isinstance(node, dict) or not set(node) <= set(GROUPS):
            self.fault(_("A condition consists of the groups all, any and none."))
            return Group(path, "all", ())
        parts: list[Node] = []
        for kind in GROUPS:
            content = node.get(kind, [])
            place = f"{path}.{kind}".lstrip(".")
            if not isinstance(content, list):
                self.fault(_("The group %(kind)s must be a list.") % {"kind": kind})
                continue
            read = [self.part(part, f"{place}.{number}", level) for number, part in enumerate(content)]
            kept = tuple(part for part in read if part is not None)
            if kept:
                parts.append(Group(place, kind, kept))
        return Group(path, "all", tuple(parts))

    def part(self, node: Any, path: str, level: int) -> Node | None:
        if isinstance(node, dict) and "field" in node:
            self.rows += 1
            return self.row(node, path)
        group = self.group(node, path, level + 1)
        return group if group.parts else None

    def row(self, node: dict[str, Any], path: str) -> Row | None:
        try:
            return _row(node, path)
        except _Fault as fault:
            self.fault(
                _("Row %(row)s: %(fault)s") % {"row": self.rows, "fault": fault},
            )
        return None

    def fault(self, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults.append(sentence)


class _Fault(ValueError):
    pass


def _row(node: dict[str, Any], path: str) -> Row:
    code, op = node.get("field"), node.get("op")
    if not isinstance(code, str):
        raise _Fault(_("the field is missing."))
    kind, _colon, subject = code.partition(":")
    if kind in EXTRA_OPERATORS:
        allowed = EXTRA_OPERATORS[kind]
        if (kind in OF_A_SUBJECT) != bool(subject):
            raise _Fault(_("%(field)s is not a field.") % {"field": code[:60]})
    elif code in fields.filterable():
        kind, subject = "field", code
        allowed = OPERATORS_BY_TYPE[fields.get(code).type]
    else:
        raise _Fault(_("%(field)s is not a field conditions may use.") % {"field": code[:60]})
    if op not in allowed:
        raise _Fault(
            _("%(field)s cannot be compared with “%(op)s”.")
            % {"field": label(kind, subject), "op": str(op)[:40]}
        )
    return Row(path, kind, subject, op, _value(kind, subject, op, node.get("value")))


def label(kind: str, subject: str) -> str:
    """What a row compares, in words."""
    if kind == "field":
        return str(fields.get(subject).label)
    return f"{EXTRA_LABELS[kind]} {subject}".strip()


def _value(kind: str, subject: str, op: str, value: Any) -> Any:
    if op in NO_VALUE or kind in NAMED:
        return None
    if kind in EVENTS:
        return _event(value)
    one = _converter(kind, subject, op)
    if op in MANY_VALUES or (op == "contains" and isinstance(value, list)):
        if not isinstance(value, list) or not value:
            raise _Fault(_("%(field)s needs at least one value.") % {"field": label(kind, subject)})
        if len(value) > MOST_VALUES:
            raise _Fault(_("at most %(most)s values.") % {"most": MOST_VALUES})
        return [one(item) for item in value]
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise _Fault(_("%(field)s needs two values.") % {"field": label(kind, subject)})
        low, high = one(value[0]), one(value[1])
        if low > high:
            raise _Fault(
                _("the first value of %(field)s is above the second.") % {"field": label(kind, subject)}
            )
        return [low, high]
    return [one(value)] if op == "contains" else one(value)


def _event(value: Any) -> dict[str, Any]:
    value = {} if value is None else value
    if not isinstance(value, dict) or not set(value) <= {"campaign", "days"}:
        raise _Fault(_("the value may name a campaign and a number of days."))
    campaign, days = value.get("campaign") or "", value.get("days")
    if not isinstance(campaign, str) or len(campaign) > 40:
        raise _Fault(_("the campaign is named by its code."))
    if days is not None:
        days = _days(days)
    return {"campaign": campaign, "days": days}


def _converter(kind: str, subject: str, op: str) -> Callable[[Any], Any]:
    if op in ("within_days", "older_than_days"):
        return _days
    if kind != "field":
        return _text if kind == "customer_number" else _number
    entry = fields.get(subject)
    return _choice(entry) if entry.choices else CONVERTERS.get(entry.type, _text)


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 36_500:
        raise _Fault(_("%(value)s is not a number of days.") % {"value": str(value)[:40]})
    return value


def _number(value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Fault(_("%(value)s is not a number.") % {"value": str(value)[:40]})
    if abs(value) >= 1e15:
        raise _Fault(_("%(value)s is too large.") % {"value": str(value)[:40]})
    return value


def _date(value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _Fault(_("%(value)s is not a date such as 2026-10-31.") % {"value": str(value)[:40]}) from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Fault(_("the value is yes or no."))
    return value


def _text(value: Any) -> str:
    # PostgreSQL stores no NUL, so no field can hold one.
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or "\0" in value:
        raise _Fault(_("%(value)s is not a value.") % {"value": str(value)[:40].replace("\0", "")})
    return value


def _choice(entry: Field) -> Callable[[Any], str]:
    allowed = {code for code, _label in entry.choices}

    def convert(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _Fault(
                _("%(value)s is not a value of %(field)s.") % {"value": str(value)[:40], "field": entry.label}
            )
        return value

    return convert


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    Type.NUMBER: _number,
    Type.MONEY: _number,
    Type.DATE: _date,
    Type.FLAG: _flag,
}
