"""How figures read, on screens and in files: ¥ whole, thousands comma, true minus, 4.2 %, a plus on differences.

Rates, shares and differences of rates are fractions (0.042 is 4.2 %). None, an empty string and NaN read "—"; zero
reads "0". Anything else that is not a number raises, so that a wrong variable is seen and not printed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

NONE = "—"
MINUS = "\u2212"
NBSP = "\u00a0"

Number = int | float | Decimal


def is_none(value: Any) -> bool:
    """Whether the value is "none" rather than a figure."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _digits(value: Any, decimals: int) -> tuple[str, str]:
    """(sign, digits): the sign is "−", "+" or "" for what rounds to zero."""
    # Formatting an int goes through a float and would invent digits beyond 2^53.
    amount = Decimal(value) if isinstance(value, (int, Decimal)) else float(value)
    digits = f"{abs(amount):,.{decimals}f}"
    if not digits.strip("0.,"):
        return "", digits
    return (MINUS if amount < 0 else "+"), digits


def number(value: Any, decimals: int = 0) -> str:
    """86412 → "86,412"; ``decimals`` digits after the point."""
    if is_none(value):
        return NONE
    sign, digits = _digits(value, int(decimals))
    return digits if sign == "+" else sign + digits


def signed(value: Any, decimals: int = 0) -> str:
    """A difference: 61300 → "+61,300"."""
    return NONE if is_none(value) else "".join(_digits(value, int(decimals)))


def money(value: Any) -> str:
    """Whole currency units: 12960 → "¥12,960"."""
    if is_none(value):
        return NONE
    sign, digits = _digits(value, 0)
    return f"{'' if sign == '+' else sign}{settings.CURRENCY_SIGN}{digits}"


def signed_money(value: Any) -> str:
    """A difference of money: −80000 → "−¥80,000"."""
    if is_none(value):
        return NONE
    sign, digits = _digits(value, 0)
    return f"{sign}{settings.CURRENCY_SIGN}{digits}"


def money_short(value: Any) -> str:
    """For forecasts: 2860000 → "¥2.86M"; below a million the whole figure."""
    if is_none(value):
        return NONE
    amount = float(value)
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if abs(amount) >= size:
            sign, digits = _digits(amount / size, 2)
            return f"{'' if sign == '+' else sign}{settings.CURRENCY_SIGN}{digits}{letter}"
    return money(value)


def pct(value: Any, decimals: int = 1) -> str:
    """A fraction as per cent, with a no-break space: 0.042 → "4.2 %"."""
    return NONE if is_none(value) else f"{number(float(value) * 100, decimals)}{NBSP}%"


def points(value: Any, decimals: int = 1) -> str:
    """A difference of two fractions in percentage points: 0.021 → "+2.1"."""
    return NONE if is_none(value) else signed(float(value) * 100, decimals)


def places(low: Any, high: Any) -> int:
    """Decimals of a percentage and its interval: as many as give half its width two significant digits, 1 or 2."""
    return 2 if not is_none(low) and not is_none(high) and (float(high) - float(low)) * 50 < 1 else 1


def decimal(value: Any, decimals: int = 2) -> str:
    """A plain measure such as AUC or ROI: 0.7712 → "0.77"."""
    return number(value, decimals)


FORMATS: dict[str, Callable[[Any], str]] = {
    "points": points,
    "points1": points,
    "points2": lambda value: points(value, 2),
    "pct": pct,
    "pct0": lambda value: pct(value, 0),
    "money": money,
    "money_short": money_short,
    "number": number,
    "signed": signed,
    "decimal": decimal,
    "decimal1": lambda value: number(value, 1),
    "decimal3": lambda value: number(value, 3),
    "decimal4": lambda value: number(value, 4),
    "text": str,
}


def interval(low: Any, high: Any, kind: str = "points") -> str:
    """ "+1.4 to +2.8"; "—" when either end is missing. ``kind`` names one of FORMATS."""
    if is_none(low) or is_none(high):
        return NONE
    show = FORMATS[kind]
    return _("%(low)s to %(high)s") % {"low": show(low), "high": show(high)}


def dash(value: Any) -> Any:
    """None and empty text as "—", everything else (zero included) as it is."""
    return NONE if is_none(value) else value


def _local(value: dt.date) -> dt.date:
    return timezone.localtime(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value


def _with_year(value: dt.date, this_year: str, any_year: str) -> str:
    local = _local(value)
    return date_format(local, this_year if local.year == timezone.localdate().year else any_year)


def day(value: dt.date | None) -> str:
    """ "Wed 11 Nov", with the year when it is not this one."""
    if not value:
        return NONE
    return _with_year(value, pgettext("date", "D j M"), pgettext("date", "D j M Y"))


def short_day(value: dt.date | None) -> str:
    """ "11 Nov", with the year when it is not this one."""
    if not value:
        return NONE
    return _with_year(value, pgettext("date", "j M"), pgettext("date", "j M Y"))


def clock(value: dt.datetime | dt.time | None) -> str:
    """ "09:41", in the time zone of the bank."""
    if value is None or value == "":
        return NONE
    return (_local(value) if isinstance(value, dt.datetime) else value).strftime("%H:%M")


def stamp(value: dt.datetime | dt.date | None) -> str:
    """A moment: "06:12 today", "11 Nov 06:12"; a plain date as ``short_day``."""
    if not isinstance(value, dt.datetime):
        return short_day(value)
    local = _local(value)
    if (local.year, local.month, local.day) == timezone.localdate().timetuple()[:3]:
        return _("%(time)s today") % {"time": clock(value)}
    return f"{short_day(value)} {clock(value)}"


def duration(seconds: Any) -> str:
    """Seconds in words: 0.6 → "0.6 s", 192 → "3 min 12 s", 4800 → "1 h 20 min"."""
    if is_none(seconds):
        return NONE
    total = seconds.total_seconds() if isinstance(seconds, dt.timedelta) else float(seconds)
    if total < 9.95:
        return f"{total:.1f}{NBSP}s"
    whole = round(total)
    if whole < 60:
        return f"{whole}{NBSP}s"
    if whole < 3600:
        return f"{whole // 60}{NBSP}min {whole % 60}{NBSP}s" if whole % 60 else f"{whole // 60}{NBSP}min"
    minutes = round(total / 60)
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min" if minutes % 60 else f"{minutes // 60}{NBSP}h"


def _masked(text: str, head: int, tail: int) -> str:
    if len(text) < head + tail + 3:
        head, tail = 0, min(2, len(text) // 3)
    hidden = len(text) - head - tail
    return f"{text[:head]}{'*' * hidden}{text[len(text) - tail :]}"


def masked_phone(value: str | None) -> str:
    """ "13812342291" → "138****2291"; short numbers keep at most their last two digits."""
    return NONE if is_none(value) else _masked(str(value).strip(), 3, 4)


def masked_id(value: str | None) -> str:
    """An identity number with its first and last four characters."""
    return NONE if is_none(value) else _masked(str(value).strip(), 4, 4)
