"""Finding a customer from anywhere without the mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import facts

pytestmark = pytest.mark.browser


@pytest.fixture
def bank(cast):
    north = {"home_branch": cast.tree.n1, "primary_rm": cast.rita}
    return [facts.customer(name, **north) for name in ("王建国", "王芳", "Li Jianguo")]


def test_slash_opens_the_search_arrows_choose_and_enter_opens(page, bank, sign_in, complaints):
    sign_in(page, "rita", "/customers/")
    field, options = (
        page.get_by_role("combobox", name="Find a customer"),
        page.locator("#search-found [role=option]"),
    )
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("王")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.last).to_have_attribute("aria-selected", "true")
    chosen = options.last.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{chosen}")
    # The customer just looked at is offered before anything is typed, and Esc leaves.
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.get_by_text("Looked at last")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#search-found")).to_be_hidden()
    expect(field).not_to_be_focused()
    assert complaints == []


def test_a_typing_error_finds_the_name_and_the_address_says_nothing_of_it(page, bank, sign_in):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "rita", "/customers/")
    page.keyboard.press("/")
    page.keyboard.type("jiangou")
    expect(page.locator("#search-found [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customers/\d+/$"))
    assert not [url for url in asked if "jiang" in url]
