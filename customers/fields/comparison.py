"""A field's value beside what it is held against, as one sentence with direction and size.

"Wealth management fell 38 % in 3 months, to ¥124,000", "Only 5 transactions this month, 3 fewer than in the month
before", "Has ¥412,300 with us, against ¥50,000 in the middle of tier Gold". The catalogue's entry decides which: its
type, its unit and the window of its code.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import figures
from customers.fields.declaration import Field, Type

# A smaller change of money is no news.
NOTABLE = 0.05


def is_notable(field: Field, value: float, earlier: float, *, high: bool) -> bool:
    """Whether ``value`` moved from ``earlier`` far enough to be told, and the way that made it high or low."""
    if not (value > earlier if high else value < earlier):
        return False
    return abs(value - earlier) >= (max(NOTABLE * abs(earlier), 1) if field.type == Type.MONEY else 1)


def against_earlier(field: Field, value: float, earlier: float, months: int, *, high: bool) -> str:
    """The sentence of ``value`` and the ``earlier`` one, ``months`` before; of a window, of the window before."""
    if field.type == Type.MONEY and not field.window:
        return moved(str(field.label), value, earlier, months)
    said, span = field.reason(value, high=high), window_before(months)
    if field.type == Type.MONEY:
        return _flowed(said, value, earlier, span)
    n = round(abs(value - earlier))
    before = span if field.window else ago(months)
    if value > earlier:
        told = ngettext("%(said)s, %(n)s more than %(before)s", "%(said)s, %(n)s more than %(before)s", n)
    else:
        told = ngettext("%(said)s, %(n)s fewer than %(before)s", "%(said)s, %(n)s fewer than %(before)s", n)
    return told % {"said": said, "n": figures.number(n), "before": before}


def moved(label: str, value: float, earlier: float, months: int) -> str:
    """A balance now and ``months`` before: "Funds rose 12 % in 3 months, to ¥112,000"."""
    values = {
        "label": label,
        "span": span(months),
        "value": figures.money(value),
        "earlier": figures.money(earlier),
        "share": _share(value, earlier),
    }
    if earlier <= 0 or value <= 0 or value > 3 * earlier:
        if value > earlier:
            return _("%(label)s rose from %(earlier)s to %(value)s in %(span)s") % values
        return _("%(label)s fell from %(earlier)s to %(value)s in %(span)s") % values
    if value > earlier:
        return _("%(label)s rose %(share)s in %(span)s, to %(value)s") % values
    return _("%(label)s fell %(share)s in %(span)s, to %(value)s") % values


def _flowed(said: str, value: float, earlier: float, before: str) -> str:
    values = {
        "said": said,
        "before": before,
        "share": _share(value, earlier),
        "earlier": figures.money(earlier),
    }
    if earlier <= 0 or value <= 0 or value > 3 * earlier:
        return _("%(said)s, after %(earlier)s %(before)s") % values
    if value > earlier:
        return _("%(said)s, %(share)s more than %(before)s") % values
    return _("%(said)s, %(share)s less than %(before)s") % values


def _share(value: float, earlier: float) -> str:
    return figures.pct(abs(value - earlier) / earlier, 0) if earlier > 0 else figures.NONE


def span(months: int) -> str:
    """ "a month", "3 months"."""
    return ngettext("a month", "%(n)s months", months) % {"n": months}


def window_before(months: int) -> str:
    """ "in the month before", "in the 3 months before"."""
    return ngettext("in the month before", "in the %(n)s months before", months) % {"n": months}


def ago(months: int) -> str:
    """ "a month ago", "3 months ago"."""
    return ngettext("a month ago", "%(n)s months ago", months) % {"n": months}


def against_others(field: Field, value: Any, middle: Any, tier: str, *, high: bool) -> str:
    """The sentence of ``value`` and of the middle customer of ``tier``; of everybody learned from where it is empty."""
    values = {"said": field.reason(value, high=high), "middle": field.display(middle), "tier": tier}
    if tier:
        return _("%(said)s, against %(middle)s in the middle of tier %(tier)s") % values
    return _("%(said)s, against %(middle)s in the middle of those learned from") % values


def among_others(field: Field, value: Any, share: float, tier: str) -> str:
    """The sentence of a category or flag, and how many of ``tier`` are alike; of everybody asked where it is empty."""
    values = {"said": field.reason(value, high=True), "share": figures.pct(share, 0), "tier": tier}
    if tier:
        return _("%(said)s, as %(share)s of tier %(tier)s") % values
    return _("%(said)s, as %(share)s of all customers asked") % values
