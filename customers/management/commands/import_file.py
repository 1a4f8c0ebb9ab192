"""Bring a file in from the command line, or take it back: ``manage.py import_file customers clients.csv --as ada``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from bankcrm import runs
from bankcrm.models import Run, User
from customers import imports, tasks
from customers.imports import loads, reporting
from customers.imports.kinds import KINDS
from customers.imports.mapping import DATE_FORMATS
from customers.imports.presets import PRESETS
from customers.models import ImportFile


class Command(BaseCommand):
    help = (
        "Check a file and merge its good rows; prints counts and rejects by reason, ends with 1 when refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=sorted(KINDS))
        parser.add_argument(
            "path",
            type=Path,
            nargs="?",
            help="a .csv, .csv.gz or .xlsx; with --source-preset, the folder of the source",
        )
        parser.add_argument(
            "--map",
            nargs="+",
            action="extend",
            default=[],
            metavar="COLUMN=FIELD",
            help="what a column means; FIELD 'facts' keeps it as a fact, empty leaves it out",
        )
        parser.add_argument("--constant", nargs="+", action="extend", default=[], metavar="FIELD=VALUE")
        parser.add_argument("--value", nargs="+", action="extend", default=[], metavar="FIELD:FILE=VALUE")
        parser.add_argument("--date-format", choices=DATE_FORMATS, default=None)
        parser.add_argument("--century", type=int, default=None, help="of YYMMDD dates, as 19 or 20 (19)")
        parser.add_argument(
            "--campaign",
            type=json.loads,
            help='of a past campaign, as JSON: {"code", "name", "product", "control_cells", "is_random",'
            ' "new_customers", "channel", "success"}',
        )
        parser.add_argument(
            "--source", default="", help="the system it comes from: its next file is read as this one was"
        )
        parser.add_argument("--source-preset", choices=sorted(PRESETS))
        self._add_load(parser)
        parser.add_argument(
            "--undo",
            action="store_true",
            help="take this file back, or without PATH the last one of --source",
        )
        parser.add_argument("--as", dest="username", help="in whose name (default: the schedule's)")
        parser.add_argument("--check-only", action="store_true", help="say what would go in and stop")

    def _add_load(self, parser: ArgumentParser) -> None:
        """What the load is, and what becomes of rows it does not hold."""
        parser.add_argument(
            "--load",
            choices=ImportFile.Load.values,
            default="",
            help="full: the file is everything its source has; delta: only what changed (delta)",
        )
        parser.add_argument(
            "--as-of", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="the day the file speaks of"
        )
        parser.add_argument(
            "--missing",
            choices=[loads.CLOSE, loads.KEEP],
            help="of a full load: what becomes of known rows that it does not hold",
        )
        parser.add_argument(
            "--agree",
            type=int,
            metavar="N",
            help="with --missing close, where many are missing: their number",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["username"])
        try:
            if options["undo"]:
                self._undo(user, options)
            elif options["path"] is None:
                raise CommandError("name the file to bring in")
            elif options["source_preset"]:
                self._preset(user, options)
            else:
                self._bring(options["path"], options["path"].name, user, options)
        except (imports.Refused, PermissionDenied) as refusal:
            raise CommandError(str(refusal)) from refusal

    def _user(self, username: str | None) -> User | None:
        if username is None:
            return None
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"nobody signs in as {username}")
        return user

    def _undo(self, user: User | None, options: dict[str, Any]) -> None:
        found = ImportFile.objects.present().filter(kind=options["kind"], inserted__isnull=False)
        if options["path"] is not None:
            with options["path"].open("rb") as stream:
                found = found.filter(sha256=hashlib.file_digest(stream, "sha256").hexdigest())
        elif options["source"]:
            found = found.filter(source=options["source"])
        else:
            raise CommandError("name the file to take back, or its --source")
        file = found.order_by("-merged_at", "-pk").first()
        if file is None:
            raise CommandError("nothing of it is in")
        self._run(file, user, "undo")
        self.stdout.write(f"{file.name}: undone; {file.inserted} removed, {file.updated} as they were before")

    def _preset(self, user: User | None, options: dict[str, Any]) -> None:
        preset = PRESETS[options["source_preset"]]
        if options["kind"] not in preset.kinds:
            raise CommandError(f"{options['source_preset']} has no {options['kind']}")
        preset.ensure_products()
        with tempfile.TemporaryDirectory() as folder:
            for path, name in preset.convert(options["kind"], options["path"], Path(folder)):
                self._bring(path, name, user, options, preset.options)

    def _bring(
        self,
        path: Path,
        name: str,
        user: User | None,
        options: dict[str, Any],
        more: dict[str, Any] | None = None,
    ) -> None:
        mapped, chosen = _pairs(options["map"]), {**(more or {}), **_options(options)}
        file = imports.receive(
            path,
            options["kind"],
            user,
            name,
            mapped=mapped,
            options=chosen,
            from_source=options["source"],
        )
        if file.state == ImportFile.State.MERGED:
            self.stdout.write(
                f"{name}: is in already, since {file.merged_at:%Y-%m-%d %H:%M}; nothing changed"
            )
            return
        if options["load"] or options["as_of"]:
            file = loads.describe(file, load=options["load"], effective_on=options["as_of"])
        if mapped or chosen:
            kept = dict(file.options)
            if set(kept.get("moved", {}).get("new", [])) <= set(mapped):
                kept.pop("moved", None)  # every new column was given a meaning
            imports.remap(file, {**file.mapping, **mapped}, {**kept, **chosen})
        self._run(file, user, "check")
        if not options["check_only"] and file.state == ImportFile.State.CHECKED:
            if options["missing"] and file.missing:
                loads.confirm(file, user, options["missing"], options["agree"])
            self._run(file, user, "merge")
        self._report(file, name)
        if file.state == ImportFile.State.REFUSED:
            raise CommandError(file.error)

    def _report(self, file: ImportFile, name: str) -> None:
        """Counts, rejects by reason, and who stays though missing."""
        self.stdout.write(
            f"{name}: {file.rows} rows, {file.accepted} good, {file.rejected} left out"
            + (
                f"; {file.inserted} new, {file.updated} changed"
                if file.inserted is not None
                else _would(file)
            )
            + (f"; {file.missing} of {file.options.get('known')} known are missing" if file.missing else "")
            + (f", {file.closed} marked as gone" if file.closed else "")
        )
        for group in reporting.by_reason(file):
            first = group["examples"][0]
            self.stdout.write(
                f"  {group['count']:>8}  {group['title']} ({group['column'] or 'row'}),"
                f" first in line {first.line}: {first.reason}"
            )
        for group in reporting.by_reason(file, warnings=True):
            first = group["examples"][0]
            self.stdout.write(
                f"  {group['count']:>8}  goes in, but look at it: {group['title']} ({group['column'] or 'row'}),"
                f" first in line {first.line}: {first.reason}"
            )
        for one in file.options.get("staying", []):
            self.stdout.write(f"  stays, though missing: {one['name']} ({one['number']}): {one['holds']}")

    def _run(self, file: ImportFile, user: User | None, step: str) -> None:
        """As a worker would: leased, recorded, told why when it fails."""
        run = runs.request(tasks.KIND, user, subject=file.name, key=tasks.key(file), file=file.pk, step=step)
        runs.execute(run.pk)
        run.refresh_from_db()
        file.refresh_from_db()
        if run.state != Run.State.DONE:
            raise CommandError(run.error or f"the run {run.pk} is {run.state}")


def _would(file: ImportFile) -> str:
    told = file.options.get("expected") if file.state == ImportFile.State.CHECKED else None
    return f"; {told['new']} would be new, {told['changed']} would change" if told else ""


def _pairs(words: list[str]) -> dict[str, str]:
    """Raises CommandError for a word without an equals sign."""
    found = {}
    for word in words:
        name, sign, value = word.rpartition("=")
        if not sign:
            raise CommandError(f"{word!r} is not of the form NAME=VALUE")
        found[name] = value
    return found


def _options(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: options[name] for name in ("date_format", "century", "campaign") if options[name] is not None
    }
    if options["constant"]:
        found["constants"] = _pairs(options["constant"])
    values: dict[str, dict[str, str]] = {}
    for name, value in _pairs(options["value"]).items():
        target, _sign, old = name.partition(":")
        values.setdefault(target, {})[old] = value
    if values:
        found["values"] = values
    return found
