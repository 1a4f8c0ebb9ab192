"""The kit in a real browser: strict CSP, keyboard, phone, toasts, refusals, lost sessions and lost lines."""

import re

import pytest

from bankcrm import context
from tests.cast import PASSWORD
from tests.kit import pages
from tests.kit.example_data import ATTACK

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def kit_pages(settings, monkeypatch):
    pages.open_to_everybody(settings, monkeypatch)
    monkeypatch.setattr(context, "FRAME_LINKS", {"search_url": "kit-example", "runs_url": "kit-slow"})


@pytest.fixture
def desk(page, cast, sign_in):
    sign_in(page, "mei", "/kit/")
    return page


@pytest.fixture
def hand(phone, cast, sign_in):
    sign_in(phone, "mei", "/kit/")
    return phone


def toasts(page):
    return page.locator(".toast-k .txt")


def test_the_whole_kit_loads_without_a_complaint(desk, complaints):
    desk.wait_for_load_state("networkidle")
    assert complaints == []
    assert desk.evaluate("getComputedStyle(document.body).fontFamily").startswith("Inter")
    assert desk.evaluate("document.fonts.check('13px Inter')")


def test_nothing_scrolls_sideways_on_a_small_phone_and_buttons_fit_a_thumb(hand, complaints):
    assert hand.evaluate("document.documentElement.scrollWidth") == 360
    small = hand.evaluate(
        """[...document.querySelectorAll('.btn, .rail a, .rail button, .icon-btn, .person, .out, .tabs a, select')]
           .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
    )
    assert small == []
    assert complaints == []


def test_on_the_phone_a_table_becomes_cards_that_name_their_figures(hand):
    cell = hand.locator("td[data-label=Expected]").first
    assert (
        hand.evaluate("e => getComputedStyle(e, '::before').content", cell.element_handle()) == '"Expected"'
    )
    assert hand.locator("thead").first.bounding_box()["height"] <= 1


def test_a_toast_is_text_whatever_it_says_and_can_be_undone(desk, complaints):
    desk.get_by_role("button", name="Submit", exact=False).first.click()
    assert toasts(desk).first.text_content() == f"Saved {ATTACK} 王建国"
    with desk.expect_request("**/kit/saved/") as undone:
        desk.locator(".toast-k").get_by_role("button", name="Undo").click()
    assert undone.value.method == "POST"
    assert undone.value.headers["x-csrftoken"]
    assert complaints == []


def test_rows_are_walked_ticked_and_opened_by_keyboard(desk):
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("x")
    assert desk.locator("[data-row].sel").get_by_text("黄建军").count() == 1
    assert desk.locator("[data-count]").text_content() == "Move 1 leads"
    desk.keyboard.press("k")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/kit/?lead=1")


def test_one_tick_selects_all_rows(desk):
    assert desk.locator("[data-count]").is_disabled()
    desk.locator("[data-select-all]").check()
    assert desk.locator("[data-count]").text_content() == "Move 3 leads"
    desk.locator("[data-row] input").first.uncheck()
    assert desk.evaluate("document.querySelector('[data-select-all]').indeterminate")


def test_slash_finds_and_keys_sleep_inside_text_fields(desk):
    desk.keyboard.press("/")
    desk.keyboard.type("u3?")
    assert desk.get_by_label("Find a customer").first.input_value() == "u3?"
    assert toasts(desk).count() == 0
    assert not desk.locator("#keys").is_visible()


def test_a_digit_chooses_the_outcome_and_another_changes_it(desk):
    desk.keyboard.press("1")
    assert desk.locator("input[value=interested]").is_checked()
    desk.keyboard.press("5")
    assert desk.locator("input[value='no answer']").is_checked()


def test_the_sheet_lists_the_keys_of_this_page_and_switches_them_off_for_good(desk):
    desk.keyboard.press("?")
    sheet = desk.locator("#keys")
    assert sheet.get_by_text("Do not contact").count() == 1
    assert sheet.get_by_text("next, previous row").count() == 1
    sheet.get_by_role("checkbox").uncheck()
    desk.keyboard.press("Escape")
    desk.keyboard.press("1")
    assert desk.locator("input[value=later]").is_checked()
    desk.reload()
    desk.keyboard.press("1")
    assert desk.locator("input[value=later]").is_checked()


def test_a_definition_opens_by_keyboard_and_closes_with_escape(desk):
    desk.get_by_role("button", name="What does Uplift mean?").first.focus()
    desk.keyboard.press("Enter")
    shown = desk.locator(".def:popover-open")
    assert "Treated rate minus control rate" in shown.text_content()
    desk.keyboard.press("Escape")
    assert shown.count() == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "Not allowed\nYour role or your branch does not include this.\nNothing was changed."),
        (404, "Not here"),
        (409, "Somebody else was faster"),
        (500, "Something broke on our side"),
    ],
)
def test_a_refusal_is_told_and_leaves_the_page_as_it_was(desk, code, words):
    desk.locator(f"#fail-{code}").click()
    assert toasts(desk).first.text_content().startswith(words)
    assert desk.locator("#swapped").text_content() == ""


def test_the_same_refusal_again_is_told_once_until_it_is_closed(desk):
    for _again in range(3):
        with desk.expect_response("**/kit/fail/500/"):
            desk.locator("#fail-500").click()
    desk.locator("#fail-404").click()
    toasts(desk).get_by_text("Not here").wait_for()
    assert toasts(desk).count() == 2
    desk.locator(".toast-k", has_text="Something broke").get_by_role("button", name="Close").click()
    desk.locator("#fail-500").click()
    desk.locator(".toast-k", has_text="Something broke").wait_for()


def test_a_form_that_is_wrong_comes_back_into_its_place(desk):
    desk.locator("#fail-422").click()
    desk.locator("#swapped").get_by_text("answer 422").wait_for()
    assert toasts(desk).count() == 0


def test_an_ended_session_shows_sign_in_as_a_page_and_returns(desk):
    desk.context.clear_cookies()
    desk.locator("#fail-422").click()
    desk.wait_for_url(re.compile(r"/login/\?next=%2Fkit%2F"))
    desk.get_by_label("Username").fill("mei")
    desk.get_by_label("Password").fill(PASSWORD)
    desk.get_by_role("button", name="Sign in").click()
    desk.wait_for_url("**/kit/")


def test_a_lost_line_is_said_and_taken_back(desk):
    desk.context.set_offline(True)
    desk.locator("#fail-422").click()
    desk.locator("#offline").wait_for(state="visible")
    desk.context.set_offline(False)
    desk.locator("#fail-422").click()
    desk.locator("#offline").wait_for(state="hidden")


def test_a_destructive_act_asks_once_and_no_means_no(desk):
    sent = []
    desk.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    fill(desk)
    desk.get_by_role("button", name="Delete").first.click()
    desk.locator("#confirm").get_by_role("button", name="Cancel").click()
    desk.wait_for_timeout(100)
    assert sent == []
    desk.get_by_role("button", name="Delete").first.click()
    with desk.expect_request("**/kit/slow/"):
        desk.locator("#confirm").get_by_role("button", name="Delete").click()
    assert len(sent) == 1


def test_a_form_is_sent_once_and_shows_that_it_is_under_way(desk):
    fill(desk)
    sent, busy = desk.get_by_role("button", name="Save").evaluate(
        """button => {
            let sent = 0;
            // The window hears last: what is not prevented by then goes out.
            window.addEventListener("submit", event => { sent += !event.defaultPrevented; event.preventDefault(); });
            button.click();
            button.click();
            return [sent, button.getAttribute("aria-busy")];
        }"""
    )
    assert (sent, busy) == (1, "true")


def test_a_dialog_opens_and_closes_by_keyboard(desk):
    desk.get_by_role("button", name="Compare scenario").press("Enter")
    assert desk.locator("#demo-dialog").is_visible()
    desk.keyboard.press("Escape")
    assert not desk.locator("#demo-dialog").is_visible()


def test_a_filter_applies_as_soon_as_it_is_chosen(desk):
    desk.get_by_label("Product", exact=True).first.select_option("Fund")
    desk.wait_for_url("**/kit/?product=Fund*")


def test_signing_out_from_the_person_menu(desk):
    desk.get_by_role("button", name="Mei: account").click()
    desk.get_by_role("button", name="Sign out").click()
    desk.wait_for_url("**/login/")


def test_the_first_tab_stop_skips_to_the_content(desk):
    desk.evaluate("document.activeElement.blur()")
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.activeElement.className") == "skip"


def fill(page):
    """What the browser itself would otherwise refuse to send."""
    form = page.locator("form.form")
    form.get_by_label("Name").fill("x")
    form.get_by_label("Start").fill("2026-11-11")
    form.get_by_label("SMS").check()


def test_on_the_phone_the_workspace_shows_one_pane_and_keeps_the_outcomes(hand):
    hand.goto("/kit/workspace/")
    assert hand.locator(".ld").is_visible()
    assert not hand.locator(".c360").is_visible()
    hand.get_by_role("button", name="Customer").click()
    assert hand.locator(".c360").is_visible()
    assert not hand.locator(".ld").is_visible()
    assert hand.locator(".dock").bounding_box()["y"] > 400
    assert hand.evaluate("document.documentElement.scrollWidth") == 360


def test_at_a_desk_the_workspace_shows_every_pane_and_the_window_does_not_scroll(desk):
    desk.goto("/kit/workspace/")
    for pane in (".q", ".ld", ".c360", ".dock"):
        assert desk.locator(pane).is_visible()
    assert desk.evaluate("document.documentElement.scrollHeight") == 900
