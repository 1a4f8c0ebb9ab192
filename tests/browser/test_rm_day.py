"""A relationship manager's day in a real browser: by keyboard, on the phone, beside a colleague, offline."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from campaigns import queue
from campaigns.models import FollowUp, Lead, LeadNote
from customers.models import Consent
from tests.campaigns import factories

pytestmark = pytest.mark.browser


@pytest.fixture
def leads(cast, monkeypatch):
    """Twelve leads of Rita, due on the day on which the product lives."""
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)
    factories.make_customers(12, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    return list(queue.waiting(cast.rita))


def opened(page):
    """The id of the lead on screen once the page has claimed it."""
    expect(page.locator("#claim")).to_contain_text("Yours since")
    return int(page.locator("#main").get_attribute("data-lead"))


def settle(page, before):
    expect(page.locator("#main")).not_to_have_attribute("data-lead", str(before))
    return opened(page)


def test_rita_works_ten_leads_without_touching_the_mouse(page, leads, sign_in, complaints):
    sign_in(page, "rita", "/my-day/")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/leads/\d+/"))
    now = opened(page)
    worked = []
    for number, key in enumerate("1245125124"):
        assert now == leads[number].pk
        page.keyboard.press(key)
        if number % 3 == 0:
            page.keyboard.press("n")
            page.keyboard.type(f"note {number}")
        page.keyboard.press("Enter")
        worked.append(now)
        now = settle(page, now)
    typed = list(FollowUp.objects.order_by("pk").values_list("lead", "outcome", "note"))
    assert [row[0] for row in typed] == worked
    assert [row[1] for row in typed][:4] == ["interested", "later", "declined", "no_answer"]
    assert typed[3][2] == "note 3"
    page.keyboard.press("u")
    assert settle(page, now) == worked[-1]
    expect(page).to_have_url(re.compile(rf"/leads/{worked[-1]}/$"))
    assert FollowUp.objects.filter(undone_at__isnull=False).count() == 1
    assert complaints == []


def test_the_next_step_is_proposed_for_the_outcome_and_snooze_is_a_key_away(page, leads, sign_in):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    step = page.locator("[name=next_step]")
    expect(step).to_be_hidden()
    page.keyboard.press("1")
    expect(step).to_have_value("meeting")
    expect(page.locator("[name=next_at]")).to_have_value("2026-11-27T10:00")
    page.keyboard.press("4")
    expect(step).to_be_hidden()
    expect(page.locator("[name=reason_code]")).to_be_visible()
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    settle(page, leads[0].pk)
    assert Lead.objects.get(pk=leads[0].pk).next_at is not None
    assert not FollowUp.objects.exists()


def test_at_900_pixels_the_window_of_the_workspace_does_not_scroll(page, leads, sign_in, complaints):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    expect(page.locator("#tab360")).to_contain_text("AUM")
    size = page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert size == [900, 1440]
    assert complaints == []


def test_the_second_person_sees_who_has_the_lead_and_cannot_write(page, leads, sign_in, cast):
    queue.claim(leads[0].pk, cast.bao)
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    expect(page.locator("#claim")).to_contain_text("Bao has had this lead since")
    expect(page.locator("[name=outcome]")).to_have_count(0)
    expect(page.locator(".q li[aria-current]")).to_contain_text("Bao has it since")


def test_a_lead_taken_while_the_page_was_open_is_told_when_saving(page, leads, sign_in, cast):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    Lead.objects.filter(pk=leads[0].pk).update(claimed_by=cast.bao)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("#claim")).to_contain_text("Bao has had this lead since")
    assert not FollowUp.objects.exists()


def test_the_call_button_gives_the_number_and_an_objection_takes_it_away(page, leads, sign_in):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    phone = leads[0].customer.phone
    expect(page.locator("body")).not_to_contain_text(phone)
    page.keyboard.press("c")
    expect(page.locator("a[data-dial]")).to_have_attribute("href", f"tel:{phone}")
    Consent.objects.create(
        customer=leads[1].customer, channel="phone", is_objection=True, since=factories.TODAY
    )
    page.goto(f"/leads/{leads[1].pk}/")
    expect(page.locator(".ld")).to_contain_text("Do not call.")
    expect(page.locator("#call")).to_have_count(0)


def test_an_outcome_typed_without_a_connection_is_kept_and_sent_once(page, leads, sign_in):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("5")
    page.keyboard.press("n")
    page.keyboard.type("nobody at home")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits for the connection")
    kept = page.evaluate("localStorage.getItem('bankcrm.outbox')")
    assert '"outcome":"no_answer"' in kept
    assert "nobody" not in kept
    assert not FollowUp.objects.exists()
    page.context.set_offline(False)
    settle(page, leads[0].pk)
    expect(page.locator(".toast-k")).to_contain_text("your outcome was sent")
    done = FollowUp.objects.get()
    assert (done.lead_id, done.outcome, done.note) == (leads[0].pk, "no_answer", "nobody at home")
    assert page.evaluate("localStorage.getItem('bankcrm.outbox')") is None
    page.reload()
    opened(page)
    assert FollowUp.objects.count() == 1


def test_an_outcome_kept_offline_waits_for_its_owner_whoever_signs_in(page, leads, sign_in, cast):
    mine, other = leads[0], leads[1]
    Lead.objects.filter(pk=other.pk).update(rm=cast.raj, branch=cast.raj.branch)
    sign_in(page, "rita", f"/leads/{mine.pk}/")
    opened(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits for the connection")
    # The page goes, the line is back, and a colleague signs in on the same device.
    page.context.clear_cookies()
    page.goto("about:blank")
    page.context.set_offline(False)
    sign_in(page, "raj", f"/leads/{other.pk}/")
    opened(page)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#outbox")).to_be_hidden()
    assert f'"owner":"{cast.rita.pk}"' in page.evaluate("localStorage.getItem('bankcrm.outbox')")
    assert not FollowUp.objects.exists()
    page.context.clear_cookies()
    sign_in(page, "rita", f"/leads/{mine.pk}/")
    settle(page, mine.pk)
    done = FollowUp.objects.get()
    assert (done.lead_id, done.by, done.outcome) == (mine.pk, cast.rita, "no_answer")
    assert page.evaluate("localStorage.getItem('bankcrm.outbox')") is None


def test_a_page_left_open_does_not_send_under_the_next_persons_session(page, leads, sign_in, cast):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits")
    page.route("**/outcome/", lambda route: route.abort())
    page.context.set_offline(False)
    # Bao, who may work on this very lead, signs in beside the page; only then the page tries again.
    page.context.clear_cookies()
    beside = page.context.new_page()
    sign_in(beside, "bao", "/team/")
    page.unroute("**/outcome/")
    with page.expect_response("**/outcome/") as answer:
        page.evaluate("window.dispatchEvent(new Event('online'))")
    assert answer.value.status == 403
    assert not FollowUp.objects.exists()
    assert "no_answer" in page.evaluate("localStorage.getItem('bankcrm.outbox')")


def test_on_a_small_phone_nothing_scrolls_sideways_and_targets_fit_a_thumb(phone, leads, sign_in, complaints):
    sign_in(phone, "rita", "/my-day/")
    for path in ("/my-day/", "/leads/", "/calendar/", "/my-results/", f"/leads/{leads[0].pk}/"):
        phone.goto(path)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, path
        if phone.locator(".dock").count():
            # The dock is fixed, so the document does not grow when it is too wide.
            phone.locator(".out").first.tap()
            assert phone.evaluate("document.querySelector('.dock').scrollWidth") <= 360
        small = phone.evaluate(
            """[...document.querySelectorAll('main .btn, main .out, main .tel, main select, main .tabs :is(a, button)')]
               .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
        )
        assert small == [], path
    assert complaints == []


