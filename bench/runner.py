"""Preparing the bench database and running the paths."""

from __future__ import annotations

import django
import psycopg

from bankcrm import embedded

PATHS = ("selection", "push", "scores", "queue")


def run(n: int, only: str | None, *, drop: bool) -> int:
    """Measure; returns 1 when a path is over its goal."""
    embedded.ensure_started()
    if drop:
        _drop(f"bench_{n}")
        embedded.ensure_started()
    django.setup()
    from django.core.management import call_command

    from bench import measure, push, queue_page, score_write, selection, world

    call_command("migrate", verbosity=0)
    print(f"bench bank of {n:,} customers and {10 * n:,} contacts", flush=True)
    bank = world.build(n, lambda text: print(text, flush=True))
    world.analyze()
    paths = {
        "selection": selection.measure,
        "push": push.measure,
        "scores": score_write.measure,
        "queue": queue_page.measure,
    }
    lines: list[measure.Line] = []
    for name in PATHS:
        if only in (None, name):
            found = paths[name](bank)
            for each in found:
                print(measure.told(each), flush=True)
            lines += found
    measure.keep(lines, embedded.var_dir() / "bench.jsonl")
    return 0 if all(each.is_met for each in lines) else 1


def _drop(name: str) -> None:
    with psycopg.connect(
        embedded.database_url().replace(f"/{name}?", "/postgres?"), autocommit=True
    ) as connection:
        connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {}").format(psycopg.sql.Identifier(name)))
