"""The last import of a source can be taken back: exactly, as a whole, and never under somebody's later work."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import runs
from bankcrm.models import AuditEvent, Run, User
from bankcrm.partitions import ensure_months
from customers import imports, tasks
from customers.imports import loads, merging, taking_back, undo, upsert
from customers.models import Customer, CustomerProfile, Holding, ImportFile, MonthlyBalance
from tests.cast import Cast
from tests.customers.imports_world import checked, product, write

pytestmark = pytest.mark.django_db
FIRST = (
    "number,name,city,monthly_income,birth_date\nC1,Wang,Rome,1000.50,1980-02-29\n"
    "C2,Li,,,\nC3,Han,Bern,7,1990-01-01\n"
)
SECOND = "number,name,city,monthly_income\nC1,Wang,Oslo,1000.50\nC2,Li,,12\nC4,Zhou,Wien,\nC5,Wu,,x\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def bring(
    folder: Path, text: str, user: User, kind: str = "customers", source: str = "core", **more
) -> ImportFile:
    name = f"{len(list(folder.iterdir()))}.csv"
    file = imports.receive(write(folder, text, name), kind, user, name, **more)
    loads.describe(file, source=source)
    return imports.merge(imports.check(file))


def everything() -> list[dict[str, object]]:
    return list(Customer.objects.order_by("pk").values())


def before_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'import_before_%' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def test_undo_removes_what_came_and_gives_back_what_was_to_the_last_digit(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, FIRST, cast.ana)
    before = everything()
    file = bring(tmp_path, SECOND, cast.ana)
    assert (file.inserted, file.updated, file.rejected) == (1, 2, 1)
    assert everything() != before
    done = undo.undo(file, cast.ana)
    assert (done.state, done.undone_by, done.undone_at is None) == (ImportFile.State.UNDONE, cast.ana, False)
    assert everything() == before
    said = AuditEvent.objects.get(action="import.undone")
    assert (said.actor, said.details["removed"], said.details["restored"]) == (cast.ana, 1, 2)


def test_undone_twice_is_undone_once_and_the_same_file_may_come_again(cast: Cast, tmp_path: Path) -> None:
    file = bring(tmp_path, FIRST, cast.ana)
    undo.undo(file, cast.ana)
    undo.undo(ImportFile.objects.get(), cast.ana)
    assert AuditEvent.objects.filter(action="import.undone").count() == 1
    assert not Customer.objects.exists()
    with pytest.raises(imports.Refused, match="was undone"):
        imports.merge(ImportFile.objects.get())
    again = bring(tmp_path, FIRST, cast.ana)
    assert again.pk != file.pk
    assert (again.state, Customer.objects.count()) == (ImportFile.State.MERGED, 3)


def test_only_the_last_import_of_a_source_can_be_undone_and_only_its_data_are_kept(
    cast: Cast, tmp_path: Path
) -> None:
    others = set(before_tables())
    first = bring(tmp_path, FIRST, cast.ana)
    second = bring(tmp_path, SECOND, cast.ana)
    assert set(before_tables()) - others == {f"import_before_{second.pk}"}
    with pytest.raises(imports.Refused, match="came after it from the same source"):
        undo.undo(ImportFile.objects.get(pk=first.pk), cast.ana)
    undo.undo(second, cast.ana)
    assert set(before_tables()) <= others
    with pytest.raises(imports.Refused, match="no longer kept"):
        undo.undo(ImportFile.objects.get(pk=first.pk), cast.ana)
    assert Customer.objects.count() == 3


def test_sources_are_undone_apart(cast: Cast, tmp_path: Path) -> None:
    core = bring(tmp_path, FIRST, cast.ana)
    other = bring(tmp_path, "number,name\nX1,Mo\n", cast.ana, source="cards")
    undo.undo(core, cast.ana)
    assert list(Customer.objects.values_list("number", flat=True)) == ["X1"]
    undo.undo(other, cast.ana)
    assert not Customer.objects.exists()


def test_a_customer_with_later_work_keeps_the_whole_import_in_with_the_count(
    cast: Cast, tmp_path: Path
) -> None:
    file = bring(tmp_path, FIRST, cast.ana)
    customer = Customer.objects.get(number="C1")
    Holding.objects.create(number="H1", customer=customer, product=product(), opened_on=dt.date(2026, 1, 1))
    before = everything()
    with pytest.raises(imports.Refused, match="holdings: 1"):
        undo.undo(file, cast.ana)
    assert everything() == before
    assert ImportFile.objects.get().state == ImportFile.State.MERGED
    Holding.objects.all().delete()
    undo.undo(ImportFile.objects.get(), cast.ana)
    assert not Customer.objects.exists()


def test_profiles_go_with_the_customers_they_are_computed_from(cast: Cast, tmp_path: Path) -> None:
    file = bring(tmp_path, FIRST, cast.ana)
    month = dt.date(2026, 10, 31)
    ensure_months("customers_customerprofile", month, month)
    CustomerProfile.objects.create(month=month, customer=Customer.objects.get(number="C1"))
    undo.undo(file, cast.ana)
    assert not CustomerProfile.objects.exists()


@pytest.mark.parametrize("text", ["number,name\nC1,Wang Wu\n", "number,name\nC4,Zhou X\n"])
def test_rows_that_a_later_file_of_another_source_changed_stand_in_the_way(
    cast: Cast, tmp_path: Path, text: str
) -> None:
    bring(tmp_path, FIRST, cast.ana)
    file = bring(tmp_path, SECOND.replace("C1,Wang,", "C1,Wang F,"), cast.ana)
    later = bring(tmp_path, text, cast.ana, source="cards")
    before = everything()
    with pytest.raises(imports.Refused, match="rows that were changed again since: 1"):
        undo.undo(ImportFile.objects.get(pk=file.pk), cast.ana)
    assert everything() == before
    undo.undo(later, cast.ana)
    undo.undo(ImportFile.objects.get(pk=file.pk), cast.ana)
    assert Customer.objects.count() == 3


def test_a_change_by_hand_stands_in_the_way_where_the_file_wrote_and_survives_elsewhere(
    cast: Cast, tmp_path: Path
) -> None:
    bring(tmp_path, FIRST, cast.ana)
    file = bring(tmp_path, SECOND, cast.ana)
    Customer.objects.filter(number="C1").update(city="Prag")
    with pytest.raises(imports.Refused, match="rows that were changed again since: 1"):
        undo.undo(ImportFile.objects.get(pk=file.pk), cast.ana)
    Customer.objects.filter(number="C1").update(city="Oslo", phone_is_wrong=True)
    undo.undo(ImportFile.objects.get(pk=file.pk), cast.ana)
    customer = Customer.objects.get(number="C1")
    assert (customer.city, customer.phone_is_wrong) == ("Rome", True)


def test_a_merge_that_was_cancelled_half_way_can_be_undone_and_keeps_its_meaning_until_then(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path, FIRST, cast.ana)
    before = everything()
    monkeypatch.setattr(merging, "CHUNK_ROWS", 1)
    monkeypatch.setattr("bankcrm.job.WRITE_EVERY_SECONDS", 0)
    path = write(tmp_path, SECOND, "half.csv")
    file = imports.check(
        loads.describe(imports.receive(path, "customers", cast.ana, "half.csv"), source="core")
    )
    run = runs.request(tasks.KIND, cast.ana, key=tasks.key(file), file=file.pk, step="merge")
    real = upsert.write_chunk

    def cancelled(*args, **more):
        Run.objects.filter(pk=run.pk).update(cancel_requested=True)
        return real(*args, **more)

    monkeypatch.setattr(upsert, "write_chunk", cancelled)
    assert runs.execute(run.pk) == Run.State.CANCELLED
    half = ImportFile.objects.get(pk=file.pk)
    assert (half.state, half.inserted, half.updated) == (ImportFile.State.CHECKED, 0, 1)
    with pytest.raises(imports.Refused, match="Undo the import first"):
        imports.remap(half, half.mapping, half.options)
    undo.undo(half, cast.ana)
    assert everything() == before


def test_balances_come_back_in_their_partitions(cast: Cast, tmp_path: Path) -> None:
    product()
    bring(tmp_path, FIRST, cast.ana)
    header = "month,customer,product,average,closing\n"
    bring(
        tmp_path, header + "2026-09-30,C1,savings,1.25,2\n2026-10-31,C1,savings,3,4\n", cast.ana, "balances"
    )
    before = list(MonthlyBalance.objects.order_by("month").values())
    file = bring(
        tmp_path, header + "2026-10-31,C1,savings,9,9\n2026-10-31,C2,savings,8,8\n", cast.ana, "balances"
    )
    assert (file.inserted, file.updated) == (1, 1)
    undo.undo(file, cast.ana)
    assert list(MonthlyBalance.objects.order_by("month").values()) == before


def test_staff_who_have_customers_stay_and_nobody_else_does(cast: Cast, tmp_path: Path) -> None:
    text = "employee_number,username,full_name,role,branch\nE90,zoe,Zoe,rm,N1\nE91,zac,Zac,rm,N1\n"
    file = bring(tmp_path, text, cast.ada, "staff")
    Customer.objects.create(number="C9", name="Mo", primary_rm=User.objects.get(username="zoe"))
    with pytest.raises(imports.Refused, match="customers: 1"):
        undo.undo(file, cast.ada)
    Customer.objects.all().delete()
    undo.undo(ImportFile.objects.get(), cast.ada)
    assert not User.objects.filter(username__in=["zoe", "zac"]).exists()


def test_a_file_of_which_nothing_is_in_cannot_be_undone(cast: Cast, tmp_path: Path) -> None:
    file = checked(write(tmp_path, FIRST), "customers", cast.ana)
    with pytest.raises(imports.Refused, match="Nothing of this file is in"):
        undo.undo(file, cast.ana)


def test_the_undo_says_how_far_it_is_piece_by_piece(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"C{at:03}" for at in range(60)]
    bring(tmp_path, "number,name\n" + "".join(f"{number},A\n" for number in rows[:20]), cast.ana)
    before = everything()
    file = bring(tmp_path, "number,name\n" + "".join(f"{number},B\n" for number in rows), cast.ana)
    said: list[tuple[int, str]] = []
    monkeypatch.setattr(taking_back, "PIECE", 15)
    monkeypatch.setattr(undo, "_pause", lambda _job, done, note: said.append((done, note)))
    undo.undo(file, cast.ana)
    assert everything() == before
    restored, removed = "Giving changed rows their former values", "Removing the rows it brought"
    assert [done for done, note in said if note == restored][-1] == 20
    assert [done for done, note in said if note == removed] == [20, 35, 50, 60]


def test_the_undo_asks_as_often_however_many_rows_there_are(cast: Cast, tmp_path: Path) -> None:
    counts = []
    for at, size in enumerate((5, 500)):
        text = "number,name\n" + "".join(f"{at}-{row},A\n" for row in range(size))
        file = bring(tmp_path, text, cast.ana)
        with CaptureQueriesContext(connection) as queries:
            undo.undo(file, cast.ana)
        counts.append(len(queries))
    assert counts[0] == counts[1]
