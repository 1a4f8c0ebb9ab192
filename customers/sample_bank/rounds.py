"""One round: everybody decides on its eve, then the months are lived and written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from customers.sample_bank import buying, loading, staff, transactions, world
from customers.sample_bank.bank import Bank, Progress, day_number, month_ends
from customers.sample_bank.buying import Outcome, Purchases, Treatment
from customers.sample_bank.staff import Staff
from customers.sample_bank.state import State, advance_month
from customers.sample_bank.world import PRODUCTS, Traits, World

MARGINS = np.array([float(staff.CATALOGUE[code][4]) for code in PRODUCTS])

Columns = TypeVar("Columns", Treatment, Outcome)


@dataclass
class Setting:
    """What stays the same from round to round."""

    bank: Bank
    law: World
    traits: Traits
    state: State
    staff: Staff
    progress: Progress


@dataclass
class Decided:
    """A round's purchases, and for its targets both outcomes and what a sale is worth."""

    purchases: Purchases
    truth: Outcome | None
    value: np.ndarray | None
    month: int


def decide(
    setting: Setting,
    first: datetime.date,
    last: datetime.date,
    start: datetime.date | None = None,
    treatment: Treatment | None = None,
) -> Decided:
    """Purchases from ``first`` (the day after the last data) to ``last``; the campaign window opens on ``start``."""
    month = setting.bank.month_number(first)
    eve, opening = day_number(first) - 1, day_number(start or first)
    state = setting.state
    monthly = world.hazard(setting.law, setting.traits, state.eligible(eve), state.maturing(eve), month)
    days = day_number(first), opening, day_number(last)
    if treatment is None:
        return Decided(buying.purchases(setting.law, monthly, *days), None, None, month)
    outcome = buying.outcome(setting.law, setting.traits, monthly, treatment, opening, month)
    size = world.amounts(setting.law, setting.traits, treatment.customer, treatment.product, month)
    counting = buying.first_per_product(treatment)
    bought = buying.purchases(
        setting.law, monthly, *days, _only(treatment, counting), _only(outcome, counting)
    )
    return Decided(bought, outcome, size * MARGINS[treatment.product], month)


def live(setting: Setting, decided: Decided, first: datetime.date, last: datetime.date) -> None:
    """Move the state through the months from ``first`` to ``last`` and write balances and transactions."""
    bank, state = setting.bank, setting.state
    busy = np.zeros(len(setting.traits), bool)
    busy[decided.purchases.customer] = True
    for end in month_ends(first, last):
        begin, stop = day_number(end.replace(day=1)), day_number(end)
        number = bank.month_number(end)
        loading.write_month(
            "customers_transaction",
            end,
            transactions.month(
                setting.law, setting.traits, state, begin, stop, number, bank.transactions_per_month
            ),
        )
        month = advance_month(
            setting.law,
            setting.traits,
            state,
            begin,
            stop,
            number,
            decided.purchases.between(begin, stop),
            decided.month,
            busy,
        )
        loading.write_month(
            "customers_monthlybalance", end, [loading.balance_columns(end, month, setting.staff)]
        )
        setting.progress(f"{end:%Y-%m}")


def _only(columns: Columns, which: np.ndarray) -> Columns:
    """The entries of ``columns`` where ``which`` is true."""
    return type(columns)(*(part[which] for part in vars(columns).values()))
