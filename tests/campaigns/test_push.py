"""The push: an approved selection becomes leads once, whatever interrupts it, and every target is accounted for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm.models import AuditEvent
from campaigns import push
from campaigns.conflicts import Refused
from campaigns.models import Campaign, ContactRule, FollowUp, Lead, Offer, Push, Target
from customers.models import Assignment, Consent, Contact, Customer, Holding
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast


@pytest.fixture
def customers(cast: Cast) -> list[int]:
    return factories.make_customers(200, cast.tree.n1, cast.rita)


def digest() -> list[Any]:
    """Everything a push writes, without surrogate keys and clocks."""
    leads = Lead.objects.order_by("customer").values_list(
        "customer", "rm", "branch", "arm__code", "state", "unassigned_reason", "value", "due_on"
    )
    history = Assignment.objects.order_by("customer").values_list(
        "campaign_code", "customer", "cell_code", "is_control", "assigned_on", "score"
    )
    held = Target.objects.exclude(withheld="").order_by("customer").values_list("customer", "withheld")
    done = Push.objects.order_by("campaign").values_list("campaign", "wave", "reconciliation")
    told = AuditEvent.objects.filter(action__startswith="campaign.").order_by("id").values_list("action")
    return [list(leads), list(history), list(held), list(done), list(told)]


def test_what_was_selected_is_pushed_or_control(cast: Cast, customers: list[int]) -> None:
    campaign, done = factories.pushed(cast)
    assert campaign.state == Campaign.State.RUNNING
    assert campaign.assigned_on == TODAY
    leads = Lead.objects.filter(campaign=campaign)
    treated = set(Target.objects.treated().values_list("customer", flat=True))
    assert set(leads.values_list("customer", flat=True)) == treated
    assert done.reconciliation == {
        "selected": 200,
        "pushed": len(treated),
        "control": 200 - len(treated),
        "withheld": {},
    }
    assert done.finished_at is not None
    counted = push.reconcile(campaign)
    assert counted.adds_up
    assert (counted.open, counted.closed, counted.recalled) == (len(treated), 0, 0)


def test_everybody_selected_enters_the_history_on_the_same_day(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    objector = Target.objects.treated().order_by("id").first()
    assert objector is not None
    Consent.objects.create(customer_id=objector.customer_id, channel="all", is_objection=True, since=TODAY)
    push.push(campaign, cast.mei, on=TODAY)
    history = {a.customer_id: a for a in Assignment.objects.filter(campaign_code=campaign.code)}
    for target in Target.objects.select_related("arm"):
        row = history.pop(target.customer_id)
        assert row.assigned_on == TODAY
        assert row.is_control == target.is_control
        assert row.cell_code == ("control" if target.is_control else "a")
        assert (row.is_random, row.product_code) == (True, "fund")
    assert not history


def test_only_an_approved_campaign_is_pushed(cast: Cast, customers: list[int]) -> None:
    for make, why in ((factories.selected, "a draft"), (factories.submitted, "waits for a second person")):
        campaign = make(cast, why.replace(" ", "-"))
        with pytest.raises(Refused, match=f"not approved yet: it .*{why.removeprefix('a ')}"):
            push.push(campaign, cast.mei, on=TODAY)
    assert not Lead.objects.exists()
    assert not Push.objects.exists()
    assert not Assignment.objects.exists()


def test_a_second_push_is_refused_and_changes_nothing(cast: Cast, customers: list[int]) -> None:
    campaign, _done = factories.pushed(cast)
    before = digest()
    with pytest.raises(Refused, match="already pushed"):
        push.push(campaign, cast.mei, on=TODAY)
    with pytest.raises(Refused):
        push.push(campaign, cast.mei, wave=2, on=TODAY)
    assert digest() == before


def test_only_planners_push(cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    for user in (cast.omar, cast.rita, cast.max, cast.ada, cast.aud):
        with pytest.raises(PermissionDenied):
            push.push(campaign, user, on=TODAY)
    assert not Push.objects.exists()


@pytest.mark.parametrize("drift", ["script", "price", "target lost", "target gained", "arm changed"])
def test_what_drifted_since_approval_is_not_pushed(drift: str, cast: Cast, customers: list[int]) -> None:
    campaign = factories.approved(cast)
    chosen = Target.objects.treated().order_by("id")
    if drift == "script":
        Offer.objects.update(script_offer="Twice the interest.")
    elif drift == "price":
        Offer.objects.update(margin_per_sale=1)
    elif drift == "target lost":
        Target.objects.filter(pk=chosen[0].pk).delete()
    elif drift == "target gained":
        more = factories.make_customers(1, cast.tree.n1, prefix="X")[0]
        Target.objects.filter(pk=chosen[0].pk).update(customer=more)
    else:
        Target.objects.filter(pk=chosen[0].pk).update(is_control=True, arm=None)
    with pytest.raises(Refused, match="changed since approval"):
        push.push(campaign, cast.mei, on=TODAY)
    assert not Lead.objects.exists()
    assert Campaign.objects.get(pk=campaign.pk).state == Campaign.State.APPROVED


def test_who_must_not_be_contacted_any_more_is_withheld_with_the_reason(
    cast: Cast, customers: list[int]
) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    campaign = factories.approved(cast)
    treated = list(Target.objects.treated().order_by("id").values_list("customer", flat=True))
    dnc, objects, left, staff, called, phone, holds = treated[:7]
    Consent.objects.create(customer_id=dnc, channel="all", is_objection=True, since=TODAY)
    Consent.objects.create(customer_id=objects, channel="phone", is_objection=True, since=TODAY)
    Customer.objects.filter(pk=left).update(closed_on=TODAY)
    Customer.objects.filter(pk=staff).update(is_employee=True)
    Customer.objects.filter(pk=phone).update(phone_is_wrong=True)
    Contact.objects.create(customer_id=called, contacted_on=TODAY, reference="x", channel="sms")
    Holding.objects.create(number="H", customer_id=holds, product=campaign.product, opened_on=TODAY)
    done = push.push(campaign, cast.mei, on=TODAY)
    held = dict(Target.objects.exclude(withheld="").values_list("customer", "withheld"))
    assert held == {
        dnc: "do_not_contact",
        objects: "objection",
        left: "closed",
        staff: "employee",
        called: "capped",
        phone: "wrong_phone",
        holds: "holds_product",
    }
    assert held.keys().isdisjoint(Lead.objects.values_list("customer", flat=True))
    assert done.reconciliation["withheld"] == dict(Counter(held.values()))
    assert set(held.values()) <= push.WITHHELD_REASONS.keys()
    assert push.reconcile(campaign).adds_up


def test_two_campaigns_do_not_share_a_customer_beyond_the_cap(cast: Cast, customers: list[int]) -> None:
    """Both were selected while nobody had a lead; the second push finds the first one's open leads."""
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    first, second = factories.approved(cast, "first"), factories.approved(cast, "second")
    push.push(first, cast.mei, on=TODAY)
    push.push(second, cast.mei, on=TODAY)
    per_customer = Counter(Lead.objects.values_list("customer", flat=True))
    assert set(per_customer.values()) == {1}
    assert Target.objects.filter(selection=second.selection, withheld="capped").exists()


