"""Scores of prospects, apart from those of customers: a prospect has no profile and no lead."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.predictive import ModelVersion
from bankcrm.models import Run
from customers.models import Prospect


class ProspectRun(models.Model):
    """One scoring of one list; written with its scores in one transaction. The newest of a model is the one in use."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="prospect_runs")
    list_code = models.CharField(_("list"), max_length=40)
    as_of = models.DateField(_("ages as of"))
    rows = models.PositiveIntegerField(_("prospects scored"), default=0)
    # {"identity": n, "phone": n}: who is a customer, now or once, and by what that was seen.
    left_out = models.JSONField(_("left out"), default=dict)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("computed"), db_default=Now())

    class Meta:
        verbose_name = _("scoring of prospects")
        ordering = ["-id"]
        indexes = [models.Index(fields=["list_code", "id"], name="prospect_run_by_list")]

    def __str__(self) -> str:
        return f"{self.version} {self.list_code}"


class ProspectScore(models.Model):
    """One prospect's score in one run."""

    pk = models.CompositePrimaryKey("prospect_run_id", "prospect_id")
    prospect_run = models.ForeignKey(
        ProspectRun, on_delete=models.CASCADE, db_index=False, related_name="scores"
    )
    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="+")
    raw = models.FloatField()
    probability = models.FloatField(_("probability"))
    decile = models.PositiveSmallIntegerField(_("decile"))

    class Meta:
        verbose_name = _("score of a prospect")
        indexes = [models.Index(fields=["prospect_run", "-raw", "prospect"], name="prospect_score_ranking")]

    def __str__(self) -> str:
        return f"{self.prospect_run_id} {self.prospect_id}"
