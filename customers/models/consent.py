"""What a customer allows us to do, per channel and purpose; every word ever said; and when the customer wants rest."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer


class ConsentChannel(models.TextChoices):
    ALL = "all", _("Every channel")
    PHONE = "phone", _("Phone")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")
    APP = "app", _("App")


class ConsentPurpose(models.TextChoices):
    """What a contact or a use of data is for. Service messages need no consent and are no purpose here."""

    ALL = "all", _("Every purpose")  # with every channel: do not contact
    MARKETING = "marketing", _("Marketing offers")
    PROFILING = "profiling", _("Personalised offers")
    SURVEY = "survey", _("Surveys")
    PARTNERS = "partners", _("Sharing with partners")


class Consent(models.Model):
    """The latest word of a customer on one channel and purpose. No row: not objected.

    The database writes every change of a row to ``ConsentEvent`` by a trigger, through whatever door it came.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consents")
    channel = models.CharField(_("channel"), max_length=6, choices=ConsentChannel)
    purpose = models.CharField(
        _("purpose"),
        max_length=10,
        choices=ConsentPurpose,
        default=ConsentPurpose.MARKETING,
        db_default=ConsentPurpose.MARKETING,
    )
    is_objection = models.BooleanField(_("objects"))
    since = models.DateField(_("since"))
    source = models.CharField(_("source"), max_length=60, blank=True, db_default="")
    evidence = models.CharField(_("evidence"), max_length=200, blank=True, db_default="")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("consent")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "channel", "purpose"], name="one_consent_per_channel_and_purpose"
            )
        ]
        indexes = [
            # Selection, push and the call page ask only who objected.
            models.Index(
                fields=["channel", "purpose", "customer"],
                name="consent_objections",
                condition=Q(is_objection=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.channel} {self.purpose}"

    @property
    def is_do_not_contact(self) -> bool:
        return self.is_objection and self.channel == ConsentChannel.ALL and self.purpose == ConsentPurpose.ALL


class ConsentEvent(models.Model):
    """One word of a customer as it came in: written by the database beside ``Consent``, never changed or removed."""

    class Said(models.TextChoices):
        OBJECTS = "objects", _("Objects")
        AGREES = "agrees", _("Agrees")
        TAKEN_BACK = "taken_back", _("Entry taken back")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(_("channel"), max_length=6, choices=ConsentChannel)
    purpose = models.CharField(_("purpose"), max_length=10, choices=ConsentPurpose)
    said = models.CharField(_("what was said"), max_length=10, choices=Said)
    since = models.DateField(_("since"))
    source = models.CharField(_("source"), max_length=60, blank=True, db_default="")
    evidence = models.CharField(_("evidence"), max_length=200, blank=True, db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("word on consent")
        indexes = [models.Index(fields=["customer", "-id"], name="consent_history")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.channel} {self.purpose} {self.said}"


class QuietPeriodQuerySet(models.QuerySet["QuietPeriod"]):
    def holding_on(self, day: dt.date) -> QuietPeriodQuerySet:
        """Those in which the customer is left alone on ``day``."""
        return self.filter(lifted_at__isnull=True, first_day__lte=day, last_day__gte=day)


class QuietPeriod(models.Model):
    """Days on which a customer is left alone on every channel. It ends by itself; lifted early it stays and says so."""

    class Reason(models.TextChoices):
        BEREAVEMENT = "bereavement", _("Bereavement")
        COMPLAINT = "complaint", _("Complaint open")
        WISH = "wish", _("Customer's wish")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="quiet_periods")
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("to"), help_text=_("the last day of rest"))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    source = models.CharField(_("source"), max_length=60, blank=True, db_default="")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("lifted by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    lifted_at = models.DateTimeField(_("lifted"), null=True)

    objects = QuietPeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("quiet period")
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="a_quiet_period_ends")
        ]
        indexes = [
            models.Index(
                fields=["customer", "last_day"], name="quiet_by_customer", condition=Q(lifted_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.first_day}–{self.last_day}"
