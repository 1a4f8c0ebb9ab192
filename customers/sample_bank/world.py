"""The laws of the planted world: who buys what unasked, and what a contact changes. Pure numpy, exact, reproducible.

Every probability of the bank is a function of latent traits (``Traits``), what the customer holds, the month and, for
contacted customers, product, arm, channel, relationship manager and earlier contacts. Only simulations may import this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, logit

from customers.sample_bank import draws

SEGMENTS = ("young", "family", "pensioner", "owner", "affluent", "dormant")
SHARES = (0.22, 0.24, 0.18, 0.10, 0.08, 0.18)
# Marketed products first: their position is their column in every probability matrix.
MARKETED = (
    "savings_plan",
    "time_deposit",
    "wealth_management",
    "fund",
    "personal_loan",
    "credit_card",
    "insurance",
)
BASE = ("demand_deposit", "mortgage", "treasury_bond", "precious_metal", "trust", "securities_custody")
PRODUCTS = MARKETED + BASE
DEMAND, MORTGAGE = PRODUCTS.index("demand_deposit"), PRODUCTS.index("mortgage")
ZERO_EFFECT = MARKETED.index("insurance")
WINDOW_DAYS = 60
MONTHLY_RATE = np.array([0.016, 0.021, 0.013, 0.013, 0.011, 0.017, 0.008])
CHANNELS = ("phone", "meeting", "sms", "email", "app", "letter")

# Rows: products; columns: wealth, digital, risk, loyalty, price, credit, maturing, larger income, competitor.
NOW = np.array(
    [
        [0.5, 0.9, -0.5, 0.6, 0.5, 0.4, 0.5, 0.9, -0.9],
        [0.8, -0.9, -1.3, 0.7, 0.9, -0.6, 1.5, 0.3, -0.7],
        [1.3, 0.3, 0.5, 0.6, 0.3, -0.3, 1.3, 0.5, 0.0],
        [0.9, 1.1, 1.6, 0.2, -0.2, 0.0, 0.6, 0.6, 0.0],
        [-0.7, 0.4, 0.3, 0.2, -0.3, 1.8, 0.0, -0.2, 0.0],
        [0.0, 1.1, 0.3, 0.2, -0.3, 1.2, 0.0, 0.5, 0.0],
        [0.9, -0.6, -0.5, 0.6, -0.2, 0.9, 0.3, 0.2, 0.0],
    ]
)
# What the coefficients have become two years after drift began.
LATER = NOW + np.array(
    [
        [0.9, -1.2, 0.6, 0.0, -1.4, 0.0, 0.0, 0.0, 0.0],
        [-0.6, 1.4, 0.5, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0],
        [-0.5, 0.9, -0.8, 0.0, 0.0, 0.0, -0.6, 0.0, 0.0],
        [0.5, -1.5, -1.2, 0.4, 0.6, 0.0, 0.0, 0.0, 0.0],
        [0.4, 0.8, 0.0, 0.0, 0.9, -0.7, 0.0, 0.0, 0.0],
        [0.5, -1.4, 0.0, 0.4, 0.0, -0.6, 0.0, 0.0, 0.0],
        [0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ]
)
# Effect of a contact on the log odds of buying in 60 days. Rows: segments; columns: marketed products.
EFFECT_NOW = np.array(
    [
        [1.00, 0.15, 0.20, 1.00, 0.35, 0.95, 0.0],
        [0.65, 0.35, 0.50, 0.35, 0.85, 0.50, 0.0],
        [0.05, 0.80, 0.50, -0.30, -1.30, -0.25, 0.0],
        [0.20, 0.30, 0.60, 0.40, 1.10, 0.65, 0.0],
        [0.20, 0.45, 1.05, 0.80, -0.30, 0.25, 0.0],
        [0.25, 0.25, 0.25, 0.20, 0.30, 0.45, 0.0],
    ]
)
EFFECT_LATER = np.array(
    [
        [0.25, 0.50, 0.30, 0.35, 0.75, 0.30, 0.0],
        [1.15, 0.30, 0.30, 0.90, 0.35, 0.85, 0.0],
        [0.55, 0.45, 0.20, 0.15, -1.10, -0.15, 0.0],
        [0.80, 0.30, 1.00, 0.70, 0.60, 0.30, 0.0],
        [0.35, 0.75, 0.60, 0.35, -0.10, 0.60, 0.0],
        [0.30, 0.60, 0.20, 0.15, 0.35, 0.30, 0.0],
    ]
)
# Arm B of the card campaign puts people off; elsewhere B is a little better or worse than A.
HARMFUL = (MARKETED.index("credit_card"), "B")
ARM_EFFECT = {
    (0, "B"): 0.10,
    (1, "B"): -0.15,
    (2, "B"): 0.10,
    (3, "B"): -0.20,
    (4, "B"): 0.15,
    HARMFUL: -1.70,
}
CHANNEL_EFFECT = {"phone": 0.0, "meeting": 0.20, "sms": -0.35, "email": -0.40, "app": -0.15, "letter": -0.45}
FATIGUE = 0.18  # per contact of the last 90 days
DRIFT_FROM, DRIFT_MONTHS = 18, 24
COMPETITOR_MONTH = 20


@dataclass
class Traits:
    """What no application can see, one entry per customer; position i is customer id ``i + 1``."""

    segment: np.ndarray  # int8, position in SEGMENTS
    age: np.ndarray  # float, years at the end of the history as created
    wealth: np.ndarray  # liquid wealth in the bank's currency
    income: np.ndarray  # a month
    digital: np.ndarray  # this and the next four: 0 to 1
    risk: np.ndarray
    loyalty: np.ndarray
    price: np.ndarray
    credit: np.ndarray
    rm: np.ndarray  # int16, position in the list of relationship managers; -1: none

    def __len__(self) -> int:
        return len(self.segment)


@dataclass(frozen=True)
class World:
    """Seed and calibrated constants; with the traits they give back every probability exactly."""

    seed: int
    intercepts: np.ndarray = field(default_factory=lambda: logit(MONTHLY_RATE))

    def as_json(self) -> dict[str, Any]:
        return {"seed": self.seed, "intercepts": [float(value).hex() for value in self.intercepts]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> World:
        return cls(int(stored["seed"]), np.array([float.fromhex(value) for value in stored["intercepts"]]))


def drift(month: int) -> float:
    """How far the world has moved from its first laws to its later ones: 0 before ``DRIFT_FROM``, at most 1."""
    return float(np.clip((month - DRIFT_FROM) / DRIFT_MONTHS, 0, 1))


def utilities(world: World, traits: Traits, maturing: np.ndarray, month: int) -> np.ndarray:
    """Log odds of buying in a month without the intercepts, (customers, marketed products)."""
    n = len(traits)
    causes = np.empty((n, NOW.shape[1]))
    causes[:, 0] = np.clip((np.log(traits.wealth) - 10.8) / 3.2, -1.2, 1.5)
    for column, trait in enumerate(
        (traits.digital, traits.risk, traits.loyalty, traits.price, traits.credit), start=1
    ):
        causes[:, column] = 2 * trait - 1
    causes[:, 6] = maturing
    causes[:, 7] = larger_income(world, n, month)
    causes[:, 8] = traits.price if month >= COMPETITOR_MONTH else 0.0
    share = drift(month)
    own = draws.normal(world.seed, "taste", np.arange(n)[:, None], np.arange(len(MARKETED))[None, :])
    return causes @ ((1 - share) * NOW + share * LATER).T + 0.1 * own


def larger_income(world: World, size: int, month: int) -> np.ndarray:
    """Whose income was raised in the three months before ``month``: true for about one in twelve."""
    luck = draws.uniform(world.seed, "raise", np.arange(size)[:, None], month - 1 - np.arange(3)[None, :])
    return np.asarray((luck < 1 / 36).any(axis=1))


def calibrate(seed: int, traits: Traits, eligible: np.ndarray, maturing: np.ndarray) -> World:
    """Intercepts at which eligible customers buy at ``MONTHLY_RATE`` in the first month, by bisection."""
    raw = utilities(World(seed), traits, maturing, 0)
    intercepts = np.empty(len(MARKETED))
    for product, rate in enumerate(MONTHLY_RATE):
        mine = raw[eligible[:, product], product]
        low, high = -15.0, 5.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if expit(mine + middle).mean() < rate else (low, middle)
        intercepts[product] = (low + high) / 2
    return World(seed, intercepts)


def hazard(
    world: World, traits: Traits, eligible: np.ndarray, maturing: np.ndarray, month: int
) -> np.ndarray:
    """Probability to buy within a month without a contact, (customers, marketed products); 0 where not eligible."""
    return np.where(eligible, expit(utilities(world, traits, maturing, month) + world.intercepts), 0.0)


def over(monthly: np.ndarray, days: float) -> np.ndarray:
    """Probability over ``days`` from a monthly one; 60 days are two months."""
    return -np.expm1(np.log1p(-monthly) * (days / 30.0))


def effect(
    world: World,
    traits: Traits,
    customer: np.ndarray,
    product: np.ndarray,
    arm: np.ndarray,
    channel: np.ndarray,
    skill: np.ndarray,
    contacts: np.ndarray,
    month: int,
) -> np.ndarray:
    """τ: what being reached adds to the log odds of buying within 60 days, one entry per contact.

    ``customer`` and ``product`` are positions, ``arm`` and ``channel`` words, ``skill`` the relationship manager's
    random effect, ``contacts`` how often the customer was reached in the 90 days before.
    """
    share = drift(month)
    by_segment = (1 - share) * EFFECT_NOW + share * EFFECT_LATER
    tau = by_segment[traits.segment[customer], product]
    tau = (
        tau
        + 0.5 * (traits.loyalty[customer] - 0.5)
        + 0.2 * draws.normal(world.seed, "persuadability", customer, product)
    )
    for (which, letter), extra in ARM_EFFECT.items():
        tau = tau + np.where((product == which) & (arm_letter(arm) == letter), extra, 0.0)
    for word, extra in CHANNEL_EFFECT.items():
        tau = tau + np.where(channel == word, extra, 0.0)
    # Phones suit those who do not live in the app, messages those who do.
    written = np.isin(channel, ("sms", "email", "app"))
    tau = tau + np.where(written, 0.6, -0.15) * (traits.digital[customer] - 0.5)
    tau = tau + skill - FATIGUE * contacts
    return np.where(product == ZERO_EFFECT, 0.0, tau)


def arm_letter(arm: np.ndarray) -> np.ndarray:
    """The last letter of an arm's code, in capitals: ``fund-b`` and ``B`` are the same arm to the world."""
    words, where = np.unique(np.asarray(arm, dtype=str), return_inverse=True)
    return np.array([word[-1:].upper() for word in words.tolist()] or [""])[where]


