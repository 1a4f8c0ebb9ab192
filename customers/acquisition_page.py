"""What the cohort page shows: all together, groups side by side, cohorts month by month, and the triangle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from bankcrm import figures as formats
from customers.acquisition_figures import (
    HORIZONS,
    SMALL,
    Figures,
    Row,
    Share,
    figures,
    ripe_until,
    triangle,
)
from customers.acquisition_names import channel_name
from customers.acquisition_scope import DIMENSION_LABELS, EVENT_LABELS, NOBODY_KNOWS, UNKNOWN, Scope
from customers.models import Acquisition

SHADES = 5
# What a figure counts, as the address of the list behind it says it: name → (heading, condition).
BEHIND: dict[str, tuple[Any, Q]] = {
    "acquired": (gettext_lazy("Acquired"), Q()),
    "costed": (gettext_lazy("With a known cost"), Q(cost__isnull=False)),
    "borrowers": (gettext_lazy("With a consumer-finance contract"), Q(contracts__gt=0)),
    "over_30": (gettext_lazy("Overdue more than 30 days"), Q(contracts_30__gt=0)),
    "over_90": (gettext_lazy("Overdue more than 90 days"), Q(contracts_90__gt=0)),
    **{
        f"second_{months}": (
            format_lazy(gettext_lazy("Took a second product within {months} months"), months=months),
            Q(second_after__lte=months),
        )
        for months in HORIZONS
    },
}
MEANINGS = (
    (
        gettext_lazy("Acquired"),
        gettext_lazy("Customers whose relationship began in the month. Who left again still counts."),
    ),
    (
        gettext_lazy("Cost per customer"),
        gettext_lazy("Mean acquisition cost over the customers whose cost is known."),
    ),
    (
        gettext_lazy("Fee income"),
        gettext_lazy("Fees taken up front for consumer-finance contracts of these customers."),
    ),
    (
        gettext_lazy("Second product"),
        gettext_lazy(
            "Share that opened a second product by the end of the 3rd, 6th or 12th month after the month of"
            " acquisition; a consumer-finance contract counts as a product. Only cohorts that old count: younger ones"
            " read “too early”."
        ),
    ),
    (
        gettext_lazy("Overdue"),
        gettext_lazy(
            "Customers with a contract more than 30 or 90 days overdue at the as-of date, of those with a contract;"
            " beside it the same share of contracts and of the principal outstanding."
        ),
    ),
    (
        gettext_lazy("Contribution"),
        gettext_lazy(
            "Since acquisition: margin of the products on every month's average balance, plus the fees taken up front."
            " Before the cost to serve."
        ),
    ),
    (
        gettext_lazy("Value per unit of cost"),
        gettext_lazy(
            "Contribution divided by acquisition cost, over customers whose cost is known; 1 means paid back."
            " The interval is that of a ratio of sums."
        ),
    ),
    (
        gettext_lazy("Interval"),
        gettext_lazy("95 %, Wilson's for shares. A filled square differs from all groups together."),
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A share as a table shows it: ``why_none`` says what stands in its place."""

    months: int  # or days: what the column says
    share: Share
    url: str
    why_none: Any


@dataclass(frozen=True, slots=True)
class Line:
    """One group or one cohort."""

    label: Any
    figures: Figures
    url: str
    second: list[Cell]
    overdue: list[Cell]
    principal: float | None  # share of it that is overdue by more than 30 days


def month_name(cohort: dt.date) -> str:
    return date_format(cohort, pgettext("date", "M Y"))


