"""What the bank sells, by product line and asset class."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class AssetClass(models.TextChoices):
    """The nine classes a customer's assets are counted in (S1.3)."""

    DEMAND_DEPOSIT = "demand_deposit", _("Demand deposit")
    TIME_DEPOSIT = "time_deposit", _("Time deposit")
    WEALTH_MANAGEMENT = "wealth_management", _("Wealth management")
    FUND = "fund", _("Fund")
    TREASURY_BOND = "treasury_bond", _("Treasury bond")
    INSURANCE = "insurance", _("Insurance")
    PRECIOUS_METAL = "precious_metal", _("Precious metal")
    TRUST = "trust", _("Trust")
    SECURITIES_CUSTODY = "securities_custody", _("Securities custody")


class ProductLine(models.TextChoices):
    SAVINGS = "savings", _("Savings")
    WEALTH = "wealth", _("Wealth management")
    PERSONAL_LOAN = "personal_loan", _("Personal loan")
    CREDIT_CARD = "credit_card", _("Credit card")
    INSURANCE = "insurance", _("Insurance")
    PAYMENT = "payment", _("Payment")
    RETAIL = "retail", _("Other sales")


class Product(models.Model):
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    line = models.CharField(_("product line"), max_length=16, choices=ProductLine)
    # Empty for what is no asset of the customer: loans, cards, payments.
    asset_class = models.CharField(
        _("asset class"), max_length=20, choices=AssetClass, blank=True, db_default=""
    )
    is_loan = models.BooleanField(_("is a loan"), default=False, db_default=False)
    # From the beginning; what changes it from a day on is a ``ProductMargin``.
    annual_margin = models.DecimalField(
        _("margin a year"),
        max_digits=6,
        decimal_places=4,
        default=0,
        db_default=0,
        help_text=_("share of the balance, such as 0.0125 for 1.25 %"),
    )
    is_active = models.BooleanField(_("on sale"), default=True, db_default=True)
    # Counts changes; a form saves only over the version it showed.
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
