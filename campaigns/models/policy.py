"""Contact policy across campaigns: how often, through what, and how long to leave a customer alone after a refusal."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import ContactChannel, Product


class ContactRule(models.Model):
    class Kind(models.TextChoices):
        CAP = "cap", _("At most so many contacts")
        COOL_OFF = "cool_off", _("No contact after a refusal")
        APART = "apart", _("Never soon after another product")
        AFTER = "after", _("Only after another product")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # Empty: over all channels together.
    channel = models.CharField(_("channel"), max_length=8, choices=ContactChannel, blank=True)
    maximum = models.PositiveSmallIntegerField(_("contacts"), default=0)
    days = models.PositiveSmallIntegerField(_("within days"), default=0)
    # A cap counts contacts about this product alone; every kind binds only campaigns for it. Empty: all products.
    product = models.ForeignKey(
        Product, verbose_name=_("product"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # What ``product`` is kept apart from, or comes after.
    other_product = models.ForeignKey(
        Product,
        verbose_name=_("other product"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    # A cool-off may bind only for the product that was refused.
    same_product_only = models.BooleanField(_("same product only"), default=False)
    is_active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("contact rule")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind__in=["apart", "after"])
                | (Q(product__isnull=False, other_product__isnull=False) & ~Q(product=F("other_product"))),
                name="contact_rule_of_two_products",
            ),
            models.CheckConstraint(
                condition=~Q(kind="cap") | Q(maximum__gte=1, days__gte=1), name="contact_rule_cap_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.maximum}/{self.days}"
