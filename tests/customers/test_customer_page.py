"""Customer-360: who may open it, what it shows, and what it never shows."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bankcrm.models import AuditEvent
from bankcrm.policy import REGISTRY
from customers import fields, kyc, peers, profile, tabs
from customers.models import Assignment, Consent
from customers.tabs.facts import ONLY_WHEN_SO
from tests import facts
from tests.cast import login
from tests.facts import MONTH

PHONE, IDENTITY = "13812342291", "310104197501010012"


@pytest.fixture
def li(cast, monkeypatch):
    """Rita's customer with a full year of everything; Wang is a peer."""
    monkeypatch.setattr(peers, "SMALLEST", 2)
    facts.make_tiers()
    products = facts.make_products()
    born = dt.date(1975, 1, 1)
    who = facts.customer(
        "李建国",
        birth_date=born,
        phone=PHONE,
        identity_number=IDENTITY,
        home_branch=cast.tree.n1,
        primary_rm=cast.rita,
    )
    peer = facts.customer("王芳", birth_date=born, home_branch=cast.tree.n1)
    for month in (dt.date(2025, 10, 31), MONTH):
        facts.balance(who, products["current"], 30_000 if month == MONTH else 10_000, month)
        facts.balance(peer, products["fund-mixed"], 20_000, month)
    facts.holding(
        who, products["deposit-12"], amount=500, matures_on=timezone.localdate() + dt.timedelta(days=9)
    )
    facts.transaction(who, -300, merchant_category="travel", channel="mobile", kind="card")
    facts.contact(who, campaign_code="autumn", outcome="later")
    facts.response(who, campaign_code="autumn")
    Assignment.objects.create(
        campaign_code="winter", customer=who, cell_code="control", is_control=True, assigned_on=MONTH
    )
    Consent.objects.create(customer=who, channel="email", is_objection=True, since=dt.date(2026, 3, 12))
    for month in (dt.date(2025, 10, 31), MONTH):
        profile.build(month)
    return who


def url(customer, tab=""):
    return f"/customers/{customer.pk}/{tab}{'/' if tab else ''}"


def text(response):
    return response.content.decode()


def test_the_page_opens_for_who_sees_the_customer_and_is_unknown_to_others(li, cast):
    for name, expected in {
        "rita": 200, "bao": 200, "ana": 200, "mei": 200, "max": 200, "omar": 200, "aud": 200, "raj": 404, "ada": 403,
    }.items():  # fmt: skip
        assert login(getattr(cast, name)).get(url(li)).status_code == expected, name
    assert login(cast.rita).get("/customers/999999999/").status_code == 404


@pytest.mark.parametrize("tab", tabs.TABS)
def test_every_tab_opens_as_a_page_and_as_a_fragment(li, cast, tab):
    client = login(cast.rita)
    page, fragment = client.get(url(li, tab)), client.get(url(li, tab), headers={"HX-Request": "true"})
    assert page.status_code == fragment.status_code == 200
    assert 'aria-current="page"' in text(page)
    assert "<html" in text(page)
    assert "<html" not in text(fragment)
    assert f'data-tab="{tab}"' in text(fragment)


def test_attributes_have_a_tab_of_their_own_with_every_field_that_is_shown(li, cast):
    li.household, li.acquisition_channel, li.industry = "HH-77", "employer", "Steel"
    li.save()
    client = login(cast.rita)
    page = text(client.get(url(li, "attributes")))
    for field in fields.in_area(fields.Area.ATTRIBUTE):
        if field.code not in kyc.HEADER and field.code not in ONLY_WHEN_SO:
            assert f"<dt>{field.label}</dt>" in page, field.code
    assert "HH-77" in page
    assert "<dt>Life stage</dt>" not in text(client.get(url(li, "behaviour")))
    assert "<dd>Employer" in text(client.get(url(li, "acquisition")))


def test_an_unknown_tab_is_not_found(li, cast):
    assert login(cast.rita).get(url(li, "salary")).status_code == 404


def test_numbers_are_masked_everywhere_and_consent_is_said(li, cast):
    for tab in tabs.TABS:
        page = text(login(cast.bao).get(url(li, tab)))
        assert PHONE not in page
        assert IDENTITY not in page
    assert "138****2291" in page
    assert "3101**********0012" in page
    assert "E-mail, objected 12 Mar" in page


def test_the_overview_shows_assets_change_peers_and_what_matures(li, cast):
    page = text(login(cast.rita).get(url(li)))
    assert "¥30,000" in page
    assert "+¥20,000" in page
    assert "peers 50" in page  # half of the two customers' money is on demand
    assert "¥500" in page


