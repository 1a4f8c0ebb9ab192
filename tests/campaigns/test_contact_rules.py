"""The bank's own rules of contact: added and retired on the page, in words, and in force at every door."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from bankcrm.models import AuditEvent
from campaigns import contact_rules, push
from campaigns.conflicts import Refused
from campaigns.contact_check import why_blocked
from campaigns.models import ContactRule, Lead
from customers.models import Contact, Customer, Holding, Product
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


@pytest.fixture
def fund(db: None) -> Product:
    return factories.make_product("fund")


@pytest.fixture
def loan(db: None) -> Product:
    return factories.make_product("loan")


def touch(pk: int, product: str, ago: int = 5, **more: Any) -> None:
    Contact.objects.create(
        customer_id=pk,
        contacted_on=TODAY - dt.timedelta(days=ago),
        reference=f"t:{pk}:{product}:{ago}",
        channel="phone",
        product_code=product,
        **more,
    )


def left_out(cast: Cast, code: str = "autumn") -> dict[str, int]:
    waterfall = factories.selected(cast, code).selection.waterfall
    return next(line for line in waterfall if line["step"] == "contact_policy")["reasons"]


def test_a_cap_about_a_product_counts_and_binds_that_product_alone(
    cast: Cast, fund: Product, loan: Product
) -> None:
    about_fund, about_loan, _free = factories.make_customers(3, cast.tree.n1, cast.rita)
    touch(about_fund, "fund")
    touch(about_loan, "loan")
    contact_rules.add(cast.max, kind="cap", maximum=1, days=30, product=fund)
    assert left_out(cast) == {"capped": 1}
    who = factories.customer(about_fund)
    assert why_blocked(who, "phone", fund, TODAY)
    assert not why_blocked(who, "phone", loan, TODAY)
    assert not why_blocked(factories.customer(about_loan), "phone", fund, TODAY)


def test_an_open_lead_of_the_product_counts_towards_its_cap(cast: Cast, fund: Product) -> None:
    factories.make_customers(2, cast.tree.n1, cast.rita)
    contact_rules.add(cast.max, kind="cap", maximum=1, days=30, product=fund)
    winter = factories.approved(cast, "winter", control_share="0")
    factories.pushed(cast, control_share="0")
    assert push.push(winter, cast.mei, on=TODAY).reconciliation["withheld"] == {"capped": 2}


def test_two_products_are_kept_apart(cast: Cast, fund: Product, loan: Product) -> None:
    lately, before, unanswered, _free = factories.make_customers(4, cast.tree.n1, cast.rita)
    touch(lately, "loan", 13)
    touch(before, "loan", 14)
    touch(unanswered, "loan", 3, was_reached=False)
    contact_rules.add(cast.max, kind="apart", product=fund, other_product=loan, days=14)
    assert left_out(cast) == {"apart": 1}
    said = why_blocked(factories.customer(lately), "phone", fund, TODAY)
    assert len(said) == 1
    assert "14 days apart" in said[0]
    assert not why_blocked(factories.customer(before), "phone", fund, TODAY)
    assert not why_blocked(factories.customer(unanswered), "phone", fund, TODAY)
    # The other way round nothing was said.
    assert not why_blocked(factories.customer(lately), "phone", loan, TODAY)


def test_one_product_only_after_another(cast: Cast, fund: Product, loan: Product) -> None:
    had, has, never = factories.make_customers(3, cast.tree.n1, cast.rita)
    for pk, closed in ((had, TODAY), (has, None)):
        Holding.objects.create(
            number=f"L{pk}",
            customer_id=pk,
            product=loan,
            opened_on=TODAY - dt.timedelta(days=90),
            closed_on=closed,
        )
    contact_rules.add(cast.max, kind="after", product=fund, other_product=loan)
    assert left_out(cast) == {"after": 1}
    assert "only to who has had" in " ".join(why_blocked(factories.customer(never), "phone", fund, TODAY))
    assert not why_blocked(factories.customer(has), "phone", fund, TODAY)


def test_a_rule_added_after_approval_bites_at_the_push(cast: Cast, fund: Product, loan: Product) -> None:
    ids = factories.make_customers(3, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, control_share="0")
    touch(ids[0], "loan")
    contact_rules.add(cast.max, kind="apart", product=fund, other_product=loan, days=30)
    done = push.push(campaign, cast.mei)
    assert done.reconciliation["withheld"] == {"apart": 1}
    assert set(Lead.objects.values_list("customer", flat=True)) == set(ids[1:])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "cap", "maximum": 0, "days": 30}, "maximum"),
        ({"kind": "cap", "maximum": 1, "days": 0}, "days"),
        ({"kind": "apart", "days": 30}, "product"),
        ({"kind": "after"}, "other_product"),
    ],
)
def test_half_a_rule_is_refused_beside_its_field(cast: Cast, fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        contact_rules.add(cast.max, **fields)
    assert wrong in refused.value.message_dict
    assert not ContactRule.objects.exists()


def test_a_product_is_not_kept_apart_from_itself_and_no_rule_holds_twice(cast: Cast, fund: Product) -> None:
    with pytest.raises(ValidationError, match="two different"):
        contact_rules.add(cast.max, kind="apart", product=fund, other_product=fund, days=3)
    contact_rules.add(cast.max, kind="cap", maximum=2, days=30)
    with pytest.raises(ValidationError, match="already"):
        contact_rules.add(cast.max, kind="cap", maximum=2, days=30)


def test_only_managers_and_administrators_write_rules(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        contact_rules.add(cast.mei, kind="cap", maximum=2, days=30)
    rule = contact_rules.add(cast.ada, kind="cap", maximum=2, days=30)
    with pytest.raises(PermissionDenied):
        contact_rules.set_active(rule, cast.mei, active=False)
    contact_rules.set_active(rule, cast.max, active=False)
    with pytest.raises(Refused):
        contact_rules.set_active(rule, cast.max, active=False)
    said = AuditEvent.objects.filter(object_type="campaigns.contactrule").order_by("id")
    assert [event.to_state for event in said] == ["in_force", "retired"]
    assert said[0].details["said"] == "At most 2 contacts in 30 days"


def test_the_page_adds_retires_and_counts(cast: Cast, fund: Product, loan: Product) -> None:
    ids = factories.make_customers(5, cast.tree.n1, cast.rita)
    touch(ids[0], "fund")
    Customer.objects.filter(pk=ids[1]).update(phone_is_wrong=True)
    client = login(cast.max)
    sent = client.post(reverse("contact-rule-create", args=["cap"]), {"maximum": "1", "days": "30"})
    assert sent.status_code == 302
    page = client.get(reverse("contact-rule-list"))
    assert [(str(row["reason"]), row["count"]) for row in page.context["blocked"]] == [
        ("No phone number that works", 1),
        ("Contacted as often as the rules allow", 1),
    ]
    assert (page.context["free"], page.context["everybody"]) == (3, 5)
    rule = ContactRule.objects.get()
    assert b"At most 1 contact in 30 days" in page.content
    client.post(reverse("contact-rule-set", args=[rule.pk]), {})
    assert client.get(reverse("contact-rule-list")).context["free"] == 4
    refused = client.post(reverse("contact-rule-create", args=["apart"]), {"product": fund.pk, "days": "9"})
    assert refused.status_code == 422
    assert b"Name both products." in refused.content
    # A planner reads the policy and writes none of it.
    planner = login(cast.mei)
    assert planner.get(reverse("contact-rule-list")).status_code == 200
    assert planner.post(reverse("contact-rule-set", args=[rule.pk]), {"active": "1"}).status_code == 403
