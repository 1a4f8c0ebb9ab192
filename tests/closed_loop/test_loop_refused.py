"""``manage.py loop`` and ``demo`` end in one sentence where a bank is too small or a stage is refused."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bankcrm.management.commands import serve
from campaigns import loop
from campaigns.conflicts import Refused
from campaigns.management.commands import demo as demo_command
from campaigns.management.commands import loop as loop_command
from customers.models import Customer
from tests.facts import customer

pytestmark = pytest.mark.django_db
COMMANDS = ("loop", "demo")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker, no port, and nobody else's claims."""
    monkeypatch.setenv("BANKCRM_VAR", str(tmp_path))
    for module in (demo_command, loop_command):
        monkeypatch.setattr(module, "worker_running", lambda _report: nullcontext())
    for module in (demo_command, serve):
        monkeypatch.setattr(module, "claim_port", lambda _port: None)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bank_too_small_is_refused_before_anything_is_replaced(command: str) -> None:
    if command == "loop":
        customer()
    there = Customer.objects.count()
    with pytest.raises(CommandError, match=r"of 3 customers is too small .* smallest that works is 200"):
        call_command(command, size=3, **({"replace": True} if command == "loop" else {}))
    assert Customer.objects.count() == there


@pytest.mark.parametrize("command", COMMANDS)
def test_a_stage_that_is_refused_ends_the_command_with_its_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_given: Any) -> None:
        raise Refused("Nobody is left to be contacted.")

    monkeypatch.setattr(loop, "make_bank", lambda *_args, **_options: None)
    monkeypatch.setattr(loop, "play_round", refused)
    with pytest.raises(CommandError, match=r"^Nobody is left to be contacted\.$"):
        call_command(command, size=1000)
