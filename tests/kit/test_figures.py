"""Figures read as the design kit promises."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from bankcrm import figures


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (figures.money, 12960, "¥12,960"),
        (figures.money, Decimal("-80000.40"), "−¥80,000"),
        (figures.money, -0.4, "¥0"),
        (figures.signed_money, 61300, "+¥61,300"),
        (figures.signed_money, 0, "¥0"),
        (figures.money_short, 2_860_000, "¥2.86M"),
        (figures.money_short, -1_200_000_000, "−¥1.20B"),
        (figures.money_short, 96_000, "¥96,000"),
        (figures.pct, 0.042, "4.2 %"),
        (figures.pct, Decimal("1"), "100.0 %"),
        (figures.pct, -0.0004, "0.0 %"),
        (figures.points, 0.021, "+2.1"),
        (figures.points, -0.003, "−0.3"),
        (figures.points, 0.0002, "0.0"),
        (figures.number, 86412, "86,412"),
        (figures.number, 0, "0"),
        (figures.number, 123456789012345678901, "123,456,789,012,345,678,901"),
        (figures.signed, -80000, "−80,000"),
        (figures.duration, 0.61, "0.6 s"),
        (figures.duration, 9.97, "10 s"),
        (figures.duration, 192, "3 min 12 s"),
        (figures.duration, 3599.7, "1 h"),
        (figures.duration, dt.timedelta(minutes=80), "1 h 20 min"),
    ],
)
def test_a_figure_reads_as_written_on_the_mockups(function, value, text):
    assert plain(function(value)) == text


@pytest.mark.parametrize("value", [None, "", float("nan"), float("inf")])
@pytest.mark.parametrize(
    "name", ["money", "signed_money", "money_short", "pct", "points", "number", "signed", "duration"]
)
def test_none_is_a_dash_and_never_a_zero(name, value):
    assert getattr(figures, name)(value) == "—"


def test_text_in_the_place_of_a_number_is_an_error_and_not_printed():
    with pytest.raises(ValueError, match="could not convert"):
        figures.money("12 thousand")


def test_decimals_can_be_chosen():
    assert figures.number(0.7712, 3) == "0.771"
    assert plain(figures.pct(0.14, 0)) == "14 %"
    assert figures.signed(0.019, 3) == "+0.019"


def test_an_interval_names_both_ends_and_is_a_dash_without_one():
    assert figures.interval(0.014, 0.028) == "+1.4 to +2.8"
    assert figures.interval(560, 1120, "number") == "560 to 1,120"
    assert figures.interval(663000, 1355000, "money") == "¥663,000 to ¥1,355,000"
    assert figures.interval(None, 0.028) == "—"
    with pytest.raises(KeyError):
        figures.interval(1, 2, "apples")


def test_dash_keeps_zero():
    assert figures.dash(0) == 0
    assert figures.dash("") == "—"


def test_a_day_names_the_year_only_when_it_is_another():
    this = timezone.localdate().replace(month=11, day=11)
    assert figures.day(this) == this.strftime("%a 11 Nov")
    assert figures.day(dt.date(2019, 11, 11)) == "Mon 11 Nov 2019"
    assert figures.short_day(dt.date(2019, 11, 1)) == "1 Nov 2019"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.0690, 0.0842, "+6.90 to +8.42"),
        (-0.0150, 0.0810, "−1.5 to +8.1"),
        (0.0, 0.02, "0.0 to +2.0"),
        (0.0, 0.0199, "0.00 to +1.99"),
    ],
)
def test_an_interval_has_the_decimals_half_its_width_can_bear(low, high, shown):
    assert figures.interval(low, high, f"points{figures.places(low, high)}") == shown


def test_days_follow_the_language():
    with translation.override("zh-hans"):
        assert "Nov" not in figures.day(dt.date(2019, 11, 11))


def test_a_moment_is_told_in_the_banks_time(settings):
    settings.TIME_ZONE = "Asia/Shanghai"
    now = timezone.now()
    assert figures.stamp(now) == f"{timezone.localtime(now):%H:%M} today"
    assert figures.stamp(dt.datetime(2019, 11, 10, 22, 12, tzinfo=dt.UTC)) == "11 Nov 2019 06:12"
    assert figures.clock(dt.datetime(2019, 11, 10, 22, 12, tzinfo=dt.UTC)) == "06:12"


def test_masks_keep_length_and_hide_the_middle():
    assert figures.masked_phone("13812342291") == "138****2291"
    assert figures.masked_id("31010119850101221X") == "3101**********221X"


@pytest.mark.parametrize("value", ["1", "12", "12345", "1234567", "123456789"])
def test_short_numbers_are_never_shown_whole(value):
    shown = figures.masked_phone(value)
    assert len(shown) == len(value)
    assert shown.count("*") >= max(1, len(value) // 2) - 1
    assert shown != value
