"""Everything one customer's page shows, read in a fixed number of queries whatever the customer has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.core.cache import cache
from django.db import connection
from django.db.models import Q

from bankcrm.models import User
from customers import fields
from customers.fields import Area, Field
from customers.models import AssetClass, Customer, CustomerProfile, Holding

PEER_SECONDS = 600
AGE_BAND = 10  # years
# Shown by the page's header, numbers masked.
HEADER = frozenset(
    {"number", "name", "phone", "identity_number", "branch", "primary_rm", "backup_rm", "objects_to"}
)
ASSETS = [asset_class.value for asset_class in AssetClass]
PEER_AVERAGES = ("aum", "liabilities", "contribution_12m", "lines_held", "transactions_3m", "contacts_12m")


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
class Peers:
    """Averages of the customers of the same tier and age band, this one included."""

    count: int
    band: tuple[int, int] | None
    shares: dict[str, float]
    averages: dict[str, float]


def customer_for(user: User, pk: int) -> Customer | None:
    """The customer with branch, managers and consents, or None when out of ``user``'s sight."""
    return (
        Customer.objects.visible_to(user)
        .select_related("home_branch", "primary_rm", "backup_rm")
        .prefetch_related("consents")
        .filter(pk=pk)
        .first()
    )


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
            f"SELECT {columns} FROM customers_customer c LEFT JOIN customers_customerprofile p"  # noqa: S608
            " ON p.customer_id = c.id AND p.month = %s WHERE c.id = %s",
            [month, customer.pk],
        )
        values = cursor.fetchone()
    return {field.code: Fact(field, value, names) for field, value in zip(wanted, values, strict=True)}


def history(customer: Customer, month: dt.date | None, months: int = 25) -> list[CustomerProfile]:
    """The customer's profiles of the last ``months`` months, oldest first, with value columns only."""
    if month is None:
        return []
    since = month - dt.timedelta(days=31 * months)
    found = CustomerProfile.objects.filter(customer=customer, month__gt=since, month__lte=month)
    return list(found.only("month", "customer_id", "aum", "liabilities", "tier", *ASSETS).order_by("month"))


def peers(profile: CustomerProfile) -> Peers:
    """Averages over the same tier and ten-year age band; kept ten minutes, because they change once a month."""
    band = None if profile.age is None else (low := profile.age // AGE_BAND * AGE_BAND, low + AGE_BAND - 1)
    key = f"peers:{profile.month:%Y%m}:{quote(profile.tier)}:{band[0] if band else 'unknown'}"
    found = cache.get(key)
    if found is None:
        found = _peers(profile, band)
        cache.set(key, found, PEER_SECONDS)
    return found


def _peers(profile: CustomerProfile, band: tuple[int, int] | None) -> Peers:
    columns = [f"avg({code} / nullif({' + '.join(ASSETS)}, 0))::float8" for code in ASSETS]
    columns += [f"avg({name})::float8" for name in PEER_AVERAGES]
    age = "age BETWEEN %s AND %s" if band else "age IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), {', '.join(columns)} FROM customers_customerprofile"  # noqa: S608
            f" WHERE month = %s AND tier = %s AND {age}",
            [profile.month, profile.tier, *(band or ())],
        )
        count, *values = cursor.fetchone()
    shares = dict(zip(ASSETS, values, strict=False))
    return Peers(count, band, shares, dict(zip(PEER_AVERAGES, values[len(ASSETS) :], strict=True)))


def holdings(customer: Customer, on: dt.date) -> list[Holding]:
    """What the customer holds on a day, the next to mature first."""
    open_then = Q(closed_on__isnull=True) | Q(closed_on__gt=on)
    found = customer.holdings.select_related("product").filter(open_then, opened_on__lte=on)
    return list(found.order_by("matures_on", "-opened_on", "pk")[:200])
