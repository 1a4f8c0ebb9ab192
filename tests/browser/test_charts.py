"""Charts in a real browser: drawn from their tables under the strict policy; by pointer, by key, without a script."""

import re

import pytest

from bankcrm import context
from tests.cast import PASSWORD
from tests.kit import pages

pytestmark = pytest.mark.browser
KINDS = ["columns", "dots", "names", "band", "gains", "calibration", "heat", "profile", "movement"]
PAINTED = """figure => {
  const canvas = figure.querySelector("canvas"), { width, height } = canvas;
  const inks = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  return inks.filter(ink => ink).length / inks.length;
}"""


@pytest.fixture(autouse=True)
def kit_pages(settings, monkeypatch):
    pages.open_to_everybody(settings, monkeypatch)
    monkeypatch.setattr(context, "FRAME_LINKS", {"search_url": "kit-example", "runs_url": "kit-slow"})


def opened(page, sign_in):
    sign_in(page, "mei", "/kit/charts/")
    page.locator("figure[data-drawn]").nth(len(KINDS) - 1).wait_for(state="attached")
    return page


def cells(page, kind, row):
    shown = page.locator(f"#{kind} tbody tr").nth(row).locator("th, td")
    return [text.replace("\u00a0", " ") for text in shown.all_text_contents()]


def test_every_kind_is_drawn_and_its_table_holds_the_figures_drawn(page, cast, sign_in, complaints):
    opened(page, sign_in)
    for kind in KINDS:
        painted = page.locator(f"#{kind} figure").evaluate(PAINTED)
        assert painted > 0.005, f"{kind} is blank"
    drawn = page.locator("#columns figure").evaluate("f => JSON.parse(f.dataset.chart).dataset.source")
    for row, (_place, value, outline) in enumerate(drawn):
        assert cells(page, "columns", row)[1:] == [f"{value:.2f}", f"{outline:.2f}"]
    links = page.locator("#movement figure").evaluate("f => JSON.parse(f.dataset.chart).series[0].links")
    for link in links:
        row, column = link["cell"]
        assert cells(page, "movement", row)[column] == str(link["value"])
    assert complaints == []


def test_pointing_at_a_mark_tells_its_row_of_the_table(page, cast, sign_in, complaints):
    opened(page, sign_in)
    box = page.locator("#columns .chart-box")
    box.scroll_into_view_if_needed()
    size = box.bounding_box()
    page.mouse.move(size["x"] + size["width"] * 0.97, size["y"] + size["height"] * 0.5)
    tip = page.locator("#columns .chart-tip")
    tip.wait_for(state="visible")
    name, value, outline = cells(page, "columns", 9)
    assert [line.inner_text() for line in tip.locator("b, div div").all()] == [
        f"decile: {name}",
        f"v7: {value}",
        f"v8: {outline}",
    ]
    assert complaints == []


def test_arrow_keys_walk_the_figures_and_a_screen_reader_hears_them(page, cast, sign_in):
    opened(page, sign_in)
    heard = page.locator("#dots [aria-live]")
    page.locator("#dots .chart-box").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told = heard.text_content().replace("\u00a0", " ")
    assert told.startswith("decile: 2, Predicted: 9.1 %, Actual: 9.0 %")
    page.locator("#dots .chart-tip").wait_for(state="visible")
    page.keyboard.press("Escape")
    assert heard.text_content() == ""
    page.locator("#profile .chart-box").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#profile [aria-live]").text_content() == (
        "AUM · Wealthy, ▲ ¥2,272,429, 9.1 times the average"
    )


def test_a_chart_that_is_swapped_in_is_drawn_too(page, cast, sign_in, complaints):
    opened(page, sign_in)
    page.locator("#swap").click()
    page.locator("#columns figure[data-drawn] caption", has_text="Closed this week").wait_for(
        state="attached"
    )
    assert page.locator("#columns figure").evaluate(PAINTED) > 0.005
    assert cells(page, "columns", 0) == ["Mon", "16"]
    assert complaints == []


def test_on_a_small_phone_charts_keep_to_the_width(phone, cast, sign_in, complaints):
    opened(phone, sign_in)
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    widths = phone.locator(".chart-box canvas").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().width)"
    )
    assert max(widths) <= 360
    assert complaints == []


def test_paper_is_not_wider_than_the_page(page, cast, sign_in):
    opened(page, sign_in)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    # Nothing that stands below a chart may be printed over it.
    for box in page.locator(".chart-box").all():
        room, drawing = box.bounding_box(), box.locator("canvas").first.bounding_box()
        assert drawing["height"] > 40
        assert drawing["y"] + drawing["height"] <= room["y"] + room["height"] + 1


def test_where_echarts_does_not_come_the_tables_are_unfolded(page, cast, sign_in):
    page.route("**/echarts*.js", lambda route: route.abort())
    sign_in(page, "mei", "/kit/charts/")
    page.locator("#dots table").wait_for(state="visible")
    assert not page.locator("#dots .chart-box").is_visible()


def test_without_scripts_the_tables_stand_there(browser, live_server, cast):
    opened_without = browser.new_context(base_url=str(live_server), java_script_enabled=False)
    page = opened_without.new_page()
    page.goto("/login/?next=/kit/charts/")
    page.get_by_label("Username").fill("mei")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/kit/charts/")
    assert page.locator("#dots table").is_visible()
    assert not page.locator("#dots .chart-box").is_visible()
    opened_without.close()


def test_a_page_without_charts_does_not_fetch_what_draws_them(page, cast, sign_in):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "mei", "/kit/workspace/")
    page.wait_for_load_state("networkidle")
    assert any(re.search(r"/charts[.\w]*\.js", url) for url in asked)
    assert not any("echarts" in url for url in asked)
