"""Files of consumer-finance contracts: every state is kept, the newest is the contract, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from customers import imports
from customers.models import ConsumerFinanceContract, ConsumerFinanceState, Customer
from tests import facts
from tests.cast import Cast
from tests.customers import imports_world

pytestmark = pytest.mark.django_db

HEAD = "number,customer number,as_of,opened_on,partner,upfront_fee,principal,outstanding,dpd"


@pytest.fixture
def li(cast: Cast) -> Customer:
    return facts.customer("Li Na", home_branch=cast.tree.n1, number="C1")


def write(folder: Path, *rows: str, name: str = "file.csv") -> Path:
    return imports_world.write(folder, "\n".join([HEAD, *rows]) + "\n", name)


def test_a_file_of_months_keeps_each_and_the_contract_is_the_newest(
    cast: Cast, li: Customer, tmp_path: Path
) -> None:
    file = imports_world.merged(
        write(
            tmp_path,
            "F1,C1,2026-09-30,2026-08-03,Jade,35,1000,900,31",
            "F1,C1,2026-08-31,2026-08-03,Jade,35,1000,950,0",
        ),
        "consumer_finance",
        cast.ana,
    )
    assert file.inserted == 2, imports_world.rejects(file)
    contract = ConsumerFinanceContract.objects.get()
    assert (contract.as_of.isoformat(), contract.overdue_days, float(contract.principal_outstanding)) == (
        "2026-09-30",
        31,
        900.0,
    )
    # An older month that comes later fills the history and leaves the contract alone; a newer one moves it.
    imports_world.merged(
        write(tmp_path, "F1,C1,2026-10-31,2026-08-03,Jade,35,1000,850,62", name="b.csv"),
        "consumer_finance",
        cast.ana,
    )
    imports_world.merged(
        write(tmp_path, "F1,C1,2026-08-15,2026-08-03,Jade,35,1000,1000,0", name="c.csv"),
        "consumer_finance",
        cast.ana,
    )
    assert ConsumerFinanceContract.objects.get().overdue_days == 62
    assert ConsumerFinanceState.objects.count() == 4


def test_a_corrected_month_changes_the_contract_it_is_the_newest_of(
    cast: Cast, li: Customer, tmp_path: Path
) -> None:
    for at, dpd in enumerate((62, 0)):
        row = f"F1,C1,2026-10-31,2026-08-03,Jade,35,1000,850,{dpd}"
        imports_world.merged(write(tmp_path, row, name=f"{at}.csv"), "consumer_finance", cast.ana)
    assert ConsumerFinanceState.objects.count() == 1
    assert ConsumerFinanceContract.objects.get().overdue_days == 0


def test_undoing_the_file_takes_its_months_and_contracts_away(
    cast: Cast, li: Customer, tmp_path: Path
) -> None:
    from customers.imports import undo

    imports_world.merged(
        write(tmp_path, "F1,C1,2026-09-30,2026-08-03,Jade,35,1000,900,0"), "consumer_finance", cast.ana
    )
    second = imports_world.merged(
        write(
            tmp_path,
            "F1,C1,2026-10-31,2026-08-03,Jade,35,1000,850,31",
            "F2,C1,2026-10-31,2026-08-03,Jade,35,500,450,0",
            name="b.csv",
        ),
        "consumer_finance",
        cast.ana,
    )
    undo.undo(second, cast.ana)
    assert list(ConsumerFinanceContract.objects.values_list("number", "overdue_days")) == [("F1", 0)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("F1,C1,2026-08-01,2026-08-03,,35,1000,900,0", "dates_out_of_order"),
        ("F1,C1,2026-09-30,2026-08-03,,35,1000,1100,0", "more_than_principal"),
        ("F1,C9,2026-09-30,2026-08-03,,35,1000,900,0", "unknown_customer"),
        ("F0,C1,2026-09-30,2026-08-03,,35,1000,900,0", "other_customer"),
        ("F1,C1,,2026-08-03,,35,1000,900,0", "missing"),
    ],
)
def test_a_row_that_cannot_be_is_left_out_with_its_reason(
    cast: Cast, li: Customer, tmp_path: Path, row: str, code: str
) -> None:
    other = facts.customer("Wu", number="C2")
    good = "F0,C2,2026-09-30,2026-08-03,Jade,35,1000,900,0"
    imports_world.merged(write(tmp_path, good, name="a.csv"), "consumer_finance", cast.ana)
    file = imports.check(
        imports.receive(
            write(tmp_path, row, "F5,C2,2026-09-30,2026-08-03,Jade,35,1000,900,0", name="b.csv"),
            "consumer_finance",
            cast.ana,
            "b.csv",
        )
    )
    assert [found[2] for found in imports_world.rejects(file)] == [code]
    assert ConsumerFinanceContract.objects.get().customer == other
