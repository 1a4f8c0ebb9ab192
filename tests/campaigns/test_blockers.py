"""What blocks a submission, one flaw at a time on a campaign that is otherwise ready."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from campaigns import contact_policy, lifecycle, targeting
from campaigns.blockers import BLOCKER, WARNING, blockers
from campaigns.models import Arm, Campaign, Offer, Selection, Target
from customers.models import Product
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast


@pytest.fixture
def ready(cast: Cast) -> Campaign:
    contact_policy.ensure_default_rules()
    ids = factories.make_customers(200, cast.tree.n1, cast.rita)
    model = factories.make_scores(factories.make_product(), cast.ana, dict.fromkeys(ids, 0.1))
    return factories.selected(cast, model=model, control_share="0.3", exploration_share="0.05")


def codes(campaign: Campaign, severity: str = BLOCKER) -> set[str]:
    found = blockers(Campaign.objects.get(pk=campaign.pk), TODAY)
    assert all(b.sentence and b.anchor for b in found)
    return {b.code for b in found if b.severity == severity}


def test_a_ranking_without_exploration_is_said(ready: Campaign, cast: Cast) -> None:
    lifecycle.edit(ready, cast.mei, ready.version, exploration_share="0")
    targeting.select(Campaign.objects.get(pk=ready.pk), cast.mei, on=TODAY)
    assert codes(ready) == set()
    assert codes(ready, WARNING) == {"no_exploration"}


def test_a_ready_campaign_has_none(ready: Campaign) -> None:
    assert codes(ready) == set()
    assert codes(ready, WARNING) == set()


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ({"ends_on": TODAY - dt.timedelta(days=1), "starts_on": TODAY - dt.timedelta(days=9)}, "dates_past"),
        ({"condition": {}}, "audience_missing"),
        ({"condition": {"all": [{"field": "shoe_size", "op": "is", "value": 3}]}}, "audience_invalid"),
        ({"selection": None}, "not_selected"),
        ({"version": 7}, "selection_stale"),
        ({"budget": 1399}, "over_budget"),
    ],
)
def test_flaws_of_the_campaign(flaw: dict[str, Any], code: str, ready: Campaign) -> None:
    if code == "over_budget":
        count = Selection.objects.get().targets_count
        flaw = {"budget": count * 10 - 1}
    Campaign.objects.filter(pk=ready.pk).update(**flaw)
    assert codes(ready) == {code}


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ({"script_open": " "}, "script_missing"),
        ({"script_offer": ""}, "script_missing"),
        ({"valid_to": TODAY}, "offer_ends_early"),
        ({"valid_from": TODAY + dt.timedelta(days=1)}, "offer_starts_late"),
    ],
)
def test_flaws_of_the_offer(flaw: dict[str, Any], code: str, ready: Campaign) -> None:
    Offer.objects.update(**flaw)
    assert codes(ready) == {code}


def test_flaws_of_the_arms(ready: Campaign) -> None:
    Arm.objects.update(share="0.9")
    assert codes(ready) == {"shares"}
    Arm.objects.update(share=1, offer=None)
    assert codes(ready) == {"offer_missing"}
    Target.objects.all().delete()
    Arm.objects.all().delete()
    assert codes(ready) == {"arms_missing"}


def test_an_offer_of_another_product_blocks(ready: Campaign) -> None:
    Offer.objects.update(product=factories.make_product("loan"))
    assert codes(ready) == {"offer_of_another_product"}


def test_a_product_off_sale_blocks(ready: Campaign) -> None:
    Product.objects.update(is_active=False)
    assert codes(ready) == {"product_off_sale"}


def test_an_empty_list_blocks(ready: Campaign) -> None:
    Selection.objects.update(targets_count=0)
    assert codes(ready) == {"nobody_selected"}


def test_what_is_only_to_be_known_does_not_block(ready: Campaign, cast: Cast) -> None:
    contact_policy.ContactRule.objects.all().delete()
    assert codes(ready, WARNING) == {"no_contact_rules"}
    bare = factories.selected(cast, "bare", control_share="0")
    assert codes(bare, WARNING) == {"no_contact_rules", "no_control", "no_model"}
    small = factories.selected(cast, "small", capacity=40, control_share="0.2", model=ready.model)
    assert codes(small, WARNING) == {"no_contact_rules", "cannot_be_judged", "no_exploration"}
    assert codes(bare) == codes(small) == set()


def test_a_success_that_only_staff_report_is_warned_of_before_anybody_is_called(ready: Campaign) -> None:
    Campaign.objects.filter(pk=ready.pk).update(success="interest")
    assert codes(ready, WARNING) == {"outcome_only_reported"}
    Campaign.objects.filter(pk=ready.pk).update(success="conversion")
    assert codes(ready, WARNING) == set()
