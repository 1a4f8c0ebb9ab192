"""Charts say the same to the eye and to a screen reader, and draw what the figures are."""

import datetime as dt
import re
import xml.etree.ElementTree as ET

import pytest

from bankcrm.charts import bars, grids, plots
from bankcrm.charts.svg import Scale, nice_bounds, nice_ticks


def tree(drawing):
    return ET.fromstring(f"<div>{drawing}</div>")


def marks(drawing, css):
    return [e for e in tree(drawing).iter() if css in (e.get("class") or "").split()]


def label(drawing):
    return (
        next(e for e in tree(drawing).iter("svg") if e.get("role") == "img")
        .get("aria-label")
        .replace("\u00a0", " ")
    )


def test_an_interval_that_excludes_zero_is_filled():
    drawing = bars.interval_bar(0.014, 0.021, 0.028, -0.01, 0.03)
    assert [e.tag for e in marks(drawing, "f-act")] == ["rect"]
    assert label(drawing) == "+2.1, interval +1.4 to +2.8"


def test_an_interval_that_includes_zero_is_hollow_and_grey():
    drawing = bars.interval_bar(-0.003, 0.002, 0.008, -0.01, 0.03)
    assert not marks(drawing, "f-act")
    assert [e.tag for e in marks(drawing, "f-none")] == ["circle"]


def test_the_point_stands_at_its_value():
    square = marks(bars.interval_bar(0.01, 0.02, 0.03, -0.01, 0.04), "f-act")[0]
    assert square.get("x") == "60%"


def test_an_end_outside_the_axis_has_no_cap():
    whole = bars.interval_bar(0.01, 0.02, 0.03, -0.01, 0.04)
    cut = bars.interval_bar(0.01, 0.02, 0.09, -0.01, 0.04)
    assert len(marks(whole, "k-act")) == 3
    assert len(marks(cut, "k-act")) == 2


def test_an_interval_bar_without_an_interval_is_a_dash():
    assert bars.interval_bar(None, 0.02, 0.03, -0.01, 0.04) == "—"


def test_a_share_bar_shows_the_peers():
    drawing = bars.share_bar(0.4, peer=0.31, width=100)
    assert marks(drawing, "f-act")[0].get("width") == "40"
    assert marks(drawing, "k-ink")[0].get("x1") == "31"
    assert label(drawing) == "40 %, peers 31 %"


def test_use_over_capacity_is_amber_beyond_the_tick():
    over, under = bars.capacity_bar(1.31), bars.capacity_bar(0.78, after=0.9)
    assert marks(over, "f-warn")
    assert not marks(under, "f-warn")
    assert label(under) == "78 % of capacity, 90 % after"


def test_a_result_outside_the_forecast_is_amber_and_said():
    assert marks(bars.forecast_bar(560, 1120, 840, 1300), "f-warn")
    assert label(bars.forecast_bar(560, 1120, 840, 1300)).endswith("outside")
    assert not marks(bars.forecast_bar(560, 1120, 840, 900), "f-warn")


def test_a_spark_line_skips_what_is_missing():
    assert label(bars.spark([1, None, 3])) == "from 1 to 3, lowest 1, highest 3"
    assert bars.spark([1, None]) == "—"


def test_columns_stand_on_zero_with_heights_in_proportion():
    drawing = plots.columns([{"label": "a", "value": 10}, {"label": "b", "value": 20}])
    first, second = (float(e.get("height")) for e in marks(drawing, "f-act"))
    assert second == pytest.approx(2 * first)
    assert {t.text for t in tree(drawing).iter("text")} >= {"0", "10", "20", "a", "b"}


def test_columns_before_the_threshold_are_grey():
    rows = [{"label": str(i), "value": 5} for i in range(4)]
    assert len(marks(plots.columns(rows, threshold=1), "f-ctl")) == 1


def test_a_prediction_outside_the_interval_is_marked():
    rows = [
        {"label": 1, "predicted": 0.10, "actual": 0.11, "low": 0.09, "high": 0.12},
        {"label": 2, "predicted": 0.20, "actual": 0.11, "low": 0.09, "high": 0.12},
    ]
    drawing = plots.dot_columns(rows)
    assert len(marks(drawing, "k-warn")) == 1
    assert "2: actual 11.0 %, predicted 20.0 %" in label(drawing)


