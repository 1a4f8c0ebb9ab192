"""What the workspace says of a lead is true: where its value comes from, and who spoke with the customer last."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from bankcrm import figures
from campaigns.lead_views import rows
from campaigns.models import Lead, Offer
from customers.models import Assignment, CustomerProfile, Response
from tests import facts
from tests.campaigns import factories
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db
COSTS = {"margin_per_sale": 900, "cost_per_sale": 60, "cost_per_contact": 12}


@pytest.fixture
def lead(cast: Cast) -> Lead:
    """A scored lead of Rita: 5 % of a sale that is worth 840, for a contact at 12."""
    ids = factories.make_customers(3, cast.tree.n1, cast.rita)
    product = factories.make_product()
    model = factories.make_scores(product, cast.ana, dict.fromkeys(ids, 0.05))
    arms = [{"code": "a", "offer": factories.make_offer(product, "fund-plan", **COSTS), "share": 1}]
    factories.pushed(cast, control_share=0, product=product, model=model, arms=arms)
    return Lead.objects.order_by("pk")[0]


def page(cast: Cast, lead: Lead) -> str:
    text = login(cast.rita).get(reverse("lead-detail", args=[lead.pk])).content.decode()
    return " ".join(text.replace("\u00a0", " ").split())


def test_the_expected_value_is_told_with_everything_it_comes_from(cast: Cast, lead: Lead) -> None:
    assert lead.value == pytest.approx(30)
    told = page(cast, lead)
    assert '<div class="mid">¥30' in told
    assert "5.00 % × ¥840 − ¥12 a contact" in told


def test_a_lead_of_a_list_without_a_model_has_no_score_but_says_that_the_order_was_drawn(cast: Cast) -> None:
    """The rate of earlier campaigns is the same for everybody and is nobody's score."""
    ids = factories.make_customers(400, cast.tree.n1, cast.rita)
    past = {"campaign_code": "spring", "product_code": "fund"}
    day = factories.TODAY - dt.timedelta(days=200)
    Assignment.objects.bulk_create(
        Assignment(customer_id=pk, cell_code="a", assigned_on=day, **past) for pk in ids
    )
    Response.objects.bulk_create(
        Response(customer_id=pk, kind="conversion", how="matched", responded_on=day, **past)
        for pk in ids[:36]
    )
    factories.pushed(cast, control_share=0)
    drawn = Lead.objects.select_related("target").order_by("pk")[0]
    assert drawn.target.probability == pytest.approx(0.09)
    assert rows.top_reason(drawn) == "Order drawn: no model"
    told = page(cast, drawn)
    assert "No model: everybody is assumed to respond like 36 of 400 customers in earlier campaigns" in told
    assert "not by a score" not in told
    answer = login(cast.rita).get(reverse("api-lead-detail", args=[drawn.pk])).json()
    assert (answer["why"], answer["score"]) == ("Order drawn: no model", None)


def test_a_scored_lead_without_reasons_tells_its_score(cast: Cast, lead: Lead) -> None:
    lead.target.reasons = []
    assert rows.top_reason(lead).startswith("Score 5.0")
    assert "decile 1" in rows.top_reason(lead)


def test_a_sum_that_adds_up_no_more_is_not_told(cast: Cast, lead: Lead) -> None:
    Offer.objects.update(margin_per_sale=1000)
    told = page(cast, lead)
    assert '<div class="mid">¥30' in told
    assert " × ¥" not in told


def test_who_was_called_about_something_else_is_not_called_unspoken_to(cast: Cast, lead: Lead) -> None:
    assert "About this lead nobody has spoken yet." in page(cast, lead)
    assert "Last contact" not in page(cast, lead)
    facts.contact(lead.customer, dt.date(2025, 9, 12), outcome="no_answer", campaign_code="spring")
    assert "Last contact 12 Sep 2025: Call: spring, No answer." in page(cast, lead)


def test_whose_customer_it_is_not_reads_the_lead_and_no_contact(cast: Cast, lead: Lead) -> None:
    facts.contact(lead.customer, dt.date(2025, 9, 12), outcome="no_answer")
    other = make_user("other", "rm", cast.tree.n1)
    lead.customer.primary_rm = other
    lead.customer.save()
    told = page(cast, lead)
    assert "Not your customer" in told
    assert "About this lead nobody has spoken yet." in told
    assert "Last contact" not in told


def test_the_queue_knows_the_last_touch_of_the_year_before_and_the_tier(cast: Cast, lead: Lead) -> None:
    today = factories.TODAY
    CustomerProfile.objects.filter(customer=lead.customer_id).update(tier="gold")
    facts.contact(lead.customer, today - dt.timedelta(days=390), outcome="no_answer")
    facts.contact(lead.customer, today - dt.timedelta(days=380), outcome="declined")
    [row] = [row for row in login(cast.rita).get(reverse("lead-list")).context["rows"] if row.lead == lead]
    assert row.touch.endswith("declined")
    assert row.tier == "gold"
    facts.contact(lead.customer, today - dt.timedelta(days=3), was_reached=False)
    listed = login(cast.rita).get(reverse("lead-list")).content.decode()
    assert f"{figures.short_day(today - dt.timedelta(days=3))} not reached" in listed
