"""What a bench tells: seconds as seconds, counts as counts, and the same keys in the file as ever."""

from __future__ import annotations

import json
from pathlib import Path

from bench.measure import Line, keep, line, told

KEYS = {"path", "n", "seconds", "limit_seconds", "ratio", "goal", "peak_mb"}


def test_a_timed_line_is_told_in_seconds() -> None:
    shown = told(line("push of leads", 100_000, 16.4, 2.0, 10.0))
    assert "16.400 s  limit     2.000 s  ratio   8.20" in shown
    assert shown.startswith("ok")


def test_a_counted_line_is_told_as_whole_numbers_of_what_was_counted() -> None:
    shown = told(line("statements of a push", 100_000, 1151, 139, 1.25, "statements"))
    assert "1,151 statements  limit       139 statements" in shown
    assert " s  " not in shown
    assert shown.startswith("OVER")


def test_the_file_has_the_keys_of_the_issue_and_says_when_it_is_no_time(tmp_path: Path) -> None:
    file = tmp_path / "bench.jsonl"
    keep([line("timed", 1, 1, 2, 3), line("counted", 1, 151, 139, 1.25, "statements")], file)
    timed, counted = (json.loads(text) for text in file.read_text().splitlines())
    assert set(timed) == KEYS
    assert set(counted) == KEYS | {"unit"}
    assert (counted["seconds"], counted["limit_seconds"], counted["unit"]) == (151, 139, "statements")
    assert Line(**timed).unit == "s"
