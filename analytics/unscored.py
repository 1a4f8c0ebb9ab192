"""Why nothing is said of a customer: no score, no answer, no segment."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analytics.models import PredictiveModel, PreferenceAnswer, Score, ScoreRun, SegmentMember, SegmentRun
from bankcrm import figures
from customers.models import Customer, CustomerProfile

Kind = PredictiveModel.Kind


def why(run: ScoreRun | SegmentRun, customer: Customer) -> str:
    """The sentence why ``run`` says nothing of ``customer``; "" where it says something."""
    if run.state != run.State.PUBLISHED:
        return _("These scores are no longer kept.")
    if isinstance(run, SegmentRun):
        found = SegmentMember.objects.filter(segment_run=run, customer=customer).exists()
    elif run.version.model.kind == Kind.PREFERENCE:
        answer = PreferenceAnswer.objects.filter(score_run=run, customer=customer)
        known = answer.values_list("answer", flat=True).first()
        if known == "":
            told = _(
                "Not enough behaviour: fewer than %(least)s bookings, purchases and contacts in 12 months."
            )
            return told % {"least": run.version.model.least_seen}
        found = known is not None
    else:
        found = Score.objects.filter(score_run=run, customer=customer).exists()
    return "" if found else absence(run, customer)


def absence(run: ScoreRun | SegmentRun, customer: Customer) -> str:
    """Why a published run has no row of the customer."""
    day = {"day": figures.short_day(run.as_of)}
    if not CustomerProfile.objects.filter(month=run.as_of, customer=customer).exists():
        return _("The customer was not with us at the month-end of %(day)s.") % day
    if isinstance(run, SegmentRun):
        return (
            _("The segmentation does not ask about this customer: outside its conditions on %(day)s.") % day
        )
    if run.version.model.history_campaign or run.version.model.kind == Kind.PROSPECT:
        return _("The model scores the people of a file, not our customers.")
    return (
        _(
            "The model does not ask about this customer: outside its conditions on %(day)s, or the customer has what it"
            " predicts already."
        )
        % day
    )
