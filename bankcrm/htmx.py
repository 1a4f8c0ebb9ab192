"""Rules that every answer to an htmx request obeys, and the toast that a view may attach to one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

LEVELS = ("ok", "info", "warn", "bad")
MESSAGE_LEVELS = {"success": "ok", "warning": "warn", "error": "bad"}
LEAVES_PAGE = ("HX-Redirect", "HX-Refresh", "HX-Location")


def toast(response: HttpResponse, text: Any, *, level: str = "ok", undo_url: str = "") -> HttpResponse:
    """Show ``text`` (plain text, never HTML) as a toast when the htmx answer arrives.

    ``undo_url`` gives the toast a button that POSTs there. Returns the same response; raises ValueError for a level
    outside LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    shown = _events(response).get("toast", {"items": []})
    shown["items"].append({"text": str(text), "level": level, "undo": undo_url})
    return trigger(response, "toast", shown)


def trigger(response: HttpResponse, event: str, detail: Any = "") -> HttpResponse:
    """Fire ``event`` in the browser when the htmx answer arrives, beside those the response fires already."""
    # ASCII, because a header cannot carry a Chinese name in any other way.
    response.headers["HX-Trigger"] = json.dumps(_events(response) | {event: detail}, ensure_ascii=True)
    return response


def _events(response: HttpResponse) -> dict[str, Any]:
    header = response.headers.get("HX-Trigger", "")
    if not header:
        return {}
    if header.lstrip().startswith("{"):
        return json.loads(header)
    return dict.fromkeys((name.strip() for name in header.split(",")), "")


class HtmxSessionMiddleware:
    """An htmx answer is a fragment, never a page: redirects move the whole page, an ended session leads to sign-in.

    Pages of signed-in users are not stored by browsers or proxies, and caches keep fragments and pages apart.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") == "true":
            response = fragment_answer(request, response)
        patch_vary_headers(response, ["HX-Request"])
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


def fragment_answer(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response made fit for an htmx request (see the middleware)."""
    if response.status_code in (301, 302, 303, 307, 308):
        moved = HttpResponse(
            status=204, headers={"HX-Redirect": _destination(request, response.headers["Location"])}
        )
        moved.cookies = response.cookies
        return moved
    if isinstance(response, HttpResponse) and not any(name in response.headers for name in LEAVES_PAGE):
        waiting = get_messages(request)
        # A fragment that showed the messages itself has used them up.
        for message in [] if getattr(waiting, "used", True) else waiting:
            toast(response, message, level=MESSAGE_LEVELS.get(message.level_tag, "info"))
    return response


def _destination(request: HttpRequest, location: str) -> str:
    """After signing in one wants the page one was on, not the fragment that was refused."""
    asked, sign_in = urlsplit(location), resolve_url(settings.LOGIN_URL)
    if asked.path != sign_in or REDIRECT_FIELD_NAME not in parse_qs(asked.query):
        return location
    current = request.headers.get("HX-Current-URL", "")
    if not url_has_allowed_host_and_scheme(current, {request.get_host()}, request.is_secure()):
        return sign_in
    parts = urlsplit(current)
    page = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{sign_in}?{urlencode({REDIRECT_FIELD_NAME: page})}"
