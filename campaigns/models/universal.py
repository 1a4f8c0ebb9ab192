"""The universal control: a small random share of all customers whom no campaign contacts for a period."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import User
from customers.models import Customer

if TYPE_CHECKING:
    import datetime as dt


class UniversalControlQuerySet(models.QuerySet["UniversalControl"]):
    def visible_to(self, user: User) -> UniversalControlQuerySet:
        """A register of head office: whoever may open the page sees all of it, nobody sees who is in it."""
        return self

    def in_force(self, day: dt.date) -> UniversalControlQuerySet:
        """Of which members are contacted by no campaign on that day; at most one."""
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class UniversalControl(models.Model):
    """One period of withholding; members are drawn on its first day. Ended early, ``ends_on`` is the day it ended."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    share = models.DecimalField(
        _("share of all customers"),
        max_digits=4,
        decimal_places=3,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal("0.05"))],
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    # Fixed at creation so that no redraw can be shopped for.
    salt = models.CharField(max_length=40)
    # Customers with a larger id have joined since and are drawn by the next run; None: nobody has been drawn yet.
    drawn_to = models.BigIntegerField(_("drawn up to"), null=True, blank=True)
    # The population of the first draw, which the effect is measured on.
    first_drawn_to = models.BigIntegerField(_("first drawn up to"), null=True, blank=True)
    drawn_at = models.DateTimeField(_("drawn"), null=True, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    objects = UniversalControlQuerySet.as_manager()

    class Meta:
        verbose_name = _("universal control")
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(share__gte=Decimal("0.01"), share__lte=Decimal("0.05")),
                name="universal_share_between_1_and_5_per_cent",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="universal_ends_after_it_starts"
            ),
            ExclusionConstraint(
                name="one_universal_control_a_day",
                expressions=[
                    (
                        Func(F("starts_on"), F("ends_on"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UniversalMember(models.Model):
    """A customer in a universal control. Rows are added and never changed or removed: a trigger refuses it."""

    control = models.ForeignKey(UniversalControl, on_delete=models.PROTECT, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    # Tier and branch at the draw.
    stratum = models.CharField(_("stratum"), max_length=60)
    since = models.DateField(_("since"))

    class Meta:
        verbose_name = _("member of a universal control")
        constraints = [
            models.UniqueConstraint(
                fields=["control", "customer"], name="a_customer_once_per_universal_control"
            )
        ]

    def __str__(self) -> str:
        return f"{self.control_id} {self.customer_id}"
