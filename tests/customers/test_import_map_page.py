"""The mapping page judges every column anew when its meaning changes, and says what is true of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.imports import proposing, sampling
from customers.imports.kinds import KINDS
from customers.models import Assignment, Customer, Holding, ImportFile, MonthlyBalance, Product
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, draft, field_of, filled, upload
from tests.customers.imports_world import merged, product, rejects, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_after_a_failed_press_forms_are_still_proposed_for_columns_that_get_a_meaning(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"Kunde;Geburt;Lohn\n1;26.11.1966;6.176,90\n2;13.01.1970;1.000,00\n", name="de.csv")
    file = page.context["file"]
    told = filled(page) | {f"column_{at}": "" for at in range(3)}
    assert client.post(reverse("import-map", args=[file.pk]), told).status_code == 422
    chosen = {
        field_of(page, "Kunde"): "number",
        field_of(page, "Geburt"): "birth_date",
        field_of(page, "Lohn"): "monthly_income",
        "constant_name": "Customer {Kunde}",
    }
    body = draft(client, ImportFile.objects.get(), told | chosen)
    form = body.context["form"]
    assert {name: form[name].value() for name in form.fields if name.startswith("form_")} == {
        "form_1": "dmy",
        "form_2": "comma",
    }
    told = {bound.html_name: bound.value() or "" for bound in form if bound.value() is not False}
    answer = client.post(reverse("import-map", args=[file.pk]), told)
    assert answer.status_code == 302


def test_products_and_branches_may_be_called_by_their_names(cast: Cast, tmp_path: Path) -> None:
    Product.objects.create(code="td", name="Time deposit", line="savings", asset_class="time_deposit")
    for code in ("a", "b"):
        Product.objects.create(code=code, name="Twin", line="savings", asset_class="time_deposit")
    Product.objects.create(code="Time", name="a", line="savings", asset_class="time_deposit")
    file = merged(
        write(tmp_path, "number,name,branch\nC1,A,Branch North 1\nC2,B,N1\n"), "customers", cast.ana
    )
    assert rejects(file) == []
    assert Customer.objects.filter(home_branch=cast.tree.n1).count() == 2
    head = "number,customer,product,opened_on\n"
    rows = [f"H{at},C1,{said},2024-01-31\n" for at, said in enumerate(("Time deposit", "td", "Twin", "a"))]
    file = merged(write(tmp_path, head + "".join(rows), "h.csv"), "holdings", cast.ana)
    assert rejects(file) == [(4, "product", "unknown_product")]
    assert list(Holding.objects.order_by("number").values_list("product__code", flat=True)) == [
        "td",
        "td",
        "a",
    ]


def test_the_page_knows_a_product_by_its_name(cast: Cast) -> None:
    Product.objects.create(code="td", name="Time deposit", line="savings", asset_class="time_deposit")
    Customer.objects.create(number="C1", name="A")
    client = login(cast.ana)
    page = upload(client, b"number,customer,product,opened_on\nH1,C1,Time deposit,2024-01-31\n", "holdings")
    assert page.context["unsaid"] == 0
    assert bring_in(client, page, filled(page)).inserted == 1


def test_what_the_file_must_say_follows_constants_words_and_the_day(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"customer,product,closing\nC1,gold,5\n", "balances")
    file, told = page.context["file"], filled(page)
    month = str(MonthlyBalance._meta.get_field("month").verbose_name).capitalize()
    needs = {need["label"]: need["tone"] for need in page.context["needed"]}
    assert needs[month] == "bad"
    body = draft(client, file, told | {"effective_on": "2024-01-31"})
    assert {need["label"]: need["tone"] for need in body.context["needed"]}[month] == "ok"
    assert page.content.decode().count('id="map-needs"') == 1
    # A day the load will be refused for is said at once, not when it is saved.
    for day, word in (("2024-01-15", "not the last day"), ("2024-02-31", "no 31 February 2024")):
        need = {need["label"]: need for need in needed(client, file, told | {"effective_on": day})}[month]
        assert need["tone"] == "bad"
        assert word in need["why"]


def test_customers_are_numbered_by_the_prefix_as_soon_as_it_is_typed(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"arm,visit\nA,1\nControl,0\n", "campaign")
    file, told = page.context["file"], filled(page)
    number = str(KINDS["campaign"].target("customer").label)
    assert {need["label"]: need["tone"] for need in page.context["needed"]}[number] == "bad"
    prefix = needed(client, file, told | {"campaign_new_customers": "H-"})
    assert {need["label"]: need["tone"] for need in prefix}[number] == "ok"
    impossible = needed(client, file, told | {"constant_assigned_on": "2008-02-31"})
    assert "There is no 31 February 2008." in [need["why"] for need in impossible]


def needed(client: Client, file: ImportFile, told: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft(client, file, told).context["needed"]
    return found


def test_a_column_may_say_which_of_its_values_mean_nothing(cast: Cast) -> None:
    product("savings")
    client = login(cast.ana)
    page = upload(client, b"arm,visit,spend,pdays\nA,1,-1,999\nControl,0,5,3\n", "campaign", "pdays.csv")
    told = filled(page) | {
        "constant_assigned_on": "2024-01-31",
        "campaign_name": "Calls",
        "campaign_code": "calls",
        "campaign_product": "savings",
        "campaign_control_cells": "Control",
        "campaign_new_customers": "P",
        field_of(page, "pdays", "blank"): "999; 998",
        field_of(page, "spend", "blank"): "-1",
    }
    file = bring_in(client, page, told)
    assert (file.inserted, file.rejected) == (2, 0)
    assert [each.facts["pdays"] for each in Assignment.objects.order_by("customer__number")] == [None, "3"]
    again = client.get(reverse("import-map", args=[file.pk])).context["form"]
    assert again[field_of(page, "pdays", "blank")].value() == "998; 999"


def test_counts_say_of_how_many_rows_and_the_example_is_of_this_file(cast: Cast) -> None:
    client = login(cast.ana)
    rows = "".join(f"L{at},N{at}\n" for at in range(6_000))
    page = upload(client, f"Loan number,name\n{rows}".encode())
    seen = page.context["sampled"]
    assert 1_000 < seen < 6_000
    text = page.content.decode()
    assert f"Values of the first {seen:,} rows" in text
    assert "Customer {Loan number}" in text
    assert "CustomerId" not in text
    small = upload(client, b"number,name\nC1,A\n", name="small.csv")
    assert small.context["sampled"] == 0
    assert "1 line " in small.context["how_read"]


@pytest.mark.parametrize(
    ("kind", "heading", "meanings"),
    [
        (
            "holdings",
            "deposit_id account_holder type start end principal",
            "number customer product opened_on matures_on amount",
        ),
        (
            "holdings",
            "Kontonummer Kunde Produkt Beginn Fälligkeit Betrag",
            "number customer product opened_on matures_on amount",
        ),
        (
            "holdings",
            "存单号 客户 存款类型 起始日 到期日 存款金额",
            "number customer product opened_on matures_on amount",
        ),
        ("balances", "client type stichtag avg_balance saldo", "customer product month average closing"),
    ],
)
def test_headings_of_other_banks_are_understood(kind: str, heading: str, meanings: str) -> None:
    names = heading.split()
    row = [f"A{at}" for at in range(len(names))]
    assert list(proposing.propose(KINDS[kind], sampling.columns(names, [row])).values()) == meanings.split()


def test_branches_the_bank_does_not_have_are_said_before_the_rows_are_checked(cast: Cast) -> None:
    client = login(cast.ana)
    page = upload(client, b"number,name,branch_code\nC1,A,755\nC2,B,286\n")
    branch = {need["label"]: need for need in page.context["needed"]}["Branch"]
    assert branch["tone"] == "bad"
    assert branch["why"] == (
        "None of the 2 values of branch_code is a branch of the bank: 755, 286… Say below what each means."
    )
    assert f'id="{branch["url"].removeprefix("#")}"' in page.content.decode()
    at = field_of(page, "branch_code").removeprefix("column_")
    said = filled(page) | {f"value_{at}_0": "N1", f"value_{at}_1": "="}
    told = needed(client, page.context["file"], said)
    assert {need["label"]: need["tone"] for need in told}["Branch"] == "ok"


def test_many_unknown_branches_are_left_out_or_set_at_once(cast: Cast) -> None:
    client = login(cast.ana)
    rows = "".join(f"C{at},A,{at + 100}\n" for at in range(60))
    page = upload(client, f"number,name,branch_code\n{rows}".encode())
    branch = {need["label"]: need for need in page.context["needed"]}["Branch"]
    assert branch["tone"] == "bad"
    assert "leave the column out, or set one for every row" in branch["why"]
    known = upload(client, f"number,name,branch_code\n{rows}C99,B,N1\n".encode(), name="one.csv")
    assert {need["label"]: need["tone"] for need in known.context["needed"]}["Branch"] == "ok"
