"""Models watched in use: what published scores came to, and what calls for somebody's attention."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.predictive import PredictiveModel
from analytics.models.scores import ScoreRun
from bankcrm.models import Run, User


class Verification(models.Model):
    """Predicted against actual of one score run, counted once its window has passed; it outlives the scores."""

    class Alarm(models.TextChoices):
        NONE = "none", _("Within the limits")
        OVER = "over", _("Promised too much")
        UNDER = "under", _("Promised too little")

    score_run = models.OneToOneField(ScoreRun, on_delete=models.PROTECT, related_name="verification")
    n = models.PositiveBigIntegerField(_("customers"))
    observed = models.PositiveBigIntegerField(_("observed"))
    expected = models.FloatField(_("expected"))
    alarm = models.CharField(_("alarm"), max_length=5, choices=Alarm, default=Alarm.NONE)
    # Deciles, groups, intervals by name, the sentence, and of a challenger the champion on the same customers.
    result = models.JSONField(_("result"), default=dict)
    # Outcomes were in to this day when it was counted.
    data_through = models.DateField(_("outcomes known to"))
    computed_at = models.DateTimeField(_("computed"), db_default=Now())
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("verification")
        ordering = ["-score_run"]

    def __str__(self) -> str:
        return f"{self.score_run}"


class ModelAlertQuerySet(models.QuerySet["ModelAlert"]):
    def visible_to(self, user: User) -> ModelAlertQuerySet:
        """What is said of a model is seen by whoever sees the model."""
        return self.filter(model__in=PredictiveModel.objects.visible_to(user))

    def open(self) -> ModelAlertQuerySet:
        return self.filter(ended_at__isnull=True)


class ModelAlert(models.Model):
    """One rule of ``analytics.watch`` that a model in use has broken, from the day it did until it no longer does."""

    class Rule(models.TextChoices):
        REFUSED = "refused", _("Scoring was refused")
        OBSERVED = "observed", _("Observed over expected")
        RANKING = "ranking", _("Ranking")
        SCORES = "scores", _("Scores moved")
        FEATURES = "features", _("Fields moved")
        CALIBRATION = "calibration", _("Calibration")
        CHALLENGER = "challenger", _("Challenger")
        AGE = "age", _("Age")

    class Level(models.TextChoices):
        ACT = "act", _("Act")
        WATCH = "watch", _("Watch")

    class End(models.TextChoices):
        PASSED = "passed", _("No longer so")
        SET_ASIDE = "set_aside", _("Set aside")

    model = models.ForeignKey(PredictiveModel, on_delete=models.PROTECT, related_name="alerts")
    rule = models.CharField(_("rule"), max_length=12, choices=Rule)
    level = models.CharField(_("level"), max_length=5, choices=Level)
    # Whether the rule proposes to train anew; training and promotion stay people's decisions.
    proposes_training = models.BooleanField(_("proposes training"), default=False)
    finding = models.JSONField(_("finding"), default=dict)
    # What it was found in; the same evidence never raises again what a person set aside.
    evidence = models.CharField(max_length=40, blank=True)
    raised_at = models.DateTimeField(_("since"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_as = models.CharField(_("ended as"), max_length=9, choices=End, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(_("reason"), max_length=300, blank=True)

    objects = ModelAlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("model alert")
        ordering = ["level", "raised_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "rule"],
                condition=Q(ended_at__isnull=True),
                name="one_open_alert_per_model_and_rule",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.rule}"
