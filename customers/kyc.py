"""What one customer's page reads of a customer, in a fixed number of queries whatever the customer has."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Exists, JSONField, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject
from django.utils import timezone

from bankcrm import clock
from bankcrm.models import User
from customers import fields
from customers.fields import Area, Field
from customers.models import AssetClass, Customer, CustomerProfile, Holding, MonthlyBalance, OwnField

# Shown by the page's header, numbers masked.
HEADER = frozenset(
    {"number", "name", "phone", "identity_number", "branch", "primary_rm", "backup_rm", "objects_to"}
)
ASSETS = [asset_class.value for asset_class in AssetClass]
MONTHS_BACK = 25
# The last month-end with balances of assets and their sum, only where the profile counts no assets and does not know
# why. The months there are, newest first, are each looked up in their index: no scan of years of balances.
LAST_BALANCE = """
CASE WHEN aum = 0 AND balances_on IS DISTINCT FROM customers_customerprofile.month THEN (
    WITH RECURSIVE told (month) AS (
        (SELECT b.month FROM customers_monthlybalance b WHERE b.month <= %s ORDER BY b.month DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT b.month FROM customers_monthlybalance b WHERE b.month < told.month ORDER BY b.month DESC LIMIT 1)
        FROM told WHERE told.month IS NOT NULL
    )
    SELECT jsonb_build_array(told.month, of_month.assets) FROM told CROSS JOIN LATERAL (
        SELECT sum(b.closing) AS assets FROM customers_monthlybalance b
        JOIN customers_product product ON product.id = b.product_id AND product.asset_class <> ''
        WHERE b.month = told.month AND b.customer_id = customers_customerprofile.customer_id
    ) of_month WHERE of_month.assets IS NOT NULL ORDER BY told.month DESC LIMIT 1
) END
"""
MOST_HOLDINGS = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """One field with one customer's value."""

    field: Field
    value: Any
    names: dict[str, str]

    @property
    def shown(self) -> str:
        if self.field.reference and self.value not in (None, "", []):
            codes = self.value if isinstance(self.value, list) else [self.value]
            return ", ".join(self.names.get(str(code), str(code)) for code in codes)
        return self.field.display(self.value)


@dataclass(frozen=True, slots=True)
class Past:
    """Value of one month-end: ``amounts`` by asset class, in the bank's currency."""

    month: dt.date
    aum: float
    tier: str
    amounts: dict[str, float]
    # False where nothing is counted because no balance is known.
    is_known: bool = True


