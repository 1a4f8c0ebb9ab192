"""Money in and out: the source of the portrait (S1.6)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer


class MerchantCategory(models.TextChoices):
    FOOD = "food", _("Food")
    HOME = "home", _("Home and utilities")
    TRAVEL = "travel", _("Travel")
    HEALTH = "health", _("Health")
    EDUCATION = "education", _("Education")
    LEISURE = "leisure", _("Leisure")
    INSURANCE = "insurance", _("Insurance")
    OTHER = "other", _("Other")


class TransactionKind(models.TextChoices):
    SALARY = "salary", _("Salary")
    PENSION = "pension", _("Pension")
    TRANSFER = "transfer", _("Transfer")
    CASH = "cash", _("Cash")
    CARD = "card", _("Card payment")
    INTEREST = "interest", _("Interest")
    FEE = "fee", _("Fee")
    LOAN = "loan", _("Loan payment")
    OTHER = "other", _("Other")


class Channel(models.TextChoices):
    """Channels a customer uses (S1.4)."""

    ONLINE = "online", _("Online bank")
    MOBILE = "mobile", _("Mobile bank")
    PHONE = "phone", _("Phone bank")
    EPAYMENT = "epayment", _("E-payment")
    COUNTER = "counter", _("Counter")
    OTHER = "other", _("Other")


class Transaction(models.Model):
    """One booking. Partitioned by month of ``booked_on``; natural key: (booked_on, reference)."""

    pk = models.CompositePrimaryKey("booked_on", "reference")
    booked_on = models.DateField(_("booked"))
    reference = models.CharField(_("reference"), max_length=40)
    customer = models.ForeignKey(Customer, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    holding_number = models.CharField(_("contract number"), max_length=40, blank=True, db_default="")
    amount = models.DecimalField(
        _("amount"), max_digits=16, decimal_places=2, help_text=_("minus: money out")
    )
    balance_after = models.DecimalField(
        _("balance after"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=TransactionKind,
        default=TransactionKind.OTHER,
        db_default=TransactionKind.OTHER,
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, blank=True, db_default="")
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True)
    merchant_category = models.CharField(
        _("merchant category"), max_length=10, choices=MerchantCategory, blank=True, db_default=""
    )
    counterparty = models.CharField(_("counterparty"), max_length=60, blank=True, db_default="")
    counterparty_bank = models.CharField(_("counterparty's bank"), max_length=20, blank=True, db_default="")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
