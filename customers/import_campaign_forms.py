"""Fields of the mapping page that tell what a past campaign was."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from bankcrm.models import Branch
from customers.models import ContactChannel, Product, Response

CODE = r"^[A-Za-z0-9][A-Za-z0-9-]*$"


def campaign_fields(told: dict[str, Any]) -> dict[str, forms.Field]:
    """Name → field, with what is ``told`` already."""
    fields: dict[str, forms.Field] = {
        "name": forms.CharField(label=_("Name"), max_length=100),
        "code": forms.RegexField(CODE, label=_("Code"), max_length=40),
        "product": forms.ModelChoiceField(
            Product.objects.order_by("name"), label=_("Product"), to_field_name="code"
        ),
        "success": forms.ChoiceField(
            label=_("It succeeds by"),
            choices=[pair for pair in Response.Kind.choices if pair[0] != Response.Kind.REFUSAL],
            initial=Response.Kind.CONVERSION,
        ),
        "channel": forms.ChoiceField(
            label=_("Channel"),
            choices=ContactChannel.choices,
            initial=ContactChannel.PHONE,
            help_text=_("Where the file has no column for it."),
        ),
        "control_cells": forms.CharField(
            label=_("Arms that are control"),
            required=False,
            help_text=_("As written in the file, separated by commas."),
        ),
        "is_random": forms.BooleanField(label=_("Customers were assigned at random"), required=False),
        "new_customers": forms.CharField(
            label=_("The list has no customer numbers: make a customer of each row, numbered from"),
            required=False,
            max_length=16,
            help_text=_("A prefix such as TEST-; leave empty when the file has customer numbers."),
        ),
        "branch": forms.ModelChoiceField(
            Branch.objects.order_by("name"),
            label=_("Branch of such customers"),
            required=False,
            to_field_name="code",
        ),
    }
    for name, field in fields.items():
        field.initial = (
            ", ".join(told.get(name, [])) if name == "control_cells" else told.get(name, field.initial)
        )
    return fields