def test_on_the_phone_a_lead_is_worked_by_touch(phone, leads, sign_in):
    sign_in(phone, "rita", f"/leads/{leads[0].pk}/")
    opened(phone)
    for pane, shown in (("c360", "#tab360"), ("tlp", ".tlp"), ("q", ".q"), ("ld", ".ld h1")):
        phone.locator(f"[data-pane={pane}]").tap()
        expect(phone.locator(shown)).to_be_visible()
    phone.locator(".out", has_text="No answer").tap()
    phone.get_by_role("button", name="Save, next").tap()
    settle(phone, leads[0].pk)
    assert FollowUp.objects.get().outcome == "no_answer"


COVERED = """(all, told) => all.filter((one) => {
    const box = one.getBoundingClientRect();
    return box.left < told.x + told.width && told.x < box.right
        && box.top < told.y + told.height && told.y < box.bottom;
}).map((one) => one.outerHTML)"""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_what_was_saved_is_told_once_and_covers_nothing_one_works_with(page, leads, sign_in, width, height):
    page.set_viewport_size({"width": width, "height": height})
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    now = opened(page)
    for _save in range(3):
        page.locator(".out", has_text="No answer").click(timeout=1000)
        page.get_by_role("button", name="Save, next").click(timeout=1000)
        now = settle(page, now)
    toast = page.locator(".toast-k")
    expect(toast).to_have_count(1)
    expect(toast).to_contain_text("Saved: no answer")
    told = toast.bounding_box()
    covered = page.locator("main :is(a, button, input, select):visible").evaluate_all(COVERED, told)
    assert covered == []
    under = page.evaluate(
        "([x, y]) => !document.elementFromPoint(x, y).closest('.toasts')", [told["x"] + 60, told["y"] + 8]
    )
    assert under, "a click on the words goes to the page below"


def test_the_button_names_the_customer_it_opens(page, leads, sign_in):
    """A call that was agreed for earlier comes first although the lead is due later."""
    last = leads[-1]
    Lead.objects.filter(pk=last.pk).update(
        due_on=factories.TODAY + dt.timedelta(days=30), next_at=queue.moment() - dt.timedelta(days=40)
    )
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    expect(page.locator(".savenext")).to_contain_text(last.customer.name)
    expect(page.locator(".q li a").first).to_contain_text(last.customer.name)
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert settle(page, leads[0].pk) == last.pk


