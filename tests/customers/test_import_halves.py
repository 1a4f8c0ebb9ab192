"""A large plain file is read by two hands, and every row stands where it would stand had one read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from customers.imports import lanes, raw_bytes, staging
from customers.models import ImportFile
from tests.cast import Cast, make_bank
from tests.customers.imports_world import checked, merged, rejects, write

HEADER = "number,name,children\n"
PLAIN = HEADER + "".join(f"C{at},王 {at},{'x' if at % 7 == 0 else 1}\n" for at in range(1, 101))
QUOTED = HEADER + "".join(f'C{at},"Wang, {at}",1\n' for at in range(1, 101))


@pytest.fixture
def cast(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Cast:
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr(raw_bytes, "SMALLEST_HALF", 64)
    return make_bank()


def staged(file: ImportFile) -> tuple[list[tuple[object, ...]], list[tuple[int, str, str]], bool]:
    """Every staged row in order of its line, the rejects, and whether two hands wrote them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT line, c0, c1, c2 FROM {staging.raw_table(file)} ORDER BY line")
        rows = cursor.fetchall()
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [staging.half_table(file)])
        return rows, rejects(file), bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("text", "by_two"),
    [
        (PLAIN, True),
        (QUOTED, True),
        (PLAIN.replace("\n", "\r\n"), True),
        (PLAIN.rstrip("\n"), True),
        ("\ufeff" + PLAIN + "\n\n", True),
        # What only the careful reader understands, in the first half and in the second.
        (PLAIN.replace("C3,王 3,", 'C3,"Wang\n3",'), False),
        (PLAIN.replace("C90,王 90,", 'C90,"Wang\n90",'), False),
        (PLAIN.replace("C90,王 90,", 'C90,5" pipe,'), False),
        (PLAIN.replace("C90,王 90,1", "C90,王 90"), False),
        # The cut lies within quotation marks.
        (HEADER + 'C1,"' + "Wang\n" * 200 + '",1\nC2,Li,1\n', False),
    ],
)
def test_two_hands_stage_a_file_as_one_does(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, by_two: bool
) -> None:
    file = checked(write(tmp_path, text), "customers", cast.ana)
    found = staged(file)
    assert found[2] is by_two
    monkeypatch.setattr(lanes, "HANDS", 1)
    file.state = ImportFile.State.UPLOADED
    staging.stage(file, tmp_path / "file.csv")
    rows, _rejects, two = staged(file)
    assert not two
    assert rows == found[0]
    assert len(rows) > 1 or not by_two


@pytest.mark.django_db(transaction=True)
def test_rows_of_both_halves_are_judged_and_merged(cast: Cast, tmp_path: Path) -> None:
    file = merged(write(tmp_path, PLAIN), "customers", cast.ana)
    assert (file.rows, file.inserted, file.rejected) == (100, 86, 14)
    assert rejects(file) == [(line + 1, "children", "not_a_number") for line in range(7, 100, 7)]


@pytest.mark.django_db(transaction=True)
def test_what_was_staged_in_halves_is_dropped_with_the_file(cast: Cast, tmp_path: Path) -> None:
    file = checked(write(tmp_path, PLAIN), "customers", cast.ana)
    assert staged(file)[2]
    staging.drop(file)
    with connection.cursor() as cursor:
        names = [staging.raw_table(file), staging.half_table(file)]
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [names])
        assert cursor.fetchall() == []


@pytest.mark.parametrize("size", [1, 63, 127, 128, 129, 1000, 5000])
def test_halves_hold_every_byte_once_and_know_the_lines_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(raw_bytes, "SMALLEST_HALF", 64)
    data = PLAIN.encode()[:size]
    halves = raw_bytes.halves(write(tmp_path, data))
    assert len(halves) == (2 if size >= 128 else 1)
    pieces = [b"".join(raw_bytes.chunks(tmp_path / "file.csv", half)) for half in halves]
    assert b"".join(pieces) == data
    assert halves[-1].before == b"".join(pieces[:-1]).count(b"\n")
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])
