"""What AUM counts, which tier it gives and what serving a customer costs (S1.3); all by the date they hold from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bankcrm.models import User
from customers.models.attributes import Customer
from customers.models.products import AssetClass, Product


class AssetClassWeight(models.Model):
    """Whether the bank counts an asset class, and how much of it counts towards AUM."""

    asset_class = models.CharField(_("asset class"), max_length=20, choices=AssetClass)
    weight = models.DecimalField(_("weight"), max_digits=5, decimal_places=4, default=1)
    # A class that is off counts nothing; its weight is kept for the day it comes back.
    is_counted = models.BooleanField(_("counted"), default=True, db_default=True)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset_class", "valid_from"], name="weight_once_a_day"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="weight_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_class} × {self.weight}"


class ProductMargin(models.Model):
    """What the bank earns on a product from a day on; before the first of them, the product's own margin."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="margins", db_index=False)
    annual_margin = models.DecimalField(_("margin a year"), max_digits=6, decimal_places=4)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        verbose_name = _("margin of a product")
        constraints = [
            models.UniqueConstraint(fields=["product", "valid_from"], name="margin_once_a_day"),
            models.CheckConstraint(
                condition=Q(annual_margin__gte=-1, annual_margin__lte=1), name="margin_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.annual_margin}"


class TierRule(models.Model):
    """A tier begins at this AUM, or at this personal-loan balance where one is given."""

    code = models.CharField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=40)
    rank = models.PositiveSmallIntegerField(_("rank"), help_text=_("1 = highest"))
    minimum_aum = models.DecimalField(_("AUM from"), max_digits=16, decimal_places=2)
    minimum_loan = models.DecimalField(
        _("personal loan from"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    # False from the day a tier is given up: nobody is in it any more.
    is_in_use = models.BooleanField(_("in use"), default=True, db_default=True)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="tier_rule_once_a_day"),
            models.CheckConstraint(condition=Q(minimum_aum__gte=0), name="tier_aum_not_negative"),
            models.CheckConstraint(condition=Q(minimum_loan__gte=0), name="tier_loan_not_negative"),
        ]
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.name


class TierChangeQuerySet(models.QuerySet["TierChange"]):
    def visible_to(self, user: User) -> TierChangeQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))


class TierChange(models.Model):
    """A customer moved to another tier from one month-end to the next, and why. Written with the profile."""

    class Reason(models.TextChoices):
        AUM = "aum", _("Assets")
        LOAN = "loan", _("Personal loan")
        RULES = "rules", _("Thresholds")

    month = models.DateField(_("month-end"))
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, db_index=False, related_name="tier_changes"
    )
    from_tier = models.CharField(_("from"), max_length=12)
    to_tier = models.CharField(_("to"), max_length=12)
    is_up = models.BooleanField(_("up"))
    reason = models.CharField(_("reason"), max_length=5, choices=Reason)
    # The best of the month and the two before, which is what a tier is judged by, and the threshold it met or missed.
    amount = models.DecimalField(_("highest in three months"), max_digits=16, decimal_places=2)
    threshold = models.DecimalField(_("threshold"), max_digits=16, decimal_places=2, null=True)

    objects = TierChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier change")
        constraints = [models.UniqueConstraint(fields=["month", "customer"], name="one_tier_change_a_month")]
        indexes = [models.Index(fields=["customer", "month"], name="tier_change_by_customer")]

    def __str__(self) -> str:
        return f"{self.month} {self.customer_id} {self.from_tier} → {self.to_tier}"


class CostRate(models.Model):
    """What one contact, or one transaction, costs the bank through a channel, from a day on."""

    class Basis(models.TextChoices):
        CONTACT = "contact", _("One contact")
        TRANSACTION = "transaction", _("One transaction")

    basis = models.CharField(_("what"), max_length=11, choices=Basis)
    channel = models.CharField(_("channel"), max_length=10)
    cost = models.DecimalField(_("cost each"), max_digits=10, decimal_places=4)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        verbose_name = _("cost to serve")
        constraints = [
            models.UniqueConstraint(fields=["basis", "channel", "valid_from"], name="cost_once_a_day"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.basis} {self.channel} {self.cost} from {self.valid_from}"
