"""What is to be computed because a newer month-end has been built or a window has passed."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from analytics import predictive, segments, verification
from analytics.models import PredictiveModel, Segmentation
from bankcrm import runs
from customers import profile


def due_models() -> QuerySet[PredictiveModel]:
    """Models that score every month, have a champion, and whose scores in use are of another version or older month."""
    month = profile.latest_month()
    if month is None:
        return PredictiveModel.objects.none()
    fresh = Q(current_score_run__as_of__gte=month, current_score_run__version=F("champion"))
    return PredictiveModel.objects.filter(monthly=True, champion__isnull=False, history_campaign="").exclude(
        fresh
    )


def due_segmentations() -> QuerySet[Segmentation]:
    """Segmentations that are assigned every month and whose run in use is of another version or older month."""
    month = profile.latest_month()
    if month is None:
        return Segmentation.objects.none()
    fresh = Q(current_run__as_of__gte=month, current_run__version=F("in_use"))
    return Segmentation.objects.filter(monthly=True, in_use__isnull=False).exclude(fresh)


def due_verifications() -> QuerySet[PredictiveModel]:
    """Models with published scores whose window has passed and that nobody has counted."""
    waiting = {run.version.model_id for run in verification.due()}
    return PredictiveModel.objects.filter(pk__in=waiting)


def ask_for_due() -> int:
    """Ask for the work of everything due, in nobody's name; what is asked for already is not asked again."""
    scored = list(due_models())
    asked = [runs.request("analytics.score", None, **predictive.work_on(model)) for model in scored]
    asked += [
        runs.request("analytics.verify", None, **predictive.work_on(model))
        for model in due_verifications()
        if model not in scored  # a scoring counts what is due itself
    ]
    asked += [
        runs.request("analytics.segments.assign", None, **segments.work_on(made))
        for made in due_segmentations()
    ]
    return len(asked)
