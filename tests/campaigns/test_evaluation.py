"""The evaluation is computed from history, refuses what it cannot know, and stays as it was frozen."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from statsmodels.stats.proportion import confint_proportions_2indep

from bankcrm import figures
from bankcrm.models import Role, User
from campaigns import attribution, evaluation
from campaigns.conflicts import Refused
from campaigns.models import Campaign, Offer, Selection
from campaigns.verdict import Verdict
from customers.models import Assignment, Contact, Holding, Response
from tests.campaigns.factories import TODAY, make_customers
from tests.campaigns.history import ASSIGNED, assign, buy, ran, respond
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def two_arms(
    cast: Cast, treated: int = 800, buyers: int = 80, control: int = 200, control_buyers: int = 6
) -> Campaign:
    campaign = ran(cast)
    ids = make_customers(treated + control, cast.tree.n1)
    assign(campaign, ids[:treated], "a", score=0.1, decile=1)
    assign(campaign, ids[treated:], "control", is_control=True, score=0.1, decile=1)
    buy(campaign, ids[:buyers] + ids[treated : treated + control_buyers], ASSIGNED + 10 * DAY)
    # Holdings are loaded through the end of the window: somebody else's opening shows it.
    stranger = make_customers(1, cast.tree.s1, prefix="S")
    buy(campaign, stranger, TODAY - DAY)
    attribution.match(campaign)
    return campaign


def test_the_effect_and_its_interval_are_those_of_statsmodels(cast: Cast) -> None:
    result = evaluation.evaluate(two_arms(cast))
    figures = result.readout.arm("a").figures
    assert figures is not None
    low, high = confint_proportions_2indep(80, 800, 6, 200, method="newcomb", compare="diff")
    assert figures.effect.value == pytest.approx(0.07)
    assert (figures.interval.low, figures.interval.high) == pytest.approx((low, high), abs=1e-6)
    assert result.readout.verdict == Verdict.PROVED_POSITIVE


def test_what_staff_report_does_not_move_the_effect(cast: Cast) -> None:
    campaign = two_arms(cast)
    before = evaluation.evaluate(campaign).sums["arms"]
    treated = list(campaign_customers(campaign)[100:200])
    respond(campaign, treated, "a", "conversion", "reported", 999)
    assert evaluation.evaluate(campaign).sums["arms"] == before


def campaign_customers(campaign: Campaign) -> list[int]:
    return list(
        Assignment.objects.filter(campaign_code=campaign.code)
        .order_by("customer_id")
        .values_list("customer_id", flat=True)
    )


def test_without_a_control_group_no_effect_is_claimed(cast: Cast) -> None:
    campaign = ran(cast, control_share=0)
    ids = make_customers(200, cast.tree.n1)
    assign(campaign, ids, "a", is_random=False)
    buy(campaign, ids[:40], ASSIGNED + DAY)
    attribution.match(campaign)
    readout = evaluation.evaluate(campaign).readout
    assert readout.verdict == Verdict.REFUSED
    assert {"no_control", "not_random"} <= {refusal.code for refusal in readout.refusals}


def test_while_the_window_is_open_figures_are_interim_and_nothing_is_frozen(cast: Cast) -> None:
    campaign = two_arms(cast)
    Campaign.objects.filter(pk=campaign.pk).update(attribution_days=365)
    campaign.refresh_from_db()
    assert evaluation.evaluate(campaign).readout.verdict == Verdict.INTERIM
    with pytest.raises(Refused, match="window is open"):
        evaluation.freeze(campaign, cast.max)
    assert not campaign.reports.exists()


def test_interest_that_only_staff_report_is_refused_as_an_outcome(cast: Cast) -> None:
    campaign = two_arms(cast)
    Campaign.objects.filter(pk=campaign.pk).update(success="interest")
    campaign.refresh_from_db()
    respond(campaign, campaign_customers(campaign)[:300], "a", "interest", "reported")
    readout = evaluation.evaluate(campaign).readout
    assert (readout.verdict, readout.refusals[0].code) == (Verdict.REFUSED, "outcome_source_missing")
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "No outcome source is connected for this objective." in page
    assert "only reported by staff" in page


def test_before_the_push_there_is_nothing_to_evaluate(cast: Cast) -> None:
    with pytest.raises(Refused, match="Nobody was assigned"):
        evaluation.evaluate(ran(cast))


def test_a_frozen_report_stays_and_later_data_make_a_new_version(cast: Cast) -> None:
    campaign = two_arms(cast)
    first = evaluation.freeze(campaign, cast.max)
    assert evaluation.freeze(campaign, cast.max) == first
    buyers = campaign_customers(campaign)[300:310]
    buy(campaign, buyers, ASSIGNED + 20 * DAY)
    assert evaluation.latest(campaign).readout.arm("a").arm.conversions == 80
    second = evaluation.freeze(campaign, cast.max)
    assert (second.version, evaluation.latest(campaign).readout.arm("a").arm.conversions) == (2, 90)
    first.refresh_from_db()
    assert evaluation.from_sums(campaign, first.figures).readout.arm("a").arm.conversions == 80


def test_a_relationship_manager_and_an_auditor_cannot_freeze(cast: Cast) -> None:
    campaign = two_arms(cast)
    for user in (cast.rita, cast.aud):
        with pytest.raises(PermissionDenied):
            evaluation.freeze(campaign, user)
    assert not campaign.reports.exists()


def test_the_number_of_statements_does_not_depend_on_the_campaign(cast: Cast) -> None:
    small, large = ran(cast, "small"), two_arms(cast)
    assign(small, make_customers(40, cast.tree.n2, prefix="N"), "a")
    counts = []
    for campaign in (small, large):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            evaluation.evaluate(campaign)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


def test_the_page_leads_with_the_verdict_and_shows_control(cast: Cast) -> None:
    campaign = two_arms(cast)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "Proved: +7.0 points" in page
    assert "Control, no contact" in page
    assert f"matched from new holdings of {campaign.product} within 60 days of assignment" in page
    assert "imported file" not in page
    assert login(cast.rita).get(f"/campaigns/{campaign.pk}/evaluation/").status_code == 403


def test_the_page_says_why_there_is_no_result(cast: Cast) -> None:
    campaign = ran(cast, control_share=0)
    ids = make_customers(100, cast.tree.n1)
    assign(campaign, ids, "a", is_random=False)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "no effect can be claimed" in page
    assert "Proved" not in page
    # A hundred customers are data enough: what is missing is somebody to compare them with.
    assert "<b>Nothing to compare with.</b> No control group" in page
    assert "Control left alone." not in page
    assert (
        page.count("withheld before the first contact") == 3
    )  # the reason, the arm, and what cannot be trusted
    assert "Filled square" not in page  # no effect is drawn, so nothing explains how


def test_while_the_window_is_open_nothing_is_claimed_by_branch_decile_or_forecast(cast: Cast) -> None:
    campaign = two_arms(cast)
    address = f"/campaigns/{campaign.pk}/evaluation/"
    closed = login(cast.max).get(address).content.decode()
    assert "Not known yet" not in closed
    assert "Only one branch has 30 customers in each arm" in closed
    Campaign.objects.filter(pk=campaign.pk).update(attribution_days=365)
    page = login(cast.max).get(address).content.decode()
    until = figures.short_day(ASSIGNED + 365 * DAY)
    assert page.count(f"Not known yet: the attribution window runs to {until}") == 2
    assert "Only one branch" not in page
    assert "hollow circle what the score said" not in page


def test_by_branch_nothing_is_said_where_no_branch_is_large_enough(cast: Cast) -> None:
    campaign, branches = ran(cast), (cast.tree.n1, cast.tree.n2)
    for i, branch in enumerate(branches):
        ids = make_customers(120, branch, prefix=f"B{i}")
        assign(campaign, ids[:96], "a")
        assign(campaign, ids[96:], "control", is_control=True)
        buy(campaign, ids[:20], ASSIGNED + DAY)
    attribution.match(campaign)
    address = f"/campaigns/{campaign.pk}/evaluation/"
    page = login(cast.max).get(address).content.decode()
    assert "No branch has 30 customers in each arm, so nothing could be tested by branch." in page
    assert (
        "With this campaign&#x27;s control share of 20\xa0%, 150 customers in a branch would be enough."
        in page
    )
    assert "do not differ beyond chance" not in page
    # The axis of the effect by arm stands alone.
    assert page.count('<th class="hideph"><svg') == 1

    assign(campaign, make_customers(6, branches[0], prefix="C"), "control", is_control=True)
    page = login(cast.max).get(address).content.decode()
    assert "Only one branch has 30 customers in each arm, so branches could not be compared." in page


def test_a_forecast_is_judged_by_the_figures_shown(cast: Cast) -> None:
    campaign = two_arms(cast)
    for high, word in ((79.6, "inside"), (79.4, "outside")):
        kept = {"responses": {"expected": 60.0, "low": 40.2, "high": high}, "incremental": None}
        campaign.selection = Selection.objects.create(
            campaign=campaign,
            campaign_version=1,
            profile_month=ASSIGNED,
            definition={"forecast": kept},
            requested_by=cast.mei,
        )
        campaign.save()
        page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
        assert f"40 to {round(high)}" in page
        assert [found for found in ("inside", "outside") if f"{found}</span>" in page] == [word]


def test_a_return_needs_as_many_buyers_as_revenue_does(cast: Cast) -> None:
    campaign = two_arms(cast)
    Offer.objects.update(cost_per_sale=10, margin_per_sale=200)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert page.count("Fewer than 10 buyers in one arm (6): too few for an interval of money.") == 1
    # Of a product without amounts none is known, however many buy it.
    Response.objects.update(amount=0)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "buyers in one arm" not in page
    assert "No amounts are known of these sales." in page
    assert "to" in page.split("No amounts are known of these sales.")[1].split("</tr>")[0]


def test_nobody_having_bought_before_the_window_has_closed_is_no_missing_file(cast: Cast) -> None:
    campaign = ran(cast)
    ids = make_customers(200, cast.tree.n1)
    assign(campaign, ids[:100], "a")
    assign(campaign, ids[100:], "control", is_control=True)
    Campaign.objects.filter(pk=campaign.pk).update(attribution_days=365)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "The attribution window is still open." in page
    assert "check first that the outcome file" not in page
    assert "do not differ beyond chance" not in page


def test_the_page_says_which_sales_count_for_the_result(cast: Cast) -> None:
    campaign = two_arms(cast)
    respond(campaign, campaign_customers(campaign)[100:108], "a", "conversion", "reported", 999)
    page = login(cast.max).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert "8 reported only. Plan and campaign call all of them sales" in page


def test_an_auditor_reads_and_freezes_nothing(cast: Cast) -> None:
    campaign = two_arms(cast)
    client = login(cast.aud)
    assert client.get(f"/campaigns/{campaign.pk}/evaluation/").status_code == 200
    assert client.post(f"/campaigns/{campaign.pk}/evaluation/freeze/").status_code == 403
    assert not campaign.reports.exists()


def second_planner(cast: Cast) -> User:
    return make_user("pat", Role.PLANNER, cast.tree.head_office)


def test_while_the_window_is_open_the_button_is_off_with_the_day_from_which_it_works(cast: Cast) -> None:
    campaign = two_arms(cast)
    Campaign.objects.filter(pk=campaign.pk).update(attribution_days=365)
    client, address = login(cast.max), f"/campaigns/{campaign.pk}/evaluation/"
    last = ASSIGNED + 365 * DAY
    sentence = f"can be frozen from {figures.day(last + DAY)}"
    page = client.get(address).content.decode()
    assert 'disabled aria-describedby="not-yet"' in page
    assert sentence in page
    refused = client.post(f"{address}freeze/", follow=True).content.decode()
    assert refused.count(sentence) == 2  # the refusal, and the button's reason below it
    assert not campaign.reports.exists()


def test_until_the_holdings_reach_the_end_of_the_window_the_button_says_to_which_day(cast: Cast) -> None:
    campaign = two_arms(cast)
    end = ASSIGNED + 80 * DAY
    campaign.attribution_days = 80
    campaign.save()
    Holding.objects.filter(opened_on__gte=end).update(opened_on=end - DAY)
    waits = f"once they are loaded to {figures.day(end)}"
    assert waits in evaluation.freeze_objection(campaign, cast.max)
    with pytest.raises(Refused, match=waits):
        evaluation.freeze(campaign, cast.max)


def test_nobody_freezes_the_result_of_a_campaign_of_ones_own(cast: Cast) -> None:
    campaign = two_arms(cast)
    address = f"/campaigns/{campaign.pk}/evaluation/"
    page = login(cast.mei).get(address).content.decode()
    assert 'disabled aria-describedby="not-yet"' in page
    assert "a manager, an analyst or a planner who had no part in it" in page
    login(cast.mei).post(f"{address}freeze/")
    assert not campaign.reports.exists()

    assert "disabled" not in login(pat := second_planner(cast)).get(address).content.decode()
    assert evaluation.freeze(campaign, pat).version == 1


@pytest.mark.parametrize(("told", "steps"), [(None, 0), (True, 1)])
def test_an_imported_file_that_does_not_tell_who_was_reached_has_no_such_step(
    cast: Cast, told: bool | None, steps: int
) -> None:
    campaign = two_arms(cast)
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.IMPORTED)
    Contact.objects.bulk_create(
        Contact(
            customer_id=pk,
            contacted_on=ASSIGNED,
            reference=f"file:{pk}",
            channel="phone",
            campaign_code=campaign.code,
            was_reached=told,
        )
        for pk in campaign_customers(campaign)[:50]
    )
    page = login(cast.mei).get(f"/campaigns/{campaign.pk}/evaluation/").content.decode()
    assert page.count("<td>Contacted</td>") == 1
    assert page.count("<td>Reached</td>") == steps
