"""Bands of amounts as people write them, such as "$60K - $80K" or "10+ years", and the figure that stands for each."""

from __future__ import annotations

import re
from decimal import Decimal

from customers.imports.kinds.declaration import Reading, Target, Type

UNITS = {"k": 1000, "m": 1_000_000, "万": 10_000, "千": 1000}
# Neither a part of a longer number nor of 1e9; a unit is no beginning of a word.
AMOUNT = re.compile(
    r"(?<![\d.,'])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d.,'])"
    r"\s*(?P<unit>[km](?![a-z])|[万千])?(?![eE][+-]?\d)",
    re.I,
)
CURRENCY = r"[￥¥$€£\s]*"
BETWEEN = re.compile(rf"\s*元?\s*(-|–|—|~|～|to|and|至|到)\s*{CURRENCY}", re.I)
BELOW = re.compile(r"less|under|below|up to|<|≤|以下|以内|低于", re.I)
OPEN = re.compile(r"more|over|above|>|≥|以上|超过|高于|\d\s*[km万千]?\s*\+", re.I)
# What tells a phrase from a number with a mark: "10 years", not "1e9", "0x1F", "500 CR" or "(500)".
WORD = re.compile(r"[^\W\d_]{3,}|[月年天岁元]")
SIGN = re.compile(rf"[-−(]{CURRENCY}$")


def figure_of(band: str, target: Target, reading: Reading | None = None) -> Decimal | None:
    """The middle of a band, in as many places as the target keeps; None for what is no band.

    "$120K +" is 120000 and "Less than $40K" half of its amount. A number in a form that is not read, such as 1e9 or
    (1,234.50), is no band: its row is refused with the reason.
    """
    middle = middle_of(band)
    if middle is None:
        return None
    judged = reading or target
    places = 0 if judged.type == Type.INTEGER else judged.places
    return round(middle, places)


def middle_of(band: str) -> Decimal | None:
    """The same with all its places."""
    found = list(AMOUNT.finditer(band))
    if len(found) == 2 and BETWEEN.fullmatch(band[found[0].end() : found[1].start()]):
        return _between(*found)
    if len(found) != 1 or len(re.findall(r"\d+", found[0]["digits"])) != len(re.findall(r"\d+", band)):
        return None
    amount = _amount(found[0])
    if BELOW.search(band):
        return amount / 2
    is_said = found[0]["unit"] or OPEN.search(band) or WORD.search(band)
    return amount if is_said and not SIGN.search(band[: found[0].start()]) else None


def _between(low: re.Match[str], high: re.Match[str]) -> Decimal | None:
    """None where the second is not the larger: 2024-01 is no band. In "60-80K" the unit counts for both."""
    first, last = _amount(low), _amount(high)
    if not low["unit"] and high["unit"] and _amount(low, high["unit"]) < last:
        first = _amount(low, high["unit"])
    return (first + last) / 2 if first < last else None


def _amount(found: re.Match[str], unit: str = "") -> Decimal:
    factor = UNITS.get((unit or found["unit"] or "").lower(), 1)
    return Decimal(found["digits"].replace(",", "")) * factor
