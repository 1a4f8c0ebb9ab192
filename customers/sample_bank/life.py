"""The world goes on: a round of purchases, with campaigns or without, and the months it covers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db import connection, transaction

from bankcrm import bulk
from customers.profile import month_end
from customers.sample_bank import bank as banks
from customers.sample_bank import finance, loading, rounds, staff, truth
from customers.sample_bank.bank import Bank, Progress, day_number, month_ends
from customers.sample_bank.buying import NEVER, Treatment
from customers.sample_bank.creation import build_profiles
from customers.sample_bank.rounds import Decided, Setting
from customers.sample_bank.state import State
from customers.sample_bank.world import MARKETED, PRODUCTS

FATIGUE_DAYS = 90
SHORTEST = 59  # days: January and February; the window of 60 is fitted into them


@dataclass
class Assigned:
    """One campaign's customers as assigned, treated and control alike; arrays of one length, or one value for all.

    ``reached`` is what happened, not what was typed; nobody of the control group is ever reached.
    """

    campaign_code: str
    product: str  # code, one of ``MARKETED``
    customer_id: np.ndarray
    is_control: np.ndarray
    reached: np.ndarray
    contacted_on: np.ndarray  # datetime64[D]; NaT where nobody was reached
    rm_id: np.ndarray  # user who made the contact; 0: nobody
    arm: str | np.ndarray = "A"
    channel: str | np.ndarray = "phone"


@dataclass(frozen=True)
class Advanced:
    """What a round brought: the bank as it is now, contracts opened and closed."""

    bank: Bank
    opened: int
    closed: int


def advance(
    bank: Bank,
    to: datetime.date,
    treated: Sequence[Assigned] = (),
    start: datetime.date | None = None,
    profiles: bool = True,
    progress: Progress = lambda text: None,
) -> Advanced:
    """Let the bank live from the day after ``bank.as_of`` to the month-end of ``to``.

    ``treated``: the campaigns of the round. Their 60 days run from ``start`` (default: the day after ``bank.as_of``; a
    later day must leave 59 days up to ``to``), whatever the day of a contact. Purchases become holdings,
    lost ones are closed, balances and transactions of the new months are written, profiles are built, and both
    potential outcomes of every target are kept as truth. Raises ``ValueError`` for dates or targets that do not fit.
    """
    first, last = bank.as_of + datetime.timedelta(days=1), month_end(to)
    opening = start or first
    if not first <= opening <= last - datetime.timedelta(days=SHORTEST - 1):
        raise ValueError(f"60 days from {opening} do not lie between {first} and {last}")
    with bulk.without_time_limit():
        setting = setting_of(bank, progress)
        treatment = _treatment(setting, treated, opening) if treated else None
        decided = rounds.decide(setting, first, last, opening, treatment)
        with transaction.atomic():
            rounds.live(setting, decided, first, last)
            opened, closed = loading.write_contracts(setting.state.contracts, setting.staff)
            _mark_left(setting, first)
            finance.write_states(bank.seed, first, last)
            loading.continue_numbers()
        after = replace(bank, as_of=last)
        _remember(after, treatment, decided, opening)
        loading.analyze()
        if profiles:
            build_profiles(month_ends(first, last), progress)
    return Advanced(after, opened, closed)


def setting_of(bank: Bank, progress: Progress = lambda text: None) -> Setting:
    """Everybody's state on the eve of the round, read back from the database."""
    customers = bulk.read_columns(
        "SELECT id, opened_on, closed_on FROM customers_customer WHERE id <= %s ORDER BY id", [bank.size]
    )
    if len(customers["id"]) != bank.size:
        raise ValueError(f"customers of the sample bank are missing: {len(customers['id'])} of {bank.size}")
    state = State.empty(_numbers(customers["opened_on"]).astype(np.int32), len(PRODUCTS))
    state.left = _numbers(customers["closed_on"]).astype(np.int32)
    who = staff.read()
    position = {int(product): place for place, product in enumerate(who.products)}
    held = bulk.read_columns(
        "SELECT id, customer_id, product_id, matures_on FROM customers_holding"
        " WHERE closed_on IS NULL AND customer_id <= %s AND product_id = ANY(%s) ORDER BY id",
        [bank.size, who.products.tolist()],
    )
    where = held["customer_id"] - 1, _places(held["product_id"], position)
    state.contract[where] = held["id"]
    state.matures[where] = _numbers(held["matures_on"])
    balances = bulk.read_columns(
        "SELECT customer_id, product_id, closing FROM customers_monthlybalance"
        " WHERE month = %s AND customer_id <= %s AND product_id = ANY(%s)",
        [bank.as_of, bank.size, who.products.tolist()],
    )
    state.balance[balances["customer_id"] - 1, _places(balances["product_id"], position)] = balances[
        "closing"
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM customers_holding")
        state.next_id = cursor.fetchone()[0]
    return Setting(bank, banks.law(), truth.traits(), state, who, progress)


def _places(products: np.ndarray, position: dict[int, int]) -> np.ndarray:
    table = np.zeros(max(position) + 1, np.int64)
    table[list(position)] = list(position.values())
    return table[products]


def _numbers(dates: np.ndarray) -> np.ndarray:
    return np.where(np.isnat(dates), NEVER, dates.astype("datetime64[D]").astype(np.int64))


def _treatment(setting: Setting, treated: Sequence[Assigned], opening: datetime.date) -> Treatment:
    """The round's campaigns as positions; checks that they can have happened."""
    skills = truth.skills()
    parts = [_one(each, setting.bank.size, skills) for each in treated]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    day = day_number(opening)
    late = columns["reached"] & ((columns["day"] < day) | (columns["day"] > day + 59))
    if late.any():
        raise ValueError(f"{late.sum()} contacts lie outside the 60 days from {opening}")
    contacts = recent_contacts(setting.bank.size, opening)
    return Treatment(**columns, contacts=contacts[columns["customer"]])


def _one(each: Assigned, size: int, skills: dict[int, float]) -> dict[str, np.ndarray]:
    if each.product not in MARKETED:
        raise ValueError(f"{each.product} is not among the marketed products {MARKETED}")
    customer = np.asarray(each.customer_id, np.int64) - 1
    if len(np.unique(customer)) != len(customer):
        raise ValueError(f"{each.campaign_code} lists a customer twice")
    if len(customer) and (customer.min() < 0 or customer.max() >= size):
        raise ValueError(f"{each.campaign_code} lists customers who are not of the sample bank")
    count = len(customer)
    control, reached = np.asarray(each.is_control, bool), np.asarray(each.reached, bool)
    if (control & reached).any():
        raise ValueError(
            f"{each.campaign_code}: {(control & reached).sum()} of the control group were reached"
        )
    return {
        "campaign": np.full(count, each.campaign_code, object),
        "customer": customer,
        "product": np.full(count, MARKETED.index(each.product)),
        "arm": np.broadcast_to(np.asarray(each.arm, object), count),
        "channel": np.broadcast_to(np.asarray(each.channel, object), count),
        "is_control": np.broadcast_to(control, count),
        "reached": np.broadcast_to(reached, count),
        "day": _numbers(np.broadcast_to(each.contacted_on, count)),
        "skill": np.array([skills.get(int(user), 0.0) for user in np.broadcast_to(each.rm_id, count)]),
    }


def recent_contacts(size: int, opening: datetime.date) -> np.ndarray:
    """Times each customer was truly reached by a campaign whose round began in the 90 days before."""
    customer = truth.reached_between(opening - datetime.timedelta(days=FATIGUE_DAYS), opening)
    return np.bincount(customer - 1, minlength=size).astype(float)


def _mark_left(setting: Setting, first: datetime.date) -> None:
    """Customers who left in these months."""
    left = setting.state.left
    gone = np.nonzero((left >= day_number(first)) & (left != NEVER))[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_customer SET closed_on = gone.day FROM unnest(%s::bigint[], %s::date[]) AS gone (id, day)"
            " WHERE customers_customer.id = gone.id",
            [(gone + 1).tolist(), left[gone].astype("datetime64[D]").tolist()],
        )


def _remember(bank: Bank, treatment: Treatment | None, decided: Decided, opening: datetime.date) -> None:
    if treatment is not None and decided.truth is not None and decided.value is not None:
        truth.add_targets(
            treatment, decided.truth, decided.value, list(MARKETED), np.datetime64(opening, "D")
        )
    truth.remember({"as_of": bank.as_of.isoformat()})
