"""Rules that every answer to an htmx request obeys, and the toast that a view may attach to one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

LEVELS = ("ok", "info", "warn", "bad")
MESSAGE_LEVELS = {"success": "ok", "warning": "warn", "error": "bad"}
# Where the frame takes a fragment in: rendered HTML needs no marking as safe.
PLACE = "<!-- the part -->"
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
    A fragment asked for by an address typed or kept is shown inside the frame of a page.

    Pages of signed-in users are not stored by browsers or proxies, and caches keep fragments and pages apart.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") == "true":
            response = fragment_answer(request, response)
        elif isinstance(response, HttpResponse) and is_bare_fragment(request, response):
            response = framed(request, response)
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


def is_bare_fragment(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether somebody signed in would be shown HTML without a head, a style or a way on."""
    user = getattr(request, "user", None)
    if request.method != "GET" or user is None or not user.is_authenticated:
        return False
    if not isinstance(response, HttpResponse) or response.status_code != 200:
        return False
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and not response.content.lstrip()[:9].lower().startswith(b"<!doctype")


def framed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The fragment inside a page, with the way to the page it is part of; an empty one leads there at once."""
    whole = _whole(request)
    if not response.content.strip():
        return HttpResponseRedirect(whole)
    before, after = render_to_string("part.html", {"whole": whole}, request).split(PLACE)
    response.content = before.encode() + response.content + after.encode()
    return response


def _whole(request: HttpRequest) -> str:
    """The nearest address above this one that is a page: fragments stand below theirs."""
    steps = request.path.strip("/").split("/")
    for n in range(len(steps) - 1, 0, -1):
        above = f"/{'/'.join(steps[:n])}/"
        if is_valid_path(above):
            return above
    return "/"


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
