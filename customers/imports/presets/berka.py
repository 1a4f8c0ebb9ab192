"""The Czech bank of the PKDD'99 Discovery Challenge (Berka, Sochorova): a folder of .asc or .asc.gz files.

Owners of accounts are the customers that holdings and bookings belong to. Codes and columns are described in the
challenge's own documentation.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from django.utils.translation import gettext as _

from bankcrm.runs import Refused
from customers.imports import encodings
from customers.models import ImportFile

Kind = ImportFile.Kind
KINDS = (Kind.CUSTOMERS, Kind.HOLDINGS, Kind.BALANCES, Kind.TRANSACTIONS)
OPTIONS = {"encoding": "utf-8", "delimiter": ","}
ACCOUNT, LOAN, CARD = "berka-account", "berka-loan", "berka-card"
# The source names no products; these are what its three tables of contracts hold.
PRODUCTS = (
    {"code": ACCOUNT, "name": "Account", "line": "savings", "asset_class": "demand_deposit"},
    {"code": LOAN, "name": "Loan", "line": "personal_loan", "is_loan": True},
    {"code": CARD, "name": "Credit card", "line": "credit_card"},
)
CENTURY = "19"
CREDIT, DEBITS = "PRIJEM", {"VYDAJ", "VYBER"}
KIND_BY_SYMBOL = {
    "SIPO": "transfer",
    "DUCHOD": "pension",
    "POJISTNE": "transfer",
    "UVER": "loan",
    "UROK": "interest",
    "SLUZBY": "fee",
    "SANKC. UROK": "interest",
}
KIND_BY_OPERATION = {
    "VKLAD": "cash",
    "VYBER": "cash",
    "VYBER KARTOU": "card",
    "PREVOD Z UCTU": "transfer",
    "PREVOD NA UCET": "transfer",
}
CHANNEL_BY_OPERATION = {"VKLAD": "counter", "VYBER": "counter", "VYBER KARTOU": "epayment"}
CATEGORY_BY_SYMBOL = {"SIPO": "home", "POJISTNE": "insurance"}

Row = dict[str, str]
# Day → (amount, balance after) of its bookings.
Days = dict[dt.date, list[tuple[Decimal, Decimal]]]


def convert(kind: str, source: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of one kind from the folder ``source``, written into ``folder``. Raises Refused for a missing one."""
    makers = {
        Kind.CUSTOMERS: [("client", customers)],
        Kind.HOLDINGS: [("account", accounts), ("loan", loans), ("card", cards)],
        Kind.TRANSACTIONS: [("trans", transactions)],
        Kind.BALANCES: [("trans-by-month", balances)],
    }
    for name, make in makers[Kind(kind)]:
        path = folder / f"berka-{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as target:
            rows = make(source)
            first = next(rows, None)
            if first is None:
                raise Refused(_("The file %(name)s has no rows.") % {"name": name})
            writer = csv.DictWriter(target, first)
            writer.writeheader()
            writer.writerows(itertools.chain([first], rows))
        yield path, path.name


def read(source: Path, name: str) -> Iterator[Row]:
    """The rows of ``name``.asc or .asc.gz; of the transactions, whichever part of the table is there."""
    found = sorted(source.glob(f"{name}.asc*")) or sorted(source.glob(f"{name}_*.asc*"))
    if not found:
        raise Refused(_("The folder has no file %(name)s.asc.") % {"name": name})
    with encodings.text(found[0], "utf-8") as lines:
        yield from csv.DictReader(lines, delimiter=";")


def owners(source: Path) -> dict[str, str]:
    """Account → the client who owns it."""
    return {row["account_id"]: row["client_id"] for row in read(source, "disp") if row["type"] == "OWNER"}


def day(text: str) -> str:
    """YYMMDD, perhaps with a time, as YYYY-MM-DD; anything else as it came."""
    figures = text.removesuffix(" 00:00:00")
    if len(figures) != 6 or not figures.isdigit():
        return text
    return f"{CENTURY}{figures[:2]}-{figures[2:4]}-{figures[4:]}"


def person(birth_number: str) -> tuple[str, str]:
    """(date of birth, gender): women have 50 added to the month."""
    if len(birth_number) != 6 or not birth_number.isdigit():
        return birth_number, ""
    month = int(birth_number[2:4])
    is_woman = month > 50
    born = f"{CENTURY}{birth_number[:2]}-{month - 50 * is_woman:02d}-{birth_number[4:]}"
    return born, "female" if is_woman else "male"


def customers(source: Path) -> Iterator[Row]:
    """Clients; the names were never published, so a client is called by number. Customer since the first account."""
    districts = {row["A1"]: row for row in read(source, "district")}
    opened = {row["account_id"]: day(row["date"]) for row in read(source, "account")}
    since: dict[str, str] = {}
    for row in read(source, "disp"):
        date = opened.get(row["account_id"], "")
        since[row["client_id"]] = min(date, since.get(row["client_id"], date))
    for row in read(source, "client"):
        born, gender = person(row["birth_number"])
        district = districts.get(row["district_id"], {})
        yield {
            "number": row["client_id"],
            "name": f"Client {row['client_id']}",
            "gender": gender,
            "birth_date": born,
            "region": district.get("A3", ""),
            "city": district.get("A2", ""),
            "opened_on": since.get(row["client_id"], ""),
        }


