"""The portrait: how money comes and goes, seen in the customer's own bookings and beside peers (S1.6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bankcrm import figures
from customers import peers
from customers import portrait as drawing
from customers.models.transactions import Channel, MerchantCategory, TransactionKind
from customers.portrait import outliers
from customers.tabs import comparison
from customers.tabs.seen import Seen

HOURS = range(0, 24, 2)


def portrait(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    moves = seen.movements
    months = drawing.by_month(moves)
    return {
        "booked": len(moves),
        "cut": drawing.MOST if moves.is_cut else None,
        "months": [
            {
                "label": date_format(month.first, pgettext("date", "M y")),
                "value": month.money_in,
                "outline": month.money_out,
                "more": [
                    figures.signed_money(month.money_in - month.money_out),
                    figures.number(month.number),
                ],
            }
            for month in months
        ],
        "month_more": [_("Difference"), _("Bookings")],
        "counterparties": drawing.counterparties(moves),
        "known_to": moves.known_to,
        "series": [_series(one, seen) for one in seen.series],
        "unusual": [_unusual(one) for one in seen.unusual],
        "deviations": outliers.DEVIATIONS,
        "floor": outliers.FLOOR,
        "fewest": outliers.FEWEST,
        "spending": _spending(seen),
        "flows": comparison.rows(seen, comparison.FLOWS),
        "compared": comparison.said_of(seen),
        "channels": _channels(seen),
        **_footprint(seen),
    }


def _series(one: drawing.Regular, seen: Seen) -> dict[str, Any]:
    return {
        "name": one.counterparty or _unnamed(one),
        "kind": _word(one.kind, TransactionKind),
        "is_income": one.is_income,
        "amount": one.amount,
        "rhythm": one.rhythm.label,
        "number": one.number,
        "last": one.last,
        "next_on": one.next_on,
        "is_late": one.is_late,
        # Late or not cannot be said before the data reach so far; but it is not ahead any more.
        "is_past": one.next_on < seen.today,
    }


def _unnamed(one: drawing.Regular) -> str:
    """A series whose bookings name nobody, by what it was for: "Other" alone says neither."""
    if one.category in ("", MerchantCategory.OTHER):
        return _("nobody named in the bookings")
    return _("%(category)s, nobody named") % {"category": _word(one.category, MerchantCategory)}


def _unusual(one: drawing.Unusual) -> dict[str, Any]:
    return {
        "day": one.day,
        "amount": one.amount,
        "name": one.counterparty or _word(one.kind, TransactionKind),
        "why": why_unusual(one),
    }


def why_unusual(one: drawing.Unusual) -> str:
    """How far outside the customer's own movements it lies."""
    words = {
        "times": figures.number(one.times, 0 if one.times >= 10 else 1),
        "usual": figures.money(one.usual),
    }
    if one.amount > 0:
        said = _("%(times)s times the usual %(usual)s in") % words
    else:
        said = _("%(times)s times the usual %(usual)s out") % words
    return _("%(said)s; nothing before with this other side") % {"said": said} if one.is_new else said


def _spending(seen: Seen) -> list[dict[str, Any]]:
    """Per merchant category the customer's and the peers' mean over three months, the largest of either first."""
    if seen.profile is None:
        return []
    rows: list[dict[str, Any]] = []
    for code in peers.SPENDING:
        category = MerchantCategory(code.removeprefix("spend_").removesuffix("_3m"))
        own = float(getattr(seen.profile, code))
        mean = seen.peers.averages[code] if seen.peers else None
        rows.append({"label": category.label, "own": own, "peer": mean})
    top = max((max(row["own"], row["peer"] or 0) for row in rows), default=0)
    for row in rows:
        row["share"] = row["own"] / top if top else 0
        row["peer_share"] = row["peer"] / top if top and row["peer"] is not None else None
    return sorted(rows, key=lambda row: -max(row["own"], row["peer"] or 0))


def _channels(seen: Seen) -> list[dict[str, Any]]:
    used = drawing.by_channel(seen.movements)
    total = sum(use.number for use in used)
    return [
        {
            "label": _word(use.code, Channel),
            "number": use.number,
            "share": use.number / total,
            "hours": _("%(first)s to %(last)s h") % {"first": use.hours[0], "last": use.hours[1]}
            if use.hours
            else "",
        }
        for use in used
    ]


def _footprint(seen: Seen) -> dict[str, Any]:
    cells = drawing.footprint(seen.movements)
    monday = dt.date(2024, 1, 1)
    return {
        "cells": cells.tolist() if cells.any() else [],
        "weekdays": [date_format(monday + dt.timedelta(days=i), "D") for i in range(7)],
        "hours": [str(hour) for hour in HOURS],
        "hourless": int((seen.movements.hour < 0).sum()),
    }


def _word(code: str, choices: Any) -> str:
    return str(choices(code).label) if code in choices.values else code
