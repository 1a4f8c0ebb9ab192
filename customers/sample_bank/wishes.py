"""What sample customers said beyond marketing offers, and who is left alone for a while. Draws of its own stream."""

from __future__ import annotations

import numpy as np

from bankcrm import bulk
from customers.sample_bank import draws
from customers.sample_bank.names import days
from customers.sample_bank.population import Population

# purpose → share of customers who object, share who agree
SAID = {"profiling": (0.010, 0.05), "survey": (0.03, 0.04), "partners": (0.04, 0.01)}
QUIET = 0.006
REASONS = ["bereavement", "complaint", "wish"]


def write(seed: int, population: Population, last: int) -> int:
    """COPY words on purposes other than marketing, and quiet periods of the last year; returns the rows."""
    return sum(_words(seed, population, last, purpose) for purpose in SAID) + _quiet(seed, population, last)


def _words(seed: int, population: Population, last: int, purpose: str) -> int:
    n = np.arange(len(population))
    objecting, agreeing = SAID[purpose]
    luck = draws.uniform(seed, f"wishes {purpose}", n)
    who = n[luck < objecting + agreeing]
    age = draws.uniform(seed, f"wishes {purpose} age", who)
    return bulk.copy_columns(
        "customers_consent",
        {
            "customer_id": who + 1,
            "channel": bulk.Coded(np.zeros(len(who), int), ["all"]),
            "purpose": bulk.Coded(np.zeros(len(who), int), [purpose]),
            "is_objection": luck[who] < objecting,
            "since": days(last - (age * np.minimum(last - population.opened[who], 900)).astype(np.int64)),
            "source": bulk.Coded((age < 0.7).astype(int), ["branch", "app"]),
        },
    )


def _quiet(seed: int, population: Population, last: int) -> int:
    """Most are over; about one in eight still holds on the day after the history."""
    n = np.arange(len(population))
    who = n[(draws.uniform(seed, "quiet", n) < QUIET) & (population.opened < last - 30)]
    ago = (draws.uniform(seed, "quiet ago", who) * 330).astype(np.int64)
    first = last - ago
    long = 14 + (draws.uniform(seed, "quiet days", who) * 60).astype(np.int64)
    why = draws.choice([3, 3, 4], draws.uniform(seed, "quiet why", who))
    return bulk.copy_columns(
        "customers_quietperiod",
        {
            "customer_id": who + 1,
            "first_day": days(first),
            "last_day": days(first + long),
            "reason": bulk.Coded(why, REASONS),
            "source": bulk.Coded(why, ["call", "complaint", "branch"]),
        },
    )
