"""The portrait: sums, other sides, hours, regular series and the unusual, from a customer's own bookings."""

import datetime as dt

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import portrait
from customers.portrait import Rhythm, movements, outliers
from tests import facts

FIRST, TODAY = dt.date(2025, 11, 1), dt.date(2026, 11, 25)


def booked(*rows, known_to=TODAY):
    """Movements of (day, amount, more…); more are kind, channel, hour, category, counterparty by name."""
    full = [
        (
            day,
            amount,
            more.get("kind", "transfer"),
            more.get("channel", "mobile"),
            more.get("hour", -1),
            more.get("category", ""),
            more.get("who", ""),
        )
        for day, amount, more in sorted(rows, key=lambda row: row[0])
    ]
    return movements.of_rows(full, FIRST, TODAY, known_to)


def monthly(amount, day=5, months=range(1, 11), **more):
    return [(dt.date(2026, month, day), amount, more) for month in months]


def test_every_month_of_the_window_has_its_sums(db):
    months = portrait.by_month(booked((dt.date(2026, 3, 4), 100, {}), (dt.date(2026, 3, 9), -30, {})))
    assert [month.first for month in months][:2] == [dt.date(2025, 11, 1), dt.date(2025, 12, 1)]
    assert len(months) == 13
    march = next(month for month in months if month.first == dt.date(2026, 3, 1))
    assert (march.money_in, march.money_out, march.number) == (100, 30, 2)
    assert sum(month.number for month in months) == 2


def test_other_sides_are_ordered_by_turnover_and_unnamed_ones_left_out():
    found = portrait.counterparties(
        booked(
            (dt.date(2026, 3, 4), -50, {"who": "A"}),
            (dt.date(2026, 5, 4), 20, {"who": "A"}),
            (dt.date(2026, 4, 1), -60, {"who": "B"}),
            (dt.date(2026, 4, 1), -900, {}),
        )
    )
    assert [(one.name, one.money_in, one.money_out, one.number) for one in found] == [
        ("A", 20, 50, 2),
        ("B", 0, 60, 1),
    ]
    assert (found[0].first, found[0].last) == (dt.date(2026, 3, 4), dt.date(2026, 5, 4))


def test_the_footprint_counts_by_weekday_and_two_hours_and_leaves_unknown_hours_out():
    wednesday = dt.date(2026, 11, 25)
    moves = booked(
        (wednesday, -1, {"hour": 19}),
        (wednesday, -1, {"hour": 18}),
        (wednesday, -1, {"hour": 0, "channel": "counter"}),
        (wednesday, -1, {}),
    )
    cells = portrait.footprint(moves)
    assert cells.shape == (7, 12)
    assert cells[2, 9] == 2
    assert cells[2, 0] == 1
    assert cells.sum() == 3
    assert [(use.code, use.number, use.hours) for use in portrait.by_channel(moves)] == [
        ("mobile", 3, (18, 20)),
        ("counter", 1, (0, 2)),
    ]


def test_a_monthly_salary_is_found_with_the_day_it_is_expected_next():
    (salary,) = portrait.regular(booked(*monthly(12_000, kind="salary", who="Steel works", day=10)))
    assert (salary.rhythm, salary.amount, salary.number, salary.is_income) == (
        Rhythm.MONTHLY,
        12_000,
        10,
        True,
    )
    assert salary.next_on == dt.date(2026, 11, 10)
    assert salary.is_late  # 10 November and five days have passed


def test_what_lies_after_the_last_known_day_is_not_late():
    rows = monthly(12_000, kind="salary", who="Steel works", day=10)
    assert portrait.regular(booked(*rows))[0].is_late
    (salary,) = portrait.regular(booked(*rows, known_to=dt.date(2026, 10, 31)))
    assert not salary.is_late


def test_a_series_at_the_end_of_the_month_stays_there():
    rows = [
        (dt.date(2026, month, day), -900, {"who": "Landlord"}) for month, day in ((8, 31), (9, 30), (10, 31))
    ]
    (rent,) = portrait.regular(booked(*rows))
    assert rent.next_on == dt.date(2026, 11, 30)
    assert not rent.is_late


@pytest.mark.parametrize(
    ("days", "rhythm"),
    [(7, Rhythm.WEEKLY), (14, Rhythm.FORTNIGHTLY), (30, Rhythm.MONTHLY), (91, Rhythm.QUARTERLY)],
)
def test_each_rhythm_is_told_from_the_others(days, rhythm):
    start = dt.date(2026, 1, 6)
    rows = [(start + dt.timedelta(days=days * i), -75, {"who": "Club"}) for i in range(4)]
    (found,) = portrait.regular(booked(*rows))
    assert found.rhythm == rhythm


def test_two_sizes_with_one_other_side_are_two_series():
    found = portrait.regular(booked(*monthly(-900, who="Bank", day=3), *monthly(-150, who="Bank", day=20)))
    assert sorted(one.amount for one in found) == [-900, -150]


