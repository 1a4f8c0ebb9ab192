"""A campaign that came back: the planner reads why, and is asked before submitting it as it was."""

from __future__ import annotations

import pytest

from campaigns import campaign_page, lifecycle, targeting
from campaigns.models import Campaign
from tests.campaigns import factories
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
WORD = "The budget is too high <for> this quarter"
UNCHANGED = "Nothing was changed since Omar sent it back"


@pytest.fixture
def returned(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)
    factories.make_customers(60, cast.tree.n1, cast.rita)
    return lifecycle.send_back(factories.submitted(cast), cast.omar, WORD)


def page(cast: Cast, campaign: Campaign) -> str:
    return login(cast.mei).get(f"/campaigns/{campaign.pk}/").content.decode()


def test_the_planner_reads_on_top_who_sent_it_back_and_why(cast: Cast, returned: Campaign) -> None:
    text = page(cast, returned)
    assert "Sent back by Omar:" in text
    assert "The budget is too high &lt;for&gt; this quarter" in text
    assert "sent v1 back" in text
    assert text.index('id="sent-back"') < text.index('id="brief"')


def test_the_word_stays_through_edits_and_goes_with_the_next_submission(
    cast: Cast, returned: Campaign
) -> None:
    edited = lifecycle.edit(returned, cast.mei, returned.version, budget=900_000)
    assert "Sent back by Omar:" in page(cast, edited)
    submitted = lifecycle.submit(edited, cast.mei)
    assert "Sent back by Omar:" not in page(cast, submitted)
    assert "Sent back by Omar:" not in page(cast, lifecycle.withdraw(submitted, cast.mei))


def test_submitting_it_unchanged_is_asked_about(cast: Cast, returned: Campaign) -> None:
    assert UNCHANGED in page(cast, returned)


def test_after_an_edit_or_a_new_selection_nothing_is_asked(cast: Cast, returned: Campaign) -> None:
    targeting.select(returned, cast.mei, on=factories.TODAY)
    selected = Campaign.objects.select_related("selection").get(pk=returned.pk)
    assert UNCHANGED not in page(cast, selected)
    edited = lifecycle.edit(selected, cast.mei, selected.version, budget=900_000)
    assert UNCHANGED not in page(cast, edited)


def test_a_campaign_taken_back_by_its_maker_carries_no_word(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)
    factories.make_customers(20, cast.tree.n1, cast.rita)
    taken_back = lifecycle.withdraw(factories.submitted(cast), cast.mei)
    assert campaign_page.sent_back(taken_back) is None
    assert "sent back" not in page(cast, taken_back).lower()
