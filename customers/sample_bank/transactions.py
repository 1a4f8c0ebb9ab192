"""Bookings of a month: salaries, pensions, instalments, card payments and transfers, enough for a portrait (S1.6)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bankcrm.bulk import Coded, Column, Scaled
from customers.sample_bank import world
from customers.sample_bank.state import CARD, LOANS, State
from customers.sample_bank.world import SEGMENTS, Traits, World

CHUNK = 50_000  # customers; also part of the seed, so never an option
KINDS = ["card", "transfer", "cash", "fee", "other", "salary", "pension", "loan"]
CARD_KIND, TRANSFER, CASH, FEE, OTHER, SALARY, PENSION, LOAN_KIND = range(len(KINDS))
CHANNELS = ["online", "mobile", "phone", "epayment", "counter", "other"]
ONLINE, MOBILE, PHONE, EPAYMENT, COUNTER, ELSEWHERE = range(len(CHANNELS))
CATEGORIES = ["food", "home", "travel", "health", "education", "leisure", "insurance", "other", ""]
# How busy each segment is, and what it spends on.
BUSY = np.array([1.5, 1.1, 0.6, 2.4, 1.3, 0.05])
SPENDS = np.array(
    [
        [34, 10, 12, 3, 6, 24, 1, 10],
        [28, 20, 8, 6, 16, 9, 4, 9],
        [32, 20, 5, 24, 1, 6, 2, 10],
        [20, 16, 16, 5, 8, 12, 5, 18],
        [16, 14, 26, 6, 10, 18, 4, 6],
        [44, 22, 4, 8, 3, 8, 1, 10],
    ],
    float,
)
SIZE = np.array([0.055, 0.16, 0.07, 0.001, 0.05])  # of monthly income, by kind
FIRST = [
    "Blue Crane",
    "Red Lantern",
    "Harbour",
    "Jade",
    "Golden Field",
    "Silver River",
    "Plum",
    "Cedar",
    "Swallow",
]
FIRST += [
    "Lotus",
    "North Star",
    "Willow",
    "Magnolia",
    "Amber",
    "Kite",
    "Pine Hill",
    "Pearl",
    "Mulberry",
    "Heron",
]
LAST = ["Trading", "Foods", "Textiles", "Motors", "Logistics", "Pharmacy", "School", "Market", "Electronics"]
LAST += ["Travel", "Energy", "Properties", "Studio", "Books", "Water"]
FIRMS = [f"{first} {last}" for first in FIRST for last in LAST]
BANKS = [
    "Sample Bank",
    "Riverside Bank",
    "Union of Towns",
    "Harvest Bank",
    "Seaport Bank",
    "Postal Savings Demo",
]


def month(
    law: World, traits: Traits, state: State, first: int, last: int, number: int, mean: float
) -> Iterator[dict[str, Column]]:
    """Columns of ``customers_transaction`` for one month, some ten thousand customers at a time.

    ``mean``: bookings a month of an average customer, salaries included; ``number``: of the month since the beginning.
    """
    here = (state.opened <= first) & (state.left > first)
    written = 0
    prefix = int(str(np.datetime64(first, "D"))[:7].replace("-", "")) * 10**9
    for chunk, start in enumerate(range(0, len(traits), CHUNK)):
        who = start + np.nonzero(here[start : start + CHUNK])[0]
        rng = np.random.default_rng([law.seed, 77, first, chunk])
        parts = [_random(rng, traits, state, who, mean), *_regular(rng, law, traits, state, who, number)]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        size = len(columns["customer"])
        day = first + columns["day"] % (last - first + 1)
        reference = prefix + written + np.arange(size)
        written += size
        yield {
            "booked_on": day.astype("datetime64[D]"),
            "reference": digits(reference, 15),
            "customer_id": columns["customer"].astype(np.int64) + 1,
            "amount": Scaled(np.rint(columns["amount"] * 100).astype(np.int64)),
            "kind": Coded(columns["kind"], KINDS),
            "channel": Coded(columns["channel"], CHANNELS),
            "hour": columns["hour"],
            "merchant_category": Coded(columns["category"], CATEGORIES),
            "counterparty": Coded(columns["firm"], [*FIRMS, ""]),
            "counterparty_bank": Coded(columns["bank"], [*BANKS, ""]),
        }


def digits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Decimal text of ``numbers`` padded with zeros to ``width``, as an ``S`` array."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return ((numbers[:, None] // powers) % 10 + ord("0")).astype(np.uint8).view(f"S{width}").reshape(-1)


def _random(
    rng: np.random.Generator, traits: Traits, state: State, who: np.ndarray, mean: float
) -> dict[str, np.ndarray]:
    segment = traits.segment[who]
    has_card = state.contract[who, CARD] > 0
    rate = max(mean - 0.9, 0.1) * BUSY[segment] / 1.04 * np.where(has_card, 1.15, 0.85)
    customer = np.repeat(who, rng.poisson(rate))
    size, segment = len(customer), traits.segment[customer]
    kind = np.searchsorted(np.cumsum([0.62, 0.21, 0.09, 0.03]), rng.random(size)).astype(np.int8)
    digital = rng.random(size) < traits.digital[customer]
    pick = rng.random(size)
    remote = np.where(pick < 0.62, MOBILE, np.where(pick < 0.92, ONLINE, PHONE))
    channel = np.where(digital, remote, np.where(pick < 0.85, COUNTER, PHONE))
    channel = np.where(kind == CARD_KIND, np.where(digital, EPAYMENT, ELSEWHERE), channel)
    channel = np.where(kind == CASH, COUNTER, channel)
    evening = rng.normal(np.where(traits.age[customer] < 55, 15.5, 11.5), 3.6)
    hour = np.where(channel == COUNTER, 9 + pick * 8, evening.clip(6, 23)).astype(np.int16)
    edges = np.cumsum(SPENDS, axis=1) / SPENDS.sum(axis=1, keepdims=True)
    category = (rng.random(size)[:, None] > edges[segment]).sum(axis=1)
    # Who would borrow spends more of what comes in.
    spending = (0.6 + 0.8 * traits.credit[customer]) * traits.income[customer]
    amount = SIZE[kind] * spending * np.exp(rng.normal(-0.25, 0.75, size))
    incoming = ((kind == TRANSFER) & (pick < 0.35)) | ((kind == OTHER) & (pick < 0.5))
    large = (kind == TRANSFER) & incoming & (rng.random(size) < 0.02)
    amount = np.where(large, 0.25 * traits.wealth[customer] * np.exp(rng.normal(0, 0.5, size)), amount)
    # Everybody has a handful of places where most of the money goes.
    firm = (customer * 7919 + rng.geometric(0.35, size) * 104_729) % len(FIRMS)
    named = np.isin(kind, (CARD_KIND, TRANSFER))
    return {
        "customer": customer,
        "day": rng.integers(0, 31, size),
        "kind": kind,
        "channel": channel.astype(np.int8),
        "hour": hour,
        "category": np.where(kind == CARD_KIND, category, len(CATEGORIES) - 1).astype(np.int8),
        "amount": np.where(incoming, amount, -amount).round(2),
        "firm": np.where(named, firm, len(FIRMS)).astype(np.int16),
        "bank": np.where(kind == TRANSFER, firm % len(BANKS), len(BANKS)).astype(np.int8),
    }


def _regular(
    rng: np.random.Generator, law: World, traits: Traits, state: State, who: np.ndarray, number: int
) -> list[dict[str, np.ndarray]]:
    """Salary or pension once a month, and one instalment for those who owe."""
    # This month's rise too: by the next one it moves decisions.
    raised = np.where(world.larger_income(law, len(traits), number + 1), 1.25, 1.0)[who]
    segment = traits.segment[who]
    pensioner = segment == SEGMENTS.index("pensioner")
    paid = rng.random(len(who)) < np.array([0.92, 0.95, 0.97, 0.45, 0.7, 0.12])[segment]
    income = traits.income[who] * raised * np.exp(rng.normal(0, 0.03, len(who)))
    owing = (state.contract[who][:, LOANS] > 0).any(axis=1)
    months = np.maximum((state.matures[who][:, LOANS] - 1) / 30.4375 % 360, 12)
    instalment = (state.balance[who][:, LOANS] / months * 1.08).sum(axis=1)
    return [
        _booking(
            rng,
            who[paid],
            income[paid],
            np.where(pensioner, PENSION, SALARY)[paid],
            9,
            who[paid] * 31 % len(FIRMS),
        ),
        _booking(rng, who[owing], -instalment[owing] - 100, np.full(owing.sum(), LOAN_KIND), 19, None),
    ]


def _booking(
    rng: np.random.Generator,
    who: np.ndarray,
    amount: np.ndarray,
    kind: np.ndarray,
    day: int,
    firm: np.ndarray | None,
) -> dict[str, np.ndarray]:
    size = len(who)
    return {
        "customer": who,
        "day": day + rng.integers(0, 2, size),
        "kind": kind.astype(np.int8),
        "channel": np.full(size, ELSEWHERE, np.int8),
        "hour": np.full(size, 8, np.int16),
        "category": np.full(size, len(CATEGORIES) - 1, np.int8),
        "amount": amount.round(2),
        "firm": (np.full(size, len(FIRMS)) if firm is None else firm).astype(np.int16),
        "bank": np.full(size, len(BANKS), np.int8),
    }
