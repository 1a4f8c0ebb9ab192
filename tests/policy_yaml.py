"""tests/policy.yaml beside the routes: ``python -m tests.policy_yaml`` prints what is missing, ``--add`` writes it.

Lines that exist are never touched: a rule that changed must be changed there by hand, which is the point of the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("policy.yaml")
METHODS = ("GET", "POST")
YES, NO, LOGIN = "yes", "no", "login"
PERSONAS = (
    "anonymous",
    "rm",
    "branch_manager",
    "planner",
    "approver",
    "manager",
    "analyst",
    "administrator",
    "auditor",
)


def read() -> dict[str, dict[str, dict[str, str]]]:
    """Route → method → persona → "yes", "no" or "login", as the file says. Raises ValueError for a short line."""
    table: dict[str, dict[str, dict[str, str]]] = {}
    for name, methods in (yaml.safe_load(FILE.read_text()) or {}).items():
        table[name] = {}
        for method in METHODS:
            words = str(methods[method]).split()
            if len(words) != len(PERSONAS) or set(words) - {YES, NO, LOGIN}:
                raise ValueError(f"{name} {method}: nine words of yes, no, login are needed, not {words}")
            table[name][method] = dict(zip(PERSONAS, words, strict=True))
    return table


def patterns() -> Iterator[tuple[str, Any]]:
    """Every URL pattern of the site, with its name; a nameless one is yielded under its pattern."""
    from django.urls import URLResolver, get_resolver

    waiting = list(get_resolver().url_patterns)
    while waiting:
        found = waiting.pop()
        if isinstance(found, URLResolver):
            waiting += found.url_patterns
        else:
            yield found.name or f"(nameless) {found.pattern}", found


def declared(name: str) -> str:
    """The YAML line for a route as the registry has it now."""
    from bankcrm import policy
    from bankcrm.models import Role, User

    rule = policy.REGISTRY[name]
    people = [User(role=role) for role in PERSONAS[1:-1]] + [User(role=Role.MANAGER, is_auditor=True)]
    words = {}
    for method in METHODS:
        answers = [YES if rule.public or rule.allows(person, method) else NO for person in people]
        words[method] = " ".join(f"{word:5}" for word in [YES if rule.public else LOGIN, *answers]).rstrip()
    return f'{name + ":":32} {{GET: "{words["GET"]}", POST: "{words["POST"]}"}}'


def missing() -> list[str]:
    """Lines for routes that the file does not know."""
    from bankcrm import policy

    known = read()
    names = sorted({name for name, _ in patterns()})
    return [declared(name) for name in names if name not in known and name in policy.REGISTRY]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")
    import django

    django.setup()
    lines = missing()
    if "--add" in sys.argv:
        text = FILE.read_text().rstrip("\n")
        head = [line for line in text.split("\n") if line.startswith("#")]
        rows = [line for line in text.split("\n") if line and not line.startswith("#")]
        FILE.write_text("\n".join([*head, *sorted([*rows, *lines])]) + "\n")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
