"""The customer: attributes, the branch and relationship managers, and how the customer came to us (S1.1, S1.8)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _

from bankcrm import absence
from bankcrm.models import Branch, Role, User


class Gender(models.TextChoices):
    FEMALE = "female", _("Female")
    MALE = "male", _("Male")


class Education(models.TextChoices):
    PRIMARY = "primary", _("Primary school")
    SECONDARY = "secondary", _("Secondary school")
    VOCATIONAL = "vocational", _("Vocational")
    BACHELOR = "bachelor", _("Bachelor")
    MASTER = "master", _("Master or higher")
    ILLITERATE = "illiterate", _("None")


class MaritalStatus(models.TextChoices):
    SINGLE = "single", _("Single")
    MARRIED = "married", _("Married")
    DIVORCED = "divorced", _("Divorced or widowed")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: User) -> CustomerQuerySet:
        """Own portfolio and that of absent colleagues one stands in for, for an RM; the branch subtree for others.

        Administrators see nothing, auditors everything.
        """
        if user.is_auditor:
            return self
        if user.role == Role.ADMINISTRATOR:
            return self.none()
        if user.role == Role.RM:
            owners = [user.pk, *absence.standing_in(user).portfolios]
            return self.filter(Q(primary_rm__in=owners) | Q(backup_rm=user))
        # Head office also sees customers that no branch has been named for; nobody else would find them.
        if user.branch.kind == Branch.Kind.HEAD_OFFICE:
            return self
        return self.filter(home_branch__in=user.branch_ids())

    def active(self) -> CustomerQuerySet:
        return self.filter(closed_on__isnull=True)


class Customer(models.Model):
    """A person or firm the bank serves. What changes from month to month stands in CustomerProfile."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        FIRM = "firm", _("Firm")

    number = models.CharField(_("customer number"), max_length=32, unique=True)
    kind = models.CharField(
        _("kind"), max_length=8, choices=Kind, default=Kind.PERSON, db_default=Kind.PERSON
    )
    name = models.CharField(_("name"), max_length=120)
    gender = models.CharField(_("gender"), max_length=8, choices=Gender, blank=True, db_default="")
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    # Right to the year at best: a file gave an age or a year of birth. It makes an age, never a birthday.
    birth_date_is_estimated = models.BooleanField(
        _("date of birth is estimated"), default=False, db_default=False
    )
    identity_number = models.CharField(_("identity number"), max_length=32, blank=True, db_default="")
    phone = models.CharField(_("phone"), max_length=24, blank=True, db_default="")
    phone_is_wrong = models.BooleanField(_("phone number is wrong"), default=False, db_default=False)
    email = models.CharField(_("e-mail"), max_length=120, blank=True, db_default="")
    education = models.CharField(_("education"), max_length=12, choices=Education, blank=True, db_default="")
    monthly_income = models.DecimalField(
        _("monthly income"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    marital_status = models.CharField(
        _("marital status"), max_length=10, choices=MaritalStatus, blank=True, db_default=""
    )
    children = models.PositiveSmallIntegerField(_("children"), null=True, blank=True)
    industry = models.CharField(_("industry"), max_length=40, blank=True, db_default="")
    occupation = models.CharField(_("occupation"), max_length=40, blank=True, db_default="")
    region = models.CharField(_("region"), max_length=40, blank=True, db_default="")
    city = models.CharField(_("city"), max_length=40, blank=True, db_default="")
    credit_limit = models.DecimalField(
        _("credit limit"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    household = models.CharField(_("household"), max_length=32, blank=True, db_default="")
    is_employee = models.BooleanField(_("works for the bank"), default=False, db_default=False)
    opened_on = models.DateField(_("customer since"), null=True, blank=True)
    closed_on = models.DateField(_("left on"), null=True, blank=True)

    home_branch = models.ForeignKey(
        Branch,
        verbose_name=_("branch"),
        on_delete=models.PROTECT,
        related_name="customers",
        null=True,
        db_index=False,  # customer_by_branch begins with it
    )
    primary_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("relationship manager"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="portfolio",
        db_index=False,  # customer_by_rm begins with it
    )
    backup_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("backup"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="backup_portfolio",
        db_index=False,  # customer_by_backup holds whoever has one
    )

    acquisition_channel = models.CharField(_("acquisition channel"), max_length=40, blank=True, db_default="")
    acquisition_partner = models.CharField(_("acquisition partner"), max_length=60, blank=True, db_default="")
    acquisition_scene = models.CharField(_("acquisition scene"), max_length=60, blank=True, db_default="")
    acquisition_cost = models.DecimalField(
        _("acquisition cost"), max_digits=12, decimal_places=2, null=True, blank=True
    )

    source = models.CharField(_("source"), max_length=40, blank=True, db_default="")
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=None, null=True, db_default=Now())

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            models.Index(fields=["home_branch", "id"], name="customer_by_branch"),
            models.Index(fields=["primary_rm", "id"], name="customer_by_rm"),
            models.Index(
                fields=["backup_rm"], name="customer_by_backup", condition=Q(backup_rm__isnull=False)
            ),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="customer_name_search"),
        ]

    def __str__(self) -> str:
        return f"{self.number}"

    @property
    def known_birth_date(self) -> dt.date | None:
        """The day birthdays may be claimed from: None for an estimate."""
        return None if self.birth_date_is_estimated else self.birth_date
