"""Every measured path: its name, its module in ``bench/``, and the bank it is measured on.

Adding one: write ``bench/<module>.py`` with ``measure(bank) -> list[Line]`` and add a line here. ``bank`` is a
``bench.world.World`` on the bank of campaigns (10 contacts per customer, scores, offers) and a
``bench.big_bank.BigBank`` on the bank of customers (all attributes, contracts, balances, bookings); the bank of
imports has staff and branches only. Every path runs in a process of its own, so the peak memory it prints is its own.
Paths that change rows put them back or work on rows of their own: the next path gets the same database.
"""

from __future__ import annotations

from dataclasses import dataclass

CAMPAIGNS, CUSTOMERS, IMPORTS = "campaigns", "customers", "imports"
DATABASES = {CAMPAIGNS: "bench_{n}", CUSTOMERS: "bench_big_{n}", IMPORTS: "bench_import_{n}"}


@dataclass(frozen=True)
class Path:
    """``beside_a_tenth``: measured at n / 10 as well, and each line's cost per row may then grow by 1.3 at most."""

    module: str
    bank: str
    beside_a_tenth: bool = False


PATHS = {
    "selection": Path("selection", CAMPAIGNS),
    "push": Path("push", CAMPAIGNS),
    "scores": Path("score_write", CAMPAIGNS),
    "queue": Path("queue_page", CAMPAIGNS),
    "import": Path("import_customers", IMPORTS, beside_a_tenth=True),
    "search": Path("search_page", CUSTOMERS),
    "customer": Path("customer_page", CUSTOMERS),
    "profile": Path("profile", CUSTOMERS, beside_a_tenth=True),
    "models": Path("model_paths", CUSTOMERS),
    "cohorts": Path("cohorts", CUSTOMERS),
}
