"""Selection and push on the campaign's page: under way for whoever may ask for them, failed without asking again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bankcrm import figures
from bankcrm.models import Run
from campaigns import lifecycle, push
from campaigns.models import Campaign, Lead, Push
from tests.campaigns import factories
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db


def act(client: Client, campaign: Campaign, action: str) -> Any:
    return client.post(reverse("campaign-act", args=[campaign.pk, action]), follow=True)


def test_work_that_failed_stands_on_the_page_which_does_not_ask_again(cast: Cast) -> None:
    factories.make_customers(60, cast.tree.n1, cast.rita)
    draft = factories.draft(cast)
    client = login(cast.mei)
    act(client, draft, "select")
    Run.objects.filter(kind="campaigns.select").update(
        state=Run.State.FAILED, error="No profile of that month."
    )
    page = client.get(reverse("campaign-detail", args=[draft.pk])).content.decode()
    assert "Select customers: not done" in page
    assert "No profile of that month." in page
    assert reverse("campaign-work", args=[draft.pk]) not in page


def test_a_second_planner_who_pushes_sees_the_push_that_runs_and_cannot_stop_it(cast: Cast) -> None:
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast)
    pat = make_user("pat", "planner", cast.tree.head_office)
    act(login(cast.mei), campaign, "push")
    # The first chunk is done: the campaign runs, and so does its push.
    run = Run.objects.get(kind="campaigns.push")
    Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING)
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.RUNNING)
    client = login(pat)
    page = act(client, campaign, "push").content.decode()
    assert "Mei began this at" in page
    assert "The leads are pushed already." not in page
    assert Run.objects.filter(kind="campaigns.push").count() == 1
    details = reverse("run-detail", args=[run.pk])
    assert details in page
    shown = client.get(details).content.decode()
    assert "Push leads" in shown
    assert reverse("run-cancel", args=[run.pk]) not in shown
    assert client.post(reverse("run-cancel", args=[run.pk])).status_code == 403
    assert not Run.objects.get(pk=run.pk).cancel_requested
    assert details not in client.get(reverse("run-list")).content.decode()
    for person in (cast.rita, cast.omar):
        assert login(person).get(details).status_code == 404


def being_pushed(cast: Cast) -> tuple[Campaign, Run]:
    """A campaign whose push has made all but five of its leads and whose run is at work."""
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign, done = factories.pushed(cast)
    Push.objects.filter(pk=done.pk).update(finished_at=None)
    Lead.objects.filter(pk__in=Lead.objects.order_by("pk")[:5]).delete()
    run = Run.objects.create(
        kind="campaigns.push",
        key=lifecycle.push_key(campaign.pk),
        requested_by=cast.mei,
        state=Run.State.RUNNING,
        started_at=timezone.now() - dt.timedelta(minutes=2),
        leased_until=timezone.now() + dt.timedelta(seconds=settings.RUN_LEASE_SECONDS),
        done=10,
        total=60,
    )
    return campaign, run


def test_while_a_push_runs_its_equation_says_what_is_still_to_push(cast: Cast) -> None:
    campaign, _run = being_pushed(cast)
    client = login(cast.mei)
    for url in ("campaign-detail", "campaign-work"):
        page = client.get(reverse(url, args=[campaign.pk])).content.decode()
        assert "still to push" in page, url
        assert '<b class="mid">5</b>' in page, url
    counted = push.reconcile(campaign)
    assert counted.selected == counted.pushed + counted.control + counted.to_push


def test_a_page_from_before_the_push_loads_itself_anew_once_the_campaign_runs(cast: Cast) -> None:
    campaign, _run = being_pushed(cast)
    client, url = login(cast.mei), reverse("campaign-work", args=[campaign.pk])
    page = client.get(reverse("campaign-detail", args=[campaign.pk])).content.decode()
    assert f'hx-get="{url}?state=running"' in page
    # Its cards say Edit, and its head offers to push what is being pushed.
    polled = {"HX-Request": "true"}
    assert client.get(url, {"state": "approved"}, headers=polled)["HX-Refresh"] == "true"
    assert "HX-Refresh" not in client.get(url, {"state": "running"}, headers=polled)


def test_before_the_first_lead_there_is_a_place_for_the_equation_of_the_push(cast: Cast) -> None:
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign, client = factories.approved(cast), login(cast.mei)
    act(client, campaign, "push")
    page = client.get(reverse("campaign-detail", args=[campaign.pk])).content.decode()
    assert page.count('id="reconciliation"') == 1
    assert "every customer accounted for" not in page


def test_recall_and_close_wait_for_the_push(cast: Cast) -> None:
    campaign, run = being_pushed(cast)
    client, url = login(cast.mei), reverse("campaign-detail", args=[campaign.pk])
    page = client.get(url).content.decode()
    assert "Recall untouched leads" not in page
    assert reverse("campaign-act", args=[campaign.pk, "close"]) not in page
    for action in ("recall", "close"):
        assert "Leads are still being pushed" in act(client, campaign, action).content.decode()
    assert not Lead.objects.filter(state=Lead.State.RECALLED).exists()
    Run.objects.filter(pk=run.pk).update(state=Run.State.DEAD)
    assert "Recall untouched leads" in client.get(url).content.decode()
    act(client, campaign, "recall")
    assert Lead.objects.filter(state=Lead.State.RECALLED).exists()


def test_a_run_that_is_not_heard_of_says_so_instead_of_guessing_the_time_left(cast: Cast) -> None:
    campaign, run = being_pushed(cast)
    client = login(cast.mei)
    pages = [
        reverse("campaign-work", args=[campaign.pk]),
        reverse("run-detail", args=[run.pk]),
        reverse("run-row", args=[run.pk]),
    ]
    for page in pages:
        assert "left</" in (told := client.get(page).content.decode().replace("\n", "")), page
        assert "10 of 60 customers" in told, page
        assert "No word for" not in told, page
    heard = timezone.now() - dt.timedelta(seconds=14)
    Run.objects.update(leased_until=heard + dt.timedelta(seconds=settings.RUN_LEASE_SECONDS))
    for page in pages:
        told = client.get(page).content.decode()
        assert "No word for 14\N{NO-BREAK SPACE}s; if none comes, another worker takes it over" in told, page
        assert " left</" not in told, page


def test_close_says_beforehand_why_it_cannot_be_done_and_what_it_ends(cast: Cast, monkeypatch: Any) -> None:
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign, _push = factories.pushed(cast)
    client, url = login(cast.mei), reverse("campaign-detail", args=[campaign.pk])
    monkeypatch.setattr("bankcrm.clock.today", lambda: campaign.ends_on)
    page = client.get(url).content.decode()
    assert f"or wait until the end on {figures.day(campaign.ends_on)}" in page
    assert "are still open and end with it" not in page
    monkeypatch.setattr("bankcrm.clock.today", lambda: campaign.ends_on + dt.timedelta(days=1))
    page = client.get(url).content.decode()
    assert f"{Lead.objects.open().count()} leads are still open and end with it" in page
    act(client, campaign, "close")
    assert Campaign.objects.get(pk=campaign.pk).state == Campaign.State.CLOSED
