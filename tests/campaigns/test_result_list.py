"""The list of results says of every campaign what its report says, in as many statements for many as for one."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import attribution, evaluation, results
from campaigns.models import Arm, Campaign, Offer
from campaigns.verdict import Verdict
from tests.campaigns.factories import TODAY, make_customers
from tests.campaigns.history import ASSIGNED, assign, buy, ran
from tests.cast import login

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
LIST = "/evaluations/"


@pytest.fixture
def people(cast):
    ids = make_customers(400, cast.tree.n1)
    stranger = make_customers(1, cast.tree.s1, prefix="S")
    return ids, stranger


def priced(campaign: Campaign) -> Campaign:
    Offer.objects.filter(pk__in=Arm.objects.filter(campaign=campaign).values("offer")).update(
        cost_per_sale=10, margin_per_sale=200
    )
    return campaign


def proved(cast, people, code="proved"):
    """300 treated of whom 90 buy, 100 in control of whom 10 do; holdings loaded to the end of the window."""
    ids, stranger = people
    campaign = priced(ran(cast, code, control_share="0.250"))
    assign(campaign, ids[:300], "a")
    assign(campaign, ids[300:], "control", is_control=True)
    buy(campaign, ids[:90] + ids[300:310], ASSIGNED + 10 * DAY)
    buy(campaign, stranger, TODAY - DAY)
    attribution.match(campaign)
    return campaign


def too_few(cast, people):
    ids, _stranger = people
    campaign = ran(cast, "small")
    assign(campaign, ids[:20], "a")
    assign(campaign, ids[20:25], "control", is_control=True)
    return campaign


def without_control(cast, people):
    ids, _stranger = people
    campaign = ran(cast, "nobody-kept-back", control_share=0)
    assign(campaign, ids[:200], "a", is_random=False)
    return campaign


def page(person, **query):
    return login(person).get(LIST, query).content.decode()


def test_every_line_says_what_the_report_says(cast, people):
    campaigns = [proved(cast, people), too_few(cast, people), without_control(cast, people)]
    for line in results.results(campaigns):
        told = evaluation.evaluate(line.campaign).readout
        assert (line.verdict, line.readout.refusals) == (told.verdict, told.refusals)
        for arm, same in zip(line.readout.arms, told.arms, strict=True):
            assert arm.verdict == same.verdict
            if same.figures:
                assert arm.figures.interval == same.figures.interval
                assert arm.figures.roi == same.figures.roi is not None
    assert [line.verdict for line in results.results(campaigns)] == [
        Verdict.PROVED_POSITIVE,
        Verdict.REFUSED,
        Verdict.REFUSED,
    ]


def test_a_line_shows_verdict_effect_and_return_or_the_reason(cast, people):
    line = results.results([proved(cast, people)])[0]
    too_few(cast, people)
    shown = page(cast.max)
    assert "+20.0" in shown
    assert "proved" in shown
    assert f"{line.roi.value:,.1f}" in shown
    refusal = evaluation.evaluate(Campaign.objects.get(code="small")).readout.refusals[0]
    assert refusal.sentence in shown


def test_a_frozen_result_stays_in_the_list_as_it_was_frozen(cast, people):
    campaign = proved(cast, people)
    evaluation.freeze(campaign, cast.max)
    buy(campaign, people[0][150:200], ASSIGNED + 20 * DAY)
    attribution.match(campaign)
    line = results.results([campaign])[0]
    assert (line.version, line.arm.arm.conversions) == (1, 90)
    assert "frozen, version 1" in page(cast.max)


def test_before_anybody_is_assigned_the_line_says_so(cast):
    ran(cast, "empty")
    assert "Nobody was assigned yet" in page(cast.max)


def test_filters_and_orders_by_what_was_found(cast, people):
    proved(cast, people)
    too_few(cast, people)
    for query, expected in (
        ({"verdict": "proved_positive"}, {"Proved"}),
        ({"verdict": "refused"}, {"Small"}),
        ({"verdict": "proved_negative"}, set()),
        ({"q": "sma"}, {"Small"}),
        ({"state": "running"}, set()),
        ({"frozen": "frozen"}, set()),
        ({"order": "effect"}, {"Proved", "Small"}),
        ({"verdict": "nonsense", "product": "none"}, {"Proved", "Small"}),
    ):
        shown = page(cast.max, **query)
        assert {name for name in ("Proved", "Small") if f">{name}</a>" in shown} == expected, query
    shown = page(cast.max, order="roi")
    assert shown.index(">Proved</a>") < shown.index(">Small</a>")  # what has no figure comes last
    assert shown.index(">Small</a>") > 0


def test_many_campaigns_cost_as_many_queries_as_one(cast, people):
    client = login(cast.max)
    counts = []
    for n in range(2):
        for k in range(4 * n + 1):
            proved(cast, people, f"proved-{n}-{k}")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


def test_whoever_may_not_read_results_gets_no_list(cast):
    for person in (cast.rita, cast.ada):
        assert login(person).get(LIST).status_code == 403
    assert login(cast.aud).get(LIST).status_code == 200