def test_the_number_of_queries_does_not_depend_on_the_leads(cast: Cast) -> None:
    counted = []
    for code, n in (("few", 100), ("many", 400)):
        factories.make_customers(n, cast.tree.n1, cast.rita, prefix=code)
        campaign = factories.approved(cast, code)
        with CaptureQueriesContext(connection) as queries:
            push.push(campaign, cast.mei, on=TODAY)
        counted.append(len(queries))
    assert Lead.objects.count() > 400
    assert counted[0] == counted[1]


@pytest.mark.parametrize("size", ["7", "5000"])
def test_the_chunk_size_does_not_show_in_the_result(
    size: str, cast: Cast, customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", size)
    _campaign, done = factories.pushed(cast)
    assert (done.reconciliation["pushed"], done.reconciliation["control"]) == (
        Lead.objects.count(),
        Target.objects.filter(is_control=True).count(),
    )
    assert Assignment.objects.count() == 200


def test_a_push_takes_at_most_twenty_chunks_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANKCRM_PUSH_CHUNK", raising=False)
    for total in (1, 499, 10_001, 100_000, 1_000_003):
        assert -(-total // push.chunk_size(total)) <= 20
    monkeypatch.setenv("BANKCRM_PUSH_CHUNK", "7")
    assert push.chunk_size(100_000) == 7


def test_only_untouched_leads_are_recalled(cast: Cast, customers: list[int]) -> None:
    campaign, _done = factories.pushed(cast)
    claimed, spoken, sold, *_rest = Lead.objects.order_by("id")
    Lead.objects.filter(pk=claimed.pk).update(claimed_by=cast.rita)
    FollowUp.objects.create(lead=spoken, by=cast.rita, outcome=Lead.Outcome.NO_ANSWER)
    Lead.objects.filter(pk=sold.pk).update(state=Lead.State.CONVERTED)
    total = Lead.objects.count()
    assert push.recall(campaign, cast.mei, "The offer was withdrawn.") == total - 3
    counted = push.reconcile(campaign)
    assert counted.adds_up
    assert (counted.open, counted.closed, counted.recalled) == (2, 1, total - 3)
    with pytest.raises(PermissionDenied):
        push.recall(campaign, cast.rita)
    assert push.recall(campaign, cast.mei) == 0
