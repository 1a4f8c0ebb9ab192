"""Contact policy: the same answer for everybody at once, for a chunk and for one customer on the phone."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.utils import timezone

from campaigns import contact_policy
from campaigns.contact_check import why_blocked
from campaigns.contact_policy import blocked_code, policy
from campaigns.models import ContactRule, Lead
from campaigns.statement import EMPTY, Piece, compose
from customers.models import Consent, Contact, Customer, Holding, Product, QuietPeriod, Response
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast


def days_ago(n: int) -> dt.date:
    return TODAY - dt.timedelta(days=n)


@pytest.fixture
def product(db: None) -> Product:
    return factories.make_product()


@pytest.fixture
def someone(cast: Cast) -> Customer:
    return factories.customer(factories.make_customers(1, cast.tree.n1, cast.rita)[0])


def blocked(
    channels: list[str], product: str = "fund", *, scope: Piece = EMPTY, profiled: bool = False
) -> dict[int, str]:
    """Customer → code of the block, "" for nobody's objection, by the SQL of selection and push."""
    rules = policy(channels, product, TODAY, contact_policy.active_rules(), scope=scope, profiled=profiled)
    statement = compose(
        "WITH {tables} SELECT c.id, {code} FROM customers_customer c {joins}",
        tables=rules.tables,
        code=blocked_code(rules.conditions),
        joins=rules.joins,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        return dict(cursor.fetchall())


def touch(customer: Customer, ago: int, channel: str = "phone", **more: object) -> None:
    reference = f"t:{Contact.objects.count()}"
    Contact.objects.create(
        customer=customer, contacted_on=days_ago(ago), reference=reference, channel=channel, **more
    )


@pytest.mark.parametrize(("ago", "code"), [(29, "capped"), (30, ""), (0, "capped"), (-1, "")])
def test_a_window_rolls(ago: int, code: str, someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    touch(someone, ago)
    assert blocked(["phone"]) == {someone.pk: code}
    assert bool(why_blocked(someone, "phone", product, TODAY)) == bool(code)


@pytest.mark.parametrize(("ago", "code"), [(6, "capped"), (7, ""), (20, "")])
def test_each_rule_has_its_own_window(ago: int, code: str, someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=7)
    ContactRule.objects.create(kind="cap", maximum=2, days=30)
    touch(someone, ago)
    assert blocked(["phone"]) == {someone.pk: code}
    assert bool(why_blocked(someone, "phone", product, TODAY)) == bool(code)
    touch(someone, 25)
    assert blocked(["phone"]) == {someone.pk: "capped"}


def test_a_cap_of_a_channel_counts_that_channel(someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", channel="sms", maximum=1, days=30)
    touch(someone, 5, "phone")
    assert blocked(["sms"]) == {someone.pk: ""}
    touch(someone, 5, "sms")
    assert blocked(["sms"]) == {someone.pk: "capped"}
    assert blocked(["phone"]) == {someone.pk: ""}
    assert why_blocked(someone, "sms", product, TODAY) == ["1 contact in 30 days; the rules allow 1."]
    assert why_blocked(someone, "phone", product, TODAY) == []


def test_a_rule_that_is_not_in_force_does_not_bind(someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30, is_active=False)
    touch(someone, 5)
    assert blocked(["phone"]) == {someone.pk: ""}


def test_a_call_nobody_answered_is_no_contact(someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    touch(someone, 5, was_reached=False)
    assert blocked(["phone"]) == {someone.pk: ""}
    touch(someone, 5, was_reached=True)
    assert blocked(["phone"]) == {someone.pk: "capped"}


def test_an_open_lead_is_a_contact_to_come(cast: Cast, someone: Customer, product: Product) -> None:
    factories.pushed(cast, control_share="0")
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    assert blocked(["phone"]) == {someone.pk: "capped"}
    # On the call page the lead that leads to the call does not stand in its own way.
    assert why_blocked(someone, "phone", product, TODAY) == []
    Lead.objects.update(state=Lead.State.CLOSED)
    assert blocked(["phone"]) == {someone.pk: ""}


def test_a_later_call_the_customer_asked_for_is_no_new_contact(someone: Customer, product: Product) -> None:
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    touch(someone, 2, campaign_code="autumn")
    assert why_blocked(someone, "phone", product, TODAY, campaign_code="autumn") == []
    assert why_blocked(someone, "phone", product, TODAY, campaign_code="winter")


@pytest.mark.parametrize(
    ("ago", "refused", "code"),
    [
        (13, "loan", "cool_off"),
        (14, "loan", ""),
        (89, "fund", "cool_off"),
        (90, "fund", ""),
        (89, "loan", ""),
    ],
)
def test_who_refused_is_left_alone(
    ago: int, refused: str, code: str, someone: Customer, product: Product
) -> None:
    contact_policy.ensure_default_rules()
    Response.objects.create(
        customer=someone,
        campaign_code="spring",
        product_code=refused,
        kind="refusal",
        how="reported",
        responded_on=days_ago(ago),
    )
    assert blocked(["phone"]) == {someone.pk: code}
    assert bool(why_blocked(someone, "phone", product, TODAY)) == bool(code)


@pytest.mark.parametrize(
    ("objection", "channels", "code"),
    [
        ("all", ["meeting"], "do_not_contact"),
        ("phone", ["phone"], "objection"),
        ("phone", ["sms"], ""),
        ("sms", ["phone", "sms"], "objection"),
        ("phone", ["meeting"], ""),
    ],
)
def test_an_objection_binds_its_channel(
    objection: str, channels: list[str], code: str, someone: Customer, product: Product
) -> None:
    Consent.objects.create(customer=someone, channel=objection, is_objection=True, since=days_ago(9))
    assert blocked(channels) == {someone.pk: code}
    spoken = [why_blocked(someone, channel, product, TODAY) for channel in channels]
    assert any(spoken) == bool(code)


def test_a_consent_given_is_no_objection(someone: Customer, product: Product) -> None:
    Consent.objects.create(customer=someone, channel="phone", is_objection=False, since=days_ago(9))
    assert blocked(["phone"]) == {someone.pk: ""}
    assert why_blocked(someone, "phone", product, TODAY) == []


def test_default_rules_are_written_once_and_never_over_the_banks_own(db: None) -> None:
    contact_policy.ensure_default_rules()
    contact_policy.ensure_default_rules()
    assert ContactRule.objects.count() == 3
    ContactRule.objects.all().delete()
    ContactRule.objects.create(kind="cap", maximum=5, days=7)
    contact_policy.ensure_default_rules()
    assert ContactRule.objects.count() == 1


def test_the_call_page_and_the_set_agree_on_everybody(cast: Cast, product: Product) -> None:
    contact_policy.ensure_default_rules()
    bond, first_product = factories.make_product("bond"), factories.make_product("current")
    ContactRule.objects.bulk_create(
        [
            ContactRule(kind="cap", maximum=1, days=10, product=product),
            ContactRule(kind="apart", days=9, product=product, other_product=bond),
            ContactRule(kind="after", product=product, other_product=first_product),
            ContactRule(kind="after", product=bond, other_product=product),
        ]
    )
    chance = random.Random(4)
    for pk in factories.make_customers(150, cast.tree.n1, cast.rita):
        customer = factories.customer(pk)
        if chance.random() < 0.3:
            Consent.objects.create(
                customer=customer,
                channel=chance.choice(["all", "phone", "sms"]),
                purpose=chance.choice(["marketing", "all", "survey"]),
                is_objection=True,
                since=days_ago(1),
            )
        if chance.random() < 0.2:
            Consent.objects.create(
                customer=customer, channel="all", purpose="profiling", is_objection=True, since=days_ago(1)
            )
        if chance.random() < 0.2:
            first = chance.randint(-3, 5)
            QuietPeriod.objects.create(
                customer=customer,
                first_day=days_ago(first),
                last_day=days_ago(first - chance.randint(0, 6)),
                reason="wish",
                lifted_at=chance.choice([None, None, timezone.now()]),
            )
        for _n in range(chance.choice([0, 0, 1, 3])):
            touch(
                customer,
                chance.randint(-2, 40),
                chance.choice(["phone", "sms"]),
                product_code=chance.choice(["fund", "fund", "fund", "bond"]),
            )
        if chance.random() < 0.8:
            Holding.objects.create(
                number=f"L{pk}",
                customer=customer,
                product=first_product,
                opened_on=days_ago(chance.randint(-2, 90)),
            )
        if chance.random() < 0.2:
            Response.objects.create(
                customer=customer,
                campaign_code="spring",
                product_code=chance.choice(["fund", "loan"]),
                kind=chance.choice(["refusal", "interest"]),
                how="reported",
                responded_on=days_ago(chance.randint(0, 120)),
            )
        Customer.objects.filter(pk=pk).update(
            is_employee=chance.random() < 0.05,
            phone=chance.choice(["", *["138"] * 9]),
            closed_on=chance.choice([TODAY, days_ago(-5), *[None] * 20]),
        )
    codes: set[str] = set()
    for profiled in (False, True):
        everybody = blocked(["phone"], profiled=profiled)
        codes |= set(everybody.values())
        for customer in Customer.objects.all():
            said = why_blocked(customer, "phone", product, TODAY, profiled=profiled)
            assert bool(everybody[customer.pk]) == bool(said), customer.pk
        # A chunk's customers are looked up one by one instead of joined: the same answer.
        several = list(everybody)[::3]
        scoped = blocked(
            ["phone"], scope=compose("AND customer_id = ANY({several})", several=several), profiled=profiled
        )
        assert {pk: scoped[pk] for pk in several} == {pk: everybody[pk] for pk in several}
    # Who talks to customers is not told who is in the universal control: its leads are taken back instead.
    assert codes == {"", *contact_policy.BLOCKS} - {"universal"}
