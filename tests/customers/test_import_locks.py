"""Imports lock customers as every other writer does, in the order of their ids: who meets waits, nobody is killed."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from bankcrm import clock
from campaigns import followup
from campaigns.models import Lead
from customers import consents, imports
from customers.consents import Word
from customers.imports import undo
from customers.models import Consent, Customer, ImportFile
from tests.campaigns.lead_cases import at_once, pushed_leads
from tests.cast import Cast
from tests.customers.imports_world import checked, merged, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def beside(act: Callable[[], Any], wrong: list[Exception]) -> threading.Thread:
    """``act`` on a connection of its own, under way once it waits for a lock of ours."""

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001  (what went wrong is what the test looks at)
            wrong.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 20
    while time.monotonic() < until and thread.is_alive():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if cursor.fetchone()[0]:
                return thread
        time.sleep(0.02)
    raise AssertionError(f"it does not wait: {wrong}")


def objections(folder: Path, *numbers: str, name: str = "file.csv") -> Path:
    rows = "".join(f"{number},phone,yes,2026-11-20\n" for number in numbers)
    return write(folder, f"customer,channel,is_objection,since\n{rows}", name)


@pytest.mark.parametrize("step", ["merge", "undo"])
def test_an_objection_at_the_page_and_one_by_a_file_wait_for_each_other(
    cast: Cast, tmp_path: Path, step: str
) -> None:
    (lead,) = pushed_leads(cast, 1, "autumn")
    customer = lead.customer
    path = objections(tmp_path, customer.number)
    act: Callable[[], Any]
    wrong: list[Exception] = []
    if step == "merge":
        act = functools.partial(imports.merge, checked(path, "consents", cast.ana))
    else:
        act = functools.partial(undo.undo, merged(path, "consents", cast.ana), cast.ana)
    with transaction.atomic():
        # As an answer on a lead does: the customer first, then their leads, then the word.
        followup._lock(lead.pk, cast.rita, customer_first=True)
        thread = beside(act, wrong)
        consents.record(customer.pk, cast.rita, Word("sms", "marketing", True, clock.today()))
        consents.record(customer.pk, cast.rita, Word("phone", "marketing", True, clock.today()))
    thread.join(30)
    assert wrong == []
    said = set(Consent.objects.filter(customer=customer, is_objection=True).values_list("channel", flat=True))
    assert said >= {"sms"}
    assert Lead.objects.get(pk=lead.pk).state not in Lead.OPEN or step == "undo"


def test_two_files_that_change_the_same_customers_in_opposite_order_both_go_in(
    cast: Cast, tmp_path: Path
) -> None:
    numbers = [f"C{at:03}" for at in range(300)]
    merged(
        write(tmp_path, "number,name\n" + "".join(f"{n},A\n" for n in numbers), "a.csv"),
        "customers",
        cast.ana,
    )

    def move() -> None:
        with transaction.atomic():
            found = Customer.objects.order_by("pk").select_for_update(no_key=True)
            Customer.objects.filter(pk__in=[each.pk for each in found]).update(city="Oslo")

    text = "number,name\n" + "".join(f"{n},B\n" for n in reversed(numbers))
    file = checked(write(tmp_path, text, "b.csv"), "customers", cast.ana)
    results = at_once([functools.partial(imports.merge, file), move, move])
    assert [each for each in results if isinstance(each, Exception)] == []
    assert set(Customer.objects.values_list("name", "city")) == {("B", "Oslo")}
    assert ImportFile.objects.get(pk=file.pk).updated == 300


def test_known_rows_are_locked_in_the_order_of_their_keys(cast: Cast, tmp_path: Path) -> None:
    """The first of the file is the last by its key: it may not be held while an earlier one is waited for."""
    merged(write(tmp_path, "number,name\nC1,A\nC2,A\n", "a.csv"), "customers", cast.ana)
    first, last = Customer.objects.order_by("pk")
    file = checked(write(tmp_path, "number,name\nC2,B\nC1,B\n", "b.csv"), "customers", cast.ana)
    wrong: list[Exception] = []
    with transaction.atomic():
        Customer.objects.select_for_update(no_key=True).get(pk=first.pk)
        thread = beside(functools.partial(imports.merge, file), wrong)
        # Free still, because the import waits for the one before it.
        Customer.objects.select_for_update(no_key=True, nowait=True).get(pk=last.pk)
    thread.join(30)
    assert wrong == []
    assert set(Customer.objects.values_list("name", flat=True)) == {"B"}
