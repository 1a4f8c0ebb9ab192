"""Write docs/data-dictionary.md from the field catalogue: ``manage.py data_dictionary``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from customers import dictionary

PATH = settings.BASE_DIR / "docs" / "data-dictionary.md"


class Command(BaseCommand):
    help = "Write docs/data-dictionary.md from the field catalogue; --check only says whether it is current."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing, fail when the file is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text = dictionary.text()
        if options["check"]:
            if not PATH.exists() or PATH.read_text() != text:
                raise CommandError("docs/data-dictionary.md is out of date; run manage.py data_dictionary")
            return
        PATH.write_text(text)
        self.stdout.write(str(PATH.relative_to(settings.BASE_DIR)))
