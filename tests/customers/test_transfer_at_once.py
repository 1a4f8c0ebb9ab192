"""Portfolio transfers at the same moment: no deadlock, no customer lost, no transfer twice."""

from __future__ import annotations

import functools

import pytest

from bankcrm.models import Role, User
from bankcrm.runs import Conflict, Refused
from customers import transfer
from customers.models import Customer, PortfolioMove, PortfolioTransfer
from customers.transfer_plan import Choice, preview
from tests.campaigns.factories import TODAY, make_customers
from tests.campaigns.lead_cases import at_once
from tests.cast import Cast, make_user


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY)


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


@pytest.mark.django_db(transaction=True)
def test_overlapping_transfers_at_once_neither_deadlock_nor_lose_a_customer(cast: Cast, rosa: User) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1)
    people = [cast.rita, rosa, sun]
    for person in people:
        make_customers(40, cast.tree.n1, person, prefix=person.username)
    for _round in range(3):
        tokens = [
            preview(cast.bao, Choice((giver.pk,), receivers=(taker.pk,))).token
            for giver in people
            for taker in people
            if giver != taker and Customer.objects.filter(primary_rm=giver).exists()
        ]
        results = at_once([functools.partial(transfer.order, cast.bao, token, "x") for token in tokens])
        assert [r for r in results if not isinstance(r, (PortfolioTransfer, Conflict, Refused))] == []
        assert any(isinstance(r, PortfolioTransfer) for r in results)
    assert Customer.objects.filter(primary_rm__in=people).count() == 120
    for pk, owner in Customer.objects.values_list("pk", "primary_rm"):
        last = PortfolioMove.objects.filter(customer=pk).order_by("-pk").first()
        assert last is None or last.to_rm_id == owner


@pytest.mark.django_db(transaction=True)
def test_one_preview_sent_ten_times_at_once_is_one_transfer(cast: Cast, rosa: User) -> None:
    make_customers(20, cast.tree.n1, cast.rita)
    token = preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,))).token
    results = at_once([functools.partial(transfer.order, cast.bao, token, "x")] * 10)
    assert {type(result) for result in results} == {PortfolioTransfer}, results
    assert len({result.pk for result in results}) == 1
    assert PortfolioMove.objects.count() == 20
