"""One word on the customer's page and on a lead at one instant: one waits for the other, nobody is told "busy"."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from bankcrm import clock
from campaigns import feedback, followup
from campaigns.conflicts import Conflict
from campaigns.followup import Entry
from campaigns.models import FollowUp, Lead
from customers import consents
from customers.models import Consent, Customer
from tests.campaigns import factories
from tests.cast import Cast, make_bank

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead() -> tuple[Cast, Lead]:
    clock.set_day(factories.TODAY)
    cast = make_bank()
    factories.make_customers(30, cast.tree.n1, cast.rita)
    factories.pushed(cast)
    return cast, Lead.objects.filter(rm=cast.rita, state__in=Lead.OPEN).order_by("pk")[0]


def until_somebody_waits(other: threading.Thread) -> None:
    """Until ``other`` waits for a lock, or has ended."""
    with connection.cursor() as cursor:
        until = time.monotonic() + 10
        while other.is_alive() and time.monotonic() < until:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)


def half_way(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, second: Callable[[], Any]) -> list[Any]:
    """Start ``second`` when the first comes to ``module.name``, and let the first go on once the second waits."""
    answers: list[Any] = []
    real = getattr(module, name)

    def run() -> None:
        try:
            answers.append(second())
        except Exception as error:  # noqa: BLE001  what the second was told is what the test is about
            answers.append(error)
        finally:
            connection.close()

    def slow(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        other = threading.Thread(target=run)
        threads.append(other)
        other.start()
        until_somebody_waits(other)
        return real(*args, **kwargs)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(module, name, slow)
    answers.append(threads)
    return answers


def told(answers: list[Any]) -> Any:
    for thread in answers[0]:
        thread.join(20)
    (answer,) = answers[1:]
    return answer


@pytest.mark.parametrize("outcome", [Lead.Outcome.DO_NOT_CONTACT, Lead.Outcome.WRONG_NUMBER])
def test_the_page_is_first_and_the_answer_waits_and_hears_that_the_lead_is_closed(
    lead: tuple[Cast, Lead], monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    cast, called = lead
    answers = half_way(
        monkeypatch, consents, "silence", lambda: followup.record(called.pk, cast.rita, Entry(outcome))
    )
    done = consents.do_not_contact(called.customer_id, cast.rita, True, source="call")
    assert done.stopped == 1
    answer = told(answers)
    assert isinstance(answer, Conflict), answer
    assert "closed" in str(answer)
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize("outcome", [Lead.Outcome.DO_NOT_CONTACT, Lead.Outcome.WRONG_NUMBER])
def test_the_answer_is_first_and_the_page_waits_and_both_are_kept(
    lead: tuple[Cast, Lead], monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    cast, called = lead
    answers = half_way(
        monkeypatch,
        feedback,
        "apply",
        lambda: consents.do_not_contact(called.customer_id, cast.rita, True, source="call"),
    )
    followup.record(called.pk, cast.rita, Entry(outcome))
    assert isinstance(told(answers), consents.Recorded), answers
    assert Consent.objects.get().is_objection
    assert FollowUp.objects.get().outcome == outcome
    assert Customer.objects.get(pk=called.customer_id).phone_is_wrong == (
        outcome == Lead.Outcome.WRONG_NUMBER
    )


def test_taking_the_answer_back_waits_for_the_page_as_well(
    lead: tuple[Cast, Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    cast, called = lead
    follow_up = followup.record(called.pk, cast.rita, Entry(Lead.Outcome.WRONG_NUMBER))
    answers = half_way(monkeypatch, consents, "silence", lambda: followup.undo(follow_up.pk, cast.rita))
    consents.do_not_contact(called.customer_id, cast.rita, True, source="call")
    assert isinstance(told(answers), FollowUp), answers
    called.refresh_from_db()
    assert called.state == Lead.State.CLOSED  # the customer's word holds for the lead that came back
