"""What a sample bank was made of, and the calendar it lives by."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from customers.profile import month_end
from customers.sample_bank import truth
from customers.sample_bank.world import World

Progress = Callable[[str], object]


class NotEmpty(Exception):
    """The database holds customers already."""


@dataclass(frozen=True)
class Bank:
    """What a bank was made of; everything else about it stands in the database and in schema ``truth``."""

    size: int
    seed: int
    first_month: datetime.date  # first day of the history
    as_of: datetime.date  # last day with data: a month-end
    transactions_per_month: float

    def month_number(self, day: datetime.date) -> int:
        """Months from the beginning of the history to the month of ``day``."""
        return (day.year - self.first_month.year) * 12 + day.month - self.first_month.month


def load() -> Bank:
    """The bank in this database. Raises ``LookupError`` where none was made."""
    return _from_facts(_facts())


def law() -> World:
    """The laws of the bank in this database. Raises ``LookupError`` where none was made."""
    return World.from_json(_facts()["world"])


def facts_of(bank: Bank, world: World) -> dict[str, Any]:
    return {
        "size": bank.size,
        "seed": bank.seed,
        "first_month": bank.first_month.isoformat(),
        "as_of": bank.as_of.isoformat(),
        "transactions_per_month": bank.transactions_per_month,
        "world": world.as_json(),
    }


def _facts() -> dict[str, Any]:
    facts = truth.facts()
    if facts is None:
        raise LookupError("no sample bank was made in this database")
    return facts


def _from_facts(facts: dict[str, Any]) -> Bank:
    return Bank(
        facts["size"],
        facts["seed"],
        datetime.date.fromisoformat(facts["first_month"]),
        datetime.date.fromisoformat(facts["as_of"]),
        facts["transactions_per_month"],
    )


def month_ends(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """Every month-end from the month of ``first`` to the one of ``last``."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [month_end(last, count - 1 - number) for number in range(count)]


def day_number(day: datetime.date) -> int:
    """Days since 1970."""
    return int(np.datetime64(day, "D").astype(int))
