"""Customers through the API: everything the pages show, masked, in a fixed number of queries, and nobody else's."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import clock
from bankcrm.models import AuditEvent, IdempotencyKey
from customers import fields, profile
from customers.models import Assignment, Consent, ConsumerFinanceContract, TierChange
from tests import facts
from tests.api.callers import problem, rows_of_everything
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
PHONE, IDENTITY = "13812342291", "310104197501010012"
LISTS = [
    "profiles",
    "holdings",
    "balances",
    "transactions",
    "contacts",
    "responses",
    "consumer-finance",
    "tier-changes",
]
PARTS = [*LISTS, "timeline", "portrait"]


@pytest.fixture
def li(cast):
    """Rita's customer with something of everything."""
    facts.make_tiers()
    products = facts.make_products()
    who = facts.customer(
        "李建国",
        phone=PHONE,
        identity_number=IDENTITY,
        birth_date=dt.date(1975, 1, 1),
        home_branch=cast.tree.n1,
        primary_rm=cast.rita,
        backup_rm=cast.raj,
        acquisition_channel="partner",
        acquisition_partner="Jade Electronics",
        acquisition_cost=120,
    )
    for back in range(3):
        month = profile.month_end(MONTH, back)
        facts.balance(who, products["current"], 30_000 + back, month)
        facts.balance(who, products["fund-mixed"], 10_000 - back, month)
        profile.build(month)
    facts.holding(who, products["deposit-12"], amount=500, matures_on=dt.date(2027, 1, 5))
    facts.holding(who, products["fund-mixed"], amount=900, closed_on=dt.date(2026, 5, 1))
    for day in range(1, 13):
        facts.transaction(who, -10 * day, dt.date(2026, 10, day), kind="card", channel="mobile", hour=12)
    facts.transaction(who, 5000, dt.date(2026, 9, 10), kind="salary", counterparty="Jade Trading")
    facts.contact(who, campaign_code="autumn", outcome="later")
    facts.response(who, campaign_code="autumn")
    Assignment.objects.create(
        campaign_code="winter", customer=who, cell_code="control", is_control=True, assigned_on=MONTH
    )
    Consent.objects.create(customer=who, channel="email", is_objection=True, since=dt.date(2026, 3, 12))
    ConsumerFinanceContract.objects.create(
        number="F1",
        customer=who,
        opened_on=MONTH,
        partner="Cedar School",
        upfront_fee=35,
        principal=1000,
        principal_outstanding=800,
        overdue_days=3,
        as_of=MONTH,
    )
    TierChange.objects.create(
        month=MONTH, customer=who, from_tier="gold", to_tier="silver", is_up=False, reason="aum", amount=1
    )
    return who


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def everything(caller, path, **query):
    """Every row of a list, page by page, and how many pages there were."""
    found, pages, cursor = [], 0, {}
    while True:
        answer = caller.get(path, **query, **cursor)
        found += results(answer)
        pages += 1
        after = answer.json()["next"]
        if not after:
            return found, pages
        cursor = {"cursor": parse_qs(urlsplit(after).query)["cursor"][0]}


def test_a_customer_is_told_with_attributes_origin_consents_and_profile(li, cast, api):
    told = api(cast.rita).get(f"customers/{li.pk}/").json()
    assert (told["name"], told["branch"], told["primary_rm"], told["backup_rm"]) == (
        "李建国",
        cast.tree.n1.code,
        "E-rita",
        "E-raj",
    )
    assert told["acquisition"] == {
        "acquisition_channel": "partner",
        "acquisition_partner": "Jade Electronics",
        "acquisition_scene": "",
        "acquisition_cost": "120.00",
    }
    assert [(one["channel"], one["is_objection"], one["since"]) for one in told["consents"]] == [
        ("email", True, "2026-03-12")
    ]
    assert told["attributes"]["age"] == 51
    assert told["profile"]["month"] == MONTH.isoformat()
    assert told["profile"]["aum"] == "40000.00"


