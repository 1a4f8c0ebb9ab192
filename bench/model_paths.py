"""Models at the size of a bank: the feature matrix, scoring from end to end, two workers, segments of everybody.

The learned things are learned here, from a thinned month of the bank of customers; their labels are made up, because
only time and memory are measured. Score runs and segment runs of the bench are removed again.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

from analytics import features, scoring, segment_fit, segments, targets, training
from analytics.features import Population
from analytics.modelling import artefact
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.response import FittedResponse, fit_response
from analytics.modelling.splits import time_split
from analytics.models import ModelVersion, PredictiveModel, ScoreRun, Segmentation, SegmentRun
from bankcrm import bulk
from bench import score_write
from bench.big_bank import BigBank
from bench.measure import Line, best_of, line
from customers import fields as catalogue
from customers.fields import Type
from customers.models import Product

FEATURES = 60
LEARNED_FROM = 30_000
# What a worker process does: models scored one after the other, from a word on.
WORKER = """
import django, sys
django.setup()
from analytics import scoring
from analytics.models import PredictiveModel
models = [PredictiveModel.objects.get(code=code) for code in sys.argv[1:]]
print("ready", flush=True)
sys.stdin.readline()
for model in models:
    scoring.score(model, None, model.owner)
print("done", flush=True)
"""


def measure(bank: BigBank) -> list[Line]:
    """Matrix, its memory, one model scored, the worker's memory, two workers, segments computed and published."""
    specs = features.learn_specs(features.usable()[:FEATURES], [bank.month])
    lines = _matrix_lines(bank, specs)
    fitted = _learned(bank, specs)
    models = [_model(bank, place, fitted) for place in range(2)]
    lines += _scoring_lines(bank, fitted, models)
    lines += _segments_lines(bank)
    return lines


def _matrix_lines(bank: BigBank, specs: tuple[FeatureSpec, ...]) -> list[Line]:
    """The matrix of all customers beside a bare COPY of the same columns into one numpy array; then its memory."""
    limit = best_of(2, lambda: bare_read(bank, specs))
    seconds = best_of(2, lambda: features.matrix(bank.month, specs))
    before = _resident(reset=True)
    size = features.matrix(bank.month, specs).X.nbytes / 2**20
    used = (_resident() - before) / 1024
    return [
        line(f"feature matrix, {len(specs)} features", bank.n, seconds, limit, 1.3),
        line("feature matrix: memory beside its float32", bank.n, used, size, 1.5, "MB"),
    ]


def bare_read(bank: BigBank, specs: tuple[FeatureSpec, ...], who: Population | None = None) -> NDArray[Any]:
    """The columns behind the features as the tables hold them, as numbers, by one COPY and one look at the bytes."""
    people = who or Population()
    columns = ", ".join(f"coalesce(({_bare_column(spec)})::float4, 'NaN')" for spec in specs)
    statement = (
        f"COPY (SELECT c.id, {columns} FROM customers_customerprofile p"
        f" JOIN customers_customer c ON c.id = p.customer_id {people.joins}"
        f" WHERE p.month = %s AND ({people.where}) ORDER BY c.id) TO STDOUT (FORMAT BINARY)"
    )
    with bulk.without_time_limit(), connection.cursor() as cursor:
        raw = cursor.connection
        values = [*people.join_params, bank.month, *people.params]
        bound = psycopg.ClientCursor(raw).mogrify(statement, values)
        with raw.cursor() as plain, plain.copy(bound.encode()) as copy:
            data = b"".join(bytes(chunk) for chunk in copy)[19:-2]
    width = 2 + 12 + 8 * len(specs)
    rows = np.frombuffer(data, np.uint8).reshape(-1, width)
    return rows[:, 14:].view(">f4")[:, 1::2].astype(np.float32)


def _bare_column(spec: FeatureSpec) -> str:
    known = catalogue.everything()[spec.name]
    if spec.kind == "categorical":
        return f"abs(hashtext(({known.source})::text) %% {max(1, len(spec.categories))})"
    if known.type == Type.DATE:
        return f"({known.source}) - date '2000-01-01'"
    return f"({known.source})::int" if known.type == Type.FLAG else known.source


def _learned(bank: BigBank, specs: tuple[FeatureSpec, ...]) -> FittedResponse:
    """Trees of the product's own size on a thinned month; who has much and buys often is called a buyer."""
    batch = features.matrix(
        bank.month, specs, features.thinned(Population(), min(1.0, LEARNED_FROM / bank.n))
    )
    rng = np.random.default_rng(0)
    place = {spec.name: j for j, spec in enumerate(specs)}
    much, often = (
        np.log1p(np.clip(np.nan_to_num(batch.X[:, place[name]]), 0, None))
        for name in ("aum", "transactions_12m")
    )
    lure = 0.25 * much + 0.5 * often
    y = (rng.random(len(lure)) < 0.1 / (1 + np.exp(np.mean(lure) - lure))).astype(np.int8)
    order = rng.permutation(len(y))
    return fit_response(batch.X, y, order, specs, time_split(order, y), resamples=50)


