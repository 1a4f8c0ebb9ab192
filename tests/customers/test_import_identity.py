"""What an identity number says of its owner fills what the row does not say, and never what is known for certain."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.urls import reverse

from bankcrm.models import User
from customers.imports import undo
from customers.models import Customer, ImportFile, ImportReject
from tests.cast import Cast, login
from tests.customers.imports_world import merged, rejects, write

pytestmark = pytest.mark.django_db
WOMAN, MAN, OLD = "11010519491231002X", "110105194912310038", "110105491231001"
DAY = dt.date(1949, 12, 31)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def bring(folder: Path, user: User, text: str, **more: object) -> ImportFile:
    return merged(write(folder, text, f"{len(list(folder.iterdir()))}.csv"), "customers", user, **more)


def known(*columns: str) -> list[tuple[object, ...]]:
    return list(Customer.objects.order_by("number").values_list(*columns))


def test_a_number_fills_birthday_and_gender_where_no_column_gives_them(cast: Cast, tmp_path: Path) -> None:
    text = f"number,name,identity_number\nC1,A,{WOMAN}\nC2,B,{MAN}\nC3,C,{OLD}\nC4,D,P1234567\nC5,E,\n"
    file = bring(tmp_path, cast.ana, text)
    assert (file.accepted, rejects(file)) == (5, [])
    page = login(cast.ana).get(reverse("import-detail", args=[file.pk]))
    assert ("identity_number", "Date of birth, told by the number") in page.context["meanings"]
    assert known("birth_date", "gender", "birth_date_is_estimated") == [
        (DAY, "female", False),
        (DAY, "male", False),
        (DAY, "male", False),
        (None, "", False),
        (None, "", False),
    ]


def test_an_empty_cell_is_filled_and_one_that_says_another_counts_with_a_warning_naming_both(
    cast: Cast, tmp_path: Path
) -> None:
    text = f"number,name,identity_number,birth_date,gender\nC1,A,{WOMAN},,\nC2,B,{MAN},1950-01-01,female\n"
    file = bring(tmp_path, cast.ana, text)
    assert known("birth_date", "gender") == [(DAY, "female"), (dt.date(1950, 1, 1), "female")]
    said = list(
        ImportReject.objects.filter(file=file).order_by("code").values_list("line", "is_warning", "reason")
    )
    assert [(line, warns) for line, warns, _reason in said] == [(3, True), (3, True)]
    assert "says 1949-12-31, this column 1950-01-01" in said[0][2]
    assert "says male, this column female" in said[1][2]


def test_the_birthday_inside_is_truer_than_an_age_row_by_row(cast: Cast, tmp_path: Path) -> None:
    text = f"number,name,age,identity_number\nC1,A,60,{WOMAN}\nC2,B,60,P1234567\n"
    bring(tmp_path, cast.ana, text)
    assert Customer.objects.get(number="C1").birth_date == DAY
    assert known("birth_date_is_estimated") == [(False,), (True,)]


def test_what_is_known_for_certain_stays_and_an_estimate_gives_way(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, cast.ana, "number,name,birth_date,gender\nC1,A,1960-05-05,male\n")
    bring(tmp_path, cast.ana, "number,name,age\nC2,B,60\nC3,C,50\n")
    estimate = Customer.objects.get(number="C3").birth_date
    before = known("birth_date", "gender", "birth_date_is_estimated", "updated_at")
    file = bring(tmp_path, cast.ana, f"number,identity_number\nC1,{WOMAN}\nC2,{WOMAN}\nC3,P1234567\n")
    assert known("birth_date", "gender", "birth_date_is_estimated") == [
        (dt.date(1960, 5, 5), "male", False),
        (DAY, "female", False),
        (estimate, "", True),
    ]
    undo.undo(file, cast.ana)
    assert known("birth_date", "gender", "birth_date_is_estimated", "updated_at") == before
    for expected in (1, 0):
        text = f"number,identity_number\nC2,{WOMAN}\n" + "\n" * expected
        assert bring(tmp_path, cast.ana, text).updated == expected


def test_a_text_of_several_lines_goes_in_as_one_and_says_so(cast: Cast, tmp_path: Path) -> None:
    text = 'number,name,city\nC1,"Wang\nFang","\n"\nC2," Li ",Rome\nC3,"Han \r\n Mei",Bern\n'
    file = bring(tmp_path, cast.ana, text)
    assert known("name", "city") == [("Wang Fang", ""), ("Li", "Rome"), ("Han Mei", "Bern")]
    warned = ImportReject.objects.filter(file=file, is_warning=True).order_by("line")
    assert [(each.line, each.column, each.code) for each in warned] == [
        (2, "name", "several_lines"),
        (6, "name", "several_lines"),
    ]
    assert "goes in as one" in warned[0].reason
    assert file.rejected == 0
