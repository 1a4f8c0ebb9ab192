"""What one customer's page reads of a customer, in a fixed number of queries whatever the customer has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from bankcrm import clock
from bankcrm.models import User
from customers import fields
from customers.fields import Area, Field
from customers.models import AssetClass, Customer, CustomerProfile, Holding, OwnField

# Shown by the page's header, numbers masked.
HEADER = frozenset(
    {"number", "name", "phone", "identity_number", "branch", "primary_rm", "backup_rm", "objects_to"}
)
ASSETS = [asset_class.value for asset_class in AssetClass]
MONTHS_BACK = 25
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


def profile_of(customer: Customer, month: dt.date | None) -> tuple[CustomerProfile | None, list[Past]]:
    """The profile of ``month``, and the value of it and the MONTHS_BACK months before, oldest first, in one query."""
    if month is None:
        return None, []
    since = month - dt.timedelta(days=31 * MONTHS_BACK)
    before = CustomerProfile.objects.filter(
        customer_id=OuterRef("customer_id"), month__gt=since, month__lte=month
    ).order_by("month")
    values = JSONObject(month="month", aum="aum", tier="tier", **{code: code for code in ASSETS})
    row = (
        CustomerProfile.objects.filter(month=month, customer=customer)
        .annotate(past=ArraySubquery(before.values(json=values)))
        .first()
    )
    if row is None:
        return None, []
    return row, [
        Past(
            dt.date.fromisoformat(one["month"]),
            float(one["aum"]),
            one["tier"],
            {code: float(one[code]) for code in ASSETS},
        )
        for one in row.past
    ]


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


def holdings(customer: Customer, on: dt.date) -> list[Holding]:
    """What the customer holds on a day, the next to mature first, MOST_HOLDINGS at most."""
    open_then = Q(closed_on__isnull=True) | Q(closed_on__gt=on)
    rows = customer.holdings.select_related("product").filter(open_then, opened_on__lte=on)
    return list(rows.order_by("matures_on", "-opened_on", "pk")[:MOST_HOLDINGS])
