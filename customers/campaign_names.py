"""What campaigns, arms and outcomes are called. History keeps codes as text; a higher app knows the names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_relations: list[str] = []
_arms: list[str] = []
_outcomes: dict[str, Any] = {}


def known_by(relation: str) -> None:
    """Say once, at start-up, where the names stand: a table with ``code``, unique, and ``name``."""
    _relations.append(relation)


def name_of(code: str, otherwise: str = "NULL") -> str:
    """SQL of the name of the campaign whose code the SQL ``code`` gives.

    Where none is known it is the SQL ``otherwise``, and where that is null the code.
    """
    known = [
        f"(SELECT known.name FROM {relation} known WHERE known.code = {code})"  # noqa: S608  declared at start-up
        for relation in _relations
    ]
    return f"coalesce({', '.join([*known, otherwise, code])})"


def arms_known_by(sql: str) -> None:
    """Say once, at start-up, the SQL of an arm's name by ``{campaign}`` and ``{arm}``, SQL of the codes."""
    _arms.append(sql)


def arm_of(campaign: str, arm: str) -> str:
    """SQL of the name of a campaign's arm; "" where it has none or none is known."""
    known = [f"nullif(({sql.format(campaign=campaign, arm=arm)}), '')" for sql in _arms]
    return f"coalesce({', '.join(known)}, '')" if known else "''"


def outcomes_called(names: Mapping[str, Any]) -> None:
    """Say once, at start-up, what outcomes of contacts are called, by their code."""
    _outcomes.update(names)


def outcome(code: str) -> str:
    """The outcome of a contact in words; an imported code that nobody knows is shown as it came."""
    return str(_outcomes.get(code, code.replace("_", " ")))
