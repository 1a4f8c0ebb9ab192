"""Saying what columns mean in a browser: answers of the server never take back what is typed meanwhile."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from playwright.sync_api import expect

from customers import imports

pytestmark = pytest.mark.browser
ROWS = b"id;wer;seit;punkte\nC1;Anna;2020-01-31;7\nC2;Berta;2021-02-28;9\n"


@pytest.fixture(autouse=True)
def own_files(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def received(cast):
    file = ContentFile(ROWS, "kunden.csv")
    return imports.receive(file, "customers", cast.ana, "kunden.csv")


def test_what_is_typed_while_the_server_answers_stays(page, received, sign_in, complaints):
    sign_in(page, "ana", f"/imports/{received.pk}/map/")
    held = []
    page.route("**/map/?draft*", lambda route: held.append(route))  # noqa: PLW0108  # Playwright marks it, which a built-in forbids
    meaning = page.get_by_label("wer", exact=True)
    meaning.select_option("name")
    source, called = page.get_by_label("Source"), page.locator("#id_own_label_3")
    called.fill("Points of the club")
    source.press_sequentially("cards")
    page.wait_for_timeout(100)
    assert len(held) == 1, "one question at a time, the others wait"
    held.pop().continue_()
    # A name is no longer asked for, and nobody's hand was taken off the keyboard.
    expect(page.locator("[data-asks=constant_name]")).to_be_hidden()
    source.press_sequentially("-core")
    expect(source).to_have_value("cards-core")
    expect(called).to_have_value("Points of the club")
    expect(meaning).to_have_value("name")
    page.unroute("**/map/?draft*")
    # The name typed for every row is there again when no column gives it.
    meaning.select_option("")
    shared = page.locator("#id_constant_name")
    expect(shared).to_be_visible()
    shared.fill("Customer {id}")
    meaning.select_option("name")
    expect(shared).to_be_hidden()
    meaning.select_option("")
    expect(shared).to_be_visible()
    expect(shared).to_have_value("Customer {id}")
    page.locator("#id_own_type_3").select_option("flag")
    expect(page.locator("#words-3")).to_contain_text("2 words of the file")
    expect(called).to_have_value("Points of the club")
    page.get_by_role("button", name="Save and check the rows").click()
    page.wait_for_url(f"**/imports/{received.pk}/")
    received.refresh_from_db()
    assert received.source == "cards-core"
    assert received.options["constants"]["name"] == "Customer {id}"
    assert received.options["own"][received.mapping["punkte"]]["label"] == "Points of the club"
    assert complaints == []
