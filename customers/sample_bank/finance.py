"""The months of consumer-finance contracts in the sample bank: paid down evenly, some late, some of those catching up.

Draws are hashes of a stream of their own, so that nothing else about the bank depends on them.
"""

from __future__ import annotations

import datetime

import numpy as np

from bankcrm import bulk
from customers import consumer_finance
from customers.sample_bank import draws
from customers.sample_bank.bank import day_number, month_ends
from customers.sample_bank.names import days
from customers.sample_bank.transactions import digits

TERM_DAYS = 720
FALLS_BEHIND, CATCHES_UP = 0.008, 0.25
TABLE = "customers_consumerfinancestate"
# Whoever came by a shop's instalment offer has a contract from the first day; others now and then.
ARRIVES_WITH = {"partner": 0.75, "online": 0.2, "app": 0.1}
# Share of such contracts that are late on the last day; one partner's customers pay worse.
LATE, LATE_BY_PARTNER = 0.08, {"Jade Electronics": 0.25}


def write_arrivals(seed: int, first: datetime.date, last: datetime.date) -> int:
    """COPY the contracts customers came with who joined between the two days; returns the rows."""
    found = bulk.read_columns(
        "SELECT id, opened_on, acquisition_channel AS channel, acquisition_partner AS partner,"
        " acquisition_scene AS scene FROM customers_customer WHERE opened_on BETWEEN %s AND %s ORDER BY id",
        [first, last],
    )
    chance = np.array([ARRIVES_WITH.get(channel, 0.0) for channel in found["channel"]])
    chosen = draws.uniform(seed, "arrives with finance", found["id"]) < chance
    who, opened = found["id"][chosen], found["opened_on"][chosen].astype("datetime64[D]").astype(np.int64)
    principal = 1000 + np.round(19_000 * draws.uniform(seed, "arrival principal", who) ** 2, -2)
    luck = draws.uniform(seed, "arrival late", who)
    late = np.array([LATE_BY_PARTNER.get(partner, LATE) for partner in found["partner"][chosen]])
    age = day_number(last) - opened
    left = np.round(principal * np.clip(1 - age / TERM_DAYS, 0, 1), 2)
    return bulk.copy_columns(
        "customers_consumerfinancecontract",
        {
            "number": np.strings.add(b"G", digits(who, 8)),
            "customer_id": who,
            "opened_on": days(opened),
            "partner": found["partner"][chosen],
            "scene": found["scene"][chosen],
            "upfront_fee": np.round(principal * 0.035, 2),
            "principal": principal,
            "principal_outstanding": left,
            "overdue_days": np.where(luck < late, np.minimum(age, luck / late * 150).astype(np.int64), 0),
            "as_of": days(np.full(len(who), day_number(last))),
        },
    )


def write_states(seed: int, first: datetime.date, last: datetime.date) -> int:
    """Write a state of every contract for each month-end from ``first`` to ``last``; returns the rows.

    A contract whose newest state is of ``last`` keeps it and gets the months before so that they lead there; one of an
    earlier day lives on. Afterwards every contract is its newest state.
    """
    found = bulk.read_columns(
        "SELECT number, customer_id, opened_on, partner, scene, upfront_fee, principal, principal_outstanding,"
        " overdue_days, as_of FROM customers_consumerfinancecontract ORDER BY number"
    )
    if not len(found["number"]):
        return 0
    as_of = found["as_of"].astype("datetime64[D]").astype(np.int64)
    opened = found["opened_on"].astype("datetime64[D]").astype(np.int64)
    ends = [day_number(end) for end in month_ends(first, last)]
    rows, late = 0, found["overdue_days"].astype(np.int64)
    for end in ends:
        known = as_of == day_number(last)
        late = _living_on(seed, found["customer_id"], late, end, known)
        # What is late on the last day was less late before: it leads there.
        overdue = np.where(known, np.maximum(0, found["overdue_days"] - (as_of - end)), late)
        left = np.round(found["principal"] * np.clip(1 - (end - opened) / TERM_DAYS, 0, 1), 2)
        overdue = np.where(left > 0, np.minimum(overdue, end - opened), 0)
        told = known & (end == as_of)
        left = np.where(told, found["principal_outstanding"], left)
        overdue = np.where(told, found["overdue_days"], overdue)
        chosen = opened <= end
        rows += bulk.copy_columns(TABLE, _columns(found, chosen, left, overdue, end))
    consumer_finance.derive_again()
    return rows


def _living_on(seed: int, who: np.ndarray, late: np.ndarray, end: int, known: np.ndarray) -> np.ndarray:
    """Days overdue a month later: some fall behind, of those behind some catch up, the others fall further."""
    luck = draws.uniform(seed, "finance month", who, np.full(1, end))
    begins = np.where(luck < FALLS_BEHIND, 1 + (luck / FALLS_BEHIND * 29).astype(np.int64), 0)
    goes_on = np.where(luck < CATCHES_UP, 0, late + 30)
    return np.where(known, late, np.where(late > 0, goes_on, begins))


def _columns(
    found: dict[str, np.ndarray], chosen: np.ndarray, left: np.ndarray, overdue: np.ndarray, end: int
) -> dict[str, bulk.Column]:
    same = ("number", "customer_id", "opened_on", "partner", "scene", "upfront_fee", "principal")
    return {
        **{name: found[name][chosen] for name in same},
        "principal_outstanding": left[chosen],
        "overdue_days": overdue[chosen].astype(np.int64),
        "as_of": days(np.full(int(chosen.sum()), end)),
    }
