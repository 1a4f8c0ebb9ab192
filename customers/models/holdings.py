"""What a customer holds and owes, and how balances moved."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer
from customers.models.products import Product


class Holding(models.Model):
    """One contract: an account, a deposit, a fund position, a loan, a card. Natural key: its number."""

    number = models.CharField(_("contract number"), max_length=40, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="holdings")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="holdings")
    opened_on = models.DateField(_("opened"))
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    first_used_on = models.DateField(_("first used"), null=True, blank=True)
    matures_on = models.DateField(_("matures"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2, default=0, db_default=0)
    instalment = models.DecimalField(_("instalment"), max_digits=14, decimal_places=2, null=True, blank=True)
    channel = models.CharField(_("bought through"), max_length=16, blank=True, db_default="")
    status = models.CharField(_("status"), max_length=20, blank=True, db_default="")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("holding")
        verbose_name_plural = _("holdings")
        indexes = [
            models.Index(fields=["customer", "product"], name="holding_by_customer"),
            # Attribution reads what was opened of one product in a window.
            models.Index(fields=["product", "opened_on"], name="holding_by_opening"),
            models.Index(
                fields=["matures_on"], name="holding_by_maturity", condition=Q(matures_on__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.number


class AverageFrom(models.TextChoices):
    """What a daily average that the bank did not give was computed from."""

    BOOKINGS = "bookings", _("Bookings with a balance")
    ALONE = "alone", _("Bookings, which tell the month-end balance too")
    CLOSINGS = "closings", _("Month-end balances")


class MonthlyBalance(models.Model):
    """Balance of one customer in one product over one month. Partitioned by month.

    ``average`` is the mean of the daily closing balances over all days of the month, ``closing`` the last of them, both
    in the bank's currency. An average the bank does not give stays empty; ``customers.daily_average`` computes one.
    """

    pk = models.CompositePrimaryKey("month", "customer_id", "product_id")
    month = models.DateField(_("month-end"))
    customer = models.ForeignKey(Customer, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    product = models.ForeignKey(
        Product, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    average = models.DecimalField(
        _("daily average"),
        max_digits=16,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_(
            "Left out, it is computed from bookings with a balance, else from the month-end balances."
        ),
    )
    computed_average = models.DecimalField(max_digits=16, decimal_places=2, null=True, editable=False)
    computed_from = models.CharField(
        max_length=8, choices=AverageFrom, blank=True, db_default="", editable=False
    )
    closing = models.DecimalField(_("month-end balance"), max_digits=16, decimal_places=2)
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("monthly balance")


class ConsumerFinance(models.Model):
    """What the bank says about a consumer-finance contract."""

    opened_on = models.DateField(_("opened"))
    partner = models.CharField(_("partner"), max_length=60, blank=True, db_default="")
    scene = models.CharField(_("scene"), max_length=60, blank=True, db_default="")
    upfront_fee = models.DecimalField(
        _("fee up front"), max_digits=12, decimal_places=2, default=0, db_default=0
    )
    principal = models.DecimalField(_("principal"), max_digits=14, decimal_places=2)
    principal_outstanding = models.DecimalField(_("principal outstanding"), max_digits=14, decimal_places=2)
    overdue_days = models.PositiveIntegerField(_("days overdue"), default=0, db_default=0)
    as_of = models.DateField(_("state of"))

    class Meta:
        abstract = True


class ConsumerFinanceContract(ConsumerFinance):
    """A consumer-finance contract of S1.8: fee taken up front against principal outstanding and days overdue.

    The newest of the contract's ``ConsumerFinanceState`` rows.
    """

    number = models.CharField(_("contract number"), max_length=40, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consumer_finance")

    class Meta:
        verbose_name = _("consumer-finance contract")

    def __str__(self) -> str:
        return self.number
