"""What everybody holds, moved on month by month: maturities, purchases, market, income and spending."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

from customers.sample_bank import draws, world
from customers.sample_bank.buying import NEVER, Purchases
from customers.sample_bank.world import DEMAND, MARKETED, MORTGAGE, PRODUCTS, SEGMENTS, Traits, World

SAVINGS, TIME, WEALTH, FUND, LOAN, CARD, INSURANCE = range(len(MARKETED))
MATURE = [SAVINGS, TIME, WEALTH, PRODUCTS.index("treasury_bond"), PRODUCTS.index("trust")]
LOANS = [LOAN, MORTGAGE]
INVESTED = [FUND, PRODUCTS.index("precious_metal"), PRODUCTS.index("securities_custody")]
# Terms in months a product is sold with; 0: open-ended.
TERMS = [
    (12, 12, 24),
    (3, 6, 12, 24),
    (3, 6, 12),
    (0,),
    (12, 24, 36),
    (0,),
    (60, 120),
    (0,),
    (240, 360),
    (36, 60),
    (0,),
    (24, 36),
    (0,),
]
YIELD = np.array([0.022, 0.018, 0.030, 0, 0, 0, 0, 0, 0, 0.025, 0, 0.045, 0])


@dataclass
class Contracts:
    """Contracts opened (columns, in parts) and closed (ids, days) since they were last written."""

    opened: list[dict[str, np.ndarray]] = field(default_factory=list)
    closed: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)


@dataclass
class State:
    """Positions: customers × PRODUCTS. ``contract`` is the holding's id, 0 where nothing is held."""

    contract: np.ndarray
    balance: np.ndarray
    matures: np.ndarray
    opened: np.ndarray  # customers: day they came
    left: np.ndarray  # customers: day they left or NEVER
    next_id: int = 1
    contracts: Contracts = field(default_factory=Contracts)

    @classmethod
    def empty(cls, opened: np.ndarray, products: int) -> State:
        shape = (len(opened), products)
        return cls(
            np.zeros(shape, np.int32),
            np.zeros(shape),
            np.full(shape, NEVER, np.int32),
            opened,
            np.full(len(opened), NEVER, np.int32),
        )

    def eligible(self, day: int) -> np.ndarray:
        """Who may buy what on ``day``: customers of the bank who do not hold it."""
        here = (self.opened <= day) & (self.left > day)
        return here[:, None] & (self.contract[:, : len(MARKETED)] == 0)

    def maturing(self, day: int) -> np.ndarray:
        """Who has a deposit or plan that ends within 60 days after ``day``."""
        soon = (self.contract[:, MATURE] > 0) & (self.matures[:, MATURE] <= day + 60)
        return np.asarray(soon.any(axis=1))


@dataclass
class Month:
    """Balances of one month: positions, the mean of the days, and the last."""

    customer: np.ndarray
    product: np.ndarray
    average: np.ndarray
    closing: np.ndarray


def open_contracts(law: World, traits: Traits, state: State, bought: Purchases, size: np.ndarray) -> None:
    """Enter purchases of ``size`` (currency) into the state and the list of new contracts."""
    who, what, day = bought.customer, bought.product, bought.day
    ids = state.next_id + np.arange(len(who))
    state.next_id += len(who)
    pick = draws.uniform(law.seed, "term", who, what, day)
    longest = max(map(len, TERMS))
    terms = np.array([[*term, *[term[-1]] * (longest - len(term))] for term in TERMS])
    counts = np.array([len(term) for term in TERMS])
    months = terms[what, (pick * counts[what]).astype(int)]
    matures = np.where(months > 0, day + np.round(months * 30.4375), NEVER)
    state.contract[who, what] = ids
    state.balance[who, what] = size
    state.matures[who, what] = matures
    # Loans and cards are used days after they are granted; four cards in a hundred never.
    lag = (draws.uniform(law.seed, "use", who, what, day) * 25).astype(np.int64)
    used = np.where(np.isin(what, (LOAN, CARD)), day + lag, day)
    idle = (what == CARD) & (draws.uniform(law.seed, "idle", who, day) < 0.04)
    counter = draws.uniform(law.seed, "bought through", who, what, day) > 0.15 + 0.75 * traits.digital[who]
    instalment = np.where(np.isin(what, LOANS), size / np.maximum(months, 1) * 1.08, np.nan)
    # Kept until the history is lived: narrow, because a million customers open five million contracts.
    state.contracts.opened.append(
        {
            "id": ids.astype(np.int32),
            "customer": who.astype(np.int32),
            "product": what.astype(np.int8),
            "opened": day.astype(np.int32),
            "matures": matures.astype(np.int32),
            "used": np.where(idle, NEVER, used).astype(np.int32),
            "amount": size,
            "instalment": instalment,
            "channel": np.where(counter, 0, 1 + (pick < 0.25)).astype(np.int8),
        }
    )


def close_contracts(state: State, where: np.ndarray, day: np.ndarray) -> None:
    """End the contracts at ``where`` (mask over positions) on ``day`` (same shape)."""
    if where.any():
        state.contracts.closed.append((state.contract[where], day[where]))
        state.contract[where] = 0
        state.balance[where] = 0
        state.matures[where] = NEVER


