"""Rows of the big bank, one chunk of customers at a time: the sample bank's, moved to where the chunk stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from bankcrm.bulk import Coded, Column
from customers.sample_bank import draws, loading, names, population, world
from customers.sample_bank.buying import Purchases
from customers.sample_bank.names import days
from customers.sample_bank.population import Population
from customers.sample_bank.staff import Staff
from customers.sample_bank.state import LOAN, State, advance_month, open_contracts
from customers.sample_bank.transactions import digits
from customers.sample_bank.world import DEMAND, MARKETED, MORTGAGE, PRODUCTS, World

SEED = 1000
# Of a customer's contracts the share that shows a balance: one row per customer and month on average.
WITH_BALANCE = 0.53
OUTCOMES = ["no_answer", "interested", "call_back", "declined", "accepted"]
EMPTY = np.empty(0, np.int64)
NOBODY = Purchases(EMPTY, EMPTY, EMPTY)


@dataclass(frozen=True)
class Campaign:
    """A past campaign: a quarter of the customers drawn, a tenth of them control, the others called in a fortnight."""

    code: str
    product: int
    days_ago: int


CAMPAIGNS = [Campaign(f"PAST-{number}", number % len(MARKETED), 340 - 42 * number) for number in range(8)]
ASSIGNED, CONTROL, REACHED = 0.25, 0.10, 0.6
QUIET = 0.02


@dataclass
class Part:
    """A chunk of customers: the first one's id minus one, who they are, what they hold and what each draw hangs on."""

    base: int
    law: World
    people: Population
    state: State


def draw(base: int, size: int, first: int, last: int, places: np.ndarray, next_holding: int) -> Part:
    """Customers on the eve of day ``first`` with their contracts; ``places``: branch of each manager."""
    law = World(SEED + base)
    drawn = population.draw(law.seed, size, np.datetime64(first, "D"), np.datetime64(last, "D"), places)
    people = replace(drawn, first=base)
    state = State.empty(people.opened, len(PRODUCTS))
    state.next_id = next_holding
    who, what = np.nonzero(population.initial_holdings(law.seed, people, first))
    longest = np.full(len(PRODUCTS), 700)
    longest[MORTGAGE], longest[LOAN] = 2500, 330
    ago = 1 + draws.uniform(law.seed, "held since", who, what) * longest[what]
    day = np.maximum(people.opened[who], (first - ago).astype(np.int64))
    day = np.where(what == DEMAND, people.opened[who], day).astype(np.int64)
    size_of = world.amounts(law, people.traits, who, what, -1)
    open_contracts(law, people.traits, state, Purchases(who, what, day), size_of)
    return Part(base, law, people, state)


def customers(part: Part, ids: Staff) -> dict[str, Column]:
    """Columns of ``customers_customer``; numbers, phones and addresses are unique in the whole bank."""
    return names.columns(part.law.seed, part.people, part.state.left, ids)


def moved(columns: dict[str, Column], base: int, references: int | None = None) -> dict[str, Column]:
    """Columns of positions 0 to CHUNK as those of customers after ``base``; ``references``: rows written before."""
    found = {**columns, "customer_id": np.asarray(columns["customer_id"]) + base}
    if references is not None:
        found["reference"] = digits(references + np.arange(len(found["customer_id"])), 15)
    return found


def numbered(columns: dict[str, Column]) -> dict[str, Column]:
    """Consumer-finance contracts numbered after their customers."""
    return {**columns, "number": np.strings.add(b"F", digits(np.asarray(columns["customer_id"]), 8))}


