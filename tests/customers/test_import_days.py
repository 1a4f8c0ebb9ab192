"""The day of a load is told of that load: correcting it counts, the next file does not inherit it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.urls import reverse

from bankcrm import clock
from customers import imports
from customers.imports import loads
from customers.models import Customer, ImportFile, MonthlyBalance
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, filled, upload, work
from tests.customers.imports_world import product, rejects, write

pytestmark = pytest.mark.django_db
OCTOBER, JULY = dt.date(2026, 10, 31), dt.date(2026, 7, 31)
HEAD = "customer,product,closing\n"


@pytest.fixture(autouse=True)
def bank(tmp_path: Path, settings, cast: Cast) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    clock.set_day(dt.date(2026, 11, 25))
    Customer.objects.create(number="C1", name="Mo")
    product()


def balances() -> dict[dt.date, float]:
    return {
        month: float(closing) for month, closing in MonthlyBalance.objects.values_list("month", "closing")
    }


def test_a_corrected_day_is_the_day_the_rows_go_to(cast: Cast, tmp_path: Path) -> None:
    file = imports.receive(write(tmp_path, HEAD + "C1,savings,5\n"), "balances", cast.ana)
    imports.check(loads.describe(file, source="core", effective_on=OCTOBER))
    imports.merge(imports.check(loads.describe(file, effective_on=JULY)))
    assert balances() == {JULY: 5}


@pytest.mark.parametrize("source", ["", "core"])
def test_the_next_file_with_the_same_columns_has_no_day_until_it_is_told_one(
    cast: Cast, tmp_path: Path, source: str
) -> None:
    file = imports.receive(write(tmp_path, HEAD + "C1,savings,5\n"), "balances", cast.ana)
    imports.merge(imports.check(loads.describe(file, source=source, effective_on=OCTOBER)))
    later = imports.receive(
        write(tmp_path, HEAD + "C1,savings,6\n", "b.csv"), "balances", cast.ana, from_source=source
    )
    with pytest.raises(imports.Refused, match="No column gives: month"):
        imports.check(later)
    imports.merge(imports.check(loads.describe(later, effective_on=JULY)))
    assert balances() == {OCTOBER: 5, JULY: 6}


def test_a_typed_month_end_is_of_its_file_alone(cast: Cast, tmp_path: Path) -> None:
    told = {"constants": {"month": "2026-10-31"}}
    imports.merge(
        imports.check(
            imports.receive(
                write(tmp_path, HEAD + "C1,savings,5\n"),
                "balances",
                cast.ana,
                options=told,
                from_source="core",
            )
        )
    )
    later = imports.receive(write(tmp_path, HEAD + "C1,savings,6\n", "b.csv"), "balances", cast.ana)
    assert later.options["constants"] == {}


def test_the_page_refuses_two_days_a_day_inside_a_month_and_a_day_to_come(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"customer,product,closing\nC1,savings,5\n", "balances")
    address = reverse("import-map", args=[page.context["file"].pk])
    for told, why in (
        ({"effective_on": "2026-07-31", "constant_month": "2026-10-31"}, "Two days are told"),
        ({"effective_on": "2026-10-15"}, "2026-10-15 is not the last day of a month."),
        ({"effective_on": "2026-11-30"}, "2026-11-30 lies in the future"),
    ):
        answer = client.post(address, filled(page) | told)
        assert answer.status_code == 422
        assert why in str(answer.context["load"].errors["effective_on"])
    assert ImportFile.objects.get().effective_on is None
    file = bring_in(client, page, filled(page) | {"effective_on": "2026-10-31"})
    assert (file.state, balances()) == ("merged", {OCTOBER: 5})


def test_a_day_taken_from_the_page_is_gone(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"number,name\nC1,Mo\n")
    address = reverse("import-map", args=[page.context["file"].pk])
    for day in ("2026-10-31", ""):
        client.post(address, filled(page) | {"effective_on": day})
        work()
    assert ImportFile.objects.get().effective_on is None


def test_a_program_is_refused_a_day_to_come(cast: Cast, tmp_path: Path) -> None:
    file = imports.receive(write(tmp_path, HEAD + "C1,savings,5\n"), "balances", cast.ana)
    with pytest.raises(imports.Refused, match="lies in the future"):
        loads.describe(file, effective_on=dt.date(2026, 11, 26))
    loads.describe(file, effective_on=dt.date(2026, 11, 15))
    with pytest.raises(imports.Refused, match="not the last day of a month"):
        imports.check(file)


def test_a_reject_quotes_what_every_row_shares(cast: Cast, tmp_path: Path) -> None:
    told = {"constants": {"month": "2026-10-15"}}
    file = imports.receive(write(tmp_path, HEAD + "C1,savings,5\n"), "balances", cast.ana, options=told)
    file = imports.check(file)
    assert [code for _line, _column, code in rejects(file)] == ["not_a_month_end"]
    assert "“2026-10-15”" in file.rejects.get().reason