def page(scope: Scope) -> dict[str, Any]:
    """The context of ``customers/acquisition/index.html``; two statements whatever the number of rows."""
    found = figures(scope.rows, scope.dimension, scope.as_of)
    total = next((one for one in found if one.key is None and one.cohort is None), None)
    groups = [one for one in found if one.key is not None and one.cohort is None]
    groups.sort(key=lambda one: (-one.n, one.key or ""))
    months = [one for one in found if one.key is None and one.cohort is not None]
    months.sort(key=lambda one: one.cohort or scope.as_of)
    rows = triangle(scope.rows, scope.followed, scope.as_of)
    return {
        "total": total,
        "total_half": total.second(6) if total else None,
        "kpis": _kpis(scope, total) if total else [],
        "groups": [_line(scope, one, _group_name(scope.dimension, one.key)) for one in groups],
        "group_label": DIMENSION_LABELS[scope.dimension],
        "months": [_line(scope, one, month_name(one.cohort)) for one in reversed(months) if one.cohort],
        "ends": _ends(groups),
        "triangle": _triangle(scope, rows),
        "event_label": EVENT_LABELS[scope.followed],
        "horizons": HORIZONS,
        "meanings": MEANINGS,
        "small": SMALL,
        "csv_url": _address("acquisition-csv", scope),
    }


def _group_name(dimension: str, key: str | None) -> Any:
    if not key:
        return UNKNOWN
    return channel_name(key) if dimension == "channel" else key


def _line(scope: Scope, one: Figures, label: Any) -> Line:
    early = _("too early")
    none = _("no contract")
    return Line(
        label,
        one,
        behind(scope, "acquired", one),
        [Cell(n, one.second(n), behind(scope, f"second_{n}", one), early) for n in HORIZONS],
        [Cell(n, one.overdue(n), behind(scope, f"over_{n}", one), none) for n in (30, 90)],
        one.overdue_principal(30),
    )


def behind(scope: Scope, what: str, one: Figures) -> str:
    """The address of the customers a figure counts."""
    narrowed: dict[str, str] = {"what": what}
    if one.cohort:
        narrowed |= {"first": one.cohort.isoformat(), "last": one.cohort.isoformat()}
    if one.key is not None:
        narrowed[scope.dimension] = one.key or NOBODY_KNOWS
    return _address("acquisition-customers", scope, **narrowed)


def _address(name: str, scope: Scope, **more: str) -> str:
    return f"{reverse(name)}?{urlencode(scope.address | more)}"


def customers(scope: Scope, what: str) -> QuerySet[Acquisition]:
    """The customers behind a figure, of those the user may see. Raises KeyError for an unknown figure."""
    _heading, condition = BEHIND[what]
    found = scope.rows.filter(condition)
    if what.startswith("second_"):
        found = found.filter(cohort__lte=ripe_until(scope.as_of, int(what.removeprefix("second_"))))
    return found.select_related("customer__home_branch", "customer__primary_rm")


def _kpis(scope: Scope, total: Figures) -> list[dict[str, Any]]:
    half, late, ratio = total.second(6), total.overdue(30), total.per_cost
    return [
        {
            "label": _("Acquired"),
            "value": formats.number(total.n),
            "url": behind(scope, "acquired", total),
        },
        {
            "label": _("Cost per customer"),
            "value": formats.money(total.cost_per_customer),
            "note": _("known for %(n)s") % {"n": formats.number(total.sums["cost_n"])},
        },
        {
            "label": _("Fee income"),
            "value": formats.money(total.fees),
            "note": _("%(n)s contracts") % {"n": formats.number(total.sums["contracts"])},
        },
        {
            "label": _("Second product in 6 months"),
            "value": formats.pct(half.value, 0) if half.n else _("too early"),
            "note": _range(half),
        },
        {
            "label": _("Overdue over 30 days"),
            "value": formats.pct(late.value),
            "note": _("%(share)s of the principal") % {"share": formats.pct(total.overdue_principal(30))},
            "url": behind(scope, "over_30", total) if late.n else "",
        },
        {
            "label": _("Value per unit of cost"),
            "value": formats.decimal(ratio.value),
            "note": formats.interval(ratio.low, ratio.high, "decimal"),
        },
    ]


def _range(share: Share) -> str:
    ends = formats.interval(share.low, share.high, "pct0")
    return _("%(ends)s, n %(n)s") % {"ends": ends, "n": formats.number(share.n)} if share.n else ""


