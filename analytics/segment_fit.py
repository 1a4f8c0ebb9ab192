"""Looking for segments, and giving everybody theirs: the worker's side of a segmentation."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from analytics import audience, card, drift, features, pieces, published, segments
from analytics.features import Batch, Population
from analytics.modelling import artefact, baselines, segmentation, stability
from analytics.modelling.segment_identity import Matching, match_segments
from analytics.modelling.sentences import ModellingRefusal
from analytics.models import Segment, Segmentation, SegmentationVersion, SegmentRun
from bankcrm import audit, bulk, figures, runs
from bankcrm.models import User
from customers import tiering

Method, State = SegmentationVersion.Method, SegmentationVersion.State
TABLE = "analytics_segmentmember"
# Rows beyond this are left out of the search by a hash of the customer; everybody is assigned.
MOST_ROWS = 300_000
TRAITS_KEPT = 40


def find(
    made: Segmentation, user: User, as_of: dt.date | None = None, job: runs.Job | None = None
) -> SegmentationVersion:
    """A new version: stable clusters with lasting numbers, or activity by tier where there are none, and the evidence.

    Nothing is put to use. A repeated run finds its version. Raises runs.Refused without a profile or with too few
    customers.
    """
    if job and (done := SegmentationVersion.objects.filter(run=job.run_id).first()):
        return done
    month = features.month_to_read(as_of)
    _step(job, 0, _("Reading customers"))
    who = population(made, month)
    specs = features.learn_specs(features.usable(made.features or segments.DEFAULT_FEATURES), [month])
    batch = _read(month, specs, who)
    _step(job, 1, _("Trying three to eight segments"))
    facts: dict[str, Any] = {"n": len(batch.ids), "as_of": month.isoformat()}
    try:
        fitted = segmentation.find_segments(batch.X, specs, seed=made.pk)
    except segmentation.NoStableSegments as refusal:
        facts |= {
            "refusal": card.sentence(refusal.sentence),
            "candidates": [asdict(candidate) for candidate in refusal.candidates],
        }
        return _store(made, user, job, month, Method.BASELINE, facts, None)
    except ModellingRefusal as refusal:
        raise runs.Refused(card.told(refusal.sentence)) from refusal
    _step(job, 2, _("Comparing with the segments in use"))
    labels = fitted.assign(batch.X)
    facts |= _described(fitted) | _matched(made, batch, labels, fitted.k)
    facts |= _beside_baseline(_baseline(month, who, batch.ids), labels, fitted.k, month)
    return _store(made, user, job, month, Method.CLUSTERS, facts, artefact.dump(fitted))


def _step(job: runs.Job | None, done: int, note: str) -> None:
    if job:
        job.progress(done, 3, note)


def population(made: Segmentation, month: dt.date) -> Population:
    """Whose segments are looked for and kept."""
    if not made.population:
        return Population()
    where, params = audience.field_expression(made.population, month)
    return Population(where=where, params=params)


def _read(month: dt.date, specs: Any, who: Population) -> Batch:
    n = features.count(month, who)
    if n > MOST_ROWS:
        who = features.thinned(who, MOST_ROWS / n)
    return features.matrix(month, specs, who)


def _described(fitted: segmentation.Segmentation) -> dict[str, Any]:
    return {
        "k": fitted.k,
        "candidates": [asdict(candidate) for candidate in fitted.candidates],
        "shares": list(fitted.shares),
        "traits": [[asdict(trait) for trait in traits[:TRAITS_KEPT]] for traits in fitted.traits],
        "categories": {spec.name: list(spec.categories) for spec in fitted.specs if spec.categories},
    }


def _matched(made: Segmentation, batch: Batch, labels: NDArray[Any], k: int) -> dict[str, Any]:
    """Lasting numbers of the new clusters, from 1 on, and how many customers keep theirs."""
    used = list(Segment.objects.filter(segmentation=made).values_list("number", flat=True))
    members = _members(made.current_run, batch.ids) if made.current_run else None
    if members is None or not (members > 0).any():
        first = max([0, *used]) + 1
        return {"identity": list(range(first, first + k))}
    known = members > 0
    matching: Matching = match_segments(members[known], labels[known], segments=k, used=used)
    return {
        "identity": list(matching.identity),
        "matching": {
            "against": made.current_run.version.number if made.current_run else None,
            "retained": matching.retained,
            "alarm": matching.alarm,
            "sentence": card.sentence(matching.sentence),
            "rows": list(matching.rows),
            "columns": list(matching.columns),
            "migration": matching.migration.tolist(),
        },
    }


def _beside_baseline(
    baseline: NDArray[np.int64], labels: NDArray[Any], k: int, month: dt.date
) -> dict[str, Any]:
    """How far clusters say what activity by tier says already, and who stands where: counts (k, activities x tiers)."""
    tiers = tiering.names_at(month)
    width = len(baselines.ACTIVITY) * max(len(tiers), 1)
    crossed = np.bincount(labels.astype(np.int64) * width + baseline, minlength=k * width).reshape(k, width)
    return {
        "agreement_with_baseline": float(adjusted_rand_score(baseline, labels)),
        "baseline": {"tiers": [str(name) for name in tiers.values()], "cells": crossed.tolist()},
    }


def _members(run: SegmentRun, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The segment of every id (n,), ascending, in a run; 0 for customers it does not know."""
    found = bulk.read_columns(
        "SELECT customer_id, segment FROM analytics_segmentmember WHERE segment_run_id = %s ORDER BY customer_id",
        [run.pk],
    )
    segment = np.zeros(len(ids), dtype=np.int64)
    at = np.searchsorted(found["customer_id"], ids)
    inside = at < len(found["customer_id"])
    same = inside.copy()
    same[inside] = found["customer_id"][at[inside]] == ids[inside]
    segment[same] = found["segment"][at[same]]
    return segment


