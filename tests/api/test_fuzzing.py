"""D24: whatever the schema allows, sent by every role: never a 5xx, never an answer the schema does not tell.

Schemathesis draws the requests from the OpenAPI schema, the same ones at every run. Every request is undone.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections import Counter
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.test.client import ClientHandler
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token

from bankcrm.models import User
from campaigns.models import Campaign, Lead
from tests import policy_yaml
from tests.campaigns import factories

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its own, while it is imported
    from schemathesis import openapi
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 4  # of every operation by every persona
PERSONAS = [name for name in policy_yaml.PERSONAS if name != "anonymous"]


def site(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The site as a WSGI application that leaves the test's transaction open, as Django's own test client does."""
    answer = ClientHandler(enforce_csrf_checks=False)(environ)
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    return [answer.content]


@functools.cache
def schema() -> Any:
    told = SchemaGenerator().get_schema(request=None, public=True)
    found = openapi.from_dict(json.loads(json.dumps(told, default=str)))
    found.app = site
    return found


@pytest.fixture
def ids(cast: Any, leads: list[Lead]) -> dict[str, int]:
    """First part of an address → a number that is there."""
    factories.draft(cast, "spare")
    return {
        "customers": leads[0].customer_id,
        "leads": leads[0].pk,
        "campaigns": Campaign.objects.get(code="spare").pk,
    }


def key_of(user: User | None) -> dict[str, str]:
    return {"Authorization": f"Token {Token.objects.get_or_create(user=user)[0].key}"} if user else {}


def send(operation: Any, headers: dict[str, str], number: int | None, wrong: list[str]) -> Counter[int]:
    """Every drawn request of one operation; what was answered. ``number``: put into the address of most of them.

    What the schema does not tell is added to ``wrong``.
    """
    answers: Counter[int] = Counter()
    draws = operation.as_strategy()
    if number is not None and "{id}" in operation.path:
        there = operation.as_strategy(path_parameters={"id": number})
        draws = there | there | draws

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=draws)
    def each(case: Any) -> None:
        with transaction.atomic():
            answer = case.call(headers={"Host": "testserver", **headers})
            transaction.set_rollback(True)
        answers[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            wrong.extend(f"{operation.label}: {failure}" for failure in failures.exceptions)

    each()
    return answers


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_request_of_the_schema_has_an_answer_of_the_schema(cast, ids, persona):
    people = {**{person.role: person for person in cast.everybody().values() if not person.is_auditor}}
    user = cast.aud if persona == "auditor" else people[persona]
    answers: Counter[int] = Counter()
    wrong: list[str] = []
    for found in schema().get_all_operations():
        operation = found.ok()
        answers += send(operation, key_of(user), ids.get(operation.path.split("/")[3]), wrong)
    assert not wrong, "\n\n".join(wrong)
    assert answers[401] == 0
    assert answers[200] > 20, answers  # a run that is only refused would prove little
    assert sum(answers.values()) > 250


def test_nobody_gets_an_answer_without_a_token(cast, ids):
    wrong: list[str] = []
    for found in schema().get_all_operations():
        operation = found.ok()
        answers = send(operation, {}, ids.get(operation.path.split("/")[3]), wrong)
        assert set(answers) <= {401}, (operation.label, answers)
    assert not wrong, "\n\n".join(wrong)