def test_a_line_over_dates_names_days_and_leaves_gaps_out():
    days = [dt.date(2019, month, 1) for month in (1, 2, 3)]
    drawing = plots.line_chart(
        [{"label": "PSI", "points": list(zip(days, [0.1, None, 0.3], strict=True))}], y_format="decimal"
    )
    path = next(e for e in tree(drawing).iter("path"))
    assert path.get("d").count("L") == 1
    assert "1 Jan 2019" in {t.text for t in tree(drawing).iter("text")}
    assert label(drawing) == "PSI from 0.10 to 0.30, lowest 0.10, highest 0.30"


def test_a_line_axis_is_cut_only_on_request():
    series = [{"label": "AUC", "points": [(1, 0.77), (2, 0.78)]}]
    whole = {t.text for t in tree(plots.line_chart(series, y_format="decimal")).iter("text")}
    cut = {
        t.text for t in tree(plots.line_chart(series, y_format="decimal", y_min=0.7, y_max=0.8)).iter("text")
    }
    assert "0" in whole or "0.0" in whole
    assert not {"0", "0.0"} & cut


@pytest.mark.parametrize("chart", [plots.columns, plots.dot_columns, plots.scatter])
def test_a_chart_without_rows_is_a_dash(chart):
    assert chart([]) == "—"


def test_a_line_chart_without_points_is_a_dash():
    assert plots.line_chart([{"label": "x", "points": []}]) == "—"


def test_text_in_a_chart_is_escaped_and_nothing_is_styled_inline():
    attack = "<script>alert(1)</script>\"'"
    drawing = plots.columns([{"label": attack, "value": 1}], target=1, target_label=attack, axis_label=attack)
    assert "<script>" not in drawing
    assert not re.search(r"\sstyle=", drawing)
    tree(drawing)


def test_round_ticks_lie_inside_the_range():
    assert nice_ticks(0, 0.042, 4) == [0, 0.02, 0.04]
    assert nice_bounds([3, 17]) == (0, 20)
    assert nice_bounds([0.02, -0.01], most=4) == (-0.01, 0.02)
    assert nice_bounds([]) == (0, 1)
    assert Scale(0, 10)(25) == 1


def test_a_narrow_drawing_may_hide_every_second_long_label():
    months = [f"{name} 26" for name in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul")]
    for drawing in (
        plots.columns([{"label": month, "value": 1} for month in months]),
        plots.line_chart([{"label": "AUM", "points": [(month, 1) for month in months]}]),
    ):
        assert [e.text for e in marks(drawing, "alt")] == ["Feb 26", "Apr 26", "Jun 26"]
    assert not marks(plots.columns([{"label": str(number), "value": 1} for number in range(10)]), "alt")


def test_a_heat_map_is_darker_with_the_count_and_every_square_says_it():
    drawing = grids.heat_map([[0, 1], [4, 2]], ["Mon", "Tue"], ["0", "2"])
    squares = marks(drawing, "f-act")
    assert [square.get("fill-opacity") for square in squares] == ["0.35", "1", "0.57"]
    assert [square.find("title").text for square in squares] == ["Mon, 2: 1", "Tue, 0: 4", "Tue, 2: 2"]
    assert len(marks(drawing, "f-ctl-l")) == 2  # a track under each row, which shows where nothing is
    assert label(drawing) == "most in Tue, 0: 4 of 7"


def test_a_heat_map_of_nothing_is_a_dash():
    assert grids.heat_map([[0, 0]], ["Mon"], ["0", "2"]) == "—"


def test_names_under_dots_stand_on_two_lines_and_numbers_on_one():
    row = {"predicted": 0.1, "actual": 0.2, "low": 0.1, "high": 0.3}
    numbers = str(plots.dot_columns([{**row, "label": "1"}, {**row, "label": "2"}], height=160))
    names = str(
        plots.dot_columns([{**row, "label": "Savings"}, {**row, "label": "Personal loan"}], height=160)
    )
    assert 'y="156"' in numbers
    assert 'y="170"' not in numbers
    assert 'y="156"' in names
    assert 'y="170"' in names
