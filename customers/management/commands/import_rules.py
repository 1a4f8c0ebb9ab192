"""Write the rules of docs/imports.md from the table the code is tested by: ``manage.py import_rules``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from customers.imports import rule_table

PATH = settings.BASE_DIR / "docs" / "imports.md"
MARK = "## What becomes of a cell\n"


def text() -> str:
    """The document with its rules as they are now; what is written by hand above them stays."""
    by_hand = PATH.read_text().partition(MARK)[0]
    return by_hand + MARK + "\n" + "\n".join(rule_table.document()) + "\n"


class Command(BaseCommand):
    help = "Write the rules of docs/imports.md from the code; --check only says whether they are current."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing, fail when the file is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            if PATH.read_text() != text():
                raise CommandError("docs/imports.md is out of date; run manage.py import_rules")
            return
        PATH.write_text(text())
        self.stdout.write(str(PATH.relative_to(settings.BASE_DIR)))
