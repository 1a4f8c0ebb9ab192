"""Predictive models and their versions: what was trained, on what, how good it is, which one is in use."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Run, User
from customers.models import Product


class PredictiveModelQuerySet(models.QuerySet["PredictiveModel"]):
    def visible_to(self, user: User) -> PredictiveModelQuerySet:
        """Models describe no single customer: whoever may open the page sees all of them."""
        return self


class PredictiveModel(models.Model):
    """The definition: what is predicted, for whom, over which horizon, from which features."""

    class Kind(models.TextChoices):
        RESPONSE = "response", _("Response")
        CHURN = "churn", _("Churn")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.RESPONSE)
    product = models.ForeignKey(
        Product, verbose_name=_("product"), on_delete=models.PROTECT, related_name="+"
    )
    horizon_days = models.PositiveSmallIntegerField(_("horizon, days"), default=60)
    # Empty: every catalogue field that a model may use.
    features = models.JSONField(_("features"), default=list, blank=True)
    # Learns from assignments of this campaign's facts instead of profiles, when set (an imported history).
    history_campaign = models.CharField(_("imported campaign"), max_length=40, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    champion = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("champion"),
    )
    # The pointer readers follow; roll-back is moving it.
    current_score_run = models.ForeignKey(
        "ScoreRun",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("scores in use"),
    )

    objects = PredictiveModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("predictive model")
        verbose_name_plural = _("predictive models")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    class State(models.TextChoices):
        TRAINED = "trained", _("Challenger")
        CHAMPION = "champion", _("Champion")
        RETIRED = "retired", _("Retired")

    class Algorithm(models.TextChoices):
        TREES = "hist_gradient_boosting", _("Histogram gradient boosting")
        LOGISTIC = "logistic", _("Logistic regression")
        RULE = "rule", _("Rule score (too few positives for a model)")

    model = models.ForeignKey(PredictiveModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    algorithm = models.CharField(_("algorithm"), max_length=30, choices=Algorithm)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.TRAINED)
    features = models.JSONField(_("features"), default=list)
    artefact = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # Data dates, n, positives, split, metrics with intervals, tables of gains, lift and calibration, limits.
    card = models.JSONField(_("model card"), default=dict)
    trained_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    trained_at = models.DateTimeField(_("trained"), db_default=Now())
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    promoted_at = models.DateTimeField(_("promoted"), null=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("model version")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="model_version_number_once"),
            models.UniqueConstraint(
                fields=["model"], condition=Q(state="champion"), name="one_champion_per_model"
            ),
            models.CheckConstraint(
                condition=Q(promoted_by__isnull=True) | ~Q(promoted_by=F("trained_by")),
                name="model_promoted_by_a_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"