def _baseline(month: dt.date, who: Population, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Activity by tier of the customers ``ids``, ascending (n,)."""
    everybody, segment = _activity_by_tier(month, who)
    return segment[np.searchsorted(everybody, ids)]


def _activity_by_tier(month: dt.date, who: Population) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    specs = features.learn_specs(features.usable(features.RULE_FIELDS), ())
    codes = list(tiering.names_at(month))
    tier = ("coalesce(array_position(%s::text[], p.tier::text), 1) - 1", (codes,))
    batch = features.matrix(
        month, specs, Population(where=who.where, params=who.params, extra={"tier": tier})
    )
    at = {spec.name: batch.X[:, position] for position, spec in enumerate(specs)}
    made = baselines.rfm_by_tier(
        -at["last_transaction_on"],
        at["transactions_12m"],
        at["aum"],
        batch.extra["tier"].astype(np.int64),
        tiers=max(len(codes), 1),
    )
    return batch.ids, made.segment


@transaction.atomic
def _store(
    made: Segmentation,
    user: User,
    job: runs.Job | None,
    month: dt.date,
    method: str,
    facts: dict[str, Any],
    data: bytes | None,
) -> SegmentationVersion:
    if job:
        job.fence()
    Segmentation.objects.select_for_update(no_key=True).get(pk=made.pk)
    last = SegmentationVersion.objects.filter(segmentation=made).aggregate(last=Max("number"))["last"] or 0
    if method == Method.BASELINE:
        facts["tiers"] = list(tiering.names_at(month))
    version = SegmentationVersion.objects.create(
        segmentation=made,
        number=last + 1,
        method=method,
        as_of=month,
        artefact=data,
        sha256=artefact.digest(data) if data else "",
        card=facts,
        made_by=user,
        run=job.run if job else None,
    )
    audit.record(user, "segmentation.found", version, to_state=version.state, number=version.number)
    return version


def assign(made: Segmentation, month: dt.date | None, user: User, job: runs.Job | None = None) -> SegmentRun:
    """Everybody's segment as of ``month`` (the newest profile) by the version in use, its centroids frozen.

    A repeated run finds what it published. Raises runs.Refused without a version in use, for an artefact that is not
    the one stored, or when there is nobody; nothing is then visible.
    """
    if job and (done := SegmentRun.objects.filter(run=job.run_id, state=SegmentRun.State.PUBLISHED).first()):
        return done
    version = SegmentationVersion.objects.filter(segmentation=made, state=State.IN_USE).first()
    if version is None:
        raise runs.Refused(_("No version is in use. Look for segments and put a version to use first."))
    day = features.month_to_read(month)
    published.drop_remains(SegmentRun.objects.filter(version__segmentation=made))
    run = SegmentRun.objects.create(version=version, as_of=day, run=job.run if job else None)
    try:
        ids, segment, psi, moved = _WAYS[Method(version.method)](version, day, job)
        if not len(ids):
            raise runs.Refused(_nobody(day))
    except runs.Refused:
        SegmentRun.objects.filter(pk=run.pk).update(state=SegmentRun.State.DROPPED)
        raise
    with bulk.without_time_limit(), transaction.atomic():
        if job:
            job.fence()
        if not Segmentation.objects.filter(pk=made.pk, in_use=version).update(current_run=run):
            raise runs.Refused(
                _("Another version was put to use while this one was assigning. Assign again.")
            )
        columns: dict[str, bulk.Column] = {
            "segment_run_id": np.full(len(ids), run.pk, dtype=np.int64),
            "customer_id": ids,
            "segment": segment,
        }
        with published.new_partition(TABLE, run.pk) as part:
            bulk.copy_columns(part, columns)
        numbers, counts = (found.tolist() for found in np.unique(segment, return_counts=True))
        Segment.objects.bulk_create(
            [Segment(segmentation=made, number=number) for number in numbers], ignore_conflicts=True
        )
        SegmentRun.objects.filter(pk=run.pk).update(
            state=SegmentRun.State.PUBLISHED,
            rows=len(ids),
            sizes=dict(zip(map(str, numbers), counts, strict=True)),
            psi=psi,
            moved_field=moved,
            published_at=Now(),
        )
        audit.record(user, "segmentation.assigned", made, segment_run=run.pk, rows=len(ids))
    run.refresh_from_db()
    return run


# Ids ascending and their lasting segment numbers, (n,) each; the strongest PSI of a field, and which field.
Assigned = tuple[NDArray[np.int64], NDArray[np.int16], float | None, str]


def by_clusters(version: SegmentationVersion, month: dt.date, job: runs.Job | None = None) -> Assigned:
    """Everybody's segment by frozen centroids, unpublished. Raises runs.Refused as ``assign`` does."""
    fitted = load(version)
    identity = np.asarray(version.card["identity"], dtype=np.int16)
    who = population(version.segmentation, month)
    total = features.count(month, who)
    watch = drift.Watch(fitted.specs, fitted.references, total)

    def of(batch: Batch) -> pieces.Columns:
        watch.add(batch)
        return (identity[fitted.assign(batch.X)],)

    batches = features.chunks(month, fitted.specs, who)
    ids, segment = pieces.put_together(batches, of, total, _nobody(month), job, _("Assigning"))
    moves = {
        spec.name: stability.psi_of_shares(known.shares, now)
        for spec, known, now in zip(fitted.specs, fitted.references, watch.known(), strict=True)
    }
    moved = max(moves, key=lambda name: moves[name])
    return ids, segment, float(moves[moved]), moved


def load(version: SegmentationVersion) -> segmentation.Segmentation:
    """The clusters behind a version, their digest checked. Raises runs.Refused."""
    try:
        return artefact.load_as(segmentation.Segmentation, bytes(version.artefact or b""), version.sha256)
    except artefact.ArtefactRefused as refused:
        raise runs.Refused(card.told(refused.sentence)) from refused


def _nobody(month: dt.date) -> str:
    return _("There is no customer in the profile of %(day)s.") % {"day": figures.day(month)}


def _by_baseline(version: SegmentationVersion, month: dt.date, job: runs.Job | None) -> Assigned:
    ids, segment = _activity_by_tier(month, population(version.segmentation, month))
    return ids, (segment + 1).astype(np.int16), None, ""


def _by_rules(version: SegmentationVersion, month: dt.date, job: runs.Job | None) -> Assigned:
    """The first rule that holds decides; the last segment is everybody else."""
    cases: list[str] = []
    params: list[Any] = []
    for number, rule in enumerate(version.card["rules"], start=1):
        where, values = audience.field_expression(rule["condition"], month)
        cases.append(f"WHEN {where} THEN {number}")
        params += values
    who = population(version.segmentation, month)
    statement = (
        f"SELECT c.id, CASE {' '.join(cases)} ELSE {len(cases) + 1} END AS segment"  # noqa: S608  by allow-list
        " FROM customers_customerprofile p JOIN customers_customer c ON c.id = p.customer_id"
        f" WHERE p.month = %s AND ({who.where}) ORDER BY c.id"
    )
    with bulk.without_time_limit():
        found = bulk.read_columns(statement, [*params, month, *who.params])
    return found["id"].astype(np.int64), found["segment"].astype(np.int16), None, ""


_WAYS = {Method.CLUSTERS: by_clusters, Method.BASELINE: _by_baseline, Method.RULES: _by_rules}
