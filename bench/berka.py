"""The Czech bank of Berka and Sochorova (PKDD 1999) as of 31 March 1994, the last day whose bookings the file has.

One row per account with bookings. Features look back only; `order` is not read, because it holds the instalments of
the loans to be predicted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model_data import DATA, Table, columns_of, encoded, numbers

AS_OF = np.datetime64("1994-03-31")
WINDOWS = (30, 90, 180)
SYMBOLS = {
    "SIPO": "household",
    "DUCHOD": "pension",
    "POJISTNE": "insurance",
    "UROK": "interest",
    "SLUZBY": "fees",
    "SANKC. UROK": "overdraft",
}
OPERATIONS = {
    "VYBER": "cash_out",
    "VKLAD": "cash_in",
    "PREVOD NA UCET": "transfer_out",
    "PREVOD Z UCTU": "transfer_in",
}

Floats = NDArray[np.float64]


def _days(words: NDArray[Any]) -> NDArray[np.datetime64]:
    """`YYMMDD`, perhaps with a time behind it, of 1993 to 1998."""
    return np.array([f"19{w[:2]}-{w[2:4]}-{w[4:6]}" for w in words], dtype="datetime64[D]")


class Bookings:
    """The bookings up to the date, and sums of them per account."""

    def __init__(self, data: Path) -> None:
        raw = columns_of(data / "berka" / "trans_19930101_19940331_partial.asc.gz", ";")
        account = raw["account_id"].astype(int)
        self.accounts, self.row = np.unique(account, return_inverse=True)
        self.age = (AS_OF - _days(raw["date"])).astype(int)
        self.amount, self.balance = numbers(raw["amount"]), numbers(raw["balance"])
        self.is_in = raw["type"] == "PRIJEM"
        self.symbol = np.array([word.strip() for word in raw["k_symbol"]], dtype=object)
        self.operation = raw["operation"]

    def total(self, inside: NDArray[np.bool_], values: Floats | None = None) -> Floats:
        """Sum of `values` (or number) of the bookings inside, per account."""
        weights = None if values is None else values[inside]
        return np.bincount(self.row[inside], weights=weights, minlength=len(self.accounts)).astype(float)

    def mean(self, inside: NDArray[np.bool_], values: Floats) -> Floats:
        """Mean per account, NaN without a booking."""
        n = self.total(inside)
        return np.divide(self.total(inside, values), n, out=np.full(len(n), np.nan), where=n > 0)

    def extreme(self, inside: NDArray[np.bool_], values: Floats, *, largest: bool) -> Floats:
        """Largest or smallest per account, NaN without a booking."""
        found = np.full(len(self.accounts), -np.inf if largest else np.inf)
        (np.maximum if largest else np.minimum).at(found, self.row[inside], values[inside])
        return np.where(np.isfinite(found), found, np.nan)

    def last(self, values: Floats) -> Floats:
        """Of the last booking in the order of the file, which is the order of time."""
        found = np.empty(len(self.accounts))
        found[self.row] = values
        return found


def behaviour(bookings: Bookings) -> dict[str, Any]:
    """What the account was seen to do."""
    every = np.ones(len(bookings.row), dtype=bool)
    mean = bookings.mean(every, bookings.balance)
    square = bookings.mean(every, bookings.balance**2)
    columns: dict[str, Any] = {
        "balance": bookings.last(bookings.balance),
        "balance_least": bookings.extreme(every, bookings.balance, largest=False),
        "balance_most": bookings.extreme(every, bookings.balance, largest=True),
        "balance_mean": mean,
        "balance_spread": np.sqrt(np.maximum(square - mean**2, 0)),
        "bookings": bookings.total(every),
    }
    for days in WINDOWS:
        lately = bookings.age < days
        columns |= {
            f"in_{days}": bookings.total(lately & bookings.is_in, bookings.amount),
            f"out_{days}": bookings.total(lately & ~bookings.is_in, bookings.amount),
            f"bookings_{days}": bookings.total(lately),
            f"balance_mean_{days}": bookings.mean(lately, bookings.balance),
            f"balance_least_{days}": bookings.extreme(lately, bookings.balance, largest=False),
        }
    for code, name in SYMBOLS.items():
        inside = bookings.symbol == code
        columns |= {
            f"{name}_amount": bookings.total(inside, bookings.amount),
            f"{name}_bookings": bookings.total(inside),
        }
    for code, name in OPERATIONS.items():
        inside = bookings.operation == code
        columns |= {
            f"{name}_amount": bookings.total(inside, bookings.amount),
            f"{name}_bookings": bookings.total(inside),
            f"{name}_most": np.nan_to_num(bookings.extreme(inside, bookings.amount, largest=True)),
        }
    columns["cash_share"] = columns["cash_in_amount"] / np.maximum(
        columns["cash_in_amount"] + columns["transfer_in_amount"], 1
    )
    return columns


def attributes(accounts: NDArray[np.int64], data: Path) -> dict[str, Any]:
    """What is known of the account and its owner."""
    folder = data / "berka"
    raw = {
        name: columns_of(folder / f"{name}.asc.gz", ";")
        for name in ("account", "client", "disp", "card", "district")
    }
    account = {int(a): i for i, a in enumerate(raw["account"]["account_id"])}
    place = np.array([account[a] for a in accounts])
    owners = raw["disp"]["type"] == "OWNER"
    born = dict(zip(raw["client"]["client_id"], raw["client"]["birth_number"], strict=True))
    owner = dict(
        zip(raw["disp"]["account_id"][owners].astype(int), raw["disp"]["client_id"][owners], strict=True)
    )
    birth = np.array([born[owner[a]] for a in accounts], dtype=object)
    with_card = dict(zip(raw["disp"]["disp_id"], raw["disp"]["account_id"].astype(int), strict=True))
    issued = _days(raw["card"]["issued"]) <= AS_OF
    cards = {with_card[disp] for disp in raw["card"]["disp_id"][issued]}
    users = np.bincount(raw["disp"]["account_id"].astype(int), minlength=int(accounts.max()) + 1)
    district = dict(zip(raw["district"]["A1"], raw["district"]["A3"], strict=True))
    return {
        "open_days": (AS_OF - _days(raw["account"]["date"][place])).astype(float),
        "statement": raw["account"]["frequency"][place],
        "region": np.array([district[d] for d in raw["account"]["district_id"][place]], dtype=object),
        "female": np.array([float(int(b[2:4]) > 50) for b in birth]),
        "age": np.array([94.0 - int(b[:2]) for b in birth]),
        "users": users[accounts].astype(float),
        "card": np.isin(accounts, list(cards)).astype(float),
    }


def loans(data: Path = DATA, months: int = 12) -> Table:
    """Who of the accounts without a loan takes one within the months after the date."""
    bookings = Bookings(data)
    matrix, specs = encoded({**behaviour(bookings), **attributes(bookings.accounts, data)})
    raw = columns_of(data / "berka" / "loan.asc.gz", ";")
    taken = dict(zip(raw["account_id"].astype(int), _days(raw["date"]), strict=True))
    when = np.array(
        [taken.get(int(a), np.datetime64("NaT")) for a in bookings.accounts], dtype="datetime64[D]"
    )
    asked = ~(when <= AS_OF)
    end = (AS_OF.astype("datetime64[M]") + months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return Table(matrix[asked], (when <= end)[asked].astype(np.int8), specs)


SEGMENT_FEATURES = (
    "age",
    "balance_mean",
    "in_90",
    "out_90",
    "household_amount",
    "pension_amount",
    "insurance_amount",
)


def households(data: Path = DATA) -> Table:
    """The few features a segmentation of the accounts is made from; there is no outcome."""
    bookings = Bookings(data)
    everything = {**behaviour(bookings), **attributes(bookings.accounts, data)}
    matrix, specs = encoded({name: everything[name] for name in SEGMENT_FEATURES})
    return Table(matrix, np.zeros(len(matrix), dtype=np.int8), specs)