def test_numbers_are_masked_in_every_answer(li, cast, api):
    rita = api(cast.rita)
    answers = [rita.get("customers/"), rita.get(f"customers/{li.pk}/")]
    answers += [rita.get(f"customers/{li.pk}/{part}/") for part in PARTS]
    answers.append(rita.post("customers/search/", {"q": "2291"}))
    for answer in answers:
        assert answer.status_code == 200, answer.content
        assert PHONE not in answer.content.decode()
        assert IDENTITY not in answer.content.decode()
    assert answers[-1].json()[0]["phone"] == "138****2291"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_its_rows_for_who_sees_the_customer(li, cast, api, part):
    path = f"customers/{li.pk}/{part}/"
    for name in ("rita", "bao", "mei", "ana", "aud"):
        told = api(getattr(cast, name)).get(path)
        assert told.status_code == 200, told.content
        assert told.json().get("results") or told.json().get("entries") or told.json().get("months"), name
    problem(api(cast.ada).get(path), 403, "forbidden")
    problem(api(None).get(path), 401, "not_signed_in")


@pytest.mark.parametrize("part", [*PARTS, "peers", "worth-knowing", "reveal", ""])
def test_a_customer_out_of_sight_is_like_one_that_is_not_there(li, cast, api, part):
    li.backup_rm = None
    li.save()
    tail = f"{part}/" if part else ""
    body = {"what": "phone", "reason": "Calls back today"} if part == "reveal" else None
    method = "post" if part == "reveal" else "get"
    before = rows_of_everything()
    unseen = api(cast.raj).send(method, f"customers/{li.pk}/{tail}", body)
    absent = api(cast.raj).send(method, f"customers/999999999/{tail}", body)
    assert problem(unseen, 404, "not_found") == problem(absent, 404, "not_found")
    assert rows_of_everything() == before


@pytest.mark.parametrize("part", LISTS)
def test_pages_of_a_part_hold_every_row_once(li, cast, api, part):
    whole, _pages = everything(api(cast.rita), f"customers/{li.pk}/{part}/", page_size=100)
    small, pages = everything(api(cast.rita), f"customers/{li.pk}/{part}/", page_size=1)
    assert small == whole
    assert pages == len(whole)


@pytest.mark.parametrize("part", [*PARTS, ""])
def test_the_number_of_queries_does_not_grow_with_the_rows(li, cast, api, part):
    path = f"customers/{li.pk}/{part}/" if part else f"customers/{li.pk}/"

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert api(cast.rita).get(path).status_code == 200
        return len(seen)

    queries()  # the token is made
    before = queries()
    deposit = li.holdings.get(closed_on=None).product
    for number in range(20):
        facts.holding(li, deposit, amount=number)
        facts.transaction(li, -5 - number, dt.date(2026, 8, 3))
        facts.contact(li, dt.date(2026, 8, 3), campaign_code=f"c{number}")
        facts.response(li, campaign_code=f"c{number}")
    assert queries() == before


def test_transactions_are_filtered_by_period_kind_channel_and_direction(li, cast, api):
    def found(**query):
        return results(api(cast.rita).get(f"customers/{li.pk}/transactions/", page_size=100, **query))

    assert [one["booked_on"] for one in found(since="2026-10-03", until="2026-10-05")] == [
        "2026-10-05",
        "2026-10-04",
        "2026-10-03",
    ]
    assert [one["amount"] for one in found(direction="in")] == ["5000.00"]
    assert len(found(direction="out")) == len(found(kind="card")) == len(found(channel="mobile")) == 12
    assert found(channel="counter") == []


def test_balances_and_profiles_come_by_month_newest_first(li, cast, api):
    rows = results(api(cast.rita).get(f"customers/{li.pk}/balances/", product="current"))
    assert [(one["month"], one["average"]) for one in rows] == [
        ("2026-10-31", "30000.00"),
        ("2026-09-30", "30001.00"),
        ("2026-08-31", "30002.00"),
    ]
    months = results(api(cast.rita).get(f"customers/{li.pk}/profiles/", until="2026-09-30"))
    assert [(one["month"], one["aum"]) for one in months] == [
        ("2026-09-30", "40000.00"),
        ("2026-08-31", "40000.00"),
    ]


def test_holdings_are_told_by_whether_they_run(li, cast, api):
    def found(**query):
        return {
            one["product"] for one in results(api(cast.rita).get(f"customers/{li.pk}/holdings/", **query))
        }

    assert found(open="true") == {"deposit-12"}
    assert found(open="false") == {"fund-mixed"}
    assert found() == {"deposit-12", "fund-mixed"}
    assert found(product="fund-mixed") == {"fund-mixed"}


