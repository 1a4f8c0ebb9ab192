"""The sample bank's contracts have a history that leads to them, and its customers other wishes than marketing."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db.models import Count, F

from customers import sample_bank
from customers.models import (
    Acquisition,
    Consent,
    ConsentEvent,
    ConsumerFinanceContract,
    ConsumerFinanceState,
    QuietPeriod,
)

pytestmark = pytest.mark.django_db

MADE = {"size": 1200, "months": 12, "seed": 3, "today": dt.date(2026, 11, 4), "transactions_per_month": 0.1}


@pytest.fixture
def bank() -> sample_bank.Bank:
    return sample_bank.create(**MADE, profiles=False)


def test_every_contract_is_its_newest_state_and_was_paid_down_to_it(bank: sample_bank.Bank) -> None:
    contracts = ConsumerFinanceContract.objects.all()
    assert contracts.count() > 30
    states = {(one.number, one.as_of): one for one in ConsumerFinanceState.objects.all()}
    for contract in contracts:
        newest = states[contract.number, bank.as_of]
        assert (newest.principal_outstanding, newest.overdue_days, contract.as_of) == (
            contract.principal_outstanding,
            contract.overdue_days,
            bank.as_of,
        )
    by_contract: dict[str, list[ConsumerFinanceState]] = {}
    for (number, _day), one in sorted(states.items()):
        by_contract.setdefault(number, []).append(one)
    assert max(map(len, by_contract.values())) == 12
    for months in by_contract.values():
        owed = [one.principal_outstanding for one in months]
        assert owed == sorted(owed, reverse=True)
    assert not ConsumerFinanceState.objects.filter(opened_on__gt=F("as_of")).exists()
    late = ConsumerFinanceState.objects.filter(overdue_days__gt=0)
    assert late.filter(as_of__lt=bank.as_of).exists()


def test_the_months_go_on_with_the_bank(bank: sample_bank.Bank) -> None:
    after = sample_bank.advance(bank, to=dt.date(2026, 12, 31), profiles=False).bank
    assert set(ConsumerFinanceContract.objects.values_list("as_of", flat=True)) == {after.as_of}
    months = ConsumerFinanceState.objects.filter(as_of__gt=bank.as_of).values("as_of").annotate(n=Count("id"))
    assert {row["as_of"] for row in months} == {dt.date(2026, 11, 30), after.as_of}


def test_wishes_beyond_marketing_and_quiet_periods_are_there_and_everything_is_in_the_history(
    bank: sample_bank.Bank,
) -> None:
    assert set(Consent.objects.values_list("purpose", flat=True)) == {
        "marketing",
        "all",
        "profiling",
        "survey",
        "partners",
    }
    assert not Consent.objects.filter(channel="all", purpose="marketing").exists()
    assert QuietPeriod.objects.exists()
    assert ConsentEvent.objects.count() == Consent.objects.count()


def test_making_the_bank_anew_leaves_nothing_of_the_old_one(bank: sample_bank.Bank) -> None:
    Acquisition.objects.create(
        customer_id=10**9,
        cohort=dt.date(2026, 1, 1),
        as_of=bank.as_of,
        built_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )
    sample_bank.create(**MADE, profiles=False, replace=True)
    assert not Acquisition.objects.exists()
    assert ConsentEvent.objects.count() == Consent.objects.count()
