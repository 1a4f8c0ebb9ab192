"""Timing pages as a browser asks for them: the 95th percentile of many requests, in this process, without a network."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import override_settings

from bankcrm.models import User

Ask = Callable[[], HttpResponseBase]


@contextmanager
def site() -> Iterator[None]:
    """The site with the bench's own routes."""
    with override_settings(
        ROOT_URLCONF="bench.urls", ALLOWED_HOSTS=["testserver"], SECURE_SSL_REDIRECT=False
    ):
        yield


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def seconds_of(ask: Ask) -> float:
    """Raises SystemExit for an answer that is no page."""
    started = time.perf_counter()
    answer = ask()
    taken = time.perf_counter() - started
    if answer.status_code != 200:
        raise SystemExit(f"a page answered {answer.status_code}")
    return taken


def beside(asks: list[Ask], limit: list[Ask]) -> tuple[float, float]:
    """(p95 of the pages, p95 of what limits them), asked in turns so that both meet the same machine."""
    gc.collect()
    for warm in (*asks[:3], *limit[:3]):
        warm()
    taken: list[float] = []
    allowed: list[float] = []
    for at in range(max(len(asks), len(limit))):
        allowed.append(seconds_of(limit[at % len(limit)]))
        taken.append(seconds_of(asks[at % len(asks)]))
    place = int(0.95 * (len(taken) - 1))
    return sorted(taken)[place], sorted(allowed)[place]
