"""How far a profile's balances are known, and how the page says so: see ``customers.unknown_balances``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bankcrm import figures
from customers import kyc, profile
from customers.models import AssetClass
from customers.unknown_balances import MONTHS

# Where the profile counts what is owed: class → (column, label)
DEBTS = {"loan": "loan_balance", "card": "card_balance"}


@dataclass(frozen=True, slots=True)
class Balances:
    """``on``: the month-end through which every balance is known; ``before``: class → its last known month-end, where
    that is earlier than ``month``; ``came`` and ``last`` as in ``kyc.Told``. ``counted``: classes with an amount.
    """

    month: dt.date
    on: dt.date | None
    before: dict[str, dt.date]
    counted: frozenset[str]
    came: bool
    last: tuple[dt.date, Decimal] | None

    @property
    def is_known(self) -> bool:
        return self.on == self.month

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is counted because nothing is known, not because nothing is there."""
        return not self.is_known and not self.counted

    def of(self, code: str) -> str:
        """What stands beside the amount of a class that did not come in; "" for one that is known."""
        day = self.before.get(code)
        if day is None:
            return ""
        words = {"day": figures.short_day(day)}
        return (_("not known since %(day)s") if self.is_lost(day) else _("of %(day)s")) % words

    def is_lost(self, day: dt.date) -> bool:
        """Whether a balance of that day is too old to count."""
        return profile.month_end(day, -MONTHS) < self.month

    def no_amount(self, code: str) -> bool:
        return self.is_unknown or (code in self.before and self.is_lost(self.before[code]))

    @property
    def said(self) -> str:
        """One sentence; "" where every balance of the month is known."""
        if self.is_known:
            return ""
        month = date_format(self.month, pgettext("date", "F"))
        words: dict[str, Any] = {"month": month, "day": figures.short_day(self.on)}
        if self.is_unknown:
            if self.last is None:
                return _("No balance of this customer has come in.")
            words |= {"day": figures.short_day(self.last[0]), "amount": figures.money(self.last[1])}
            return _("Last known: %(amount)s on %(day)s.") % words
        if not self.came:
            return _("Balance of %(day)s; no balance of %(month)s has come in yet.") % words
        if self.counted <= set(self.before):
            return _("Balance of %(day)s; none known for %(month)s.") % words
        words["classes"] = ", ".join(_label(code) for code in self.before)
        return _("%(classes)s: balance of %(day)s; none known for %(month)s.") % words


def balances_of(told: kyc.Told) -> Balances | None:
    """None before the first profile."""
    found = told.profile
    if found is None:
        return None
    before = {code: dt.date.fromisoformat(day) for code, day in found.balances_before.items()}
    columns = {code: code for code in kyc.ASSETS} | DEBTS
    counted = frozenset(code for code, column in columns.items() if getattr(found, column))
    return Balances(found.month, found.balances_on, before, counted, told.came, told.last)


def _label(code: str) -> str:
    if code in DEBTS:
        return _("Loans") if code == "loan" else _("Cards")
    return str(AssetClass(code).label)
