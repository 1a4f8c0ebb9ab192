"""What every page's frame shows beside its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from bankcrm import freshness, policy
from bankcrm.models import User

# Places the frame links to when the user may open them: name in the template → URL name.
FRAME_LINKS = {
    "search_url": "customer-search",
    "runs_url": "run-list",
    "password_url": "password-change",
    "token_url": "token-page",
    "api_url": "api-reader",
}


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame; every query behind it waits until a template asks."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "frame": {}}
    bell = SimpleLazyObject(lambda: freshness.bell(user))
    return {
        # Whether what this page's own form sends would be taken from this user.
        "may_post": _may_post(request, user),
        # Lazy, because most fragments show no frame.
        "nav": SimpleLazyObject(lambda: _navigation(request, user)),
        "frame": SimpleLazyObject(lambda: {name: _link(user, url) for name, url in FRAME_LINKS.items()}),
        "freshness": SimpleLazyObject(freshness.line),
        "running_work": SimpleLazyObject(lambda: bell.running),
        "unread_notices": SimpleLazyObject(lambda: bell.unread),
    }


def _may_post(request: HttpRequest, user: User) -> bool:
    rule = policy.rule_for(request)
    return rule is not None and rule.allows(user, "POST")


def _navigation(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    entries = []
    for entry in policy.navigation_for(user):
        url = reverse(entry["url_name"])
        prefixes = entry["active_prefixes"] or ()
        entries.append(
            {**entry, "url": url, "weight": _weight(request.path, url, prefixes), "current": False}
        )
    # Of two entries that both match, the longer prefix is the place one is at.
    best = max(entries, key=lambda entry: entry["weight"], default=None)
    if best and best["weight"]:
        best["current"] = True
    return entries


def _weight(path: str, url: str, prefixes: tuple[str, ...]) -> int:
    exact = len(url) + 1 if path == url else 0
    return max([exact, *(len(prefix) for prefix in prefixes if path.startswith(prefix))])


def _link(user: User, url_name: str) -> str:
    rule = policy.REGISTRY.get(url_name)
    if rule is None or not rule.allows(user, "GET"):
        return ""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
