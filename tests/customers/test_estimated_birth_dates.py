"""A date of birth made from an age: good for the age, claimed as nobody's birthday, steady from file to file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from bankcrm import clock
from customers import customer_page, kyc, tabs
from customers.imports import undo
from customers.models import Customer, ImportFile
from customers.worth_knowing import worth_knowing
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload

AGES = b"number,name,Age,branch\nC1,Li,42,N1\nC2,Wang,60,N1\n"
TODAY = dt.date(2026, 11, 25)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings: Any, cast: Cast) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(TODAY)


def come(cast: Cast, data: bytes, day: str, name: str = "clients.csv") -> ImportFile:
    client = login(cast.ada)
    page = upload(client, data, name=name)
    file = bring_in(client, page, filled(page) | {"effective_on": day})
    assert (file.state, file.rejected) == (ImportFile.State.MERGED, 0)
    return file


def born() -> dict[str, tuple[dt.date | None, bool]]:
    rows = Customer.objects.values_list("number", "birth_date", "birth_date_is_estimated")
    return {number: (day, is_estimated) for number, day, is_estimated in rows}


def test_an_age_makes_an_estimate_and_nobody_has_a_birthday_from_it(cast: Cast) -> None:
    come(cast, AGES, "2026-06-01")
    assert born() == {"C1": (dt.date(1983, 12, 1), True), "C2": (dt.date(1965, 12, 1), True)}
    for is_estimated in (True, False):
        Customer.objects.update(birth_date_is_estimated=is_estimated)
        seen = tabs.look(cast.ana, kyc.found(cast.ana, Customer.objects.get(number="C1").pk))
        ahead = customer_page.header(seen, "overview")["ahead"]
        assert bool(ahead) is not is_estimated
        assert any("Turns 43" in one.text for one in worth_knowing(seen, 20)) is not is_estimated


def test_the_same_age_on_a_later_day_changes_nothing(cast: Cast) -> None:
    come(cast, AGES, "2026-06-01")
    file = come(cast, AGES + b"C3,Zhou,30,N1\n", "2026-07-01", "july.csv")
    assert (file.inserted, file.updated) == (1, 0)
    assert born()["C1"] == (dt.date(1983, 12, 1), True)


def test_an_age_that_no_longer_fits_makes_another_estimate(cast: Cast) -> None:
    come(cast, AGES, "2026-06-01")
    come(cast, AGES.replace(b"42", b"43"), "2026-07-01", "july.csv")
    assert born()["C1"] == (dt.date(1983, 1, 1), True)
    assert born()["C2"] == (dt.date(1965, 12, 1), True)


def test_an_exact_date_ends_an_estimate_and_an_age_that_fits_leaves_it_exact(cast: Cast) -> None:
    come(cast, AGES, "2026-06-01")
    exact = b"number,name,Date of birth,branch\nC1,Li,1983-12-01,N1\nC2,Wang,1965-09-09,N1\n"
    file = come(cast, exact, "2026-06-30", "exact.csv")
    assert file.updated == 2  # the first day is the same: what is new is that it is exact
    assert born() == {"C1": (dt.date(1983, 12, 1), False), "C2": (dt.date(1965, 9, 9), False)}
    come(
        cast, AGES.rstrip(), "2026-07-01", "july.csv"
    )  # other bytes: the same file twice would be nothing new
    assert born() == {"C1": (dt.date(1983, 12, 1), False), "C2": (dt.date(1965, 9, 9), False)}


def test_a_year_of_birth_is_an_estimate_too(cast: Cast) -> None:
    come(cast, b"number,name,Year of birth,branch\nC1,Li,1984,N1\n", "2026-06-01")
    assert born() == {"C1": (dt.date(1984, 7, 1), True)}


def test_undoing_the_exact_file_makes_it_an_estimate_again(cast: Cast) -> None:
    come(cast, AGES, "2026-06-01")
    file = come(cast, b"number,name,Date of birth,branch\nC1,Li,1984-01-05,N1\n", "2026-06-30", "exact.csv")
    undo.undo(file, cast.ada)
    assert born()["C1"] == (dt.date(1983, 12, 1), True)
