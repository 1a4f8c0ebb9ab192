"""Drawing the customers: latent traits by segment, when they came and left, and what they hold at the beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from customers.sample_bank import draws
from customers.sample_bank.world import PRODUCTS, SEGMENTS, SHARES, Traits

# Per segment: youngest, oldest, median wealth, spread of log wealth, median monthly income.
AGES = np.array([[20, 33], [28, 50], [58, 84], [30, 60], [36, 70], [24, 74]], float)
WEALTH = np.array(
    [[10_000, 0.9], [70_000, 0.8], [130_000, 0.8], [320_000, 0.9], [2_400_000, 0.8], [2_000, 0.9]]
)
INCOME = np.array([6_500, 14_000, 4_500, 33_000, 75_000, 4_200], float)
# Means on the log-odds scale: digital (before age), risk, loyalty, price, credit (before age). How far a customer is
# from the segment's mean: habits of channel differ most, and bookings show them.
TEMPER_SPREAD = np.array([0.9, 0.25, 0.25, 0.25, 0.2])
TEMPERS = np.array(
    [
        [1.0, 0.5, -0.4, 0.6, 0.3],
        [0.5, 0.0, 0.3, 0.3, 0.6],
        [-0.7, -1.1, 1.0, 0.2, -1.6],
        [0.4, 0.7, 0.0, -0.2, 0.9],
        [0.3, 0.5, 0.4, -0.8, -1.0],
        [-0.3, -0.3, -0.7, 0.4, -0.2],
    ]
)
# Chance to hold a product at the beginning; columns as PRODUCTS.
HELD = np.array(
    [
        # sav   td    wm    fund  loan  card  ins   dem  mort  bond  gold  trust custody
        [0.10, 0.04, 0.05, 0.14, 0.10, 0.42, 0.04, 1.0, 0.02, 0.01, 0.02, 0.00, 0.02],
        [0.14, 0.16, 0.16, 0.14, 0.14, 0.55, 0.20, 1.0, 0.45, 0.03, 0.04, 0.00, 0.03],
        [0.06, 0.45, 0.22, 0.05, 0.01, 0.14, 0.12, 1.0, 0.03, 0.12, 0.05, 0.00, 0.01],
        [0.08, 0.14, 0.22, 0.16, 0.22, 0.55, 0.18, 1.0, 0.28, 0.03, 0.06, 0.01, 0.05],
        [0.06, 0.28, 0.55, 0.40, 0.03, 0.60, 0.35, 1.0, 0.22, 0.10, 0.15, 0.08, 0.18],
        [0.03, 0.06, 0.02, 0.02, 0.04, 0.18, 0.03, 1.0, 0.03, 0.01, 0.01, 0.00, 0.00],
    ]
)
RETYPED_EVERY = 200  # 0.5 %: every two-hundredth customer is the one before, typed once more


@dataclass
class Population:
    """Traits and the dates that frame a customer; dates are days since 1970 (int32), ``NEVER`` where there is none."""

    traits: Traits
    born: np.ndarray
    opened: np.ndarray
    branch: np.ndarray  # int16, position among the twelve branches
    retyped: np.ndarray  # bool: the same person as the customer before
    first: int = 0  # number of the first one in the whole bank, a multiple of RETYPED_EVERY

    NEVER = np.iinfo(np.int32).max

    def __len__(self) -> int:
        return len(self.traits)

    @property
    def numbers(self) -> np.ndarray:
        """Of every customer in the whole bank, from 0: what names, numbers and draws hang on."""
        return self.first + np.arange(len(self))

    def part(self, start: int, stop: int) -> Population:
        """The customers from position ``start`` up to before ``stop``."""
        traits = Traits(*(values[start:stop] for values in vars(self.traits).values()))
        dates = (self.born[start:stop], self.opened[start:stop], self.branch[start:stop])
        return Population(traits, *dates, self.retyped[start:stop], self.first + start)


def draw(seed: int, size: int, first: np.datetime64, last: np.datetime64, managers: np.ndarray) -> Population:
    """``size`` customers of a bank whose history runs from ``first`` to ``last``.

    ``managers``: branch position of each relationship manager; portfolios are uneven, 2 % of customers have nobody.
    """
    n = np.arange(size)
    start, end = first.astype("datetime64[D]").astype(int), last.astype("datetime64[D]").astype(int)
    segment = draws.choice(SHARES, draws.uniform(seed, "segment", n)).astype(np.int8)
    low, high = AGES[segment].T
    age = low + (high - low) * np.sqrt(draws.uniform(seed, "age", n) * draws.uniform(seed, "age2", n))
    wealth = _wealth(seed, n, segment)
    income = INCOME[segment] * np.exp(
        0.35 * draws.normal(seed, "income", n) + 0.18 * np.log(wealth / WEALTH[segment, 0])
    )
    temper = TEMPERS[segment] + TEMPER_SPREAD * draws.normal(
        seed, "temper", n[:, None], np.arange(5)[None, :]
    )
    temper[:, 0] -= (age - 42) / 11
    temper[:, 4] -= np.maximum(np.abs(age - 33) - 12, 0) / 6  # borrowing is for 22 to 45
    digital, risk, loyalty, price, credit = expit(temper).T
    branch, rm = _places(seed, n, segment, managers)
    # A tenth joins during the history; before it, years with us grow with loyalty.
    joins = draws.uniform(seed, "joins", n)
    years = np.minimum(
        -np.log(draws.uniform(seed, "tenure", n)) * (2.0 + 9.0 * loyalty), np.maximum(age - 17, 0.5)
    )
    opened = np.where(joins < 0.10, start + (end - start - 31) * joins / 0.10, start - 1 - 365 * years)
    retyped = n % RETYPED_EVERY == RETYPED_EVERY - 1
    born = end - (age * 365.25).astype(np.int64)
    born[1:] = np.where(retyped[1:], born[:-1], born[1:])
    return Population(
        Traits(segment, age, wealth, income, digital, risk, loyalty, price, credit, rm),
        born.astype(np.int32),
        opened.astype(np.int32),
        branch,
        retyped,
    )


def _wealth(seed: int, n: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """Log-normal body; the richest three in a hundred of each segment follow Pareto with exponent 1.7."""
    median, spread = WEALTH[segment].T
    place = draws.uniform(seed, "wealth", n)
    body = median * np.exp(spread * draws.normal(seed, "wealth body", n))
    tail = median * np.exp(1.9 * spread) * ((1 - place) / 0.03).clip(1e-6) ** (-1 / 1.7)
    return np.round(np.where(place > 0.97, tail, body).clip(50, 2e8), 2)


def _places(
    seed: int, n: np.ndarray, segment: np.ndarray, managers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Branch and relationship manager: regions differ in their mix of segments, managers in their portfolio."""
    branches = int(managers.max()) + 1
    pull = np.exp(
        0.35 * draws.normal(seed, "mix", np.arange(len(SEGMENTS))[:, None], np.arange(branches)[None, :])
    )
    branch = draws.choice_by_row(pull, segment.astype(int), draws.uniform(seed, "branch", n))
    load = np.clip(np.exp(0.25 * draws.normal(seed, "portfolio", np.arange(len(managers)))), 0.65, 1.5)
    shares = np.where(managers[None, :] == np.arange(branches)[:, None], load[None, :], 0.0)
    rm = draws.choice_by_row(shares, branch, draws.uniform(seed, "manager", n))
    rm = np.where(draws.uniform(seed, "nobody", n) < 0.02, -1, rm)
    return branch.astype(np.int16), rm.astype(np.int16)


def initial_holdings(seed: int, population: Population, start: int) -> np.ndarray:
    """Who holds what at the beginning, (customers, PRODUCTS); who joins later starts with little but an account."""
    traits = population.traits
    n, products = np.arange(len(traits))[:, None], np.arange(len(PRODUCTS))[None, :]
    chance = HELD[traits.segment] * np.where(population.opened >= start, 0.25, 1.0)[:, None]
    chance = chance * np.where(population.retyped, 0.1, 1.0)[:, None]
    chance[:, PRODUCTS.index("demand_deposit")] = 1.0
    return draws.uniform(seed, "holds", n, products) < chance
