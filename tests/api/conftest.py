"""Callers of the API: one per person, by token, on the day the factories live on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bankcrm.models import User
from campaigns.models import Lead
from tests.api.callers import Caller
from tests.campaigns import factories
from tests.cast import Cast


@pytest.fixture(autouse=True)
def _on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)


@pytest.fixture
def api() -> Callable[[User | None], Caller]:
    return Caller


@pytest.fixture
def customers(cast: Cast) -> list[int]:
    return factories.make_customers(120, cast.tree.n1, cast.rita)


@pytest.fixture
def leads(cast: Cast) -> list[Lead]:
    """Six leads of Rita, pushed the real way."""
    factories.make_customers(6, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    return list(Lead.objects.order_by("due_on", "-value", "pk"))


@pytest.fixture
def draft_body(cast: Cast) -> dict[str, Any]:
    """What Mei sends to make a draft."""
    product = factories.make_product()
    offer = factories.make_offer(product, "winter-offer")
    return {
        "code": "winter",
        "name": "Winter",
        "product": product.code,
        "starts_on": "2026-11-25",
        "ends_on": "2027-01-25",
        "budget": "1000000",
        "condition": factories.EVERYBODY,
        "arms": [{"code": "a", "offer": offer.code, "share": "1"}],
    }
