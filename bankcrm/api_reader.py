"""The schema of the API to read: its operations, what each takes and answers, and which of them one may call.

Everything is taken from the OpenAPI schema and the policy registry, so that nothing here can be out of date.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from bankcrm import policy
from bankcrm.models import User

ROOT = "api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
# Further down a body is told by its own operation, or is of any shape.
DEEPEST = 3
PARAMETER = re.compile(r"<(?:\w+:)?\w+>|\{\w+\}")


@dataclass(frozen=True)
class Field:
    """One field of a body or an answer, or one parameter. ``path``: ``arms[].code`` is the code of each arm."""

    path: str
    kind: str
    required: bool
    note: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What may come back under one status; ``fields`` is empty for a problem and for no body."""

    status: str
    text: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One thing a program can do."""

    code: str
    method: str
    path: str
    text: str
    group: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_types: tuple[str, ...]
    answers: tuple[Answer, ...]
    example: str
    route: str = field(default="", compare=False)

    def may(self, user: User) -> bool:
        """Whether the role of ``user`` includes it; which rows is another matter."""
        return self.route in policy.REGISTRY and policy.REGISTRY[self.route].allows(user, self.method)

    def is_about(self, words: str) -> bool:
        """Whether every word stands in its name, address, description or the names of what it takes."""
        names = " ".join(one.path for one in (*self.parameters, *self.body))
        text = f"{self.code} {self.method} {self.path} {self.text} {names}".lower()
        return all(word in text for word in words.lower().split())


def operations() -> tuple[Operation, ...]:
    """Every operation in the reader's language, by address."""
    return _operations(get_language() or "en")


def operation(code: str) -> Operation | None:
    return next((one for one in operations() if one.code == code), None)


def collections(user: User) -> dict[str, str]:
    """Address below the root → route of each part of the API without a number in it that the user may read."""
    found = {}
    for name, pattern in routes():
        part = str(pattern.pattern).removeprefix(ROOT)
        readable = hasattr(getattr(pattern.callback, "cls", None), "get")
        if part and "<" not in part and readable and policy.REGISTRY[name].allows(user, "GET"):
            found[part.rstrip("/")] = name
    return dict(sorted(found.items()))


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every route under the root, by name."""
    waiting: list[Any] = list(get_resolver().url_patterns)
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, URLResolver):
            waiting += found.url_patterns
        elif str(found.pattern).startswith(ROOT) and found.name in policy.REGISTRY:
            yield found.name, found


@functools.lru_cache(maxsize=4)
def _operations(language: str) -> tuple[Operation, ...]:
    from drf_spectacular.generators import SchemaGenerator

    with override(language):
        told = SchemaGenerator().get_schema(request=None, public=True)
        names = {PARAMETER.sub("{}", f"/{pattern.pattern}"): name for name, pattern in routes()}
        found = [
            _read(method, path, item[method], names.get(PARAMETER.sub("{}", path), ""), told)
            for path, item in told["paths"].items()
            for method in METHODS
            if method in item
        ]
    return tuple(sorted(found, key=lambda one: (one.group, one.path, METHODS.index(one.method.lower()))))


def _read(
    method: str, path: str, told: Mapping[str, Any], route: str, schema: Mapping[str, Any]
) -> Operation:
    parts = schema["components"]["schemas"]
    contents = told.get("requestBody", {}).get("content", {})
    body = next((content["schema"] for content in contents.values()), None)
    return Operation(
        code=told["operationId"],
        method=method.upper(),
        path=path,
        text=told.get("description", "").replace("``", "").strip(),
        group=next(iter(told.get("tags", [])), ""),
        parameters=tuple(_parameter(one, parts) for one in told.get("parameters", [])),
        body=tuple(_fields(body, parts)) if body else (),
        body_types=tuple(contents),
        answers=tuple(
            _answer(status, one, parts) for status, one in sorted(told.get("responses", {}).items())
        ),
        example=_example(method, path, body, next(iter(contents), ""), parts),
        route=route,
    )


def _parameter(told: Mapping[str, Any], parts: Mapping[str, Any]) -> Field:
    given = told.get("schema", {})
    note = "" if "enum" in given and "* `" in told.get("description", "") else told.get("description", "")
    where = {"header": _("header"), "path": _("in the address")}.get(told["in"], "")
    return Field(
        told["name"],
        _kind(given, parts),
        bool(told.get("required")),
        " · ".join(part for part in (where, note) if part),
        _values(given, parts),
    )


def _answer(status: str, told: Mapping[str, Any], parts: Mapping[str, Any]) -> Answer:
    contents = told.get("content", {})
    body = next((content["schema"] for kind, content in contents.items() if "problem" not in kind), None)
    return Answer(status, told.get("description", ""), tuple(_fields(body, parts)) if body else ())


def _resolved(given: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself where a reference stands, alone or as one of several."""
    if "$ref" in given:
        return _resolved(parts.get(given["$ref"].rsplit("/", 1)[-1], {}), parts)
    for several in ("allOf", "oneOf", "anyOf"):
        if given.get(several):
            return {**given, **_resolved(given[several][0], parts)}
    return given


