"""D10: every declared kind of work done twice leaves the database exactly as doing it once.

The second time is what happens when a worker is killed after its last step and before it could say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from bankcrm import clock, runs
from bankcrm.job import from_now
from bankcrm.models import Run, User
from tests.cast import Cast, make_bank

Scenario = Callable[[Cast, Path], tuple[User, dict[str, Any]]]
# The run's own rows, sessions and the notes of the framework say when, not what.
LEFT_OUT = {"bankcrm_run", "django_session", "django_migrations", "django_content_type", "auth_permission"}


def select(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.campaigns import factories

    clock.set_day(factories.TODAY)
    factories.make_customers(300, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast)
    return cast.mei, {"campaign": campaign.pk, "version": campaign.version}


def push(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.campaigns import factories

    clock.set_day(factories.TODAY)
    factories.make_customers(300, cast.tree.n1, cast.rita)
    return cast.mei, {"campaign": factories.approved(cast).pk, "wave": 1}


def train(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.analytics import bank

    return cast.ana, {"model": bank.make_model(cast, bank.make_history(300)).pk}


def score(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from analytics import predictive, training
    from tests.analytics import bank

    model = bank.make_model(cast, bank.make_history(300))
    predictive.promote(training.train(model, cast.ana)[0], cast.max)
    return cast.ana, {"model": model.pk}


def explain(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from analytics import scoring
    from analytics.models import PredictiveModel

    user, arguments = score(cast, folder)
    made = scoring.score(PredictiveModel.objects.get(pk=arguments["model"]), None, user)
    return cast.ana, {"score_run": made.pk, "customer": 1}


def explain_segment(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from analytics import segment_fit
    from tests.analytics import test_segments

    test_segments.three_kinds(600)
    run = segment_fit.assign(test_segments.used(cast), None, cast.ana)
    return cast.ana, {"segment_run": run.pk, "customer": run.members.first().customer_id}


def find_segments(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.analytics import test_segments

    test_segments.three_kinds(600)
    return cast.ana, {"segmentation": test_segments.define(cast).pk}


def assign_segments(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.analytics import test_segments

    test_segments.three_kinds(600)
    return cast.ana, {"segmentation": test_segments.used(cast).pk}


def verify(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.analytics import scored

    return cast.ana, {"model": scored.hundred(cast).version.model_id}


def monthly(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from analytics.models import PredictiveModel

    user, arguments = score(cast, folder)
    PredictiveModel.objects.filter(pk=arguments["model"]).update(monthly=True)
    return user, {}


def read_file(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from customers import imports
    from tests.customers.imports_world import write

    text = "number,name,branch\nC1,Wang Fang,N1\nC2,Li Lei,NOWHERE\nC3,Han Mei,N2\n"
    path = write(folder, text)
    file = imports.check(imports.receive(path, "customers", cast.ana, path.name))
    return cast.ana, {"file": file.pk, "step": "merge"}


def take_back(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from customers import imports
    from tests.customers.imports_world import merged, write

    head = "number,name,branch,primary rm\n"
    merged(
        write(folder, f"{head}C1,Wang Fang,N1,{cast.rita.employee_number}\n", "a.csv"), "customers", cast.ana
    )
    text = f"{head}C1,Wang Fang,N2,{cast.raj.employee_number}\nC2,Li Lei,N1,\n"
    path = write(folder, text, "b.csv")
    file = imports.merge(imports.check(imports.receive(path, "customers", cast.ana, path.name)))
    return cast.ana, {"file": file.pk, "step": "undo"}


def profile(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests import facts

    customer = facts.customer("Wang Fang", home_branch=cast.tree.n1)
    facts.balance(customer, facts.make_products()["current"], 5000, dt.date(2026, 10, 31))
    return cast.ada, {"month": "2026-10-31"}


def match(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from tests.campaigns import factories, history

    clock.set_day(factories.TODAY)
    campaign = history.ran(cast)
    ids = factories.make_customers(20, cast.tree.n1)
    history.assign(campaign, ids, "a")
    history.buy(campaign, ids[:5], history.ASSIGNED + dt.timedelta(days=3))
    return cast.max, {}


def draw_universal(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from campaigns import universal
    from tests.campaigns import factories

    factories.make_customers(100, cast.tree.n1)
    today = clock.today()
    universal.begin(
        cast.max, name="Year", share=Decimal("0.05"), starts_on=today, ends_on=today + dt.timedelta(days=364)
    )
    return cast.max, {}


def transfers(cast: Cast, folder: Path) -> tuple[User, dict[str, Any]]:
    from customers import transfer
    from customers.transfer_plan import Choice, preview
    from tests.campaigns import factories
    from tests.cast import make_user

    clock.set_day(factories.TODAY)
    factories.make_customers(20, cast.tree.n1, cast.rita)
    rosa = make_user("rosa", "rm", cast.tree.n1)
    shown = preview(cast.bao, Choice((cast.rita.pk,), receivers=(rosa.pk,)))
    tomorrow = factories.TODAY + dt.timedelta(days=1)
    transfer.order(cast.bao, shown.token, "Rita leaves", tomorrow)
    clock.set_day(tomorrow)
    return cast.ada, {}


SCENARIOS: dict[str, Scenario] = {
    "campaigns.select": select,
    "campaigns.push": push,
    "analytics.train": train,
    "analytics.score": score,
    "analytics.explain": explain,
    "analytics.explain segment": explain_segment,
    "analytics.verify": verify,
    "analytics.monthly": monthly,
    "analytics.segments.find": find_segments,
    "analytics.segments.assign": assign_segments,
    "customers.import": read_file,
    "customers.import undo": take_back,
    "customers.profile": profile,
    "customers.transfers": transfers,
    "campaigns.match": match,
    "campaigns.draw_universal": draw_universal,
}


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("analytics.training.RESAMPLES", 50)


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall() if name not in LEFT_OUT]


def digest(run: Run) -> dict[str, tuple[int, str]]:
    """Table → rows and hash of what they say, moments left out; of runs only what ``run`` asked for besides itself."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), string_agg(kind || key, '|' ORDER BY kind, key) FROM bankcrm_run WHERE id <> %s",
            [run.pk],
        )
        found["asked for"] = cursor.fetchone()
        for table in tables():
            cursor.execute(
                """SELECT array_agg(attname::text) FROM pg_attribute
                   WHERE attrelid = %s::regclass AND atttypid = 'timestamptz'::regtype AND attnum > 0""",
                [table],
            )
            moments = cursor.fetchone()[0] or []
            where = "WHERE object_type <> 'bankcrm.run'" if table == "bankcrm_auditevent" else ""
            cursor.execute(
                f"SELECT count(*), md5(string_agg(said, '|' ORDER BY said)) FROM "
                f"(SELECT (to_jsonb(t) - %s::text[])::text AS said FROM {table} t {where}) rows",
                [moments],
            )
            found[table] = cursor.fetchone()
    return found


def test_every_kind_of_work_has_a_scenario_here() -> None:
    real = {kind for kind in runs.KINDS if not kind.startswith(("test.", "faults."))}
    assert real == {_kind(name) for name in SCENARIOS}


def _kind(scenario: str) -> str:
    """A kind with several steps has a scenario for each that writes: the kind, and which one."""
    return scenario.partition(" ")[0]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_the_second_time_changes_nothing(scenario: str, tmp_path: Path) -> None:
    user, arguments = SCENARIOS[scenario](make_bank(), tmp_path)
    run = runs.request(_kind(scenario), user, **arguments)
    before = digest(run)
    assert runs.execute(run.pk) == Run.State.DONE, Run.objects.get(pk=run.pk).error
    once = digest(run)
    assert once != before, "the work writes something"

    Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING, leased_until=from_now(-1), finished_at=None)
    assert runs.execute(run.pk) == Run.State.DONE, Run.objects.get(pk=run.pk).error

    assert digest(run) == once
