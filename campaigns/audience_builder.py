"""The audience builder's state: rows and groups as typed, their way to a condition and back, nothing lost on the way.

What people type stays text until it is understood; a row that is not understood keeps its text and gets an error. The
tree travels through the page as flat form fields: ``node`` lists the keys in reading order, ``<key>-…`` describe one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from django.utils.translation import gettext as _

from analytics import audience
from analytics.conditions import EVENTS, GROUPS, MANY_VALUES
from campaigns.audience_rows import DAYS, Incomplete, Item, NotUnderstood, base_of, operators, row_value

ROOT = "n0"
MOST_NODES = 300


class FormData(Protocol):
    """What a posted form offers: one value or all values of a name."""

    def get(self, key: str, default: str) -> Any: ...

    def getlist(self, key: str) -> list[Any]: ...


def from_condition(condition: Mapping[str, Any]) -> Item:
    """The builder's tree for a stored condition; its first level is one "all of these" group."""
    root = _group(condition)
    if root.kind != "all":
        root = Item("all", children=[root])
    return numbered(root)


def _group(node: Mapping[str, Any]) -> Item:
    """A stored group; several kinds in one group become groups of their own inside "all"."""
    kinds = [kind for kind in GROUPS if node.get(kind)]
    if len(kinds) == 1:
        return Item(kinds[0], children=[_part(part) for part in node[kinds[0]]])
    root = Item("all", children=[_part(part) for part in node.get("all", [])])
    root.children += [
        Item(kind, children=[_part(part) for part in node[kind]]) for kind in kinds if kind != "all"
    ]
    return root


def _part(node: Mapping[str, Any]) -> Item:
    if "field" not in node:
        return _group(node)
    item = Item("row", code=node["field"], op=node.get("op", ""))
    value = node.get("value")
    if base_of(item.code) in EVENTS:
        value = value or {}
        item.campaign = value.get("campaign") or ""
        item.days = "" if value.get("days") is None else str(value["days"])
    elif item.op == "between" and isinstance(value, list):
        item.low, item.high = (_text(part) for part in value)
    elif item.op in DAYS:
        item.days = _text(value)
    elif isinstance(value, list):
        item.values = [_text(part) for part in value]
    elif value is not None:
        item.values = [_text(value)]
    return item


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def numbered(root: Item) -> Item:
    """Keys in reading order; the page's fields and ids are named by them."""
    for number, item in enumerate(root.walk()):
        item.key = f"n{number}"
    return root


def from_form(data: FormData) -> Item:
    """The tree as posted. A parent that is not there, or a page that grew beyond reason, is read as the root's."""
    items: dict[str, Item] = {}
    for key in data.getlist("node")[:MOST_NODES]:
        kind = data.get(f"{key}-kind", "row")
        item = _posted(data, key) if kind == "row" else Item(kind if kind in GROUPS else "all", key=key)
        parent = items.get(data.get(f"{key}-in", ""))
        items[key] = item
        if parent is not None and not parent.is_row:
            parent.children.append(item)
        elif key != ROOT and ROOT in items:
            items[ROOT].children.append(item)
    root = items.get(ROOT)
    return root if root is not None and not root.is_row else Item("all", key=ROOT)


def _posted(data: FormData, key: str) -> Item:
    item = Item(
        "row",
        key=key,
        code=data.get(f"{key}-field", ""),
        op=data.get(f"{key}-op", ""),
        values=[value.strip() for value in data.getlist(f"{key}-value") if value.strip()],
        low=data.get(f"{key}-low", "").strip(),
        high=data.get(f"{key}-high", "").strip(),
        days=data.get(f"{key}-days", "").strip(),
        campaign=data.get(f"{key}-campaign", ""),
        was=data.get(f"{key}-was", ""),
    )
    _settle(item)
    return item


def _settle(item: Item) -> None:
    """After another field was chosen: an operator it has, and none of the old field's values."""
    allowed = operators(item.code)
    before = _before(item)
    if before and before[0] and before[0] != item.code:
        item.values, item.low, item.high, item.days, item.campaign, item.op = [], "", "", "", "", ""
    if item.op not in allowed:
        item.op = allowed[0] if allowed else ""
    if item.op not in MANY_VALUES and len(item.values) > 1 and item.op != "contains":
        item.values = item.values[:1]


