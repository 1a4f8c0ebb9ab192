"""Prospects: people who are not customers yet, from lists others gave the bank (S2.4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Role, User
from customers.models.attributes import Customer, Education

# Lists are head office's: nobody who looks after customers works with them.
READERS = frozenset({Role.ANALYST, Role.PLANNER, Role.MANAGER})


def _same(column: str) -> Exists:
    """Whether a customer says the same in a column that both have, and says something."""
    return Exists(Customer.objects.filter(**{column: OuterRef(column)}).exclude(**{column: ""}))


class ProspectQuerySet(models.QuerySet["Prospect"]):
    def visible_to(self, user: User) -> ProspectQuerySet:
        """Every list for who plans, analyses, manages or audits; nothing for others."""
        return self if user.is_auditor or user.role in READERS else self.none()

    def approachable(self) -> ProspectQuerySet:
        """Who agreed to be contacted and did not object: silence is no consent of somebody who is no customer."""
        return self.filter(has_agreed=True, objects_to_contact=False)

    def identified(self) -> ProspectQuerySet:
        """Whose identity number a customer has, now or once. With ``phoned`` the one place that says who of a list
        is a customer: as conditions they are joined, where in a column each row would look through all customers."""
        return self.filter(_same("identity_number"))

    def phoned(self) -> ProspectQuerySet:
        """Known by their phone and by no identity number."""
        return self.filter(_same("phone"), ~_same("identity_number"))

    def strangers(self) -> ProspectQuerySet:
        """Who is no customer and never was."""
        return self.filter(~_same("identity_number"), ~_same("phone"))


class Prospect(models.Model):
    """One person on one list. Columns that a customer has too carry the same name, so that one field reads both."""

    list_code = models.CharField(_("list"), max_length=40)
    number = models.CharField(_("number on the list"), max_length=32)
    name = models.CharField(_("name"), max_length=120, blank=True, db_default="")
    phone = models.CharField(_("phone"), max_length=24, blank=True, db_default="")
    email = models.CharField(_("e-mail"), max_length=120, blank=True, db_default="")
    identity_number = models.CharField(_("identity number"), max_length=32, blank=True, db_default="")
    has_agreed = models.BooleanField(_("agreed to be contacted"), default=False, db_default=False)
    objects_to_contact = models.BooleanField(_("must not be contacted"), default=False, db_default=False)
    kind = models.CharField(
        _("kind"),
        max_length=8,
        choices=Customer.Kind,
        default=Customer.Kind.PERSON,
        db_default=Customer.Kind.PERSON,
    )
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    birth_date_is_estimated = models.BooleanField(
        _("date of birth is estimated"), default=False, db_default=False
    )
    education = models.CharField(_("education"), max_length=12, choices=Education, blank=True, db_default="")
    monthly_income = models.DecimalField(
        _("monthly income"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    industry = models.CharField(_("industry"), max_length=40, blank=True, db_default="")
    occupation = models.CharField(_("occupation"), max_length=40, blank=True, db_default="")
    credit_limit = models.DecimalField(
        _("credit limit"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    acquisition_channel = models.CharField(_("acquisition channel"), max_length=40, blank=True, db_default="")
    # The file that brought the row: what its undo removes.
    brought_by = models.BigIntegerField(null=True, editable=False)

    objects = ProspectQuerySet.as_manager()

    class Meta:
        verbose_name = _("prospect")
        verbose_name_plural = _("prospects")
        constraints = [
            models.UniqueConstraint(fields=["list_code", "number"], name="one_prospect_per_list_and_number")
        ]
        indexes = [
            models.Index(fields=["phone"], name="prospect_by_phone", condition=~Q(phone="")),
        ]

    def __str__(self) -> str:
        return f"{self.list_code} {self.number}"
