"""Why a verb on campaigns did nothing: each carries the sentence its reader sees."""

from __future__ import annotations

from typing import Any

from bankcrm import runs


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
