"""Full loads and undo on the pages: what is missing is seen before it counts, the way back says what it would do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bankcrm import clock, runs
from bankcrm.models import Run
from customers.models import Customer, Holding, ImportFile
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload
from tests.customers.imports_world import product

pytestmark = pytest.mark.django_db
ALL = b"number,name\nC1,A\nC2,B\nC3,C\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(dt.date(2026, 11, 25))


def bring(client, data: bytes = ALL, **load: str) -> ImportFile:
    """Upload, map with the load, and check."""
    before = set(ImportFile.objects.values_list("pk", flat=True))
    page = client.post(
        reverse("import-upload"),
        {"kind": "customers", "file": SimpleUploadedFile("clients.csv", data)},
        follow=True,
    )
    file = ImportFile.objects.exclude(pk__in=before).get()
    form = page.context["form"]
    told = {field.html_name: field.value() or "" for field in form if field.value() is not False}
    answer = client.post(reverse("import-map", args=[file.pk]), told | load)
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["load"].errors)
    work()
    file.refresh_from_db()
    return file


def work() -> Run:
    run = Run.objects.filter(state=Run.State.QUEUED).get()
    assert runs.execute(run.pk) == Run.State.DONE, Run.objects.get(pk=run.pk).error
    return run


def merge(client, file: ImportFile, **word: str) -> None:
    client.post(reverse("import-merge", args=[file.pk]), word)
    work()
    file.refresh_from_db()


def text_of(client, file: ImportFile) -> str:
    return client.get(reverse("import-detail", args=[file.pk])).content.decode()


def test_a_full_load_shows_who_is_missing_and_marks_them_only_when_the_number_is_typed(cast: Cast) -> None:
    client = login(cast.ana)
    merge(client, bring(client, source="core"))
    file = bring(client, b"number,name\nC1,A\n", source="core", load="full", effective_on="2026-10-31")
    text = text_of(client, file)
    assert "2 of the 3 open rows known from core (66.7\u00a0%) are not in the file." in text
    assert "That is a lot: is the file complete?" in text
    assert "core · full load · as of 2026-10-31" in text
    answer = client.post(
        reverse("import-merge", args=[file.pk]), {"missing": "close", "agreed": "1"}, follow=True
    )
    assert "2 of 3 known rows are missing. Confirm that number, or leave them." in answer.content.decode()
    answer = client.post(reverse("import-merge", args=[file.pk]), follow=True)
    assert "Say what becomes of the missing rows." in answer.content.decode()
    assert not Run.objects.filter(state=Run.State.QUEUED).exists()
    merge(client, file, missing="close", agreed="2")
    assert Customer.objects.filter(closed_on=dt.date(2026, 10, 31)).count() == 2
    assert "Marked as gone" in text_of(client, file)


def test_who_had_left_before_is_told_apart_from_who_is_missing_now(cast: Cast) -> None:
    client = login(cast.ana)
    merge(client, bring(client, source="core"))
    one = b"number,name\nC1,A\n"
    merge(client, bring(client, one, source="core", load="full"), missing="close", agreed="2")
    text = text_of(client, bring(client, b"number,name\nC9,Z\n", source="core", load="full"))
    assert "1 of the 1 open rows known from core" in text
    assert "2 more rows of this source had ended before and are not counted." in text


def test_own_fields_are_named_where_columns_moved_and_where_a_file_is_taken_back(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"number,name,Score\nC1,A,600\nC2,B,700\n", source="club")
    file = bring_in(client, page, filled(page))
    undo = client.get(reverse("import-undo", args=[file.pk])).content.decode()
    assert "Customers whose own fields say again what they said before" in undo
    page = upload(client, b"number,name\nC1,A\n", name="later.csv", source="club")
    assert "Score (Score, an own field)" in page.content.decode()


def test_a_full_load_without_a_source_is_refused_on_the_form(cast: Cast) -> None:
    client = login(cast.ana)
    file = bring(client)
    answer = client.post(
        reverse("import-map", args=[file.pk]),
        {
            "column_0": "number",
            "column_1": "name",
            "date_format": "ymd",
            "century": "20",
            "source": "",
            "load": "full",
        },
    )
    assert answer.status_code == 422
    assert "A full load needs the name of its source" in answer.content.decode()


def test_the_page_of_undo_says_what_it_would_do_and_does_it(cast: Cast) -> None:
    client = login(cast.ana)
    file = bring(client, source="core")
    address = reverse("import-undo", args=[file.pk])
    assert address not in text_of(client, file)
    assert "Nothing of this file is in" in client.get(address).content.decode()
    merge(client, file)
    assert address in text_of(client, file)
    assert "Rows it brought, which are removed" in client.get(address).content.decode()
    assert login(cast.aud).post(address).status_code == 403
    assert login(cast.mei).get(address).status_code == 403
    client.post(address)
    run = work()
    run.refresh_from_db()
    assert run.result["rows_removed"] == 3
    assert not Customer.objects.exists()
    assert "Undone by Ana" in text_of(client, file)
    assert client.post(address).status_code == 422


def test_the_page_of_undo_names_what_stands_on_the_rows(cast: Cast) -> None:
    client = login(cast.ana)
    file = bring(client, source="core")
    merge(client, file)
    Holding.objects.create(
        number="H1",
        customer=Customer.objects.get(number="C1"),
        product=product(),
        opened_on=dt.date(2026, 1, 1),
    )
    address = reverse("import-undo", args=[file.pk])
    text = client.get(address).content.decode()
    assert "<dt>Holdings</dt><dd>1</dd>" in text
    assert "Undo it" not in text
    assert client.post(address).status_code == 422
    assert Customer.objects.count() == 3


def test_the_history_is_kept_by_source(cast: Cast) -> None:
    client = login(cast.ana)
    merge(client, bring(client, source="core"))
    bring(client, b"number,name\nX1,A\n", source="cards")
    address = reverse("import-list")
    everything = client.get(address)
    assert len(everything.context["rows"]) == 2
    only = client.get(address, {"source": "core"})
    assert [row["file"].source for row in only.context["rows"]] == ["core"]
    assert client.get(address, {"kind": "staff"}).context["rows"] == []
