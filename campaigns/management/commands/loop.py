"""``manage.py loop``: the closed loop on a fresh sample bank, held against the planted truth."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from bankcrm import clock, embedded, runs
from bankcrm.embedded import claims
from campaigns import loop, loop_report, loop_steps
from campaigns.loop_console import Console
from campaigns.loop_worker import worker_running
from customers import sample_bank


class Command(BaseCommand):
    help = "Run the whole loop on a fresh sample bank and compare its results with the planted truth."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", type=int, default=20_000, help="customers (default 20,000)")
        parser.add_argument("--months", type=int, default=24, help="months of history (default 24)")
        parser.add_argument("--seed", type=int, default=1, help="seed of the bank (default 1)")
        parser.add_argument("--rounds", type=int, default=2, help="rounds of the loop (default 2)")
        parser.add_argument(
            "--capacity", type=int, help="contacts of a campaign (default: a fifth of the customers)"
        )
        parser.add_argument("--today", type=dt.date.fromisoformat, help="day to end on (default: today)")
        parser.add_argument(
            "--replace", action="store_true", help="empty a database that holds customers already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # What is served here, or made by somebody else, is not replaced under them.
            with claims.claim(claims.MAKING):
                claims.refuse_beside_others(claims.SERVING)
                self._play(options)
        except claims.Taken as taken:
            raise CommandError(str(taken)) from taken

    def _play(self, options: dict[str, Any]) -> None:
        console = Console(self.stdout)
        done = loop.Loop(console.say, waiting=console.waiting)
        today = options["today"] or dt.date.today()  # noqa: DTZ011  # a calendar day of the bank
        capacity = options["capacity"] or max(options["size"] // 5, 50)
        try:
            loop.make_bank(
                done,
                size=options["size"],
                months=options["months"],
                seed=options["seed"],
                today=loop.first_day(today, options["rounds"]),
                replace=options["replace"],
            )
            with worker_running(console.say):
                for number in range(1, options["rounds"] + 1):
                    loop.play_round(done, number, capacity)
        except sample_bank.NotEmpty as error:
            raise CommandError(f"{error}: use --replace, or another database by BANKCRM_DATABASE") from error
        except (loop_steps.LoopFailed, runs.Refused) as error:
            raise CommandError(str(error)) from error
        finally:
            clock.set_day(None)
        path = embedded.var_dir() / "loop.json"
        loop_report.write(done, path, options)
        self._say(loop_report.table(done))
        self._say(f"Figures: {path}")
        if not loop_report.reconciles(done):
            raise CommandError("The loop does not reconcile; see the table.", returncode=1)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
