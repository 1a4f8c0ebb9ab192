"""How a field's values are spread over the customers one may see: what a value picker shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from analytics.audience_sql import FROM, STILL_HERE, Fragment
from bankcrm.models import Branch, User
from customers import fields
from customers.fields import Field, Reference, Type
from customers.models import Customer, Product, TierRule

MOST_VALUES = 50
BINS = 12
# Bins end here, because one very rich customer would squeeze everybody else into the first.
UPPER_QUANTILE = 0.98


@dataclass(frozen=True, slots=True)
class Bin:
    """Customers with one value, or with a value from ``low`` up to but without ``high`` (None: no end)."""

    label: str
    count: int
    value: Any = None
    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """``bins`` in order; ``missing``: the value is not known; ``total``: all customers seen."""

    field: Field
    bins: tuple[Bin, ...]
    missing: int
    total: int


def distribution(code: str, month: dt.date, user: User | None = None) -> Distribution:
    """Values with counts (choices, text, flags, lists: the 50 most frequent) or a histogram (numbers, money, dates).

    For the customers ``user`` may see, or all. Raises KeyError for a field that conditions may not use.
    """
    field = fields.filterable()[code]
    scope, scope_params = ("TRUE", []) if user is None else visible_sql(user)
    place = f"FROM {FROM} WHERE {STILL_HERE} AND {scope}"
    params = [month, *scope_params]
    if field.type in (Type.NUMBER, Type.MONEY, Type.DATE):
        return _histogram(field, place, params)
    return _values(field, place, params)


def visible_sql(user: User) -> Fragment:
    """Who ``user`` may see, as a condition over ``c``."""
    seen = Customer.objects.visible_to(user)
    if not seen.query.where:
        return "TRUE", []
    try:
        sql, params = seen.values("pk").order_by().query.sql_with_params()
    except EmptyResultSet:
        return "FALSE", []
    return f"c.id IN ({sql})", list(params)


def reference_names(reference: Reference, codes: Iterable[str] | None = None) -> dict[str, str]:
    """Code → name of the rows a field's choices live in: those of ``codes``, or all of them."""
    table, key, name = {
        Reference.BRANCH: (Branch.objects.all(), "code", "name"),
        Reference.STAFF: (User.objects.relationship_managers(), "employee_number", "full_name"),
        Reference.PRODUCT: (Product.objects.all(), "code", "name"),
        Reference.TIER: (TierRule.objects.order_by("rank", "valid_from"), "code", "name"),
    }[reference]
    if codes is not None:
        table = table.filter(**{f"{key}__in": list(codes)})
    return dict(table.values_list(key, name))


def _values(field: Field, place: str, params: list[Any]) -> Distribution:
    source = {
        Reference.BRANCH: "(SELECT branch.code FROM bankcrm_branch branch WHERE branch.id = x.value)",
        Reference.STAFF: "(SELECT staff.employee_number FROM bankcrm_user staff WHERE staff.id = x.value)",
    }.get(field.reference, "x.value")
    value = f"unnest({field.current})" if field.type == Type.LIST else field.current
    grouped = f"SELECT {value} AS value, count(*) AS number {place} GROUP BY 1"
    found = _rows(
        f"SELECT {source}, x.number FROM ({grouped}) x ORDER BY x.number DESC, 1",  # noqa: S608  of the field catalogue
        params,
    )
    total = _rows(f"SELECT count(*) {place}", params)[0][0]
    names = reference_names(field.reference) if field.reference else {}
    known = [(value, number) for value, number in found if value not in (None, "")]
    bins = [
        Bin(names.get(value, "") or _label(field, value), number, value=value)
        for value, number in known[:MOST_VALUES]
    ]
    missing = sum(number for value, number in found if value in (None, ""))
    if field.type == Type.LIST:
        missing = _rows(f"SELECT count(*) {place} AND cardinality({field.current}) = 0", params)[0][0]
    return Distribution(field, tuple(bins), missing, total)


def _label(field: Field, value: Any) -> str:
    return field.choice_label(value) if isinstance(value, str) else field.display(value)


def _histogram(field: Field, place: str, params: list[Any]) -> Distribution:
    is_date = field.type == Type.DATE
    source = f"({field.current} - DATE '1970-01-01')" if is_date else f"({field.current})"
    low, high, top, missing, total = _rows(
        f"SELECT min({source}), percentile_cont({UPPER_QUANTILE}) WITHIN GROUP (ORDER BY {source}), max({source}),"
        f" count(*) FILTER (WHERE {source} IS NULL), count(*) {place}",
        params,
    )[0]
    if low is None:
        return Distribution(field, (), missing, total)
    width, start = _nice(
        float(low), float(max(high, low)), whole=field.type != Type.NUMBER or field.unit != "share"
    )
    counts = dict(
        _rows(
            f"SELECT least(greatest(floor(({source} - %s) / %s), 0), {BINS - 1})::int, count(*) {place}"
            f" AND {source} IS NOT NULL GROUP BY 1",
            [start, width, *params],
        )
    )
    bins = []
    for number in range(max(counts) + 1):
        ends = (start + number * width, start + (number + 1) * width)
        open_ended = number == BINS - 1 and float(top) >= ends[1]
        low_end, high_end = (_bound(end, is_date) for end in ends)
        label = (
            f"{field.display(low_end)} +"
            if open_ended
            else f"{field.display(low_end)} – {field.display(high_end)}"
        )
        bins.append(Bin(label, counts.get(number, 0), low=low_end, high=None if open_ended else high_end))
    return Distribution(field, tuple(bins), missing, total)


def _bound(value: float, is_date: bool) -> Any:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(value)) if is_date else value


def _nice(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """Width and start of about BINS bins from ``low`` to ``high``: 1, 2 or 5 times a power of ten."""
    span = max(high - low, BINS if whole else 1e-6) / (BINS - 1)
    power = 10.0 ** _floor_log10(span)
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= span * (1 - 1e-9))
    return width, (low // width) * width


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def _rows(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
