"""A program that calls the API with somebody's token, and many of them at the same moment."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from rest_framework.authtoken.models import Token

from bankcrm.models import User


class Caller:
    """JSON in, JSON out, as ``user`` by token; as nobody without one. A crash of the server crashes the test."""

    def __init__(self, user: User | None) -> None:
        self.client = Client()
        self.headers: dict[str, str] = {}
        if user is not None:
            token, _made = Token.objects.get_or_create(user=user)
            self.headers["Authorization"] = f"Token {token.key}"

    def send(self, method: str, path: str, body: Any = None, key: str = "", **query: Any) -> HttpResponse:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        if method == "get":
            return self.client.get(f"/api/v1/{path}", query, headers=headers)
        return self.client.generic(
            method.upper(), f"/api/v1/{path}", self._json(body), "application/json", headers=headers
        )

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.send("get", path, **query)

    def post(self, path: str, body: Any = None, key: str = "") -> HttpResponse:
        return self.send("post", path, {} if body is None else body, key)

    def patch(self, path: str, body: Any, key: str = "") -> HttpResponse:
        return self.send("patch", path, body, key)

    def put(self, path: str, body: Any, key: str = "") -> HttpResponse:
        return self.send("put", path, body, key)

    def delete(self, path: str) -> HttpResponse:
        return self.send("delete", path)

    def _json(self, body: Any) -> str:
        import json

        from django.core.serializers.json import DjangoJSONEncoder

        return body if isinstance(body, str) else json.dumps(body, cls=DjangoJSONEncoder)


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The refusal, once it is shown to be one of that status and code."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response["Content-Type"] == "application/problem+json"
    assert body["detail"]
    assert body["kept"]
    return body


def rows_of_everything() -> dict[str, int]:
    """Rows per table, apart from sessions and tokens: what a refused request must not change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname !~ '^(django_|authtoken_)'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts
