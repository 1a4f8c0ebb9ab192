"""Targets of a plan from a sheet and back, and how the plan stands against them up the branch tree."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from bankcrm.table_file import WrongFile
from campaigns import plan_file, plan_page, plan_progress, planning
from campaigns.conflicts import Conflict
from campaigns.models import Campaign, Lead, MarketingPlan, PlanTarget
from customers.models import Assignment, Contact, Response
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
HEAD = "branch,product,month,sales,volume\n"


@pytest.fixture
def plan(cast: Cast) -> MarketingPlan:
    factories.make_product()
    factories.make_product("loan")
    return planning.create(
        cast.mei, name="Quarter", starts_on=dt.date(2026, 10, 1), ends_on=dt.date(2026, 12, 31), budget=1000
    )


def bring(plan: MarketingPlan, cast: Cast, text: str, **more: Any) -> int:
    given = {"keep_others": False, "version": plan.version} | more
    return plan_file.bring(plan, cast.mei, plan_file.read((HEAD + text).encode()), **given)


def cells(plan: MarketingPlan) -> set[tuple[str, str, str, int]]:
    found = PlanTarget.objects.filter(plan=plan).values_list(
        "branch__code", "product__code", "month", "sales"
    )
    return {(branch, product, f"{month:%Y-%m}", sales) for branch, product, month, sales in found}


def test_branch_and_product_are_known_by_code_or_name_and_months_as_people_write_them(
    cast: Cast, plan: MarketingPlan
) -> None:
    text = f'{cast.tree.n1.name.upper()},fund,2026-10,"1,200",¥5\nN2,Fund,2026年11月,3,\nN1,loan,2026-12-31,4,7.5\n'
    assert bring(plan, cast, text) == 3
    assert cells(plan) == {
        ("N1", "fund", "2026-10", 1200), ("N2", "fund", "2026-11", 3), ("N1", "loan", "2026-12", 4),
    }  # fmt: skip


def test_a_workbook_comes_in_like_a_csv_and_the_sheet_goes_out_and_back(
    cast: Cast, plan: MarketingPlan
) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["Branch", "Product", "Month", "Sales"])
    sheet.append(["N1", "fund", dt.date(2026, 11, 1), 5])
    sheet.append([])
    sheet.append(["N2", "loan", "2026-11", 6])
    kept = io.BytesIO()
    book.save(kept)
    lines = plan_file.read(kept.getvalue())
    assert [line.line for line in lines] == [2, 4]
    plan_file.bring(plan, cast.mei, lines, plan.version, keep_others=False)
    before = cells(plan)
    assert before == {("N1", "fund", "2026-11", 5), ("N2", "loan", "2026-11", 6)}
    plan_file.bring(plan, cast.mei, plan_file.read(plan_file.sheet(plan)), plan.version, keep_others=False)
    assert cells(plan) == before


def test_every_wrong_line_is_named_and_nothing_goes_in(cast: Cast, plan: MarketingPlan) -> None:
    bring(plan, cast, "N1,fund,2026-10,1,\n")
    with pytest.raises(WrongFile) as refused:
        bring(
            plan,
            cast,
            "N1,fund,2026-10,5,\nX9,fund,2026-10,1,\nN1,gold,2026-10,1,\nN1,fund,2027-01,1,\n"
            "N1,fund,October,1,\nN1,fund,2026-11,1.5,\nN1,fund,2026-11,-1,\nN1,fund,2026-11,1,many\n",
        )
    assert [sentence.split(":")[0] for sentence in refused.value.sentences] == [
        f"Line {n}" for n in range(3, 10)
    ]
    assert "X9" in refused.value.sentences[0]
    with pytest.raises(WrongFile, match="same branch, product and month as line 2"):
        bring(plan, cast, "N1,fund,2026-10,5,\nN1,fund,2026-10,6,\n")
    assert cells(plan) == {("N1", "fund", "2026-10", 1)}


def test_targets_the_sheet_does_not_name_go_or_stay_as_asked(cast: Cast, plan: MarketingPlan) -> None:
    bring(plan, cast, "N1,fund,2026-10,1,\nN2,fund,2026-10,2,\n")
    assert bring(plan, cast, "N1,fund,2026-10,9,\n", keep_others=True) == 2
    assert cells(plan) == {("N1", "fund", "2026-10", 9), ("N2", "fund", "2026-10", 2)}
    assert bring(plan, cast, "N1,fund,2026-10,3,\n") == 1
    assert cells(plan) == {("N1", "fund", "2026-10", 3)}


def test_a_sheet_for_an_old_plan_is_refused(cast: Cast, plan: MarketingPlan) -> None:
    old = plan.version
    planning.edit(plan, cast.mei, budget=2000)
    with pytest.raises(Conflict, match="changed this"):
        bring(plan, cast, "N1,fund,2026-10,1,\n", version=old)
    assert not cells(plan)


def test_the_page_takes_a_sheet_and_says_what_is_wrong(cast: Cast, plan: MarketingPlan) -> None:
    client, address = login(cast.mei), reverse("plan-file", args=[plan.pk])
    sent = {
        "version": plan.version,
        "file": SimpleUploadedFile("t.csv", f"{HEAD}N1,fund,2026-10,1,\n".encode()),
    }
    assert client.post(address, sent).status_code == 302
    assert len(cells(plan)) == 1
    plan.refresh_from_db()
    wrong = client.post(
        address, {"version": plan.version, "file": SimpleUploadedFile("t.csv", b"\x00\x01PK")}
    )
    assert wrong.status_code == 422
    assert len(cells(plan)) == 1
    assert login(cast.max).post(address, sent).status_code == 403


def sold(campaign: Campaign, ids: list[int], day: dt.date, *, control: bool = False) -> None:
    Assignment.objects.bulk_create(
        Assignment(
            campaign_code=campaign.code, customer_id=pk, cell_code="a", is_control=control,
            product_code="fund", assigned_on=dt.date(2026, 10, 5),
        )
        for pk in ids
    )  # fmt: skip
    Response.objects.bulk_create(
        Response(
            campaign_code=campaign.code, customer_id=pk, product_code="fund", kind="conversion", how=how,
            responded_on=day,
        )
        for pk in ids
        for how in ("reported", "matched")
    )  # fmt: skip


def test_sales_and_targets_go_up_the_tree(cast: Cast, plan: MarketingPlan) -> None:
    bring(plan, cast, "N1,fund,2026-10,10,100\nN2,fund,2026-11,20,\nS1,loan,2026-11,5,\n")
    campaign = factories.draft(cast, plan=plan)
    in_n1 = factories.make_customers(4, cast.tree.n1, prefix="a")
    in_n2 = factories.make_customers(3, cast.tree.n2, prefix="b")
    sold(campaign, in_n1[:3], dt.date(2026, 10, 20))
    sold(campaign, in_n2, dt.date(2026, 11, 3))
    sold(campaign, in_n1[3:], dt.date(2026, 11, 3), control=True)
    found = {
        (cell.branch, cell.month.month): (cell.sales, cell.target) for cell in plan_progress.by_branch(plan)
    }
    tree = cast.tree
    assert found[tree.n1.pk, 10] == (3, 10)
    assert found[tree.n2.pk, 11] == (3, 20)
    head = plan_page.progress(plan, "")["rows"][0]
    assert (head["total"]["sales"], head["total"]["target"]) == (6, 35)
    loan = PlanTarget.objects.get(plan=plan, product__code="loan").product
    only = plan_page.progress(plan, str(loan.pk))["rows"][0]
    assert (only["total"]["sales"], only["total"]["target"]) == (0, 5)


def test_fatigue_counts_contacts_a_customer_and_week(cast: Cast, plan: MarketingPlan) -> None:
    once, twice, due = factories.make_customers(3, cast.tree.n1, cast.rita)
    monday = dt.date(2026, 10, 12)
    for pk, days, reached in ((once, 0, True), (twice, 1, None), (twice, 6, True), (twice, 6, False)):
        Contact.objects.create(
            customer_id=pk, contacted_on=monday + dt.timedelta(days=days), channel="phone", campaign_code="x",
            reference=f"{pk}:{days}:{reached}", was_reached=reached,
        )  # fmt: skip
    factories.pushed(cast, control_share="0")
    Lead.objects.exclude(customer_id=due).update(state="closed")
    Lead.objects.filter(customer_id=due).update(due_on=TODAY - dt.timedelta(days=30))
    this_week = TODAY - dt.timedelta(days=TODAY.weekday())
    found = plan_progress.fatigue(dt.date(2026, 9, 28), plan.ends_on, TODAY)
    assert found == [(monday, 1, 1), (monday, 2, 1), (this_week, 1, 1)]


def test_campaigns_say_how_many_customers_they_share(cast: Cast, plan: MarketingPlan) -> None:
    ids = factories.make_customers(10, cast.tree.n1, cast.rita)
    one = factories.selected(cast, "one", control_share="0")
    other = factories.selected(cast, "two", control_share="0", capacity=4)
    found = plan_progress.overlap([one.pk, other.pk])
    assert found == {(one.pk, one.pk): len(ids), (other.pk, other.pk): 4, (one.pk, other.pk): 4}
    page = login(cast.mei).get(reverse("plan-detail", args=[plan.pk]))
    assert page.status_code == 200
    assert page.context["overlap"]["rows"][0]["cells"][1]["n"] == 4
