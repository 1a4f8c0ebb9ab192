"""Scoring a list of prospects by the champion of its model, published whole or not at all."""

from __future__ import annotations

import datetime as dt

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import features, pieces, prospects, scoring
from analytics.modelling.response import FittedResponse
from analytics.models import ModelVersion, PredictiveModel, ProspectRun, ProspectScore
from analytics.prospects import Standing
from bankcrm import audit, bulk, clock, runs
from bankcrm.models import User
from customers import fields as catalogue


def score(model: PredictiveModel, user: User, job: runs.Job | None = None) -> ProspectRun:
    """Score who is on the model's list and no customer, and put the scores to use.

    A repeated run finds what it published. Raises runs.Refused without a champion or a list, where the list has lost a
    field that the model uses, or when everybody on it is a customer; nothing is then visible.
    """
    if job and (made := ProspectRun.objects.filter(run=job.run_id).first()):
        return made
    version = scoring.champion(model)
    found = _list_of(version)
    fitted = scoring.load(version)
    if not isinstance(fitted, FittedResponse):
        raise runs.Refused(
            _("A rule cannot score prospects: it counts on bookings, which a list has none of.")
        )
    day = clock.today()
    ids, raw = _ranked(fitted, found, day, job)
    with bulk.without_time_limit(), transaction.atomic():
        if job:
            job.fence()
        run = ProspectRun.objects.create(
            version=version,
            list_code=found.code,
            as_of=day,
            rows=len(ids),
            left_out={"identity": found.by_identity, "phone": found.by_phone},
            run=job.run if job else None,
        )
        bulk.copy_columns(
            ProspectScore._meta.db_table,
            {
                "prospect_run_id": np.full(len(ids), run.pk, dtype=np.int64),
                "prospect_id": ids,
                "raw": raw,
                "probability": fitted.calibrator.predict(raw).astype(np.float64),
                "decile": scoring.deciles(raw),
            },
        )
        audit.record(user, "prospects.scored", model, list=found.code, prospect_run=run.pk, rows=len(ids))
    run.refresh_from_db()
    return run


def _ranked(
    fitted: FittedResponse, found: Standing, day: dt.date, job: runs.Job | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids of the prospects who are no customers, and their raw scores, (n,) each."""
    nobody = _("Everybody on the list %(list)s is a customer.") % {"list": found.code}
    batches = features.chunks(day, fitted.specs, prospects.population(found.code, day))
    ids, raw = pieces.put_together(
        batches, lambda batch: (fitted.raw(batch.X),), found.size - found.known, nobody, job
    )
    return ids, raw


def _list_of(version: ModelVersion) -> Standing:
    code = version.model.prospect_list
    found = prospects.standing(code)
    if found is None:
        raise runs.Refused(_("Nobody is on the list %(list)s any more.") % {"list": code})
    if lost := sorted(set(version.features) - set(found.usable)):
        names = ", ".join(str(catalogue.get(name).label) for name in lost)
        raise runs.Refused(
            _("The list %(list)s no longer says: %(names)s. Define a model with the fields it has.")
            % {"list": code, "names": names}
        )
    return found
