"""Consents and quiet periods by the API: read, recorded once, refused with a reason."""

from __future__ import annotations

import pytest

from bankcrm import clock
from customers.models import Consent, ConsentEvent, Customer
from tests import facts
from tests.api.callers import Caller, problem
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def li(cast: Cast) -> Customer:
    return facts.customer("Li Na", home_branch=cast.tree.n1, primary_rm=cast.rita)


def word(**more: object) -> dict[str, object]:
    said = {"channel": "all", "purpose": "all", "objects": True, "since": clock.today().isoformat()}
    return said | {"source": "call"} | more


def test_a_word_is_recorded_once_under_a_key_and_read_with_its_history(cast: Cast, li: Customer) -> None:
    path = f"customers/{li.pk}/consents/"
    answers = [Caller(cast.rita).post(path, word(), key="k1") for _n in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1]["Idempotency-Replayed"] == "true"
    found = Caller(cast.max).get(path).json()
    assert found["do_not_contact"] is True
    assert [(one["said"], one["by"]) for one in found["history"]] == [("objects", "E-rita")]
    assert found["current"][0]["channel"] == "all"


def test_what_makes_no_sense_is_refused_and_nothing_is_kept(cast: Cast, li: Customer) -> None:
    rita, path = Caller(cast.rita), f"customers/{li.pk}/consents/"
    problem(rita.post(path, word(channel="fax")), 400, "invalid")
    problem(rita.post(path, word(since="2999-01-01")), 422, "refused")
    problem(rita.post(path, {}), 400, "invalid")
    rita.post(path, word())
    problem(rita.post(path, word(objects=False)), 422, "refused")
    assert ConsentEvent.objects.count() == 1


def test_one_s_own_last_word_is_taken_back_and_both_stay_in_the_history(cast: Cast, li: Customer) -> None:
    rita, path = Caller(cast.rita), f"customers/{li.pk}/consents/"
    event = rita.post(path, word()).json()["history"][0]["id"]
    problem(Caller(cast.bao).post(f"consents/{event}/undo/"), 404, "not_found")
    problem(Caller(cast.max).post(f"consents/{event}/undo/"), 403, "forbidden")
    for replayed in (False, True):
        answer = rita.post(f"consents/{event}/undo/", key="k9")
        assert ("Idempotency-Replayed" in answer.headers) is replayed
    assert answer.json()["current"] == []
    assert [one["said"] for one in answer.json()["history"]] == ["taken_back", "objects"]
    problem(rita.post(f"consents/{event}/undo/"), 409, "conflict")


def test_who_may_not_talk_to_the_customer_records_nothing(cast: Cast, li: Customer) -> None:
    path = f"customers/{li.pk}/consents/"
    problem(Caller(cast.raj).post(path, word()), 404, "not_found")
    problem(Caller(cast.raj).get(path), 404, "not_found")
    for user in (cast.mei, cast.ana, cast.aud, cast.ada):
        problem(Caller(user).post(path, word()), 403, "forbidden")
    problem(Caller(None).post(path, word()), 401, "not_signed_in")
    assert not Consent.objects.exists()


def test_a_quiet_period_is_made_listed_and_lifted(cast: Cast, li: Customer) -> None:
    rita, path = Caller(cast.rita), f"customers/{li.pk}/quiet-periods/"
    today = clock.today().isoformat()
    made = rita.post(path, {"first_day": today, "last_day": today, "reason": "bereavement"})
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    assert [one["id"] for one in Caller(cast.max).get(path).json()] == [pk]
    problem(Caller(cast.raj).post(f"quiet-periods/{pk}/lift/"), 404, "not_found")
    assert rita.post(f"quiet-periods/{pk}/lift/").json()["lifted_at"]
    problem(rita.post(path, {"first_day": today, "last_day": "2020-01-01", "reason": "wish"}), 422, "refused")
    problem(rita.post(path, {"first_day": today, "last_day": today, "reason": "mood"}), 400, "invalid")
