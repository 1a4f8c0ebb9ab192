"""Campaigns through the API: the planner's way from draft to leads, and everybody who may not walk it."""

from __future__ import annotations

import itertools

import pytest

from bankcrm import runs
from bankcrm.models import Role, Run
from campaigns import lifecycle, wrong_state
from campaigns.models import Campaign, Lead
from tests.api.callers import problem
from tests.campaigns import factories
from tests.cast import make_user

pytestmark = pytest.mark.django_db


def test_a_draft_is_made_changed_and_read(cast, api, draft_body):
    mei = api(cast.mei)
    made = mei.post("campaigns/", draft_body)
    assert made.status_code == 201, made.json()
    campaign = made.json()
    assert made["Location"] == f"/api/v1/campaigns/{campaign['id']}/"
    assert (campaign["owner"], campaign["state"], campaign["version"]) == ("E-mei", "draft", 1)
    assert campaign["arms"][0]["offer"] == "winter-offer"
    assert [blocker["code"] for blocker in campaign["blockers"] if blocker["severity"] == "blocker"]
    changed = mei.patch(f"campaigns/{campaign['id']}/", {"version": 1, "objective": "Keep deposits"})
    assert changed.status_code == 200, changed.json()
    assert (changed.json()["objective"], changed.json()["version"]) == ("Keep deposits", 2)
    assert mei.get(f"campaigns/{campaign['id']}/").json() == changed.json()


def test_a_stale_change_is_answered_with_both_versions(cast, api):
    campaign = factories.draft(cast)
    path = f"campaigns/{campaign.pk}/"
    assert api(cast.mei).patch(path, {"version": 1, "name": "First"}).status_code == 200
    told = problem(api(cast.mei).patch(path, {"version": 1, "name": "Second"}), 409, "stale")
    assert (told["current"]["name"], told["current"]["version"]) == ("First", 2)
    assert told["yours"] == {"version": 1, "name": "Second"}
    assert Campaign.objects.get().name == "First"


def test_a_change_without_a_version_is_refused(cast, api):
    campaign = factories.draft(cast)
    told = problem(api(cast.mei).patch(f"campaigns/{campaign.pk}/", {"name": "X"}), 400, "invalid")
    assert told["errors"].keys() == {"version"}


def test_the_whole_way_from_draft_to_closed(cast, api, customers, draft_body):
    mei, omar = api(cast.mei), api(cast.omar)
    pk = mei.post("campaigns/", draft_body).json()["id"]
    path, at = f"campaigns/{pk}/", {"version": 1}
    started = mei.post(path + "select/", at)
    assert started.status_code == 202
    assert started["Location"] == started.json()["url"]
    assert mei.client.get(started.json()["url"], headers=mei.headers).json()["state"] == "queued"
    run = Run.objects.get(pk=started.json()["run"])
    assert runs.execute(run.pk) == "done"
    seen = mei.get(path).json()
    assert seen["selection"]["is_current"] is True
    steps = seen["selection"]["waterfall"]
    assert all(b["remaining"] == a["remaining"] - b["dropped"] for a, b in itertools.pairwise(steps))
    assert mei.post(path + "submit/", at).json()["state"] == "submitted"
    assert mei.post(path + "withdraw/", at).json()["state"] == "draft"
    assert mei.post(path + "submit/", at).json()["state"] == "submitted"
    assert omar.post(path + "send-back/", at | {"comment": "Why so many?"}).json()["state"] == "draft"
    assert mei.post(path + "submit/", at).json()["state"] == "submitted"
    assert omar.get(path).json()["actions"] == ["approve", "send-back"]
    approved = omar.post(path + "approve/", at | {"comment": "Fine."}).json()
    assert (approved["state"], approved["approved_by"]) == ("approved", "E-omar")
    pushing = mei.post(path + "push/", at)
    assert pushing.status_code == 202
    assert mei.post(path + "push/", at).json()["run"] == pushing.json()["run"]
    assert runs.execute(pushing.json()["run"]) == "done"
    assert Lead.objects.filter(campaign=pk).count() == mei.get(path).json()["targets_count"] > 0
    problem(mei.post(path + "close/", at), 422, "refused")
    recalled = mei.post(path + "recall/", at).json()
    assert recalled["recalled"] == Lead.objects.filter(state="recalled").count() > 0
    assert mei.post(path + "close/", at).json()["state"] == "closed"


def test_cancel_ends_a_draft(cast, api):
    campaign = factories.draft(cast)
    done = api(cast.mei).post(f"campaigns/{campaign.pk}/cancel/", {"version": 1, "comment": "No budget"})
    assert done.json()["state"] == "cancelled"
    problem(api(cast.mei).post(f"campaigns/{campaign.pk}/cancel/", {"version": 1}), 409, "conflict")


def test_two_planners_pushing_see_one_run(cast, api, customers):
    from tests.cast import make_user

    campaign = factories.approved(cast)
    other = make_user("mia", "planner", cast.tree.head_office)
    first = api(cast.mei).post(f"campaigns/{campaign.pk}/push/", {"version": 1}).json()
    second = api(other).post(f"campaigns/{campaign.pk}/push/", {"version": 1}).json()
    assert first["run"] == second["run"]
    assert second["requested_by"] == "E-mei"
    assert Run.objects.filter(kind="campaigns.push").count() == 1
    path = second["url"].partition("/api/v1/")[2]
    assert api(other).get(path).json()["id"] == first["run"]
    problem(api(other).post(f"{path}cancel/"), 403, "forbidden")
    problem(api(cast.omar).get(path), 404, "not_found")