def test_classes_that_were_always_empty_are_one_line(li, cast):
    page = text(login(cast.rita).get(url(li)))
    table = page[page.index("<thead>") : page.index("<tfoot>")]
    assert "Trust" not in table
    assert "Demand deposit" in table
    line = page[page.index("Nothing in:") :][:200]
    assert "trust, " in line
    assert "demand deposit" not in line


def test_the_value_tab_compares_with_the_same_tier_and_age_band(li, cast):
    page = text(login(cast.rita).get(url(li, "value")))
    assert "average of 2 customers in tier Basic, aged 50 to 59" in page
    assert "¥25,000" in page


def test_who_talks_to_customers_does_not_learn_of_control_groups(li, cast):
    assert "winter" not in text(login(cast.rita).get(url(li, "history")))
    assert "winter" not in text(login(cast.bao).get(url(li, "history")))
    assert "In the control group of winter" in text(login(cast.ana).get(url(li, "history")))
    assert "Took up the offer of autumn" in text(login(cast.rita).get(url(li, "history")))


def test_the_timeline_goes_back_from_a_day(li, cast):
    page = text(
        login(cast.rita).get(url(li, "history"), {"until": "2026-10-01"}, headers={"HX-Request": "true"})
    )
    assert "autumn" not in page
    assert "Opened deposit-12" in page
    assert login(cast.rita).get(url(li, "history"), {"until": "soon"}).status_code == 200


def test_the_number_of_queries_does_not_depend_on_the_customer(li, cast):
    client = login(cast.rita)
    empty = facts.customer("空", home_branch=cast.tree.n1, primary_rm=cast.rita)
    profile.build(MONTH)
    for tab in tabs.TABS:
        with CaptureQueriesContext(connection) as full:
            client.get(url(li, tab))
        with CaptureQueriesContext(connection) as nothing:
            client.get(url(empty, tab))
        assert len(full) == len(nothing) <= 15, [tab, *(query["sql"][:90] for query in full)]


def test_a_customer_without_a_profile_is_told_so(li, cast):
    new = facts.customer("新", home_branch=cast.tree.n1, primary_rm=cast.rita, opened_on=dt.date(2026, 11, 2))
    assert "No profile yet" in text(login(cast.rita).get(url(new)))


def reveal(user, customer, **data):
    return login(user).post(f"/customers/{customer.pk}/reveal/", data)


def test_a_number_is_revealed_once_with_a_reason_and_on_record(li, cast):
    answer = reveal(cast.rita, li, what="phone", reason="Calling about the deposit")
    assert answer.status_code == 200
    assert PHONE in text(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    event = AuditEvent.objects.get(action="customer.revealed")
    assert (event.actor, event.object_id, event.reason) == (
        cast.rita,
        str(li.pk),
        "Calling about the deposit",
    )
    assert event.details == {"what": "phone"}
    assert PHONE not in text(login(cast.rita).get(url(li)))
    assert IDENTITY in text(reveal(cast.bao, li, what="identity_number", reason="Signing a contract"))


@pytest.mark.parametrize(
    "data",
    [{}, {"what": "phone"}, {"what": "phone", "reason": "....."}, {"what": "name", "reason": "curious me"}],
)
def test_a_number_is_not_revealed_without_a_reason_or_for_another_field(li, cast, data):
    answer = reveal(cast.rita, li, **data)
    assert answer.status_code == 422
    assert PHONE not in text(answer)
    assert not AuditEvent.objects.filter(action="customer.revealed").exists()


def test_nobody_else_may_reveal_and_nobody_by_a_link(li, cast):
    given = {"what": "phone", "reason": "I want to know"}
    for name in ("ana", "mei", "omar", "max", "ada", "aud"):
        assert reveal(getattr(cast, name), li, **given).status_code == 403, name
    assert reveal(cast.raj, li, **given).status_code == 404
    assert login(cast.rita).get(f"/customers/{li.pk}/reveal/").status_code == 403
    assert not AuditEvent.objects.filter(action="customer.revealed").exists()
    assert "Show the phone number" not in text(login(cast.ana).get(url(li)))
    assert "Show the phone number" in text(login(cast.rita).get(url(li)))


def test_the_leads_panel_is_loaded_only_for_who_may_open_it(li, cast):
    for name, user in cast.everybody().items():
        allowed = REGISTRY["customer-leads"].allows(user, "GET")
        page = text(login(user).get(url(li)))
        assert (reverse("customer-leads", args=[li.pk]) in page) == (
            allowed and name not in ("raj", "ada")
        ), name


def test_the_data_dictionary_says_what_models_may_use(cast):
    page = text(login(cast.ana).get(reverse("data-dictionary")))
    assert 'id="gender"' in page
    assert "never used by a model" in page