def quiet_periods(part: Part, today: int) -> dict[str, Column]:
    """Columns of ``customers_quietperiod``: one customer in fifty had one this year, a tenth of these still has."""

    def pick(purpose: str) -> np.ndarray:
        return draws.uniform(SEED, f"quiet {purpose}", part.people.numbers)

    chosen = pick("drawn") < QUIET
    first = today - (pick("first")[chosen] * 365).astype(np.int64)
    return {
        "customer_id": part.people.numbers[chosen] + 1,
        "first_day": days(first),
        "last_day": days(first + 7 + (pick("length")[chosen] * 60).astype(np.int64)),
        "reason": Coded((pick("reason")[chosen] * 3).astype(int), ["bereavement", "complaint", "wish"]),
        "source": _same(int(chosen.sum()), "bench"),
    }


def balances(part: Part, begin: int, stop: int, number: int, end: dt.date, ids: Staff) -> dict[str, Column]:
    """Live through one month; columns of its ``customers_monthlybalance``."""
    traits, state = part.people.traits, part.state
    contract = state.contract.copy()
    busy = np.zeros(len(traits), bool)
    month = advance_month(part.law, traits, state, begin, stop, number, NOBODY, number, busy)
    kept = draws.uniform(SEED, "balance", contract[month.customer, month.product]) < WITH_BALANCE
    for name in ("customer", "product", "average", "closing"):
        setattr(month, name, getattr(month, name)[kept])
    return moved(loading.balance_columns(end, month, ids), part.base)


def write_holdings(part: Part, ids: Staff) -> int:
    """COPY the contracts of the chunk, closed ones marked; returns how many."""
    for opened in part.state.contracts.opened:
        opened["customer"] = opened["customer"] + part.base
    return loading.write_contracts(part.state.contracts, ids)[0]


def campaign(
    part: Part, past: Campaign, last: int
) -> tuple[dict[str, Column], dict[str, Column], dict[str, Column]]:
    """Columns of assignments, contacts and responses of one past campaign."""
    start = last - past.days_ago

    def pick(purpose: str, of: np.ndarray) -> np.ndarray:
        return draws.uniform(SEED, f"{past.code} {purpose}", of)

    chosen = part.people.numbers[
        (pick("drawn", part.people.numbers) < ASSIGNED) & (part.people.opened < start)
    ]
    control = pick("control", chosen) < CONTROL
    assigned: dict[str, Column] = {
        "campaign_code": _same(len(chosen), past.code),
        "customer_id": chosen + 1,
        "cell_code": Coded(control.astype(int), ["A", "control"]),
        "is_control": control,
        "product_code": _same(len(chosen), MARKETED[past.product]),
        "assigned_on": days(np.full(len(chosen), start)),
        "source": _same(len(chosen), "bench"),
    }
    called = chosen[~control]
    reached = pick("reached", called) < REACHED
    said = np.where(reached, 1 + (pick("said", called) ** 1.5 * 4).astype(int), 0)
    day = start + 1 + (pick("day", called) * 14).astype(np.int64)
    contacts: dict[str, Column] = {
        "contacted_on": days(day),
        "reference": np.strings.add(f"past:{past.code}:".encode(), digits(called + 1, 8)),
        "customer_id": called + 1,
        "campaign_code": _same(len(called), past.code),
        "cell_code": _same(len(called), "A"),
        "product_code": _same(len(called), MARKETED[past.product]),
        "channel": _same(len(called), "phone"),
        "outcome": Coded(said, OUTCOMES),
        "was_reached": reached,
    }
    answered = said >= OUTCOMES.index("declined")
    who, bought = called[answered], said[answered] == OUTCOMES.index("accepted")
    responses: dict[str, Column] = {
        "customer_id": who + 1,
        "campaign_code": _same(len(who), past.code),
        "cell_code": _same(len(who), "A"),
        "product_code": _same(len(who), MARKETED[past.product]),
        "kind": Coded(bought.astype(int), ["refusal", "conversion"]),
        "how": Coded(bought.astype(int), ["reported", "matched"]),
        "responded_on": days(day[answered] + 3),
    }
    return assigned, contacts, responses


def _same(size: int, word: str) -> Coded:
    return Coded(np.zeros(size, np.int8), [word])