def _before(item: Item) -> list[Any]:
    try:
        before = json.loads(item.was) if item.was else []
    except ValueError:
        return []
    return before if isinstance(before, list) and len(before) == 7 else []


def shape(root: Item) -> str:
    """What decides which controls the page shows; while it stays, only counts need to move."""
    return "|".join(f"{item.key}:{item.kind}:{item.code}:{item.op}" for item in root.walk())


def changed(root: Item) -> str:
    """The key of the row that was just worked on, or ""."""
    return next((row.key for row in root.rows() if row.was and row.was != row.typed), "")


def act(root: Item, code: str, found: str = "") -> str:
    """Add to, group in, or remove from the tree: "add:n0", "any:n0", "none:n0", "all:n0", "remove:n3".

    ``found``: the field of the new row. Returns the key of what is new or stands in its place.
    """
    what, _colon, key = code.partition(":")
    for item in list(root.walk()):
        if what == "remove":
            gone = next((child for child in item.children if child.key == key), None)
            if gone is not None:
                item.children.remove(gone)
                numbered(root)
                return item.key
        elif item.key == key and not item.is_row:
            made = Item("row", code=found) if what == "add" else Item(what, children=[Item("row")])
            if what != "add" and what not in GROUPS:
                return ""
            _settle(made)
            item.children.append(made)
            numbered(root)
            return made.key if made.is_row else made.children[0].key
    return ""


def to_condition(root: Item) -> dict[str, Any]:
    """The condition of every row that is complete and understood; sets each item's ``path`` and ``error``."""
    for item in root.walk():
        item.path = item.error = ""
    stored = _stored(root, "")
    root.path = ""
    return stored


def _stored(group: Item, path: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for child in group.children:
        place = f"{path}.{group.kind}.{len(parts)}".lstrip(".")
        if child.is_row:
            row = _row(child)
            if row is None:
                continue
            parts.append(row)
        else:
            inside = _stored(child, place)
            if not inside:
                continue
            parts.append(inside)
        child.path = place
    return {group.kind: parts} if parts else {}


def _row(item: Item) -> dict[str, Any] | None:
    """The row as a condition has it; None while it is incomplete, or wrong, which it then says."""
    if not item.code:
        return None
    try:
        value = row_value(item)
    except NotUnderstood as fault:
        item.error = str(fault)
        return None
    except Incomplete:
        return None
    row: dict[str, Any] = {"field": item.code, "op": item.op}
    return row if value is None else row | {"value": value}


def check(root: Item) -> dict[str, Any]:
    """``to_condition``, with what the audience's own rules refuse as errors beside their rows.

    The condition that comes back can be counted: it holds only what passed.
    """
    condition = to_condition(root)
    if not audience.validate(condition):
        return condition
    # Which row it is matters only when something is wrong, so only then is each asked by itself.
    prefix = _("Row %(row)s: %(fault)s") % {"row": 1, "fault": ""}
    bad: dict[int, str] = {}
    for row in root.rows():
        stored = _row(row) if row.path else None
        faults = audience.validate({"all": [stored]}) if stored else []
        if faults:
            bad[id(row)] = faults[0].removeprefix(prefix)
    if not bad:
        root.error = " ".join(audience.validate(condition))
        return {}
    kept = {id(row): (row.code, row.error) for row in root.rows()}
    for row in root.rows():
        if id(row) in bad:
            row.code = ""
    condition = to_condition(root)
    for row in root.rows():
        row.code, row.error = kept[id(row)][0], bad.get(id(row), row.error)
    if faults := audience.validate(condition):
        root.error = " ".join(faults)
        return {}
    return condition


def unfinished(root: Item) -> bool:
    """Whether a save would lose something: marks incomplete rows with what is missing. Call after ``check``."""
    for row in root.rows():
        if not row.path and not row.error:
            row.error = (
                _("Choose a value, or remove the row.")
                if row.code
                else _("Choose a field, or remove the row.")
            )
    return bool(root.error) or any(row.error for row in root.rows())
