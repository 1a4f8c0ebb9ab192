"""Contact policy across campaigns: how often, through what, and how long to leave a customer alone after a refusal."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import ContactChannel


class ContactRule(models.Model):
    class Kind(models.TextChoices):
        CAP = "cap", _("At most so many contacts")
        COOL_OFF = "cool_off", _("No contact after a refusal")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # Empty: over all channels together.
    channel = models.CharField(_("channel"), max_length=8, choices=ContactChannel, blank=True)
    maximum = models.PositiveSmallIntegerField(_("contacts"), default=0)
    days = models.PositiveSmallIntegerField(_("within days"))
    # A cool-off may bind only for the product that was refused.
    same_product_only = models.BooleanField(_("same product only"), default=False)
    is_active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("contact rule")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.maximum}/{self.days}"
