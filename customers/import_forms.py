"""Forms of the import pages: the file, what its columns mean, and what a past campaign was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.models import Branch, User
from customers import imports
from customers.imports import mapping
from customers.imports.kinds import KINDS, Target, Type, allowed
from customers.models import ContactChannel, ImportFile, Product, Response

CODE = r"^[A-Za-z0-9][A-Za-z0-9-]*$"
DATE_FORMATS = [
    ("ymd", gettext_lazy("2024-12-31 or 20241231")),
    ("dmy", gettext_lazy("31/12/2024")),
    ("yymmdd", gettext_lazy("241231")),
]


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What is in it"))
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy("CSV, also as .gz; the first row names the columns. At most 500 MB unpacked."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.asc,.gz"}),
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"),
        required=False,
        choices=[
            ("", gettext_lazy("Find out")),
            ("utf-8", "UTF-8"),
            ("gb18030", "GB18030 / GBK"),
            ("utf-16", "UTF-16"),
        ],
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        labels = dict(ImportFile.Kind.choices)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101  (for the type checker)
        kind.choices = [(each.code, labels[each.code]) for each in allowed(user)]

    def receive(self) -> ImportFile | None:
        """The kept file; a refusal becomes an error of the form, and None."""
        chosen = {"encoding": self.cleaned_data["encoding"]} if self.cleaned_data["encoding"] else {}
        upload = self.cleaned_data["file"]
        try:
            return imports.receive(upload, self.cleaned_data["kind"], self.user, upload.name, options=chosen)
        except imports.Refused as refusal:
            self.add_error("file", str(refusal))
            return None


class MapForm(forms.Form):
    """One choice for every column, the dates, what all rows share, values of codes, and the past campaign."""

    date_format = forms.ChoiceField(label=gettext_lazy("Dates are written as"), choices=DATE_FORMATS)
    century = forms.TypedChoiceField(
        label=gettext_lazy("Century of two-digit years"),
        choices=[(19, "19.."), (20, "20..")],
        coerce=int,
        initial=20,
    )

    def __init__(self, file: ImportFile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file, self.kind = file, KINDS[file.kind]
        options = file.options
        self.fields["date_format"].initial = options.get("date_format", "ymd")
        self.fields["century"].initial = options.get("century", 20)
        choices = [(mapping.LEFT_OUT, _("— left out"))]
        if self.kind.keeps_other_columns:
            choices.append((mapping.FACTS, _("— kept as a fact")))
        choices += [(target.name, _label(target)) for target in self.kind.targets]
        for at, column in enumerate(file.columns):
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=column, choices=choices, required=False, initial=file.mapping.get(column, "")
            )
        self._add_constants(options.get("constants", {}))
        self._add_values(options.get("values", {}))
        if file.kind == ImportFile.Kind.CAMPAIGN:
            self._add_campaign(options.get("campaign", {}))

    def _add_constants(self, known: dict[str, str]) -> None:
        for target in self.kind.targets:
            # A key or a name that all rows share would be one row.
            shared = target.name == "cell" or target.type not in (Type.TEXT, Type.CUSTOMER)
            needed = (target.required and shared) or target.type in (Type.BRANCH, Type.PRODUCT)
            if needed or target.name in known:
                self.fields[f"constant_{target.name}"] = _constant(target, known.get(target.name, ""))

    def _add_values(self, known: dict[str, dict[str, str]]) -> None:
        for target in self.kind.targets:
            if target.type == Type.CHOICE:
                pairs = known.get(target.name, {})
                self.fields[f"values_{target.name}"] = forms.CharField(
                    label=str(target.label),
                    required=False,
                    widget=forms.Textarea(attrs={"rows": 2}),
                    initial="\n".join(f"{old} = {new}" for old, new in pairs.items()),
                    help_text=_("Known: %(codes)s")
                    % {"codes": ", ".join(code for code, _name in target.choices)},
                )

    def _add_campaign(self, told: dict[str, Any]) -> None:
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
            self.fields[f"campaign_{name}"] = field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in [name for name in self.fields if name.startswith("values_")]:
            try:
                cleaned[name] = _pairs(cleaned.get(name, ""))
            except ValidationError as error:
                self.add_error(name, error)
        for name in [name for name in self.fields if name.startswith("constant_")]:
            target = self.kind.target(name.removeprefix("constant_"))
            if cleaned.get(name) and target.type in (Type.DATE, Type.MONTH_END):
                try:
                    dt.date.fromisoformat(cleaned[name])
                except ValueError:
                    self.add_error(name, _("Write the day as 2024-12-31."))
        return cleaned

    def save(self) -> ImportFile:
        """Store the meaning of the columns. Raises imports.Refused when the file is merged or something is missing."""
        cleaned = self.cleaned_data
        mapped = {column: cleaned[f"column_{at}"] for at, column in enumerate(self.file.columns)}
        taken = set(mapped.values())
        options = {key: value for key, value in self.file.options.items() if key in ("encoding", "delimiter")}
        options |= {
            "date_format": cleaned["date_format"],
            "century": cleaned["century"],
            # A column says more than a constant.
            "constants": {
                name: value for name, value in self._group("constant_").items() if value and name not in taken
            },
            "values": self._values(),
        }
        if self.file.kind == ImportFile.Kind.CAMPAIGN:
            options["campaign"] = self._campaign()
        file = imports.remap(self.file, mapped, options)
        mapping.complete(file)
        return file

    def _values(self) -> dict[str, dict[str, str]]:
        """The pairs of the form, and those of facts, which are declared on the command line only."""
        kept = {name: pairs for name, pairs in self.file.options.get("values", {}).items() if "." in name}
        return kept | {name: pairs for name, pairs in self._group("values_").items() if pairs}

    def _group(self, prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): value
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix)
        }

    def _campaign(self) -> dict[str, Any]:
        told = self._group("campaign_")
        told["control_cells"] = [cell.strip() for cell in told["control_cells"].split(",") if cell.strip()]
        told["product"] = told["product"].code
        told["branch"] = told["branch"].code if told["branch"] else ""
        return told

    def columns(self) -> list[forms.BoundField]:
        return [self[f"column_{at}"] for at in range(len(self.file.columns))]

    def group(self, prefix: str) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(prefix)]


def _constant(target: Target, told: str) -> forms.Field:
    """What every row shares: chosen where the bank knows the codes, typed where not."""
    codes = _codes(target)
    if codes is None:
        return forms.CharField(label=str(target.label), required=False, max_length=100, initial=told)
    known = [(code, _("%(name)s (%(code)s)") % {"name": name, "code": code}) for code, name in codes]
    if told and told not in dict(known):
        known.append((told, told))  # as an earlier file or the command line said it; the check judges it
    choices = [("", _("— not the same in every row")), *known]
    return forms.ChoiceField(label=str(target.label), required=False, choices=choices, initial=told)


def _codes(target: Target) -> Iterable[tuple[str, Any]] | None:
    """(code, name) of everything a coded target may be; None for one that is not coded."""
    match target.type:
        case Type.BRANCH:
            return Branch.objects.order_by("name").values_list("code", "name")
        case Type.PRODUCT:
            return Product.objects.order_by("name").values_list("code", "name")
        case Type.STAFF:
            people = User.objects.filter(is_active=True).order_by("full_name")
            return people.values_list("employee_number", "full_name")
        case Type.CHOICE:
            return target.choices
    return None


def _label(target: Target) -> str:
    label = str(target.label)
    label = label[:1].upper() + label[1:]
    return _("%(label)s (required)") % {"label": label} if target.required else label


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        old, sign, new = line.rpartition("=")
        if not sign or not old.strip() or not new.strip():
            raise ValidationError(_("Write one pair a line, as: value in the file = known value."))
        found[old.strip()] = new.strip()
    return found
