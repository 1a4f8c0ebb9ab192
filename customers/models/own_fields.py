"""Fields of the bank's own: columns of its files that no field of the catalogue names, and what they said of whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer
from customers.models.imports import ImportFile


class OwnField(models.Model):
    """One such field. Its code never changes: conditions, models and mappings name it so."""

    class Type(models.TextChoices):
        NUMBER = "number", _("Number")
        WHOLE = "whole", _("Whole number")
        FLAG = "flag", _("Yes or no")
        CHOICE = "choice", _("Choice")
        DATE = "date", _("Date")

    class Personal(models.TextChoices):
        NONE = "none", _("Not personal")
        PERSONAL = "personal", _("Personal")
        SENSITIVE = "sensitive", _("Sensitive")

    code = models.CharField(_("code"), max_length=44, unique=True)
    label = models.CharField(_("label"), max_length=60)
    meaning = models.CharField(_("meaning"), max_length=300, blank=True, db_default="")
    unit = models.CharField(_("unit"), max_length=20, blank=True, db_default="")
    type = models.CharField(_("type"), max_length=8, choices=Type)
    personal = models.CharField(
        _("personal data"), max_length=10, choices=Personal, default=Personal.PERSONAL
    )
    model_use = models.BooleanField(_("models may learn from it"), default=True, db_default=True)
    # Words seen in files so far; [] for other types, and where there were too many to pick from.
    choices = models.JSONField(_("values"), default=list)
    heading = models.CharField(_("column of the file"), max_length=200)
    source = models.CharField(_("source"), max_length=40, blank=True, db_default="")
    first_file = models.ForeignKey(ImportFile, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("since"), db_default=Now())
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    retired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("own field")
        verbose_name_plural = _("own fields")

    def __str__(self) -> str:
        return self.label


class OwnValues(models.Model):
    """What one file said of one customer from a day on: only values that differ from what was known that day.

    ``content`` is {id of the field as text: number, text, true or false, ISO day; null where the file emptied it}. The
    newest day speaks, of one day the newest file. Nothing is overwritten, so a file is taken back by deleting its rows.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # the key below begins with it
    valid_from = models.DateField(_("from"))
    brought_by = models.BigIntegerField(editable=False)
    content = models.JSONField(_("values"))

    class Meta:
        verbose_name = _("own values")
        verbose_name_plural = _("own values")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "valid_from", "brought_by"], name="own_values_of_a_file_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.valid_from}"
