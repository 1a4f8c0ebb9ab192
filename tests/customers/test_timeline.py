"""The timeline holds everything that happened, by kind, and pages through it without losing or repeating an entry."""

import datetime as dt

import pytest

from customers import consents, timeline
from customers.models import (
    Assignment,
    Consent,
    ImportFile,
    PortfolioMove,
    PortfolioTransfer,
    Product,
    QuietPeriod,
    TierChange,
)
from customers.timeline import Group
from tests import facts
from tests.cast import login

TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def li(cast):
    return facts.customer("李建国", home_branch=cast.tree.n1, primary_rm=cast.rita)


def kinds(who, user, **more):
    return [entry.kind for entry in timeline.timeline(user, who, TODAY, **more)]


def test_holdings_are_opened_close_and_mature(li, cast):
    product = facts.make_products()["deposit-12"]
    facts.holding(li, product, dt.date(2025, 5, 4), matures_on=dt.date(2026, 5, 4))
    facts.holding(
        li, product, dt.date(2025, 6, 4), closed_on=dt.date(2026, 1, 9), matures_on=dt.date(2026, 6, 4)
    )
    facts.holding(li, product, dt.date(2026, 7, 4), matures_on=dt.date(2027, 7, 4))
    found = timeline.timeline(cast.rita, li, TODAY, groups=[Group.HOLDINGS])
    assert [(entry.kind, entry.day.isoformat()) for entry in found] == [
        ("opened", "2026-07-04"),
        ("matured", "2026-05-04"),
        ("closed", "2026-01-09"),
        ("opened", "2025-06-04"),
        ("opened", "2025-05-04"),
    ]


def test_what_lies_on_an_account_now_is_not_said_to_be_what_it_was_opened_with(li, cast):
    products = facts.make_products()
    account = Product.objects.create(code="account", name="Account", asset_class="demand_deposit")
    facts.holding(li, account, amount=73652)
    facts.holding(li, products["deposit-12"], amount=5000)
    found = timeline.timeline(cast.rita, li, TODAY, groups=[Group.HOLDINGS])
    assert {entry.what: entry.amount for entry in found if entry.kind == "opened"} == {
        "Account": None,
        products["deposit-12"].name: 5000,
    }


def test_every_kind_of_history_has_its_entries_and_only_in_its_group(li, cast):
    facts.make_tiers()
    facts.contact(li, outcome="later")
    facts.response(li)
    Assignment.objects.create(campaign_code="c", customer=li, cell_code="A", assigned_on=TODAY)
    TierChange.objects.create(
        month=dt.date(2026, 9, 30),
        customer=li,
        from_tier="basic",
        to_tier="gold",
        is_up=True,
        amount=120_000,
        reason="aum",
    )
    QuietPeriod.objects.create(
        customer=li, first_day=dt.date(2026, 8, 1), last_day=dt.date(2026, 8, 9), reason="wish"
    )
    transfer = PortfolioTransfer.objects.create(
        requested_by=cast.bao, reason="Raj leaves", effective_on=dt.date(2026, 7, 1)
    )
    PortfolioMove.objects.create(transfer=transfer, customer=li, from_rm=cast.raj, to_rm=cast.rita)
    expected = {
        Group.CONTACTS: {"contact_phone"},
        Group.RESPONSES: {"response_conversion"},
        Group.CAMPAIGNS: {"assigned"},
        Group.CONSENT: {"quiet"},
        Group.TIER: {"tier_up"},
        Group.RELATION: {"moved", "joined"},
        Group.HOLDINGS: set(),
        Group.IMPORTS: set(),
    }
    for group, wanted in expected.items():
        assert set(kinds(li, cast.rita, groups=[group])) == wanted, group
    assert set(kinds(li, cast.rita)) == set().union(*expected.values())
    page = login(cast.rita).get(f"/customers/{li.pk}/history/").content.decode()
    for sentence in (
        "Rose to tier Gold",
        "Quiet period: Customer&#x27;s wish",
        "Given to Rita",
        "from Raj",
        "Became a customer",
    ):
        assert sentence in page, sentence