def _ends(groups: Sequence[Figures]) -> dict[str, float]:
    """Where the axes of the interval bars end: of the second product, and of value per cost."""
    shares = [high for one in groups if (high := one.second(6).high) is not None]
    ratios = [end for one in groups for end in (one.per_cost.low, one.per_cost.high) if end is not None]
    return {
        "share": max(shares, default=1.0),
        "low": min([0.0, *ratios]),
        "high": max([1.2, *ratios]),
    }


def _triangle(scope: Scope, rows: Sequence[Row]) -> dict[str, Any]:
    """Rows newest first; every cell its share and shade, or that it is too early."""
    width = max((sum(count is not None for count in row.counts) for row in rows), default=0)
    values = [count / row.n for row in rows if row.n >= SMALL for count in row.counts if count is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return {
        "columns": list(range(width)),
        "rows": [
            {
                "label": month_name(row.cohort),
                "n": row.n,
                "small": row.n < SMALL,
                "cells": [_shaded(count, row.n, low, high) for count in row.counts[:width]],
            }
            for row in reversed(rows)
        ],
    }


def _shaded(count: int | None, n: int, low: float, high: float) -> dict[str, Any] | None:
    if count is None:
        return None
    share = count / n
    place = (share - low) / (high - low) if high > low else 0.0
    return {"count": count, "share": share, "shade": min(SHADES - 1, max(0, int(place * SHADES)))}


def table(scope: Scope) -> Iterable[list[Any]]:
    """The file behind the page: a head, then every group, cohort and group's cohort with all figures."""
    shares = [_("second product %(n)s months") % {"n": n} for n in HORIZONS]
    overdue = [_("overdue over %(n)s days") % {"n": n} for n in (30, 90)]
    yield [
        str(DIMENSION_LABELS[scope.dimension]),
        _("cohort"),
        _("acquired"),
        _("cost per customer"),
        _("cost known for"),
        _("fee income"),
        *(f"{name}, {part}" for name in shares for part in _parts()),
        *(f"{name}, {part}" for name in overdue for part in _parts()),
        *(_("principal overdue over %(n)s days") % {"n": n} for n in (30, 90)),
        _("contribution"),
        _("value per unit of cost"),
        _("low"),
        _("high"),
    ]
    found = figures(scope.rows, scope.dimension, scope.as_of)
    # All together first, then each group, each month, each group's months.
    found.sort(key=lambda one: (one.key or "", one.cohort or dt.date.min))
    for one in sorted(found, key=lambda one: (one.cohort is not None, one.key is not None)):
        yield _file_row(scope.dimension, one)


def _parts() -> tuple[str, ...]:
    return _("count"), _("of"), _("low"), _("high")


def _file_row(dimension: str, one: Figures) -> list[Any]:
    ratio = one.per_cost
    shares = [one.second(n) for n in HORIZONS] + [one.overdue(n) for n in (30, 90)]
    return [
        _("all") if one.key is None else str(_group_name(dimension, one.key)),
        _("all") if one.cohort is None else f"{one.cohort:%Y-%m}",
        one.n,
        _rounded(one.cost_per_customer),
        one.sums["cost_n"],
        _rounded(one.fees),
        *(part for share in shares for part in _file_share(share)),
        *(_rounded(one.overdue_principal(n), 6) for n in (30, 90)),
        _rounded(one.value),
        *(_rounded(end, 6) for end in (ratio.value, ratio.low, ratio.high)),
    ]


def _file_share(share: Share) -> list[Any]:
    if not share.n:
        return ["", 0, "", ""]
    return [share.count, share.n, _rounded(share.low, 6), _rounded(share.high, 6)]


def _rounded(value: float | None, places: int = 2) -> Any:
    return "" if value is None else round(value, places)


def file_name(as_of: dt.date) -> str:
    return f"cohorts-{as_of:%Y-%m-%d}.csv"
