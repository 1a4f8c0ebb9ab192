"""What one reads in thirty seconds before a call: worth, due, to mind, last contact, worth knowing."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import clock
from bankcrm.models import Leave
from customers import consents_page, kyc, peers, profile, tabs
from customers.models import (
    Consent,
    Contact,
    CustomerProfile,
    Holding,
    OwnField,
    QuietPeriod,
    Transaction,
)
from customers.worth_knowing import next_birthday, worth_knowing
from tests import facts
from tests.cast import login
from tests.facts import MONTH

TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def products(cast):
    clock.set_day(TODAY)
    facts.make_tiers()
    return facts.make_products()


@pytest.fixture
def li(cast, products):
    return facts.customer(
        "李建国",
        birth_date=dt.date(1975, 3, 1),
        home_branch=cast.tree.n1,
        primary_rm=cast.rita,
        phone="13812342291",
    )


def said(user, who):
    seen = tabs.look(user, kyc.found(user, who.pk))
    return [one.text.replace("\u00a0", " ") for one in worth_knowing(seen, 20)]


def page(user, who, tab=""):
    return login(user).get(f"/customers/{who.pk}/{tab}").content.decode().replace("\u00a0", " ")


def months(who, product, *averages):
    """Balances of the months up to MONTH, oldest first, and their profiles."""
    for back, average in zip(range(len(averages) - 1, -1, -1), averages, strict=True):
        facts.balance(who, product, average, profile.month_end(MONTH, back))
        profile.build(profile.month_end(MONTH, back))


def test_maturities_within_thirty_days_are_worth_knowing(li, cast, products):
    facts.holding(li, products["deposit-12"], amount=420_000, matures_on=dt.date(2026, 12, 2))
    assert "deposit-12 of ¥420,000 matures on 2 Dec." in said(cast.rita, li)
    facts.holding(li, products["deposit-12"], amount=5_000, matures_on=dt.date(2026, 12, 20))
    facts.holding(li, products["deposit-12"], amount=7_000, matures_on=dt.date(2026, 12, 26))
    (sentence,) = [one for one in said(cast.rita, li) if "matures" in one]
    assert "1 more soon after: ¥425,000 in all." in sentence


def test_a_holding_that_was_closed_matures_no_more(li, cast, products):
    facts.holding(li, products["deposit-12"], matures_on=dt.date(2026, 12, 2), closed_on=dt.date(2026, 11, 1))
    assert not [one for one in said(cast.rita, li) if "matures" in one]


def test_an_income_that_did_not_come_and_an_unusual_movement_are_worth_knowing(li, cast):
    for month in range(1, 10):
        facts.transaction(li, 12_000, dt.date(2026, month, 10), kind="salary", counterparty="Steel works")
    for day in range(1, 21):
        facts.transaction(li, 500, dt.date(2026, 8, day), kind="transfer", counterparty=f"Shop {day * day}")
    facts.transaction(li, 90_000, dt.date(2026, 10, 30), kind="transfer", counterparty="Sale")
    found = said(cast.rita, li)
    # 10 October and five days passed without it: bookings are known to 25 November, the business day.
    assert "The monthly income of about ¥12,000 expected on 10 Oct has not come." in found
    assert "¥90,000 came in on 30 Oct from Sale, 180 times the usual ¥500." in found


def test_a_fall_of_assets_and_the_distance_to_the_next_tier_are_worth_knowing(li, cast, products):
    months(li, products["current"], 200_000, 190_000, 150_000, 90_000)
    found = said(cast.rita, li)
    assert "Assets fell by ¥110,000, 55 %, in three months." in found
    assert "Is ¥10,000 below tier Gold, which is lost after three months below." in found


def test_close_below_the_next_tier_is_worth_knowing(li, cast, products):
    months(li, products["fund-mixed"], 93_000)
    assert "¥7,000 more in assets and the tier is Gold." in said(cast.rita, li)


def test_idle_money_birthday_and_silence_are_worth_knowing(li, cast, products):
    li.birth_date = dt.date(1976, 12, 3)
    li.save()
    months(li, products["current"], 60_000)
    profile.build(profile.month_end(MONTH, 13))
    facts.contact(facts.customer(), dt.date(2024, 12, 2))
    found = said(cast.rita, li)
    assert "Turns 50 on 3 Dec." in found
    assert "¥60,000, 100 % of all assets, lies on demand deposit." in found
    assert "Nobody has contacted this customer for a year." in found
    assert "None since 1 Sep 2025" in page(cast.rita, li)
    facts.contact(li)
    assert "Nobody has contacted this customer for a year." not in said(cast.rita, li)


def test_silence_is_not_claimed_of_a_time_the_bank_has_brought_no_contacts_of(li, cast, products):
    months(li, products["current"], 60_000)
    silent = "Nobody has contacted this customer for a year."
    assert silent not in said(cast.rita, li)
    assert "no contacts of this customer were brought" in page(cast.rita, li)
    # Contacts of others do not speak of a customer who came in with the newest file.
    facts.contact(facts.customer(), dt.date(2024, 12, 2))
    assert silent not in said(cast.rita, li)
    assert "None since 1 Oct" in page(cast.rita, li)


def test_a_big_movement_of_the_quarter_comes_before_what_matures(li, cast, products):
    months(li, products["fund-mixed"], 50_000)
    facts.holding(li, products["deposit-12"], amount=1_000, matures_on=dt.date(2026, 12, 2))
    for day in range(1, 13):
        facts.transaction(li, 500, dt.date(2026, 7, day), kind="transfer", counterparty=f"Shop {day * day}")
    facts.transaction(li, 12_000, dt.date(2026, 9, 19), kind="transfer", counterparty="Sale")
    facts.transaction(li, 50, dt.date(2026, 10, 31))
    assert said(cast.rita, li)[0] == "¥12,000 came in on 19 Sep from Sale, 24 times the usual ¥500."
    # Less than a fifth of the assets, and longer ago than 30 days: nothing to begin a call with.
    CustomerProfile.objects.update(aum=61_000)
    assert not [one for one in said(cast.rita, li) if "came in" in one]


def test_a_balance_that_did_not_come_in_is_said_with_its_date_and_concludes_nothing(li, cast, products):
    facts.holding(li, products["current"])
    facts.balance(li, products["current"], 120_000, dt.date(2026, 8, 31))
    facts.balance(li, products["current"], 90_000, dt.date(2026, 9, 30))
    for back in (2, 1, 0):
        profile.build(profile.month_end(MONTH, back))
    assert "Balance of 30 Sep; no balance of October has come in yet." in page(cast.rita, li)
    facts.balance(facts.customer(), products["current"], 1)
    text = page(cast.rita, li)
    assert "Balance of 30 Sep; none known for October." in text
    assert "of 30 Sep</span>" in text
    assert "¥90,000" in text
    assert not [one for one in said(cast.rita, li) if "below tier" in one]
    facts.balance(li, products["current"], 90_000)
    profile.build(MONTH)
    assert "Balance of" not in page(cast.rita, li)
    assert [one for one in said(cast.rita, li) if "below tier" in one]


def test_an_old_or_missing_balance_is_not_known_rather_than_nothing(li, cast, products):
    facts.holding(li, products["current"], dt.date(2020, 1, 1))
    profile.build(MONTH)
    text = page(cast.rita, li)
    assert "Not known" in text
    assert "No balance of this customer has come in." in text
    assert "¥0" not in text
    facts.balance(li, products["current"], 115_267, dt.date(2024, 3, 31))
    assert "Last known: ¥115,267 on 31 Mar 2024." in page(cast.rita, li)


def test_what_to_offer_is_the_models_word_else_what_peers_hold_and_nothing_against_an_objection(
    li, cast, products, monkeypatch
):
    monkeypatch.setattr(peers, "SMALLEST", 1)
    born = li.birth_date
    for _each in range(3):
        other = facts.customer(birth_date=born, home_branch=cast.tree.n1)
        facts.holding(other, products["fund-mixed"])
        facts.balance(other, products["fund-mixed"], 1_000)
    months(li, products["current"], 1_000)
    assert "75 % of customers alike hold it" in page(cast.rita, li)
    CustomerProfile.objects.update(likely_product="wealth", likely_product_chance=0.55)
    assert "likeliest next purchase, 55 % by a model" in page(cast.rita, li)
    Consent.objects.create(customer=li, channel="all", purpose="profiling", is_objection=True, since=MONTH)
    text = page(cast.rita, li)
    assert "Nothing personal: objects to profiling" in text
    assert "likeliest next purchase" not in text


def test_at_most_three_sentences_the_most_pressing_first(li, cast, products):
    facts.holding(li, products["deposit-12"], amount=1_000, matures_on=dt.date(2026, 12, 2))
    months(li, products["current"], 400_000, 400_000, 400_000, 60_000)
    text = page(cast.rita, li)
    block = text[text.index('aria-label="Worth knowing"') : text.index("</ul>", text.index("Worth knowing"))]
    assert block.count("<li") == 3
    assert block.index("matures on") < block.index("Assets fell")
    assert "Nobody has contacted" not in block


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (dt.date(1980, 11, 25), dt.date(2026, 11, 25)),
        (dt.date(1980, 11, 24), dt.date(2027, 11, 24)),
        (dt.date(1980, 2, 29), dt.date(2027, 2, 28)),
        (None, None),
    ],
)
def test_the_next_birthday_is_today_or_later(born, expected):
    assert next_birthday(born, TODAY) == expected


def test_what_stands_against_a_call_is_said_first(li, cast):
    Consent.objects.create(
        customer=li, channel="email", purpose="marketing", is_objection=True, since=dt.date(2026, 3, 12)
    )
    QuietPeriod.objects.create(
        customer=li, first_day=TODAY, last_day=dt.date(2026, 12, 1), reason="bereavement"
    )
    for day in (1, 5, 9):
        facts.contact(li, dt.date(2026, 11, day), outcome="declined", talk_seconds=200)
    facts.response(li, dt.date(2026, 11, 9), kind="refusal", product_code="fund")
    text = page(cast.rita, li)
    for mark in (
        "Leave alone to 1 Dec: bereavement",
        "E-mail, objected 12 Mar",
        "Contacted 3 times in 30 days",
        "Refused fund on 9 Nov",
    ):
        assert mark in text, mark
    assert "9 Nov · Phone" in text
    assert "Declined · 3 min 20 s" in text


def test_do_not_contact_leaves_nothing_else_to_say(li, cast):
    Consent.objects.create(
        customer=li, channel="all", purpose="all", is_objection=True, since=dt.date(2026, 3, 12)
    )
    text = page(cast.rita, li)
    assert "Do not contact, since 12 Mar" in text
    mind = text[text.index("<h2>May I contact?</h2>") : text.index("Last contact")]
    assert mind.count("pill") == 2  # the class and its tone: one mark


def test_agreed_silent_and_objecting_channels_look_and_read_differently(li, cast):
    since = dt.date(2026, 3, 12)
    for channel, purpose, objects in (
        ("phone", "marketing", False),
        ("sms", "survey", False),
        ("email", "marketing", True),
    ):
        Consent.objects.create(
            customer=li, channel=channel, purpose=purpose, is_objection=objects, since=since
        )
    text = page(cast.rita, li)
    marks = text[text.index("<h2>May I contact?</h2>") : text.index("Last contact")]
    assert (
        '<span class="pill p-ok"><span class="i i-check" aria-hidden="true"></span>Agreed: Phone</span>'
        in marks
    )
    # Whoever agreed to surveys by SMS said nothing about offers by SMS.
    assert (
        '<span class="pill"><span class="i i-point" aria-hidden="true"></span>Open, nothing said: SMS, App</span>'
        in marks
    )
    assert 'i-ban" aria-hidden="true"></span>E-mail, objected 12 Mar</span>' in marks
    head = consents_page.pills(li.consents.all())
    assert [(one.text, one.tone) for one in head] == [
        ("E-mail, objected 12 Mar", "bad"),
        ("Agreed: Phone", "ok"),
        ("Open, nothing said: SMS, App", ""),
    ]


def test_a_lifted_quiet_period_is_over(li, cast):
    QuietPeriod.objects.create(
        customer=li,
        first_day=TODAY,
        last_day=dt.date(2026, 12, 1),
        reason="wish",
        lifted_at=dt.datetime.now(dt.UTC),
    )
    assert "Leave alone" not in page(cast.rita, li)


def test_what_is_ahead_for_ninety_days_is_listed_in_order(li, cast, products):
    li.birth_date = dt.date(1976, 12, 30)
    li.save()
    for day in (dt.date(2027, 2, 1), dt.date(2026, 12, 2), dt.date(2027, 3, 1)):
        facts.holding(li, products["deposit-12"], amount=1_000, matures_on=day)
    text = page(cast.rita, li)
    ahead = text[text.index("<h2>Ahead</h2>") :]
    assert ahead.index("2 Dec") < ahead.index("30 Dec") < ahead.index("1 Feb")
    assert "1 Mar 2027" not in ahead[: ahead.index("</ul>")]


def test_the_acquisition_tab_shows_cost_contracts_and_later_products(li, cast, products):
    from customers.models import Acquisition, ConsumerFinanceContract

    li.acquisition_channel, li.acquisition_partner, li.acquisition_cost = "partner", "Swallow Travel", 180
    li.save()
    ConsumerFinanceContract.objects.create(
        number="K1", customer=li, opened_on=dt.date(2025, 2, 1), upfront_fee=300, principal=10_000,
        principal_outstanding=4_000, overdue_days=12, as_of=MONTH, partner="Swallow Travel",
    )  # fmt: skip
    facts.holding(li, products["card"], dt.date(2025, 2, 1))
    facts.holding(li, products["card"], dt.date(2025, 3, 1))
    facts.holding(li, products["fund-mixed"], dt.date(2025, 9, 1))
    Acquisition.objects.create(
        customer=li, cohort=dt.date(2015, 3, 1), cost=180, second_after=7, value=900, value_3=100, as_of=MONTH,
        built_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    text = page(cast.rita, li, "acquisition/")
    for shown in (
        "Swallow Travel",
        "¥180",
        "¥300",
        "¥4,000",
        "12 days",
        "¥900",
        "5.0",
        "after 7 months",
        "too early to say",
    ):
        assert shown in text, shown
    later = text[text.index("Products taken later") :]
    assert "fund-mixed" in later
    assert later.count("shopping-cart") == 1  # a second card is no later product


def fill(who, product, number):
    """So many holdings, contacts and bookings."""
    days = [dt.date(2026, 10, 1 + i % 30) for i in range(number)]
    due = dt.date(2026, 12, 9)
    Holding.objects.bulk_create(
        Holding(customer=who, product=product, number=f"{who.pk}-{i}", opened_on=day, matures_on=due)
        for i, day in enumerate(days)
    )
    Contact.objects.bulk_create(
        Contact(customer=who, contacted_on=day, reference=f"{who.pk}-{i}", channel="phone", outcome="later")
        for i, day in enumerate(days)
    )
    Transaction.objects.bulk_create(
        Transaction(
            customer=who,
            booked_on=day,
            reference=f"{who.pk}-{i}",
            amount=i,
            counterparty=f"C{i % 50}",
            hour=i % 24,
            channel="mobile",
        )
        for i, day in enumerate(days)
    )


@pytest.mark.parametrize("tab", tabs.TABS)
def test_a_tab_costs_at_most_fifteen_queries_whatever_the_customer_has(li, cast, products, tab, monkeypatch):
    monkeypatch.setattr(
        "customers.peers.SMALLEST", 1
    )  # so that there are peers, whose products are asked for
    many = facts.customer(
        "大", birth_date=dt.date(1975, 3, 1), home_branch=cast.tree.n1, primary_rm=cast.rita
    )
    # Whatever may cost a query more is there: own fields of the bank, a colleague to stand in for.
    OwnField.objects.create(code="own_score", label="Score", type="number", heading="Score")
    Leave.objects.create(user=cast.raj, backup=cast.rita, first_day=TODAY, last_day=TODAY)
    for who, number in ((li, 10), (many, 1_000)):
        facts.balance(who, products["current"], 1_000)
        fill(who, products["deposit-12"], number)
    profile.build(MONTH)
    assert CustomerProfile.objects.count() == 2
    client = login(cast.rita)
    counts = []
    for who in (li, many):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/customers/{who.pk}/{tab}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15, "\n".join(query["sql"][:200] for query in queries)


@pytest.mark.parametrize("tab", tabs.TABS)
def test_every_tab_opens_for_a_new_customer_a_firm_and_one_who_left(cast, products, tab):
    north = {"home_branch": cast.tree.n1, "primary_rm": cast.rita}
    new = facts.customer("新", opened_on=dt.date(2026, 11, 20), **north)
    firm = facts.customer("深圳明珠贸易有限公司", kind="firm", birth_date=None, **north)
    gone = facts.customer("走", closed_on=dt.date(2026, 11, 1), **north)
    facts.transaction(new, -10, dt.date(2026, 11, 21))
    profile.build(MONTH)
    client = login(cast.rita)
    for who in (new, firm, gone):
        assert client.get(f"/customers/{who.pk}/{tab}/").status_code == 200, who.name
    assert "A customer only since 20 Nov." in said(cast.rita, new)
    assert "Left on 1 Nov" in page(cast.rita, gone)
