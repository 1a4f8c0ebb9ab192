"""What a customer allows us to do, per channel."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer


class ConsentChannel(models.TextChoices):
    ALL = "all", _("Every channel")  # an objection here means: do not contact
    PHONE = "phone", _("Phone")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")
    APP = "app", _("App")


class Consent(models.Model):
    """The latest word of a customer on one channel. No row: not objected."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consents")
    channel = models.CharField(_("channel"), max_length=6, choices=ConsentChannel)
    is_objection = models.BooleanField(_("objects"))
    since = models.DateField(_("since"))
    source = models.CharField(_("source"), max_length=60, blank=True, db_default="")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("consent")
        constraints = [
            models.UniqueConstraint(fields=["customer", "channel"], name="one_consent_per_channel")
        ]
        indexes = [
            # Selection, push and the call page ask only who objected.
            models.Index(
                fields=["channel", "customer"],
                name="consent_objections",
                condition=models.Q(is_objection=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.channel}"
