"""The marketing plan: a period's intentions, budget and targets. Campaigns hang under it."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Branch, User
from customers.models import Product


class MarketingPlanQuerySet(models.QuerySet["MarketingPlan"]):
    def visible_to(self, user: User) -> MarketingPlanQuerySet:
        """Plans hold no customer rows: whoever may open the page sees all of them."""
        return self


class MarketingPlan(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    objective = models.TextField(_("objective"), blank=True)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))
    budget = models.DecimalField(
        _("budget"), max_digits=14, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # Goes up with every change of the plan or its targets.
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)

    objects = MarketingPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("marketing plan")
        ordering = ["-starts_on", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="plan_ends_after_it_starts")
        ]

    def __str__(self) -> str:
        return self.name


class PlanTarget(models.Model):
    plan = models.ForeignKey(MarketingPlan, on_delete=models.CASCADE, related_name="targets")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    month = models.DateField(_("month"))
    sales = models.PositiveIntegerField(_("sales"), default=0)
    volume = models.DecimalField(_("volume"), max_digits=16, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "branch", "product", "month"], name="one_target_per_cell")
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.branch} {self.product} {self.month}"