@pytest.mark.parametrize(
    ("part", "query"),
    [
        ("transactions", {"since": "2026-10-05", "until": "2026-10-03"}),
        ("transactions", {"since": "0001-01-01"}),
        ("transactions", {"since": "soon"}),
        ("transactions", {"kind": "gift"}),
        ("transactions", {"cursor": "forged"}),
        ("transactions", {"order": "amount"}),
        ("holdings", {"order": "customer__phone"}),
        ("holdings", {"open": "perhaps"}),
        ("balances", {"product": "\0"}),
        ("timeline", {"after": "2026-10-05"}),
        ("timeline", {"group": "secrets"}),
        ("timeline", {"until": "9999-12-31"}),
        ("profiles", {"page_size": "0"}),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(li, cast, api, part, query):
    told = problem(api(cast.rita).get(f"customers/{li.pk}/{part}/", **query), 400, "invalid")
    assert told["errors"].keys() & {*query, "until"}


def test_the_control_group_is_kept_from_who_talks_to_customers(li, cast, api):
    def kinds(who):
        entries = api(who).get(f"customers/{li.pk}/timeline/").json()["entries"]
        return {one["kind"] for one in entries}

    assert "control" not in kinds(cast.rita)
    assert "control" in kinds(cast.mei)


def test_the_timeline_goes_on_where_a_page_ended(li, cast, api):
    for number in range(60):
        facts.contact(li, dt.date(2026, 6, 1) + dt.timedelta(days=number), campaign_code=f"c{number}")
    rita, path = api(cast.rita), f"customers/{li.pk}/timeline/"
    first = rita.get(path, group="contacts").json()
    rest = rita.get(path, group="contacts", after=first["next"]).json()
    days = [one["day"] for one in first["entries"] + rest["entries"]]
    assert (len(first["entries"]), len(days), rest["next"]) == (50, 61, None)
    assert days == sorted(days, reverse=True)


def test_the_portrait_adds_up_to_the_bookings(li, cast, api):
    told = api(cast.rita).get(f"customers/{li.pk}/portrait/").json()
    assert sum(Decimal(one["money_out"]) for one in told["months"]) == 10 * sum(range(1, 13))
    assert sum(Decimal(one["money_in"]) for one in told["months"]) == 5000
    assert [one["name"] for one in told["counterparties"]] == ["Jade Trading"]
    assert sum(map(sum, told["footprint"])) == 12
    assert [one["channel"] for one in told["channels"]] == ["mobile"]


def test_amounts_of_the_portrait_and_the_timeline_are_strings_with_two_places(li, cast, api):
    for pence in (Decimal("0.10"), Decimal("0.20"), Decimal("35792.55")):
        facts.transaction(li, -pence, dt.date(2026, 10, 9), counterparty="Market")
    facts.contact(li, dt.date(2026, 10, 20), talk_seconds=101)
    told = api(cast.rita).get(f"customers/{li.pk}/portrait/").json()
    (market,) = [one for one in told["counterparties"] if one["name"] == "Market"]
    assert (market["money_in"], market["money_out"]) == ("0.00", "35792.85")
    amounts = [one[name] for one in told["months"] for name in ("money_in", "money_out")]
    amounts += [one[name] for one in told["unusual"] for name in ("amount", "usual", "limit")]
    entries = api(cast.rita).get(f"customers/{li.pk}/timeline/").json()["entries"]
    amounts += [one["amount"] for one in entries if one["amount"] is not None]
    assert len(amounts) > 10
    assert all(re.fullmatch(r"-?\d+\.\d\d", amount) for amount in amounts), amounts
    (call,) = [one for one in entries if one["kind"] == "contact_phone" and one["talk_seconds"] == 101]
    assert (call["amount"], call["rows"]) == (None, None)


def test_peers_need_enough_customers_and_name_what_they_usually_hold(li, cast, api):
    path = f"customers/{li.pk}/peers/"
    problem(api(cast.rita).get(path), 404, "not_found")
    for number in range(40):
        other = facts.customer(f"Peer {number}", birth_date=dt.date(1975, 1, 1), home_branch=cast.tree.n1)
        facts.balance(other, li.holdings.get(closed_on=None).product, 40_000)
        facts.holding(other, li.holdings.exclude(closed_on=None).get().product)
    profile.build(MONTH)
    told = api(cast.rita).get(path).json()
    assert told["customers"] >= 40
    assert [one["product"] for one in told["usually_also_hold"]] == ["fund-mixed"]
    assert told["usually_also_hold"][0]["hindrance"] == ""
    assert (told["own"]["aum"], told["averages"]["aum"]) == ("40000.00", "40000.00")
    assert told["own"]["products_held"] == 1.0  # a count is a number


def test_what_is_worth_knowing_names_its_rule(li, cast, api):
    rule = "a birthday is within 14 days"
    told = api(cast.rita).get(f"customers/{li.pk}/worth-knowing/").json()
    assert rule not in {one["rule"] for one in told}
    li.birth_date = clock.today() + dt.timedelta(days=3) - dt.timedelta(days=365 * 40)
    li.save()
    after = api(cast.rita).get(f"customers/{li.pk}/worth-knowing/").json()
    assert rule in {one["rule"] for one in after}
    assert all(one["text"] and one.keys() == {"text", "tone", "rule"} for one in after)


def test_search_finds_by_phone_suffix_and_leaves_no_trace(li, cast, api):
    before = rows_of_everything()
    rita = api(cast.rita)
    assert [one["id"] for one in rita.post("customers/search/", {"q": "李建"}, key="k").json()] == [li.pk]
    answer = rita.post("customers/search/", {"q": "2291"}, key="k")
    assert [one["id"] for one in answer.json()] == [li.pk]
    assert "no-store" in answer["Cache-Control"]
    assert [one["id"] for one in api(cast.aud).post("customers/search/", {"q": "李建"}).json()] == [li.pk]
    li.backup_rm = None
    li.save()
    assert api(cast.raj).post("customers/search/", {"q": "李建"}).json() == []
    problem(api(cast.ada).post("customers/search/", {"q": "李建"}), 403, "forbidden")
    problem(rita.post("customers/search/", {}), 400, "invalid")
    problem(rita.post("customers/search/", {"q": "x", "branch": "N1"}), 400, "invalid")
    assert rows_of_everything() == before
    assert not IdempotencyKey.objects.exists()


def test_a_number_in_full_costs_a_reason_and_is_on_record(li, cast, api):
    path = f"customers/{li.pk}/reveal/"
    answer = api(cast.rita).post(path, {"what": "phone", "reason": "Customer asked for a call"}, key="k")
    assert answer.json() == {"what": "phone", "value": PHONE}
    assert "no-store" in answer["Cache-Control"]
    kept = AuditEvent.objects.get(action="customer.revealed")
    assert (kept.actor, kept.reason) == (cast.rita, "Customer asked for a call")
    assert not IdempotencyKey.objects.exists()
    before = rows_of_everything()
    for body in (
        {"what": "phone"},
        {"what": "phone", "reason": "aaaaaa"},
        {"what": "email", "reason": "Asked"},
    ):
        problem(api(cast.rita).post(path, body), 400, "invalid")
    for name in ("mei", "ana", "ada", "aud"):
        problem(
            api(getattr(cast, name)).post(path, {"what": "phone", "reason": "Curious me"}), 403, "forbidden"
        )
    assert rows_of_everything() == before


def test_the_dictionary_is_the_catalogue(cast, api):
    told = api(cast.ada).get("customer-fields/").json()
    assert [one["code"] for one in told] == list(fields.CATALOGUE)
    some = {one["code"]: one for one in api(cast.ana).get("customer-fields/", area="value").json()}
    assert set(some) == {code for code, one in fields.CATALOGUE.items() if one.area == "value"}
    assert some["aum"]["type"] == "money"
    kind = next(one for one in told if one["code"] == "kind")
    assert {"code": "firm", "label": "Firm"} in kind["choices"]
    problem(api(cast.ana).get("customer-fields/", area="weather"), 400, "invalid")


def test_tiers_and_weights_are_those_of_the_day(li, cast, api):
    facts.weigh("fund", "0.5", dt.date(2026, 6, 1))
    now = {one["asset_class"]: one["weight"] for one in api(cast.mei).get("asset-weights/").json()}
    assert now["fund"] == "0.5000"
    assert api(cast.mei).get("asset-weights/", on="2026-05-31").json() == []
    tiers = api(cast.mei).get("tiers/").json()
    assert [one["rank"] for one in tiers] == sorted(one["rank"] for one in tiers)
    assert tiers
    problem(api(cast.mei).get("tiers/", on="x"), 400, "invalid")


def test_products_are_listed_by_line(li, cast, api):
    assert "deposit-12" in {one["code"] for one in results(api(cast.mei).get("products/", line="savings"))}
    assert results(api(cast.mei).get("products/", active="false")) == []
