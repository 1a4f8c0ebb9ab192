"""Rows of a customer file: what goes in, what is left out and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from customers import imports
from customers.models import Customer, ImportFile, ImportReject
from tests.cast import Cast
from tests.customers.imports_world import checked, merged, rejects, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_good_rows_go_in_and_bad_ones_are_named_with_line_column_and_reason(
    cast: Cast, tmp_path: Path
) -> None:
    path = write(
        tmp_path,
        "number,name,gender,birth_date,monthly_income,branch,primary_rm\n"
        'C1,Wang Fang,f,1980-02-29,"12,960.50",N1,E-rita\n'
        "C2,Li Lei,男,2025-02-29,100,N1,\n"
        "C3,Han Mei,female,1980-01-01,12abc,N1,\n"
        "C4,Zhao,x,1980-01-01,1,NOWHERE,E-nobody\n",
    )
    file = merged(path, "customers", cast.ana)
    assert (file.rows, file.accepted, file.rejected, file.inserted, file.updated) == (4, 1, 3, 1, 0)
    assert rejects(file) == [
        (3, "birth_date", "impossible_date"),
        (4, "monthly_income", "not_a_number"),
        (5, "branch", "unknown_branch"),
        (5, "primary_rm", "unknown_staff"),
        (5, "gender", "unknown_value"),
    ]
    customer = Customer.objects.get()
    assert customer.monthly_income == Decimal("12960.50")
    assert customer.birth_date == dt.date(1980, 2, 29)
    assert (customer.gender, customer.home_branch, customer.primary_rm) == ("female", cast.tree.n1, cast.rita)
    reject = ImportReject.objects.get(file=file, line=4)
    assert reject.reason == "“12abc” is not a number."
    assert reject.raw == "C3,Han Mei,female,1980-01-01,12abc,N1,"


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("1,234.50", "1234.50", ""),
        ("-5", None, "negative"),
        ("(1,234)", None, "negative"),
        ("￥1,234.50", "1234.50", ""),
        ("１２３４．５", "1234.5", ""),
        ("12%", None, "percentage"),
        ("+0012", "12", ""),
        (" 7. ", "7", ""),
        ("12.5000", "12.5", ""),
        ("", None, ""),
        ("1e9", None, "not_a_number"),
        ("NaN", None, "not_a_number"),
        ("Infinity", None, "not_a_number"),
        ("1,23", None, "not_a_number"),
        ("1.234,50", None, "not_a_number"),
        ("12.345", None, "too_precise"),
        ("1234567890123", None, "out_of_range"),
    ],
)
def test_numbers(cast: Cast, tmp_path: Path, text: str, value: str | None, code: str) -> None:
    file = checked(
        write(tmp_path, f'number;name;monthly income\nC1;A;"{text}"\nC2;B;1\n'), "customers", cast.ana
    )
    imports.merge(file)
    if code:
        assert rejects(file) == [(2, "monthly income", code)]
    else:
        assert rejects(file) == []
        expected = None if value is None else Decimal(value)
        assert Customer.objects.get(number="C1").monthly_income == expected


@pytest.mark.parametrize(
    ("form", "text", "value", "code"),
    [
        ("ymd", "2024-02-29", dt.date(2024, 2, 29), ""),
        ("ymd", "20240229", dt.date(2024, 2, 29), ""),
        ("ymd", "2025-02-29", None, "impossible_date"),
        ("ymd", "20250431", None, "impossible_date"),
        ("ymd", "0001-01-01", None, "not_these_years"),
        ("ymd", "31/04/2025", None, "not_a_date"),
        ("ymd", "45000", None, "not_a_date"),
        ("ymd", "2999-01-01", None, "not_these_years"),
        ("ymd", "2090-01-01", None, "in_the_future"),
        ("dmy", "31/12/2024", dt.date(2024, 12, 31), ""),
        ("dmy", "31/04/2025", None, "impossible_date"),
        ("dmy", "2024-12-31", None, "not_a_date"),
        ("yymmdd", "930105", dt.date(1993, 1, 5), ""),
        ("yymmdd", "930231", None, "impossible_date"),
        ("yymmdd", "19930105", None, "not_a_date"),
    ],
)
def test_dates(cast: Cast, tmp_path: Path, form: str, text: str, value: dt.date | None, code: str) -> None:
    path = write(tmp_path, f"number,name,opened_on\nC1,A,{text}\nC2,B,\n")
    file = merged(path, "customers", cast.ana, options={"date_format": form})
    if code:
        assert rejects(file) == [(2, "opened_on", code)]
    else:
        assert Customer.objects.get(number="C1").opened_on == value


@pytest.mark.parametrize(
    ("column", "text", "value", "code"),
    [
        ("phone", "+86 138 1234 2291", "13812342291", ""),
        ("phone", "１３８１２３４２２９１", "13812342291", ""),
        ("phone", "+420 123 456 789", "+420123456789", ""),
        ("phone", "call me", None, "not_a_phone"),
        ("identity_number", "11010519491231002x", "11010519491231002X", ""),
        ("identity_number", "110105194912310021", None, "bad_checksum"),
        ("identity_number", "P1234567", "P1234567", ""),
        ("is_employee", "是", True, ""),
        ("is_employee", "maybe", None, "not_yes_or_no"),
        ("children", "2", 2, ""),
        ("children", "-1", None, "negative"),
        ("children", "1.5", None, "too_precise"),
        ("city", "x" * 41, None, "too_long"),
        ("city", "x" * 40, "x" * 40, ""),
    ],
)
def test_phones_identity_numbers_flags_and_texts(
    cast: Cast, tmp_path: Path, column: str, text: str, value: object, code: str
) -> None:
    file = merged(write(tmp_path, f"number,name,{column}\nC1,A,{text}\nC2,B,\n"), "customers", cast.ana)
    if code:
        assert rejects(file) == [(2, column, code)]
    else:
        assert getattr(Customer.objects.get(number="C1"), column) == value


def test_the_first_of_two_rows_with_one_key_wins_and_the_other_names_it(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, "number,name\nC1,First\nC1,Second\n C1 ,Third\nC2,Other\n")
    file = merged(path, "customers", cast.ana)
    assert rejects(file) == [(3, "number", "duplicate_key"), (4, "number", "duplicate_key")]
    assert "line 2" in ImportReject.objects.filter(file=file).first().reason
    assert Customer.objects.get(number="C1").name == "First"


def test_a_bad_row_does_not_win_over_a_later_good_one(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, "number,name,children\nC1,First,many\nC1,Second,2\n")
    file = merged(path, "customers", cast.ana)
    assert rejects(file) == [(2, "children", "not_a_number")]
    assert Customer.objects.get(number="C1").name == "Second"


def test_a_ragged_row_a_nul_byte_and_a_lone_quote_are_left_out_by_line(cast: Cast, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        b'number,name,city\nC1,A,Rome\nC2,B\nC3,C,Bern,extra\n\nC4,D\0,Oslo\nC5,"E"x,Wien\nC6,"F\nG",Prag\nC7,H,"Z"\n',
    )
    file = merged(path, "customers", cast.ana)
    assert rejects(file) == [
        (3, "", "wrong_number_of_fields"),
        (4, "", "wrong_number_of_fields"),
        (6, "", "nul_byte"),
        (7, "", "bad_quotes"),
        (8, "name", "several_lines"),  # a warning: the row is in
    ]
    assert list(Customer.objects.order_by("number").values_list("number", "name")) == [
        ("C1", "A"),
        ("C6", "F G"),
        ("C7", "H"),
    ]
    assert ImportReject.objects.get(file=file, line=7).raw == '"C5,""E""x,Wien"'
    assert ImportReject.objects.get(file=file, line=3).reason == "Fields in the row: 2, in the header: 3."


def test_a_very_long_field_is_a_reject_and_no_crash(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, f'number,name\nC1,"{"x" * 200_000}"\nC2,B\nC3\n')
    file = merged(path, "customers", cast.ana)
    assert rejects(file) == [(2, "name", "too_long"), (4, "", "wrong_number_of_fields")]
    assert Customer.objects.get().number == "C2"


def test_a_file_with_other_columns_changes_only_those(cast: Cast, tmp_path: Path) -> None:
    merged(write(tmp_path, "number,name,city\nC1,A,Rome\n"), "customers", cast.ana)
    file = merged(
        write(tmp_path, "number,phone\nC1,13812342291\nC9,13812342292\n", "phones.csv"), "customers", cast.ana
    )
    customer = Customer.objects.get()
    assert (customer.name, customer.city, customer.phone) == ("A", "Rome", "13812342291")
    assert (file.inserted, file.updated) == (0, 1)
    assert rejects(file) == [(3, "number", "new_without_name")]


def test_an_empty_cell_of_a_mapped_column_empties_the_value(cast: Cast, tmp_path: Path) -> None:
    merged(write(tmp_path, "number,name,city,children\nC1,A,Rome,2\n"), "customers", cast.ana)
    merged(write(tmp_path, "number,name,city,children\nC1,A,,\n", "later.csv"), "customers", cast.ana)
    customer = Customer.objects.get()
    assert (customer.city, customer.children) == ("", None)


def test_the_same_file_twice_and_the_same_rows_in_another_file_change_nothing(
    cast: Cast, tmp_path: Path
) -> None:
    text = "number,name,city\nC1,A,Rome\nC2,B,Bern\n"
    first = merged(write(tmp_path, text), "customers", cast.ana)
    before = list(Customer.objects.order_by("pk").values())
    again = imports.receive(write(tmp_path, text, "renamed.csv"), "customers", cast.ana)
    assert (again.pk, again.state) == (first.pk, ImportFile.State.MERGED)
    assert imports.merge(imports.check(again)).inserted == 2
    other = merged(write(tmp_path, text + "\n", "other.csv"), "customers", cast.ana)
    assert (other.inserted, other.updated) == (0, 0)
    assert list(Customer.objects.order_by("pk").values()) == before


def test_a_row_may_not_inject_sql(cast: Cast, tmp_path: Path) -> None:
    name = "Robert'); DROP TABLE customers_customer;--"
    path = write(tmp_path, f'number,name,"odd"" {{column}} %s; --"\nC1,"{name}",1\nC2,{"{x}"},%s\n')
    file = merged(path, "customers", cast.ana)
    assert rejects(file) == []
    assert set(Customer.objects.values_list("name", flat=True)) == {name, "{x}"}
