"""Long work on models: second doors to ``training.train`` and ``scoring.score``. Started with ids, never with rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import schedule, verifying, watch, why_page
from analytics.models import PredictiveModel, Segmentation
from analytics.predictive import WRITERS
from bankcrm import runs, units
from bankcrm.models import Role, User
from customers.models import Customer


@runs.work("analytics.train", gettext_lazy("Train a model"), roles=WRITERS, unit=units.STEPS)
def train(job: runs.Job) -> dict[str, Any]:
    """Arguments: model, optionally as_of (ISO). Start with ``key=f"model:{id}"``: one training of a model at a time."""
    from analytics import (  # scikit-learn is for workers; web processes import this too
        preference_training,
        training,
        uplift_training,
    )

    model = _model(job)
    learners = {
        PredictiveModel.Kind.UPLIFT: uplift_training.train,
        PredictiveModel.Kind.PREFERENCE: preference_training.train,
    }
    learn = learners.get(PredictiveModel.Kind(model.kind), training.train)
    versions = learn(model, _user(job, model.owner), _day(job, "as_of"), job)
    return {
        "url": reverse("model-detail", args=[model.pk]),
        "versions": ", ".join(f"v{version.number}" for version in versions),
    }


@runs.work("analytics.score", gettext_lazy("Score customers"), roles=WRITERS, unit=units.CUSTOMERS)
def score(job: runs.Job) -> dict[str, Any]:
    """Arguments: model, optionally month (ISO). Start with ``key=f"model:{id}"``: one scoring of a model at a time."""
    from analytics import prospect_scoring, scoring  # as above

    model = _model(job)
    if model.kind == PredictiveModel.Kind.PROSPECT:
        made = prospect_scoring.score(model, _user(job, model.owner), job)
        return {"url": reverse("prospect-detail", args=[made.list_code]), "prospects": made.rows}
    user = _user(job, model.owner)
    try:
        done = scoring.score(model, _day(job, "month"), user, job)
    except runs.Refused as refusal:
        watch.scoring_refused(model, str(refusal), job.run_id)
        raise
    watch.scoring_succeeded(model)
    beside = _challenger(job, model, user)
    # A month later more is known of the months before.
    verifying.count(model, user, job)
    watch.review(model)
    job.progress(done.rows, done.rows)  # the customers scored are what this work is measured by
    told = {"url": reverse("model-detail", args=[model.pk]), "score_run": done.pk, "customers": done.rows}
    return told | beside


def _challenger(job: runs.Job, model: PredictiveModel, user: User) -> dict[str, Any]:
    """Score the same customers with the version that waits; that it cannot does not undo the champion's scores."""
    from analytics import scoring  # as above

    try:
        made = scoring.score_challenger(model, _day(job, "month"), user, job)
    except runs.Refused as refusal:
        return {"challenger": str(refusal)}
    return {"challenger": f"v{made.version.number}"} if made else {}


@runs.work("analytics.verify", gettext_lazy("Count what scores came to"), roles=WRITERS)
def verify(job: runs.Job) -> dict[str, Any]:
    """Arguments: model, optionally again (also what was counted before). Start with ``key=f"model:{id}"``."""
    model = _model(job)
    counted = verifying.count(
        model, _user(job, model.owner), job, again=bool(job.arguments.get("again", False))
    )
    watch.review(model)
    return {"url": reverse("model-proof", args=[model.pk]), "score_runs": counted}


@runs.work("analytics.segments.find", gettext_lazy("Look for segments"), roles=WRITERS, unit=units.STEPS)
def find_segments(job: runs.Job) -> dict[str, Any]:
    """Arguments: segmentation, optionally as_of (ISO). Start with ``key=f"segmentation:{id}"``."""
    from analytics import segment_fit  # as above

    made = _segmentation(job)
    version = segment_fit.find(made, _user(job, made.owner), _day(job, "as_of"), job)
    return {"url": reverse("segmentation-detail", args=[made.pk]), "version": version.number}


@runs.work(
    "analytics.segments.assign",
    gettext_lazy("Give customers their segments"),
    roles=WRITERS,
    unit=units.CUSTOMERS,
)
def assign_segments(job: runs.Job) -> dict[str, Any]:
    """Arguments: segmentation, optionally month (ISO). Start with ``key=f"segmentation:{id}"``."""
    from analytics import segment_fit  # as above

    made = _segmentation(job)
    run = segment_fit.assign(made, _day(job, "month"), _user(job, made.owner), job)
    return {"url": reverse("segmentation-detail", args=[made.pk]), "customers": run.rows}


@runs.work(
    "analytics.explain",
    gettext_lazy("Say why a score is what it is"),
    roles=frozenset(Role) - {Role.ADMINISTRATOR},
)
def explain(job: runs.Job) -> dict[str, Any]:
    """Arguments: customer, and score_run or segment_run. Start with ``**why_page.work_on(run, customer)``."""
    from analytics import explanations  # as above

    sight = Customer.objects.visible_to(job.requested_by) if job.requested_by else Customer.objects.all()
    customer = sight.filter(pk=job.arguments["customer"]).first()
    if customer is None:
        raise runs.Refused(_("This customer is not yours to see, or no longer there."))
    name = "scores" if "score_run" in job.arguments else "segments"
    run = why_page.find(name, job.arguments.get("score_run") or job.arguments["segment_run"])
    if run is None:
        raise runs.Refused(_("These scores are no longer kept."))
    explanations.make(run, customer, job)
    return {"url": reverse("customer-tab", args=[customer.pk, "needs"])}


@runs.work(
    "analytics.monthly",
    gettext_lazy("Scores, segments and verifications that are due"),
    roles=WRITERS,
    daily=True,
)
def monthly(job: runs.Job) -> dict[str, Any]:
    """Without arguments: asks for the scoring and assignment that a newer month-end calls for, and for counts."""
    return {"asked": schedule.ask_for_due()}


def _segmentation(job: runs.Job) -> Segmentation:
    made = (
        Segmentation.objects.filter(pk=job.arguments["segmentation"])
        .select_related("current_run__version", "owner")
        .first()
    )
    if made is None:
        raise runs.Refused(_("The segmentation no longer exists."))
    return made


def _model(job: runs.Job) -> PredictiveModel:
    model = (
        PredictiveModel.objects.filter(pk=job.arguments["model"])
        .select_related("product", "champion", "owner")
        .first()
    )
    if model is None:
        raise runs.Refused(_("The model no longer exists."))
    return model


def _user(job: runs.Job, owner: User) -> User:
    """Whoever asked; what the clock asks for is done in the owner's name."""
    return job.requested_by or owner


def _day(job: runs.Job, name: str) -> dt.date | None:
    text = job.arguments.get(name)
    return dt.date.fromisoformat(text) if text else None
