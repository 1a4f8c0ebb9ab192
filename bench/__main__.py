"""``python -m bench --n N``: measure every path, print it and append it to var/bench.jsonl."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench", description="Time each path beside its limit in the same run."
    )
    parser.add_argument(
        "--n", type=int, default=20_000, help="customers (default 20,000; contacts are ten times that)"
    )
    parser.add_argument("--only", help="one path: selection, push, scores or queue")
    parser.add_argument("--drop", action="store_true", help="drop the bench database of this size first")
    options = parser.parse_args()
    os.environ["BANKCRM_DATABASE"] = f"bench_{options.n}"
    os.environ["BANKCRM_STATEMENT_TIMEOUT_MS"] = os.environ["BANKCRM_IDLE_TIMEOUT_MS"] = "0"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")
    from bench import runner  # needs the environment above

    return runner.run(options.n, options.only, drop=options.drop)


if __name__ == "__main__":
    sys.exit(main())
