"""How customers came to us and what became of them (S1.8): consumer finance over time, and one row per acquisition."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bankcrm.models import User
from customers.models.attributes import Customer
from customers.models.holdings import ConsumerFinance


class ConsumerFinanceState(ConsumerFinance):
    """What the bank said about one contract as of one day: the history by which a cohort is followed over time.

    Natural key: number and day. ``ConsumerFinanceContract`` holds the newest state of each contract and is derived.
    """

    number = models.CharField(_("contract number"), max_length=40)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("consumer-finance state")
        constraints = [
            models.UniqueConstraint(fields=["number", "as_of"], name="one_state_of_a_contract_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.as_of}"


class AcquisitionQuerySet(models.QuerySet["Acquisition"]):
    def visible_to(self, user: User) -> AcquisitionQuerySet:
        seen = Customer.objects.visible_to(user)
        # Who sees everybody need not be asked about each.
        return self if not seen.query.where else self.filter(customer__in=seen)


def money() -> models.DecimalField:
    return models.DecimalField(max_digits=16, decimal_places=2, db_default=0)


def months_after() -> models.SmallIntegerField:
    """Calendar months from the month of acquisition to an event; NULL: it has not happened."""
    return models.SmallIntegerField(null=True)


class Acquisition(models.Model):
    """One customer of a cohort with what it cost and what came of it, as of a month-end. Written by set SQL.

    ``customers.acquisition`` builds all rows anew, so that nothing refers to them; labels and meanings stand in
    ``customers.acquisition_figures``.
    """

    customer = models.OneToOneField(
        Customer,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="acquisition",
    )
    cohort = models.DateField(_("first day of the month of acquisition"))
    channel = models.CharField(_("acquisition channel"), max_length=40, blank=True, db_default="")
    partner = models.CharField(_("acquisition partner"), max_length=60, blank=True, db_default="")
    scene = models.CharField(_("acquisition scene"), max_length=60, blank=True, db_default="")
    cost = models.DecimalField(_("acquisition cost"), max_digits=12, decimal_places=2, null=True)
    left_after = months_after()
    second_after = months_after()
    contracts = models.SmallIntegerField(db_default=0)
    fees = money()
    outstanding = money()
    contracts_30 = models.SmallIntegerField(db_default=0)
    contracts_90 = models.SmallIntegerField(db_default=0)
    outstanding_30 = money()
    outstanding_90 = money()
    over_30_after = months_after()
    over_90_after = months_after()
    # Contribution up to the end of so many months after the month of acquisition; NULL: too early to say.
    value_3 = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    value_6 = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    value_12 = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    value_24 = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    value = money()
    as_of = models.DateField(_("as of"))
    built_at = models.DateTimeField(_("computed"))

    objects = AcquisitionQuerySet.as_manager()

    class Meta:
        verbose_name = _("acquisition")
        indexes = [models.Index(fields=["cohort"], name="acquisition_by_cohort")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.cohort}"
