"""The controls of the mapping page by which a column becomes a field of the bank's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.imports import own_fields, own_proposing
from customers.imports.kinds.own import is_own
from customers.imports.proposing import REJECT_COLUMNS
from customers.imports.sampling import Column
from customers.models import ImportFile, OwnField

# What the page calls a column that becomes a new field; stored is the field's code.
NEW = "own"
PARTS = ("label", "type", "unit", "personal")
BY_NUMBER = "named_by_number"


class OwnColumns:
    """What is known and proposed of the columns of one file, by their name."""

    def __init__(self, file: ImportFile, columns: Iterable[Column]) -> None:
        self.file = file
        self.known = own_fields.proposable(file.kind)
        moved = file.options.get("moved") or {}
        asked = not file.options.get("confirmed")
        self.guesses = {
            column.name: own_proposing.guess(column)
            for column in columns
            if column.name not in REJECT_COLUMNS
        }
        # What may be a column the source had before is for a person to say.
        new = set(moved.get("new", ())) - set(moved.get("perhaps", ()))
        self.asked = {name for name in self.guesses if asked or name in new}

    def meaning(self, column: str) -> str:
        """What a column means before anybody says so on the page."""
        stored: str = self.file.mapping.get(column, "")
        if is_own(stored):
            return stored if stored in self.known else NEW
        if not stored and self.proposes(column):
            return NEW
        return stored

    def proposes(self, column: str) -> bool:
        return column in self.asked and not self.guesses[column].why

    def why_not(self, column: str) -> str:
        """Why a column is proposed to be left out; "" where nothing is proposed."""
        return self.guesses[column].why if column in self.asked else ""

    def initial(self, column: str) -> dict[str, str]:
        """Label, type, unit and class of a new field."""
        told = self.file.options.get("own", {}).get(self.file.mapping.get(column, ""))
        if told:
            return {part: str(told.get(part, "")) for part in PARTS}
        guess = self.guesses.get(column) or own_proposing.Guess(column[:60], OwnField.Type.CHOICE)
        return {
            "label": guess.label,
            "type": guess.type,
            "unit": guess.unit,
            "personal": OwnField.Personal.PERSONAL,
        }

    def codes(self, columns: Iterable[str]) -> dict[str, str]:
        """Column → code of the field it becomes; those it was given stay, no two are the same."""
        taken = set(OwnField.objects.values_list("code", flat=True))
        found: dict[str, str] = {}
        for column in columns:
            stored = self.file.mapping.get(column, "")
            code = base = stored if is_own(stored) and stored not in taken else own_fields.slug(column)
            number = 1
            while code in taken or code in found.values():
                number += 1
                code = f"{base[:40]}_{number}"
            found[column] = code
        return found


def controls(told: Mapping[str, str]) -> dict[str, forms.Field]:
    """Part → control, as proposed."""
    return {
        "label": forms.CharField(label=_("Called"), max_length=60, initial=told["label"]),
        "type": forms.ChoiceField(
            label=_("Type"),
            choices=OwnField.Type.choices,
            initial=told["type"],
            widget=forms.Select(attrs={"class": "own-type"}),
        ),
        "unit": forms.CharField(label=_("Unit"), max_length=20, required=False, initial=told["unit"]),
        "personal": forms.ChoiceField(
            label=_("Personal data"), choices=OwnField.Personal.choices, initial=told["personal"]
        ),
    }


def by_number(file: ImportFile) -> forms.Field:
    """What becomes of customers the bank does not know, where the file does not name them."""
    return forms.ChoiceField(
        label=gettext_lazy("Customers the bank does not know yet"),
        required=False,
        choices=[
            ("yes", gettext_lazy("come in, called by their number")),
            ("no", gettext_lazy("stay out; the file only tells more of known customers")),
        ],
        initial="no" if file.options.get("confirmed") and not file.options.get(BY_NUMBER) else "yes",
        help_text=gettext_lazy("No column gives a name. Names of known customers stay as they are."),
    )
