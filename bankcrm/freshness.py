"""What the top bar says about the data: how fresh it is, what is running, what waits to be read.

Apps add their callables in ``AppConfig.ready``; the platform asks them only when a page shows the bar::

    from bankcrm import freshness
    freshness.sources.append(profile_freshness)      # () -> Freshness | None
    freshness.running_counts.append(count_my_runs)   # (user) -> int
    freshness.notice_counts.append(count_unread)     # (user) -> int

Registering the same callable twice is harmless only if the app checks; ``ready`` runs once per process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from bankcrm.models import User


@dataclass(frozen=True)
class Freshness:
    """One part of the line, for example "data to 31 Oct"; ``stale`` is the reason when it is too old."""

    text: str | _StrPromise
    stale: str | _StrPromise = ""


sources: list[Callable[[], Freshness | None]] = []
running_counts: list[Callable[[User], int]] = []
notice_counts: list[Callable[[User], int]] = []


def line() -> list[Freshness]:
    """Every source's part, in the order of registration; sources without data stay silent."""
    return [part for source in sources if (part := source()) is not None]


def running(user: User) -> int:
    """How many runs this user waits for."""
    return sum(count(user) for count in running_counts)


def unread(user: User) -> int:
    """How many notices this user has not read."""
    return sum(count(user) for count in notice_counts)
