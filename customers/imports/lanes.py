"""Work on a large file in two hands: one on this connection, the other on a connection of its own.

PostgreSQL writes with one process for each connection; what is dear about an import, judging cells and keeping indexes,
is done by two of them at once. Each hand commits by itself, so only work that may be done by halves belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from bankcrm import bulk

HANDS = 2


def count() -> int:
    """How many hands there are: inside a transaction one, because another connection would not see its rows."""
    return 1 if connection.in_atomic_block else HANDS


def side_by_side(works: Sequence[Callable[[], None]]) -> None:
    """Do all of them, the first in this thread. Raises what the first of them raised, once all have ended."""
    if count() == 1:
        for work in works:
            work()
        return
    with ThreadPoolExecutor(len(works), thread_name_prefix="import-lane") as pool:
        others = [pool.submit(_on_own_connection, work) for work in works[1:]]
        works[0]()
    for other in others:
        other.result()


def _on_own_connection(work: Callable[[], None]) -> None:
    try:
        with bulk.without_time_limit():
            work()
    finally:
        connection.close()
