"""Imports from the command line: full loads, what becomes of missing rows, and the way back."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bankcrm import clock
from bankcrm.models import AuditEvent
from customers.models import Customer, ImportFile
from tests.cast import Cast
from tests.customers.imports_world import write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(cast: Cast, tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(dt.date(2026, 11, 25))


def run(*words: object) -> str:
    told = StringIO()
    call_command("import_file", "customers", *map(str, words), "--as", "ana", stdout=told)
    return told.getvalue()


def people(folder: Path, *numbers: int) -> Path:
    text = "number,name\n" + "".join(f"C{at},Name {at}\n" for at in numbers)
    return write(folder, text, f"{len(list(folder.iterdir()))}.csv")


def test_a_full_load_waits_for_the_word_on_missing_rows_and_for_their_number(tmp_path: Path) -> None:
    run(people(tmp_path, *range(1, 11)), "--source", "core")
    fewer = people(tmp_path, *range(1, 9))
    with pytest.raises(CommandError, match="becomes of the 2 rows"):
        run(fewer, "--source", "core", "--load", "full")
    with pytest.raises(CommandError, match="2 of 10 known rows are missing"):
        run(fewer, "--source", "core", "--load", "full", "--missing", "close")
    assert not Customer.objects.filter(closed_on__isnull=False).exists()
    told = run(
        fewer,
        "--source",
        "core",
        "--load",
        "full",
        "--as-of",
        "2026-10-31",
        "--missing",
        "close",
        "--agree",
        2,
    )
    assert "2 of 10 known are missing, 2 marked as gone" in told
    assert set(Customer.objects.filter(closed_on=dt.date(2026, 10, 31)).values_list("number", flat=True)) == {
        "C9",
        "C10",
    }
    assert AuditEvent.objects.get(action="import.missing_rows").actor.username == "ana"


def test_missing_rows_may_be_left_as_they_are(tmp_path: Path) -> None:
    run(people(tmp_path, 1, 2), "--source", "core")
    run(people(tmp_path, 1), "--source", "core", "--load", "full", "--missing", "keep")
    assert Customer.objects.filter(closed_on__isnull=True).count() == 2


def test_a_file_that_waits_in_nobodys_name_is_taken_up_by_who_brings_it(tmp_path: Path, cast: Cast) -> None:
    path = people(tmp_path, 1, 2)
    call_command("import_file", "customers", str(path), "--check-only", stdout=StringIO())
    assert ImportFile.objects.get().uploaded_by is None
    run(path)
    assert ImportFile.objects.get().uploaded_by == cast.ana
    # What somebody answers for stays so.
    call_command("import_file", "customers", str(path), "--as", "ada", stdout=StringIO())
    assert ImportFile.objects.get().uploaded_by == cast.ana


def test_a_full_load_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs the name of its source"):
        run(people(tmp_path, 1), "--load", "full")


def test_the_last_import_of_a_source_is_undone_by_its_name_or_by_its_file(tmp_path: Path) -> None:
    first = people(tmp_path, 1, 2)
    run(first, "--source", "core")
    run(people(tmp_path, 3), "--source", "core")
    with pytest.raises(CommandError, match="came after it from the same source"):
        run(first, "--undo")
    assert "undone; 1 removed" in run("--undo", "--source", "core")
    assert Customer.objects.count() == 2
    with pytest.raises(CommandError, match="no longer kept"):
        run("--undo", "--source", "core")
    other = people(tmp_path, 7)
    run(other, "--source", "cards")
    assert "undone; 1 removed" in run(other, "--undo")
    assert Customer.objects.count() == 2
    undone = ImportFile.objects.filter(state="undone").values_list("undone_by__username", flat=True)
    assert list(undone) == ["ana", "ana"]
    with pytest.raises(CommandError, match="nothing of it is in"):
        run(other, "--undo")


def test_what_is_not_named_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="name the file to take back"):
        run("--undo")
    with pytest.raises(CommandError, match="name the file to bring in"):
        run("--source", "core")
