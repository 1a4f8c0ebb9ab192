"""The approver's inbox and the page of one request: everything to decide on, and never one's own campaign."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns import lifecycle, targeting
from campaigns.models import Campaign, Selection
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import login


@pytest.fixture
def waiting(cast):
    factories.make_customers(120, cast.tree.n1, cast.rita)
    return factories.submitted(cast)


def decide(client, campaign, action, **data):
    url = reverse("campaign-act", args=[campaign.pk, action])
    return client.post(url, {"from": "approval", "version": campaign.version} | data, follow=True)


def test_the_inbox_is_the_approvers(cast, waiting):
    assert b"Autumn" in login(cast.omar).get(reverse("approval-list")).content
    assert login(cast.aud).get(reverse("approval-list")).status_code == 200
    for person in (cast.mei, cast.rita, cast.ana, cast.bao, cast.ada):
        assert login(person).get(reverse("approval-list")).status_code == 403


def test_one_page_shows_who_how_many_what_is_said_and_the_checks(cast, waiting):
    page = login(cast.omar).get(reverse("approval-detail", args=[waiting.pk])).content.decode()
    for part in (
        "Adds up: 120 =",
        "Good morning, this is your bank.",
        "Cost of contacts",
        "Submitted for the first time",
        "No contact rule is in force",
        'data-opens="act-approve"',
        'data-opens="act-send_back"',
    ):
        assert part in page


def test_approval_by_a_second_person_with_a_comment(cast, waiting):
    answer = decide(login(cast.omar), waiting, "approve", comment="Fine")
    assert answer.redirect_chain[-1][0] == reverse("approval-list")
    approved = Campaign.objects.get(pk=waiting.pk)
    assert (approved.state, approved.approved_by) == (Campaign.State.APPROVED, cast.omar)
    assert approved.changes.first().comment == "Fine"


def test_whoever_made_it_sees_no_button_and_is_refused_with_a_sentence(cast, waiting):
    Campaign.objects.filter(pk=waiting.pk).update(owner=cast.omar)
    client = login(cast.omar)
    page = client.get(reverse("approval-detail", args=[waiting.pk])).content.decode()
    assert 'data-opens="act-approve"' not in page
    assert "somebody else must approve it" in page
    before = Campaign.objects.values().get(pk=waiting.pk)
    answer = decide(client, waiting, "approve")
    assert b"You made this campaign yourself" in answer.content
    assert Campaign.objects.values().get(pk=waiting.pk) == before


def test_planners_managers_and_auditors_cannot_approve(cast, waiting):
    for person in (cast.mei, cast.max, cast.aud, cast.ana):
        assert decide(login(person), waiting, "approve").status_code == 403
    assert Campaign.objects.get(pk=waiting.pk).state == Campaign.State.SUBMITTED


def test_sending_back_wants_a_comment(cast, waiting):
    client = login(cast.omar)
    assert b"Say what should be changed" in decide(client, waiting, "send_back", comment=" ").content
    assert Campaign.objects.get(pk=waiting.pk).state == Campaign.State.SUBMITTED
    decide(client, waiting, "send_back", comment="Too many")
    assert Campaign.objects.get(pk=waiting.pk).state == Campaign.State.DRAFT


def test_the_second_submission_shows_what_changed_since_the_first(cast, waiting):
    lifecycle.send_back(waiting, cast.omar, "Too many")
    edited = lifecycle.edit(
        Campaign.objects.get(pk=waiting.pk), cast.mei, 1, capacity=50, control_share="0.3"
    )
    targeting.select(edited, cast.mei, on=TODAY)
    lifecycle.submit(Campaign.objects.get(pk=waiting.pk), cast.mei)
    page = login(cast.omar).get(reverse("approval-detail", args=[waiting.pk])).content.decode()
    assert "Since v1:" in page
    assert "<td>—</td><td>50</td>" in page
    assert "<td>10.0\u00a0%</td><td>30.0\u00a0%</td>" in page


def test_an_approval_of_what_changed_under_the_approver_is_refused(cast, waiting):
    client = login(cast.omar)
    lifecycle.withdraw(waiting, cast.mei)
    edited = lifecycle.edit(Campaign.objects.get(pk=waiting.pk), cast.mei, 1, capacity=50)
    targeting.select(edited, cast.mei, on=TODAY)
    lifecycle.submit(Campaign.objects.get(pk=waiting.pk), cast.mei)
    answer = decide(client, waiting, "approve")
    assert b"Nothing was saved" in answer.content
    assert Campaign.objects.get(pk=waiting.pk).state == Campaign.State.SUBMITTED


def forecast_of(campaign, **found):
    known = {
        "cost": 1200.0,
        "past_campaigns": 2,
        "sentences": ["No past effect known: incremental sales are not forecast."],
    }
    definition = campaign.selection.definition | {"forecast": known | found}
    Selection.objects.filter(pk=campaign.selection_id).update(definition=definition)


def test_the_inbox_says_what_incremental_counts_of_which_day_and_resting_on_what(cast, waiting):
    forecast_of(waiting, incremental={"expected": 24.4, "low": 11.2, "high": 37.6})
    page = login(cast.omar).get(reverse("approval-list")).content.decode()
    assert "<b>24</b> conversions" in page
    assert "11 – 37" in page or "11 to 38" in page
    assert "by 2 past campaigns · data to" in page
    assert "A number of customers, not money." in page
    assert "of ¥" in page  # the cost beside its budget


def test_the_inbox_says_why_nothing_incremental_is_forecast(cast, waiting):
    forecast_of(waiting, incremental=None)
    page = login(cast.omar).get(reverse("approval-list")).content.decode()
    assert "No past effect known: incremental sales are not forecast." in page
