"""A kind of file as one file has it: with the bank's own fields among its targets, and new customers named or not.

What an own field is stands with the file (``options["own"]``: code → label, type, unit, personal, heading), so that a
file is read tomorrow as it was mapped today.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from customers.imports.kinds.customer_readings import GONE
from customers.imports.kinds.declaration import Kind, Target, Type

PREFIX = "own_"
TEXT_LENGTH = 120
# The unit of fractions, which a file may write as percentages.
SHARE = "share"
# Option of a file: customers it brings without a name are called by their number.
NAMED_BY_NUMBER = "named_by_number"
# Words of two-valued labels that public files of banks write.
YES_NO = (
    *GONE,
    ("approved", "yes"),
    ("accepted", "yes"),
    ("rejected", "no"),
    ("declined", "no"),
    ("default", "yes"),
    ("charged off", "yes"),
    ("fully paid", "no"),
)
PARTS = ("label", "type", "personal", "unit", "heading")
_FORMS: dict[str, dict[str, Any]] = {
    "number": {"type": Type.DECIMAL, "whole": 15, "places": 6},
    "whole": {"type": Type.DECIMAL, "whole": 15},
    "flag": {"type": Type.FLAG, "known": YES_NO},
    "choice": {"type": Type.TEXT, "length": TEXT_LENGTH},
    "date": {"type": Type.DATE},
}


def is_own(meaning: str) -> bool:
    return meaning.startswith(PREFIX)


def target(code: str, told: Mapping[str, Any]) -> Target:
    """How a cell of an own field is read. Raises KeyError for a type there is not."""
    return Target(
        name=code,
        label=str(told["label"]),
        synonyms=(told["heading"],) if told.get("heading") else (),
        is_own=True,
        is_masked=told.get("personal") == "sensitive",
        is_share=told.get("unit") == SHARE,
        **_FORMS[told["type"]],
    )


def extended(kind: Kind, own: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]) -> Kind:
    """The kind with the own fields ``own`` (code → definition) and what the file's options change."""
    if not kind.keeps_own_fields:
        return kind
    told = tuple((code, *(str(each.get(name, "")) for name in PARTS)) for code, each in own.items())
    return _extended(kind.code, kind, told, bool(options.get(NAMED_BY_NUMBER)))


@functools.lru_cache(maxsize=64)
def _extended(_code: str, kind: Kind, told: tuple[tuple[str, ...], ...], by_number: bool) -> Kind:
    targets = tuple(target(code, dict(zip(PARTS, each, strict=True))) for code, *each in told)
    found = dataclasses.replace(kind, targets=(*kind.targets, *targets)) if targets else kind
    if by_number:
        rules = tuple(rule for rule in found.rules if rule.code != "new_without_name")
        found = dataclasses.replace(found, rules=rules, fixed=(("name", "k.number"),))
    return found
