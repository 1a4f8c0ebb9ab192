"""Whole files: encodings, delimiters, headers, and the one sentence that refuses a file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from customers import imports
from customers.imports import raw_bytes
from customers.models import Customer, ImportFile, ImportReject
from tests.cast import Cast
from tests.customers.imports_world import checked, merged, rejects, write

pytestmark = pytest.mark.django_db

CHINESE = "客户号,姓名,性别,手机号,开户日期\nC1,王芳,女,13812342291,2020-01-31\nC2,李雷,男,,20200229\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode(), "utf-8"),
        (CHINESE.encode("utf-8-sig"), "utf-8"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (gzip.compress(CHINESE.encode("gb18030"), mtime=0), "gb18030"),
        (CHINESE.replace("\n", "\r\n").encode(), "utf-8"),
        (CHINESE.replace("\n", "\r").encode(), "utf-8"),
        (CHINESE.replace(",", ";").encode(), "utf-8"),
        (CHINESE.replace(",", "\t").encode(), "utf-8"),
        (CHINESE.replace(",", "|").encode(), "utf-8"),
    ],
)
def test_encodings_delimiters_and_line_ends_give_the_right_text(
    cast: Cast, tmp_path: Path, data: bytes, encoding: str
) -> None:
    file = merged(write(tmp_path, data), "customers", cast.ana)
    assert (file.encoding, file.rows, file.rejected) == (encoding, 2, 0)
    found = Customer.objects.order_by("number").values_list("number", "name", "gender", "phone")
    assert list(found) == [("C1", "王芳", "female", "13812342291"), ("C2", "李雷", "male", "")]


def refused(path: Path, cast: Cast, kind: str = "customers", **options: str) -> str:
    with pytest.raises(imports.Refused) as refusal:
        checked(path, kind, cast.ana, options=options)
    return str(refusal.value)


def test_an_unreadable_byte_is_named_with_its_row(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, b"number,name\nC1,A\nC2,\xff\xff\n")
    assert refused(path, cast) == (
        "The file is not UTF-8 / GB18030 text: byte 21 (0xFF) in row 3 cannot be read."
    )


def test_a_wrong_label_is_refused_and_not_read_as_other_letters(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, CHINESE.encode("gb18030"))
    assert "not UTF-8 text" in refused(path, cast, encoding="utf-8")
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"number,name\n", "The file has a header and no rows."),
        (b"num\0ber,name\nC1,A\n", "The header holds a NUL byte: this is no text file."),
        (b"name,city\nA,Rome\n", "No column gives: Customer number."),
        (b'number,name\nC1,"A\nC2,B\n', "A quotation mark opened in line 2 is never closed."),
        (
            gzip.compress(b"number,name\nC1,A\n" * 400, mtime=0)[:-12],
            "The file is damaged: it cannot be unpacked to its end.",
        ),
    ],
)
def test_a_file_is_refused_as_a_whole_in_one_sentence(
    cast: Cast, tmp_path: Path, data: bytes, sentence: str
) -> None:
    assert refused(write(tmp_path, data), cast) == sentence
    assert not Customer.objects.exists()


def test_a_missing_file_and_a_folder_are_refused(cast: Cast, tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.csv", cast) == "The file is missing or cannot be read."
    assert refused(tmp_path, cast) == "The file is missing or cannot be read."


def test_a_file_too_large_is_refused_even_when_it_is_small_as_gzip(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_bytes, "MAX_BYTES", 1024**2)
    row = b"C1," + b"a" * 1000 + b"\n"
    path = write(tmp_path, gzip.compress(b"number,name\n" + row * 1100))
    assert path.stat().st_size < 50_000
    assert refused(path, cast).startswith("The file is larger than 1 MB unpacked.")


def test_two_columns_for_one_meaning_and_an_unknown_meaning_are_refused(cast: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, "number,a,b\nC1,A,B\n")
    file = imports.receive(path, "customers", cast.ana)
    imports.remap(file, {"number": "number", "a": "name", "b": "name"}, {})
    with pytest.raises(imports.Refused, match="Two columns give name"):
        imports.check(file)
    assert ImportFile.objects.get().state == ImportFile.State.REFUSED
    imports.remap(file, {"number": "number", "a": "shoe_size"}, {})
    with pytest.raises(imports.Refused, match="Nothing is called shoe_size here"):
        imports.check(file)
    imports.remap(file, {"number": "number", "a": "name"}, {})
    assert imports.merge(imports.check(file)).inserted == 1


def test_a_file_without_one_good_row_is_refused_and_keeps_its_rejects(cast: Cast, tmp_path: Path) -> None:
    file = checked(write(tmp_path, "number,name,children\nC1,A,many\n"), "customers", cast.ana)
    assert (file.state, file.error) == (ImportFile.State.REFUSED, "Not one row can go in.")
    assert rejects(file) == [(2, "children", "not_a_number")]
    with pytest.raises(imports.Refused):
        imports.merge(file)


def test_the_mapping_of_a_header_is_remembered_for_the_next_file(cast: Cast, tmp_path: Path) -> None:
    first = imports.receive(write(tmp_path, "klant,naam,geslacht\nC1,A,v\n"), "customers", cast.ana)
    assert set(first.mapping.values()) == {""}
    mapped = {"klant": "number", "naam": "name", "geslacht": "gender"}
    imports.remap(first, mapped, {"values": {"gender": {"v": "female", "m": "Male"}}})
    imports.merge(imports.check(first))
    second = imports.receive(write(tmp_path, "klant,naam,geslacht\nC2,B,m\n", "b.csv"), "customers", cast.ana)
    assert second.mapping == mapped
    imports.merge(imports.check(second))
    assert list(Customer.objects.order_by("number").values_list("gender", flat=True)) == ["female", "male"]
    other = imports.receive(write(tmp_path, "klant,naam\nC3,C\n", "c.csv"), "customers", cast.ana)
    assert set(other.mapping.values()) == {""}


def test_the_file_is_kept_under_its_hash_and_nothing_staged_remains(
    cast: Cast, tmp_path: Path, own_files: Path
) -> None:
    file = merged(write(tmp_path, CHINESE), "customers", cast.ana)
    assert [path.name for path in (own_files / "imports").iterdir()] == [file.sha256]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename ~ '^import_(raw|checked)_'")
        assert cursor.fetchone()[0] == 0


def test_a_refused_file_leaves_nothing_behind(cast: Cast, tmp_path: Path, own_files: Path) -> None:
    refused(write(tmp_path, b"%PDF-1.7 a\n1,2\n"), cast)
    assert list((own_files / "imports").iterdir()) == []


def test_nobody_but_administrators_brings_staff_and_nobody_else_brings_customers(
    cast: Cast, tmp_path: Path
) -> None:
    path = write(tmp_path, "employee_number,username,full_name,role,branch\nE1,zoe,Zoe,administrator,HO\n")
    for user in (cast.ana, cast.mei, cast.aud):
        with pytest.raises(PermissionDenied):
            imports.receive(path, "staff", user)
    with pytest.raises(PermissionDenied):
        imports.receive(path, "customers", cast.mei)
    assert merged(path, "staff", cast.ada).inserted == 1


def test_line_numbers_are_those_of_the_file_for_both_readers(cast: Cast, tmp_path: Path) -> None:
    rows = "".join(f"C{at},Name {at},{'x' if at % 700 == 0 else 1}\n" for at in range(1, 2001))
    plain = checked(write(tmp_path, "number,name,children\n" + rows), "customers", cast.ana)
    careful = checked(
        write(tmp_path, "number,name,children\n" + rows + "C9\n", "b.csv"), "customers", cast.ana
    )
    assert rejects(plain) == [(701, "children", "not_a_number"), (1401, "children", "not_a_number")]
    assert rejects(careful) == [*rejects(plain), (2002, "", "wrong_number_of_fields")]
    assert ImportReject.objects.filter(file=plain).first().raw == "C700,Name 700,x"
