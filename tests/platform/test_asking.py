"""A POST that only asks: whoever may read sends it, the auditor too, and not one row of the database changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.client import MULTIPART_CONTENT
from django.urls import reverse

from bankcrm import policy
from customers.models import Customer
from tests import policy_yaml
from tests.campaigns import factories
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
# route → kwargs and what is asked
Question = tuple[dict[str, Any], dict[str, Any]]


def why(cast: Cast) -> Question:
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign = factories.selected(cast)
    return {"pk": campaign.pk}, {"number": _some_number()}


def search(cast: Cast) -> Question:
    factories.make_customers(3, cast.tree.n1, cast.rita)
    return {}, {"q": _some_number()}


QUESTIONS: dict[str, Callable[[Cast], Question]] = {
    "campaign-why": why,
    "api-customer-search": search,
    "customer-search": search,
}


def _some_number() -> str:
    return str(Customer.objects.order_by("pk").values_list("number", flat=True)[0])


def digest() -> dict[str, str]:
    """Table → hash of all its rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{table}\" t"
            )
            found[table] = cursor.fetchone()[0]
    return found


def test_every_route_that_asks_has_a_question_here() -> None:
    assert set(QUESTIONS) == {name for name, _ in policy_yaml.patterns() if policy.REGISTRY[name].asks}


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_asking_changes_nothing_and_is_open_to_readers_only(name: str, cast: Cast) -> None:
    kwargs, data = QUESTIONS[name](cast)
    url = reverse(name, kwargs=kwargs)
    asking = {who: login(person) for who, person in cast.everybody().items()}
    rule = policy.REGISTRY[name]
    before = digest()
    for who, person in cast.everybody().items():
        answer = asking[who].post(
            url, data, "application/json" if url.startswith("/api/") else MULTIPART_CONTENT
        )
        # Who sees no customer of that number is told so.
        may = person.is_auditor or person.role in rule.read
        assert answer.status_code in ({200, 422} if may else {403}), who
        if who == "aud":
            assert answer.status_code == 200
    assert digest() == before
    assert "?" not in url


def test_the_digest_sees_one_changed_row(cast: Cast) -> None:
    before = digest()
    cast.rita.full_name = "Rita R"
    cast.rita.save()
    after = digest()
    assert {table for table in before if before[table] != after[table]} == {"bankcrm_user"}
