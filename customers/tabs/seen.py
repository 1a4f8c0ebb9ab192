"""Whose page it is and who looks at it, with what several parts of the page need, each read at most once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from bankcrm.models import User
from customers import kyc, peers, portrait, relation, tiering
from customers.models import Customer, CustomerProfile, Holding, TierRule


@dataclass(frozen=True)
class Seen:
    """``past``: value of the last two years' month-ends, oldest first; ``tiers``: rules in force, best first."""

    user: User
    customer: Customer
    month: dt.date | None
    profile: CustomerProfile | None
    past: list[kyc.Past]
    tiers: list[TierRule]
    today: dt.date
    has_own: bool

    @property
    def tier_names(self) -> dict[str, str]:
        return {rule.code: rule.name for rule in self.tiers}

    def is_after_the_data(self, day: dt.date) -> bool:
        """Whether the bank's data end before that day: of what was due then nothing is known yet."""
        return self.month is not None and day > self.month

    @cached_property
    def held(self) -> list[Holding]:
        return kyc.holdings(self.customer, self.today)

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
        """The month-end twelve months before the newest."""
        if not self.past:
            return None
        before = [one for one in self.past if one.month <= self.past[-1].month - dt.timedelta(days=360)]
        return before[-1] if before else None


def look(user: User, found: kyc.Found) -> Seen:
    profile, past = kyc.profile_of(found.customer, found.month)
    tiers = list(tiering.rules_at(found.month or dt.date.max))
    return Seen(user, found.customer, found.month, profile, past, tiers, found.today, found.has_own)
