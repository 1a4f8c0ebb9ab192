"""Public files everybody meets, by their header: what their columns mean, so that nobody works it out again.

The page says what a file looks like and fills itself in; nothing is stored before a person saves it.
``docs/real-data.md`` says how they come in from the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from customers.imports import mapping
from customers.models import ImportFile

if TYPE_CHECKING:
    from customers.imports.kinds.declaration import Label

Kind = ImportFile.Kind


@dataclass(frozen=True)
class KnownFile:
    """``columns`` in their order; ``means`` of those that are more than facts; ``note`` says what a page cannot do."""

    code: str
    label: Label
    columns: tuple[str, ...]
    kind: str = Kind.CAMPAIGN
    means: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    note: Label = ""

    def applied(self, file: ImportFile) -> ImportFile:
        """The file as it would be with these meanings; not saved. What was said of it already stays said."""
        file.mapping = {name: self.means.get(name, mapping.FACTS) for name in file.columns}
        file.options = file.options | self.options
        return file


def like(columns: Sequence[str]) -> KnownFile | None:
    """The known file with exactly this header, in any case."""
    heading = tuple(name.strip().lower() for name in columns)
    return next((known for known in KNOWN if known.columns == heading), None)


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


BERKA_NOTE = _(
    "Its tables refer to each other, and a page reads one file at a time: bring the whole folder with"
    " “manage.py import_file … --source-preset berka”."
)
BERKA = {
    "account": "account_id district_id frequency date",
    "client": "client_id birth_number district_id",
    "disp": "disp_id client_id account_id type",
    "loan": "loan_id account_id date amount duration payments status",
    "card": "card_id disp_id type issued",
    "order": "order_id account_id bank_to account_to amount k_symbol",
    "trans": "trans_id account_id date type operation amount balance k_symbol bank account",
}
CALLS = {"y": "conversion", "duration": "talk_seconds", "contact": mapping.FACTS}
CALLED = {
    "code": "term-deposit",
    "name": "Term deposit calls",
    "success": "conversion",
    "channel": "phone",
    "is_random": False,
    "new_customers": "B",
}
KNOWN = (
    KnownFile(
        code="hillstrom",
        label=_("Hillstrom's e-mail test of 2008"),
        columns=_columns(
            "recency history_segment history mens womens zip_code newbie channel segment visit conversion spend"
        ),
        means={"segment": "cell", "visit": "visit", "conversion": "conversion", "spend": "amount"},
        options={
            "constants": {"assigned_on": "2008-03-20"},
            "campaign": {
                "code": "hillstrom",
                "name": "E-mail test of 2008",
                "success": "visit",
                "control_cells": ["No E-Mail"],
                "is_random": True,
                "new_customers": "H",
                "channel": "email",
            },
        },
    ),
    KnownFile(
        code="bank-additional",
        label=_("the calls of a Portuguese bank (bank-additional)"),
        columns=_columns(
            "age job marital education default housing loan contact month day_of_week duration campaign pdays"
            " previous poutcome emp.var.rate cons.price.idx cons.conf.idx euribor3m nr.employed y"
        ),
        means=CALLS,
        options={
            "constants": {"cell": "called", "assigned_on": "2010-11-30"},
            "values": {"facts.pdays": {"999": ""}},
            "campaign": CALLED,
        },
    ),
    KnownFile(
        code="bank-marketing",
        label=_("the calls of a Portuguese bank (bank-full)"),
        columns=_columns(
            "age job marital education default balance housing loan contact day month duration campaign pdays"
            " previous poutcome y"
        ),
        means=CALLS,
        options={
            "constants": {"cell": "called", "assigned_on": "2010-11-30"},
            "values": {"facts.pdays": {"-1": ""}},
            "campaign": CALLED,
        },
    ),
    *(
        KnownFile(
            code=f"berka-{table}",
            label=_("a table of the Czech bank of Berka"),
            columns=_columns(heading),
            note=BERKA_NOTE,
        )
        for table, heading in BERKA.items()
    ),
)
