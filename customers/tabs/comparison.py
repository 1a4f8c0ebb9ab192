"""How a customer compares with peers, in words and rows."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from bankcrm import figures
from customers import fields, peers
from customers.fields import Type
from customers.models import PeerGroup
from customers.tabs.seen import Seen

VALUE = ("aum", "liabilities", "contribution_12m", "lines_held", "transactions_3m", "contacts_12m")
FLOWS = ("amount_in_3m", "amount_out_3m")


def said_of(seen: Seen) -> str:
    """Whom the customer is compared with and, where the group is a wider one, why. Empty without peers."""
    group = seen.peers
    if group is None or seen.profile is None:
        return ""
    words: dict[str, Any] = {
        "count": figures.number(group.count),
        "tier": seen.tier_names.get(seen.profile.tier, seen.profile.tier) or _("none"),
        "age": _age(seen.profile.age),
        "least": peers.SMALLEST,
    }
    return {
        PeerGroup.Level.TIER_AND_AGE.value: _("%(count)s customers in tier %(tier)s, %(age)s"),
        PeerGroup.Level.TIER.value: _(
            "%(count)s customers in tier %(tier)s of every age: fewer than %(least)s of them are %(age)s"
        ),
        PeerGroup.Level.AGE.value: _(
            "%(count)s customers in every tier, %(age)s: fewer than %(least)s customers are in tier %(tier)s"
        ),
        PeerGroup.Level.ALL.value: _(
            "all %(count)s customers: fewer than %(least)s are in tier %(tier)s, or %(age)s"
        ),
    }[group.level] % words


def _age(age: int | None) -> str:
    if age is None:
        return _("age unknown")
    low = age // peers.AGE_BAND * peers.AGE_BAND
    return _("aged %(low)s to %(high)s") % {"low": low, "high": low + peers.AGE_BAND - 1}


def rows(seen: Seen, codes: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row per field: the customer's value and the peers' mean, written alike."""
    if seen.peers is None or seen.profile is None:
        return []
    found = []
    for code in codes:
        entry, mean = fields.get(code), seen.peers.averages[code]
        shown = entry.display(mean) if entry.type == Type.MONEY else figures.number(mean, 1)
        own = getattr(seen.profile, code)
        found.append({"label": entry.label, "own": entry.display(own), "peer": shown})
    return found
