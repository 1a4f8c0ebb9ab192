"""Making the sample bank: its people, two years of history, and the truth about them."""

from __future__ import annotations

import datetime

import numpy as np
from django.db import transaction

from bankcrm import bulk
from customers.profile import month_end
from customers.sample_bank import (
    attitudes,
    draws,
    finance,
    loading,
    names,
    past,
    population,
    rounds,
    staff,
    truth,
    wishes,
    world,
)
from customers.sample_bank.bank import Bank, NotEmpty, Progress, day_number, facts_of, month_ends
from customers.sample_bank.buying import Outcome, Purchases, Treatment
from customers.sample_bank.population import Population
from customers.sample_bank.rounds import Setting
from customers.sample_bank.state import MATURE, State, open_contracts
from customers.sample_bank.world import DEMAND, MARKETED, MORTGAGE, PRODUCTS, World

ROUND_MONTHS = 2
AT_ONCE = 100_000  # customers whose names and addresses are in memory at one time
Recorded = list[tuple[Treatment, Outcome, np.ndarray, datetime.date]]


def create(
    size: int = 20_000,
    months: int = 24,
    seed: int = 1,
    today: datetime.date | None = None,
    transactions_per_month: float = 8.0,
    password: str = "bankcrm-demo",  # noqa: S107  # a demo's login is no secret
    replace: bool = False,
    profiles: bool = True,
    progress: Progress = lambda text: None,
) -> Bank:
    """Write a bank of ``size`` customers with ``months`` of history up to the last month-end before ``today``.

    Deterministic: the same arguments make the same rows. All or nothing: a failure leaves the database as it was.
    ``replace`` first empties the tables it fills; without it, ``NotEmpty`` is raised when there are customers.
    """
    last = month_end(today or datetime.date.today(), 1)  # noqa: DTZ011  # a calendar day of the bank
    bank = Bank(size, seed, month_end(last, months - 1).replace(day=1), last, transactions_per_month)
    with bulk.without_time_limit():
        with transaction.atomic():
            if replace:
                loading.empty()
            elif loading.holds_customers():
                raise NotEmpty("the database holds customers already")
            setting, recorded = _write(bank, password, progress)
        skills = world.skills(setting.law, staff.MANAGERS).tolist()
        by_user = dict(zip(setting.staff.managers.tolist(), skills, strict=True))
        truth.replace(facts_of(bank, setting.law), setting.traits, by_user)
        for treatment, outcome, value, start in recorded:
            truth.add_targets(treatment, outcome, value, list(MARKETED), np.datetime64(start, "D"))
        loading.analyze()
        if profiles:
            build_profiles(month_ends(bank.first_month, bank.as_of), progress)
    return bank


def build_profiles(months: list[datetime.date], progress: Progress) -> None:
    """The month-end profile of every customer, for each of ``months``."""
    from customers import acquisition, profile

    for end in months:
        progress(f"profile {end:%Y-%m}: {profile.build(end):,} rows")
    acquisition.build(months[-1])


def _write(bank: Bank, password: str, progress: Progress) -> tuple[Setting, Recorded]:
    who = staff.write(password, bank.first_month)
    loading.ready_months(bank.first_month, bank.as_of)
    first, last = day_number(bank.first_month), day_number(bank.as_of)
    people = population.draw(
        bank.seed,
        bank.size,
        np.datetime64(bank.first_month),
        np.datetime64(bank.as_of),
        staff.branch_of_managers(),
    )
    progress(f"{bank.size:,} customers")
    state, law = _beginning(bank.seed, people, first)
    setting = Setting(bank, law, people.traits, state, who, progress)
    recorded, histories = _history(setting)
    for start in range(0, bank.size, AT_ONCE):
        part = people.part(start, start + AT_ONCE)
        left = state.left[start : start + AT_ONCE]
        bulk.copy_columns("customers_customer", names.columns(bank.seed, part, left, who))
    loading.write_contracts(state.contracts, who)
    for treatment, decided, start in histories:
        past.write(law, people.traits, treatment, decided, start)
    attitudes.write_consents(bank.seed, people, last)
    attitudes.write_consumer_finance(bank.seed, people, last)
    wishes.write(bank.seed, people, last)
    finance.write_arrivals(bank.seed, bank.first_month, bank.as_of)
    finance.write_states(bank.seed, bank.first_month, bank.as_of)
    loading.continue_numbers()
    return setting, recorded


def _beginning(seed: int, people: Population, first: int) -> tuple[State, World]:
    """What everybody holds on the eve of the history, and the laws calibrated to these people."""
    state = State.empty(people.opened, len(PRODUCTS))
    who, what = np.nonzero(population.initial_holdings(seed, people, first))
    eve = World(seed)
    # Contracts run since some time within their term, so that maturities are spread over the months to come.
    longest = np.full(len(PRODUCTS), 1500)
    longest[MATURE], longest[MORTGAGE], longest[4] = 85, 2500, 330
    ago = 1 + draws.uniform(seed, "held since", who, what) * longest[what]
    day = np.maximum(people.opened[who], (first - ago).astype(np.int64))
    day = np.where(what == DEMAND, people.opened[who], day).astype(np.int64)
    size = world.amounts(eve, people.traits, who, what, -1)
    open_contracts(eve, people.traits, state, Purchases(who, what, day), size)
    return state, world.calibrate(seed, people.traits, state.eligible(first), state.maturing(first))


def _history(setting: Setting) -> tuple[Recorded, list[tuple[Treatment, rounds.Decided, int]]]:
    """Live the rounds of two months up to the end, with the past campaigns in theirs."""
    bank, size = setting.bank, setting.bank.size
    ends = month_ends(bank.first_month, bank.as_of)
    odd = len(ends) % ROUND_MONTHS
    groups = ([ends[:odd]] if odd else []) + [
        ends[at : at + ROUND_MONTHS] for at in range(odd, len(ends), ROUND_MONTHS)
    ]
    skills = world.skills(setting.law, staff.MANAGERS)
    recorded: Recorded = []
    histories = []
    for group in groups:
        first, last = group[0].replace(day=1), group[-1]
        ago = bank.month_number(bank.as_of) - bank.month_number(first) + 1
        treatment = None
        for campaign in past.CAMPAIGNS:
            if campaign.months_ago == ago:
                contacts = _recent_contacts(recorded, size, day_number(first))
                treatment = past.assign(
                    setting.law, setting.traits, setting.state, campaign, day_number(first), skills, contacts
                )
        if treatment is not None and not len(treatment.customer):
            treatment = None
        decided = rounds.decide(setting, first, last, treatment=treatment)
        if treatment is not None and decided.truth is not None and decided.value is not None:
            recorded.append((treatment, decided.truth, decided.value, first))
            histories.append((treatment, decided, day_number(first)))
        rounds.live(setting, decided, first, last)
    return recorded, histories


def _recent_contacts(recorded: Recorded, size: int, day: int) -> np.ndarray:
    """Times each customer was reached in the 90 days before ``day``."""
    count = np.zeros(size)
    for treatment, *_ in recorded:
        recent = treatment.reached & (treatment.day >= day - 90) & (treatment.day < day)
        count += np.bincount(treatment.customer[recent], minlength=size)
    return count
