"""Who buys in a round, with and without being contacted: both answers from one draw per customer, product and round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customers.sample_bank import draws, world
from customers.sample_bank.world import MARKETED, WINDOW_DAYS, Traits, World

NEVER = np.iinfo(np.int32).max


@dataclass
class Treatment:
    """Customers assigned in one round, one entry each; positions, not ids. ``day``: of the contact, since 1970."""

    campaign: np.ndarray  # words
    customer: np.ndarray
    product: np.ndarray
    arm: np.ndarray  # words
    channel: np.ndarray  # words
    is_control: np.ndarray
    reached: np.ndarray
    day: np.ndarray
    skill: np.ndarray  # of the relationship manager who made the contact
    contacts: np.ndarray  # times reached in the 90 days before


@dataclass
class Outcome:
    """The truth about a treatment's entries: probabilities, the shared draw, and what it makes of them."""

    baseline: np.ndarray
    contacted: np.ndarray
    draw: np.ndarray

    @property
    def buys_anyway(self) -> np.ndarray:
        return self.draw < self.baseline

    @property
    def buys_if_reached(self) -> np.ndarray:
        return self.draw < self.contacted


@dataclass
class Purchases:
    customer: np.ndarray
    product: np.ndarray
    day: np.ndarray

    def between(self, first: int, last: int) -> Purchases:
        now = (self.day >= first) & (self.day <= last)
        return Purchases(self.customer[now], self.product[now], self.day[now])


def outcome(
    law: World, traits: Traits, monthly: np.ndarray, treatment: Treatment, start: int, month: int
) -> Outcome:
    """Both potential outcomes of every entry for 60 days from ``start``; ``monthly``: ``world.hazard`` on its eve."""
    where = (treatment.customer, treatment.product)
    baseline = world.over(monthly[where], WINDOW_DAYS)
    tau = world.effect(
        law,
        traits,
        treatment.customer,
        treatment.product,
        treatment.arm,
        treatment.channel,
        treatment.skill,
        treatment.contacts,
        month,
    )
    return Outcome(baseline, world.contacted(baseline, tau), luck(law, *where, start))


def luck(law: World, customer: np.ndarray, product: np.ndarray, start: int) -> np.ndarray:
    """The one draw of a customer for a product in the round that starts on ``start``."""
    return draws.uniform(law.seed, "buys", customer, product, np.full(1, start))


def purchases(
    law: World,
    monthly: np.ndarray,
    first: int,
    start: int,
    last: int,
    treatment: Treatment | None = None,
    truth: Outcome | None = None,
) -> Purchases:
    """All purchases from day ``first`` to ``last``; the window of 60 days opens on ``start``.

    Days before and after the window have draws of their own, so the window's probabilities are exactly the world's.
    Where ``last`` comes a day or two early (January and February are 59 days), the window's purchases move closer.
    """
    customer, product = np.arange(len(monthly))[:, None], np.arange(monthly.shape[1])[None, :]
    day = np.full(monthly.shape, NEVER, np.int64)
    window = min(WINDOW_DAYS, last - start + 1)
    baseline = world.over(monthly, WINDOW_DAYS)
    draw = luck(law, customer, product, start)
    buys = draw < baseline
    place = draw / np.where(baseline > 0, baseline, 1)
    day[buys] = start + (place[buys] * window).astype(np.int64)
    targeted = np.zeros(monthly.shape, bool)
    if treatment is not None and truth is not None:
        targeted[treatment.customer, treatment.product] = True
        _treat(day, start + window - 1, treatment, truth)
    if start > first:
        early = draws.uniform(law.seed, "before", customer, product, np.full(1, first))
        chance = world.over(monthly, start - first)
        # Who is in a campaign's list did not hold the product when it was made.
        took = (early < chance) & ~targeted
        day[took] = first + (early[took] / chance[took] * (start - first)).astype(np.int64)
    rest = last - (start + window) + 1
    if rest > 0:
        late = draws.uniform(law.seed, "after", customer, product, np.full(1, start))
        chance = world.over(monthly, rest)
        took = (late < chance) & (day == NEVER)
        day[took] = start + window + (late[took] / chance[took] * rest).astype(np.int64)
    who, what = np.nonzero(day <= last)
    return Purchases(who, what, day[who, what])


def _treat(day: np.ndarray, end: int, treatment: Treatment, truth: Outcome) -> None:
    """Replace the day of purchase of everybody reached by the one the contact leads to, ``end`` at the latest."""
    reached = treatment.reached & ~treatment.is_control
    where = (treatment.customer, treatment.product)
    gap = np.where(truth.contacted > truth.baseline, truth.contacted - truth.baseline, 1.0)
    wait = 1 + ((truth.draw - truth.baseline) / gap * 13).astype(np.int64)
    moved = np.minimum(treatment.day + wait, end)
    won = reached & truth.buys_if_reached & ~truth.buys_anyway
    lost = reached & truth.buys_anyway & ~truth.buys_if_reached
    day[where[0][won], where[1][won]] = moved[won]
    day[where[0][lost], where[1][lost]] = NEVER


def first_per_product(treatment: Treatment) -> np.ndarray:
    """True for the entry that counts where several campaigns offer one customer one product: the earliest contact."""
    key = treatment.customer.astype(np.int64) * len(MARKETED) + treatment.product
    order = np.lexsort((treatment.day, ~treatment.reached, key))
    first = np.ones(len(key), bool)
    first[1:] = key[order][1:] != key[order][:-1]
    counts = np.zeros(len(key), bool)
    counts[order[first]] = True
    return counts
