"""Mei builds a campaign with the mouse, Omar approves it, Mei pushes it; and the builder by keyboard.

Runs are executed in this process, by ``runs.execute``, where a worker would take them: the worker itself is tested in
tests/faults. The page polls and shows progress as always.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from bankcrm import clock, runs
from bankcrm.models import Run
from campaigns import contact_policy
from campaigns.models import Campaign, Lead, MarketingPlan
from tests.campaigns import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def bank(cast, monkeypatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)
    # No worker listens here; what is sent would only wait.
    monkeypatch.setattr("bankcrm.dispatch.send", lambda ids: None)
    factories.make_customers(300, cast.tree.n1, cast.rita)
    product = factories.make_product()
    factories.make_offer(product, name="Fund without entry fee")
    contact_policy.ensure_default_rules()


@pytest.fixture(autouse=True)
def answered(request, bank) -> Iterator[None]:
    """The tables are emptied after the last answer: a request under way would hold them."""
    opened = [request.getfixturevalue(name) for name in ("page", "phone") if name in request.fixturenames]
    yield
    for one in opened:
        one.wait_for_load_state("networkidle")


def as_user(page: Page, user) -> None:
    """Signed in as this person, without typing the password each time."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.clear_cookies()
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": page.evaluate("location.origin")}]
    )


def work(kind: str) -> None:
    run = Run.objects.get(kind=kind, state=Run.State.QUEUED)
    assert runs.execute(run.pk) == Run.State.DONE


def edit(page: Page, card: str) -> None:
    page.get_by_role("link", name=f"Edit: {card}").click()


def test_a_campaign_from_nothing_to_leads_with_the_mouse(page, cast, complaints):
    page.goto("/login/")
    as_user(page, cast.mei)
    page.goto("/campaigns/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Autumn savings")
    page.get_by_label("Product").select_option(label="Fund")
    page.get_by_label("Ends").fill("2027-01-31")
    page.get_by_label("Budget").fill("10000")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("heading", name="Autumn savings")).to_be_visible()
    expect(page.get_by_role("button", name="Submit for approval")).to_be_disabled()
    expect(page.locator("#rail")).to_contain_text("Say who it is for")

    edit(page, "Offer and arms")
    page.locator("#id_arms-0-offer").select_option(label="Fund without entry fee")
    page.locator("#arms").get_by_role("button", name="Save").click()
    expect(page.locator("#arms")).to_contain_text("Arm a has a call script")

    edit(page, "Audience")
    page.get_by_label("Find a field").fill("Age")
    page.get_by_role("button", name="condition").click()
    page.get_by_label("Value", exact=True).fill("40")
    page.get_by_label("Find a field").click()
    expect(page.locator("#b-total")).to_have_text("180")
    expect(page.locator("#n1-below svg")).to_be_visible()
    page.get_by_role("button", name="Save the audience").click()
    expect(page.locator("#audience-slot")).to_contain_text("Age is at least 40")
    expect(page.locator("#builder")).to_have_count(0)
    expect(page.locator("#rail")).to_contain_text("Adds up: 180 =")
    expect(page.locator("#campaign-head")).to_contain_text("Draft v3")

    page.get_by_role("button", name="Select customers").click()
    expect(page.locator("#campaign-work")).to_contain_text("Waiting for a worker")
    work("campaigns.select")
    submit = page.get_by_role("button", name="Submit for approval")
    expect(submit).to_be_enabled()
    submit.click()
    expect(page.locator("#campaign-head")).to_contain_text("Waiting for approval")
    assert page.get_by_role("button", name="Approve").count() == 0

    as_user(page, cast.omar)
    page.goto("/approvals/")
    page.get_by_role("link", name="Autumn savings").click()
    expect(page.locator("#main")).to_contain_text("Good morning, this is your bank.")
    page.get_by_role("button", name="Approve").click()
    page.get_by_label("Comment").fill("Good")
    page.locator("#act-approve").get_by_role("button", name="Approve").click()
    expect(page.locator("#main")).to_contain_text("Nothing waits for you")

    as_user(page, cast.mei)
    campaign = Campaign.objects.get()
    page.goto(f"/campaigns/{campaign.pk}/")
    page.get_by_role("button", name="Push leads").click()
    page.locator("#confirm").get_by_role("button", name="Push leads").click()
    expect(page.locator("#campaign-work")).to_contain_text("Waiting for a worker")
    work("campaigns.push")
    expect(page.locator("#reconciliation")).to_contain_text("adds up")
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == (Campaign.State.RUNNING, cast.omar)
    assert Lead.objects.count() == campaign.selection.targets_count
    assert complaints == []


