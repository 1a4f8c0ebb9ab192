"""Before rows go in, everybody sees how many are new, change something, or say what is known already."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from customers import imports
from customers.imports import loads, undo, upsert
from customers.models import Customer, ImportFile, ImportSource
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload, work
from tests.customers.imports_world import checked, merged, product, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_the_check_tells_what_the_merge_then_does(cast: Cast, tmp_path: Path) -> None:
    merged(write(tmp_path, "number,name\nC1,A\nC2,B\nC3,C\n"), "customers", cast.ana)
    file = checked(write(tmp_path, "number,name\nC1,A\nC2,Z\nC4,D\nC5,E\n", "b.csv"), "customers", cast.ana)
    assert file.options["expected"] == {"new": 2, "changed": 1}
    done = imports.merge(file)
    assert (done.inserted, done.updated) == (2, 1)


def test_balances_are_compared_within_their_months(cast: Cast, tmp_path: Path) -> None:
    product()
    Customer.objects.create(number="C1", name="A")
    head = "month,customer,product,closing\n"
    merged(write(tmp_path, head + "2024-01-31,C1,savings,5\n2024-02-29,C1,savings,6\n"), "balances", cast.ana)
    text = head + "2024-01-31,C1,savings,5\n2024-02-29,C1,savings,7\n2024-03-31,C1,savings,8\n"
    file = checked(write(tmp_path, text, "b.csv"), "balances", cast.ana)
    assert file.options["expected"] == {"new": 1, "changed": 1}


def test_the_page_and_its_question_say_so_before_the_rows_go_in(cast: Cast) -> None:
    client = login(cast.ana)
    bring_in(client, page := upload(client, b"number,name\nC1,A\nC2,B\n"), filled(page))
    page = upload(client, b"number,name\nC1,A\nC2,Z\nC4,D\nC5,\n")
    file = page.context["file"]
    client.post(reverse("import-map", args=[file.pk]), filled(page))
    work()
    answer = client.get(reverse("import-detail", args=[file.pk]))
    assert {each["label"]: each["value"] for each in answer.context["kpis"]} == {
        "Rows": "4",
        "Good": "3",
        "Left out": "1",
        "Would be new": "1",
        "Would change": "1",
        "Say nothing new": "1",
    }
    assert answer.context["sure"] == (
        "Let 3 rows in? Would be new: 1, Would change: 1, Say nothing new: 1. 1 stays out."
    )
    assert 'data-confirm="Let 3 rows in? Would be new: 1' in answer.content.decode()


def test_a_full_load_asks_as_well_and_says_when_the_number_is_needed(cast: Cast) -> None:
    client = login(cast.ana)
    bring_in(client, page := upload(client, b"number,name\nC1,A\nC2,B\n", source="core"), filled(page))
    page = upload(client, b"number,name\nC1,A\n", source="core")
    file = page.context["file"]
    client.post(reverse("import-map", args=[file.pk]), filled(page) | {"source": "core", "load": "full"})
    work()
    text = client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert "1 of the 2 open rows known from core (50.0" in text
    assert "Let 1 row in? Would be new: 0" in text
    assert "To mark them as gone, type their number: 1" in text


def test_a_half_merged_file_asks_about_the_rest(cast: Cast, tmp_path: Path) -> None:
    file = checked(write(tmp_path, "number,name\nC1,A\nC2,B\nC3,C\n"), "customers", cast.ana)
    file.options["resume"] = {"spans": [[3, 4]], "rows": 2}
    ImportFile.objects.filter(pk=file.pk).update(inserted=2, updated=0, options=file.options)
    answer = login(cast.ana).get(reverse("import-detail", args=[file.pk]))
    assert answer.context["sure"] == "Let 1 row in?"
    assert "Let the other 1 row in" in answer.content.decode()
    assert "Let 3 rows in" not in answer.content.decode()


def test_an_undone_file_is_checked_again_without_bringing_it_anew(cast: Cast, tmp_path: Path) -> None:
    client = login(cast.ana)
    text = "Number;Who;Score\nC1;A;5\nC2;B;6\n"
    mapped = {"Number": "number", "Who": "name", "Score": ""}
    file = imports.receive(write(tmp_path, text), "customers", cast.ana, "a.csv", mapped=mapped)
    file = imports.check(loads.describe(file, source="core"))
    # Half of it is in, as after a cancelled merge.
    Customer.objects.create(number="C1", name="A", brought_by=file.pk)
    upsert.create_before(file)
    file.options["resume"] = {"spans": [[2, 3]], "rows": 1}
    ImportFile.objects.filter(pk=file.pk).update(inserted=1, updated=0, options=file.options)
    file.refresh_from_db()
    undo.undo(file, cast.ana)
    page = client.get(reverse("import-detail", args=[file.pk]))
    assert page.context["may_check"]
    answer = client.post(reverse("import-check", args=[file.pk]))
    other = ImportFile.objects.present().get()
    assert answer["Location"] == reverse("import-detail", args=[other.pk])
    work()
    other.refresh_from_db()
    assert (other.pk > file.pk, other.state, other.accepted) == (True, ImportFile.State.CHECKED, 2)
    assert (other.mapping, other.source, other.delimiter) == (mapped, "core", ";")
    assert other.options["expected"] == {"new": 2, "changed": 0}
    # The one that was undone stays as it is, and does not begin a third.
    assert not client.get(reverse("import-detail", args=[file.pk])).context["may_check"]
    with pytest.raises(imports.Refused, match="Only an import that was undone"):
        imports.again(other, cast.ana)


def test_how_a_file_was_read_is_remembered_when_it_goes_in_not_when_it_is_checked(
    cast: Cast, tmp_path: Path
) -> None:
    odd = {"number": "number", "name": "name", "income": ""}
    text = "number,name,income\nC1,A,5\n"
    file = imports.receive(
        write(tmp_path, text), "customers", cast.ana, "a.csv", mapped=odd, from_source="core"
    )
    imports.check(file)
    assert not ImportSource.objects.exists()
    later = imports.receive(write(tmp_path, text + "C2,B,6\n", "b.csv"), "customers", cast.ana, "b.csv")
    assert later.mapping["income"] == "monthly_income"
    imports.merge(ImportFile.objects.get(pk=file.pk))
    assert ImportSource.objects.get().mapping["income"] == ""


def test_the_command_says_what_would_happen_and_what_to_look_at(cast: Cast, tmp_path: Path, capsys) -> None:
    merged(write(tmp_path, "number,name\nC1,A\n"), "customers", cast.ana)
    text = "number,name,gender,national id\nC1,A,male,11010119900101004X\nC2,B,female,110101199001010015\n"
    path = write(tmp_path, text, "b.csv")
    call_command("import_file", "customers", str(path), "--as", "ana", "--check-only")
    said = capsys.readouterr().out
    assert "2 good, 0 left out; 1 would be new, 1 would change" in said
    assert "goes in, but look at it" in said


def test_without_a_change_to_make_every_known_row_says_nothing_new(cast: Cast, tmp_path: Path) -> None:
    merged(write(tmp_path, "number,name\nC1,A\n"), "customers", cast.ana)
    file = checked(write(tmp_path, "name,number\nA,C1\n", "b.csv"), "customers", cast.ana)
    assert upsert.expected(file) == (0, 0)
