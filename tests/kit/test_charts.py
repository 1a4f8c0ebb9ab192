"""Charts say the same to the eye, to a screen reader and in the table behind, and draw what the figures are."""

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET

import pytest

from bankcrm.charts import bars, grids, lines, plots
from bankcrm.charts.svg import Scale
from bankcrm.charts.ticks import nice_bounds, nice_ticks


def tree(drawing):
    return ET.fromstring(f"<div>{drawing}</div>")


def marks(drawing, css):
    return [e for e in tree(drawing).iter() if css in (e.get("class") or "").split()]


def plain(text):
    return text.replace("\u00a0", " ")


def column(chart, at):
    return [row[at] for row in chart.option["dataset"]["source"]]


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


DECILES = [
    {"label": 1, "predicted": 0.10, "actual": 0.11, "low": 0.09, "high": 0.12, "more": ["400"]},
    {"label": 2, "predicted": 0.20, "actual": 0.11, "low": 0.09, "high": 0.12, "more": ["401"]},
]


def test_columns_stand_on_zero_and_the_table_says_what_is_drawn():
    chart = plots.columns(
        [{"label": "a", "value": 10, "more": ["x"]}, {"label": "b", "value": 20, "more": ["y"]}],
        axis_label="tenth",
        value_label="Lift",
        more=["Note"],
    )
    assert (chart.option["yAxis"]["min"], chart.option["yAxis"]["max"]) == (0, 20)
    assert chart.option["yAxis"]["labels"] == ["0", "5", "10", "15", "20"]
    assert column(chart, 1) == [10, 20]
    assert (chart.headers, chart.rows) == (["tenth", "Lift", "Note"], [["a", "10", "x"], ["b", "20", "y"]])
    assert chart.said == "a 10, b 20"


def test_columns_before_the_threshold_are_grey_and_a_second_one_is_hollow():
    rows = [{"label": str(i), "value": 5, "outline": 4} for i in range(4)]
    filled, hollow = plots.columns(rows, threshold=1, outline_label="v8").option["series"]
    assert filled["inks"] == ["--ctl", "--act", "--act", "--act"]
    assert hollow["itemStyle"]["color"] == "--card"
    assert hollow["encode"]["y"] == 2


def test_a_prediction_outside_the_interval_is_marked():
    chart = plots.dot_columns(DECILES, axis_label="decile", more=["Customers"])
    assert chart.option["series"][-1]["edges"] == ["--ink", "--warn-m"]
    assert "2: actual 11.0 %, predicted 20.0 %" in plain(chart.said)
    assert chart.headers == ["decile", "Predicted", "Actual", "95 % interval", "Customers"]
    assert [plain(cell) for cell in chart.rows[0]] == ["1", "10.0 %", "11.0 %", "9.0 % to 12.0 %", "400"]


def test_tenths_stand_along_the_foot_and_names_down_the_side():
    names = [{**row, "label": name} for row, name in zip(DECILES, ["Savings", "Personal loan"], strict=True)]
    assert plots.dot_columns(DECILES).option["xAxis"]["type"] == "category"
    chart = plots.dot_columns(names)
    assert chart.option["yAxis"]["data"] == ["Savings", "Personal loan"]
    assert chart.option["series"][0]["down"]


def test_a_line_over_dates_names_days_and_says_none_where_none_is_known():
    days = [dt.date(2019, month, 1) for month in (1, 2, 3)]
    chart = lines.line_chart(
        [{"label": "PSI", "points": list(zip(days, [0.1, None, 0.3], strict=True))}], y_format="decimal"
    )
    assert chart.option["xAxis"]["data"] == ["1 Jan 2019", "1 Feb 2019", "1 Mar 2019"]
    assert column(chart, 1) == [0.1, None, 0.3]
    assert [row[1] for row in chart.rows] == ["0.10", "—", "0.30"]
    assert chart.said == "PSI from 0.10 to 0.30, lowest 0.10, highest 0.30"


