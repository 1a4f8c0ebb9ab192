"""Everybody of a population, piece by piece: what is computed of them is put together, what was read is let go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics.features import Batch
from bankcrm import runs

Columns = tuple[NDArray[Any], ...]


def put_together(
    batches: Iterable[Batch],
    of: Callable[[Batch], Columns],
    total: int,
    nobody: str,
    job: runs.Job | None,
    note: str = "",
) -> Columns:
    """Ids (n,) and the columns that ``of`` makes of every piece, (n,) or (n, k) each.

    The job is told how many of ``total`` are done. Raises runs.Refused with ``nobody`` where there is nobody.
    """
    parts: list[Columns] = []
    done = 0
    for batch in batches:
        parts.append((batch.ids, *of(batch)))
        done += len(batch.ids)
        if job:
            job.progress(done, total, note or _("Scoring"))
    if not done:
        raise runs.Refused(nobody)
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