def contacted(baseline: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Probability of buying in the window once reached; who cannot buy at all stays at zero."""
    inside = np.clip(baseline, 1e-12, 1 - 1e-12)
    moved = expit(logit(inside) + tau)
    return np.where((baseline > 0) & (tau != 0), moved, baseline)


def amounts(
    world: World, traits: Traits, customer: np.ndarray, product: np.ndarray, moment: int
) -> np.ndarray:
    """What a customer puts into a product when buying it, log-normal with a heavy tail, in whole currency units."""
    luck = np.exp(0.55 * draws.normal(world.seed, "amount", customer, product, np.full(1, moment)))
    tail = draws.uniform(world.seed, "tail", customer, product, np.full(1, moment))
    luck = luck * np.where(tail < 0.02, (tail / 0.02) ** -0.5, 1.0)
    of_wealth = np.array([0, 0.30, 0.28, 0.16, 0, 0, 0, 0.25, 0, 0.12, 0.03, 0.35, 0.20])
    of_income = np.array([1.5, 0, 0, 0, 9.0, 2.5, 2.0, 0, 60.0, 0, 0, 0, 0])
    size = traits.wealth[customer] * of_wealth[product] + traits.income[customer] * of_income[product]
    return np.maximum(np.round(size * luck, -2), 100.0)


def skills(world: World, managers: int) -> np.ndarray:
    """Random effect of each relationship manager on τ: mean 0, standard deviation 0.15."""
    return 0.15 * draws.normal(world.seed, "skill", np.arange(managers))
