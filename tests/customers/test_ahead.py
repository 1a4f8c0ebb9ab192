"""Ahead counts from the business day; what was due since the bank's data ended is said to be that."""

import datetime as dt

import pytest

from bankcrm import clock
from customers import portrait, profile
from customers.models import Assignment, Product
from customers.portrait import movements
from tests import facts
from tests.cast import login
from tests.facts import MONTH

TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def li(cast):
    clock.set_day(TODAY)
    facts.make_tiers()
    products = facts.make_products()
    who = facts.customer("李建国", home_branch=cast.tree.n1, primary_rm=cast.rita)
    facts.balance(who, products["current"], 5_000)
    for amount, day in (
        (420, dt.date(2026, 10, 6)),
        (421, dt.date(2026, 11, 6)),
        (422, dt.date(2026, 12, 2)),
        (423, dt.date(2027, 2, 1)),
    ):
        facts.holding(who, products["deposit-12"], amount=amount, matures_on=day)
    profile.build(MONTH)
    return who


def page(user, who, tab=""):
    return login(user).get(f"/customers/{who.pk}/{tab}").content.decode().replace("\u00a0", " ")


def part(text, begins, ends):
    start = text.index(begins)
    return text[start : text.index(ends, start)]


def test_what_was_due_since_the_data_ended_stands_apart_from_what_is_ahead(li, cast):
    rail = part(page(cast.rita, li), "<h2>Ahead</h2>", "</section>")
    ahead, passed = rail.split("Was due already, ")
    assert "¥422" in ahead
    assert "¥423" in ahead
    assert "¥421" not in ahead
    assert "no data since 31 Oct" in passed
    assert "¥421" in passed
    assert "¥420" not in passed  # the data reach beyond 6 October: it is simply not closed


def test_the_value_tab_looks_ahead_from_today_and_marks_what_is_past(li, cast):
    text = page(cast.rita, li, "value/")
    figures = part(text, "from today", "</dl>")
    assert "<dt>Next maturity</dt><dd>2 Dec</dd>" in figures
    assert "<dt>Matures by 25 Dec</dt><dd>¥422</dd>" in figures
    assert "<dt>Matures by 23 Feb 2027</dt><dd>¥845</dd>" in figures
    held = text[text.index("<h3>Holdings</h3>") :]
    assert "no data since 31 Oct" in part(held, "¥421", "</tr>")
    assert ">past<" in part(held, "¥420", "</tr>")
    assert "past" not in part(held, "¥422", "</tr>")


def test_a_payment_expected_since_the_data_ended_is_neither_ahead_nor_late(li, cast):
    for month in range(3, 11):
        facts.transaction(li, -1_075, dt.date(2026, month, 21), kind="repayment", counterparty="Bank")
        facts.transaction(li, 9_000, dt.date(2026, month, 28), kind="salary", counterparty="Works")
    for week in range(8):
        facts.transaction(li, -50, dt.date(2026, 8, 3) + dt.timedelta(days=7 * week), counterparty="Shop")
    text = part(page(cast.rita, li, "portrait/"), "What comes again", "</section>")
    assert "21 Nov, no data since 31 Oct" in text
    assert "28 Nov" in text
    assert "28 Nov, no data" not in text  # that is still to come
    shop = part(text, "Shop", "</tr>")
    assert "has not come" in shop
    assert "no data" not in shop


def test_the_months_of_the_portrait_end_where_the_data_do():
    rows = [(dt.date(2026, 10, 9), 100.0, "transfer", "mobile", -1, "", "")]
    first = dt.date(2025, 11, 1)
    known = portrait.by_month(movements.of_rows(rows, first, TODAY, MONTH))
    assert [month.first for month in known][-2:] == [dt.date(2026, 9, 1), dt.date(2026, 10, 1)]
    assert portrait.by_month(movements.of_rows([], first, TODAY, dt.date(2024, 1, 31))) == []


def test_history_and_header_say_names_not_codes(li, cast):
    Product.objects.create(code="savings_plan", name="Savings plan", line="savings")
    facts.holding(li, Product.objects.get(code="card"), dt.date(2026, 9, 1), channel="counter", amount=7)
    facts.contact(
        li,
        dt.date(2026, 11, 20),
        outcome="no_answer",
        product_code="savings_plan",
        campaign_code="SAVINGS-2",
        talk_seconds=101,
    )
    facts.response(li, kind="interest", product_code="savings_plan", campaign_code="SAVINGS-2")
    Assignment.objects.create(
        campaign_code="SAVINGS-2", customer=li, cell_code="A", product_code="savings_plan", assigned_on=MONTH
    )
    text = page(cast.rita, li, "history/")
    for said in (
        "Call: Savings plan",
        "Selected for Savings plan",
        "Showed interest in Savings plan",
        "No answer · 1 min 41 s",
        "Counter · ¥7",
        "No answer · 1 min 41 s · Savings plan",  # the header's last contact
    ):
        assert said in text, said
    for code in ("savings_plan", "SAVINGS-2", "no_answer", "no answer", "counter"):
        assert code not in text, code


def test_a_deposit_that_matured_after_the_data_ended_is_told_with_that(li, cast):
    text = part(page(cast.rita, li, "history/"), 'id="tab"', "</main>")
    rows = [row for row in text.split("<li") if "deposit-12 matured" in row]
    assert len(rows) == 2
    assert "no data since 31 Oct · ¥421" in rows[0]
    assert "no data" not in rows[1]


def test_what_is_on_a_contract_falls_due_and_not_what_it_was_opened_with(li, cast):
    plan = Product.objects.create(
        code="plan", name="Savings plan", line="deposit", asset_class="time_deposit"
    )
    facts.holding(li, plan, amount=15_600, matures_on=dt.date(2026, 11, 30))
    facts.balance(li, plan, 36_404)
    facts.balance(
        li, Product.objects.get(code="deposit-12"), 1_686
    )  # of four contracts: nobody knows each one's
    profile.build(MONTH)
    text = page(cast.rita, li)
    glance = part(text, "<h2>Next due</h2>", "</div>")
    assert "30 Nov · ¥36,404" in glance
    assert "Savings plan, contract of ¥15,600" in glance
    assert "¥422" in part(text, "<h2>Ahead</h2>", "</section>")
    held = page(cast.rita, li, "value/")
    assert "<dt>Matures by 25 Dec</dt><dd>¥36,826</dd>" in held
    row = part(held[held.index("<h3>Holdings</h3>") :], "<td>Savings plan</td>", "</tr>")
    assert "¥15,600" in row
    assert "¥36,404" in row
