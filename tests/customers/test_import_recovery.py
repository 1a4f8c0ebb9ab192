"""An import that is interrupted anywhere ends exact when it is run again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection

from bankcrm import runs
from bankcrm.models import Run
from customers import imports, tasks
from customers.imports import checking, lanes, merging, staging, upsert
from customers.models import Customer, ImportFile, ImportReject
from tests.cast import Cast, make_bank
from tests.customers.imports_world import checked, write

ROWS = "number,name,children\n" + "".join(
    f"C{at},Name {at},{'x' if at % 100 == 0 else 1}\n" for at in range(1, 1001)
)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr(merging, "CHUNK_ROWS", 100)


class Killed(BaseException):
    """Nothing below may catch it, like a process that is gone."""


def kill_after(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    real, calls = upsert.write_chunk, []

    def write_chunk(*args, **more):
        if len(calls) == chunks:
            raise Killed
        calls.append(1)
        return real(*args, **more)

    monkeypatch.setattr(lanes, "HANDS", 1)
    monkeypatch.setattr(upsert, "write_chunk", write_chunk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunks", [0, 1, 5, 9])
def test_a_killed_merge_goes_on_and_counts_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    cast = make_bank()
    file = checked(write(tmp_path, ROWS), "customers", cast.ana)
    with monkeypatch.context() as patch:
        kill_after(patch, chunks)
        with pytest.raises(Killed):
            imports.merge(ImportFile.objects.get())
    assert Customer.objects.count() == chunks * 100
    left = ImportFile.objects.get()
    assert (left.state, left.inserted) == (ImportFile.State.CHECKED, chunks * 100)
    done = imports.merge(ImportFile.objects.get())
    assert (done.state, done.inserted, done.updated, done.rejected) == (ImportFile.State.MERGED, 990, 0, 10)
    assert Customer.objects.count() == 990
    assert ImportReject.objects.filter(file=file).count() == 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["TRUNCATE", "DROP TABLE"])
def test_a_crash_that_empties_what_was_staged_stages_the_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    cast = make_bank()
    file = checked(write(tmp_path, ROWS), "customers", cast.ana)
    with monkeypatch.context() as patch:
        kill_after(patch, 3)
        with pytest.raises(Killed):
            imports.merge(ImportFile.objects.get())
    with connection.cursor() as cursor:
        # What a restart of the server after a crash does to UNLOGGED tables, and what the weekly sweep does.
        cursor.execute(f"{how} {staging.raw_table(file)}, {staging.checked_table(file)}")
    done = imports.merge(ImportFile.objects.get())
    assert (done.state, done.inserted, Customer.objects.count()) == (ImportFile.State.MERGED, 990, 990)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["check_cells", "check_rows"])
def test_a_killed_check_is_repeated_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    cast = make_bank()
    file = imports.receive(write(tmp_path, ROWS), "customers", cast.ana)

    def kill(_file: ImportFile) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checking, where, kill)
        with pytest.raises(Killed):
            imports.check(ImportFile.objects.get())
    assert ImportFile.objects.get().state == ImportFile.State.UPLOADED
    done = imports.check(ImportFile.objects.get())
    assert (done.state, done.accepted, done.rejected) == (ImportFile.State.CHECKED, 990, 10)
    assert ImportReject.objects.filter(file=file).count() == 10


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_writes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = make_bank()
    file = checked(write(tmp_path, ROWS), "customers", cast.ana)
    run = runs.request(tasks.KIND, cast.ana, key=tasks.key(file), file=file.pk, step="merge")
    real = upsert.write_chunk
    calls = []

    def write_chunk(*args, **more):
        calls.append(1)
        if len(calls) == 4:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE bankcrm_run SET lease_token = gen_random_uuid() WHERE id = %s", [run.pk]
                )
        return real(*args, **more)

    # The fence is the last word of a chunk: the one in which the lease went is undone.
    monkeypatch.setattr(lanes, "HANDS", 1)
    monkeypatch.setattr(upsert, "write_chunk", write_chunk)
    assert runs.execute(run.pk) == ""
    assert Customer.objects.count() == 300
    assert ImportFile.objects.get().state == ImportFile.State.CHECKED


@pytest.mark.django_db
def test_a_run_cancelled_between_chunks_keeps_whole_chunks_only(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = checked(write(tmp_path, ROWS), "customers", cast.ana)
    run = runs.request(tasks.KIND, cast.ana, key=tasks.key(file), file=file.pk, step="merge")
    monkeypatch.setattr("bankcrm.job.WRITE_EVERY_SECONDS", 0)
    real = upsert.write_chunk
    calls = []

    def write_chunk(*args, **more):
        calls.append(1)
        if len(calls) == 3:
            Run.objects.filter(pk=run.pk).update(cancel_requested=True)
        return real(*args, **more)

    monkeypatch.setattr(upsert, "write_chunk", write_chunk)
    assert runs.execute(run.pk) == Run.State.CANCELLED
    assert Customer.objects.count() == 300
    monkeypatch.setattr(upsert, "write_chunk", real)
    assert imports.merge(ImportFile.objects.get()).inserted == 990


@pytest.mark.django_db
def test_progress_tells_rows_done_of_all(cast: Cast, tmp_path: Path) -> None:
    file = imports.receive(write(tmp_path, ROWS), "customers", cast.ana)
    for step in ("check", "merge"):
        run = runs.request(tasks.KIND, cast.ana, key=tasks.key(file), file=file.pk, step=step)
        assert runs.execute(run.pk) == Run.State.DONE
        run.refresh_from_db()
    assert (run.done, run.total) == (990, 990)
    assert run.result["rows_new"] == 990


@pytest.mark.django_db(transaction=True)
def test_two_hands_check_a_large_file_as_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_bank()
    alone = checked(write(tmp_path, ROWS), "customers", cast.ana)
    found = list(ImportReject.objects.filter(file=alone).order_by("line").values("line", "code", "raw"))
    monkeypatch.setattr(checking, "SMALLEST_PART", 1)
    used: list[int] = []
    real = lanes.side_by_side
    monkeypatch.setattr(lanes, "side_by_side", lambda works: (used.append(len(works)), real(works)))
    file = checked(write(tmp_path, ROWS + "C9001,New,x\n", "other.csv"), "customers", cast.ana)
    assert used == [2]
    assert (file.rows, file.accepted, file.rejected) == (1001, 990, 11)
    again = list(ImportReject.objects.filter(file=file).order_by("line").values("line", "code", "raw"))
    assert again[:-1] == found
    assert imports.merge(file).inserted == 990


@pytest.mark.django_db(transaction=True)
def test_what_one_hand_cannot_do_stops_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = make_bank()
    monkeypatch.setattr(checking, "SMALLEST_PART", 1)
    real, threads = checking._fill, []

    def fill(file, query):
        threads.append(threading.current_thread().name)
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the other hand slipped")
        real(file, query)

    monkeypatch.setattr(checking, "_fill", fill)
    with pytest.raises(RuntimeError, match="slipped"):
        checked(write(tmp_path, ROWS), "customers", cast.ana)
    assert len(threads) == 2
    assert ImportFile.objects.get().state == ImportFile.State.UPLOADED


@pytest.mark.django_db(transaction=True)
def test_two_hands_that_are_stopped_go_on_where_each_of_them_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = make_bank()
    file = checked(write(tmp_path, ROWS), "customers", cast.ana)
    real, threads = upsert.write_chunk, set()

    def write_chunk(file, first, last, **more):
        threads.add(threading.current_thread().name)
        if last >= 900:
            raise Killed
        return real(file, first, last, **more)

    with monkeypatch.context() as patch:
        patch.setattr(upsert, "write_chunk", write_chunk)
        with pytest.raises(Killed):
            imports.merge(ImportFile.objects.get())
    assert len(threads) == 2
    left = ImportFile.objects.get()
    spans = left.options["resume"]["spans"]
    assert len(spans) == 2
    assert left.inserted == left.options["resume"]["rows"] == Customer.objects.count() < 990
    assert Customer.objects.filter(brought_by=file.pk).count() == left.inserted
    done = imports.merge(left)
    assert (done.state, done.inserted, done.updated) == (ImportFile.State.MERGED, 990, 0)
    assert Customer.objects.count() == 990
