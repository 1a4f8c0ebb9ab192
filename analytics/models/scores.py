"""Scores: one partition per score run, attached when complete, so that nobody reads half a run."""

from __future__ import annotations

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.predictive import ModelVersion
from bankcrm.models import Run
from customers.models import Customer


class ScoreRun(models.Model):
    class State(models.TextChoices):
        BUILDING = "building", _("Being computed")
        PUBLISHED = "published", _("Published")
        DROPPED = "dropped", _("Dropped")

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="score_runs")
    as_of = models.DateField(_("scores as of"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.BUILDING)
    rows = models.PositiveBigIntegerField(_("customers scored"), default=0)
    # Scored to be compared on outcomes later; nobody is ever chosen by it.
    challenger = models.BooleanField(_("challenger"), default=False, db_default=False)
    # Of the chances of everybody in it, kept for models that fill a field of the profile: what one chance is held
    # against.
    average = models.FloatField(null=True)
    psi = models.FloatField(_("PSI against training"), null=True)
    # {"against": "training" or the day of the version's first scores, "features": {code: PSI}}
    drift = models.JSONField(
        _("drift of the features"), default=dict, db_default=Value({}, models.JSONField())
    )
    # Shares of the scores and of every feature in the bins of training, so that later scores can be held against them.
    shares = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("computed"), db_default=Now())
    published_at = models.DateTimeField(_("published"), null=True)

    class Meta:
        verbose_name = _("score run")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version} {self.as_of}"


class Score(models.Model):
    """One customer's score in one run. List-partitioned by run."""

    pk = models.CompositePrimaryKey("score_run_id", "customer_id")
    score_run = models.ForeignKey(
        ScoreRun, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="scores"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    raw = models.FloatField()  # ranks; calibration may tie what this keeps apart
    # Calibrated; the one to multiply with money. Of an uplift model the gain in probability, −1 to 1.
    probability = models.FloatField(_("probability"))
    decile = models.PositiveSmallIntegerField(_("decile"))

    class Meta:
        verbose_name = _("score")
