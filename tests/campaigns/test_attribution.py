"""Conversions are what the books show, in the same window for treated and control."""

import datetime as dt

import pytest

from campaigns import attribution
from customers.models import Response
from tests.campaigns.factories import TODAY, make_customers
from tests.campaigns.history import ASSIGNED, assign, buy, ran, respond
from tests.cast import Cast

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def test_a_contract_inside_the_window_counts_for_treated_and_control_alike(cast: Cast) -> None:
    campaign = ran(cast)
    treated, control, *_rest = make_customers(4, cast.tree.n1)
    assign(campaign, [treated], "a")
    assign(campaign, [control], "control", is_control=True)
    buy(campaign, [treated, control], ASSIGNED + 60 * DAY)
    assert attribution.match(campaign) == 2
    found = Response.objects.filter(campaign_code="spring").order_by("cell_code")
    assert [(r.cell_code, r.how, r.amount) for r in found] == [
        ("a", "matched", 1000),
        ("control", "matched", 1000),
    ]


@pytest.mark.parametrize("days", [-1, 0, 61])
def test_a_contract_outside_the_window_does_not_count(cast: Cast, days: int) -> None:
    campaign = ran(cast)
    ids = make_customers(1, cast.tree.n1)
    assign(campaign, ids, "a")
    buy(campaign, ids, ASSIGNED + days * DAY)
    assert attribution.match(campaign) == 0


def test_a_customer_who_was_not_assigned_never_counts(cast: Cast) -> None:
    campaign = ran(cast)
    assigned, stranger = make_customers(2, cast.tree.n1)
    assign(campaign, [assigned], "a")
    buy(campaign, [stranger], ASSIGNED + DAY)
    assert attribution.match(campaign) == 0


def test_two_contracts_are_one_conversion_and_the_first_decides(cast: Cast) -> None:
    campaign = ran(cast)
    ids = make_customers(1, cast.tree.n1)
    assign(campaign, ids, "a")
    buy(campaign, ids, ASSIGNED + 9 * DAY, 900)
    buy(campaign, ids, ASSIGNED + 5 * DAY, 500)
    attribution.match(campaign)
    assert [r.amount for r in Response.objects.all()] == [500]


def test_matching_again_changes_nothing_and_a_late_earlier_contract_corrects(cast: Cast) -> None:
    campaign = ran(cast)
    ids = make_customers(1, cast.tree.n1)
    assign(campaign, ids, "a")
    buy(campaign, ids, ASSIGNED + 9 * DAY, 900)
    assert [attribution.match(campaign), attribution.match(campaign)] == [1, 0]
    buy(campaign, ids, ASSIGNED + 2 * DAY, 200)
    assert attribution.match(campaign) == 1
    assert [r.amount for r in Response.objects.all()] == [200]


def test_reported_and_matched_sales_are_compared(cast: Cast) -> None:
    campaign = ran(cast)
    both, matched, reported, control = make_customers(4, cast.tree.n1)
    assign(campaign, [both, matched, reported], "a")
    assign(campaign, [control], "control", is_control=True)
    buy(campaign, [both, matched, control], ASSIGNED + DAY)
    attribution.match(campaign)
    respond(campaign, [both, reported], "a", "conversion", "reported")
    assert attribution.compare(campaign) == attribution.Comparison(
        both=1, matched_only=1, reported_only=1, control=1
    )


def test_every_night_campaigns_with_a_window_open_or_closed_lately_are_matched(cast: Cast) -> None:
    campaign, old = ran(cast), ran(cast, "winter", assigned_on=ASSIGNED - 200 * DAY)
    ids = make_customers(2, cast.tree.n1)
    assign(campaign, ids[:1], "a")
    assign(old, ids[1:], "a")
    buy(campaign, ids[:1], ASSIGNED + 5 * DAY)
    buy(old, ids[1:], ASSIGNED - 190 * DAY)
    assert attribution.match_all(TODAY) == {"spring": 1}
    assert list(Response.objects.values_list("campaign_code", flat=True)) == ["spring"]
