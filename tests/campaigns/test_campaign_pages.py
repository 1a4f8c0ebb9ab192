"""The campaign page: cards that edit in place, the live rail, buttons, refusals, and who may do what."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bankcrm import runs
from bankcrm.models import Role, Run
from campaigns import lifecycle, push
from campaigns.models import Campaign, Lead, Push, Target
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import login, make_user

HTMX = {"HX-Request": "true"}


@pytest.fixture
def customers(cast):
    return factories.make_customers(120, cast.tree.n1, cast.rita)


@pytest.fixture
def draft(cast, customers):
    return factories.draft(cast)


def card(campaign, name):
    return reverse("campaign-card", args=[campaign.pk, name])


def act(client, campaign, action, **data):
    return client.post(reverse("campaign-act", args=[campaign.pk, action]), data, follow=True)


def brief(campaign, **changes):
    fields = {
        "name": campaign.name,
        "product": campaign.product_id,
        "objective": campaign.objective,
        "plan": "",
        "starts_on": campaign.starts_on,
        "ends_on": campaign.ends_on,
        "owner": campaign.owner_id,
        "budget": campaign.budget,
        "version": campaign.version,
    }
    return fields | changes


def run_of(kind):
    run = Run.objects.get(kind=kind, state=Run.State.QUEUED)
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("name", ["campaign-list", "offer-list", "plan-list", "audience-list"])
def test_planning_pages_open_for_those_who_plan_or_read_and_not_for_relationship_managers(cast, name):
    for person in (cast.mei, cast.omar, cast.max, cast.ana, cast.bao, cast.aud):
        assert login(person).get(reverse(name)).status_code == 200
    for person in (cast.rita, cast.ada):
        assert login(person).get(reverse(name)).status_code == 403


def test_a_campaign_page_reads_for_all_readers_and_only_planners_see_edit(cast, draft):
    url = reverse("campaign-detail", args=[draft.pk])
    assert b"?edit" in login(cast.mei).get(url).content
    for person in (cast.omar, cast.max, cast.ana, cast.bao, cast.aud):
        answer = login(person).get(url)
        assert answer.status_code == 200
        assert b"?edit" not in answer.content
    assert login(cast.rita).get(url).status_code == 403


def test_a_new_campaign_asks_for_its_budget_at_once(cast, draft):
    client = login(cast.mei)
    asked = client.get(reverse("campaign-create")).content.decode()
    field = asked[asked.index('name="budget"') :].split(">")[0]
    assert "value=" not in field, "0 would be taken for an answer"
    data = {"name": "Spring", "product": draft.product_id, "starts_on": TODAY, "ends_on": TODAY}
    refused = client.post(reverse("campaign-create"), data | {"budget": ""})
    assert b"This field is required." in refused.content
    assert not Campaign.objects.filter(name="Spring").exists()
    client.post(reverse("campaign-create"), data | {"budget": 7})
    assert Campaign.objects.get(name="Spring").budget == 7


def test_a_new_campaign_gets_a_code_from_its_name_and_never_one_that_is_taken(cast, draft):
    data = {"name": "Autumn", "product": draft.product_id, "starts_on": TODAY, "ends_on": TODAY, "budget": 5}
    answer = login(cast.mei).post(reverse("campaign-create"), data)
    made = Campaign.objects.get(code="autumn-2")
    assert answer["Location"] == reverse("campaign-detail", args=[made.pk])
    assert made.owner == cast.mei
    assert login(cast.omar).post(reverse("campaign-create"), data).status_code == 403
    assert Campaign.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("秋季基金", "campaign-2026-11-25", "campaign-2026-11-25-2"),
        ("<b>Winter</b> fund", "winter-fund", "winter-fund-2"),
        ("<br>", "campaign-2026-11-25", "campaign-2026-11-25-2"),
    ],
)
def test_a_name_without_latin_letters_or_with_markup_leads_to_a_usable_code(cast, draft, name, first, second):
    data = {"name": name, "product": draft.product_id, "starts_on": TODAY, "ends_on": TODAY, "budget": 5}
    for expected in (first, second):
        login(cast.mei).post(reverse("campaign-create"), data)
        assert Campaign.objects.latest("pk").code == expected


def test_a_campaign_that_ends_before_it_starts_is_not_made_and_says_so(cast, draft):
    data = {
        "name": "Late",
        "product": draft.product_id,
        "starts_on": TODAY,
        "ends_on": TODAY - dt.timedelta(1),
    }
    answer = login(cast.mei).post(reverse("campaign-create"), data | {"budget": 5})
    assert answer.status_code == 422
    assert b"ends before it starts" in answer.content
    assert not Campaign.objects.filter(name="Late").exists()


def test_a_copy_takes_audience_arms_and_control_of_the_past_one(cast, draft):
    lifecycle.edit(draft, cast.mei, 1, control_share="0.2", capacity=40)
    data = {"name": "Again", "product": draft.product_id, "starts_on": TODAY, "ends_on": TODAY, "budget": 5}
    login(cast.mei).post(reverse("campaign-create"), data | {"copy_of": draft.pk})
    made = Campaign.objects.get(name="Again")
    assert made.condition == draft.condition
    assert (str(made.control_share), made.capacity) == ("0.200", 40)
    assert [(arm.code, arm.offer_id) for arm in made.arms.all()] == [
        (arm.code, arm.offer_id) for arm in draft.arms.all()
    ]
    assert made.salt != draft.salt


def test_a_card_edits_in_place_and_the_page_hears_of_it(cast, draft):
    client = login(cast.mei)
    assert b'name="budget"' in client.get(card(draft, "brief") + "?edit", headers=HTMX).content
    answer = client.post(card(draft, "brief"), brief(draft, budget=777), headers=HTMX)
    assert answer.status_code == 200
    assert "campaign-changed" in answer["HX-Trigger"]
    assert b"777" in answer.content
    changed = Campaign.objects.get(pk=draft.pk)
    assert (changed.version, changed.budget) == (2, 777)
    assert changed.changes.first().fields == {"budget": ["1000000", "777"]}


def test_a_wrong_value_comes_back_beside_its_field_and_changes_nothing(cast, draft):
    data = brief(draft, ends_on=TODAY - dt.timedelta(days=9), budget="much")
    answer = login(cast.mei).post(card(draft, "brief"), data, headers=HTMX)
    assert answer.status_code == 422
    assert b'value="much"' in answer.content
    assert b"ends before it starts" in answer.content
    assert Campaign.objects.get(pk=draft.pk).version == 1


def test_a_stale_card_shows_both_versions_and_can_be_saved_over(cast, draft):
    kim = make_user("kim", Role.PLANNER, cast.tree.head_office)
    lifecycle.edit(draft, kim, 1, budget=500)
    client = login(cast.mei)
    answer = client.post(card(draft, "brief"), brief(draft, budget=900), headers=HTMX)
    assert answer.status_code == 409
    assert answer["HX-Reswap"] == "innerHTML"
    page = answer.content.decode()
    assert re.search(r"Kim changed the campaign at \d\d:\d\d today;", page)
    assert "¥500" in page
    assert "¥900" in page
    assert Campaign.objects.get(pk=draft.pk).budget == 500
    again = client.post(card(draft, "brief"), brief(draft, budget=900, version=2), headers=HTMX)
    assert again.status_code == 200
    assert Campaign.objects.get(pk=draft.pk).budget == 900


def test_ones_own_save_in_another_card_makes_no_conflict(cast, draft):
    client = login(cast.mei)
    client.post(card(draft, "brief"), brief(draft, budget=500), headers=HTMX)
    data = {"control_share": "20", "success": "conversion", "attribution_days": 30, "version": 1}
    assert client.post(card(draft, "control"), data, headers=HTMX).status_code == 200
    changed = Campaign.objects.get(pk=draft.pk)
    assert (changed.budget, str(changed.control_share), changed.version) == (500, "0.200", 3)
    # The same field again with the old version is stale all the same.
    assert (
        client.post(card(draft, "control"), data | {"control_share": "30"}, headers=HTMX).status_code == 409
    )


def test_arms_are_edited_together_and_doubled_codes_are_refused(cast, draft):
    offer = draft.arms.get().offer
    line = {"name": "", "offer": offer.pk, "channel": "phone", "share": "50"}
    data = {"version": 1, "arms-TOTAL_FORMS": 2, "arms-INITIAL_FORMS": 1}
    for n, code in enumerate(["a", "a"]):
        data |= {f"arms-{n}-{name}": value for name, value in (line | {"code": code}).items()}
    client = login(cast.mei)
    refused = client.post(card(draft, "arms"), data, headers=HTMX)
    assert refused.status_code == 422
    assert b"Two arms have the same code" in refused.content
    assert draft.arms.count() == 1
    assert client.post(card(draft, "arms"), data | {"arms-1-code": "b"}, headers=HTMX).status_code == 200
    assert [(arm.code, str(arm.share)) for arm in draft.arms.order_by("code")] == [
        ("a", "0.500"),
        ("b", "0.500"),
    ]


def test_others_cannot_save_a_card(cast, draft):
    for person in (cast.omar, cast.max, cast.ana, cast.bao, cast.aud, cast.rita):
        assert login(person).post(card(draft, "brief"), brief(draft, budget=1)).status_code == 403
    assert Campaign.objects.get(pk=draft.pk).budget == 1_000_000


def test_the_rail_adds_up_and_names_what_blocks(cast, draft):
    answer = login(cast.mei).get(reverse("campaign-rail", args=[draft.pk]), headers=HTMX)
    page = answer.content.decode()
    assert "Adds up: 120 =" in page
    assert "Capacity is cut first" in page
    assert "No customers have been selected yet." in page
    assert page.count("disabled aria-describedby") == 1
    assert 'id="live-exclusions" hx-swap-oob="true"' in page
    whole = login(cast.mei).get(reverse("campaign-detail", args=[draft.pk])).content.decode()
    assert (page + whole).count("<h2>Forecast</h2>") == 1


def test_the_rail_of_an_unfinished_draft_says_what_is_missing(cast, draft):
    factories.run_sql("DELETE FROM customers_customerprofile")
    answer = login(cast.mei).get(reverse("campaign-rail", args=[draft.pk]), headers=HTMX)
    assert answer.status_code == 200
    assert b"There are no customer profiles yet" in answer.content


def test_selecting_runs_in_the_background_and_the_page_shows_the_progress(cast, draft):
    client = login(cast.mei)
    act(client, draft, "select")
    act(client, draft, "select")
    assert Run.objects.filter(kind="campaigns.select").count() == 1
    work = client.get(reverse("campaign-work", args=[draft.pk]), headers=HTMX)
    assert b"every 1s" in work.content
    assert run_of("campaigns.select").state == Run.State.DONE
    assert client.get(reverse("campaign-work", args=[draft.pk]), headers=HTMX)["HX-Refresh"] == "true"
    assert Campaign.objects.get(pk=draft.pk).selection.targets_count > 0


def test_submitting_a_blocked_campaign_is_refused_with_the_blocker(cast, draft):
    answer = act(login(cast.mei), draft, "submit")
    assert b"No customers have been selected yet." in answer.content
    assert Campaign.objects.get(pk=draft.pk).state == Campaign.State.DRAFT


def test_an_unapproved_campaign_is_not_pushed(cast, customers):
    campaign = factories.submitted(cast)
    client = login(cast.mei)
    assert b"not approved yet: it waits for a second person" in act(client, campaign, "push").content
    lifecycle.withdraw(campaign, cast.mei)
    assert b"not approved yet: it is a draft" in act(client, campaign, "push").content
    assert not Run.objects.filter(kind="campaigns.push").exists()
    assert not Lead.objects.exists()


def test_a_push_reconciles_on_the_page_and_a_second_one_is_refused(cast, customers):
    campaign = factories.approved(cast)
    client = login(cast.mei)
    act(client, campaign, "push")
    assert run_of("campaigns.push").state == Run.State.DONE
    page = client.get(reverse("campaign-detail", args=[campaign.pk])).content
    counted = push.reconcile(Campaign.objects.get(pk=campaign.pk))
    assert b"adds up" in page
    assert f"{counted.selected:,}".encode() in page
    leads = Lead.objects.count()
    assert b"The leads are pushed already." in act(client, campaign, "push").content
    assert Lead.objects.count() == leads > 0
    assert Run.objects.filter(kind="campaigns.push").count() == 1


def test_a_push_under_way_is_in_progress_and_one_that_stopped_says_so(cast, customers):
    campaign, done = factories.pushed(cast)
    Push.objects.filter(pk=done.pk).update(finished_at=None)
    # Half of the leads are still to be made.
    Lead.objects.filter(pk__in=Lead.objects.order_by("pk")[:5]).delete()
    client, url = login(cast.mei), reverse("campaign-detail", args=[campaign.pk])
    run = Run.objects.create(
        kind="campaigns.push", key=f"campaign:{campaign.pk}:wave:1", requested_by=cast.mei
    )
    page = client.get(url).content
    assert b"in progress" in page
    assert b"add up" not in page
    Run.objects.filter(pk=run.pk).update(state=Run.State.DEAD)
    assert b"stopped before its end" in client.get(url).content
    Push.objects.filter(pk=done.pk).update(finished_at=Now())
    assert b"does not add up" in client.get(url).content


def test_recall_and_close_are_offered_and_done(cast, customers):
    campaign, _push = factories.pushed(cast)
    client = login(cast.mei)
    answer = act(client, campaign, "close")
    assert b"leads are still open" in answer.content
    act(client, campaign, "recall", comment="Wrong week")
    assert not Lead.objects.open().exists()
    act(client, campaign, "close")
    assert Campaign.objects.get(pk=campaign.pk).state == Campaign.State.CLOSED


def test_an_auditor_and_a_reader_do_nothing(cast, customers):
    campaign = factories.approved(cast)
    for person in (cast.aud, cast.ana, cast.bao, cast.rita):
        assert act(login(person), campaign, "push").status_code == 403
    assert act(login(cast.omar), campaign, "push").status_code == 403
    assert not Run.objects.filter(kind="campaigns.push").exists()


def test_why_not_answers_for_a_customer_in_sight_and_for_no_other(cast, customers):
    campaign = factories.selected(cast)
    factories.make_customers(1, cast.tree.s1, cast.raj, prefix="S")
    url = reverse("campaign-why", args=[campaign.pk])
    client = login(cast.mei)
    treated = Target.objects.filter(selection=campaign.selection).treated().first().customer
    assert b"On the final list" in client.post(url, {"number": treated.number}, headers=HTMX).content
    factories.run_sql("UPDATE customers_customer SET is_employee = true WHERE number = 'S1'")
    assert b"Works for the bank" in client.post(url, {"number": "S1"}, headers=HTMX).content
    unseen = login(cast.bao).post(url, {"number": "S1"}, headers=HTMX)
    assert unseen.status_code == 422
    assert b"in your sight" in unseen.content


def test_who_is_in_control_is_not_told_to_those_who_talk_to_customers(cast, customers):
    campaign = factories.selected(cast, control_share="0.5")
    url = reverse("campaign-why", args=[campaign.pk])
    targets = Target.objects.filter(selection=campaign.selection).select_related("customer")
    told = []
    for target in (targets.filter(is_control=True).first(), targets.filter(is_control=False).first()):
        number = target.customer.number
        answer = login(cast.bao).post(url, {"number": number}, headers=HTMX).content.decode()
        told.append(answer.replace(number, ""))
        assert ("Drawn as control" in login(cast.mei).post(url, {"number": number}).content.decode()) == (
            target.is_control
        )
    assert told[0] == told[1]
    assert "Met every condition" in told[0]


@pytest.mark.parametrize("version", ["²", "9" * 5000, "", "x"])
def test_a_senseless_version_and_a_nul_in_the_comment_are_no_error(cast, draft, version):
    answer = act(login(cast.mei), draft, "cancel", version=version, comment="gone\0 for good")
    assert answer.status_code == 200
    draft.refresh_from_db()
    assert draft.state == Campaign.State.CANCELLED
    assert draft.changes.first().comment == "gone for good"


def test_history_tells_fields_before_and_after_and_the_comment(cast, customers):
    campaign = factories.submitted(cast)
    act(login(cast.omar), campaign, "send_back", comment="Control too small")
    lifecycle.edit(Campaign.objects.get(pk=campaign.pk), cast.mei, 1, control_share="0.25")
    page = login(cast.mei).get(reverse("campaign-detail", args=[campaign.pk])).content.decode()
    assert "Control too small" in page
    assert "<del>10.0\u00a0%</del> → <ins>25.0\u00a0%</ins>" in page


def test_the_pages_cost_the_same_with_many_campaigns_and_long_histories(cast, draft):
    client = login(cast.mei)
    urls = [reverse("campaign-list"), reverse("campaign-detail", args=[draft.pk])]
    counts = []
    for _round in range(2):
        for url in urls:
            client.get(url)
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(url)
            counts.append(len(captured))
        for n in range(6):
            factories.draft(cast, f"more-{n}-{_round}")
            current = Campaign.objects.get(pk=draft.pk)
            lifecycle.edit(
                current,
                cast.mei,
                current.version,
                budget=1000 + n,
                condition={"all": [{"field": "age", "op": "at_least", "value": 30 + n}]},
            )
    assert counts[0] == counts[2]
    # The first edit brings the look-ups that word it; more edits bring no more.
    with CaptureQueriesContext(connection) as captured:
        client.get(urls[1])
    assert len(captured) == counts[3]
