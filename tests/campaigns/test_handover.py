"""Open leads go with their customers in a portfolio transfer, or stay; both are told, and undo brings them back."""

from __future__ import annotations

import datetime as dt

import pytest

from bankcrm import branches
from bankcrm.models import Role, User
from campaigns import followup, queue
from campaigns.models import Lead, LeadHandover
from customers import transfer
from customers.models import Customer, PortfolioTransfer
from customers.transfer_plan import Choice, preview
from tests.campaigns.lead_cases import entry, pushed_leads
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


def order(user: User, choice: Choice) -> PortfolioTransfer:
    return transfer.order(user, preview(user, choice).token, "Rita leaves")


def owners() -> list[str]:
    return list(Lead.objects.order_by("pk").values_list("rm__username", flat=True))


def test_open_leads_move_closed_ones_and_those_in_work_stay(cast: Cast, rosa: User) -> None:
    dated, closed, in_work, plain = pushed_leads(cast, 4)
    followup.record(dated.pk, cast.rita, entry("interested"))
    followup.record(closed.pk, cast.rita, entry("declined", reason_code="price"))
    queue.claim(in_work.pk, cast.rita)
    choice = Choice((cast.rita.pk,), receivers=(rosa.pk,))
    assert preview(cast.bao, choice).along == {"leads": 3, "appointments": 1, "in_work": 1}
    done = order(cast.bao, choice)
    assert done.result["along"] == {"leads": 2}
    assert owners() == ["rosa", "rita", "rita", "rosa"]
    # The colleague in the middle of a call keeps lead and dock, though the customer has gone.
    assert login(cast.rita).get(f"/leads/{in_work.pk}/").status_code == 200
    moved = Lead.objects.get(pk=plain.pk)
    assert (moved.version, moved.state) == (plain.version + 1, Lead.State.NEW)


def test_leads_stay_until_they_are_done_when_asked(cast: Cast, rosa: User) -> None:
    pushed_leads(cast, 2)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,), open_leads="stay"))
    assert (done.result["along"], owners()) == ({"leads": 0}, ["rita", "rita"])
    assert set(Customer.objects.values_list("primary_rm", flat=True)) == {rosa.pk}


def test_a_lead_follows_its_customer_into_another_branch(cast: Cast) -> None:
    pushed_leads(cast, 1)
    order(cast.ada, Choice((cast.rita.pk,), receivers=(cast.raj.pk,), changes_branch=True))
    lead = Lead.objects.get()
    assert (lead.rm, lead.branch) == (cast.raj, cast.tree.s1)
    assert not Lead.objects.visible_to(cast.bao).exists()


def test_undo_gives_back_leads_nobody_touched(cast: Cast, rosa: User) -> None:
    first, *_rest = pushed_leads(cast, 3)
    done = order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    followup.record(first.pk, rosa, entry("interested"))
    undone = transfer.undo(cast.bao, done.pk)
    assert undone.result["undone"] == {
        "customers": 3,
        "customers_kept": 0,
        "leads": 2,
        "leads_kept": 1,
    }
    assert owners() == ["rosa", "rita", "rita"]


def test_an_unassigned_lead_finds_its_manager_and_waits_again_after_undo(cast: Cast, rosa: User) -> None:
    pushed_leads(cast, 1)
    Lead.objects.update(rm=None, state=Lead.State.UNASSIGNED, unassigned_reason="nobody_in_branch")
    Customer.objects.update(primary_rm=None)
    done = order(cast.bao, Choice(nobody_in=cast.tree.n1.pk, receivers=(rosa.pk,)))
    lead = Lead.objects.get()
    assert (lead.rm, lead.state) == (rosa, Lead.State.NEW)
    transfer.undo(cast.bao, done.pk)
    lead = Lead.objects.get()
    assert (lead.rm, lead.state) == (None, Lead.State.UNASSIGNED)


def test_a_stale_claim_keeps_nothing_back(cast: Cast, rosa: User) -> None:
    lead, *_rest = pushed_leads(cast, 1)
    queue.claim(lead.pk, cast.rita)
    old = lead.created_at - dt.timedelta(minutes=queue.CLAIM_MINUTES + 1)
    Lead.objects.update(claimed_at=old)
    order(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    lead.refresh_from_db()
    assert (lead.rm, lead.claimed_by) == (rosa, None)
    assert LeadHandover.objects.get().version == lead.version


def test_a_branch_that_closes_gives_its_open_leads_away(cast: Cast) -> None:
    pushed_leads(cast, 2)
    given = branches.close(cast.tree.n1, cast.ada, cast.tree.n2)
    assert given == {"staff": 2, "customers": 2, "leads": 2}
    assert set(Lead.objects.values_list("branch", "rm")) == {(cast.tree.n2.pk, cast.rita.pk)}
    assert branches.figures()["leads"] == {cast.tree.n2.pk: 2}


def test_whoever_has_open_leads_is_not_locked_out(cast: Cast) -> None:
    pushed_leads(cast, 2)
    Customer.objects.update(primary_rm=None)
    data = {
        "full_name": "Rita",
        "employee_number": "E-rita",
        "username": "rita",
        "role": "rm",
        "branch": cast.tree.n1.pk,
        "daily_capacity": 20,
        "portfolio_size": 500,
        "version": 1,
        "confirmed": "1",
    }
    answer = login(cast.ada).post(f"/people/users/{cast.rita.pk}/", data)
    assert answer.status_code == 422
    assert "still has 2 open leads" in answer.content.decode()
    assert f"source={cast.rita.pk}" in answer.content.decode()