def _model(bank: BigBank, place: int, fitted: FittedResponse) -> PredictiveModel:
    """A stored model with the fitted trees as its champion."""
    code = f"bench-{secrets.token_hex(4)}"
    model = PredictiveModel.objects.create(
        code=code,
        name=code,
        owner=bank.analyst,
        product=Product.objects.order_by("pk")[place],
        horizon_days=60,
    )
    draft = training.Draft(ModelVersion.Algorithm.TREES, fitted.specs, {}, artefact.dump(fitted))
    version = training.store(model, bank.analyst, None, [draft])[0]
    ModelVersion.objects.filter(pk=version.pk).update(state=ModelVersion.State.CHAMPION)
    PredictiveModel.objects.filter(pk=model.pk).update(champion=version)
    model.refresh_from_db()
    return model


def _scoring_lines(bank: BigBank, fitted: FittedResponse, models: list[PredictiveModel]) -> list[Line]:
    """One model from the profile to its published scores, the memory it took, and two models by two workers."""
    who = targets.population(models[0], bank.month)

    def by_hand() -> None:
        read = bare_read(bank, fitted.specs, who)
        parts = np.array_split(read, max(1, len(read) // 100_000))
        raw = np.concatenate([fitted.raw(part) for part in parts])
        ids = np.arange(1, len(read) + 1, dtype=np.int64)
        run = ScoreRun.objects.create(version=models[0].versions.get(), as_of=dt.date(2000, 1, 31))
        score_write.bare_partition(run, ids, raw, 1 / (1 + np.exp(-raw)))

    limit = best_of(2, by_hand)
    _resident(reset=True)
    seconds = best_of(2, lambda: scoring.score(models[0], bank.month, bank.analyst))
    # All of the process, what the bench itself holds included: of memory that was free already no difference tells.
    used = _resident() / 1024
    one = _by_workers([models])
    two = _by_workers([[model] for model in models])
    _forget_runs(ScoreRun.objects.filter(version__model__in=models), scoring.TABLE)
    return [
        line("one model scored and published", bank.n, seconds, limit, 1.3),
        line("scoring: memory of the worker beside 2 GB", bank.n, used, 2048, 1.0, "MB"),
        # 1.7 times the throughput: the same two models in 1 / 1.7 of the time.
        line("two models by two workers, beside one worker", bank.n, two, one, round(1 / 1.7, 3)),
    ]


def _by_workers(shares: list[list[PredictiveModel]]) -> float:
    """Seconds until every worker has scored its models, all let go at once when all are ready."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "BANKCRM_DATABASE": connection.settings_dict["NAME"]}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *(model.code for model in share)],
            cwd=Path(__file__).resolve().parents[1],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    for worker in workers:
        _expect(worker, "ready")
    started = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        _expect(worker, "done")
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.communicate()
    return seconds


def _expect(worker: subprocess.Popen[str], word: str) -> None:
    assert worker.stdout is not None
    if worker.stdout.readline().strip() != word:
        raise RuntimeError("a worker of the bench failed; its error stands above")


def _segments_lines(bank: BigBank) -> list[Line]:
    """Everybody's segment by the frozen centroids, beside the read and the predict of scikit-learn's mini-batches;
    then the same with the rows written and published, beside read, predict and a bare COPY, key and ATTACH."""
    code = f"bench-{secrets.token_hex(4)}"
    made = segments.define(bank.analyst, code=code, name=code, kind=Segmentation.Kind.FOUND)
    version = segment_fit.find(made, bank.analyst, bank.month)
    segments.use(version, bank.analyst)
    specs = features.learn_specs(features.usable(segments.DEFAULT_FEATURES), [bank.month])
    plain = MiniBatchKMeans(5, random_state=0, n_init=1).fit(np.nan_to_num(bare_read(bank, specs)[:50_000]))

    def predicted() -> NDArray[Any]:
        found: NDArray[Any] = plain.predict(np.nan_to_num(bare_read(bank, specs)))
        return found

    def by_hand() -> None:
        segment = predicted().astype(np.int16)
        run = SegmentRun.objects.create(version=version, as_of=dt.date(2000, 1, 31))
        ids = np.arange(1, len(segment) + 1, dtype=np.int64)
        columns = {"segment_run_id": np.full(len(ids), run.pk), "customer_id": ids, "segment": segment}
        score_write.bare_write(segment_fit.TABLE, run.pk, columns)

    limit = best_of(3, predicted)
    computed = best_of(3, lambda: segment_fit.by_clusters(version, bank.month))
    with_write = best_of(3, by_hand)
    assigned = best_of(3, lambda: segment_fit.assign(made, bank.month, bank.analyst))
    _forget_runs(SegmentRun.objects.filter(version__segmentation=made), segment_fit.TABLE)
    return [
        line("segments of everybody computed", bank.n, computed, limit, 1.5),
        line("segments of everybody computed and published", bank.n, assigned, with_write, 1.5),
    ]


def _forget_runs(found: Any, table: str) -> None:
    """Drop the partitions of these runs; the rows about them stay, without use, as after any newer run."""
    with connection.cursor() as cursor:
        for pk in found.values_list("pk", flat=True):
            cursor.execute(f"DROP TABLE IF EXISTS {table}_{pk}")


def _resident(*, reset: bool = False) -> int:
    """Highest resident memory of this process in KiB since the last ``reset``; right after one, what it holds now."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
