"""Prospects: an external list of people who are no customers. What the list says of them is all a model may use."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.imports.kinds.customer_readings import READINGS
from customers.imports.kinds.customer_words import KNOWN, SYNONYMS
from customers.imports.kinds.declaration import Kind, Rule, Target, Type, of_model
from customers.models import ImportFile, Prospect


def _attribute(name: str) -> Target:
    """A column that a customer has too, with the words and readings of the customer file."""
    more = {"low": 0} if name in ("monthly_income", "credit_limit") else {}
    return of_model(
        Prospect,
        name,
        synonyms=SYNONYMS.get(name, ()),
        known=KNOWN.get(name, ()),
        in_past=name == "birth_date",
        readings=READINGS.get(name, ()),
        estimate_column="birth_date_is_estimated" if name == "birth_date" else "",
        **more,
    )


def _personal(name: str, kind: Type) -> Target:
    return of_model(Prospect, name, type=kind, synonyms=SYNONYMS.get(name, ()), is_masked=True)


KIND = Kind(
    code=ImportFile.Kind.PROSPECTS,
    model=Prospect,
    targets=(
        of_model(
            Prospect,
            "list_code",
            required=True,
            synonyms=("list", "list code", "campaign list", "名单", "名单编号"),
        ),
        of_model(
            Prospect,
            "number",
            required=True,
            synonyms=("id", "prospect", "prospect id", "lead id", "record", "序号", "编号"),
        ),
        of_model(Prospect, "name", synonyms=SYNONYMS.get("name", ())),
        _personal("phone", Type.PHONE),
        _personal("email", Type.EMAIL),
        _personal("identity_number", Type.IDENTITY),
        of_model(
            Prospect,
            "has_agreed",
            synonyms=("consent", "opt in", "agreed", "marketing consent", "同意", "同意联系", "是否同意"),
            wanted=_("without a yes nobody is handed over for contact"),
        ),
        of_model(
            Prospect,
            "objects_to_contact",
            synonyms=("opt out", "do not contact", "objects", "拒绝", "免打扰", "不联系"),
        ),
        of_model(Prospect, "kind", synonyms=SYNONYMS.get("kind", ()), known=KNOWN.get("kind", ())),
        *(
            _attribute(name)
            for name in (
                "birth_date",
                "education",
                "monthly_income",
                "industry",
                "occupation",
                "credit_limit",
                "acquisition_channel",
            )
        ),
    ),
    key=("list_code", "number"),
    rules=(
        Rule(
            code="list_code_unusable",
            target="list_code",
            sentence=_("A list is named by letters, digits, dashes and underscores, such as fair-2026."),
            wrong="k.list_code !~ '^[A-Za-z0-9_-]+$'",
        ),
    ),
)