# Of what hangs on a customer, only what the page says: a hundred columns more cost a third of its query.
_SHOWN = (
    *(field.name for field in Customer._meta.concrete_fields),
    "home_branch__name",
    "primary_rm__full_name",
    "backup_rm__full_name",
    *(f"acquisition__{name}" for name in ("cost", "second_after", "value", "as_of", "built_at")),
    *(f"acquisition__value_{months}" for months in (3, 6, 12, 24)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A customer in sight, the month of the bank's newest profiles (None before the first), and the business day.

    ``has_own``: the bank keeps own fields.
    """

    customer: Customer
    month: dt.date | None
    today: dt.date
    has_own: bool = False


def found(user: User, pk: int) -> Found | None:
    """The customer with branch, managers and row of its cohort, or None when out of ``user``'s sight."""
    newest = CustomerProfile.objects.order_by("-month").values("month")[:1]
    kept = OwnField.objects.filter(retired_at=None)
    customer = (
        Customer.objects.visible_to(user)
        .select_related("home_branch", "primary_rm", "backup_rm", "acquisition")
        .only(*_SHOWN)
        .annotate(newest_month=Subquery(newest), sample_day=clock.day_of_the_sample(), has_own=Exists(kept))
        .filter(pk=pk)
        .first()
    )
    if customer is None:
        return None
    return Found(
        customer, customer.newest_month, customer.sample_day or timezone.localdate(), customer.has_own
    )


def customer_for(user: User, pk: int) -> Customer | None:
    """The customer alone, or None when out of ``user``'s sight."""
    return Customer.objects.visible_to(user).filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Told:
    """The profile of a month, None before the first; ``past``: the value of it and of MONTHS_BACK months before.

    Oldest first. ``came``: a balance of the month came in for anybody. ``last``: the last known month-end and its
    assets, where the profile counts none and does not know why.
    """

    profile: CustomerProfile | None
    past: list[Past]
    came: bool
    last: tuple[dt.date, Decimal] | None


def profile_of(customer: Customer, month: dt.date | None) -> Told:
    """What is told of ``month``, in one query."""
    if month is None:
        return Told(None, [], False, None)
    since = month - dt.timedelta(days=31 * MONTHS_BACK)
    before = CustomerProfile.objects.filter(
        customer_id=OuterRef("customer_id"), month__gt=since, month__lte=month
    ).order_by("month")
    values = JSONObject(
        month="month", aum="aum", tier="tier", on="balances_on", **{code: code for code in ASSETS}
    )
    row = (
        CustomerProfile.objects.filter(month=month, customer=customer)
        .annotate(
            past=ArraySubquery(before.values(json=values)),
            came=Exists(MonthlyBalance.objects.filter(month=month)),
            last=RawSQL(LAST_BALANCE, [month], JSONField()),  # noqa: S611  constant; the month is a parameter
        )
        .first()
    )
    if row is None:
        return Told(None, [], False, None)
    past = [
        Past(
            dt.date.fromisoformat(one["month"]),
            float(one["aum"]),
            one["tier"],
            {code: float(one[code]) for code in ASSETS},
            one["on"] == one["month"] or any(one[code] for code in ASSETS),
        )
        for one in row.past
    ]
    last = (dt.date.fromisoformat(row.last[0]), Decimal(str(row.last[1]))) if row.last else None
    return Told(row, past, row.came, last)


def facts(
    customer: Customer, month: dt.date | None, areas: Iterable[Area], names: dict[str, str]
) -> dict[str, Fact]:
    """Values of the catalogue's fields that may be shown, by code, in one query; what the header shows is left out.

    Without a profile of ``month`` its fields are None.
    """
    wanted = [field for area in areas for field in fields.in_area(area) if field.code not in HEADER]
    columns = ", ".join(f"{field.source} AS f_{number}" for number, field in enumerate(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM customers_customer c LEFT JOIN customers_customerprofile p"  # noqa: S608  of the catalogue
            " ON p.customer_id = c.id AND p.month = %s WHERE c.id = %s",
            [month, customer.pk],
        )
        values = cursor.fetchone()
    return {field.code: Fact(field, value, names) for field, value in zip(wanted, values, strict=True)}


def holdings(
    customer: Customer, on: dt.date, month: dt.date | None
) -> tuple[list[Holding], dict[int, Decimal]]:
    """What the customer holds on a day, the next to mature first, MOST_HOLDINGS at most; and by id what was on each at
    the month-end, as far as the bank tells: balances come by product, so that nothing is known of each of two contracts
    in one product. One query.
    """
    open_then = Q(closed_on__isnull=True) | Q(closed_on__gt=on)
    rows = customer.holdings.select_related("product").filter(open_then, opened_on__lte=on)
    closing = MonthlyBalance.objects.filter(
        customer=customer, product=OuterRef("product"), month__gte=OuterRef("opened_on")
    )
    of_month = closing.filter(month=month) if month else closing.none()
    held = list(
        rows.annotate(closing=Subquery(of_month.values("closing")[:1])).order_by(
            "matures_on", "-opened_on", "pk"
        )[:MOST_HOLDINGS]
    )
    contracts = Counter(one.product_id for one in held)
    told = {one.pk: one.closing for one in held if contracts[one.product_id] == 1 and one.closing is not None}
    return list(held), told
