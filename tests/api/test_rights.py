"""Every operation by the right role, a wrong one, somebody out of sight, nobody, and the auditor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Campaign, FollowUp, Lead
from tests.api.callers import Caller, problem, rows_of_everything
from tests.campaigns import factories
from tests.cast import login

pytestmark = pytest.mark.django_db
MISSING = 999_999_999
AT = {"version": 1}
# (method, path, body, a role of another kind)
CAMPAIGN_STEPS = [
    ("post", f"campaigns/{{campaign}}/{step}/", AT, "rita")
    for step in ("select", "submit", "withdraw", "approve", "send-back", "push", "recall", "cancel", "close")
]
LEAD_STEPS = [
    ("post", "leads/{lead}/claim/", {}, "mei"),
    ("post", "leads/{lead}/release/", {}, "mei"),
    ("post", "leads/{lead}/snooze/", {"until": "2027-01-04T10:00:00Z"}, "mei"),
    ("post", "leads/{lead}/outcomes/", {"outcome": "later"}, "omar"),
    ("post", "leads/{lead}/outcomes/{outcome}/undo/", {}, "max"),
]
UNSAFE = [
    ("post", "campaigns/", {"code": "x"}, "omar"),
    ("patch", "campaigns/{campaign}/", {"version": 1, "name": "X"}, "omar"),
    *CAMPAIGN_STEPS,
    *LEAD_STEPS,
]
READS = [
    ("campaigns/", "rita"),
    ("campaigns/{campaign}/", "rita"),
    ("campaigns/{campaign}/evaluation/", "rita"),
    ("leads/", "mei"),
    ("leads/{lead}/", "mei"),
    ("customers/", "ada"),
    ("customers/{customer}/", "ada"),
]
OWNERS = {"campaigns": "mei", "leads": "rita", "customers": "rita"}


@pytest.fixture
def ids(cast: Any, leads: list[Lead]) -> dict[str, int]:
    done = Caller(cast.rita).post(f"leads/{leads[1].pk}/outcomes/", {"outcome": "later"}).json()
    return {
        "campaign": Campaign.objects.get().pk,
        "lead": leads[0].pk,
        "outcome": done["id"],
        "customer": leads[0].customer_id,
    }


def missing(ids: dict[str, int]) -> dict[str, int]:
    return ids | dict.fromkeys(("campaign", "lead", "customer"), MISSING)


@pytest.mark.parametrize(("path", "wrong"), READS)
def test_a_read_is_for_its_roles_and_the_auditor(cast, api, ids, path, wrong):
    address = path.format(**ids)
    owner = getattr(cast, OWNERS[path.split("/")[0]])
    assert api(owner).get(address).status_code == 200
    assert api(cast.aud).get(address).status_code == 200
    problem(api(getattr(cast, wrong)).get(address), 403, "forbidden")
    problem(api(None).get(address), 401, "not_signed_in")
    if "{" in path:
        problem(api(owner).get(path.format(**missing(ids))), 404, "not_found")


@pytest.mark.parametrize(("method", "path", "body", "wrong"), UNSAFE)
def test_a_write_by_the_wrong_role_the_auditor_or_nobody_changes_nothing(
    cast, api, ids, method, path, body, wrong
):
    before = rows_of_everything(), list(Campaign.objects.values()), list(Lead.objects.order_by("pk").values())
    address = path.format(**ids)
    problem(api(getattr(cast, wrong)).send(method, address, body), 403, "forbidden")
    problem(api(cast.aud).send(method, address, body), 403, "forbidden")
    problem(api(None).send(method, address, body), 401, "not_signed_in")
    after = rows_of_everything(), list(Campaign.objects.values()), list(Lead.objects.order_by("pk").values())
    assert before == after


@pytest.mark.parametrize(("method", "path", "body", "wrong"), [case for case in UNSAFE if "{" in case[1]])
def test_a_write_on_what_is_not_there_is_404(cast, api, ids, method, path, body, wrong):
    approver = path.endswith(("approve/", "send-back/"))
    owner = cast.omar if approver else getattr(cast, OWNERS[path.split("/")[0]])
    problem(api(owner).send(method, path.format(**missing(ids)), body), 404, "not_found")


@pytest.mark.parametrize(("method", "path", "body", "wrong"), LEAD_STEPS)
def test_a_lead_of_another_branch_is_like_one_that_is_not_there(cast, api, ids, method, path, body, wrong):
    before = rows_of_everything()
    unseen = api(cast.raj).send(method, path.format(**ids), body)
    absent = api(cast.raj).send(method, path.format(**missing(ids)), body)
    assert problem(unseen, 404, "not_found") == problem(absent, 404, "not_found")
    assert api(cast.raj).get(f"leads/{ids['lead']}/").content == unseen.content
    assert api(cast.raj).get(f"customers/{ids['customer']}/").content == unseen.content
    assert rows_of_everything() == before


def test_the_maker_may_not_approve(cast, api, customers):
    campaign = factories.submitted(cast)
    cast.mei.role = "approver"
    cast.mei.save()
    problem(api(cast.mei).post(f"campaigns/{campaign.pk}/approve/", AT), 422, "refused")
    assert "approve" not in api(cast.mei).get(f"campaigns/{campaign.pk}/").json()["actions"]
    assert Campaign.objects.get(pk=campaign.pk).state == "submitted"


def test_a_session_needs_its_csrf_token_and_a_token_does_not(cast, leads):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.rita)
    path = f"/api/v1/leads/{leads[0].pk}/outcomes/"
    body = json.dumps({"outcome": "later"})
    refused = browser.post(path, body, "application/json")
    problem(refused, 403, "forbidden")
    assert not FollowUp.objects.exists()
    browser.get("/token/")
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert browser.post(path, body, "application/json", headers=csrf).status_code == 201
    program = Caller(cast.rita)
    program.client = Client(enforce_csrf_checks=True)
    assert program.post(f"leads/{leads[1].pk}/outcomes/", {"outcome": "later"}).status_code == 201


def test_a_role_that_was_taken_away_is_gone_at_the_next_request(cast, api, leads):
    rita = api(cast.rita)
    assert rita.get("leads/").status_code == 200
    cast.rita.role = "analyst"
    cast.rita.save()
    problem(rita.get("leads/"), 403, "forbidden")
    cast.rita.is_active = False
    cast.rita.save()
    problem(rita.get("leads/"), 401, "not_signed_in")


def test_a_token_is_made_shown_once_and_revoked(cast, api):
    browser = login(cast.rita)
    assert browser.get("/api/v1/token/").json() == {"exists": False, "created_at": None}
    key = browser.post("/api/v1/token/").json()["key"]
    program = {"Authorization": f"Token {key}"}
    assert Client().get("/api/v1/leads/", headers=program).status_code == 200
    assert "key" not in browser.get("/api/v1/token/").json()
    assert browser.delete("/api/v1/token/").json()["exists"] is False
    problem(Client().get("/api/v1/leads/", headers=program), 401, "not_signed_in")


def test_the_page_of_the_token_shows_the_key_once(cast):
    browser = login(cast.aud)
    made = browser.post("/token/", {"create": ""})
    key = made.context["key"]
    assert key in made.content.decode()
    assert key not in browser.get("/token/").content.decode()
    assert Client().get("/api/v1/leads/", headers={"Authorization": f"Token {key}"}).status_code == 200
    browser.post("/token/", {"revoke": ""})
    assert Client().get("/api/v1/leads/", headers={"Authorization": f"Token {key}"}).status_code == 401
