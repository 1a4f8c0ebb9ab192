"""Who responded: windows, populations, and which source a model learns from."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from analytics import labels
from analytics.models import PredictiveModel
from customers.models import Assignment, Holding
from tests.analytics import bank
from tests.cast import Cast

LATEST = bank.LATEST


@pytest.fixture
def model(cast: Cast) -> PredictiveModel:
    bank.make_people(6)
    bank.make_profiles([*bank.MONTHS, LATEST])
    return bank.make_model(cast, bank.make_product())


def hold(model: PredictiveModel, customer: int, opened_on: dt.date, closed_on: dt.date | None = None) -> None:
    Holding.objects.create(
        number=f"{customer}-{opened_on}",
        customer_id=customer,
        product=model.product,
        opened_on=opened_on,
        closed_on=closed_on,
    )


def assign(
    model: PredictiveModel, customer: int, on: dt.date, campaign: str = "spring", **more: Any
) -> Assignment:
    return Assignment.objects.create(
        campaign_code=campaign,
        customer_id=customer,
        cell_code="a",
        product_code=model.product.code,
        assigned_on=on,
        **more,
    )


def respond(customer: int, on: dt.date, how: str, campaign: str = "spring") -> None:
    bank.run_sql(
        "INSERT INTO customers_response (customer_id, campaign_code, kind, how, responded_on)"
        " VALUES (%s, %s, 'conversion', %s, %s)",
        customer,
        campaign,
        how,
        on,
    )


def labels_at(model: PredictiveModel, month: dt.date) -> dict[int, int]:
    data = labels.dataset(model, LATEST)
    return {
        int(who): int(label)
        for who, day, label in zip(data.ids, data.dates, data.y, strict=True)
        if day.astype(object) == month
    }


def test_windows_are_complete_and_do_not_overlap(model: PredictiveModel) -> None:
    months = labels.snapshots(model, LATEST)
    assert months == bank.MONTHS
    horizon = dt.timedelta(days=model.horizon_days)
    assert all(month + horizon <= later for month, later in zip(months, [*months[1:], LATEST], strict=True))
    # One day less of data, and the last window is open.
    assert labels.snapshots(model, dt.date(2026, 10, 29))[-1] < bank.MONTHS[-1]


def test_an_opening_counts_inside_the_window_only(model: PredictiveModel) -> None:
    month = bank.MONTHS[-1]
    hold(model, 1, month + dt.timedelta(days=1))
    hold(model, 2, month + dt.timedelta(days=60))
    hold(model, 3, month + dt.timedelta(days=61))
    assert labels_at(model, month) == {1: 1, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0}


def test_holders_are_not_asked_but_former_holders_are(model: PredictiveModel) -> None:
    month = bank.MONTHS[-1]
    hold(model, 1, dt.date(2024, 1, 1))
    hold(model, 2, dt.date(2024, 1, 1), closed_on=dt.date(2024, 6, 1))
    assert set(labels_at(model, month)) == {2, 3, 4, 5, 6}


def test_treated_assignments_become_labels_once_their_window_is_over(model: PredictiveModel) -> None:
    spring, autumn = dt.date(2026, 5, 11), dt.date(2026, 10, 12)
    for customer in (1, 2, 3):
        assign(model, customer, spring)
    assign(model, 4, spring, is_control=True)
    assign(model, 5, autumn, campaign="autumn")
    respond(1, spring + dt.timedelta(days=10), "matched")
    respond(2, spring + dt.timedelta(days=10), "reported")
    respond(3, spring + dt.timedelta(days=61), "matched")
    respond(4, spring + dt.timedelta(days=10), "matched")
    counted = labels.label_counts(model, LATEST)["assignments"]
    assert counted == {
        "n": 3,
        "positives": 1,
        "dates": 1,
        "control": 1,
        "control_positives": 1,
        "contacted": 0,
        "explored": 0,
        "open": 1,
    }
    later = labels.label_counts(model, autumn + dt.timedelta(days=60))["assignments"]
    assert (later["n"], later["open"], later["dates"]) == (4, 0, 2)


def test_campaigns_offer_labels_as_soon_as_they_gave_enough(cast: Cast) -> None:
    product = bank.make_history(900)
    model = bank.make_model(cast, product)
    days = [dt.date(2026, 3, 16), dt.date(2026, 5, 18), dt.date(2026, 7, 13)]
    for number, day in enumerate(days):
        bank.campaign(product, f"c{number}", day, range(1 + 300 * number, 1 + 300 * (number + 1)))
    first = labels.dataset(model, dt.date(2026, 8, 31))
    assert first.source == labels.HOLDINGS
    assert "120 responders" in str(first.notes[1])
    assert not labels.enough_assigned(model, LATEST)  # 180 responders are not enough
    bank.campaign(product, "c9", dt.date(2026, 7, 14), range(1, 61), every=2)
    assert labels.enough_assigned(model, LATEST)
    data = labels.assigned_dataset(model, LATEST)
    assert data.source == labels.ASSIGNMENTS
    assert data.weight is None  # nobody's chance of being chosen is known
    assert (len(data.y), int(data.y.sum())) == (960, 210)
    assert {str(day) for day in data.dates} == {*map(str, days), "2026-07-14"}


def test_no_customer_of_a_later_month_slips_into_an_earlier_one(model: PredictiveModel) -> None:
    bank.run_sql(
        "DELETE FROM customers_customerprofile WHERE customer_id = 6 AND month < %s", bank.MONTHS[-1]
    )
    assert 6 in labels_at(model, bank.MONTHS[-1])
    assert 6 not in labels_at(model, bank.MONTHS[-2])
