"""One request sent many times has one effect (D05); one key never stands for two requests (D06)."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import pytest
from django.utils import timezone

from bankcrm.models import AuditEvent, IdempotencyKey
from campaigns.models import Campaign, FollowUp, Lead
from tests.api.callers import Caller, problem, rows_of_everything
from tests.campaigns import factories
from tests.campaigns.lead_cases import at_once
from tests.cast import make_bank

OFTEN = 20


@pytest.fixture
def bank(transactional_db: None) -> Any:
    return make_bank()


def body_of(product: str = "fund", **changes: Any) -> dict[str, Any]:
    fields = {"code": "winter", "name": "Winter", "product": product}
    return fields | {"starts_on": "2026-11-25", "ends_on": "2027-01-25"} | changes


@pytest.mark.django_db(transaction=True)
def test_one_key_twenty_times_at_once_makes_one_campaign(bank):
    factories.make_product()
    mei = [Caller(bank.mei) for _ in range(OFTEN)]
    answers = at_once([functools.partial(one.post, "campaigns/", body_of(), key="k1") for one in mei])
    assert {answer.status_code for answer in answers} == {201}, answers
    assert {answer.json()["id"] for answer in answers} == {Campaign.objects.get().pk}
    assert sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers) == OFTEN - 1
    assert AuditEvent.objects.filter(action="campaign.created").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_header", [True, False])
def test_one_key_twenty_times_at_once_writes_one_outcome(bank, by_header):
    factories.make_customers(1, bank.tree.n1, bank.rita)
    factories.pushed(bank, control_share=0)
    path = f"leads/{Lead.objects.get().pk}/outcomes/"
    uuid = "0b0e7a52-5c28-4c7f-9d8e-2f5d3f7a9c11"
    body = {"outcome": "no_answer", "note": "Rang twice"} | ({} if by_header else {"client_key": uuid})
    callers = [Caller(bank.rita) for _ in range(OFTEN)]
    answers = at_once(
        [functools.partial(one.post, path, body, key="k1" if by_header else "") for one in callers]
    )
    assert [answer.status_code for answer in answers] == [201] * OFTEN
    assert {answer.json()["id"] for answer in answers} == {FollowUp.objects.get().pk}
    assert AuditEvent.objects.filter(action="lead.outcome").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "second",
    [
        {"outcome": "later"},
        {"outcome": "no_answer", "note": "other"},
        {"outcome": "no_answer", "channel": "email"},
        {"outcome": "no_answer", "next_step": "meeting", "next_at": "2026-12-20T10:00:00Z"},
    ],
)
def test_one_key_with_another_outcome_is_a_conflict_and_writes_nothing(cast, api, leads, second):
    path = f"leads/{leads[0].pk}/outcomes/"
    assert api(cast.rita).post(path, {"outcome": "no_answer"}, key="k").status_code == 201
    before = rows_of_everything()
    assert api(cast.rita).post(path, second, key="k").status_code == 409
    assert api(cast.rita).post(f"leads/{leads[1].pk}/outcomes/", second, key="k").status_code == 409
    assert rows_of_everything() == before


def test_the_key_of_an_outcome_that_closed_its_lead_is_named_as_used(cast, api, leads):
    path = f"leads/{leads[0].pk}/outcomes/"
    body = {"outcome": "declined", "reason_code": "price", "note": "Rate too low"}
    assert api(cast.rita).post(path, body, key="k").status_code == 201
    problem(api(cast.rita).post(path, body | {"note": "Another"}, key="k"), 409, "key_reused")
    assert api(cast.rita).post(path, body, key="k").headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_one_key_with_another_body_is_a_conflict_and_writes_nothing(cast, api):
    factories.make_product()
    assert api(cast.mei).post("campaigns/", body_of(), key="k").status_code == 201
    before = rows_of_everything()
    problem(api(cast.mei).post("campaigns/", body_of(name="Other"), key="k"), 409, "key_reused")
    campaign = Campaign.objects.get()
    elsewhere = api(cast.mei).patch(f"campaigns/{campaign.pk}/", {"version": 1, "name": "X"}, key="k")
    problem(elsewhere, 409, "key_reused")
    assert rows_of_everything() == before


@pytest.mark.django_db
def test_the_order_of_a_bodys_fields_does_not_make_it_another(cast, api):
    factories.make_product()
    first = api(cast.mei).post("campaigns/", body_of(), key="k")
    again = api(cast.mei).post("campaigns/", dict(reversed(body_of().items())), key="k")
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]


@pytest.mark.django_db
def test_a_key_belongs_to_its_sender(cast, api):
    from tests.cast import make_user

    factories.make_product()
    mia = make_user("mia", "planner", cast.tree.head_office)
    assert api(cast.mei).post("campaigns/", body_of(), key="k").status_code == 201
    assert api(mia).post("campaigns/", body_of(code="spring"), key="k").json()["code"] == "spring"


@pytest.mark.django_db
def test_a_refused_request_leaves_no_key_and_may_be_sent_again(cast, api):
    problem(api(cast.mei).post("campaigns/", body_of(), key="k"), 400, "invalid")
    assert not IdempotencyKey.objects.exists()
    factories.make_product()
    assert api(cast.mei).post("campaigns/", body_of(), key="k").status_code == 201


@pytest.mark.django_db
def test_a_step_repeated_under_its_key_gets_the_first_answer(cast, api, customers):
    campaign = factories.selected(cast)
    path = f"campaigns/{campaign.pk}/submit/"
    first = api(cast.mei).post(path, {"version": 1}, key="k")
    again = api(cast.mei).post(path, {"version": 1}, key="k")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    problem(api(cast.mei).post(path, {"version": 1}), 409, "conflict")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 201, "ключ", "a\tb"])
def test_a_key_that_is_none_is_refused(cast, api, key):
    factories.make_product()
    problem(api(cast.mei).post("campaigns/", body_of(), key=key), 400, "invalid")
    assert not Campaign.objects.exists()


@pytest.mark.django_db
def test_old_keys_are_swept_and_young_ones_stay(cast, api):
    factories.make_product()
    for name, days in (("old", 8), ("young", 6)):
        IdempotencyKey.objects.create(
            user=cast.mei,
            key=name,
            request_hash="0" * 64,
            created_at=timezone.now() - dt.timedelta(days=days),
        )
    api(cast.mei).post("campaigns/", body_of(), key="new")
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"young", "new"}


def test_every_unsafe_operation_honours_a_key_but_those_that_give_out_secrets():
    from django.urls import get_resolver

    from tests.policy_yaml import patterns

    get_resolver()
    deaf = {
        f"{method} {name}"
        for name, pattern in patterns()
        # The pages that show the API are views of their own, without a class.
        if name.startswith("api-") and name != "api-nothing" and hasattr(pattern.callback, "cls")
        for method in ("post", "put", "patch", "delete")
        if (handler := getattr(pattern.callback.cls, method, None)) and not hasattr(handler, "honours_key")
    }
    assert deaf == {
        "post api-token",
        "delete api-token",
        "post api-customer-search",
        "post api-customer-reveal",
    }
