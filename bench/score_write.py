"""Writing a score for every customer, against COPY into a fresh table, primary key and ATTACH and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from analytics import scoring
from analytics.models import ScoreRun
from bankcrm import bulk
from bench.measure import Line, best_of, line
from bench.world import MONTH, World


def measure(world: World) -> list[Line]:
    """One line; the limit writes the same numbers by the same COPY, without deciles, checks or statistics."""
    generator = np.random.default_rng(1)
    ids = np.arange(1, world.n + 1, dtype=np.int64)
    raw = generator.normal(size=world.n)
    probability = (1 / (1 + np.exp(-raw))).astype(np.float32)

    def fresh() -> ScoreRun:
        version = world.model.versions.get(number=1)
        return ScoreRun.objects.create(version=version, as_of=MONTH)

    def product_path() -> None:
        with transaction.atomic():
            scoring.write_back(fresh(), ids, raw, probability)

    limit = best_of(2, lambda: bare_partition(fresh(), ids, raw, probability))
    seconds = best_of(2, product_path)
    drop_partitions(keep=world.model.current_score_run_id or 0)
    return [line("scores written back and published", world.n, seconds, limit, 1.5)]


def bare_partition(run: ScoreRun, ids: NDArray[Any], raw: NDArray[Any], probability: NDArray[Any]) -> None:
    """Scores by COPY into a fresh table, primary key and ATTACH, and nothing else."""
    columns: dict[str, Any] = {
        "score_run_id": np.full(len(ids), run.pk, np.int64),
        "customer_id": ids,
        "raw": raw,
        "probability": probability.astype(np.float64),
        "decile": np.ones(len(ids), np.int16),
    }
    bare_write(scoring.TABLE, run.pk, columns)


def bare_write(parent: str, run: int, columns: dict[str, Any]) -> None:
    """The columns of one run, its number first, as a partition of ``parent``."""
    part, key = f"{parent}_{run}", next(iter(columns))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {part} (LIKE {parent})")
        bulk.copy_columns(part, columns)
        cursor.execute(f"ALTER TABLE {part} ADD PRIMARY KEY ({key}, customer_id)")
        cursor.execute(f"ALTER TABLE {parent} ATTACH PARTITION {part} FOR VALUES IN ({run})")


def drop_partitions(keep: int) -> None:
    """Remove the score runs of the bench."""
    for run in ScoreRun.objects.exclude(pk=keep):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS analytics_score_{run.pk}")
        run.delete()
