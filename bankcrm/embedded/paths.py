"""Where the embedded servers live, and the lock that lets one process at a time change them."""

import fcntl
import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM_STATE = Path("/var/lib/bankcrm")
# sockaddr_un.sun_path holds 108 bytes with the closing NUL; the longest name we put in a directory has 15.
LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")


class EmbeddedError(RuntimeError):
    """An embedded server cannot run; the text is one sentence that names the fix."""


def var_dir() -> Path:
    """Return the directory for everything the program writes: ``BANKCRM_VAR``, default ``<repository>/var``."""
    return Path(os.environ.get("BANKCRM_VAR") or REPOSITORY / "var").resolve()


def log_dir() -> Path:
    """Return the directory of log files, created when missing."""
    return private_dir(var_dir() / "log")


def fingerprint() -> str:
    """Return eight hexadecimal digits that stand for ``var_dir()`` in places shared by several checkouts."""
    return hashlib.sha256(os.fsencode(var_dir())).hexdigest()[:8]


def is_root() -> bool:
    return os.geteuid() == 0


def postgres_home() -> Path:
    """Return where the cluster, its log and (as root) the copied binaries live.

    PostgreSQL refuses to run as root, and the user it then runs as cannot enter a checkout under somebody's private
    home. Opening the parents would open that home, so root keeps the cluster in a system directory instead.
    """
    return SYSTEM_STATE / fingerprint() if is_root() else var_dir() / "postgres"


def socket_dir() -> Path:
    """Return the directory of both Unix sockets, short enough for the kernel's limit."""
    if is_root():
        return postgres_home() / "run"
    wanted = var_dir() / "run"
    if len(os.fsencode(wanted)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        return wanted
    return Path(tempfile.gettempdir()) / f"bankcrm-{os.geteuid()}-{fingerprint()}"


def private_dir(path: Path) -> Path:
    """Create ``path`` for this user alone and return it; refuse one that somebody else owns."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"Cannot create {path} ({error.strerror}): set BANKCRM_VAR to a writable place."
        ) from error
    owner = path.lstat()
    if not stat.S_ISDIR(owner.st_mode) or not (is_root() or owner.st_uid == os.geteuid()):
        raise EmbeddedError(
            f"{path} belongs to another user: remove it or set BANKCRM_VAR to a place of your own."
        )
    return path


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the one lock under which embedded servers are started, stopped and prepared."""
    lock_file = private_dir(var_dir()) / "embedded.lock"
    try:
        handle = lock_file.open("a")
    except PermissionError as error:
        raise EmbeddedError(
            f"{lock_file} belongs to another user: run as that user or set BANKCRM_VAR."
        ) from error
    with handle:
        # Children do not inherit the descriptor (PEP 446), so a server cannot keep the lock of its starter.
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def runs(pid: int, marker: str) -> bool:
    """Tell whether ``pid`` is a live process with ``marker`` in its command line; a zombie is not alive."""
    try:
        # The kernel empties a zombie's command line.
        return marker in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():
            return False
    shown = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(shown.strip()) and not shown.startswith("Z") and marker in shown


def first_number(path: Path) -> int | None:
    """Return the process id in the first line of a pid file, or None when there is none to read."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
