"""The life of a campaign: only the documented steps, by the documented roles, never on a stale page."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction

from bankcrm.models import AuditEvent, Role, User
from campaigns import lifecycle, push, targeting
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign, Change, Lead
from tests.campaigns import factories
from tests.cast import Cast, make_bank

State = Campaign.State

ACT: dict[str, Callable[[Campaign, User], Any]] = {
    "edit": lambda c, u: lifecycle.edit(c, u, c.version, objective="Keep maturing deposits"),
    "select": lambda c, u: targeting.select(c, u, on=factories.TODAY),
    "submit": lifecycle.submit,
    "withdraw": lifecycle.withdraw,
    "approve": lambda c, u: lifecycle.approve(c, u, "Fine."),
    "send_back": lambda c, u: lifecycle.send_back(c, u, "Control too small."),
    "push": lambda c, u: push.push(c, u, on=factories.TODAY),
    "cancel": lambda c, u: lifecycle.cancel(c, u, "No budget."),
    "recall": push.recall,
    "close": lifecycle.close,
}


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.get(pk=campaign.pk)


def row(campaign: Campaign) -> dict[str, Any]:
    return Campaign.objects.filter(pk=campaign.pk).values().get()


def events(campaign: Campaign) -> list[str]:
    return list(
        AuditEvent.objects.filter(object_type="campaigns.campaign", object_id=str(campaign.pk))
        .order_by("id")
        .values_list("action", flat=True)
    )


@pytest.fixture
def customers(cast: Cast) -> list[int]:
    return factories.make_customers(120, cast.tree.n1, cast.rita)


def test_every_action_of_the_table_is_tried() -> None:
    assert ACT.keys() == lifecycle.ACTIONS.keys()


@pytest.mark.parametrize("action", list(ACT))
def test_only_the_documented_steps_change_the_campaign(action: str, cast: Cast, customers: list[int]) -> None:
    rule = lifecycle.ACTIONS[action]
    # Approved for real, so that every state can be set without losing what the step needs.
    campaign = factories.approved(cast)
    people = cast.everybody()
    for state in State.values:
        for name, user in people.items():
            with transaction.atomic():
                Campaign.objects.filter(pk=campaign.pk).update(state=state)
                shown = fresh(campaign)
                offered = {a.code for a in lifecycle.actions_for(shown, user)}
                allowed = state in rule.sources and user.role in rule.roles and not user.is_auditor
                before, told = row(campaign), events(campaign)
                assert (action in offered) == allowed, (state, name)
                if allowed:
                    ACT[action](shown, user)
                    assert fresh(campaign).state == rule.target, (state, name)
                    # A recall without leads has nothing to tell.
                    assert action == "recall" or len(events(campaign)) > len(told), (state, name)
                else:
                    with pytest.raises((Conflict, Refused, PermissionDenied)):
                        ACT[action](shown, user)
                    assert row(campaign) == before, (state, name)
                    assert events(campaign) == told, (state, name)
                transaction.set_rollback(True)


WRONG = [
    (a, state) for a, rule in lifecycle.ACTIONS.items() for state in State.values if state not in rule.sources
]


@pytest.mark.parametrize(("action", "state"), WRONG)
def test_a_step_in_the_wrong_state_is_refused_in_words_of_that_state(
    action: str, state: str, cast: Cast
) -> None:
    people = {role: user for user in cast.everybody().values() if not user.is_auditor for role in [user.role]}
    user = people[next(iter(lifecycle.ACTIONS[action].roles))]
    with pytest.raises(Conflict) as refused:
        lifecycle.check_allowed(action, Campaign(state=state), user)
    word = {
        State.DRAFT: "not been submitted|not been pushed|not approved yet: it is a draft",
        State.SUBMITTED: "submitted already|waits for|not been pushed",
        State.APPROVED: "approved|not been pushed",
        State.RUNNING: "pushed",
        State.CLOSED: "is closed",
        State.CANCELLED: "was cancelled",
        State.IMPORTED: "past campaign",
    }[State(state)]
    assert re.search(word, str(refused.value))


def test_each_step_says_who_when_from_to_and_why(cast: Cast, customers: list[int]) -> None:
    campaign = factories.submitted(cast)
    lifecycle.send_back(campaign, cast.omar, "Say what the offer costs.")
    change = Change.objects.filter(campaign=campaign).first()
    assert change is not None
    assert (change.by, change.from_state, change.to_state) == (cast.omar, State.SUBMITTED, State.DRAFT)
    assert change.comment == "Say what the offer costs."
    event = AuditEvent.objects.get(action="campaign.sent_back")
    assert (event.actor, event.from_state, event.to_state) == (cast.omar, "submitted", "draft")
    assert event.reason == "Say what the offer costs."


def test_sending_back_needs_a_word(cast: Cast, customers: list[int]) -> None:
    campaign = factories.submitted(cast)
    with pytest.raises(Refused, match="Say what should be changed"):
        lifecycle.send_back(campaign, cast.omar, "  ")
    assert fresh(campaign).state == State.SUBMITTED


def test_approval_signs_and_freezes(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    assert campaign.state == State.APPROVED
    assert campaign.approved_by == cast.omar
    assert len(campaign.approved_hash) == 64
    assert campaign.selection is not None
    assert fresh(campaign).selection.is_final


@pytest.mark.parametrize("hat", ["creator", "owner", "last editor", "submitter"])
def test_no_maker_approves_their_own_campaign(hat: str, cast: Cast, customers: list[int]) -> None:
    """Mei changes to the approvers after having had one hand in the campaign."""
    campaign = factories.submitted(cast)
    other = cast.max
    Campaign.objects.filter(pk=campaign.pk).update(
        owner=cast.mei if hat == "owner" else other,
        last_edited_by=cast.mei if hat == "last editor" else other,
        submitted_by=cast.mei if hat == "submitter" else other,
    )
    if hat != "creator":
        Change.objects.filter(campaign=campaign, from_state="").update(by=other)
    User.objects.filter(pk=cast.mei.pk).update(role=Role.APPROVER)
    mei = User.objects.get(pk=cast.mei.pk)
    assert "approve" not in {a.code for a in lifecycle.actions_for(fresh(campaign), mei)}
    with pytest.raises(Refused, match="somebody else must approve"):
        lifecycle.approve(fresh(campaign), mei)
    assert fresh(campaign).state == State.SUBMITTED
    assert lifecycle.approve(fresh(campaign), cast.omar).approved_by == cast.omar


@pytest.mark.parametrize("column", ["submitted_by", "last_edited_by"])
def test_the_database_refuses_maker_as_approver_too(column: str, cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    with pytest.raises(IntegrityError, match="campaign_approved_by_a_second_person"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(**{column: cast.omar})


def test_a_blocked_draft_is_not_submitted(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    with pytest.raises(Refused, match="No customers have been selected"):
        lifecycle.submit(campaign, cast.mei)
    assert fresh(campaign).state == State.DRAFT


def test_a_stale_page_does_not_overwrite(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    lifecycle.edit(campaign, cast.mei, 1, name="Autumn savers", budget=500)
    with pytest.raises(Conflict, match="version 2") as caught:
        lifecycle.edit(campaign, cast.mei, 1, name="Winter savers")
    assert caught.value.current.name == "Autumn savers"
    assert caught.value.yours == {"name": "Winter savers"}
    assert fresh(campaign).name == "Autumn savers"


def test_an_edit_keeps_what_was_and_what_is(cast: Cast, customers: list[int]) -> None:
    campaign = lifecycle.edit(factories.draft(cast), cast.mei, 1, budget=500, comment="Cut.")
    change = Change.objects.filter(campaign=campaign).first()
    assert change is not None
    assert change.fields == {"budget": ["1000000", "500"]}
    assert (change.version, change.comment, campaign.version) == (2, "Cut.", 2)


def test_saving_without_a_change_writes_nothing(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    same = lifecycle.edit(campaign, cast.mei, 1, name=campaign.name, control_share="0.1")
    assert same.version == 1
    assert events(campaign) == ["campaign.created"]


def test_an_edit_after_approval_reopens_the_campaign(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    edited = lifecycle.edit(campaign, cast.mei, campaign.version, objective="Another goal")
    assert (edited.state, edited.approved_by, edited.approved_hash) == (State.DRAFT, None, "")
    # The objective chooses nobody: the selection still holds, and only the approval is due again.
    assert lifecycle.submit(edited, cast.mei).state == State.SUBMITTED


def test_an_edit_that_chooses_others_voids_the_selection(cast: Cast, customers: list[int]) -> None:
    campaign = factories.selected(cast)
    edited = lifecycle.edit(campaign, cast.mei, campaign.version, capacity=10)
    with pytest.raises(Refused, match="select again"):
        lifecycle.submit(edited, cast.mei)


def test_an_edit_may_drop_an_arm_that_was_selected_for(cast: Cast, customers: list[int]) -> None:
    offer = factories.make_offer(factories.make_product())
    arms = [{"code": code, "offer": offer, "share": "0.5"} for code in "ab"]
    campaign = factories.selected(cast, arms=arms)
    edited = lifecycle.edit(campaign, cast.mei, campaign.version, arms=[arms[0] | {"share": 1}])
    assert [arm.code for arm in edited.arms.all()] == ["a"]
    with pytest.raises(Refused, match="select again"):
        lifecycle.submit(edited, cast.mei)


def test_fields_that_are_not_the_planners_cannot_be_set(cast: Cast, customers: list[int]) -> None:
    campaign = factories.draft(cast)
    for name, value in {"state": "approved", "salt": "x", "approved_by": cast.mei, "version": 9}.items():
        with pytest.raises(TypeError, match=name):
            lifecycle.edit(campaign, cast.mei, 1, **{name: value})
    with pytest.raises(ValidationError):
        lifecycle.edit(campaign, cast.mei, 1, control_share="0.9")
    assert row(campaign) == row(fresh(campaign))
    assert fresh(campaign).version == 1


def test_approving_what_was_reselected_meanwhile_is_a_conflict(cast: Cast, customers: list[int]) -> None:
    seen = factories.submitted(cast)
    withdrawn = lifecycle.withdraw(seen, cast.mei)
    targeting.select(withdrawn, cast.mei, on=factories.TODAY)
    lifecycle.submit(fresh(seen), cast.mei)
    with pytest.raises(Conflict, match="Nothing was saved"):
        lifecycle.approve(seen, cast.omar)
    assert fresh(seen).state == State.SUBMITTED


def test_a_campaign_with_open_leads_does_not_close(cast: Cast, customers: list[int]) -> None:
    campaign, _done = factories.pushed(cast)
    with pytest.raises(Refused, match="leads are still open"):
        lifecycle.close(campaign, cast.max)
    push.recall(campaign, cast.mei)
    assert lifecycle.close(campaign, cast.max).state == State.CLOSED
    assert not Lead.objects.filter(state__in=Lead.OPEN).exists()


def test_after_its_last_day_a_campaign_closes_with_the_leads_left_open(
    cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _done = factories.pushed(cast)
    monkeypatch.setattr("bankcrm.clock.today", lambda: campaign.ends_on + dt.timedelta(days=1))
    assert lifecycle.close(campaign, cast.max).state == State.CLOSED
    assert set(Lead.objects.values_list("state", flat=True)) == {Lead.State.CLOSED}
    assert push.reconcile(fresh(campaign)).adds_up


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_approve_and_withdraw_at_the_same_instant_leave_one_of_them() -> None:
    cast = make_bank()
    factories.make_customers(50, cast.tree.n1, cast.rita)
    campaign = factories.submitted(cast)
    winners = set()
    for _round in range(40):
        Campaign.objects.filter(pk=campaign.pk).update(
            state=State.SUBMITTED, submitted_by=cast.mei, approved_by=None, approved_hash=""
        )
        before = len(events(campaign))
        _at_once(
            lambda: lifecycle.approve(fresh(campaign), cast.omar),
            lambda: lifecycle.withdraw(fresh(campaign), cast.mei),
        )
        told = events(campaign)[before:]
        assert len(told) == 1, told
        expected = {"campaign.approved": State.APPROVED, "campaign.withdrawn": State.DRAFT}[told[0]]
        assert fresh(campaign).state == expected
        winners.add(told[0])
    assert winners


def _at_once(*calls: Callable[[], Any]) -> None:
    barrier = threading.Barrier(len(calls))
    surprises: list[BaseException] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            call()
        except Conflict:
            pass
        except BaseException as error:  # noqa: BLE001  reported by the test's own thread
            surprises.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not surprises, surprises


@pytest.mark.parametrize(("field", "value"), [("budget", "-5"), ("capacity", 0), ("lead_due_days", 0)])
def test_a_draft_takes_no_figure_that_means_nothing(cast: Cast, field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        factories.draft(cast, **{field: value})
    assert refused.value.message_dict.keys() == {field}
    assert not Campaign.objects.exists()
