"""Two planners edit one offer or one plan: the second sees who was first, both sides, and nothing is overwritten."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from bankcrm.models import AuditEvent, Role, User
from campaigns import offering, planning
from campaigns.conflicts import Conflict
from campaigns.models import MarketingPlan, Offer, PlanTarget
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def pat(cast: Cast) -> User:
    return make_user("pat", Role.PLANNER, cast.tree.head_office)


@pytest.fixture
def offer(cast: Cast) -> Offer:
    return factories.make_offer(factories.make_product())


@pytest.fixture
def plan(cast: Cast) -> MarketingPlan:
    return planning.create(cast.mei, name="Winter", starts_on=TODAY, ends_on=TODAY, budget=100)


def offer_fields(offer: Offer, **changes: Any) -> dict[str, Any]:
    names = ["name", "code", "terms", "margin_per_sale", "cost_per_contact", "cost_per_sale"]
    names += ["script_open", "script_ask", "script_offer", "script_if_unsure"]
    typed = {name: getattr(offer, name) for name in names}
    return typed | {"product": offer.product_id, "excludes_holders": "on", "version": offer.version} | changes


def plan_fields(plan: MarketingPlan, **changes: Any) -> dict[str, Any]:
    names = ("name", "starts_on", "ends_on", "budget", "objective", "version")
    return {name: getattr(plan, name) for name in names} | changes


def edited_by_pat(offer: Offer, pat: User) -> None:
    theirs = Offer.objects.get(pk=offer.pk)
    theirs.terms = "from ¥800"
    offering.save_offer(theirs, pat)


def test_the_second_to_save_an_offer_sees_both_sides_and_overwrites_only_on_purpose(
    cast: Cast, pat: User, offer: Offer
) -> None:
    client, url = login(cast.mei), reverse("offer-edit", args=[offer.pk])
    assert f'name="version" value="{offer.version}"' in client.get(url).content.decode()
    edited_by_pat(offer, pat)
    mine = offer_fields(offer, terms="from ¥500", excludes_holders="")
    answer = client.post(url, mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    # The day as every other page says it, in the bank's time.
    assert re.search(r"Pat changed this at \d\d:\d\d today, after you opened it", page)
    assert "<td>from ¥800</td><td>from ¥500</td>" in page
    assert "<td>Yes</td><td>No</td>" in page
    assert page.count('<th scope="row">') == 2
    assert Offer.objects.get().terms == "from ¥800"

    assert client.post(url, mine).status_code == 409  # the same again is as old as before
    assert client.post(url, mine | {"version": 2}).status_code == 302
    saved = Offer.objects.get()
    assert (saved.terms, saved.excludes_holders, saved.version) == ("from ¥500", False, 3)


def test_a_page_that_sends_no_version_back_overwrites_nothing(cast: Cast, offer: Offer) -> None:
    for garbled in ("", "x", "0"):
        answer = login(cast.mei).post(
            reverse("offer-edit", args=[offer.pk]), offer_fields(offer, terms="mine", version=garbled)
        )
        assert answer.status_code in (409, 422)
    assert Offer.objects.get().terms == offer.terms


def test_an_offer_saved_as_it_was_is_not_a_change(cast: Cast, pat: User, offer: Offer) -> None:
    offering.save_offer(Offer.objects.get(), pat)
    assert Offer.objects.get().version == 1
    assert not AuditEvent.objects.filter(action="offer.edited").exists()
    edited_by_pat(offer, pat)
    event = AuditEvent.objects.get(action="offer.edited")
    assert event.details["changed"] == {"terms": [offer.terms, "from ¥800"]}


def test_the_second_to_save_a_plan_sees_both_sides(cast: Cast, pat: User, plan: MarketingPlan) -> None:
    client, url = login(cast.mei), reverse("plan-edit", args=[plan.pk])
    planning.edit(plan, pat, budget=200)
    mine = plan_fields(plan, budget="300")
    answer = client.post(url, mine)
    assert answer.status_code == 409
    assert "<td>200.00</td><td>300</td>" in answer.content.decode()
    assert MarketingPlan.objects.get().budget == 200
    assert client.post(url, mine | {"version": 2}).status_code == 302
    assert MarketingPlan.objects.get().budget == 300


def test_targets_set_meanwhile_are_not_replaced_by_an_old_page(
    cast: Cast, pat: User, plan: MarketingPlan
) -> None:
    product = factories.make_product()
    client, url = login(cast.mei), reverse("plan-targets", args=[plan.pk])
    theirs = {"branch": cast.tree.n1, "product": product, "month": TODAY, "sales": 10}
    planning.set_targets(MarketingPlan.objects.get(), pat, [theirs])
    line = {
        "branch": cast.tree.n1.pk,
        "product": product.pk,
        "month": f"{TODAY:%Y-%m}",
        "sales": 77,
        "volume": 0,
    }
    mine: dict[str, Any] = {"targets-TOTAL_FORMS": 1, "targets-INITIAL_FORMS": 0, "version": plan.version}
    mine |= {f"targets-0-{name}": value for name, value in line.items()}
    answer = client.post(url, mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Pat changed this at" in page
    assert 'value="77"' in page
    assert PlanTarget.objects.get().sales == 10
    assert client.post(url, mine | {"version": 2}).status_code == 302
    assert PlanTarget.objects.get().sales == 77


def test_verbs_hold_the_version_without_a_page(cast: Cast, offer: Offer, plan: MarketingPlan) -> None:
    stale_offer, stale_plan = Offer.objects.get(), MarketingPlan.objects.get()
    edited_by_pat(offer, cast.mei)
    planning.edit(plan, cast.mei, budget=7)
    stale_offer.terms = "mine"
    with pytest.raises(Conflict):
        offering.save_offer(stale_offer, cast.mei)
    with pytest.raises(Conflict):
        planning.edit(stale_plan, cast.mei, budget=8)
    with pytest.raises(Conflict):
        planning.set_targets(stale_plan, cast.mei, [])