def test_a_step_on_a_version_that_has_gone_is_a_conflict(cast, api, customers):
    campaign = factories.submitted(cast)
    told = problem(api(cast.omar).post(f"campaigns/{campaign.pk}/approve/", {"version": 7}), 409, "stale")
    assert told["current"]["version"] == 1
    assert Campaign.objects.get().state == "submitted"


def test_what_blocks_a_submission_is_said(cast, api):
    campaign = factories.draft(cast)
    told = problem(api(cast.mei).post(f"campaigns/{campaign.pk}/submit/", {"version": 1}), 422, "refused")
    assert told["detail"] == str(lifecycle.blocking.blockers(campaign)[0].sentence)


def test_sending_back_wants_a_comment(cast, api, customers):
    campaign = factories.submitted(cast)
    problem(api(cast.omar).post(f"campaigns/{campaign.pk}/send-back/", {"version": 1}), 422, "refused")


def test_a_step_in_a_wrong_state_is_refused_with_the_pages_sentence_whatever_was_sent(cast, api):
    campaign = factories.draft(cast, "one")
    asked = 0
    for state in Campaign.State.values:
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
        for action, rule in lifecycle.ACTIONS.items():
            if action == "edit" or state in rule.sources:
                continue
            caller = api(cast.omar if rule.roles == lifecycle.APPROVERS else cast.mei)
            for sent in ({}, {"version": campaign.version}):
                path = f"campaigns/{campaign.pk}/{action.replace('_', '-')}/"
                told = problem(caller.post(path, sent), 409, "conflict")
                assert told["detail"] == wrong_state.sentence(action, state)
                asked += 1
    assert asked > 60
    Campaign.objects.filter(pk=campaign.pk).update(state="draft")
    # Where the state admits it, the version is what is missing; a field too many is said in any state.
    told = problem(api(cast.mei).post(f"campaigns/{campaign.pk}/submit/", {}), 400, "invalid")
    assert told["errors"].keys() == {"version"}
    told = problem(api(cast.mei).post(f"campaigns/{campaign.pk}/push/", {"force": True}), 400, "invalid")
    assert told["errors"].keys() == {"force"}


def test_the_list_is_filtered_by_state_product_and_owner(cast, api, customers):
    factories.draft(cast, "one")
    factories.draft(cast, "two", product=factories.make_product("gold"))
    factories.selected(cast, "three")
    lifecycle.submit(Campaign.objects.get(code="three"), cast.mei)

    def codes(**query):
        return [row["code"] for row in api(cast.max).get("campaigns/", **query).json()["results"]]

    assert codes() == ["three", "two", "one"]
    assert codes(state="submitted") == ["three"]
    assert codes(product="gold") == ["two"]
    assert codes(owner="E-mei", state="draft") == ["two", "one"]
    make_user("pat", Role.PLANNER, cast.tree.head_office)
    assert codes(owner="E-pat") == []
    problem(api(cast.max).get("campaigns/", owner="E-omar"), 400, "invalid")  # no planner, owns nothing
    assert codes(order="name", page_size=2) == ["one", "three"]
    problem(api(cast.max).get("campaigns/", state="nonsense"), 400, "invalid")


def test_pages_of_the_list_hang_together_and_cost_the_same(cast, api, django_assert_max_num_queries):
    for number in range(12):
        factories.draft(cast, f"c{number}")
    max_ = api(cast.max)
    seen, address = [], "/api/v1/campaigns/?page_size=5"
    while address:
        with django_assert_max_num_queries(4):
            page = max_.client.get(address, headers=max_.headers).json()
        seen += [row["code"] for row in page["results"]]
        address = page["next"]
    assert seen == [f"c{number}" for number in reversed(range(12))]


def test_the_evaluation_refuses_before_anybody_was_assigned(cast, api):
    campaign = factories.draft(cast)
    problem(api(cast.ana).get(f"campaigns/{campaign.pk}/evaluation/"), 422, "refused")


def test_the_evaluation_gives_figures_refusals_dates_and_definitions(cast, api, customers):
    campaign, _push = factories.pushed(cast, control_share="0.4")
    found = api(cast.ana).get(f"campaigns/{campaign.pk}/evaluation/").json()
    assert found["as_of"] == "2026-11-25"
    assert found["verdict"] == "refused"
    assert {refusal["code"] for refusal in found["refusals"]} >= {"too_few_conversions", "window_open"}
    assert all(refusal["sentence"] and refusal["needed"] for refusal in found["refusals"])
    assert sum(arm["assigned"] for arm in found["arms"]) == 120
    assert {"as_of", "interval"} <= {definition["term"] for definition in found["definitions"]}


def test_a_judged_arm_carries_its_interval(cast, api, customers):
    from customers.models import Assignment, Response

    campaign, _push = factories.pushed(cast, control_share="0.4")
    treated = Assignment.objects.filter(campaign_code=campaign.code, is_control=False)
    Response.objects.bulk_create(
        Response(
            customer_id=pk,
            campaign_code=campaign.code,
            cell_code="a",
            product_code="fund",
            kind="conversion",
            how="matched",
            responded_on=factories.TODAY,
            amount=1000,
            reference=f"holding:{pk}",
        )
        for pk in treated.values_list("customer", flat=True)[:30]
    )
    found = api(cast.max).get(f"campaigns/{campaign.pk}/evaluation/").json()
    (arm,) = found["effects"]
    assert found["verdict"] == arm["verdict"] == "interim"
    assert arm["effect"]["low"] < arm["effect"]["value"] < arm["effect"]["high"]
    assert (arm["effect"]["level"], arm["refusal"]) == (0.95, None)
    assert found["overall"]["value"] == pytest.approx(30 / treated.count())