def _fields(
    given: Mapping[str, Any], parts: Mapping[str, Any], path: str = "", depth: int = 0
) -> Iterator[Field]:
    """Every field below, the outer before the inner."""
    told = _resolved(given, parts)
    if told.get("type") == "array":
        yield from _fields(told.get("items", {}), parts, f"{path}[]", depth)
        return
    if depth >= DEEPEST:
        return
    for name, inner in told.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        values = _values(inner, parts)
        note = "" if values else inner.get("description", "") or inner.get("title", "")
        yield Field(here, _kind(inner, parts), name in told.get("required", []), note, values)
        if _resolved(inner, parts).get("type") in ("object", "array"):
            yield from _fields(inner, parts, here, depth + 1)


def _values(given: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[str, ...]:
    """What may stand there, where that is a list."""
    told = _resolved(given, parts)
    if told.get("type") == "array":
        told = _resolved(told.get("items", {}), parts)
    return tuple(str(value) for value in told.get("enum", []) if value not in (None, ""))


def _kind(given: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """The type in a few words: "date, may be null", "whole number 1 to 100"."""
    told = _resolved(given, parts)
    words = {
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("true or false"),
        "array": _("list"),
        "object": _("object"),
        "string": {
            "date": _("day, YYYY-MM-DD"),
            "date-time": _("moment, ISO 8601"),
            "decimal": _("decimal number as text"),
            "uuid": _("UUID"),
            "uri": _("address"),
            "binary": _("file"),
        }.get(told.get("format", ""), _("text")),
    }
    found = [words.get(told.get("type", ""), _("any"))]
    if "minimum" in told and "maximum" in told:
        found[0] += f" {told['minimum']:,}–{told['maximum']:,}"
    if "maxLength" in told:
        found.append(_("at most %(n)s characters") % {"n": told["maxLength"]})
    if given.get("nullable") or told.get("nullable"):
        found.append(_("may be null"))
    return ", ".join(found)


def _example(method: str, path: str, body: Any, media_type: str, parts: Mapping[str, Any]) -> str:
    """A curl command with what is required; numbers in the address stand for ids an earlier answer gave."""
    lines = (
        ["curl"] if method in ("get", "post") and (body or method == "get") else [f"curl -X {method.upper()}"]
    )
    lines[0] += ' -H "Authorization: Token $TOKEN"'
    if body and "multipart" in media_type:
        required = _resolved(body, parts).get("required", [])
        lines += [f"-F {name}={'@rows.csv' if name == 'file' else '…'}" for name in required]
    elif body:
        sent = json.dumps(_value(body, parts), ensure_ascii=False).replace("'", "’")
        lines += ['-H "Content-Type: application/json"', f"-d '{sent}'"]
    address = re.sub(r"\{\w+\}", "12", path).removeprefix("/api/v1/")
    return " \\\n  ".join([*lines, f'"$BANK/{address}"'])


def _value(given: Mapping[str, Any], parts: Mapping[str, Any], depth: int = 0) -> Any:
    """Something of the right type: of an object what is required, or its first field when nothing is."""
    told = _resolved(given, parts)
    if values := _values(told, parts):
        return [values[0]] if told.get("type") == "array" else values[0]
    if told.get("type") == "array":
        return [_value(told.get("items", {}), parts, depth + 1)]
    if told.get("type") == "object":
        fields = told.get("properties", {})
        names = told.get("required") or list(fields)[:1]
        return {} if depth >= DEEPEST else {name: _value(fields[name], parts, depth + 1) for name in names}
    if told.get("type") == "string":
        day = dt.date(2026, 12, 1).isoformat()
        return {"date": day, "date-time": f"{day}T10:00:00+08:00", "decimal": "1.00"}.get(
            told.get("format", ""), "…"
        )
    return {"boolean": True, "integer": max(1, told.get("minimum", 1)), "number": 1.0}.get(
        told.get("type", ""), {}
    )
