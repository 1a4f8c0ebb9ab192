"""What an outcome means: the state it leads to, the next step it proposes, what it tells the rest of the bank."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bankcrm import workdays
from campaigns.models import Lead
from customers.models import Response

State = Lead.State
Outcome = Lead.Outcome


class NextStep(models.TextChoices):
    CALL = "call", _("Call")
    MEETING = "meeting", _("Branch meeting")
    MESSAGE = "message", _("Message")
    NONE = "none", _("No next step")


class DeclineReason(models.TextChoices):
    NO_NEED = "no_need", _("No need")
    PRICE = "price", _("Price or rate")
    COMPETITOR = "competitor", _("Has it elsewhere")
    RISK = "risk", _("Too risky")
    TIME = "time", _("No time for it")
    OTHER = "other", _("Other")


@dataclass(frozen=True)
class Meaning:
    """One row of the table of outcomes.

    ``group`` parts the buttons on screen: reached, not_reached, data. ``days`` counts working days to the proposed
    next step, at ``hour`` o'clock.
    """

    outcome: Outcome
    group: str
    state: State
    reached: bool
    response: Response.Kind | None = None
    step: NextStep = NextStep.NONE
    days: int = 0
    hour: int = 10
    icon: str = "check"

    @property
    def label(self) -> Any:
        return self.outcome.label

    @property
    def closes(self) -> bool:
        return self.state not in Lead.OPEN

    @property
    def key(self) -> int:
        return list(MEANINGS).index(self.outcome) + 1


_ROWS = (
    Meaning(
        Outcome.INTERESTED,
        "reached",
        State.WORKING,
        True,
        Response.Kind.INTEREST,
        NextStep.MEETING,
        2,
        icon="thumb-up",
    ),
    Meaning(Outcome.LATER, "reached", State.WORKING, True, None, NextStep.CALL, 5, icon="clock"),
    Meaning(Outcome.CONVERTED, "reached", State.CONVERTED, True, Response.Kind.CONVERSION, icon="check"),
    Meaning(Outcome.DECLINED, "reached", State.DECLINED, True, Response.Kind.REFUSAL, icon="x"),
    # Somebody who did not answer in the morning is tried at another hour of the next working day.
    Meaning(
        Outcome.NO_ANSWER, "not_reached", State.WORKING, False, None, NextStep.CALL, 1, 17, icon="phone-off"
    ),
    Meaning(Outcome.WRONG_NUMBER, "not_reached", State.CLOSED, False, icon="circle-x"),
    Meaning(Outcome.ALREADY_HOLDS, "data", State.CLOSED, True, icon="copy"),
    Meaning(Outcome.MOVED_AWAY, "data", State.CLOSED, True, icon="map-pin"),
    Meaning(Outcome.DO_NOT_CONTACT, "data", State.CLOSED, True, Response.Kind.REFUSAL, icon="ban"),
)
MEANINGS: dict[Outcome, Meaning] = {row.outcome: row for row in _ROWS}


def meaning(outcome: str) -> Meaning:
    """The row of an outcome code; raises ValueError for an unknown one."""
    return MEANINGS[Outcome(outcome)]


def proposed_next(outcome: str, today: dt.date, branch: int | None = None) -> tuple[str, dt.datetime | None]:
    """The next step and its time that the page offers for an outcome, on the working calendar of a branch."""
    row = meaning(outcome)
    if row.step == NextStep.NONE:
        return row.step, None
    day = workdays.add_working_days(today, row.days, branch)
    return row.step, timezone.make_aware(dt.datetime.combine(day, dt.time(row.hour)))
