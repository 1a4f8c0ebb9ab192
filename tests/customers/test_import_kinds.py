"""Holdings, balances, transactions, consents and staff: their keys, references and own rules."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import NOT_PROVIDED

from bankcrm.models import User
from customers import imports
from customers.imports.kinds import KINDS
from customers.models import Consent, Customer, Holding, MonthlyBalance, Product, Transaction
from tests.cast import Cast, login
from tests.customers.imports_world import merged, product, rejects, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def bank(cast: Cast) -> Cast:
    Customer.objects.create(number="C1", name="A", home_branch=cast.tree.n1)
    Customer.objects.create(number="C2", name="B", home_branch=cast.tree.n1)
    product()
    return cast


def test_holdings_need_a_known_customer_and_product_and_dates_in_order(bank: Cast, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "contract,customer number,product code,opened,closed,amount\n"
        'H1,C1,savings,2024-01-01,,"10,000.00"\n'
        "H2,C9,savings,2024-01-01,,1\n"
        "H3,C1,gold,2024-01-01,,1\n"
        "H4,C1,savings,2024-01-01,2023-12-31,1\n"
        "H5,C1,savings,,,1\n",
    )
    file = merged(path, "holdings", bank.ana)
    assert rejects(file) == [
        (3, "customer number", "unknown_customer"),
        (4, "product code", "unknown_product"),
        (5, "closed", "dates_out_of_order"),
        (6, "opened", "missing"),
    ]
    holding = Holding.objects.get()
    assert (holding.number, holding.amount, holding.customer.number) == ("H1", Decimal(10000), "C1")
    later = merged(
        write(
            tmp_path,
            "contract,customer number,product code,opened,closed,amount\nH1,C1,savings,2024-01-01,2025-01-01,0\n",
            "b.csv",
        ),
        "holdings",
        bank.ana,
    )
    assert (later.inserted, later.updated) == (0, 1)
    assert Holding.objects.get().closed_on == dt.date(2025, 1, 1)


def test_a_constant_fills_what_the_file_does_not_say(bank: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, "number,customer,opened_on\nH1,C1,2024-01-01\n")
    with pytest.raises(imports.Refused, match="No column gives: Product"):
        merged(path, "holdings", bank.ana)
    file = imports.receive(path, "holdings", bank.ana)
    imports.remap(file, file.mapping, {"constants": {"product": "savings"}})
    assert imports.merge(imports.check(file)).inserted == 1


def test_balances_are_of_month_ends_and_land_in_partitions_of_their_months(
    bank: Cast, tmp_path: Path
) -> None:
    path = write(
        tmp_path,
        "month,customer,product,average,closing\n"
        "2024-01-31,C1,savings,10.50,12\n2024-02-29,C1,savings,11,13\n2024-02-28,C2,savings,1,1\n"
        "2024-01-31,C1,savings,9,9\n",
    )
    file = merged(path, "balances", bank.ana)
    assert rejects(file) == [
        (4, "month", "not_a_month_end"),
        (5, "month, customer, product", "duplicate_key"),
    ]
    assert list(MonthlyBalance.objects.order_by("month").values_list("closing", flat=True)) == [12, 13]
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM customers_monthlybalance ORDER BY 1")
        assert [name for (name,) in cursor] == [
            "customers_monthlybalance_202401",
            "customers_monthlybalance_202402",
        ]
    again = merged(
        write(tmp_path, "month,customer,product,average,closing\n2024-01-31,C1,savings,10.50,15\n", "b.csv"),
        "balances",
        bank.ana,
    )
    assert (again.inserted, again.updated, MonthlyBalance.objects.count()) == (0, 1, 2)


def test_transactions_are_known_by_day_and_reference(bank: Cast, tmp_path: Path) -> None:
    text = (
        "date,id,customer,amount,type,channel,hour\n"
        "2024-01-05,T1,C1,-12.50,card,mobile,9\n2024-01-06,T1,C1,100,工资,,23\n"
        "2024-01-05,T1,C2,5,cash,,1\n2024-01-07,T2,C1,5,barter,,\n2024-01-07,T3,C1,5,cash,,24\n"
    )
    file = merged(write(tmp_path, text), "transactions", bank.ana)
    assert rejects(file) == [
        (4, "date, id", "duplicate_key"),
        (5, "type", "unknown_value"),
        (6, "hour", "out_of_range"),
    ]
    found = Transaction.objects.order_by("booked_on").values_list("amount", "kind", "hour")
    assert list(found) == [(Decimal("-12.50"), "card", 9), (Decimal(100), "salary", 23)]
    again = merged(write(tmp_path, text + "\n", "again.csv"), "transactions", bank.ana)
    assert (again.inserted, again.updated, Transaction.objects.count()) == (0, 0, 2)


def test_an_older_consent_does_not_overwrite_a_later_one(bank: Cast, tmp_path: Path) -> None:
    merged(write(tmp_path, "customer,channel,objects,since\nC1,all,yes,2025-03-01\n"), "consents", bank.ana)
    file = merged(
        write(
            tmp_path, "customer,channel,objects,since\nC1,all,no,2025-01-01\nC2,短信,是,2025-01-01\n", "b.csv"
        ),
        "consents",
        bank.ana,
    )
    assert rejects(file) == [(2, "since", "older_than_known")]
    assert set(Consent.objects.values_list("customer__number", "channel", "is_objection")) == {
        ("C1", "all", True),
        ("C2", "sms", True),
    }


def test_staff_come_without_a_password_and_nobody_changes_the_own_role(cast: Cast, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "employee number,login,name,role,branch,capacity\n"
        "E-new,nina,Nina,客户经理,N2,15\nE-ada,ada,Ada,rm,HO,\nE-two,rita,Imposter,rm,N1,\n"
        "E-x,nina,Nina 2,rm,N1,\nE-rita,rita,Rita Q,rm,N2,30\nE-bad,bad,Bad,king,N1,\n",
    )
    file = merged(path, "staff", cast.ada)
    assert rejects(file) == [
        (3, "role", "own_role"),
        (4, "login", "username_taken"),
        (5, "login", "username_twice"),
        (7, "role", "unknown_value"),
    ]
    nina = User.objects.get(username="nina")
    assert (nina.role, nina.branch, nina.daily_capacity, nina.is_active) == ("rm", cast.tree.n2, 15, True)
    assert not nina.has_usable_password()
    rita = User.objects.get(username="rita")
    assert (rita.full_name, rita.branch, rita.daily_capacity) == ("Rita Q", cast.tree.n2, 30)
    assert rita.has_usable_password()
    assert User.objects.get(username="ada").role == "administrator"
    assert login(rita).get("/").status_code in (200, 302)


def test_what_cannot_have_happened_yet_stays_out(bank: Cast, tmp_path: Path) -> None:
    Product.objects.create(code="fund", name="Fund", line="wealth", asset_class="fund")
    contracts = write(
        tmp_path,
        "contract,customer number,product code,opened,matures on,amount\n"
        "H1,C1,savings,2024-01-01,2099-01-01,5\n"
        "H2,C1,savings,2090-01-01,,5\n"
        "H3,C1,savings,2024-01-01,2023-01-01,5\n"
        "H4,C1,fund,2024-01-01,,-5\n"
        "H5,C1,savings,1880-01-01,,5\n"
        "H6,C1,savings,2024-01-01,,-5\n",
    )
    assert rejects(merged(contracts, "holdings", bank.ana)) == [
        (3, "opened", "in_the_future"),
        (4, "matures on", "due_before_opened"),
        (5, "amount", "less_than_nothing"),
        (6, "opened", "not_these_years"),
    ]
    balances = write(
        tmp_path,
        "month,customer number,product code,closing\n2026-09-30,C1,savings,5\n2090-10-31,C1,savings,6\n",
        "b.csv",
    )
    assert rejects(merged(balances, "balances", bank.ana)) == [(3, "month", "in_the_future")]
    bookings = write(
        tmp_path,
        "booked_on,reference,customer number,amount\n2026-09-30,T1,C1,5\n2090-10-31,T2,C1,6\n",
        "t.csv",
    )
    assert rejects(merged(bookings, "transactions", bank.ana)) == [(3, "booked_on", "in_the_future")]
    assert (Holding.objects.count(), MonthlyBalance.objects.count(), Transaction.objects.count()) == (2, 1, 1)


@pytest.mark.parametrize("code", [code for code, kind in KINDS.items() if kind.model])
def test_a_file_may_leave_out_whatever_is_not_required(code: str) -> None:
    kind = KINDS[code]
    assert kind.model
    given = {target.column for target in kind.targets if target.required}
    given |= {column for column, _ in (*kind.fixed, *kind.touched)}
    unset = [
        field.column
        for field in kind.model._meta.concrete_fields
        if not field.null
        and not field.primary_key
        and field.column not in given
        and field.db_default is NOT_PROVIDED
    ]
    assert unset == []


def test_a_customer_without_a_name_stays_out_and_a_known_name_is_not_emptied(
    bank: Cast, tmp_path: Path
) -> None:
    path = write(tmp_path, 'number,name\nC1,\nC7,Li Na\nC8,\nC9,"  "\n')
    assert rejects(merged(path, "customers", bank.ana)) == [
        (2, "name", "missing"),
        (4, "name", "missing"),
        (5, "name", "missing"),
    ]
    assert dict(Customer.objects.values_list("number", "name")) == {"C1": "A", "C2": "B", "C7": "Li Na"}
