"""A large sample bank is written part by part: the same rows as at once, and memory that does not hold every name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bankcrm.copy_format import Coded
from customers.sample_bank import names, population, staff
from customers.sample_bank.staff import Staff

SIZE, CUT = 1_000, 400  # cut where no customer is the one before, typed again
FIRST, LAST = np.datetime64("2024-11-01"), np.datetime64("2026-10-31")
IDS = Staff(
    np.arange(1, 13),
    np.arange(100, 100 + staff.MANAGERS),
    np.arange(200, 200 + staff.MANAGERS),
    np.arange(13),
)


@pytest.fixture(scope="module")
def people() -> population.Population:
    return population.draw(7, SIZE, FIRST, LAST, staff.branch_of_managers())


def told(columns: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns as plain values, None where there is none."""
    found = {}
    for name, values in columns.items():
        if isinstance(values, Coded):
            found[name] = [values.words[code] for code in values.codes]
        elif isinstance(values, np.ma.MaskedArray):
            found[name] = values.tolist()
        else:
            found[name] = [None if str(value) == "nan" else value for value in values.tolist()]
    return found


def test_customers_drawn_in_two_parts_are_the_same_as_at_once(people: population.Population) -> None:
    left = np.full(SIZE, population.Population.NEVER, np.int32)
    left[::50] = 20_700
    whole = told(names.columns(7, people, left, IDS))
    halves = [
        told(names.columns(7, people.part(start, stop), left[start:stop], IDS))
        for start, stop in ((0, CUT), (CUT, SIZE))
    ]
    assert whole == {name: halves[0][name] + halves[1][name] for name in whole}
    assert len(set(whole["number"])) == SIZE


def test_a_part_of_a_part_keeps_its_place(people: population.Population) -> None:
    inner = people.part(200, 800).part(200, 400)
    assert inner.numbers.tolist() == list(range(400, 600))
    assert (inner.traits.wealth == people.traits.wealth[400:600]).all()
    assert (inner.born == people.born[400:600]).all()


def test_nobody_is_born_on_a_day_an_import_would_refuse() -> None:
    many = population.draw(7, 20_000, FIRST, LAST, staff.branch_of_managers())
    left = np.full(20_000, population.Population.NEVER, np.int32)
    born = names.columns(7, many, left, IDS)["birth_date"]
    known = born[~np.isnat(born)]
    # What some systems write for "not known" stays among the dirt.
    assert (known == np.datetime64("1900-01-01")).sum() > 20
    assert known.min() == np.datetime64("1900-01-01")
    assert known.max() < LAST
