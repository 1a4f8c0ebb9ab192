"""Who works on a database just now: whoever makes its bank, and the supervisor that serves it. One of each at a time.

A claim is a locked file under ``var/``: the kernel drops the lock with its process, so nobody holds one who is gone,
and no process id is trusted that another program may have by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bankcrm import embedded
from bankcrm.embedded.paths import EmbeddedError, private_dir, runs, var_dir

MAKING, SERVING = "making", "serving"
# A look at who holds a claim takes its lock for an instant.
CLAIM_SECONDS = 1.0
# Longer than any process needs from taking a lock to telling its name.
NAMELESS_SECONDS = 5.0
# A supervisor gives its worker 34 seconds (``server.KILL_AFTER_SECONDS``).
STOP_SECONDS = 45.0


@dataclass(frozen=True)
class Holder:
    """A live process that holds a claim. ``port``: where it serves pages, or will once the bank is made; None for a
    worker alone, and for whoever makes a bank and serves nothing."""

    role: str
    pid: int
    database: str
    port: int | None = None

    @property
    def sentence(self) -> str:
        """What it does, and how to go on, in one sentence."""
        if self.role == MAKING and self.port is not None:
            return (
                f"The bank of this database is being made by another command (process {self.pid}) and then served "
                f"at http://127.0.0.1:{self.port}/: wait for it, or end it with Ctrl-C there or `make stop`."
            )
        if self.role == MAKING:
            return (
                f"A bank is being made in this database by another command (process {self.pid}): wait for its end, or "
                "end it with Ctrl-C there or `make stop`."
            )
        if self.port is None:
            return (
                f"A worker and beat run on this database already (process {self.pid}): wait for the end of the command "
                "that started them, or end them with `make stop`."
            )
        return (
            f"This database is served already at http://127.0.0.1:{self.port}/ (process {self.pid}): end it with "
            "Ctrl-C there or `make stop`."
        )


class Taken(Exception):
    """Somebody else holds the claim; ``holder`` is who, and the text how to go on."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder.sentence)
        self.holder = holder


@contextlib.contextmanager
def claim(role: str, port: int | None = None) -> Iterator[None]:
    """Hold the one claim of this ``role`` on the present database for the length of the block. Raises ``Taken``."""
    path = _file(role)
    with path.open("a+") as file:
        _lock(file, path)
        content = {"pid": os.getpid(), "database": _database(), "port": port}
        _write(file, json.dumps(content))
        try:
            yield
        finally:
            _write(file, "")


def holder(role: str) -> Holder | None:
    """Who holds the claim on the present database, or None."""
    return _holder(_file(role))


def refuse_beside_others(*roles: str) -> None:
    """Raise ``Taken`` when somebody holds a claim of one of the ``roles`` on the present database."""
    for role in roles:
        if found := holder(role):
            raise Taken(found)


def stop(report: Callable[[str], None] = print) -> list[Holder]:
    """End every holder of a claim under this ``var/``, whichever its database; politely, then firmly. Who was ended."""
    ended = holders()
    for each in ended:
        where = f" at http://127.0.0.1:{each.port}/" if each.port and each.role == SERVING else ""
        report(f"Stopping what is {each.role} database {each.database}{where} (process {each.pid})")
        _signal(each, signal.SIGTERM)
    for number, seconds in ((signal.SIGKILL, STOP_SECONDS), (None, 5.0)):
        deadline = time.monotonic() + seconds
        while (left := [each for each in ended if _is_there(each)]) and time.monotonic() < deadline:
            time.sleep(0.1)
        for each in left:
            if number is None:
                raise EmbeddedError(f"Process {each.pid} ({each.role}) does not end.")
            _signal(each, number)
    return ended


def _folder() -> Path:
    return private_dir(var_dir() / "claims")


def _database() -> str:
    return os.environ.get("BANKCRM_DATABASE") or "bankcrm"


def _file(role: str) -> Path:
    # Named after the address, which a bank's own DATABASE_URL may be; it holds a password and is not spelt out.
    address = hashlib.sha256(embedded.database_url().encode()).hexdigest()[:12]
    return _folder() / f"{role}-{address}.claim"


def _lock(file: IO[str], path: Path) -> None:
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline and (found := _holder(path)):
                raise Taken(found) from None
            time.sleep(0.05)
        else:
            return


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def holders() -> list[Holder]:
    """Whoever holds a claim under this ``var/``, whichever its database."""
    return [found for path in sorted(_folder().glob("*.claim")) if (found := _holder(path))]


def _holder(path: Path) -> Holder | None:
    """Who holds the file's lock. Between lock and name lies an instant in which the file tells nothing or old news."""
    deadline = time.monotonic() + NAMELESS_SECONDS
    while time.monotonic() < deadline:
        try:
            file = path.open()
        except FileNotFoundError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found = _read(path.name.partition("-")[0], file.read())
            else:
                return None
        if found and _is_alive(found):
            return found
        time.sleep(0.05)
    raise EmbeddedError(f"A process that does not tell its name holds {path}: look for it with `fuser`.")


def _read(role: str, text: str) -> Holder | None:
    try:
        told = json.loads(text)
        return Holder(role, told["pid"], told["database"], told["port"])
    except (ValueError, KeyError):
        return None


def _is_alive(each: Holder) -> bool:
    return runs(each.pid, "python")


def _is_there(each: Holder) -> bool:
    return any(_holder(path) == each for path in _folder().glob(f"{each.role}-*.claim"))


def _signal(each: Holder, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(each.pid, number)
