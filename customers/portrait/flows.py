"""Sums over a customer's bookings: by month, by counterparty, by channel, by hour and weekday."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customers.portrait.movements import Movements

HOURS_A_CELL = 2


@dataclass(frozen=True, slots=True)
class Month:
    """Sums of one calendar month, both positive, in the bank's currency."""

    first: dt.date
    money_in: float
    money_out: float
    number: int


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Turnover with one other side: sums in and out, number of bookings, first and last day."""

    name: str
    money_in: float
    money_out: float
    number: int
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """Bookings through one channel; ``hours`` is the two-hour span most of them fall in, None without hours."""

    code: str
    number: int
    hours: tuple[int, int] | None


def by_month(movements: Movements) -> list[Month]:
    """One entry per calendar month from first to the last day known, months without bookings included."""
    start = np.datetime64(movements.first, "M")
    end = min(movements.last, movements.known_to)
    size = max(0, int((np.datetime64(end, "M") - start).astype(int)) + 1)
    at = (movements.day.astype("datetime64[M]") - start).astype(int)
    money_in = np.bincount(at, np.maximum(movements.amount, 0), minlength=size)
    money_out = np.bincount(at, np.maximum(-movements.amount, 0), minlength=size)
    number = np.bincount(at, minlength=size)
    return [
        Month((start + i).astype("datetime64[D]").item(), float(came), float(went), int(n))
        for i, (came, went, n) in enumerate(zip(money_in, money_out, number, strict=True))
    ]


def counterparties(movements: Movements, most: int = 8) -> list[Counterparty]:
    """The other sides with the largest turnover (in and out added), largest first; unnamed ones are left out."""
    names, at = np.unique(movements.counterparty, return_inverse=True)
    money_in = np.bincount(at, np.maximum(movements.amount, 0), minlength=len(names))
    money_out = np.bincount(at, np.maximum(-movements.amount, 0), minlength=len(names))
    order = np.argsort(-(money_in + money_out), kind="stable")
    found = []
    for i in [i for i in order if names[i]][:most]:
        days = movements.day[at == i]
        found.append(
            Counterparty(
                str(names[i]),
                float(money_in[i]),
                float(money_out[i]),
                len(days),
                days[0].item(),
                days[-1].item(),
            )
        )
    return found


def footprint(movements: Movements) -> npt.NDArray[np.int64]:
    """Bookings with a known hour: 7 weekdays (Monday first) × 12 spans of two hours."""
    known = movements.hour >= 0
    cells = np.zeros((7, 24 // HOURS_A_CELL), np.int64)
    np.add.at(cells, (_weekday(movements.day[known]), movements.hour[known] % 24 // HOURS_A_CELL), 1)
    return cells


def by_channel(movements: Movements) -> list[ChannelUse]:
    """Every channel used, the most used first."""
    found = []
    for code, number in zip(*np.unique(movements.channel, return_counts=True), strict=True):
        if code:
            hours = movements.hour[(movements.channel == code) & (movements.hour >= 0)] % 24 // HOURS_A_CELL
            busiest = int(np.bincount(hours).argmax()) * HOURS_A_CELL if len(hours) else None
            span = None if busiest is None else (busiest, busiest + HOURS_A_CELL)
            found.append(ChannelUse(str(code), int(number), span))
    return sorted(found, key=lambda use: (-use.number, use.code))


def _weekday(day: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    # 1 January 1970 was a Thursday.
    return (day.astype(np.int64) + 3) % 7
