"""What campaigns are called. Customers' history keeps their codes as text; a higher app knows the names."""

from __future__ import annotations

_relations: list[str] = []


def known_by(relation: str) -> None:
    """Say once, at start-up, where the names stand: a table with ``code``, unique, and ``name``."""
    _relations.append(relation)


def name_of(code: str) -> str:
    """SQL of the name of the campaign whose code the SQL ``code`` gives; the code where none is known."""
    known = [
        f"(SELECT known.name FROM {relation} known WHERE known.code = {code})"  # noqa: S608  declared at start-up
        for relation in _relations
    ]
    return f"coalesce({', '.join([*known, code])})"
