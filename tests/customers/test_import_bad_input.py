"""Every bad file has its own answer on the page, and the bank's data stay as they were."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.urls import reverse

from customers.imports import sniffing
from customers.models import Customer, ImportFile
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload
from tests.customers.imports_world import rejects
from tests.customers.workbooks_world import HEADER, ROW, bomb, with_macros, workbook

pytestmark = pytest.mark.django_db
CHINESE = "客户号,姓名,城市\nC1,王芳,北京\nC2,李雷,上海\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def client(cast: Cast):
    Customer.objects.create(number="C0", name="Known", home_branch=cast.tree.n1)
    return login(cast.ada)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.csv", b"", "The file is empty."),
        ("utf8-cut.csv", CHINESE.encode()[:-2], "The file was cut off: it ends in row 3 in the middle"),
        (
            "gbk-cut.csv",
            CHINESE.encode("gb18030")[:-2],
            "The file was cut off: it ends in row 3 in the middle",
        ),
        ("utf16-cut.csv", CHINESE.encode("utf-16")[:-1], "The file was cut off: it ends in row"),
        (
            "broken.csv",
            CHINESE.replace("李", "\udcff").encode("utf-8", "surrogateescape"),
            "The file is not UTF-8 text: byte 45 (0xFF) in row 3 cannot be read.",
        ),
        (
            "macro.xlsx",
            with_macros(workbook([HEADER, ROW])),
            "The workbook holds macros, whatever it is called.",
        ),
        ("bomb.xlsx", bomb(), "It was not opened."),
        ("old.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 100, "protected by a password or in the old .xls format"),
        (
            "damaged.csv.gz",
            gzip.compress(b"number,name\nC1,A\n" * 90, mtime=0)[:-9],
            "cannot be unpacked to its end",
        ),
        ("unclosed.csv", b'number,name\nC1,"A\nC2,B\n', "A quotation mark opened in line 2 is never closed."),
    ],
)
def test_a_bad_file_is_answered_and_leaves_everything_as_it_was(
    client, name: str, data: bytes, sentence: str
) -> None:
    page = upload(client, data, name=name)
    if page.status_code == 200:  # what only reading every row can find is said by the check
        file = ImportFile.objects.get()
        bring_in(client, page, filled(page))
        page = client.get(reverse("import-detail", args=[file.pk]))
    assert sentence in page.content.decode()
    assert [customer.number for customer in Customer.objects.all()] == ["C0"]


def test_more_rows_than_the_limit_are_refused_at_the_door(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniffing, "MAX_ROWS", 3)
    rows = "".join(f"C{at},A\n" for at in range(1, 5))
    page = upload(client, b"number,name\n" + rows.encode())
    assert "The file has more than 3 rows. Split it and bring the parts one by one." in page.content.decode()
    assert not ImportFile.objects.exists()
    assert upload(client, b"number,name\nC1,A\nC2,A\nC3,A\n").status_code == 200


def test_a_workbook_beyond_the_limit_is_refused_by_the_check(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sniffing, "MAX_ROWS", 3)
    rows = [["number", "name"], *([f"C{at}", "A"] for at in range(1, 6))]
    page = upload(client, workbook(rows), name="many.xlsx")
    file = bring_in(client, page, filled(page))
    assert (file.state, file.error[:33]) == (ImportFile.State.REFUSED, "The file has more than 3 rows. Sp")
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(
    ("encoding", "label", "found"),
    [
        ("utf-8", "gb18030", "utf-8"),
        ("gb18030", "utf-16", "gb18030"),
        ("utf-16", "utf-8", "utf-16"),
        ("utf-16-le", "", "utf-16-le"),
        ("utf-8-sig", "gb18030", "utf-8"),
    ],
)
def test_a_wrong_label_gives_the_right_text_and_says_so(
    client, encoding: str, label: str, found: str
) -> None:
    text = CHINESE.replace("C", "Customer number ")  # mostly Latin, as files with numbers are
    page = upload(client, text.encode(encoding), encoding=label)
    file = ImportFile.objects.get()
    assert file.encoding == found
    shown = page.content.decode()
    assert "王芳" in shown
    assert ("so it was read as that" in shown) == bool(label)


def test_a_western_file_is_not_read_as_chinese(client) -> None:
    upload(client, "number,name\nC1,Müller\nC2,Désirée\n".encode("cp1252"))
    assert ImportFile.objects.get().encoding == "cp1252"


def test_a_file_read_wrongly_is_read_another_way_and_stays_when_that_fails(client) -> None:
    upload(client, b"number|name,first\nC1|Wang,Fang\nC2|Li,Lei\n")
    file = ImportFile.objects.get()
    address = reverse("import-read", args=[file.pk])
    page = client.post(address, {"encoding": "", "delimiter": "|", "header": "1"}, follow=True)
    file.refresh_from_db()
    assert (file.delimiter, file.columns) == ("|", ["number", "name,first"])
    assert "Wang,Fang" in page.content.decode()
    page = client.post(address, {"encoding": "", "delimiter": "|", "header": "9"})
    assert page.status_code == 422
    assert "Line 9 holds no names of columns." in page.content.decode()
    client.post(address, {"encoding": "", "delimiter": "|", "header": "0"})
    file.refresh_from_db()
    assert (file.columns, file.mapping) == (["Column 1", "Column 2"], {"Column 1": "", "Column 2": ""})


def test_headers_that_are_missing_double_or_deeper_down_are_said_and_read(client) -> None:
    page = upload(client, b"15634602,Hargrave,619,42\n15647311,Hill,608,41\n", name="a.csv")
    assert (
        "The first line looks like data, not like names; the columns were numbered." in page.content.decode()
    )
    assert ImportFile.objects.latest("pk").columns == ["Column 1", "Column 2", "Column 3", "Column 4"]
    page = upload(client, b"name,number,name,\nA,C1,B,x\n", name="b.csv")
    file = ImportFile.objects.latest("pk")
    assert file.mapping == {"name": "", "number": "number", "name (2)": "", "Column 4": ""}
    assert "The header names a column twice: name." in page.content.decode()
    page = upload(client, b"Report of March\n\nnumber,name,city\nC1,A,Rome\nC2,B\n", name="c.csv")
    file = bring_in(client, page, filled(page))
    assert (file.options["header"], rejects(file)) == (3, [(5, "", "wrong_number_of_fields")])
    assert Customer.objects.filter(number="C1", city="Rome").exists()


def test_line_numbers_hold_after_quoted_line_ends_and_blank_lines(client) -> None:
    data = b'number,name,children\r\nC1,"Wang\r\nFang",1\r\n\r\nC2,B,x\r\nC3,"C""D",2\r\n\r\n'
    file = bring_in(client, page := upload(client, data), filled(page))
    assert rejects(file) == [(2, "name", "several_lines"), (5, "children", "not_a_number")]
    assert file.rejected == 1
    assert set(Customer.objects.exclude(number="C0").values_list("name", flat=True)) == {
        "Wang Fang",
        'C"D',
    }


def test_values_of_personal_columns_are_masked_in_reasons(client) -> None:
    data = b"number,name,phone,identity_number,children\nC1,A,12812342291,110105194912310021,13812342291\nC2,B,,,\n"
    file = bring_in(client, page := upload(client, data), filled(page))
    text = client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert [code for _line, _column, code in rejects(file)] == ["bad_checksum", "not_a_phone", "out_of_range"]
    assert "“12***91” is not a phone number." in text
    assert "“138*****291”" in text
    for full in ("12812342291", "110105194912310021", "13812342291"):
        assert full not in text


def test_a_workbook_is_read_from_another_sheet_on_the_page(client) -> None:
    first = workbook([["number", "name"], ["C1", "A"]])
    data = workbook([["about", "this"], ["a", "b"]], title="About", Clients="number")
    assert upload(client, first, name="one.xlsx").status_code == 200
    page = upload(client, data, name="two.xlsx")
    assert "The sheet “About” is read; the workbook also holds: Clients." in page.content.decode()
    file = ImportFile.objects.latest("pk")
    address = reverse("import-read", args=[file.pk])
    page = client.post(address, {"sheet": "Clients", "header": ""}, follow=True)
    assert "The sheet “Clients” has a header and no rows." in page.content.decode()
    page = client.post(address, {"sheet": "About", "header": "0"}, follow=True)
    file.refresh_from_db()
    assert file.columns == ["Column 1", "Column 2"]
    assert "about" in page.content.decode()
