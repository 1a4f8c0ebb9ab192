"""Customers: every importable field of the catalogue."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers import fields
from customers.imports.identity import birthday_of, gender_of
from customers.imports.kinds import customer_history
from customers.imports.kinds.customer_readings import READINGS
from customers.imports.kinds.customer_words import KNOWN, SYNONYMS
from customers.imports.kinds.declaration import Kind, Rule, Target, Type, of_model
from customers.models import Customer, ImportFile

TYPES = {
    "phone": Type.PHONE,
    "identity_number": Type.IDENTITY,
    "email": Type.EMAIL,
    "branch": Type.BRANCH,
    "primary_rm": Type.STAFF,
    "backup_rm": Type.STAFF,
}
MASKED = {"phone", "identity_number", "email"}
WANTED = {
    "name": _("a new customer needs one"),
    "opened_on": _("models count from it"),
    "branch": _("without one only head office sees the customer"),
}
# What an identity number says of its owner, where the row does not.
INSIDE = {"birth_date": birthday_of("{v}"), "gender": gender_of("{v}")}
NOT_NEGATIVE = {"monthly_income", "credit_limit", "acquisition_cost"}


def _target(code: str, field: fields.Field) -> Target:
    more: dict[str, Any] = {"type": TYPES[code]} if code in TYPES else {}
    if code in NOT_NEGATIVE:
        more["low"] = 0
    return of_model(
        Customer,
        code,
        field=field.column,
        label=field.label,
        required=code == "number",
        synonyms=SYNONYMS.get(code, ()),
        known=KNOWN.get(code, ()),
        in_past=code in ("birth_date", "opened_on", "closed_on"),
        is_masked=code in MASKED,
        wanted=WANTED.get(code, ""),
        readings=READINGS.get(code, ()),
        estimate_column="birth_date_is_estimated" if code == "birth_date" else "",
        filled_from="identity_number" if code in INSIDE else "",
        filled_as=INSIDE.get(code, ""),
        **more,
    )


KIND = Kind(
    code=ImportFile.Kind.CUSTOMERS,
    model=Customer,
    targets=tuple(_target(code, field) for code, field in fields.importable().items()),
    key=("number",),
    keeps_own_fields=True,
    rules=(
        Rule(
            code="missing",
            target="name",
            sentence=_("A customer needs a name."),
            wrong="coalesce(k.name, '') = ''",
            needs=("name",),
        ),
        Rule(
            code="new_without_name",
            target="number",
            sentence=_(
                "No customer has this number, and a new one needs a name, which this file does not give."
            ),
            wrong="NOT EXISTS (SELECT FROM customers_customer known WHERE known.number = k.number)",
            without=("name",),
        ),
        Rule(
            code="dates_out_of_order",
            target="closed_on",
            sentence=_("The customer left before the relationship began."),
            wrong="k.closed_on < k.opened_on",
            needs=("opened_on", "closed_on"),
            exact=("opened_on", "closed_on"),
        ),
        Rule(
            code="another_birthday",
            target="birth_date",
            sentence=_(
                "The identity number says {identity}, this column {column}. The row goes in as the column says."
            ),
            wrong=f"k.birth_date <> {birthday_of('k.identity_number')}",
            needs=("identity_number", "birth_date"),
            exact=("birth_date",),
            shows=(("identity", birthday_of("k.identity_number")), ("column", "k.birth_date")),
            warns=True,
        ),
        Rule(
            code="another_gender",
            target="gender",
            sentence=_(
                "The identity number says {identity}, this column {column}. The row goes in as the column says."
            ),
            wrong=f"k.gender <> '' AND k.gender <> {gender_of('k.identity_number')}",
            needs=("identity_number", "gender"),
            shows=(("identity", gender_of("k.identity_number")), ("column", "k.gender")),
            warns=True,
        ),
    ),
    fixed=(("name", "''"),),
    touched=(("updated_at", "statement_timestamp()"),),
    history=customer_history.left_behind,
    undone=customer_history.forget,
)
