"""A bank of any size made by set SQL, for timing alone: N customers, their profiles, 10 N contacts, scores, staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from bankcrm import branches
from bankcrm.models import Branch, Role, User
from bankcrm.partitions import ensure_months
from campaigns.contact_policy import ensure_default_rules
from campaigns.models import Offer
from customers.models import Customer, Product

TODAY = dt.date(2026, 11, 25)
MONTH = dt.date(2026, 10, 31)
MANAGERS, BRANCHES = 200, 20

_CUSTOMERS = """
INSERT INTO customers_customer (number, name, phone, home_branch_id, primary_rm_id, opened_on)
SELECT 'C' || i, 'Customer ' || i, '138' || lpad((i % 100000000)::text, 8, '0'),
       (%(branches)s::bigint[])[1 + i % %(b)s], (%(managers)s::bigint[])[1 + i % %(m)s],
       DATE '2015-01-01' + (i % 3000)::int
FROM generate_series(1, %(n)s) i
"""
_PROFILES = """
INSERT INTO customers_customerprofile (month, customer_id, age, aum, tier, products_held, held_products)
SELECT %(month)s, id, 18 + id % 70, (id * 7919 % 1000003)::numeric, 'gold', 1 + id % 4, ARRAY['demand_deposit']
FROM customers_customer
"""
_CONTACTS = """
INSERT INTO customers_contact
    (contacted_on, reference, customer_id, campaign_code, channel, outcome, was_reached, product_code)
SELECT DATE '2026-01-01' + (h % 320)::int, 'bench:' || i, 1 + h % %(n)s, 'c' || i % 40, 'phone', 'no_answer',
       h % 3 <> 0, 'fund'
FROM (SELECT i, abs(hashint8(i)::bigint) AS h FROM generate_series(1, 10 * %(n)s::bigint) i) drawn
"""
_HOLDINGS = """
INSERT INTO customers_holding (number, customer_id, product_id, opened_on, amount)
SELECT 'H' || id, id, %(product)s, DATE '2020-01-01', 1000 FROM customers_customer WHERE id % 7 = 0
"""
_CONSENTS = """
INSERT INTO customers_consent (customer_id, channel, is_objection, since)
SELECT id, CASE WHEN id % 3 = 0 THEN 'all' ELSE 'phone' END, true, DATE '2025-01-01'
FROM customers_customer WHERE id % 12 = 5
"""
_QUIET = """
INSERT INTO customers_quietperiod (customer_id, first_day, last_day, reason)
SELECT id, %(today)s::date - (id % 300)::int, %(today)s::date - (id % 300)::int + 30, 'wish'
FROM customers_customer WHERE id % 50 = 7
"""
_SCORES = """
INSERT INTO analytics_score (score_run_id, customer_id, raw, probability, decile)
SELECT %(run)s, id, u, 0.001 + u * u * 0.2, 1 + floor((1 - u) * 9.999)
FROM (SELECT id, (abs(hashint8(id)::bigint) % 1000000) / 1e6 AS u FROM customers_customer) drawn
"""


@dataclass(frozen=True)
class World:
    """What the measured paths need to know of the bank."""

    n: int
    mei: User
    omar: User
    ana: User
    rm: User
    product: Product
    model: PredictiveModel
    offer: Offer


def build(n: int, report: Callable[[str], None]) -> World:
    """Make the bank, or find the one of this size that is there already."""
    if Customer.objects.count() != n:
        if Customer.objects.exists():
            raise SystemExit("this bench database holds another bank; drop it first")
        _fill(n, report)
    users = {user.username: user for user in User.objects.filter(username__in=["mei", "omar", "ana", "rm1"])}
    product = Product.objects.get(code="fund")
    return World(
        n,
        users["mei"],
        users["omar"],
        users["ana"],
        users["rm1"],
        product,
        PredictiveModel.objects.get(code="fund"),
        Offer.objects.get(code="fund"),
    )


@transaction.atomic
def _fill(n: int, report: Callable[[str], None]) -> None:
    head, managers, ana = _staff()
    product = _product()
    model, run = _scored_model(product, ana, n)
    ensure_months("customers_customerprofile", MONTH, MONTH)
    ensure_months("customers_contact", dt.date(2026, 1, 1), TODAY)
    values: dict[str, Any] = {
        "n": n,
        "branches": list(head.children.order_by("pk").values_list("pk", flat=True)),
        "b": BRANCHES,
        "managers": managers,
        "m": MANAGERS,
        "month": MONTH,
        "today": TODAY,
        "product": product.pk,
        "run": run.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE analytics_score_{run.pk} PARTITION OF analytics_score FOR VALUES IN ({run.pk})"
        )
        for name, statement in (
            ("customers", _CUSTOMERS),
            ("profiles", _PROFILES),
            ("holdings", _HOLDINGS),
            ("consents", _CONSENTS),
            ("quiet periods", _QUIET),
            ("scores", _SCORES),
            ("contacts", _CONTACTS),
        ):
            report(f"  writing {name}")
            cursor.execute(statement.replace(" % ", " %% ").replace("%%(", "%("), values)
    model.current_score_run = run
    model.save()


def _staff() -> tuple[Branch, list[int], User]:
    """Head office with its branches; its managers' ids and the analyst."""
    head = Branch.objects.create(code="HO", name="Head office", kind=Branch.Kind.HEAD_OFFICE)
    places = [
        Branch.objects.create(code=f"B{i}", name=f"Branch {i}", kind=Branch.Kind.BRANCH, parent=head)
        for i in range(BRANCHES)
    ]
    branches.rebuild_links()
    staff = [("mei", Role.PLANNER), ("omar", Role.APPROVER), ("ana", Role.ANALYST)]
    staff += [(f"rm{i}", Role.RM) for i in range(1, MANAGERS + 1)]
    made = User.objects.bulk_create(
        User(
            username=name,
            employee_number=name,
            full_name=name,
            role=role,
            branch=places[i % BRANCHES] if role == Role.RM else head,
        )
        for i, (name, role) in enumerate(staff)
    )
    return head, [user.pk for user in made if user.role == Role.RM], made[2]


def _product() -> Product:
    product = Product.objects.create(code="fund", name="Fund", line="wealth")
    Offer.objects.create(
        code="fund",
        name="Fund plan",
        product=product,
        margin_per_sale=1000,
        cost_per_contact=10,
        script_open="Good morning.",
        script_ask="Your plans?",
        script_offer="A fund plan.",
    )
    ensure_default_rules()
    return product


def _scored_model(product: Product, ana: User, n: int) -> tuple[PredictiveModel, ScoreRun]:
    model = PredictiveModel.objects.create(code="fund", name="Fund response", product=product, owner=ana)
    version = ModelVersion.objects.create(model=model, number=1, algorithm="rule", trained_by=ana)
    run = ScoreRun.objects.create(version=version, as_of=MONTH, state=ScoreRun.State.PUBLISHED, rows=n)
    model.current_score_run = run
    model.save()
    return model, run


def analyze() -> None:
    """Fresh statistics, as a bank's autovacuum keeps them."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