def advance_month(
    law: World,
    traits: Traits,
    state: State,
    first: int,
    last: int,
    month: int,
    bought: Purchases,
    decided: int,
    busy: np.ndarray,
) -> Month:
    """Move the state from the eve of day ``first`` to ``last``, the last of that month.

    ``decided``: number of the month in which the purchases were decided; ``busy``: who buys in this round and so stays.
    """
    here = (state.opened <= last) & (state.left > last)
    before = state.balance.copy()
    freed = _mature(state, last)
    freed += _lapse(law, traits, state, first, last, month)
    size = world.amounts(law, traits, bought.customer, bought.product, decided)
    open_contracts(law, traits, state, bought, size)
    paid = np.bincount(bought.customer, np.where(np.isin(bought.product, LOANS), 0, size), len(traits))
    _grow(law, traits, state, first, month)
    account = state.balance[:, DEMAND]
    target = _account_target(law, traits, first, month)
    new = (0.55 * account + 0.45 * target + freed - np.minimum(0.7 * paid, 0.6 * account)).clip(1)
    state.balance[:, DEMAND] = np.round(np.where(state.contract[:, DEMAND] > 0, new, 0), 2)
    _leave(law, traits, state, first, last, here & ~busy)
    shown = here[:, None] & (state.contract > 0) & (state.left > last)[:, None]
    who, what = np.nonzero(shown)
    closing = state.balance[who, what]
    start = before[who, what]
    return Month(who, what, np.where(start > 0, (start + closing) / 2, closing * 0.5), closing)


def _mature(state: State, last: int) -> np.ndarray:
    """Contracts whose term ends pay out to the account; a loan that ends was paid back."""
    ends = (state.matures <= last) & (state.contract > 0)
    ends[:, DEMAND] = False
    paying = np.zeros(len(PRODUCTS))
    paying[MATURE] = 1
    freed = (state.balance * ends) @ paying
    close_contracts(state, ends, state.matures)
    return freed


def _lapse(law: World, traits: Traits, state: State, first: int, last: int, month: int) -> np.ndarray:
    """Customers who give up wealth products (more after losses, less when loyal) or pay loans back early."""
    products = np.array([WEALTH, FUND, LOAN, CARD, INSURANCE])
    n = np.arange(len(traits))
    falling = market(law, month - 1) < -0.02
    base = np.array([-4.3, -3.7, -4.6, -5.2, -5.4])
    odds = base[None, :] - 2.2 * (traits.loyalty[:, None] - 0.5) + 0.8 * (traits.price[:, None] - 0.5)
    odds[:, :2] += 0.7 * falling
    luck = draws.uniform(law.seed, "lapse", n[:, None], products[None, :], np.full((1, 1), first))
    chance = expit(odds)
    leaves = np.zeros(state.contract.shape, bool)
    # A contract opened this month cannot lapse in it: openings are entered after this step.
    leaves[:, products] = (
        (luck < chance) & (state.contract[:, products] > 0) & (state.opened < first)[:, None]
    )
    freed = state.balance[:, WEALTH] * leaves[:, WEALTH] + state.balance[:, FUND] * leaves[:, FUND]
    day = np.full(state.contract.shape, first, np.int64)
    day[:, products] += (luck / chance * (last - first + 1)).clip(0, last - first).astype(np.int64)
    close_contracts(state, leaves, day)
    return freed


def market(law: World, month: int) -> float:
    """Return of the share market in a month."""
    return float(0.004 + 0.035 * draws.normal(law.seed, "market", np.full(1, month + 1000))[0])


def _grow(law: World, traits: Traits, state: State, first: int, month: int) -> None:
    n = np.arange(len(traits))
    state.balance *= 1 + YIELD / 12
    own = market(law, month) + 0.01 * draws.normal(law.seed, "own return", n, np.full(1, first))
    state.balance[:, INVESTED] *= (1 + own)[:, None]
    state.balance[:, SAVINGS] += np.where(state.contract[:, SAVINGS] > 0, 0.12 * traits.income, 0)
    months_left = np.maximum((state.matures[:, LOANS] - first) / 30.4375, 1)
    state.balance[:, LOANS] *= np.where(state.contract[:, LOANS] > 0, 1 - 1 / (months_left + 1), 0)
    spending = (
        (0.1 + 0.5 * traits.credit)
        * traits.income
        * np.exp(0.4 * draws.normal(law.seed, "card", n, np.full(1, first)))
    )
    state.balance[:, CARD] = np.where(state.contract[:, CARD] > 0, spending, 0)
    np.round(state.balance, 2, out=state.balance)


def _account_target(law: World, traits: Traits, first: int, month: int) -> np.ndarray:
    """Where the account's balance is pulled to: wealth and income, a trend of its own, bonus and tuition seasons."""
    n = np.arange(len(traits))
    calendar = (np.datetime64(first, "D").astype("datetime64[M]").astype(int) % 12) + 1
    season = np.ones(len(SEGMENTS))
    if calendar in (1, 2):
        season[[0, 1, 3, 4]] = [1.25, 1.35, 1.15, 1.2]
    if calendar == 9:
        season[[0, 1]] = [0.9, 0.8]
    trend = 0.12 * draws.normal(law.seed, "trend", n) * month / 12
    noise = 0.22 * draws.normal(law.seed, "account", n, np.full(1, first))
    raised = np.where(world.larger_income(law, len(traits), month + 1), 1.25, 1.0)
    return (
        (0.16 * traits.wealth + 0.7 * traits.income) * season[traits.segment] * np.exp(trend + noise) * raised
    )


def _leave(law: World, traits: Traits, state: State, first: int, last: int, here: np.ndarray) -> None:
    """About 1.5 % of customers a year close everything; the loyal do it less."""
    luck = draws.uniform(law.seed, "leaves", np.arange(len(traits)), np.full(1, first))
    chance = 0.0013 * np.exp(-2.5 * (traits.loyalty - 0.5))
    goes = (luck < chance) & here & (state.opened < first) & (state.contract[:, LOANS] == 0).all(axis=1)
    state.left[goes] = last
    close_contracts(state, goes[:, None] & (state.contract > 0), np.full(state.contract.shape, last))
