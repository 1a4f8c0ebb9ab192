"""Selection and push on the campaign's page: under way for whoever may ask for them, failed without asking again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bankcrm.models import Run
from campaigns.models import Campaign
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
