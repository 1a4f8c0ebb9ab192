"""The portrait drawn from a customer's own bookings (S1.6): pure functions on the arrays of one query."""

from customers.portrait.flows import Counterparty, Month, by_channel, by_month, counterparties, footprint
from customers.portrait.movements import MONTHS, MOST, Movements, read
from customers.portrait.outliers import Unusual, unusual
from customers.portrait.rhythm import Regular, Rhythm, regular

__all__ = [
    "MONTHS",
    "MOST",
    "Counterparty",
    "Month",
    "Movements",
    "Regular",
    "Rhythm",
    "Unusual",
    "by_channel",
    "by_month",
    "counterparties",
    "footprint",
    "read",
    "regular",
    "unusual",
]
