"""An import that gives a customer to somebody else, or finds one who had left, says so in the customer's history."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from bankcrm import clock
from bankcrm.models import User
from customers import imports, timeline
from customers.imports import loads, undo
from customers.models import Customer, CustomerReturn, Holding, ImportFile, PortfolioMove
from tests.cast import Cast, login
from tests.customers.imports_world import product, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    # What an import did happened on the day it happens, whatever day a test of campaigns lives on.
    clock.set_day(timezone.localdate())


def bring(folder: Path, text: str, user: User, kind: str = "customers", **load: Any) -> ImportFile:
    name = f"{len(list(folder.iterdir()))}.csv"
    file = imports.receive(write(folder, text, name), kind, user, name)
    file = imports.check(loads.describe(file, **({"source": "core"} | load)))
    if file.missing:
        loads.confirm(file, user, loads.CLOSE, file.missing)
    return imports.merge(file)


def moves(number: str) -> list[tuple[User | None, ...]]:
    found = PortfolioMove.objects.filter(customer__number=number).order_by("pk")
    return [(one.from_rm, one.to_rm, one.backup_before, one.backup_after) for one in found]


def told(cast: Cast, number: str) -> set[str]:
    customer = Customer.objects.get(number=number)
    return {entry.kind for entry in timeline.timeline(cast.aud, customer, dt.date(2027, 1, 1))}


def managers(*rows: tuple[str, User | None, User | None]) -> str:
    lines = ["number,name,branch,primary rm,backup rm"]
    for number, primary, backup in rows:
        staff = [who.employee_number if who else "" for who in (primary, backup)]
        lines.append(",".join([number, f"Name {number}", "N1", *staff]))
    return "\n".join(lines) + "\n"


def test_a_new_manager_or_backup_leaves_a_row_and_the_undo_takes_it_away(cast: Cast, tmp_path: Path) -> None:
    first = bring(
        tmp_path,
        managers(
            ("C1", cast.rita, None), ("C2", cast.rita, cast.raj), ("C3", cast.rita, None), ("C4", None, None)
        ),
        cast.ana,
    )
    assert (first.inserted, PortfolioMove.objects.count()) == (4, 0)  # who begins with a manager did not move
    second = bring(
        tmp_path,
        managers(
            ("C1", cast.raj, None), ("C2", cast.rita, None), ("C3", None, cast.raj), ("C4", cast.raj, None)
        ).replace("Name C2", "Another name"),
        cast.ana,
    )
    assert second.updated == 4
    assert moves("C1") == [(cast.rita, cast.raj, None, None)]
    assert moves("C2") == [(cast.rita, cast.rita, cast.raj, None)]
    assert moves("C3") == [(cast.rita, None, None, cast.raj)]
    assert moves("C4") == [(None, cast.raj, None, None)]
    assert set(PortfolioMove.objects.values_list("file", "transfer")) == {(second.pk, None)}
    assert told(cast, "C1") == {"moved_by_import", "import_customers"}
    assert told(cast, "C2") == {"backup_off", "import_customers"}
    assert told(cast, "C3") == {"moved_off", "backup_by_import", "import_customers"}
    page = (
        login(cast.max)
        .get(reverse("customer-portfolio", args=[Customer.objects.get(number="C3").pk]))
        .content.decode()
    )
    assert "Rita → nobody, backup nobody → Raj: import of core" in page
    assert "Ana · " in page
    history = (
        login(cast.max).get(f"/customers/{Customer.objects.get(number='C1').pk}/history/").content.decode()
    )
    assert "Given to Raj by an import" in history
    undo.undo(second, cast.ana)
    assert not PortfolioMove.objects.exists()
    assert Customer.objects.get(number="C1").primary_rm == cast.rita


def test_a_file_that_says_nothing_of_managers_or_the_same_leaves_none(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, managers(("C1", cast.rita, None)), cast.ana)
    bring(tmp_path, "number,name\nC1,Other\n", cast.ana)
    bring(tmp_path, managers(("C1", cast.rita, None)).replace("Name C1", "Third"), cast.ana)
    assert not PortfolioMove.objects.exists()
    bring(tmp_path, f"number,backup rm\nC1,{cast.raj.employee_number}\n", cast.ana)
    assert moves("C1") == [(None, None, None, cast.raj)]


def people(*numbers: str, more: str = "", cell: str = "") -> str:
    return f"number,name{more}\n" + "".join(f"{one},Name {one}{cell}\n" for one in numbers)


def test_whom_a_full_load_lists_again_is_open_again_with_history_and_undo(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, people("C1", "C2", "C3"), cast.ana)
    gone = bring(tmp_path, people("C1", "C2"), cast.ana, load="full", effective_on=dt.date(2026, 9, 30))
    left = Customer.objects.get(number="C3")
    assert (gone.closed, left.closed_on) == (1, dt.date(2026, 9, 30))
    delta = bring(tmp_path, people("C3"), cast.ana)
    left.refresh_from_db()
    assert (delta.updated, left.closed_on) == (
        0,
        dt.date(2026, 9, 30),
    )  # a delta does not speak of who is there
    again = bring(
        tmp_path, people("C3", "C2", "C1"), cast.ana, load="full", effective_on=dt.date(2026, 10, 31)
    )
    left.refresh_from_db()
    assert (again.updated, again.closed, left.closed_on) == (1, 0, None)
    row = CustomerReturn.objects.get()
    assert (row.customer, row.left_on, row.returned_on) == (left, dt.date(2026, 9, 30), dt.date(2026, 10, 31))
    assert {"left_then", "returned"} <= told(cast, "C3")
    assert told(cast, "C1") == {"import_customers"}
    undo.undo(again, cast.ana)
    left.refresh_from_db()
    assert left.closed_on == dt.date(2026, 9, 30)
    assert not CustomerReturn.objects.exists()


def test_a_column_that_speaks_of_leaving_has_the_last_word(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, people("C1", "C2"), cast.ana)
    Customer.objects.update(closed_on=dt.date(2026, 9, 30))
    said = "number,name,closed on\nC1,Name C1,2026-09-30\nC2,Name C2,\n"
    bring(tmp_path, said, cast.ana, load="full", effective_on=dt.date(2026, 10, 31))
    assert dict(Customer.objects.values_list("number", "closed_on")) == {
        "C1": dt.date(2026, 9, 30),
        "C2": None,
    }
    assert list(CustomerReturn.objects.values_list("customer__number", flat=True)) == ["C2"]


def test_a_row_that_was_left_out_opens_nobody(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, people("C1", "C2"), cast.ana)
    Customer.objects.filter(number="C2").update(closed_on=dt.date(2026, 9, 30))
    bring(tmp_path, "number,name,children\nC1,Name C1,1\nC2,Name C2,many\n", cast.ana, load="full")
    assert Customer.objects.get(number="C2").closed_on == dt.date(2026, 9, 30)
    assert not CustomerReturn.objects.exists()


def test_a_contract_that_is_listed_again_is_open_again(cast: Cast, tmp_path: Path) -> None:
    product()
    bring(tmp_path, people("C1"), cast.ana)
    rows = ["H1,C1,savings,2026-01-05", "H2,C1,savings,2026-01-05"]
    head = "number,customer number,product,opened_on\n"
    for load, listed in (("delta", rows), ("full", rows[:1])):
        bring(tmp_path, head + "\n".join(listed) + "\n", cast.ana, "holdings", load=load)
    assert Holding.objects.filter(closed_on__isnull=False).count() == 1
    bring(tmp_path, head + "\n".join(reversed(rows)) + "\n", cast.ana, "holdings", load="full")
    assert not Holding.objects.filter(closed_on__isnull=False).exists()
