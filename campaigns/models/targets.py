"""A selection: one frozen answer to who is contacted, who is control, and how many dropped out at which step."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models import ScoreRun
from bankcrm.models import Role, Run, User
from campaigns.models.campaign import Arm, Campaign
from customers.models import Customer


class Selection(models.Model):
    """Reproducible from what it stores: definition, profile month, score run, salt."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="selections")
    campaign_version = models.PositiveIntegerField(_("version"))
    profile_month = models.DateField(_("data of"))
    score_run = models.ForeignKey(ScoreRun, null=True, on_delete=models.PROTECT, related_name="+")
    definition = models.JSONField(_("definition"), default=dict)
    # [{"step": "audience", "dropped": 0, "remaining": 20000}, …]: each remaining = the one before − dropped.
    waterfall = models.JSONField(_("waterfall"), default=list)
    targets_count = models.PositiveIntegerField(_("to be contacted"), default=0)
    control_count = models.PositiveIntegerField(_("control"), default=0)
    is_final = models.BooleanField(_("final"), default=False)
    seconds = models.FloatField(_("seconds"), default=0)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("selected"), db_default=Now())

    class Meta:
        verbose_name = _("selection")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.campaign} {self.pk}"


class TargetQuerySet(models.QuerySet["Target"]):
    def visible_to(self, user: User) -> TargetQuerySet:
        """Targets of customers the user may see."""
        if user.is_auditor:
            return self
        if user.role == Role.ADMINISTRATOR:
            return self.none()
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def treated(self) -> TargetQuerySet:
        return self.filter(is_control=False)


class Target(models.Model):
    """A customer who survived selection: to be contacted in an arm, or held back as control."""

    selection = models.ForeignKey(Selection, on_delete=models.CASCADE, related_name="targets")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    is_control = models.BooleanField(_("control"))
    arm = models.ForeignKey(Arm, null=True, on_delete=models.PROTECT, related_name="+")
    probability = models.FloatField(_("probability"), null=True)
    decile = models.PositiveSmallIntegerField(_("decile"), null=True)
    value = models.FloatField(_("expected value"))
    rank = models.PositiveIntegerField(_("rank"))
    # Drawn among all who could be contacted, not by score, so that models learn of those they would pass over.
    is_exploration = models.BooleanField(_("exploration"), default=False, db_default=False)
    # The chance of being on the list at all: 1 by rank, the draw's own for whom only the draw put there.
    selection_chance = models.FloatField(_("chance of being selected"), default=1.0, db_default=1.0)
    # Up to three of {"field", "text_code", "value", "share"}; filled for pushed leads only.
    reasons = models.JSONField(_("reasons"), default=list, db_default=models.Value([], models.JSONField()))
    # Why a target did not become a lead at push; empty: it did, or is still to be pushed, or is control.
    withheld = models.CharField(_("withheld"), max_length=20, blank=True, db_default="")

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("target")
        constraints = [
            models.UniqueConstraint(fields=["selection", "customer"], name="a_customer_once_per_selection"),
            models.CheckConstraint(
                condition=Q(is_control=True) ^ Q(arm__isnull=False), name="treated_have_an_arm"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selection_id} {self.customer_id}"
