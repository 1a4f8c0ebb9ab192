"""``manage.py serve``: web server, worker and beat in one terminal."""

import socket
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management import BaseCommand, CommandError, call_command

from bankcrm import server
from bankcrm.embedded import claims


class Command(BaseCommand):
    help = "Run the web server, the Celery worker and beat until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1 (default 8000)")
        parser.add_argument(
            "--worker-only",
            "--no-web",
            action="store_true",
            dest="worker_only",
            help="no web server: worker and beat",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port = None if options["worker_only"] else options["port"]
        if served_already(self._say):
            return
        try:
            # A loop or demo that makes its bank has a worker beside it; nothing else comes between.
            claims.refuse_beside_others(*([] if port is None else [claims.MAKING]), claims.SERVING)
            if port is not None:
                claim_port(port)
                call_command("collectstatic", interactive=False, verbosity=0)
                self._say(f"bankcrm: http://127.0.0.1:{port}/ (Ctrl-C ends it)")
            code = server.serve(port, self._say)
        except claims.Taken as taken:
            raise CommandError(str(taken)) from taken
        if code:
            raise CommandError(
                "A process had to be killed; its work resumes at the next start.", returncode=code
            )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def served_already(say: Callable[[str], None]) -> bool:
    """Whether the database's pages are served by another process, which is then said; there is nothing more to do."""
    found = claims.holder(claims.SERVING)
    if found is None or found.port is None:
        return False
    say(found.sentence)
    return True


def claim_port(port: int) -> None:
    """Raise CommandError when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken ({error.strerror}): end its owner, or choose another with make … PORT="
                " (manage.py … --port)."
            ) from error
