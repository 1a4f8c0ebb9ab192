"""Whose page it is and who looks at it, with what several parts of the page need, each read at most once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.models import User
from customers import kyc, peers, portrait, relation, tiering
from customers.models import Customer, CustomerProfile, Holding, TierRule
from customers.tabs.balances import Balances, balances_of


@dataclass(frozen=True)
class Seen:
    """``past``: value of the last two years' month-ends, oldest first; ``tiers``: rules in force, best first.

    ``balances``: how far the profile's balances are known.
    """

    user: User
    customer: Customer
    month: dt.date | None
    profile: CustomerProfile | None
    past: list[kyc.Past]
    balances: Balances | None
    tiers: list[TierRule]
    today: dt.date
    has_own: bool

    @property
    def tier_names(self) -> dict[str, str]:
        return {rule.code: rule.name for rule in self.tiers}

    def is_after_the_data(self, day: dt.date) -> bool:
        """Whether the bank's data end before that day: of what was due then nothing is known yet."""
        return self.month is not None and day > self.month

    @property
    def is_value_known(self) -> bool:
        """Whether every balance of the newest month is known: only then may the page draw conclusions from it."""
        return self.balances is not None and self.balances.is_known

    @property
    def known_past(self) -> list[kyc.Past]:
        """``past`` without the months whose balances are not known."""
        return [one for one in self.past if one.is_known]

    @property
    def known_since(self) -> dt.date | None:
        """The day from which the bank's records hold the contacts of this customer; None without records of contacts.

        A customer whose profiles begin later, or who came later, is not in the records of the time before.
        """
        if self.relation.first_recorded is None or not self.past:
            return None
        began = [self.relation.first_recorded, self.past[0].month.replace(day=1)]
        return max([*began, self.customer.opened_on] if self.customer.opened_on else began)

    @cached_property
    def _holdings(self) -> tuple[list[Holding], dict[int, Decimal]]:
        return kyc.holdings(self.customer, self.today, self.month)

    @property
    def held(self) -> list[Holding]:
        return self._holdings[0]

    @property
    def on_contracts(self) -> dict[int, Decimal]:
        """What was on each contract at the month-end, where the bank tells."""
        return self._holdings[1]

    def falls_due(self, one: Holding) -> Decimal:
        """What there is to pay when a contract matures, by what is known: what is on it, else what it is of."""
        return self.on_contracts.get(one.pk, one.amount)

    def terms(self, one: Holding) -> str:
        """What the contract is of, where something else is on it; "" otherwise."""
        if round(self.falls_due(one)) == round(one.amount):
            return ""
        return _("contract of %(amount)s") % {"amount": figures.money(one.amount)}

    @cached_property
    def relation(self) -> relation.Relation:
        return relation.read(self.customer.pk, self.today)

    @cached_property
    def movements(self) -> portrait.Movements:
        return portrait.read(self.customer.pk, self.today, self.month)

    @cached_property
    def series(self) -> list[portrait.Regular]:
        return portrait.regular(self.movements)

    @cached_property
    def unusual(self) -> list[portrait.Unusual]:
        return portrait.unusual(self.movements)

    @cached_property
    def peers(self) -> peers.Peers | None:
        return peers.of(self.profile) if self.profile else None

    @cached_property
    def year_ago(self) -> kyc.Past | None:
        """The month-end twelve months before the newest, or the last known before it."""
        if not self.past:
            return None
        before = [one for one in self.known_past if one.month <= self.past[-1].month - dt.timedelta(days=360)]
        return before[-1] if before else None


def look(user: User, found: kyc.Found) -> Seen:
    told = kyc.profile_of(found.customer, found.month)
    tiers = list(tiering.rules_at(found.month or dt.date.max))
    return Seen(
        user,
        found.customer,
        found.month,
        told.profile,
        told.past,
        balances_of(told),
        tiers,
        found.today,
        found.has_own,
    )
