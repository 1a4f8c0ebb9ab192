"""Evaluation results: provisional while the window is open, frozen with the hash of their inputs when it is not."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign


class EvaluationReport(models.Model):
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="reports")
    version = models.PositiveIntegerField(_("version"))
    as_of = models.DateField(_("data to"))
    is_frozen = models.BooleanField(_("frozen"), default=False)
    verdict = models.CharField(_("verdict"), max_length=20)
    figures = models.JSONField(_("figures"), default=dict)
    inputs_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("computed"), db_default=Now())

    class Meta:
        verbose_name = _("evaluation report")
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["campaign", "version"], name="report_version_once")]

    def __str__(self) -> str:
        return f"{self.campaign} {self.version}"
