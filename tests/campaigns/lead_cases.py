"""What the tests of leads share: pushed leads, and many people who act at the same moment."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from campaigns.followup import Entry
from campaigns.models import Lead
from tests.campaigns import factories
from tests.cast import Cast


def pushed_leads(cast: Cast, n: int = 3, code: str = "autumn", **changes: Any) -> list[Lead]:
    """``n`` leads of Rita in one campaign without control."""
    factories.make_customers(n, cast.tree.n1, cast.rita, prefix=code[:3])
    factories.pushed(cast, code, control_share=0, **changes)
    return list(Lead.objects.filter(campaign__code=code).order_by("pk"))


def entry(outcome: str, **more: Any) -> Entry:
    return Entry(outcome=outcome, client_key=more.pop("client_key", None) or uuid.uuid4(), **more)


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Every act in a thread and on a connection of its own, let go together; results or exceptions, in order."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return act()
        except Exception as error:  # noqa: BLE001  (what went wrong is what the test looks at)
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
