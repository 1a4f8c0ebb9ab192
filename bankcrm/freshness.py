"""What the top bar says about the data: how fresh it is, what is running, what waits to be read.

Apps add their callables in ``AppConfig.ready``; the platform asks them only when a page shows the bar::

    from bankcrm import freshness
    freshness.sources.append(profile_freshness)      # () -> Freshness | None
    freshness.bells.append(my_runs)                  # (user) -> Bell
    freshness.notice_boards.append(my_alerts)        # (user) -> [Notice], shown on the page of work

Registering the same callable twice is harmless only if the app checks; ``ready`` runs once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from bankcrm.models import User


@dataclass(frozen=True)
class Freshness:
    """One part of the line, for example "data to 31 Oct"; ``stale`` is the reason when it is too old."""

    text: str | _StrPromise
    stale: str | _StrPromise = ""


@dataclass(frozen=True)
class Bell:
    """How many runs a user waits for, and how many notices the user has not read."""

    running: int
    unread: int


@dataclass(frozen=True)
class Notice:
    """One thing that waits for its reader: what, the route of the page to look at, since when; ``urgent`` leads."""

    text: str
    route: str
    pk: int
    since: datetime
    urgent: bool = False


sources: list[Callable[[], Freshness | None]] = []
bells: list[Callable[[User], Bell]] = []
notice_boards: list[Callable[[User], list[Notice]]] = []


def line(known: Mapping[Callable[[], Freshness | None], Freshness | None] | None = None) -> list[Freshness]:
    """Every source's part, in the order of registration; sources without data stay silent.

    ``known``: what a page has read already says instead of asking its source again.
    """
    known = known or {}
    parts = [known[source] if source in known else source() for source in sources]
    return [part for part in parts if part is not None]


def bell(user: User) -> Bell:
    """What runs for this user and what waits to be read, over all sources."""
    rung = [each(user) for each in bells]
    return Bell(sum(one.running for one in rung), sum(one.unread for one in rung))


def notices(user: User) -> list[Notice]:
    """What waits to be read by this user, over all boards, the urgent first."""
    return sorted(
        (notice for board in notice_boards for notice in board(user)),
        key=lambda notice: (not notice.urgent, notice.since),
    )
