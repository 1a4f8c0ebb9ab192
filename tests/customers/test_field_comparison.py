"""A value beside an earlier one or the middle of others is one sentence, with direction, size and the right plural."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import translation

from customers import fields
from customers.fields import comparison


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("code", "value", "earlier", "high", "sentence"),
    [
        (
            "wealth_management",
            124_000,
            200_000,
            False,
            "Wealth management fell 38 % in 3 months, to ¥124,000",
        ),
        ("fund", 112_000, 100_000, True, "Fund rose 12 % in 3 months, to ¥112,000"),
        ("fund", 90_000, 0, True, "Fund rose from ¥0 to ¥90,000 in 3 months"),
        ("fund", 0, 90_000, False, "Fund fell from ¥90,000 to ¥0 in 3 months"),
        ("transactions_1m", 5, 8, False, "Only 5 transactions this month, 3 fewer than in the month before"),
        ("transactions_1m", 9, 8, True, "9 transactions this month, 1 more than in the month before"),
        (
            "counterparties_3m",
            1,
            4,
            False,
            "Deals with only 1 counterparty, 3 fewer than in the 3 months before",
        ),
        ("contacts_90d", 0, 2, False, "Contacts, 90 days: none, 2 fewer than in the 3 months before"),
        ("lines_held", 3, 1, True, "Uses 3 product lines, 2 more than 3 months ago"),
        (
            "amount_in_6m",
            50_000,
            100_000,
            False,
            "Only ¥50,000 came in over 6 months, 50 % less than in the 6 months before",
        ),
        ("amount_in_1m", 900, 0, True, "¥900 came in this month, after ¥0 in the month before"),
    ],
)
def test_an_earlier_value_gives_direction_and_size(
    code: str, value: float, earlier: float, high: bool, sentence: str
) -> None:
    field = fields.get(code)
    told = comparison.against_earlier(field, value, earlier, field.window or 3, high=high)
    assert plain(told) == sentence


@pytest.mark.parametrize(
    ("code", "value", "middle", "tier", "high", "sentence"),
    [
        (
            "aum",
            412_300,
            50_000,
            "Gold",
            True,
            "Has ¥412,300 with us, against ¥50,000 in the middle of tier Gold",
        ),
        (
            "age",
            31,
            45,
            "",
            False,
            "Is only 31 years old, against 45 in the middle of those learned from",
        ),
        (
            "last_transaction_on",
            dt.date(2026, 10, 12),
            dt.date(2026, 10, 29),
            "Gold",
            False,
            "Last used the account on 12 Oct, against 29 Oct in the middle of tier Gold",
        ),
    ],
)
def test_the_middle_of_others_stands_beside_the_value(
    code: str, value: Any, middle: Any, tier: str, high: bool, sentence: str
) -> None:
    assert comparison.against_others(fields.get(code), value, middle, tier, high=high) == sentence


def test_a_category_says_how_many_are_alike() -> None:
    told = comparison.among_others(fields.get("industry"), "farming", 0.12, "Gold")
    assert plain(told) == "Works in farming, as 12 % of tier Gold"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("demand_deposit", "No balance known: Demand deposit"),
        ("last_conversion_on", "Has never taken up an offer"),
        ("age", "Age: not known"),
        ("industry", "Industry: not known"),
    ],
)
def test_what_is_not_known_is_said_so(code: str, sentence: str) -> None:
    assert fields.get(code).reason(None, high=False) == sentence
    assert "%(value)s" not in fields.get(code).reason(None, high=True)


def test_zero_is_said_as_none() -> None:
    assert fields.get("spend_home_3m").reason(0, high=False) == "Spends nothing on the home in 3 months"
    assert fields.get("transactions_3m").reason(0, high=False) == "Transactions, 3 months: none"
    assert fields.get("spend_home_3m").reason(163, high=False) == "Spends only ¥163 on the home in 3 months"


def test_a_change_is_told_when_it_is_large_and_goes_the_way_the_value_stands() -> None:
    money, times = fields.get("fund"), fields.get("transactions_3m")
    assert comparison.is_notable(money, 120, 100, high=True)
    assert not comparison.is_notable(money, 120, 100, high=False)  # it rose, and is low all the same
    assert not comparison.is_notable(money, 104, 100, high=True)
    assert not comparison.is_notable(times, 5, 5, high=True)
    assert comparison.is_notable(times, 4, 5, high=False)


def test_only_what_has_a_history_is_held_against_an_earlier_value() -> None:
    back = {
        code
        for code, field in fields.CATALOGUE.items()
        if field.model_use and (field.has_past or field.change_of)
    }
    assert {"wealth_management", "transactions_1m", "aum_change_3m", "contacts_90d"} <= back
    assert (
        not {"age", "tenure_months", "monthly_income", "last_transaction_on", "tier", "maturing_30d"} & back
    )
    windows = {
        code: fields.get(code).window for code in ("amount_in_12m", "contacts_180d", "fund", "spend_food_3m")
    }
    assert windows == {"amount_in_12m": 12, "contacts_180d": 6, "fund": 0, "spend_food_3m": 3}
