"""``manage.py demo``: a bank with a past, today's work in every queue, and the web application on it."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError, call_command

from bankcrm import clock, embedded, runs
from bankcrm.embedded import claims
from bankcrm.management.commands.serve import claim_port
from bankcrm.models import Role
from campaigns import loop, loop_report, loop_steps, showcase
from campaigns.loop_console import Console
from campaigns.loop_worker import worker_running
from customers import sample_bank
from customers.models import Customer

PASSWORD = "bankcrm-demo"  # noqa: S105  (a demo's login is no secret; the demo listens on the loopback only)
LOGINS = [
    ("rita", Role.RM),
    ("raj", Role.RM),
    ("bao", Role.BRANCH_MANAGER),
    ("mei", Role.PLANNER),
    ("omar", Role.APPROVER),
    ("max", Role.MANAGER),
    ("ana", Role.ANALYST),
    ("ada", Role.ADMINISTRATOR),
    ("aud", "auditor"),
]


class Command(BaseCommand):
    help = "Make a sample bank, run the loop on it twice, prepare today's work and serve it on 127.0.0.1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
        parser.add_argument("--size", type=int, default=20_000, help="customers (default 20,000)")
        parser.add_argument("--months", type=int, default=24, help="months of history (default 24)")
        parser.add_argument("--seed", type=int, default=1, help="seed of the bank (default 1)")
        parser.add_argument("--fresh", action="store_true", help="make the bank anew, dropping what is there")
        parser.add_argument("--prepare-only", action="store_true", help="do not serve afterwards")

    def handle(self, *args: Any, **options: Any) -> None:
        port = None if options["prepare_only"] else options["port"]
        try:
            claims.refuse_beside_others(claims.MAKING, claims.SERVING)
            if port is not None:
                claim_port(port)  # before minutes of work, not after
            with claims.claim(claims.MAKING, port):
                self._make_unless_there(options)
        except claims.Taken as taken:
            if taken.holder.port is None:
                raise CommandError(str(taken)) from taken
            # What was asked for is there already, or soon will be.
            self._say(str(taken))
            return
        self._say("\nSign in with the password " + PASSWORD + " as:")
        for username, role in LOGINS:
            self._say(f"  {username:<6} {getattr(role, 'label', role)}")
        if port is not None:
            call_command("serve", port=port)

    def _make_unless_there(self, options: dict[str, Any]) -> None:
        clock.set_day(None)
        if showcase.is_set() and not options["fresh"]:
            self._say(
                f"The demo's bank of {Customer.objects.count():,} customers is there and is served as it is. "
                "A new one: make demo FRESH=1 (manage.py demo --fresh)."
            )
        elif Customer.objects.exists() and not self._is_sample():
            self._say("The database holds a bank of its own; it is served as it is.")
        else:
            if Customer.objects.exists():
                self._say(
                    "Making the demo's bank anew."
                    if options["fresh"]
                    else "An earlier command broke off before the demo's bank was complete: making it anew."
                )
            self._prepare(options)

    @staticmethod
    def _is_sample() -> bool:
        try:
            sample_bank.load()
        except LookupError:
            return False
        return True

    def _prepare(self, options: dict[str, Any]) -> None:
        console = Console(self.stdout)
        played = loop.Loop(console.say, waiting=console.waiting)
        today = dt.date.today()  # noqa: DTZ011  # a calendar day of the bank
        capacity = max(options["size"] // 8, 50)
        try:
            loop.make_bank(
                played,
                size=options["size"],
                months=options["months"],
                seed=options["seed"],
                today=loop.first_day(today, 2),
                replace=Customer.objects.exists(),
            )
            with worker_running(console.say):
                for number in (1, 2):
                    loop.play_round(played, number, capacity)
                showcase.set_the_stage(played, today, capacity)
                showcase.divide_customers(played)
                showcase.learn_preferences(played)
            showcase.define_other_models()
        except (loop_steps.LoopFailed, runs.Refused, sample_bank.NotEmpty) as error:
            raise CommandError(str(error)) from error
        finally:
            clock.set_day(None)
        loop_report.write(played, embedded.var_dir() / "loop.json", options | {"rounds": 2})
        self._say(loop_report.table(played))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
