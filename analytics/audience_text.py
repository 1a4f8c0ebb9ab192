"""A condition in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from analytics.conditions import NO_VALUE, OPERATORS, Group, Node, Row, label
from bankcrm import figures
from customers.fields import Field

LISTED = 5  # a list of thousands of customer numbers is not text


def describe(tree: Group, names: Mapping[str, str]) -> str:
    """The whole tree as text; ``names`` holds what models, audiences and referenced rows are called."""
    if not tree.parts:
        return _("Every customer")
    return _node(tree, names, "all")


def _node(node: Node, names: Mapping[str, str], around: str) -> str:
    """``around``: the kind of the group the node stands in; parts of the same kind need no brackets."""
    if isinstance(node, Row):
        return _row(node, names)
    if node.kind == "none":
        return _("not (%(parts)s)") % {
            "parts": _(" or ").join(_node(part, names, "any") for part in node.parts)
        }
    inside = around if len(node.parts) == 1 else node.kind
    parts = [_node(part, names, inside) for part in node.parts]
    text = (_(" and ") if node.kind == "all" else _(" or ")).join(parts)
    return f"({text})" if inside != around else text


def _row(row: Row, names: Mapping[str, str]) -> str:
    if row.kind in ("contacted", "assigned", "responded"):
        return _event(row)
    if row.kind == "audience":
        text = _("in audience “%(name)s”") if row.op == "is" else _("not in audience “%(name)s”")
        return text % {"name": names.get(f"audience:{row.subject}", row.subject)}
    if row.kind == "segment":
        text = _("in segment “%(name)s”") if row.op == "is" else _("not in segment “%(name)s”")
        return text % {"name": names.get(f"segment:{row.subject}", row.subject)}
    subject = label(row.kind, row.subject)
    if row.kind in ("score", "decile"):
        subject = f"{label(row.kind, '')} {names.get(f'model:{row.subject}', row.subject)}"
    if row.op in NO_VALUE:
        return f"{subject} {OPERATORS[row.op]}"
    return f"{subject} {_compared(row, names)}"


def _compared(row: Row, names: Mapping[str, str]) -> str:
    entry = row.field if row.kind == "field" else None
    if row.op == "within_days":
        return _("is within %(days)s days of the as-of date") % {"days": row.value}
    if row.op == "older_than_days":
        return _("is more than %(days)s days before the as-of date") % {"days": row.value}
    values = row.value if isinstance(row.value, list) else [row.value]
    shown = [_shown(value, entry, names) for value in values[:LISTED]]
    if row.op == "between":
        return _("is between %(low)s and %(high)s") % {"low": shown[0], "high": shown[1]}
    text = ", ".join(shown)
    if len(values) > LISTED:
        text = _("%(values)s and %(more)s more") % {"values": text, "more": len(values) - LISTED}
    return f"{OPERATORS[row.op]} {text}"


def _shown(value: Any, entry: Field | None, names: Mapping[str, str]) -> str:
    if entry is None:
        return str(value)
    if entry.reference:
        return names.get(f"{entry.reference}:{value}", str(value))
    return entry.choice_label(value) if isinstance(value, str) else entry.display(value)


def _event(row: Row) -> str:
    word = {
        "contacted": (_("contacted"), _("not contacted")),
        "assigned": (_("assigned"), _("not assigned")),
        "responded": (_("responded"), _("did not respond")),
    }[row.kind][row.op == "is_not"]
    if row.value["campaign"]:
        word = _("%(what)s in campaign %(campaign)s") % {"what": word, "campaign": row.value["campaign"]}
    if row.value["days"] is not None:
        word = _("%(what)s within %(days)s days") % {"what": word, "days": figures.number(row.value["days"])}
    return word
