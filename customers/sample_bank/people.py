"""Simulated people: who answers, what comes of it, what staff type about it, who has enough. Pure and seeded.

``customer`` are positions (customer id − 1), ``day`` a day number since 1970; the same question has the same answer.
"""

from __future__ import annotations

import numpy as np

from customers.sample_bank import draws
from customers.sample_bank.world import Traits, World

REACH = {"phone": 0.64, "meeting": 0.60, "sms": 0.70, "email": 0.57, "app": 0.66, "letter": 0.58}
OUTCOMES = (
    "interested",
    "later",
    "converted",
    "declined",
    "no_answer",
    "wrong_number",
    "already_holds",
    "moved_away",
    "do_not_contact",
)
# What reached customers say who will not buy; who will says "interested" or buys on the spot.
REFUSALS = {"declined": 0.62, "later": 0.20, "interested": 0.13, "do_not_contact": 0.03, "moved_away": 0.02}
MISTAKES, FORGOTTEN = 0.05, 0.10


def reach_probability(
    traits: Traits, customer: np.ndarray, channel: str, hour: int | np.ndarray = 10
) -> np.ndarray:
    """Probability that one attempt reaches the customer: 0.55 to 0.75 on average by channel and hour.

    Working people answer in the evening, pensioners in the morning; messages reach those who live in the app.
    """
    hours = np.broadcast_to(hour, np.shape(customer))
    old = traits.age[customer] >= 60
    if channel in ("phone", "meeting"):
        timing = np.where(old, np.where(hours < 12, 0.08, -0.03), np.where(hours >= 17, 0.08, -0.02))
    else:
        timing = 0.20 * (traits.digital[customer] - 0.5)
    return np.clip(REACH[channel] + timing + 0.08 * (traits.loyalty[customer] - 0.5), 0.45, 0.85)


def reached(
    law: World,
    traits: Traits,
    customer: np.ndarray,
    channel: str,
    day: np.ndarray,
    hour: int | np.ndarray = 10,
) -> np.ndarray:
    """Whether an attempt on ``day`` at ``hour`` reaches the customer."""
    luck = draws.uniform(
        law.seed, f"reach {channel}", customer, day, np.broadcast_to(hour, np.shape(customer))
    )
    return luck < reach_probability(traits, customer, channel, hour)


def answer(
    law: World, customer: np.ndarray, day: np.ndarray, was_reached: np.ndarray, will_buy: np.ndarray
) -> np.ndarray:
    """The true outcome of a contact, a word of ``OUTCOMES`` (those of a lead); ``will_buy`` from the shared draw."""
    luck = draws.uniform(law.seed, "answer", customer, day)
    words = list(REFUSALS)
    said = np.array(words, object)[draws.choice(list(REFUSALS.values()), luck)]
    said = np.where(will_buy, np.where(luck < 0.4, "converted", "interested"), said)
    missed = np.where(draws.uniform(law.seed, "wrong", customer) < 0.01, "wrong_number", "no_answer")
    return np.where(was_reached, said, missed)


def typed(
    law: World, staff: np.ndarray, customer: np.ndarray, day: np.ndarray, outcome: np.ndarray
) -> np.ndarray:
    """What the relationship manager enters: 5 % are the wrong word, 10 % are forgotten (empty)."""
    luck = draws.uniform(law.seed, "typing", staff, customer, day)
    other = np.array(OUTCOMES, object)[
        (draws.uniform(law.seed, "slip", staff, customer, day) * len(OUTCOMES)).astype(int)
    ]
    entered = np.where(luck < MISTAKES, other, outcome)
    return np.where(luck > 1 - FORGOTTEN, "", entered)