def test_the_builder_works_by_keyboard_and_loses_nothing_on_a_wrong_value(page, cast, complaints):
    campaign = factories.draft(cast)
    page.goto("/login/")
    as_user(page, cast.mei)
    page.goto(f"/campaigns/{campaign.pk}/audience/")
    find = page.get_by_label("Find a field")
    find.focus()
    page.keyboard.type("children")
    page.keyboard.press("Enter")
    expect(page.locator("#n2-field")).to_have_value("children")
    page.locator("#n1-low").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("old")
    page.keyboard.press("Tab")
    expect(page.locator("#n1-below")).to_contain_text("“old” is not a number.")
    # Tab went on to the next field, and typing there goes on while the counts arrive.
    page.keyboard.press("Control+a")
    page.keyboard.type("60")
    page.locator("#n1-low").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("50")
    page.keyboard.press("Tab")
    expect(page.locator("#b-total")).to_have_text("66")
    # The button with the focus must not be taken for pressed when a value changes.
    expect(page.locator("#n2-field")).to_have_value("children")
    page.get_by_role("button", name="Remove Children").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#n2-field")).to_have_count(0)
    page.get_by_role("button", name="Save the audience").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#audience-slot")).to_contain_text("Age is between 50 and 60")
    assert complaints == []


def test_two_planners_at_one_card_see_both_versions(page, cast, complaints):
    from campaigns import lifecycle
    from tests.cast import make_user

    campaign = factories.draft(cast)
    page.goto("/login/")
    as_user(page, cast.mei)
    page.goto(f"/campaigns/{campaign.pk}/")
    edit(page, "Brief")
    page.get_by_label("Budget").fill("900")
    kim = make_user("kim", "planner", cast.tree.head_office)
    lifecycle.edit(campaign, kim, 1, budget=500)
    page.locator("#brief").get_by_role("button", name="Save").click()
    expect(page.locator("#brief")).to_contain_text("Kim changed the campaign")
    expect(page.get_by_label("Budget")).to_have_value("900")
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.locator("#brief-slot")).to_contain_text("¥900")
    assert [c for c in complaints if "409" not in c] == []


# What a person does who drags the corner of a text area: the browser writes a style attribute, which is its own right.
DRAG = "for (const one of document.querySelectorAll('#main [id]')) one.style.minHeight = '1px'"


def test_no_act_in_the_builder_writes_a_style_attribute(page, cast, complaints):
    campaign = factories.draft(cast)
    page.goto("/login/")
    as_user(page, cast.mei)
    page.goto(f"/campaigns/{campaign.pk}/audience/")
    acts = [
        lambda: page.get_by_label("Find a field").first.fill("gender"),
        lambda: page.get_by_label("Find a field").first.press("Enter"),
        page.locator(".b-open").first.click,
        page.get_by_role("button", name="group").first.click,
        lambda: page.get_by_role("button", name="Preview 20 (masked)").click(),
        lambda: page.locator("#n1-low").fill("old"),
        page.get_by_label("Find a field").first.focus,
        page.locator(".b-x").last.click,
    ]
    for act in acts:
        page.evaluate(DRAG)
        act()
        page.wait_for_load_state("networkidle")
    assert complaints == []


def test_no_card_being_edited_writes_a_style_attribute(page, cast, complaints):
    campaign = factories.selected(cast)
    page.goto("/login/")
    as_user(page, cast.mei)
    page.goto(f"/campaigns/{campaign.pk}/")
    links = page.get_by_role("link", name="Edit: ")
    page.wait_for_load_state("networkidle")
    cards = [link.get_attribute("aria-label") or link.inner_text() for link in links.all()]
    assert len(cards) == 6
    for card in cards:
        page.evaluate(DRAG)
        page.get_by_role("link", name=card).click()
        expect(page.locator("#main form .acts").first).to_be_visible()
        # A refused form comes back in the place of itself: the same ids once more.
        page.evaluate(DRAG)
        page.locator("#main form .acts button[type=submit]").first.click()
        page.wait_for_load_state("networkidle")
        page.goto(f"/campaigns/{campaign.pk}/")
        page.wait_for_load_state("networkidle")
    assert complaints == []


def test_nothing_scrolls_sideways_on_a_small_phone(phone, cast, complaints):
    campaign = factories.selected(cast)
    plan = MarketingPlan.objects.create(
        name="Quarter", owner=cast.mei, starts_on=clock.today(), ends_on=clock.today()
    )
    phone.goto("/login/")
    as_user(phone, cast.mei)
    for url in (
        "/campaigns/",
        "/campaigns/new/",
        f"/campaigns/{campaign.pk}/",
        f"/campaigns/{campaign.pk}/audience/",
        f"/approvals/{campaign.pk}/",
        "/offers/",
        "/offers/new/",
        f"/plans/{plan.pk}/",
        f"/plans/{plan.pk}/targets/",
        "/audiences/",
    ):
        phone.goto(url)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, url
        small = phone.evaluate(
            """[...document.querySelectorAll('.btn, .icon-btn, select')]
               .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
        )
        assert small == [], url
    assert complaints == []
