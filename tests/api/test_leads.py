"""Leads through the API: the queue, one lead, and working it."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from analytics.reasons import sentence
from bankcrm import figures
from campaigns import queue
from campaigns.models import FollowUp, Lead, Target
from customers.models import Contact
from tests.api.callers import problem
from tests.campaigns import factories
from tests.cast import make_user

pytestmark = pytest.mark.django_db


def ids(response):
    assert response.status_code == 200, response.json()
    return [row["id"] for row in response.json()["results"]]


def test_the_list_is_the_queue_in_its_order(cast, api, leads):
    Lead.objects.filter(pk=leads[3].pk).update(due_on=factories.TODAY - dt.timedelta(days=1))
    Lead.objects.filter(pk=leads[4].pk).update(value=99_999)
    expected = list(queue.workable(cast.rita).values_list("pk", flat=True))
    assert ids(api(cast.rita).get("leads/")) == expected
    assert expected[:2] == [leads[3].pk, leads[4].pk]
    assert ids(api(cast.bao).get("leads/")) == expected
    assert ids(api(cast.raj).get("leads/")) == []


def test_the_list_is_filtered(cast, api, leads):
    rita = api(cast.rita)
    late, closed, later = leads[0].pk, leads[1].pk, leads[2].pk
    Lead.objects.filter(pk=late).update(due_on=factories.TODAY - dt.timedelta(days=1))
    Lead.objects.filter(pk=closed).update(state="declined")
    Lead.objects.filter(pk=later).update(next_at=timezone.now() + dt.timedelta(days=400))
    assert ids(rita.get("leads/", due="overdue")) == [late]
    missed = leads[5].pk
    Lead.objects.filter(pk=missed).update(next_at=queue.moment() - dt.timedelta(days=1))
    assert ids(rita.get("leads/", due="overdue")) == [late, missed]
    assert ids(rita.get("leads/", state="declined")) == [closed]
    assert len(ids(rita.get("leads/", state="all"))) == 6
    assert later in ids(rita.get("leads/"))
    assert later not in ids(rita.get("leads/", waiting="true"))
    assert len(ids(rita.get("leads/", campaign="autumn"))) == 5
    for wrong in ({"state": "x"}, {"due": "x"}, {"waiting": "x"}, {"campaign": "\0"}, {"campaign": "other"}):
        problem(rita.get("leads/", **wrong), 400, "invalid")


def test_a_lead_says_whom_why_and_what_to_say(cast, api):
    customers = factories.make_customers(20, cast.tree.n1, cast.rita)
    product = factories.make_product()
    model = factories.make_scores(product, cast.ana, dict.fromkeys(customers, 0.5))
    factories.pushed(cast, control_share=0, model=model, product=product)
    lead = Lead.objects.first()
    reason = {"field": "age", "text_code": "high", "value": 55, "share": 0.3}
    Target.objects.filter(pk=lead.target_id).update(reasons=[reason])
    found = api(cast.rita).get(f"leads/{lead.pk}/").json()
    assert found["customer"]["phone"] == figures.masked_phone(lead.customer.phone)
    assert lead.customer.phone not in str(found)
    assert found["score"] == {
        "probability": 0.5,
        "decile": lead.target.decile,
        "model": "fund-response",
        "model_version": 1,
        "as_of": factories.MONTH.isoformat(),
    }
    assert found["reasons"] == [{"text": sentence(reason), "share": 0.3}]
    assert found["offer"]["script_open"] == "Good morning, this is your bank."
    assert found["blocks"] == []


def test_the_second_to_claim_is_told_who_has_it(cast, api, leads):
    path = f"leads/{leads[0].pk}/"
    assert api(cast.rita).post(path + "claim/").status_code == 200
    told = problem(api(cast.bao).post(path + "claim/"), 409, "taken")
    assert told["holder"] == "Rita"
    assert api(cast.bao).get(path).json()["holder"] == "E-rita"
    assert api(cast.rita).post(path + "release/").status_code == 200
    assert api(cast.bao).post(path + "claim/").status_code == 200


def test_an_outcome_is_written_and_undone(cast, api, leads):
    rita, path = api(cast.rita), f"leads/{leads[0].pk}/"
    done = rita.post(path + "outcomes/", {"outcome": "declined", "reason_code": "price", "note": "Too dear"})
    assert done.status_code == 201, done.json()
    assert rita.get(path).json()["state"] == "declined"
    assert rita.get(path).json()["outcomes"][0]["note"] == "Too dear"
    assert Contact.objects.count() == 1
    undone = rita.post(f"{path}outcomes/{done.json()['id']}/undo/")
    assert undone.json()["undone_at"]
    assert rita.get(path).json()["state"] == "new"
    assert Contact.objects.count() == 0


def test_an_outcome_on_a_closed_lead_is_a_conflict_with_the_lead_as_it_is(cast, api, leads):
    path = f"leads/{leads[0].pk}/outcomes/"
    api(cast.rita).post(path, {"outcome": "converted", "amount": "5000"})
    told = problem(api(cast.rita).post(path, {"outcome": "later"}), 409, "conflict")
    assert told["current"]["state"] == "converted"
    assert FollowUp.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"outcome": "bought a boat"}, 400, "invalid"),
        ({"outcome": "later", "next_at": "9999-12-31T23:59:59Z"}, 400, "invalid"),
        ({"outcome": "later", "next_at": "0001-01-01T00:00:00+14:00"}, 400, "invalid"),
        ({"outcome": "later", "next_at": "2020-01-01T09:00:00"}, 422, "refused"),
        ({"outcome": "converted", "amount": "-1"}, 400, "invalid"),
        ({"outcome": "converted", "amount": "NaN"}, 400, "invalid"),
        ({"outcome": "later", "note": "a\0b"}, 400, "invalid"),
        ({"outcome": "later", "note": "\ud800"}, 400, "invalid"),
        ({"outcome": "later", "client_key": "no"}, 400, "invalid"),
        ([], 400, "invalid"),
        ("{", 400, "malformed"),
        ("[" * 100_000, 400, "malformed"),
    ],
)
def test_an_outcome_that_makes_no_sense_writes_nothing(cast, api, leads, body, status, code):
    problem(api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", body), status, code)
    assert not FollowUp.objects.exists()


def test_a_snoozed_lead_leaves_the_waiting_queue(cast, api, leads):
    rita, path = api(cast.rita), f"leads/{leads[0].pk}/"
    until = dt.datetime(2026, 12, 20, 10, tzinfo=dt.UTC)
    assert rita.post(path + "snooze/", {"until": until}).status_code == 200
    assert leads[0].pk not in ids(rita.get("leads/", waiting="true"))
    problem(rita.post(path + "snooze/", {"until": "2020-01-01T10:00:00Z"}), 422, "refused")
    problem(rita.post(path + "snooze/", {"until": "9999-12-31T23:59:59Z"}), 400, "invalid")


def test_somebody_elses_outcome_is_not_there_to_undo(cast, api, leads):
    done = api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", {"outcome": "later"}).json()
    problem(api(cast.bao).post(f"leads/{leads[0].pk}/outcomes/{done['id']}/undo/"), 404, "not_found")
    problem(api(cast.rita).post(f"leads/{leads[1].pk}/outcomes/{done['id']}/undo/"), 404, "not_found")


def test_the_cost_of_the_list_does_not_depend_on_its_length(cast, api, leads, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    rita = api(cast.rita)
    with CaptureQueriesContext(connection) as two:
        rita.get("leads/", page_size=2)
    with django_assert_num_queries(len(two)):
        rita.get("leads/", page_size=6)


def test_a_key_of_the_page_and_of_the_api_is_the_same_key(cast, api, leads):
    key = str(uuid.uuid4())
    body = {"outcome": "later", "client_key": key}
    first = api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", body)
    again = api(cast.rita).post(f"leads/{leads[0].pk}/outcomes/", body)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    both = api(cast.rita).post(f"leads/{leads[1].pk}/outcomes/", body, key="k")
    problem(both, 400, "invalid")


def test_another_managers_branch_is_out_of_sight(cast, api, leads):
    other = make_user("bea", "branch_manager", cast.tree.s1)
    problem(api(other).get(f"leads/{leads[0].pk}/"), 404, "not_found")
    assert ids(api(other).get("leads/")) == []
