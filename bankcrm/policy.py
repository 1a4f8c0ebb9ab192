"""Who may open which URL. Every route is declared with ``policy.route`` or the site refuses to answer it.

Rows are another matter: which of them a user sees is ``Model.objects.visible_to(user)``. A row out of sight answers
404; an act one may not do answers 403.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.middleware import HtmxDetails
from rest_framework.permissions import BasePermission

from bankcrm.models import Role, User

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
EVERYONE = frozenset(Role)
NOBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Roles that may read and roles that may change something through one route."""

    read: frozenset[Role]
    write: frozenset[Role]
    public: bool = False
    # A user's own account and session: even an auditor signs out.
    own_account: bool = False
    # A POST that only reads, because what is asked for must not stand in an address.
    asks: bool = False

    def allows(self, user: User, method: str) -> bool:
        if method in SAFE_METHODS or (self.asks and method == "POST"):
            return user.is_auditor or user.role in self.read
        if user.is_auditor and not self.own_account:
            return False
        return user.role in self.write


class SignedIn(HttpRequest):
    """A request as views get it: PolicyMiddleware lets nobody else through to a route that is not public."""

    user: User
    htmx: HtmxDetails


REGISTRY: dict[str, Rule] = {}


def route(
    pattern: str,
    view: Callable[..., Any],
    *,
    name: str,
    read: Iterable[Role] = EVERYONE,
    write: Iterable[Role] = NOBODY,
    public: bool = False,
    own_account: bool = False,
    asks: bool = False,
    kwargs: dict[str, Any] | None = None,
) -> URLPattern:
    """``django.urls.path`` with the roles that may GET and the roles that may POST; names are unique site-wide.

    ``asks``: the route's POST changes nothing, so those who may read, auditors too, may send it.
    """
    rule = Rule(frozenset(read), frozenset(write), public, own_account, asks)
    if REGISTRY.setdefault(name, rule) != rule:
        raise ValueError(f"two routes are called {name!r} with different rules")
    return path(pattern, view, kwargs, name=name)


def rule_for(request: HttpRequest) -> Rule | None:
    match = request.resolver_match
    return REGISTRY.get(match.url_name or "") if match else None


class PolicyMiddleware:
    """Refuses what the registry does not allow, before any view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        # Imported late: REST framework loads its settings, and with them this module, while it defines APIView.
        from rest_framework.views import APIView

        rule = rule_for(request)
        if rule is None:
            raise PermissionDenied(_("This page has no entry in the policy registry."))
        # The API knows its user only after reading the token; PolicyPermission asks the same registry then.
        if rule.public or issubclass(getattr(view, "cls", object), APIView):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not rule.allows(request.user, request.method or ""):
            raise PermissionDenied(_("Your role does not include this."))
        return None


class PolicyPermission(BasePermission):
    """The registry for the API: no entry, no access."""

    message = gettext_lazy("Your role does not include this.")

    def has_permission(self, request: Any, view: Any) -> bool:
        rule = rule_for(request)
        if rule is None:
            return False
        if rule.public:
            return True
        return bool(
            request.user and request.user.is_authenticated and rule.allows(request.user, request.method)
        )


@dataclass(frozen=True)
class NavigationEntry:
    label: Any
    icon: str
    url_name: str
    active_prefixes: tuple[str, ...]
    order: int


NAVIGATION: list[NavigationEntry] = []


def navigation(label: Any, icon: str, url_name: str, *active_prefixes: str, order: int) -> None:
    """Declare an entry of the left rail; it shows for whoever may read its route. Called from an app's urls."""
    entry = NavigationEntry(label, icon, url_name, active_prefixes, order)
    if all(known.url_name != url_name for known in NAVIGATION):
        NAVIGATION.append(entry)


def navigation_for(user: User) -> list[dict[str, Any]]:
    """The left rail of one user: only what the role can open."""
    return [
        {"label": e.label, "icon": e.icon, "url_name": e.url_name, "active_prefixes": e.active_prefixes}
        for e in sorted(NAVIGATION, key=lambda e: e.order)
        if e.url_name in REGISTRY and REGISTRY[e.url_name].allows(user, "GET")
    ]