def test_lines_share_one_table_each_with_its_band_beside_it():
    chart = lines.line_chart(
        [
            {"label": "v1", "points": [(0, 0), (0.5, 0.8), (1, 1)]},
            {"label": "v2", "points": [(0.5, 0.7)], "low": [0.6], "high": [0.8]},
        ],
        x_format="pct0",
        y_format="pct0",
        more=[("Customers", {0.5: "40"})],
    )
    assert chart.headers == ["", "v1", "v2", "95 % interval", "Customers"]
    assert [plain(cell) for cell in chart.rows[1]] == ["50 %", "80 %", "70 %", "60 % to 80 %", "40"]
    assert chart.rows[0][2:] == ["—", "—", "—"]
    assert [one.get("draw") for one in chart.option["series"]] == [None, "band", None]


def test_a_line_axis_is_cut_only_on_request():
    series = [{"label": "AUC", "points": [(1, 0.77), (2, 0.78)]}]
    whole = lines.line_chart(series, y_format="decimal").option["yAxis"]
    cut = lines.line_chart(series, y_format="decimal", y_min=0.7, y_max=0.8).option["yAxis"]
    assert (whole["min"], cut["min"]) == (0, 0.7)
    assert cut["labels"][0] == "0.700"


@pytest.mark.parametrize("chart", [plots.columns, plots.dot_columns, plots.scatter])
def test_a_chart_without_rows_is_a_dash(chart):
    assert chart([]) == "—"


def test_a_line_chart_without_points_is_a_dash():
    assert lines.line_chart([{"label": "x", "points": []}]) == "—"


def test_text_in_a_chart_is_escaped_and_nothing_is_styled_inline():
    attack = "<script>alert(1)</script>\"'"
    chart = plots.columns(
        [{"label": attack, "value": 1}], target=1, target_label=attack, axis_label=attack, label=attack
    )
    figure = str(chart)
    assert "<script>" not in figure
    assert not re.search(r"\sstyle=", figure)
    drawn = ET.fromstring(figure).get("data-chart")
    assert json.loads(drawn) == json.loads(json.dumps(chart.option))


def test_the_table_in_the_figure_is_the_charts_own():
    figure = ET.fromstring(str(plots.dot_columns(DECILES, label="Deciles", more=["Customers"])))
    assert [cell.text for cell in figure.iter("td")][-1] == "401"
    assert figure.find(".//caption").text == "Deciles"
    assert figure.find("details").get("open") is None
    box = figure.find("div")
    assert (box.get("role"), box.get("tabindex")) == ("img", "0")
    assert plain(box.get("aria-label")).startswith("Deciles: 1: actual 11.0 %")


def test_round_ticks_lie_inside_the_range():
    assert nice_ticks(0, 0.042, 4) == [0, 0.02, 0.04]
    assert nice_bounds([3, 17]) == (0, 20)
    assert nice_bounds([0.02, -0.01], most=4) == (-0.01, 0.02)
    assert nice_bounds([]) == (0, 1)
    assert Scale(0, 10)(25) == 1


def test_a_heat_map_is_darker_with_the_count_and_every_square_points_at_its_cell():
    chart = grids.heat_map([[0, 1], [4, 2]], ["Mon", "Tue"], ["0", "2"])
    squares = chart.option["series"][0]["data"]
    assert [square["opacity"] for square in squares] == [0.5, 0.355, 1.0, 0.57]
    assert [chart.rows[i][j] for i, j in (square["cell"] for square in squares)] == ["0", "1", "4", "2"]
    assert chart.said == "most in Tue, 0: 4 of 7"


def test_a_heat_map_of_nothing_is_a_dash():
    assert grids.heat_map([[0, 0]], ["Mon"], ["0", "2"]) == "—"


def test_movement_draws_what_moved_and_its_table_holds_the_same():
    chart = grids.movement(
        [[90, 10], [0, 50]],
        ["Savers", "Spenders"],
        ["Savers", "Spenders"],
        ["From", "Customers", "Savers", "Spenders"],
        [["Savers", "100", "90", "10"], ["Spenders", "50", "0", "50"]],
        stays=[(0, 0), (1, 1)],
    )
    links = chart.option["series"][0]["links"]
    assert [(link["value"], link["lineStyle"]["color"]) for link in links] == [
        (90, "--ctl"),
        (10, "--act"),
        (50, "--ctl"),
    ]
    assert [chart.rows[i][j] for i, j in (link["cell"] for link in links)] == ["90", "10", "50"]
    assert [node["text"] for node in chart.option["series"][0]["data"]] == ["Savers", "Spenders"] * 2
    assert grids.movement([[0]], ["a"], ["a"], [], []) == "—"
