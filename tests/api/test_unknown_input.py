"""Nothing that was sent is dropped silently: what is unknown is refused, with what is known."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import policy
from bankcrm.urls import urlpatterns
from tests.api.callers import problem, rows_of_everything
from tests.campaigns import factories

pytestmark = pytest.mark.django_db


def endpoints(resolver_patterns=urlpatterns):
    """(name, route, view class) of every part of the API."""
    found = []
    for pattern in resolver_patterns:
        if hasattr(pattern, "url_patterns"):
            found += endpoints(pattern.url_patterns)
        elif str(pattern.pattern).startswith("api/v1/") and hasattr(pattern.callback, "cls"):
            found.append((pattern.name, str(pattern.pattern), pattern.callback.cls))
    return [one for one in found if one[0] not in ("api-nothing", "api-schema")]


def address(route, number=1):
    route = re.sub(r"<slug:\w+>", "none", re.sub(r"<int:\w+>", str(number), route))
    return re.sub(r"<\w+:?\w*>", "2026-01-01", route).removeprefix("api/v1/")


def somebody(cast, name, method):
    """One of the cast whom the registry lets do it."""
    return next(
        person
        for person in cast.everybody().values()
        if not person.is_auditor and policy.REGISTRY[name].allows(person, method)
    )


def test_no_endpoint_takes_a_parameter_it_does_not_know(cast, api):
    asked = 0
    for name, route, view in endpoints():
        if hasattr(view, "get"):
            caller = api(somebody(cast, name, "GET"))
            told = problem(caller.get(address(route), no_such_filter="x"), 400, "invalid")
            assert told["errors"].keys() == {"no_such_filter"}, route
            asked += 1
    assert asked > 40


def test_no_endpoint_takes_a_field_it_does_not_know(cast, api, leads):
    campaign = factories.draft(cast, "spare")
    before = rows_of_everything()
    asked = 0
    for name, route, view in endpoints():
        number = {"leads": leads[0].pk, "campaigns": campaign.pk, "customers": leads[0].customer_id}
        for method in ("post", "patch", "put", "delete"):
            if not hasattr(view, method) or name in ("api-import-list",):  # a file comes as multipart
                continue
            caller = api(somebody(cast, name, method.upper()))
            path = address(route, number.get(route.split("/")[2], 1))
            answer = caller.send(method, path, {"no_such_field": 1})
            if answer.status_code == 404:  # nothing of the kind is there; other tests have it
                continue
            told = problem(answer, 400, "invalid")
            assert "no_such_field" in told["errors"], (method, route, told)
            asked += 1
    assert asked > 20
    assert rows_of_everything() == before


@pytest.mark.parametrize(
    ("person", "path", "query", "known"),
    [
        ("mei", "campaigns/", {"state": "finished"}, "draft, submitted"),
        ("mei", "campaigns/", {"product": "gold_bars"}, "fund"),
        ("mei", "campaigns/", {"owner": "E-nobody"}, "E-mei"),
        ("mei", "campaigns/", {"order": "colour"}, "name, starts, -name, -starts"),
        ("rita", "leads/", {"due": "never"}, "overdue, today, week, later"),
        ("rita", "leads/", {"campaign": "other"}, "autumn"),
        ("rita", "leads/", {"waiting": "perhaps"}, "true, false"),
        ("max", "customers/", {"tier": "tin"}, "—"),
        ("max", "customers/", {"loyalty": "Z"}, "A"),
        ("max", "customers/", {"branch": "nowhere"}, "HO"),
        ("max", "customers/", {"rm": "E-nobody"}, "E-rita"),
        ("max", "staff/", {"branch": "nowhere"}, "HO"),
        ("max", "branches/", {"below": "a\0b"}, "HO"),
        ("max", "runs/", {"state": "asleep"}, "queued"),
    ],
)
def test_a_value_that_stands_for_nothing_is_refused_with_those_that_do(
    cast, api, leads, person, path, query, known
):
    caller = api(getattr(cast, person))
    (name,) = query
    told = problem(caller.get(path, **query), 400, "invalid")
    assert told["errors"].keys() == {name}
    assert "Known are: " in told["detail"]
    assert known in told["detail"]
    assert caller.get(path, **{name: ""}).status_code == 200  # empty counts as absent


def test_a_code_out_of_sight_is_refused_as_if_it_were_not(cast, api, leads):
    known = problem(api(cast.raj).get("leads/", campaign=leads[0].campaign.code), 400, "invalid")
    assert known["detail"].endswith("Known are: —.")
    assert api(cast.rita).get("leads/", campaign=leads[0].campaign.code).json()["results"]


def test_a_parameter_sent_twice_is_refused(cast, api):
    told = problem(api(cast.mei).get("campaigns/", state=["draft", "running"]), 400, "invalid")
    assert "more than once" in told["errors"]["state"][0]


def test_a_role_that_may_not_ask_is_told_that_first(cast, api):
    problem(api(cast.rita).get("campaigns/", no_such_filter="x"), 403, "forbidden")
    problem(api(None).get("campaigns/", no_such_filter="x"), 401, "not_signed_in")


def test_knowing_the_parameters_costs_no_query(cast, api):
    caller = api(cast.mei)
    caller.get("campaigns/")
    with CaptureQueriesContext(connection) as plain:
        caller.get("campaigns/")
    with CaptureQueriesContext(connection) as filtered:
        caller.get("campaigns/", state="draft")
    assert len(filtered) == len(plain)


def test_a_choice_in_a_body_is_refused_with_those_there_are(cast, api, leads):
    told = problem(api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", {"outcome": "sold"}), 400, "invalid")
    assert "Known are:" in told["detail"]
    assert "interested" in told["detail"]
    assert told["errors"].keys() == {"outcome"}


def test_a_refused_role_is_told_in_the_pages_words(cast, api):
    told = problem(api(cast.rita).get("campaigns/"), 403, "forbidden")
    assert told["detail"] == "Your role does not include this."


def test_money_on_a_lead_is_text_with_two_places(cast, api, leads):
    (lead, *_rest) = api(cast.rita).get("leads/").json()["results"]
    assert re.fullmatch(r"\d+\.\d\d", lead["value"])


def test_a_form_is_no_way_round_for_an_act_without_a_body(cast, api, leads):
    rita = api(cast.rita)
    path = f"/api/v1/leads/{leads[0].pk}/claim/"
    told = problem(rita.client.post(path, {"holder": "E-raj"}, headers=rita.headers), 400, "invalid")
    assert told["errors"].keys() == {"holder"}
    text = rita.client.post(path, "holder", content_type="text/plain", headers=rita.headers)
    problem(text, 415, "unsupported_media_type")
    assert rita.client.post(path, headers=rita.headers).status_code == 200  # an empty form says nothing
