"""``manage.py loop``: two whole rounds in an installation of their own, a real worker, every customer accounted for."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from campaigns import loop, loop_report
from campaigns.management.commands import loop as command
from tests.faults.world import World

# All of them, though one alone needs it: pytest takes tests with a database first, and would play the loop twice.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SIZE, ROUNDS, CAPACITY = 1500, 2, 160
# Two rounds until the one day and one round until the other begin on the same day.
TODAY = {2: "2026-11-25", 1: "2026-09-25"}
DRAWN = """
SELECT c.code, t.customer_id, t.is_control, t.probability, t.withheld, l.state, l.value, l.due_on, u.username
FROM campaigns_target t
JOIN campaigns_selection s ON s.id = t.selection_id
JOIN campaigns_campaign c ON c.id = s.campaign_id
LEFT JOIN campaigns_lead l ON l.target_id = t.id
LEFT JOIN bankcrm_user u ON u.id = l.rm_id
WHERE c.code = 'fund-round-1' ORDER BY t.customer_id
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("loop") / "var")
    # Fault tests want leases to end soon; here nothing dies.
    world.environment["BANKCRM_RUN_LEASE_SECONDS"] = "60"
    try:
        yield world
    finally:
        world.remove()


def play(world: World, database: str, rounds: int) -> dict[str, Any]:
    """What the command wrote to loop.json; ``World.command`` fails for any exit code but 0."""
    world.environment["BANKCRM_DATABASE"] = database
    world.command("manage.py", "migrate", "-v", "0", "--skip-checks")
    options = {
        "size": SIZE, "rounds": rounds, "capacity": CAPACITY, "months": 18, "today": TODAY[rounds],
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    world.command("manage.py", "loop", "--replace", *words)
    return json.loads((world.var / "loop.json").read_text())


@pytest.fixture(scope="module")
def figures(world: World) -> dict[str, Any]:
    return play(world, "played", ROUNDS)


def drawn(world: World, database: str) -> list[tuple[Any, ...]]:
    """Everybody of the first round: control, score, lead and its manager."""
    world.environment["BANKCRM_DATABASE"] = database
    address = world.command("-c", "from bankcrm import embedded; print(embedded.database_url())")
    with psycopg.connect(address.strip()) as connection:
        return connection.execute(DRAWN).fetchall()


def stage(figures: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in figures["stages"] if each["stage"] == name)


def done(figures: dict[str, Any]) -> loop.Loop:
    return loop.Loop(lambda _text: None, copy.deepcopy(figures["stages"]), copy.deepcopy(figures["rounds"]))


def test_every_customer_of_every_round_is_accounted_for(figures: dict[str, Any]) -> None:
    assert figures["reconciles"] is True
    assert [each["round"] for each in figures["rounds"]] == [1, 2]
    for each in figures["rounds"]:
        counted = each["reconciliation"]
        left_out = sum(counted["exclusions"].values()) + sum(counted["withheld"].values())
        assert counted["audience"] == counted["pushed"] + counted["control"] + left_out
        assert counted["pushed"] == counted["open"] + counted["closed"] + counted["recalled"]
        assert counted["customers_twice"] == 0
        assert min(counted["pushed"], counted["control"], counted["closed"]) > CAPACITY // 5
        pushed = stage(figures, f"round {each['round']}: push")
        assert (pushed["pushed"], pushed["control"]) == (counted["pushed"], counted["control"])


def test_the_second_round_learns_from_everybody_the_first_assigned(figures: dict[str, Any]) -> None:
    first = stage(figures, "round 1: training")["labels"]["assignments"]
    second = stage(figures, "round 2: training")["labels"]["assignments"]
    assigned = figures["rounds"][0]["reconciliation"]
    assert second["n"] == first["n"] + assigned["pushed"]
    assert second["control"] == first["control"] + assigned["control"]
    assert second["dates"] == first["dates"] + 1
    judged = stage(figures, "round 1: evaluation")["conversions"]
    gained = sum(second[name] - first[name] for name in ("positives", "control_positives"))
    assert 0 < gained <= judged


def test_the_same_seed_plays_the_same_round_in_another_database(
    figures: dict[str, Any], world: World
) -> None:
    again = play(world, "again", 1)
    assert again["rounds"] == figures["rounds"][:1]
    found = drawn(world, "played")
    assert len(found) == figures["rounds"][0]["reconciliation"]["pushed"] + figures["rounds"][0]["control"]
    assert drawn(world, "again") == found


def test_each_effect_is_said_to_cover_the_planted_one_or_not(figures: dict[str, Any]) -> None:
    for each in figures["rounds"]:
        assert each["low"] <= each["effect"] <= each["high"]
        assert each["covered"] is (each["low"] <= each["true_effect"] <= each["high"])
        assert 0 < each["true_effect"] < 0.2


@pytest.mark.parametrize("tampered", [False, True])
def test_the_command_ends_with_1_when_a_round_does_not_add_up(
    figures: dict[str, Any], tampered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(made: loop.Loop, number: int, capacity: int) -> None:
        assert capacity == CAPACITY
        made.rounds.append(copy.deepcopy(figures["rounds"][number - 1]))
        if tampered and number == ROUNDS:
            made.rounds[-1]["reconciliation"]["adds_up"] = False

    monkeypatch.setenv("BANKCRM_VAR", str(tmp_path))
    monkeypatch.setattr(loop, "make_bank", lambda *_args, **_options: None)
    monkeypatch.setattr(loop, "play_round", play)
    monkeypatch.setattr(command, "worker_running", lambda _report: nullcontext())
    if tampered:
        with pytest.raises(CommandError) as ended:
            call_command("loop", size=SIZE, rounds=ROUNDS, capacity=CAPACITY)
        assert ended.value.returncode == 1
    else:
        call_command("loop", size=SIZE, rounds=ROUNDS, capacity=CAPACITY)
    assert json.loads((tmp_path / "loop.json").read_text())["reconciles"] is not tampered


def test_one_lost_customer_in_any_round_is_enough(figures: dict[str, Any]) -> None:
    assert loop_report.reconciles(done(figures))
    for number in range(ROUNDS):
        tampered = done(figures)
        tampered.rounds[number]["reconciliation"]["adds_up"] = False
        assert not loop_report.reconciles(tampered)
    assert not loop_report.reconciles(loop.Loop(lambda _text: None))
