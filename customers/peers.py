"""Customers like this one: same tier and ten-year age band, averaged once a month and read by key."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q
from django.db.models.functions import JSONObject

from customers.models import AssetClass, CustomerProfile, PeerGroup, Product
from customers.models.transactions import Channel, MerchantCategory

AGE_BAND = 10  # years
# A mean of fewer customers says too much about each and too little about all: the next wider group is kept.
SMALLEST = 30
ASSETS = [asset_class.value for asset_class in AssetClass]
SPENDING = [f"spend_{code}_3m" for code in MerchantCategory.values if code != MerchantCategory.INSURANCE]
AVERAGED = (
    "aum",
    "liabilities",
    "contribution_12m",
    "lines_held",
    "products_held",
    "transactions_3m",
    "contacts_12m",
    "amount_in_3m",
    "amount_out_3m",
    *SPENDING,
    *(f"{code}_3m" for code in Channel.values if code != Channel.OTHER),
)
_ORDER = [PeerGroup.Level.TIER_AND_AGE, PeerGroup.Level.TIER, PeerGroup.Level.AGE, PeerGroup.Level.ALL]
_TOTAL = " + ".join(ASSETS)
_SUMS = [f"sum({code}::float8) AS s_{code}" for code in AVERAGED] + [
    f"sum(({code} / nullif({_TOTAL}, 0))::float8) AS a_{code}" for code in ASSETS
]
_MEANS = [f"'{code}', round((sum(s_{code}) / sum(n))::numeric, 4)" for code in AVERAGED] + [
    f"'share_{code}', round((coalesce(sum(a_{code}), 0) / greatest(sum(owners), 1))::numeric, 4)"
    for code in ASSETS
]
_LEVEL = (
    "CASE grouping(tier, age_from) WHEN 0 THEN 'tier_age' WHEN 1 THEN 'tier' WHEN 2 THEN 'age' ELSE 'all' END"
)
# Of whom no balance ever came in has no known assets: a mean that counts them as nothing would be no mean.
_KNOWN = "balances_on IS NOT NULL"
# The bank is read twice, into some sixty groups each; the wider ones are sums of those.
BUILD = f"""
INSERT INTO customers_peergroup (month, level, tier, age_from, customers, averages, holders)
WITH fine AS (
    SELECT tier, age / {AGE_BAND} * {AGE_BAND} AS age_from, count(*) AS n,
           count(*) FILTER (WHERE {_TOTAL} > 0) AS owners, {", ".join(_SUMS)}
    FROM customers_customerprofile WHERE month = %(day)s AND {_KNOWN} GROUP BY 1, 2
), held AS (
    SELECT tier, age / {AGE_BAND} * {AGE_BAND} AS age_from, product, count(*) AS n
    FROM customers_customerprofile CROSS JOIN unnest(held_products) AS product
    WHERE month = %(day)s AND {_KNOWN} GROUP BY 1, 2, 3
), grouped AS (
    SELECT {_LEVEL} AS level, tier, age_from, sum(n) AS n, jsonb_build_object({", ".join(_MEANS)}) AS averages
    FROM fine GROUP BY GROUPING SETS ((tier, age_from), (tier), (age_from), ()) HAVING sum(n) >= %(smallest)s
), products AS (
    SELECT {_LEVEL} AS level, tier, age_from, product, sum(n) AS n
    FROM held GROUP BY GROUPING SETS ((tier, age_from, product), (tier, product), (age_from, product), (product))
), holders AS (
    SELECT level, tier, age_from, jsonb_object_agg(product, n) AS holders FROM products GROUP BY 1, 2, 3
)
SELECT %(day)s, g.level, coalesce(g.tier, ''), g.age_from, g.n, g.averages, coalesce(h.holders, '{{}}')
FROM grouped g LEFT JOIN holders h
  ON h.level = g.level AND h.tier IS NOT DISTINCT FROM g.tier AND h.age_from IS NOT DISTINCT FROM g.age_from
"""  # noqa: S608  every name spliced in is a constant of this repository


@dataclass(frozen=True, slots=True)
class Held:
    """A product as peers hold it: ``share`` of them do, ``holders`` in number."""

    code: str
    name: str
    line: str
    is_loan: bool
    is_on_sale: bool
    share: float
    holders: int


@dataclass(frozen=True, slots=True)
class Peers:
    """Means of the customers a customer is compared with, this one included.

    ``tier`` is None where the group has every tier, ``band`` (first and last year of age) where it has every age.
    ``shares`` are fractions of assets by asset class; ``held`` has what at least one of them holds, most usual first.
    """

    level: str
    count: int
    tier: str | None
    band: tuple[int, int] | None
    shares: dict[str, float]
    averages: dict[str, float]
    held: list[Held]


def write(cursor: Any, day: dt.date) -> int:
    """Replace the groups of a month by those of its profiles, in the caller's transaction; returns their number."""
    cursor.execute("DELETE FROM customers_peergroup WHERE month = %s", [day])
    cursor.execute(BUILD, {"day": day, "smallest": SMALLEST})
    return int(cursor.rowcount)


def of(profile: CustomerProfile) -> Peers | None:
    """The closest group of at least SMALLEST customers, in one look-up; None in a bank with fewer."""
    age = None if profile.age is None else profile.age // AGE_BAND * AGE_BAND
    same_age = Q(age_from__isnull=True) if age is None else Q(age_from=age)
    products = Product.objects.order_by().values(
        json=JSONObject(code="code", name="name", line="line", is_loan="is_loan", is_on_sale="is_active")
    )
    groups = PeerGroup.objects.annotate(products=ArraySubquery(products)).filter(month=profile.month)
    found = groups.filter(
        Q(level=PeerGroup.Level.TIER_AND_AGE, tier=profile.tier) & same_age
        | Q(level=PeerGroup.Level.TIER, tier=profile.tier)
        | Q(level=PeerGroup.Level.AGE) & same_age
        | Q(level=PeerGroup.Level.ALL)
    )
    nearest = sorted(found, key=lambda group: _ORDER.index(PeerGroup.Level(group.level)))
    return _read(nearest[0], nearest[0].products) if nearest else None


def _read(group: PeerGroup, products: list[dict[str, Any]]) -> Peers:
    with_tier = group.level in (PeerGroup.Level.TIER_AND_AGE, PeerGroup.Level.TIER)
    return Peers(
        level=group.level,
        count=group.customers,
        tier=group.tier if with_tier else None,
        band=None if group.age_from is None else (group.age_from, group.age_from + AGE_BAND - 1),
        shares={code: group.averages.get(f"share_{code}", 0.0) for code in ASSETS},
        averages={code: group.averages.get(code, 0.0) for code in AVERAGED},
        held=sorted(
            (
                Held(**product, share=number / group.customers, holders=number)
                for product in products
                if (number := group.holders.get(product["code"], 0))
            ),
            key=lambda one: (-one.holders, one.code),
        ),
    )
