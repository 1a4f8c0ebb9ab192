"""The door of the API: JSON for programs, pages for people, both with what one's own role may do."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from bankcrm import api_reader
from tests.api.callers import problem
from tests.cast import login

pytestmark = pytest.mark.django_db


def test_the_root_lists_what_the_caller_may_read_and_every_address_answers(cast, api):
    for person, there, not_there in (
        (cast.rita, {"leads", "customers", "runs", "schema"}, {"campaigns", "transfers"}),
        (cast.mei, {"campaigns", "customers", "branches"}, {"leads"}),
        (cast.aud, {"campaigns", "leads", "imports"}, set()),
    ):
        found = api(person).get("").json()
        assert there <= found.keys()
        assert not not_there & found.keys()
        for part, address in found.items():
            if part not in ("reader", "acquisition"):  # a page; and cohorts are computed by the month
                answer = api(person).client.get(address, headers=api(person).headers)
                assert answer.status_code == 200, (person.username, part, answer.status_code)
    problem(api(None).get(""), 401, "not_signed_in")


def test_the_pages_hold_every_operation_of_the_schema_each_with_its_route(cast):
    found = api_reader.operations()
    assert len(found) > 100
    assert [one.code for one in found if not one.route] == []
    client = login(cast.mei)
    shown = client.get(reverse("api-reader")).content.decode()
    assert shown.count("<tr data-row>") == len(found)
    assert "<script>" not in shown
    assert 'style="' not in shown


def test_every_operation_has_a_page(cast):
    client = login(cast.rita)
    for one in api_reader.operations():
        answer = client.get(reverse("api-operation", args=[one.code]))
        assert answer.status_code == 200, one.code
    assert client.get(reverse("api-operation", args=["no_such"])).status_code == 404


def test_an_operation_says_what_it_takes_what_comes_back_and_gives_an_example(cast):
    shown = login(cast.mei).get(reverse("api-operation", args=["campaigns_create"])).content.decode()
    for part in (
        "<code>arms[].code</code>",
        "day, YYYY-MM-DD",
        "Idempotency-Key",
        "Answer 201",
        "Your role may do this",
    ):
        assert part in shown, part
    assert re.search(r"&quot;starts_on&quot;: &quot;2026-12-01&quot;", shown)
    listed = login(cast.rita).get(reverse("api-operation", args=["campaigns_list"])).content.decode()
    assert "<code>submitted</code>" in listed
    assert "Not part of your role" in listed


def test_the_search_finds_by_word_address_and_parameter_and_mine_narrows_to_the_role(cast):
    def codes(person, **query):
        page = login(person).get(reverse("api-reader"), query).content.decode()
        return set(re.findall(r'href="/api/(\w+)/"', page))

    assert {"campaigns_push"} <= codes(cast.mei, q="campaigns push") < codes(cast.mei)
    assert "leads_list" in codes(cast.rita, q="waiting")
    assert codes(cast.rita, q="there is nothing of the kind") == set()
    assert "campaigns_approve" in codes(cast.omar, mine="on")
    assert "campaigns_approve" not in codes(cast.mei, mine="on")
    assert "campaigns_approve" in codes(cast.mei)


def test_the_menu_leads_to_the_pages(cast):
    assert 'href="/api/"' in login(cast.rita).get("/token/").content.decode()
