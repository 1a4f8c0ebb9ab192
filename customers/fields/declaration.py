"""What a catalogue entry says about a field, and how its values read."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import figures

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = str | _StrPromise


class Area(TextChoices):
    """Subject areas of Customer-360."""

    ATTRIBUTE = "attribute", gettext_lazy("Attributes")
    BEHAVIOUR = "behaviour", gettext_lazy("Behaviour")
    VALUE = "value", gettext_lazy("Value")
    NEED = "need", gettext_lazy("Needs")
    ATTITUDE = "attitude", gettext_lazy("Attitude and loyalty")
    PORTRAIT = "portrait", gettext_lazy("Portrait")
    HISTORY = "history", gettext_lazy("Contact history")
    OWN = "own", gettext_lazy("Own fields")


class Type(TextChoices):
    NUMBER = "number", gettext_lazy("Number")
    MONEY = "money", gettext_lazy("Money")
    DATE = "date", gettext_lazy("Date")
    CHOICE = "choice", gettext_lazy("Choice")
    TEXT = "text", gettext_lazy("Text")
    FLAG = "flag", gettext_lazy("Yes or no")
    LIST = "list", gettext_lazy("List")


class Personal(TextChoices):
    NONE = "none", gettext_lazy("Not personal")
    PERSONAL = "personal", gettext_lazy("Personal")
    SENSITIVE = "sensitive", gettext_lazy("Sensitive")


class Basis(TextChoices):
    """The facts a field's values come from."""

    CUSTOMERS = "customers", gettext_lazy("Customer file")
    HOLDINGS = "holdings", gettext_lazy("Holdings")
    BALANCES = "balances", gettext_lazy("Monthly balances")
    TRANSACTIONS = "transactions", gettext_lazy("Transactions")
    CONSUMER_FINANCE = "consumer_finance", gettext_lazy("Consumer-finance contracts")
    CONTACTS = "contacts", gettext_lazy("Contacts and responses")
    CONSENTS = "consents", gettext_lazy("Consents")
    SEVERAL = "several", gettext_lazy("Several kinds of facts")


class Origin(TextChoices):
    """How a field gets its values."""

    GIVEN = "given", gettext_lazy("Given by the bank")
    STAFF = "staff", gettext_lazy("Entered by staff")
    FACTS = "facts", gettext_lazy("Computed from facts")
    RULE = "rule", gettext_lazy("By a stated rule")
    MODEL = "model", gettext_lazy("By a model")
    OWN = "own", gettext_lazy("Kept from a file of the bank")


class Reference(enum.StrEnum):
    """Where the choices of a field live when they are rows of a table."""

    NONE = ""
    BRANCH = "branch"
    STAFF = "staff"
    PRODUCT = "product"
    TIER = "tier"


WRITERS: dict[str, Callable[[Any], str]] = {
    Type.MONEY: figures.money,
    Type.DATE: figures.short_day,
    Type.NUMBER: figures.number,
}

# The window a field sums or counts over is the end of its code: "spend_food_3m", "contacts_90d".
WINDOW = re.compile(r"_(\d+)([md])$")
DAYS_OF_A_MONTH = 30
# Facts that have a history, so that a value can be held against an earlier one; the customer's own row has none.
DATED = frozenset(
    {
        Basis.HOLDINGS,
        Basis.BALANCES,
        Basis.TRANSACTIONS,
        Basis.CONSUMER_FINANCE,
        Basis.CONTACTS,
        Basis.SEVERAL,
    }
)

SPECIAL_UNITS: dict[str, Callable[[Any], str]] = {
    "share": lambda value: figures.pct(value, 0),
    "change": figures.signed_money,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One customer field.

    ``source`` is an SQL expression over ``c`` (customers_customer) and ``p`` (customers_customerprofile of the
    as-of month). ``column`` is the attribute of Customer an import may fill, empty where a field is computed.
    ``high`` and ``low`` are the sentences shown when a high, or a low, value of the field raised a model's score;
    they may use ``%(value)s``, the value as ``display`` writes it, or be ``ngettext_lazy`` of the number ``"n"``;
    ``unknown`` is the sentence of a value that is not there, ``none`` of zero where the label does not say it well.
    Shares of 0 to 1 have unit ``share``, differences of money ``change``; of these ``change_of`` is the field that
    changed. ``basis`` and ``origin`` say what the values come from and how. ``newest`` is the SQL of what is known
    now, where ``source`` reads what was known at the month-end; ``is_retired``: what uses the field goes on,
    nothing new is offered it.
    """

    code: str
    label: Label
    meaning: Label
    area: Area
    type: Type
    source: str
    basis: Basis
    origin: Origin
    unit: Label = ""
    choices: tuple[tuple[str, Label], ...] = ()
    reference: Reference = Reference.NONE
    column: str = ""
    personal: Personal = Personal.NONE
    model_use: bool = False
    show: bool = True
    filter: bool = True
    group: bool = False
    export: bool = True
    reasons: Mapping[str, Label] = dataclass_field(default_factory=dict)
    newest: str = ""
    change_of: str = ""
    # It tells of days to come because that was agreed before, such as when a contract falls due.
    agreed: bool = False
    is_retired: bool = False

    @property
    def current(self) -> str:
        """SQL for what is known now: what conditions and counts compare."""
        return self.newest or self.source

    @property
    def is_categorical(self) -> bool:
        return self.type in (Type.CHOICE, Type.TEXT)

    @property
    def window(self) -> int:
        """Months a sum or count spans; 0 of what is so at the month-end."""
        found = WINDOW.search(self.code)
        if found is None:
            return 0
        return int(found[1]) if found[2] == "m" else round(int(found[1]) / DAYS_OF_A_MONTH)

    @property
    def has_past(self) -> bool:
        """Whether the value of an earlier month-end says something beside this one."""
        measured = self.type in (Type.MONEY, Type.NUMBER) and self.unit not in SPECIAL_UNITS
        return measured and self.basis in DATED and not self.agreed

    def choice_label(self, value: Any) -> str:
        """The label of a stored choice; the value itself where the choices are rows of a table."""
        return str(dict(self.choices).get(value, value))

    def display(self, value: Any) -> str:
        """A stored value as people read it: "¥12,960", "18 Nov", "Married", "31 %", "—" for what is not known."""
        if value is None or value in ("", []):
            return figures.NONE
        if self.type == Type.LIST:
            return ", ".join(self.choice_label(item) for item in value)
        if self.type == Type.FLAG:
            return _("yes") if value else _("no")
        if self.unit in SPECIAL_UNITS:
            return SPECIAL_UNITS[str(self.unit)](value)
        write = WRITERS.get(self.type, self.choice_label)
        return write(value)

    def reason(self, value: Any, *, high: bool) -> str:
        """Why this value raised a model's score, as one sentence for the relationship manager's screen."""
        if value is None or value == "":
            return self._unknown()
        if value == 0 and self.type in (Type.MONEY, Type.NUMBER) and self.unit not in SPECIAL_UNITS:
            return str(self.reasons.get("none", gettext_lazy("%(label)s: none"))) % {"label": self.label}
        template = self.reasons.get("high" if high else "low")
        if template is None:
            template = gettext_lazy("%(label)s: %(value)s")
        n = math.ceil(value) if isinstance(value, int | float) else 0
        return str(template % {"label": self.label, "value": self.display(value), "n": n})

    def _unknown(self) -> str:
        if "unknown" in self.reasons:
            return str(self.reasons["unknown"])
        told = _("No balance known: %(label)s") if self.basis == Basis.BALANCES else _("%(label)s: not known")
        return told % {"label": self.label}
