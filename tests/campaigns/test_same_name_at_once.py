"""Two people save one code at the same instant: the second is told beside the field, nothing is lost, no error page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from bankcrm.models import AuditEvent
from campaigns import lifecycle, offering, planning
from campaigns.models import Campaign, MarketingPlan, Offer
from customers.models import Product
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login, make_bank

pytestmark = pytest.mark.django_db(transaction=True)
CAMPAIGN: dict[str, Any] = {"name": "Autumn funds", "code": "autumn", "starts_on": TODAY, "ends_on": TODAY}
OFFER: dict[str, Any] = {"name": "Autumn plan", "code": "autumn", "margin_per_sale": "1"}
PLAN: dict[str, Any] = {"name": "Winter", "starts_on": TODAY, "ends_on": TODAY, "budget": "0"}


def blocked() -> bool:
    """Whether a session of this database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def while_the_first_is_uncommitted(
    first: Callable[[], Any], client: Client, route: str, data: dict[str, Any]
) -> Any:
    """The page's answer to ``data``, posted after ``first`` wrote and before it committed."""
    answers: list[Any] = []

    def post() -> None:
        try:
            answers.append(client.post(reverse(route), data))
        finally:
            connection.close()

    second = threading.Thread(target=post)
    with transaction.atomic():
        first()
        second.start()
        until = time.monotonic() + 10
        while not blocked() and second.is_alive():
            assert time.monotonic() < until
            time.sleep(0.02)
    second.join()
    (answer,) = answers
    return answer


@pytest.fixture
def bank() -> tuple[Cast, Product]:
    return make_bank(), factories.make_product()


def test_a_campaign(bank: tuple[Cast, Product]) -> None:
    cast, product = bank
    answer = while_the_first_is_uncommitted(
        lambda: lifecycle.create(cast.mei, **CAMPAIGN | {"product": product}),
        login(cast.mei),
        "campaign-create",
        CAMPAIGN | {"product": product.pk, "budget": "0", "name": "Mine"},
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_code_error"' in page
    assert "Campaign with this Code already exists." in page
    assert 'value="Mine"' in page
    assert Campaign.objects.get().name == "Autumn funds"
    assert AuditEvent.objects.filter(action="campaign.created").count() == 1


def test_an_offer(bank: tuple[Cast, Product]) -> None:
    cast, product = bank
    answer = while_the_first_is_uncommitted(
        lambda: offering.save_offer(Offer(**OFFER, product=product), cast.mei),
        login(cast.mei),
        "offer-create",
        OFFER | {"product": product.pk, "cost_per_contact": "0", "cost_per_sale": "0"},
    )
    assert answer.status_code == 422
    assert "Offer with this Code already exists." in answer.content.decode()
    assert Offer.objects.count() == 1


def test_a_plan(bank: tuple[Cast, Product]) -> None:
    cast, _product = bank
    answer = while_the_first_is_uncommitted(
        lambda: planning.create(cast.mei, **PLAN), login(cast.mei), "plan-create", PLAN
    )
    assert answer.status_code == 422
    assert "Marketing plan with this Name already exists." in answer.content.decode()
    assert MarketingPlan.objects.count() == 1