def test_bookings_without_rhythm_or_of_changing_size_are_no_series():
    irregular = [
        (dt.date(2026, 1, 1) + dt.timedelta(days=d), -75, {"who": "Shop"}) for d in (0, 3, 40, 41, 90)
    ]
    growing = [(dt.date(2026, m, 5), -(10.0**m), {"who": "Club"}) for m in range(1, 6)]
    assert portrait.regular(booked(*irregular, *growing)) == []


def test_income_and_payment_of_one_size_are_never_one_series():
    rows = [(dt.date(2026, m, 5), 500 if m % 2 else -500, {"who": "A"}) for m in range(1, 5)]
    assert portrait.regular(booked(*rows)) == []


def test_a_movement_far_above_the_customers_own_is_unusual_and_says_how_far():
    usual = [
        (dt.date(2026, 3, 1) + dt.timedelta(days=d), 900 + 20 * (d % 7), {"who": f"{d}"}) for d in range(20)
    ]
    moves = booked(*usual, (dt.date(2026, 10, 2), 48_000, {"who": "Sale of a flat"}))
    (found,) = portrait.unusual(moves)
    assert (found.day, found.amount, found.is_new) == (dt.date(2026, 10, 2), 48_000, True)
    assert found.usual == pytest.approx(960, abs=40)
    assert found.limit == outliers.FLOOR
    assert found.times == pytest.approx(50, abs=3)


def test_the_limit_is_median_and_five_mad_where_that_is_above_the_floor():
    sizes = [20_000, 22_000, 24_000, 26_000, 28_000] * 3
    rows = [
        (dt.date(2026, 3, 1) + dt.timedelta(days=d), -size, {"who": f"{d}"}) for d, size in enumerate(sizes)
    ]
    just_inside, outside = (dt.date(2026, 9, 1), -33_000, {}), (dt.date(2026, 9, 2), -80_000, {})
    moves = booked(*rows, just_inside, outside)
    (found,) = portrait.unusual(moves)
    size = np.abs(moves.amount)
    assert found.limit == np.median(size) + 5 * np.median(np.abs(size - np.median(size)))
    assert found.amount == -80_000


def test_large_movements_of_which_there_are_several_alike_are_not_unusual():
    small = [(dt.date(2026, 3, 1) + dt.timedelta(days=d), 100, {"who": f"{d}"}) for d in range(0, 60, 3)]
    often = [(dt.date(2026, 5, day), 30_000, {"who": "Employer"}) for day in (2, 3, 30)]
    assert portrait.regular(booked(*often)) == []
    assert portrait.unusual(booked(*small, *often)) == []
    assert len(portrait.unusual(booked(*small, *often[:2]))) == 2


def test_a_month_left_out_does_not_end_a_series():
    rows = monthly(12_000, who="Employer", day=10, months=(1, 2, 3, 5, 6, 9, 10))
    (salary,) = portrait.regular(booked(*rows))
    assert (salary.rhythm, salary.number) == (Rhythm.MONTHLY, 7)


def test_with_few_movements_nothing_is_called_unusual():
    rows = [(dt.date(2026, 3, d), 100, {}) for d in range(1, 9)]
    assert portrait.unusual(booked(*rows, (dt.date(2026, 4, 1), 90_000, {}))) == []


def test_nothing_booked_gives_an_empty_portrait():
    nothing = booked()
    assert portrait.regular(nothing) == portrait.counterparties(nothing) == portrait.unusual(nothing) == []
    assert portrait.by_channel(nothing) == []
    assert len(portrait.by_month(nothing)) == 13
    assert portrait.footprint(nothing).sum() == 0


def test_bookings_are_read_in_one_query_for_this_customer_alone_and_only_the_newest(db, monkeypatch):
    monkeypatch.setattr(movements, "MOST", 3)
    li, other = facts.customer(), facts.customer("Other")
    for day in (1, 2, 3, 4, 5):
        facts.transaction(li, -day, dt.date(2026, 10, day))
    facts.transaction(li, -99, dt.date(2025, 10, 31))  # before the window
    facts.transaction(other, -7)
    with CaptureQueriesContext(connection) as queries:
        found = portrait.read(li.pk, TODAY)
    assert len(queries) == 1
    assert list(found.amount) == [-3, -4, -5]
    assert found.is_cut
    assert portrait.read(other.pk, TODAY).is_cut is False


def test_a_booking_after_the_month_end_moves_the_day_that_is_known(db):
    li = facts.customer()
    assert portrait.read(li.pk, TODAY, dt.date(2026, 10, 31)).known_to == dt.date(2026, 10, 31)
    facts.transaction(li, -1, dt.date(2026, 11, 3))
    assert portrait.read(li.pk, TODAY, dt.date(2026, 10, 31)).known_to == dt.date(2026, 11, 3)