def accounts(source: Path) -> Iterator[Row]:
    """Accounts with their balance at the end of the bookings; zero where the bookings say nothing."""
    owner, now = owners(source), {}
    for account, days in _booked(source).items():
        balance = Decimal(0)
        for date in sorted(days):
            balance = _closing(balance, days[date])
        now[account] = balance
    for row in read(source, "account"):
        yield {
            "number": f"A{row['account_id']}",
            "customer": owner.get(row["account_id"], ""),
            "product": ACCOUNT,
            "opened_on": day(row["date"]),
            "amount": str(now.get(row["account_id"], 0)),
            "status": "open",
        }


def loans(source: Path) -> Iterator[Row]:
    """Status A and B are finished contracts, C and D running ones; the end follows from the duration in months."""
    owner = owners(source)
    for row in read(source, "loan"):
        start = day(row["date"])
        end = _months_later(start, row["duration"])
        finished = row["status"] in ("A", "B")
        yield {
            "number": f"L{row['loan_id']}",
            "customer": owner.get(row["account_id"], ""),
            "product": LOAN,
            "opened_on": start,
            "closed_on": end if finished else "",
            "matures_on": end,
            "amount": row["amount"],
            "instalment": row["payments"],
            "status": row["status"],
        }


def _months_later(start: str, months: str) -> str:
    try:
        first, number = dt.date.fromisoformat(start), int(months)
    except ValueError:
        return ""
    total = first.year * 12 + first.month - 1 + number
    return dt.date(total // 12, total % 12 + 1, min(first.day, 28)).isoformat()


def cards(source: Path) -> Iterator[Row]:
    holder = {row["disp_id"]: row["client_id"] for row in read(source, "disp")}
    for row in read(source, "card"):
        yield {
            "number": f"K{row['card_id']}",
            "customer": holder.get(row["disp_id"], ""),
            "product": CARD,
            "opened_on": day(row["issued"]),
            "status": row["type"],
        }


def signed(row: Row) -> str:
    """The amount as we write it: minus is money out. An unknown direction is handed on, so that the row is rejected."""
    if row["type"] == CREDIT:
        return row["amount"]
    if row["type"] in DEBITS:
        return f"-{row['amount']}"
    return f"{row['type']} {row['amount']}"


def transactions(source: Path) -> Iterator[Row]:
    owner = owners(source)
    for row in read(source, "trans"):
        symbol, operation = row["k_symbol"].strip(), row["operation"]
        yield {
            "booked_on": day(row["date"]),
            "reference": row["trans_id"],
            "customer": owner.get(row["account_id"], ""),
            "holding_number": f"A{row['account_id']}",
            "amount": signed(row),
            "balance_after": row["balance"],
            "kind": KIND_BY_SYMBOL.get(symbol) or KIND_BY_OPERATION.get(operation, "other"),
            "channel": CHANNEL_BY_OPERATION.get(operation, "other" if operation else ""),
            "merchant_category": CATEGORY_BY_SYMBOL.get(symbol, ""),
            "counterparty": row["account"] if row["account"] not in ("", "0") else "",
            "counterparty_bank": row["bank"],
        }


def balances(source: Path) -> Iterator[Row]:
    """Month-end and daily average balance of every owner, as the bank itself wrote them beside the bookings.

    The average is over all days of the month, zero before the first booking. Every month of the table is given,
    also one whose last day is cut. Raises Refused for a booking that cannot be read: a balance needs every one of them.
    """
    owner = owners(source)
    accounts_booked = _booked(source)
    last = max((max(days) for days in accounts_booked.values()), default=dt.date.min)
    for account, days in accounts_booked.items():
        yield from _by_month(owner.get(account, ""), days, last)


def _booked(source: Path) -> dict[str, Days]:
    booked: dict[str, Days] = {}
    for row in read(source, "trans"):
        try:
            date = dt.date.fromisoformat(day(row["date"]))
            figures = Decimal(signed(row)), Decimal(row["balance"])
        except (ValueError, InvalidOperation) as error:
            raise Refused(
                _("Booking %(id)s has no readable day, amount or balance.") % {"id": row["trans_id"]}
            ) from error
        booked.setdefault(row["account_id"], {}).setdefault(date, []).append(figures)
    return booked


def _by_month(client: str, days: Days, last: dt.date) -> Iterator[Row]:
    balance = Decimal(0)
    month = min(days).replace(day=1)
    while month <= last:
        after = (month + dt.timedelta(days=31)).replace(day=1)
        total = Decimal(0)
        for number in range((after - month).days):
            balance = _closing(balance, days.get(month + dt.timedelta(days=number), []))
            total += balance
        yield {
            "month": (after - dt.timedelta(days=1)).isoformat(),
            "customer": client,
            "product": ACCOUNT,
            "average": str(round(total / (after - month).days, 2)),
            "closing": str(balance),
        }
        month = after


def _closing(before: Decimal, booked: list[tuple[Decimal, Decimal]]) -> Decimal:
    """The day's last balance. The table does not order the bookings of a day, but only the last one's balance is the
    day's opening balance and everything booked since; amounts are rounded to 0.1, so the nearest one is it."""
    expected = before + sum(amount for amount, _balance in booked)
    return min(
        (balance for _amount, balance in booked), key=lambda each: abs(each - expected), default=before
    )
