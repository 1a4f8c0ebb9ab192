"""``python -m bench --n N``: measure every path, print it and append it to var/bench.jsonl."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bench.paths import CUSTOMERS, DATABASES, PATHS


def main() -> int:
    options = _parser().parse_args()
    os.environ["BANKCRM_STATEMENT_TIMEOUT_MS"] = os.environ["BANKCRM_IDLE_TIMEOUT_MS"] = "0"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")
    if options.fill or options.lines:
        bank = CUSTOMERS if options.fill else PATHS[options.only[0]].bank
        os.environ["BANKCRM_DATABASE"] = DATABASES[bank].format(n=options.n)
    from bench import runner  # needs the environment above

    if options.fill:
        return runner.fill(options.n, keep=options.keep, drop=options.drop)
    if options.lines:
        return runner.measure(options.only[0], options.n, options.lines, keep=options.keep)
    return runner.run(options.n, options.only, drop=options.drop, keep=options.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Time each path beside its limit in the same run."
    )
    parser.add_argument("--n", type=int, default=20_000, help="customers of each bank (default 20,000)")
    parser.add_argument("--only", nargs="+", choices=sorted(PATHS), help="these paths alone")
    parser.add_argument("--drop", action="store_true", help="make the banks anew first")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="use the banks that are there although the schema has changed since",
    )
    parser.add_argument("--fill", action="store_true", help="only make the bank of customers")
    # How the runner calls itself for one path, in a process whose peak memory is that path's.
    parser.add_argument("--lines", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
