"""Consents and consumer-finance contracts of the sample bank's customers."""

from __future__ import annotations

import numpy as np

from bankcrm import bulk
from customers.sample_bank import draws
from customers.sample_bank.names import days
from customers.sample_bank.population import Population
from customers.sample_bank.transactions import digits

CHANNELS = ["phone", "sms", "email", "app", "all"]
OBJECTS = 0.12  # of customers, to at least one channel
PARTNERS = ["Red Lantern Market", "Swallow Travel", "Jade Electronics", "Cedar School"]
SCENES = ["home appliances", "travel", "telephone", "tuition"]


def write_consents(seed: int, population: Population, last: int) -> int:
    """COPY the consents; returns the rows."""
    return bulk.copy_columns("customers_consent", consents(seed, population, last))


def consents(seed: int, population: Population, last: int) -> dict[str, bulk.Column]:
    """Objections of about 12 % of customers, most to one channel; some others said yes."""
    n = np.arange(len(population))
    objects = n[draws.uniform(seed, "objects", n) < OBJECTS]
    channel = draws.choice([45, 25, 15, 7, 8], draws.uniform(seed, "objects to", objects))
    more = objects[draws.uniform(seed, "objects twice", objects) < 0.2]
    second = (channel[np.isin(objects, more)] + 1) % 4  # another channel; never the same as the first
    agrees = n[(draws.uniform(seed, "agrees", n) < 0.3) & ~np.isin(n, objects)]
    who = np.concatenate([objects, more, agrees])
    what = np.concatenate(
        [channel, second, draws.choice([5, 3, 1, 3], draws.uniform(seed, "agrees to", agrees))]
    )
    no = np.arange(len(who)) < len(objects) + len(more)
    age = draws.uniform(seed, "consent age", who, what)
    since = last - (age * np.minimum(last - population.opened[who], 1500)).astype(np.int64)
    return {
        "customer_id": who + 1,
        "channel": bulk.Coded(what, CHANNELS),
        # Who objects to every channel asked not to be contacted at all.
        "purpose": bulk.Coded((what == CHANNELS.index("all")).astype(int), ["marketing", "all"]),
        "is_objection": no,
        "since": days(since),
        "source": bulk.Coded((age < 0.5).astype(int), ["branch", "app"]),
    }


def write_consumer_finance(seed: int, population: Population, last: int) -> int:
    """COPY the contracts; returns the rows."""
    return bulk.copy_columns("customers_consumerfinancecontract", consumer_finance(seed, population, last))


def consumer_finance(seed: int, population: Population, last: int) -> dict[str, bulk.Column]:
    """Contracts of about 5 % of customers, mostly the young: fee up front, principal, what is left, what is overdue."""
    traits, n = population.traits, np.arange(len(population))
    chance = np.array([0.12, 0.06, 0.005, 0.03, 0.0, 0.05])[traits.segment]
    who = n[(draws.uniform(seed, "consumer finance", n) < chance) & (population.opened < last - 40)]
    pick = {
        word: draws.uniform(seed, f"consumer finance {word}", who) for word in ("age", "size", "what", "late")
    }
    oldest = np.minimum(last - population.opened[who], 700)
    opened = last - (pick["age"] * oldest).astype(np.int64)
    principal = np.round(traits.income[who] * (0.3 + 2.2 * pick["size"]), -2)
    left = np.round(principal * np.clip(1 - (last - opened) / 720, 0, 1), 2)
    late = pick["late"] < 0.09
    return {
        "number": np.strings.add(b"F", digits(who + 1, 8)),
        "customer_id": who + 1,
        "opened_on": days(opened),
        "partner": bulk.Coded((pick["what"] * 4).astype(int), PARTNERS),
        "scene": bulk.Coded((pick["what"] * 16 % 4).astype(int), SCENES),
        "upfront_fee": np.round(principal * 0.035, 2),
        "principal": principal,
        "principal_outstanding": left,
        "overdue_days": np.where(late & (left > 0), (pick["late"] / 0.09 * 120).astype(np.int64), 0),
        "as_of": days(np.full(len(who), last)),
    }