def test_an_outcome_kept_offline_is_sent_and_told_of_from_ones_day_too(page, leads, sign_in):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("5")
    page.keyboard.press("n")
    page.keyboard.type("nobody at home")
    page.keyboard.press("Enter")
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits for the connection")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.route("**/outcome/", lambda route: route.abort())
    page.context.set_offline(False)
    page.goto("/my-day/")
    assert asked == ["beforeunload"], "the note lives in this tab only"
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits")
    page.unroute("**/outcome/")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".toast-k")).to_contain_text("your outcome was sent")
    expect(page.locator("#outbox")).to_be_hidden()
    assert FollowUp.objects.get().note == "nobody at home"


def offline_outcome(page, note):
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("5")
    page.keyboard.press("n")
    page.keyboard.type(note)
    page.keyboard.press("Enter")
    expect(page.locator("#outbox")).to_contain_text("1 outcome waits for the connection")
    page.on("dialog", lambda dialog: dialog.accept())
    # Connected to the network, not yet to the bank.
    page.route("**/outcome/", lambda route: route.abort())
    page.context.set_offline(False)


def test_any_page_sends_what_was_typed_offline_whichever_tab_is_first(page, leads, sign_in):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    offline_outcome(page, "nobody at home")
    for path in ("/leads/", "/calendar/", "/customers/"):
        page.goto(path)
        expect(page.locator("#outbox")).to_contain_text("1 outcome waits")
    # The tab beside has the connection first, and has the note told by the one it was typed in.
    beside = page.context.new_page()
    beside.goto("/calendar/")
    expect(beside.locator(".toast-k")).to_contain_text("your outcome was sent.")
    expect(page.locator("#outbox")).to_be_hidden()
    page.unroute("**/outcome/")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    done = FollowUp.objects.get()
    assert (done.lead_id, done.outcome, done.note) == (leads[0].pk, "no_answer", "nobody at home")


def test_an_offline_outcome_that_is_refused_says_why_and_keeps_its_note(page, leads, sign_in, cast):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    offline_outcome(page, "likes to sail")
    page.goto("/leads/")
    Lead.objects.filter(pk=leads[0].pk).update(state=Lead.State.DECLINED, claimed_by=None)
    page.unroute("**/outcome/")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#outbox")).to_contain_text("This lead is closed: Declined.")
    expect(page.locator("#outbox")).to_contain_text("“likes to sail”")
    page.locator("#outbox a").click()
    expect(page.locator("#note-field .note")).to_have_value("likes to sail")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#last-time")).to_contain_text("likes to sail")
    expect(page.locator("#outbox")).to_be_hidden()
    assert LeadNote.objects.get().text == "likes to sail"
    assert not FollowUp.objects.exists()


def test_esc_leaves_the_note_and_the_next_key_is_no_letter_of_it(page, leads, sign_in, complaints):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    page.keyboard.press("n")
    page.keyboard.type("mornings only")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.locator("#note-field .note")).to_have_value("mornings only")
    expect(page.locator("#outcome [name=outcome]:checked")).to_have_count(1)
    assert complaints == []


def test_a_note_alone_is_saved_by_keyboard_and_undone_and_the_outcome_follows(
    page, leads, sign_in, complaints
):
    sign_in(page, "rita", f"/leads/{leads[0].pk}/")
    opened(page)
    expect(page.locator(".savenote")).to_be_hidden()
    page.keyboard.press("n")
    page.keyboard.type("mornings only")
    expect(page.locator(".savenote kbd")).to_be_visible()
    expect(page.locator(".savenext kbd")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#last-time")).to_contain_text("mornings only")
    expect(page.locator("#note-field .note")).to_have_value("")
    page.locator(".toast-k button", has_text="Undo").click()
    expect(page.locator("#last-time")).not_to_contain_text("mornings only")
    page.keyboard.press("2")
    page.keyboard.press("n")
    page.keyboard.type("asks for paper")
    page.keyboard.press("Enter")
    settle(page, leads[0].pk)
    assert FollowUp.objects.get().note == "asks for paper"
    assert LeadNote.objects.get().undone_at is not None
    assert complaints == []


def test_at_1440_pixels_every_tab_and_every_appointment_is_whole(page, leads, sign_in):
    Lead.objects.filter(pk=leads[0].pk).update(
        next_step="meeting", next_at=queue.moment() - dt.timedelta(days=40), state=Lead.State.WORKING
    )
    sign_in(page, "rita", "/my-day/")
    pill = page.locator(".qtb .pill", has_text="Branch meeting")
    expect(pill).to_be_visible()
    assert pill.evaluate("e => e.scrollWidth <= e.clientWidth")
    page.goto(f"/leads/{leads[0].pk}/")
    opened(page)
    tabs = page.locator("[data-tabs360]")
    assert tabs.evaluate("e => e.scrollWidth <= e.clientWidth")
    tabs.get_by_text("Leads").click(timeout=1000)
    expect(page.locator("#tab360")).to_contain_text("Branch meeting")
