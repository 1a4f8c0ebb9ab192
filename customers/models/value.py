"""What AUM counts and which tier it gives (S1.3); both carry the date they hold from."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.products import AssetClass


class AssetClassWeight(models.Model):
    """How much of an asset class counts towards AUM."""

    asset_class = models.CharField(_("asset class"), max_length=20, choices=AssetClass)
    weight = models.DecimalField(_("weight"), max_digits=5, decimal_places=4, default=1)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset_class", "valid_from"], name="weight_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.asset_class} × {self.weight}"


class TierRule(models.Model):
    """A tier begins at this AUM, or at this personal-loan balance where one is given."""

    code = models.CharField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=40)
    rank = models.PositiveSmallIntegerField(_("rank"), help_text=_("1 = highest"))
    minimum_aum = models.DecimalField(_("AUM from"), max_digits=16, decimal_places=2)
    minimum_loan = models.DecimalField(
        _("personal loan from"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    valid_from = models.DateField(_("valid from"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "valid_from"], name="tier_rule_once_a_day")]
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.name
