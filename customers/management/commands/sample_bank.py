"""Fill the database with the sample bank: ``manage.py sample_bank --size 20000``."""

from __future__ import annotations

import datetime
import resource
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers import sample_bank


class Command(BaseCommand):
    help = "Fill the database with a made-up bank whose truth is known; refuses when there are customers already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", type=int, default=20_000, help="customers (20000)")
        parser.add_argument("--months", type=int, default=24, help="months of history (24)")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another bank (1)")
        parser.add_argument(
            "--today",
            type=datetime.date.fromisoformat,
            help="the history ends at the last month-end before this day (default: the current date)",
        )
        parser.add_argument(
            "--transactions-per-month", type=float, default=8.0, help="bookings of an average customer (8)"
        )
        parser.add_argument("--password", default="bankcrm-demo", help="of every login made (bankcrm-demo)")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="first empty the tables of customers and their history, and what refers to them (leads, targets)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["size"] < 200 or options["months"] < 1:
            raise CommandError("a bank has at least 200 customers and one month")
        started = time.monotonic()

        def progress(text: str) -> None:
            self.stdout.write(f"{time.monotonic() - started:6.1f} s  {text}")

        try:
            bank = sample_bank.create(
                size=options["size"],
                months=options["months"],
                seed=options["seed"],
                today=options["today"],
                transactions_per_month=options["transactions_per_month"],
                password=options["password"],
                replace=options["replace"],
                progress=progress,
            )
        except sample_bank.NotEmpty as error:
            raise CommandError(f"{error}; add --replace to empty them first") from error
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        progress(f"done: {bank.size:,} customers to {bank.as_of}, {memory:,.0f} MB at most")
