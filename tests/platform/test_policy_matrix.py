"""Every URL × GET, POST × anonymous, the seven roles and the auditor is answered as tests/policy.yaml says."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from bankcrm import policy
from bankcrm.models import Role, User
from tests import policy_yaml
from tests.cast import Cast
from tests.policy_yaml import LOGIN, METHODS, NO, PERSONAS, YES

TABLE = policy_yaml.read()
# A value per converter that names nothing: whoever is let in gets 404, which is an answer.
NOTHING: dict[str, Any] = {
    "IntConverter": 999_999_999,
    "StringConverter": "nothing",
    "PathConverter": "nothing/at/all",
    "SlugConverter": "nothing",
    "UUIDConverter": uuid.UUID(int=0),
}


@pytest.fixture
def personas(cast: Cast) -> dict[str, User | None]:
    people = {person.role: person for name, person in cast.everybody().items() if name != "aud"}
    return {"anonymous": None, **{name: people[Role(name)] for name in PERSONAS[1:-1]}, "auditor": cast.aud}


def answered(response: HttpResponse) -> str:
    """yes, no or login; anything that a crash produced is not an answer."""
    assert response.status_code < 500, response.status_code
    if response.status_code == 401:
        return LOGIN
    if response.status_code == 302 and response.headers["Location"].startswith("/login/?next="):
        return LOGIN
    return NO if response.status_code == 403 else YES


def test_every_route_has_a_name_an_entry_in_the_registry_and_a_line_in_the_yaml() -> None:
    names = {name for name, _ in policy_yaml.patterns()}
    assert sorted(names - set(policy.REGISTRY)) == [], "declare these with policy.route"
    assert sorted(names - set(TABLE)) == [], "python -m tests.policy_yaml prints the lines that are missing"
    assert sorted(set(TABLE) - names) == [], "these routes are gone; take their lines away"


def test_every_role_is_a_column() -> None:
    assert set(PERSONAS) == {"anonymous", "auditor", *Role.values}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_route_answers_as_the_yaml_says(name: str, personas: dict[str, User | None]) -> None:
    pattern = dict(policy_yaml.patterns())[name]
    kwargs = {key: NOTHING[type(converter).__name__] for key, converter in pattern.pattern.converters.items()}
    url = reverse(name, kwargs=kwargs)
    found: dict[str, dict[str, str]] = {method: {} for method in METHODS}
    for persona, user in personas.items():
        for method in METHODS:
            client = Client(raise_request_exception=True)
            if user is not None:
                client.force_login(user)
            found[method][persona] = answered(client.generic(method, url))
    assert found == TABLE[name]


def test_a_route_without_a_rule_is_refused(cast: Cast, rf: Any) -> None:
    from django.core.exceptions import PermissionDenied

    request = rf.get("/")
    request.user = cast.ada
    request.resolver_match = None
    with pytest.raises(PermissionDenied):
        policy.PolicyMiddleware(lambda request: HttpResponse()).process_view(
            request, lambda request: None, (), {}
        )


def test_one_name_cannot_have_two_rules() -> None:
    with pytest.raises(ValueError, match="different rules"):
        policy.route("elsewhere/", lambda request: HttpResponse(), name="user-list", read=policy.EVERYONE)