def test_each_word_on_consent_stays(li, cast):
    consents.record(li.pk, cast.rita, consents.Word("phone", "marketing", True, dt.date(2026, 3, 1), "call"))
    consents.record(
        li.pk,
        cast.rita,
        consents.Word("phone", "marketing", False, dt.date(2026, 9, 1), "letter", "scan 4711"),
    )
    assert kinds(li, cast.rita, groups=[Group.CONSENT]) == ["consent_agrees", "consent_objects"]


def test_the_files_that_brought_a_customer_are_named_once_with_their_rows(li, cast):
    file = ImportFile.objects.create(
        kind="holdings", sha256="a" * 64, name="secret.csv", size=1, source="core", state="merged",
        merged_at=dt.datetime(2026, 10, 1, 3, tzinfo=dt.UTC),
    )  # fmt: skip
    product = facts.make_products()["current"]
    for _number in range(3):
        facts.holding(li, product, brought_by=file.pk)
    (entry,) = timeline.timeline(cast.rita, li, TODAY, groups=[Group.IMPORTS])
    assert (entry.kind, entry.what, entry.amount, entry.day) == (
        "import_holdings",
        "core",
        3,
        dt.date(2026, 10, 1),
    )
    page = login(cast.rita).get(f"/customers/{li.pk}/history/?about=imports").content.decode()
    assert "Import of holdings" in page
    assert "secret.csv" not in page


def test_pages_neither_repeat_nor_lose_one_of_many_on_a_day(li, cast, monkeypatch):
    for number in range(25):
        facts.response(li, dt.date(2026, 10, 1 + number // 20), campaign_code=f"c{number:02}")
    everything = timeline.timeline(cast.rita, li, TODAY, 100)
    seen, after = [], None
    while True:
        page = timeline.timeline(cast.rita, li, TODAY, 4, after=after)
        if not page:
            break
        seen += page
        after = timeline.place_of(page[-1].place)
    assert seen == everything
    assert len(seen) == 26  # and the day they became a customer


def test_the_page_leads_to_what_is_older_and_back(li, cast, monkeypatch):
    monkeypatch.setattr(timeline, "MOST", 3)
    for number in range(5):
        facts.response(li, campaign_code=f"c{number}")
    rita, url = login(cast.rita), f"/customers/{li.pk}/history/"
    first = rita.get(url, {"about": "responses"}, headers={"HX-Request": "true"}).content.decode()
    assert "c2" in first
    assert "c3" not in first
    older = first[first.index("about=responses&amp;after=") :].split('"')[0].replace("&amp;", "&")
    second = rita.get(f"{url}?{older}", headers={"HX-Request": "true"}).content.decode()
    assert "c3" in second
    assert "c2" not in second
    assert "Newest" in second


@pytest.mark.parametrize(
    "asked",
    ["after=x", "after=2026-10-01", "after=2026-13-01~opened~1", "about=salary", "after=2026-10-01~a~%00"],
)
def test_nonsense_in_the_address_is_no_filter(li, cast, asked):
    answer = login(cast.rita).get(f"/customers/{li.pk}/history/?{asked}")
    assert answer.status_code == 200
    assert "Became a customer" in answer.content.decode()


def test_an_address_never_holds_a_number_of_the_customer(li, cast):
    facts.contact(li, campaign_code="autumn")
    (entry,) = timeline.timeline(cast.rita, li, TODAY, groups=[Group.CONTACTS])
    assert len(entry.key) == 32  # the hash of the reference, which may name a file and a line


def test_what_comes_later_than_the_day_is_not_shown(li, cast):
    Consent.objects.create(customer=li, channel="email", is_objection=True, since=dt.date(2026, 12, 1))
    assert kinds(li, cast.rita, groups=[Group.CONSENT]) == []
