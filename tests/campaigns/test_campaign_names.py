"""The customer's history names campaigns as people do; a code without a campaign of ours stays a code."""

from __future__ import annotations

from django.urls import reverse

from customers import timeline
from customers.models import Assignment, Product
from customers.timeline import Group
from tests import facts
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login


def test_the_timeline_says_a_campaigns_name(cast: Cast) -> None:
    li = facts.customer("李建国", home_branch=cast.tree.n1, primary_rm=cast.rita)
    factories.draft(cast, "autumn-funds", name="Autumn funds")
    facts.contact(li, TODAY, campaign_code="autumn-funds")
    facts.response(li, TODAY, campaign_code="autumn-funds")
    facts.response(li, TODAY, campaign_code="of-another-bank")
    found = timeline.timeline(cast.rita, li, TODAY, groups=[Group.CONTACTS, Group.RESPONSES])
    assert sorted(entry.what for entry in found) == ["Autumn funds", "Autumn funds", "of-another-bank"]


def test_what_is_no_campaign_is_left_as_it_is(cast: Cast) -> None:
    li = facts.customer("李建国", home_branch=cast.tree.n1, primary_rm=cast.rita)
    product = factories.make_product()
    factories.draft(cast, "fund", name="Autumn funds")
    facts.holding(li, product, TODAY)
    (entry,) = timeline.timeline(cast.rita, li, TODAY, groups=[Group.HOLDINGS])
    assert entry.what == product.name


def test_arms_products_and_outcomes_are_called_by_name_too(cast: Cast) -> None:
    li = facts.customer("李建国", home_branch=cast.tree.n1, primary_rm=cast.rita)
    campaign = factories.draft(cast, "autumn-funds", name="Autumn funds")
    campaign.arms.update(name="Call first")
    arm = campaign.arms.get()
    facts.contact(li, TODAY, campaign_code="autumn-funds", outcome="no_answer")
    facts.contact(li, TODAY, campaign_code="autumn-funds", outcome="left_message")
    facts.response(li, TODAY, campaign_code="autumn-funds", product_code=campaign.product.code)
    Assignment.objects.create(
        customer=li, assigned_on=TODAY, campaign_code="autumn-funds", cell_code=arm.code
    )
    page = login(cast.rita).get(
        reverse("customer-tab", args=[li.pk, "history"]), headers={"HX-Request": "true"}
    )
    rows = [(row["text"], row["meta"]) for row in page.context["entries"]]
    assert ("Selected for Autumn funds", "Call first") in rows
    assert ("Call: Autumn funds", "No answer") in rows
    assert ("Call: Autumn funds", "left message") in rows
    assert any(meta == campaign.product.name for _text, meta in rows)


def test_products_of_one_name_are_told_apart_by_their_code(cast: Cast) -> None:
    for code in ("credit_card", "berka-card"):
        Product.objects.create(code=code, name="Credit card", line="credit_card")
    Product.objects.create(code="fund", name="Fund", line="wealth")
    page = login(cast.mei).get(reverse("campaign-create")).content.decode()
    for shown in ("Credit card (credit_card)<", "Credit card (berka-card)<", ">Fund<"):
        assert shown in page
