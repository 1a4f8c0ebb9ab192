"""A browser of few words for fault tests: cookies, the CSRF token, and how long each answer took."""

from __future__ import annotations

import http.cookiejar
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message

from tests.cast import PASSWORD


class _StayPut(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **more: object) -> None:
        return None


class Browser:
    """One session at ``base``; ``answers`` collects (status, seconds), ``page`` and ``headers`` are the last one's."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _StayPut()
        )
        self.answers: list[tuple[int, float]] = []
        self.page, self.headers = "", Message()

    def get(self, path: str) -> int:
        """Status of a GET."""
        return self._ask(path, None)

    def post(self, path: str, **data: str) -> int:
        """Status of a POST with the session's CSRF token."""
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        return self._ask(path, urllib.parse.urlencode({**data, "csrfmiddlewaretoken": token}).encode())

    def login(self, username: str) -> None:
        """Sign in through the product's own form."""
        self.get("/login/")
        assert self.post("/login/", username=username, password=PASSWORD) == 302
        self.answers.clear()

    def _ask(self, path: str, data: bytes | None) -> int:
        started = time.monotonic()
        try:
            with self.opener.open(self.base + path, data, timeout=30) as answer:
                self.page, self.headers, status = answer.read().decode(), answer.headers, answer.status
        except urllib.error.HTTPError as error:
            self.page, self.headers, status = error.read().decode(), error.headers, error.code
        self.answers.append((status, time.monotonic() - started))
        return status

    def p95(self) -> float:
        """Seconds within which 95 % of the answers came."""
        seconds = sorted(took for _status, took in self.answers)
        return seconds[int(0.95 * (len(seconds) - 1))]
