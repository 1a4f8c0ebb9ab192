"""Running the paths, each in a process of its own, and keeping what they found."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import django

from bankcrm import embedded
from bench import databases
from bench import measure as measuring
from bench.measure import Line
from bench.paths import CUSTOMERS, DATABASES, PATHS

GROWTH = 1.3  # of the cost of a row, from a tenth of the bank to all of it


def run(n: int, only: list[str] | None, *, drop: bool, keep: bool) -> int:
    """Measure; returns 1 when a path is over its goal or broke."""
    embedded.ensure_started()
    chosen = [name for name in PATHS if only is None or name in only]
    if drop:
        _drop(n, chosen)
    failed = False
    for name in chosen:
        sizes = [n // 10, n] if PATHS[name].beside_a_tenth else [n]
        found = [_in_a_process(name, size, keep=keep) for size in sizes]
        failed |= any(lines is None for lines in found)
        lines = [line for part in found for line in part or []]
        if len(sizes) == 2 and all(found):
            growth = _growth(found[0] or [], found[1] or [])
            for line in growth:
                print(measuring.told(line), flush=True)
            lines += growth
        measuring.keep(lines, embedded.var_dir() / "bench.jsonl")
        failed |= not all(line.is_met for line in lines)
    return int(failed)


def measure(name: str, n: int, lines_to: Path, *, keep: bool) -> int:
    """One path in this process; its lines are printed and written to ``lines_to`` as JSON."""
    bank = _ready(PATHS[name].bank, n, keep=keep)
    module = importlib.import_module(f"bench.{PATHS[name].module}")
    lines: list[Line] = module.measure(bank)
    for line in lines:
        print(measuring.told(line), flush=True)
    lines_to.write_text(json.dumps([asdict(line) for line in lines]))
    return 0


def fill(n: int, *, keep: bool, drop: bool) -> int:
    """Only make the bank of customers, and say how long it took."""
    embedded.ensure_started()
    if drop:
        databases.drop(DATABASES[CUSTOMERS].format(n=n))
    started = time.perf_counter()
    _ready(CUSTOMERS, n, keep=keep)
    line = measuring.line("filling the bank", n, time.perf_counter() - started, 1, float("inf"))
    print(f"ready after {line.seconds:.0f} s, peak memory {line.peak_mb} MB", flush=True)
    return 0


def _ready(bank: str, n: int, *, keep: bool) -> object:
    embedded.ensure_started()
    django.setup()
    started = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - started:6.1f} s  {text}", flush=True)

    return databases.make_ready(bank, n, tell, keep=keep)


def _in_a_process(name: str, n: int, *, keep: bool) -> list[Line] | None:
    """The lines of a path, None where it broke; why stands on the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.json"
        command = [sys.executable, "-m", "bench", "--n", str(n), "--only", name, "--lines", str(file)]
        done = subprocess.run([*command, *(["--keep"] if keep else [])], check=False)
        if done.returncode or not file.exists():
            print(f"BROKE {name} at n={n:,}: see above", flush=True)
            return None
        return [Line(**each) for each in json.loads(file.read_text())]


def _growth(small: list[Line], large: list[Line]) -> list[Line]:
    """For every line measured at both sizes: seconds a row of the large bank costs against one of the small."""
    before = {line.path: line for line in small}
    return [
        measuring.line(
            f"{line.path}: a row, beside one of {before[line.path].n:,}",
            line.n,
            line.seconds / line.n,
            before[line.path].seconds / before[line.path].n,
            GROWTH,
        )
        for line in large
        if line.path in before
    ]


def _drop(n: int, chosen: list[str]) -> None:
    for name in chosen:
        for size in {n, n // 10} if PATHS[name].beside_a_tenth else {n}:
            databases.drop(DATABASES[PATHS[name].bank].format(n=size))
