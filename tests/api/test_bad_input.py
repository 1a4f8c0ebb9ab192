"""Mass assignment (D23), pages without end (D31), and whatever else a program may send: 4xx, never 5xx."""

from __future__ import annotations

import time

import pytest

from campaigns.models import Campaign, Lead
from tests.api.callers import problem
from tests.campaigns import factories

pytestmark = pytest.mark.django_db
PROTECTED = {
    "owner": "E-omar",
    "branch": 1,
    "state": "approved",
    "approved_by": "E-omar",
    "submitted_by": "E-omar",
    "is_staff": True,
    "id": 7,
    "created_at": "2020-01-01T00:00:00Z",
    "salt": "chosen",
    "selection": 1,
    "approved_hash": "0",
    "rm": "E-raj",
    "due_on": "2030-01-01",
    "value": 1_000_000,
    "claimed_by": "E-raj",
}
LISTS = ("campaigns/", "leads/", "customers/", "runs/")


def seer(cast, path):
    return cast.bao if path == "leads/" else cast.max


@pytest.mark.parametrize("field", sorted(PROTECTED))
def test_what_is_not_the_callers_to_set_is_refused_on_a_campaign(cast, api, draft_body, field):
    campaign = factories.draft(cast)
    before = Campaign.objects.values().get()
    sent = {"version": 1, "name": "Other", field: PROTECTED[field]}
    problem(api(cast.mei).patch(f"campaigns/{campaign.pk}/", sent), 400, "invalid")
    assert Campaign.objects.values().get() == before
    problem(api(cast.mei).post("campaigns/", draft_body | {field: PROTECTED[field]}), 400, "invalid")
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize("field", sorted(PROTECTED))
def test_what_is_not_the_callers_to_set_is_refused_on_a_lead(cast, api, leads, field):
    before = list(Lead.objects.order_by("pk").values())
    path = f"leads/{leads[0].pk}/"
    more = {field: PROTECTED[field]}
    problem(api(cast.rita).post(path + "outcomes/", {"outcome": "later"} | more), 400, "invalid")
    problem(api(cast.rita).post(path + "snooze/", {"until": "2027-01-04T10:00:00Z"} | more), 400, "invalid")
    assert list(Lead.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("path", LISTS)
def test_the_largest_page_is_quick_and_a_larger_or_senseless_one_refused(cast, api, path):
    factories.make_customers(110, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    # The first request of a process reads the schema of its address.
    assert api(seer(cast, path)).get(path, page_size=1).status_code == 200
    began = time.monotonic()
    found = api(seer(cast, path)).get(path, page_size=100)
    assert found.status_code == 200
    assert time.monotonic() - began < 0.5
    expected = {"campaigns/": 1, "leads/": 100, "customers/": 100, "runs/": 0}[path]
    assert len(found.json()["results"]) == expected
    for size in ("-1", "0", "x", "1.5", "101", "1000000"):
        problem(api(seer(cast, path)).get(path, page_size=size), 400, "invalid")
    problem(api(seer(cast, path)).get(path, cursor="forged"), 400, "invalid")


NESTED = {"all": [{"field": "age", "op": "at_least", "value": 1}]}
for _level in range(50):
    NESTED = {"all": [NESTED]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("condition", NESTED),
        ("condition", {"all": [{"field": "password", "op": "is", "value": "x"}]}),
        ("condition", {"all": [{"field": "occupation", "op": "is", "value": "a\0b"}]}),
        ("condition", {"all": [{"field": "occupation", "op": "is", "value": "\ud800"}]}),
        ("condition", [1]),
        ("condition", "everybody"),
        ("name", "a\0b"),
        ("name", "x" * 101),
        ("name", None),
        ("budget", "1e400"),
        ("budget", 10**30),
        ("capacity", 2**63),
        ("capacity", -1),
        ("attribution_days", 0),
        ("control_share", "0.9"),
        ("control_share", "NaN"),
        ("starts_on", "0001-01-01"),
        ("ends_on", "2020-01-01"),
        ("ends_on", "9999-12-31"),
        ("profile_month", "soon"),
        ("plan", 10**30),
        ("plan", "x"),
        ("model", "none such"),
        ("product", "\0"),
        ("product", {"code": "fund"}),
        ("arms", "a"),
        ("arms", [{"code": "a"}, {"code": "a"}]),
        ("arms", [{"code": "a b"}]),
        ("arms", [{"code": "a", "offer": "none such"}]),
        ("arms", [{"code": "a", "share": 2}]),
        ("arms", [{"code": "a", "channel": "pigeon"}]),
        ("arms", [{"code": f"a{n}"} for n in range(21)]),
        ("version", 2**63),
        ("version", "x"),
    ],
)
def test_a_senseless_value_is_named_and_nothing_is_changed(cast, api, field, value):
    campaign = factories.draft(cast)
    before = Campaign.objects.values().get()
    told = problem(
        api(cast.mei).patch(f"campaigns/{campaign.pk}/", {"version": 1, field: value}), 400, "invalid"
    )
    assert field in str(told["errors"]) or "ends" in str(told["errors"])
    assert Campaign.objects.values().get() == before


def test_a_code_that_is_taken_is_said(cast, api, draft_body):
    factories.draft(cast, "winter", arms=[])
    told = problem(api(cast.mei).post("campaigns/", draft_body), 400, "invalid")
    assert told["errors"].keys() == {"code"}


@pytest.mark.parametrize("path", ["campaigns/99999999999999999999999/", "leads/99999999999999999999999/"])
def test_a_number_beyond_every_row_is_not_found(cast, api, path):
    problem(api(seer(cast, path.split("/", maxsplit=1)[0] + "/")).get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["campaigns/null,null/", "leads", "nothing/"])
@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_an_address_that_is_none_is_refused_in_the_apis_words(cast, api, path, method):
    told = problem(api(cast.mei).send(method, path), 404, "not_found")
    assert "slash" in told["detail"]
    problem(api(None).send(method, path), 401, "not_signed_in")


@pytest.mark.parametrize("name", ["branch", "rm", "tier", "loyalty"])
def test_a_filter_of_customers_with_a_nul_is_refused(cast, api, name):
    problem(api(cast.max).get("customers/", **{name: "\0"}), 400, "invalid")


def test_a_body_beyond_the_limit_or_of_another_kind_is_refused(cast, api, leads, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    path = f"leads/{leads[0].pk}/outcomes/"
    problem(api(cast.rita).post(path, {"outcome": "later", "note": "x" * 1001}), 413, "too_large")
    rita = api(cast.rita)
    form = rita.client.post(f"/api/v1/{path}", {"outcome": "later"}, headers=rita.headers)
    problem(form, 415, "unsupported_media_type")
    problem(rita.send("put", f"leads/{leads[0].pk}/snooze/", {}), 405, "method_not_allowed")


def test_a_full_number_is_in_no_answer(cast, api, leads):
    full = Lead.objects.get(pk=leads[0].pk).customer.phone
    answers = [
        api(cast.rita).get("leads/", page_size=100),
        api(cast.rita).get(f"leads/{leads[0].pk}/"),
        api(cast.rita).post(f"leads/{leads[0].pk}/claim/"),
        api(cast.rita).get("customers/"),
        api(cast.rita).get(f"customers/{leads[0].customer_id}/"),
        api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", {"outcome": "later"}),
    ]
    assert all(answer.status_code < 300 for answer in answers)
    assert [full in answer.content.decode() for answer in answers] == [False] * len(answers)
