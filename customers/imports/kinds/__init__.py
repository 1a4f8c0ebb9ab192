"""Every kind of file the bank can bring, by its code."""

from __future__ import annotations

from bankcrm.models import User
from customers.imports.kinds import (
    campaign,
    consents,
    consumer_finance,
    customers,
    holdings,
    own,
    prospects,
    staff,
    transactions,
)
from customers.imports.kinds.declaration import Kind, Reading, Rule, Target, Type
from customers.models import ImportFile

KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        staff.KIND,
        customers.KIND,
        holdings.HOLDINGS,
        holdings.BALANCES,
        transactions.TRANSACTIONS,
        consents.KIND,
        consumer_finance.KIND,
        campaign.KIND,
        prospects.KIND,
    )
}


def allowed(user: User) -> list[Kind]:
    """The kinds of file this user may bring."""
    return [kind for kind in KINDS.values() if user.may_act_as(kind.roles)]


def of(file: ImportFile) -> Kind:
    """The kind of this file, with the own fields it maps among its targets."""
    return own.extended(KINDS[file.kind], file.options.get("own", {}), file.options)


__all__ = ["KINDS", "Kind", "Reading", "Rule", "Target", "Type", "allowed", "of"]
