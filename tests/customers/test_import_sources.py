"""A named source remembers how its files are read, and says what moved when a later file looks different."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from customers import imports
from customers.models import Customer, ImportFile, ImportSource
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, field_of, filled, upload, word_of
from tests.customers.imports_world import write

pytestmark = pytest.mark.django_db
FIRST = "klant;naam;geslacht;sinds\nC1;王芳;v;31/12/2020\nC2;李雷;m;30/11/2021\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def told(cast: Cast) -> Cast:
    """Source "core" has been told once what its columns mean."""
    client = login(cast.ada)
    page = upload(client, FIRST.encode("gb18030"), source="core")
    wanted = filled(page) | {
        field_of(page, "klant"): "number",
        field_of(page, "naam"): "name",
        field_of(page, "geslacht"): "gender",
        field_of(page, "sinds"): "opened_on",
        "constant_branch": "N1",
    }
    file = ImportFile.objects.get()
    body = client.post(reverse("import-map", args=[file.pk]) + "?draft=1", wanted)
    wanted |= {bound.html_name: bound.value() or "" for bound in body.context["form"]}
    wanted[word_of(body, "geslacht", "v")] = "female"
    wanted[word_of(body, "geslacht", "m")] = "male"
    bring_in(client, page, wanted)
    return cast


def receive(cast: Cast, folder: Path, text: str, name: str = "next.csv", **more: str) -> ImportFile:
    return imports.receive(write(folder, text.encode("gb18030"), name), "customers", cast.ada, name, **more)


def test_the_next_file_of_a_source_needs_no_hand(told: Cast, tmp_path: Path) -> None:
    source = ImportSource.objects.get()
    assert (source.name, source.options["encoding"], source.options["delimiter"]) == ("core", "gb18030", ";")
    file = receive(told, tmp_path, FIRST.replace("C1", "C8"), from_source="core")
    assert imports.merge(imports.check(file)).inserted == 1
    customer = Customer.objects.get(number="C8")
    assert (customer.gender, customer.home_branch.code) == ("female", "N1")
    assert str(customer.opened_on) == "2020-12-31"


def test_columns_in_another_order_are_found_by_name(told: Cast, tmp_path: Path) -> None:
    text = "sinds;naam;klant;geslacht\n31/12/2020;A;C9;m\n"
    file = receive(told, tmp_path, text, from_source="core")
    assert "moved" not in file.options
    imports.merge(imports.check(file))
    assert Customer.objects.get(number="C9").gender == "male"


def test_a_renamed_column_is_asked_about_and_nothing_goes_on(told: Cast, tmp_path: Path) -> None:
    before = list(Customer.objects.order_by("pk").values())
    text = "klant;naam;geslacht_code;sinds;score\nC1;B;v;31/12/2020;7\n"
    file = receive(told, tmp_path, text, from_source="core")
    with pytest.raises(imports.Refused) as refusal:
        imports.check(file)
    assert str(refusal.value) == (
        "The columns changed since “core” was last read; gone: geslacht (Gender); new: geslacht_code, score."
        " Say what they mean."
    )
    assert list(Customer.objects.order_by("pk").values()) == before
    client = login(told.ada)
    page = client.get(reverse("import-map", args=[file.pk]))
    text = page.content.decode()
    assert "gone: geslacht (Gender); new: geslacht_code, score" in text
    assert "Perhaps “geslacht_code” is what “geslacht” was." in text
    wanted = filled(page)
    assert wanted[field_of(page, "geslacht_code")] == ""
    wanted[field_of(page, "geslacht_code")] = "gender"
    merged = bring_in(client, page, wanted)
    assert merged.state == ImportFile.State.MERGED
    assert Customer.objects.get(number="C1").gender == "female"
    assert ImportSource.objects.get().columns == ["klant", "naam", "geslacht_code", "sinds", "score"]


def test_a_lost_column_that_meant_something_is_asked_about(told: Cast, tmp_path: Path) -> None:
    file = receive(told, tmp_path, "klant;naam;sinds\nC1;B;31/12/2020\n", from_source="core")
    with pytest.raises(imports.Refused, match=r"gone: geslacht \(Gender\)\. Say what they mean"):
        imports.check(file)


def test_a_file_with_the_columns_of_a_source_is_taken_as_its_file(told: Cast, tmp_path: Path) -> None:
    assert receive(told, tmp_path, FIRST.replace("C1", "C7")).source == "core"
    other = receive(told, tmp_path, "number;name\nC1;A\n", "other.csv")
    assert (other.source, other.mapping) == ("", {"number": "number", "name": "name"})


def test_the_day_of_one_load_is_not_remembered_for_the_next(cast: Cast, tmp_path: Path) -> None:
    client = login(cast.ada)
    page = upload(client, b"number,name\nC1,A\n", source="core")
    day = {"effective_on": "2024-11-30", "constant_opened_on": "2024-11-30", "constant_branch": "N1"}
    bring_in(client, page, filled(page) | day)
    assert ImportSource.objects.get().options["constants"] == {"branch": "N1"}


def test_a_mended_file_of_rejects_comes_in_as_its_source(told: Cast) -> None:
    client = login(told.ada)
    bad = FIRST.replace("30/11/2021", "30/13/2021").replace("王芳", '"=王;""芳"""')
    page = upload(client, bad.encode("gb18030"), source="core", name="bad.csv")
    file = bring_in(client, page, filled(page) | {field_of(page, "geslacht"): ""})
    assert (file.accepted, file.rejected) == (1, 1)
    text = b"".join(client.get(reverse("import-rejects", args=[file.pk])).streaming_content).decode(
        "utf-8-sig"
    )
    assert "李雷,m,30/13/2021,3,sinds: “30/13/2021”" in text
    again = upload(
        client, text.replace("30/13", "30/12").encode("utf-8-sig"), source="core", name="mended.csv"
    )
    mended = bring_in(client, again, filled(again))
    assert (mended.accepted, mended.rejected, mended.updated) == (1, 0, 1)
    assert str(Customer.objects.get(number="C2").opened_on) == "2021-12-30"


def test_the_command_brings_the_files_of_a_source_and_is_told_what_moved(told: Cast, tmp_path: Path) -> None:
    path = write(tmp_path, FIRST.replace("C1", "C5").encode("gb18030"), "nightly.csv")
    call_command("import_file", "customers", str(path), "--source", "core", "--as", "ada", stdout=StringIO())
    assert Customer.objects.get(number="C5").gender == "female"
    moved = write(
        tmp_path, FIRST.replace("geslacht", "sekse").replace("C1", "C6").encode("gb18030"), "moved.csv"
    )
    with pytest.raises(CommandError, match=r"gone: geslacht \(Gender\); new: sekse"):
        call_command("import_file", "customers", str(moved), "--source", "core", stdout=StringIO())
    assert not Customer.objects.filter(number="C6").exists()
    call_command(
        "import_file", "customers", str(moved), "--source", "core", "--map", "sekse=gender", stdout=StringIO()
    )
    assert Customer.objects.get(number="C6").gender == "female"
