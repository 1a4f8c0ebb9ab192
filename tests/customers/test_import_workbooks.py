"""Workbooks: read like any other file, and refused with what to do where they are not what they seem."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from customers import imports
from customers.imports import workbooks
from customers.models import Customer, ImportFile, ImportReject
from tests.cast import Cast
from tests.customers.imports_world import checked, merged, rejects
from tests.customers.workbooks_world import HEADER, ROW, bomb, changed, save, with_macros, workbook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.mark.parametrize("mac", [False, True], ids=["1900", "1904"])
def test_cells_of_a_workbook_come_as_what_they_are(cast: Cast, tmp_path: Path, mac: bool) -> None:
    file = merged(save(tmp_path, workbook([HEADER, ROW], mac=mac)), "customers", cast.ana)
    assert (file.encoding, file.rows, file.rejected) == ("xlsx", 1, 0)
    customer = Customer.objects.get()
    assert (customer.name, customer.birth_date) == ("王芳", dt.date(1980, 2, 29))
    assert (customer.monthly_income, customer.phone) == (Decimal("12960.5"), "13812342291")
    assert customer.is_employee


def test_titles_blank_rows_and_other_sheets_do_not_get_in_the_way(cast: Cast, tmp_path: Path) -> None:
    rows = [["Clients of March"], [], HEADER, ROW, [], ["C2", "B", "not a day"], [None, None]]
    file = checked(save(tmp_path, workbook(rows, Notes="nothing")), "customers", cast.ana)
    assert (file.options["header"], file.options["sheet"], file.rows) == (3, "Clients", 2)
    assert rejects(file) == [(6, "birth_date", "not_a_date")]
    assert ImportReject.objects.get().raw.startswith("C2,B,not a day")


def test_another_sheet_may_be_named(cast: Cast, tmp_path: Path) -> None:
    path = save(tmp_path, workbook([["x", "y"], [1, 2]], number="C9"))
    with pytest.raises(imports.Refused, match="The sheet “number” has a header and no rows"):
        imports.receive(path, "customers", cast.ana, options={"sheet": "number"})
    assert imports.receive(path, "customers", cast.ana).options["sheet"] == "Clients"


def test_an_error_in_a_cell_is_a_reject_of_that_cell(cast: Cast, tmp_path: Path) -> None:
    rows = [
        HEADER,
        ROW,
        ["C2", "#N/A", None, "#DIV/0!", None, None],
        ["C3", "Ok", None, 1, None, None, "over"],
    ]
    file = checked(save(tmp_path, workbook(rows)), "customers", cast.ana)
    assert rejects(file) == [
        (3, "monthly_income", "error_cell"),
        (3, "name", "error_cell"),
        (4, "", "wrong_number_of_fields"),
    ]


def refused(data: bytes, folder: Path, cast: Cast) -> str:
    with pytest.raises(imports.Refused) as refusal:
        imports.receive(save(folder, data), "customers", cast.ana)
    assert not ImportFile.objects.exists()
    assert not list((folder / "media" / "imports").iterdir())
    return str(refusal.value)


GOOD = workbook([HEADER, ROW])
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (with_macros(GOOD), "The workbook holds macros, whatever it is called."),
        (
            changed(
                GOOD,
                lambda name, part: (
                    part.replace(b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main")
                    if name == "[Content_Types].xml"
                    else part
                ),
            ),
            "The workbook holds macros, whatever it is called.",
        ),
        (bomb(), "MB. It was not opened."),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "protected by a password or in the old .xls format",
        ),
        (GOOD[:-200], "The workbook is damaged"),
        (changed(GOOD, lambda _name, _part: None, {"data.csv": b"number,name\nC1,A\n"}), "a packed archive"),
        (
            changed(GOOD, lambda name, part: None if "worksheets" in name else part),
            "no workbook with a table",
        ),
        (b"<html><table><tr><td>number</td></tr></table></html>", "a web page or XML"),
        (b"PAR1....", "a Parquet file"),
        (
            changed(GOOD, lambda name, part: b"<worksheet><broken" if name == SHEET else part),
            "The workbook is damaged",
        ),
        (
            changed(
                GOOD,
                lambda name, part: (
                    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
                    if name == SHEET
                    else part
                ),
            ),
            "or holds what no table needs",
        ),
        (workbook([["number", "name"], ["C1", "=A2"]]), "Cell B2 holds a formula without its value."),
        (workbook([]), "is empty"),
    ],
)
def test_what_is_no_plain_workbook_is_refused_and_leaves_nothing(
    cast: Cast, tmp_path: Path, data: bytes, sentence: str
) -> None:
    assert sentence in refused(data, tmp_path, cast)


def test_a_bomb_is_judged_by_its_directory_alone(tmp_path: Path) -> None:
    path = save(tmp_path, bomb())
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(imports.Refused):
        workbooks.judge(path)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_numbers_and_days_are_written_as_a_table_would() -> None:
    assert [workbooks.as_text(value) for value in (1.0, 0.1 + 0.2, 1e-7, 15634602, 110105194912310021)] == [
        "1", "0.3", "0.0000001", "15634602", "1.10105194912310E+17",
    ]  # fmt: skip
    day = dt.datetime.fromisoformat("2025-01-31")
    assert workbooks.as_text(day) == "2025-01-31"
    assert workbooks.as_text(day + dt.timedelta(hours=8, minutes=5)) == "2025-01-31 08:05:00"
