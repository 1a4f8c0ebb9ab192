"""A full load says what is no longer there: counted before it goes in, marked only when somebody said so."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse

from bankcrm import clock
from bankcrm.models import AuditEvent, Leave, User
from customers import imports
from customers.imports import loads, staging, undo
from customers.models import Customer, Holding, ImportFile
from tests.cast import Cast, login
from tests.customers.imports_world import product, rejects, write

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 25)
HEAD = "number,name,children\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(TODAY)


def ready(folder: Path, text: str, user: User, kind: str = "customers", **load) -> ImportFile:
    name = f"{len(list(folder.iterdir()))}.csv"
    file = imports.receive(write(folder, text, name), kind, user, name)
    return imports.check(loads.describe(file, **({"source": "core"} | load)))


def bring(folder: Path, text: str, user: User, kind: str = "customers", **load) -> ImportFile:
    return imports.merge(ready(folder, text, user, kind, **load))


def rows(count: int, first: int = 1) -> str:
    return HEAD + "".join(f"C{at},Name {at},1\n" for at in range(first, first + count))


def closed() -> dict[str, dt.date]:
    return dict(Customer.objects.filter(closed_on__isnull=False).values_list("number", "closed_on"))


def test_a_delta_says_nothing_about_rows_it_does_not_hold(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(10), cast.ana)
    file = bring(tmp_path, rows(2), cast.ana)
    assert (file.missing, file.closed, closed()) == (None, None, {})


def test_missing_customers_are_counted_and_wait_for_a_word(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(100), cast.ana)
    file = ready(tmp_path, rows(98), cast.ana, load="full")
    assert (file.missing, file.options["known"]) == (2, 100)
    with pytest.raises(imports.Refused, match="becomes of the 2 rows"):
        imports.merge(file)
    loads.confirm(file, cast.ana, loads.CLOSE)
    done = imports.merge(file)
    assert (done.closed, closed()) == (2, {"C99": TODAY, "C100": TODAY})
    said = AuditEvent.objects.get(action="import.missing_rows")
    assert (said.actor, said.to_state, said.details) == (cast.ana, "close", {"missing": 2, "known": 100})


def test_left_as_they_are_means_nothing_is_marked(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(10), cast.ana)
    file = ready(tmp_path, rows(2), cast.ana, load="full")
    loads.confirm(file, cast.ana, loads.KEEP)
    assert (imports.merge(file).closed, closed()) == (0, {})


def test_more_than_a_twentieth_missing_needs_the_number_said_out_loud(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(100), cast.ana)
    file = ready(tmp_path, rows(90), cast.ana, load="full")
    for wrong in (None, 9, 11):
        with pytest.raises(imports.Refused, match="10 of 100 known rows are missing"):
            loads.confirm(file, cast.ana, loads.CLOSE, wrong)
    loads.confirm(file, cast.ana, loads.CLOSE, 10)
    assert imports.merge(file).closed == 10


def test_rows_left_out_for_a_bad_cell_are_still_there_and_unreadable_ones_stop_the_closing(
    cast: Cast, tmp_path: Path
) -> None:
    bring(tmp_path, rows(3), cast.ana)
    file = ready(tmp_path, HEAD + "C1,Name 1,many\n C2 ,Name 2,1\nC3,Name 3,1\n", cast.ana, load="full")
    assert (file.rejected, file.missing) == (1, 0)
    torn = ready(tmp_path, HEAD + "C1,Name 1\nC2,Name 2,1\nC3,Name 3,1\n", cast.ana, load="full")
    assert torn.missing == 1
    with pytest.raises(imports.Refused, match="1 rows of the file cannot be read"):
        loads.confirm(torn, cast.ana, loads.CLOSE, 1)
    loads.confirm(torn, cast.ana, loads.KEEP)
    assert imports.merge(torn).closed == 0


def test_a_full_load_speaks_for_its_own_source_only(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(3), cast.ana)
    bring(tmp_path, rows(3, first=50), cast.ana, source="cards")
    Customer.objects.create(number="HAND", name="By hand")
    file = ready(tmp_path, rows(2), cast.ana, load="full")
    assert (file.missing, file.options["known"]) == (1, 3)


def test_a_full_load_needs_a_source_and_a_kind_that_has_an_end(cast: Cast, tmp_path: Path) -> None:
    file = imports.receive(write(tmp_path, rows(1)), "customers", cast.ana)
    with pytest.raises(imports.Refused, match="needs the name of its source"):
        loads.describe(file, load="full")
    consents = imports.receive(write(tmp_path, "customer,channel\nC1,sms\n", "c.csv"), "consents", cast.ana)
    with pytest.raises(imports.Refused, match="only add and change"):
        loads.describe(consents, source="core", load="full")


def test_the_day_of_the_load_is_the_day_they_left_but_never_before_they_came(
    cast: Cast, tmp_path: Path
) -> None:
    product()
    bring(tmp_path, rows(1), cast.ana)
    head = "number,customer,product,opened_on\n"
    bring(
        tmp_path,
        head + "H1,C1,savings,2026-01-01\nH2,C1,savings,2026-10-15\nH3,C1,savings,2026-01-01\n",
        cast.ana,
        "holdings",
    )
    file = ready(
        tmp_path,
        head + "H3,C1,savings,2026-01-01\n",
        cast.ana,
        "holdings",
        load="full",
        effective_on=dt.date(2026, 9, 30),
    )
    loads.confirm(file, cast.ana, loads.CLOSE, 2)
    imports.merge(file)
    assert dict(Holding.objects.values_list("number", "closed_on")) == {
        "H1": dt.date(2026, 9, 30),
        "H2": dt.date(2026, 10, 15),
        "H3": None,
    }


def test_staff_who_left_cannot_sign_in_and_whoever_brings_the_file_still_can(
    cast: Cast, tmp_path: Path
) -> None:
    head = "employee_number,username,full_name,role,branch\n"
    bring(tmp_path, head + "E90,zoe,Zoe,rm,N1\nE91,zac,Zac,rm,N1\n", cast.ada, "staff")
    User.objects.filter(pk=cast.ada.pk).update(brought_by=ImportFile.objects.get().pk)
    file = ready(tmp_path, head + "E90,zoe,Zoe,rm,N1\n", cast.ada, "staff", load="full")
    loads.confirm(file, cast.ada, loads.CLOSE, 1)
    imports.merge(file)
    assert dict(
        User.objects.filter(username__in=["zoe", "zac", "ada"]).values_list("username", "is_active")
    ) == {
        "zoe": True,
        "zac": False,
        "ada": True,
    }


def test_staff_who_still_hold_something_stay_and_are_named_with_what_holds_them(
    cast: Cast, tmp_path: Path
) -> None:
    head = "employee_number,username,full_name,role,branch\n"
    people = [f"E9{at},{name},{name.title()},rm,N1\n" for at, name in enumerate(("zoe", "zac", "zed", "zia"))]
    bring(tmp_path, head + "".join(people), cast.ada, "staff")
    zac, zed = User.objects.get(username="zac"), User.objects.get(username="zed")
    Customer.objects.create(number="C1", name="Mo", primary_rm=zac)
    Customer.objects.create(number="C2", name="Ma", primary_rm=zed, closed_on=TODAY)
    Leave.objects.create(
        user=cast.rita, backup=User.objects.get(username="zia"), first_day=TODAY, last_day=TODAY
    )
    file = ready(tmp_path, head + people[0], cast.ada, "staff", load="full")
    assert (file.missing, [(one["number"], one["name"]) for one in file.options["staying"]]) == (
        1,
        [("E91", "Zac"), ("E93", "Zia")],
    )
    assert file.options["known"] == 4  # those who stay are known too: two in four are missing, one may go
    assert file.options["staying"][0]["holds"] == "customers: 1"
    page = login(cast.ada).get(reverse("import-detail", args=[file.pk])).content.decode()
    assert "Missing, and staying" in page
    assert "stands in for Rita" in page
    loads.confirm(file, cast.ada, loads.CLOSE, 1)
    done = imports.merge(file)
    active = User.objects.filter(brought_by__isnull=False, is_active=True).values_list("username", flat=True)
    assert (done.closed, set(active)) == (1, {"zoe", "zac", "zia"})
    assert [one["number"] for one in done.options["staying"]] == ["E91", "E93"]
    Customer.objects.filter(primary_rm=zac).update(primary_rm=cast.rita)
    later = ready(tmp_path, head + people[0] + people[3], cast.ada, "staff", load="full")
    assert (later.missing, later.options["staying"]) == (1, [])


def test_a_file_makes_nobody_something_else_who_still_has_customers(cast: Cast, tmp_path: Path) -> None:
    head = "employee_number,username,full_name,role,branch\n"
    bring(tmp_path, head + "E90,zoe,Zoe,rm,N1\nE91,zac,Zac,rm,N1\n", cast.ada, "staff")
    Customer.objects.create(number="C1", name="Mo", primary_rm=User.objects.get(username="zac"))
    file = bring(tmp_path, head + "E90,zoe,Zoe,planner,N1\nE91,zac,Zac,planner,N1\n", cast.ada, "staff")
    assert rejects(file) == [(3, "role", "still_has_customers")]
    assert dict(User.objects.filter(username__startswith="z").values_list("username", "role")) == {
        "zoe": "planner",
        "zac": "rm",
    }


def test_undo_of_a_full_load_opens_again_whom_it_marked(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(3), cast.ana)
    before = list(Customer.objects.order_by("pk").values())
    file = ready(tmp_path, HEAD + "C1,Name 1,1\nC2,Other,1\nC7,New,1\n", cast.ana, load="full")
    loads.confirm(file, cast.ana, loads.CLOSE, 1)
    done = imports.merge(file)
    assert (done.inserted, done.updated, done.closed) == (1, 1, 1)
    undo.undo(done, cast.ana)
    assert list(Customer.objects.order_by("pk").values()) == before


def test_more_missing_than_were_confirmed_stops_the_merge(cast: Cast, tmp_path: Path) -> None:
    bring(tmp_path, rows(3), cast.ana)
    file = ready(tmp_path, rows(2), cast.ana, load="full")
    loads.confirm(file, cast.ana, loads.CLOSE, 1)
    bring(tmp_path, rows(1, first=9), cast.ana)
    with pytest.raises(imports.Refused, match="2 rows are missing now, 1 were confirmed"):
        imports.merge(ImportFile.objects.get(pk=file.pk))
    assert closed() == {}


def test_what_a_load_is_cannot_change_once_rows_are_in(cast: Cast, tmp_path: Path) -> None:
    file = bring(tmp_path, rows(3), cast.ana)
    with pytest.raises(imports.Refused, match="can no longer change"):
        loads.describe(file, source="cards")
    assert ImportFile.objects.get().source == "core"


def test_a_full_load_of_many_rows_is_counted_as_fast_as_it_is_read(cast: Cast, tmp_path: Path) -> None:
    """Each known row looks itself up among the keys of the file; twice the rows once took four times as long."""
    took = []
    for size in (4_000, 12_000):
        bring(tmp_path, rows(size, size), cast.ana, source=f"s{size}")
        file = ready(tmp_path, rows(size - 10, size) + "X,X,1\n", cast.ana, source=f"s{size}", load="full")
        loads.confirm(file, cast.ana, loads.CLOSE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [staging.keys_table(file)])
            assert cursor.fetchone() == (1,)
        began = time.perf_counter()
        assert loads.count(file) == loads.Missing(size, 10)
        took.append(time.perf_counter() - began)
        assert imports.merge(file).closed == 10
    assert took[1] < 2  # it was 60 s
