"""What campaigns are called. Customers' history keeps their codes as text; a higher app knows the names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

# Code → name of the campaigns that are still known; the others keep their code.
Source = Callable[[Collection[str]], Mapping[str, str]]
_sources: list[Source] = []


def known_by(source: Source) -> None:
    """Say once, at start-up, who knows the names."""
    _sources.append(source)


def names(codes: Collection[str]) -> dict[str, str]:
    """Code → name, as far as known; one query, none without codes."""
    found: dict[str, str] = {}
    for source in _sources if codes else []:
        found |= source(codes)
    return found
