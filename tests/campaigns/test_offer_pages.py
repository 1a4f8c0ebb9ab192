"""Offers: made and edited by planners, read by others, and never changed quietly under an approval."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analytics.models import Audience
from bankcrm.models import AuditEvent
from campaigns import push
from campaigns.conflicts import Refused
from campaigns.models import Offer
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import login


def fields(product, **changes):
    return {
        "name": "Steady",
        "code": "steady",
        "product": product.pk,
        "margin_per_sale": 900,
        "cost_per_contact": 10,
        "cost_per_sale": 0,
        "excludes_holders": "on",
        "script_open": "Hello",
        "script_offer": "A fund",
    } | changes


def test_mei_makes_an_offer_with_its_script_and_others_do_not(cast):
    product, url = factories.make_product(), reverse("offer-create")
    assert login(cast.mei).post(url, fields(product)).status_code == 302
    made = Offer.objects.get()
    assert (made.script_open, made.script_offer, made.eligibility) == ("Hello", "A fund", {})
    assert AuditEvent.objects.filter(action="offer.created", object_id=str(made.pk)).count() == 1
    for person in (cast.omar, cast.ana, cast.aud, cast.rita):
        assert login(person).post(url, fields(product, code="other")).status_code == 403
    assert Offer.objects.count() == 1


def test_a_taken_code_or_a_text_for_money_is_refused_beside_the_field(cast):
    product = factories.make_product()
    factories.make_offer(product)
    client = login(cast.mei)
    answer = client.post(reverse("offer-create"), fields(product, margin_per_sale="lots"))
    assert answer.status_code == 422
    assert b'value="lots"' in answer.content
    assert Offer.objects.count() == 1


def test_a_saved_audience_says_who_is_eligible(cast):
    product = factories.make_product()
    audience = Audience.objects.create(name="Young", condition=factories.EVERYBODY, owner=cast.mei)
    login(cast.mei).post(reverse("offer-create"), fields(product, audience=audience.pk))
    assert Offer.objects.get().eligibility == {"all": [{"field": f"audience:{audience.pk}", "op": "is"}]}


def test_readers_see_the_offer_and_cannot_type_into_it(cast):
    offer = factories.make_offer(factories.make_product())
    page = login(cast.omar).get(reverse("offer-edit", args=[offer.pk])).content.decode()
    assert "Good morning, this is your bank." in page
    assert 'type="submit">Save' not in page
    assert (
        login(cast.omar).post(reverse("offer-edit", args=[offer.pk]), fields(offer.product)).status_code
        == 403
    )


def test_changing_an_approved_offer_warns_before_and_stops_the_push_after(cast):
    factories.make_customers(60, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast)
    offer = campaign.arms.get().offer
    client, url = login(cast.mei), reverse("offer-edit", args=[offer.pk])
    assert b"must be approved again" in client.get(url).content
    client.post(url, fields(offer.product, code=offer.code, name=offer.name, margin_per_sale=1, version=1))
    with pytest.raises(Refused, match="Approve it again"):
        push.push(campaign, cast.mei, on=TODAY)


def test_a_campaign_with_an_offer_without_script_says_so(cast):
    product = factories.make_product()
    bare = factories.make_offer(product, "bare", script_open="")
    campaign = factories.draft(cast, arms=[{"code": "a", "offer": bare, "share": 1}])
    page = login(cast.mei).get(reverse("campaign-detail", args=[campaign.pk])).content
    assert b"Arm a has no call script yet" in page
