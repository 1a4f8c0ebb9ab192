"""Alerts of models in use: raised by stated rules, shown where their owner works, ended by facts or with a reason."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied

from analytics import predictive, schedule, verifying, watch
from analytics.models import ModelAlert, PredictiveModel, ScoreRun
from bankcrm import clock, runs
from bankcrm.models import Run
from customers.models import Customer
from tests.analytics.scored import buy, hundred
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
Rule = ModelAlert.Rule


@pytest.fixture
def run(cast: Cast) -> ScoreRun:
    made = hundred(cast)
    Customer.objects.update(home_branch=cast.tree.n1)
    return made


def counted(run: ScoreRun, cast: Cast) -> list[ModelAlert]:
    verifying.count(run.version.model, cast.ana, again=True)
    return watch.review(run.version.model)


def test_scores_that_promised_too_much_raise_an_alert_that_proposes_training(
    cast: Cast, run: ScoreRun
) -> None:
    buy(run, [1, 2])
    alert = next(each for each in counted(run, cast) if each.rule == Rule.OBSERVED)
    assert (alert.level, alert.proposes_training) == ("act", True)
    assert "promised too much: 2 outcomes where 14 were expected" in watch.told(alert)
    assert counted(run, cast)[0].pk == alert.pk, "one alert, however often it is asked"


def test_scores_that_kept_their_promise_raise_none(cast: Cast, run: ScoreRun) -> None:
    buy(run, [1, 2, 3, 4, 5, 15, 25, 35, 45, 55, 65, 75, 85, 95])
    assert Rule.OBSERVED not in {alert.rule for alert in counted(run, cast)}


def test_an_alert_ends_when_its_finding_no_longer_holds(cast: Cast, run: ScoreRun) -> None:
    buy(run, [1, 2])
    alert = next(each for each in counted(run, cast) if each.rule == Rule.OBSERVED)
    buy(run, [3, 4, 5, 15, 25, 35, 45, 55, 65, 75, 85, 95], after_days=40)
    assert Rule.OBSERVED not in {each.rule for each in counted(run, cast)}
    alert.refresh_from_db()
    assert alert.ended_as == ModelAlert.End.PASSED


@pytest.mark.parametrize(
    ("psi", "level", "proposes"), [(0.05, None, None), (0.15, "watch", False), (0.3, "act", True)]
)
def test_scores_that_moved_are_watched_then_acted_on(
    cast: Cast, run: ScoreRun, psi: float, level: str | None, proposes: bool | None
) -> None:
    ScoreRun.objects.filter(pk=run.pk).update(psi=psi)
    found = {alert.rule: alert for alert in watch.review(run.version.model)}
    if level is None:
        assert Rule.SCORES not in found
    else:
        assert (found[Rule.SCORES].level, found[Rule.SCORES].proposes_training) == (level, proposes)


def test_an_old_champion_is_to_be_trained_anew(cast: Cast, run: ScoreRun) -> None:
    clock.set_day(dt.date.today() + dt.timedelta(days=366))  # noqa: DTZ011  the champion was trained today
    found = {alert.rule: alert for alert in watch.review(run.version.model)}
    assert found[Rule.AGE].proposes_training


def test_what_a_person_set_aside_is_not_raised_by_the_same_finding(cast: Cast, run: ScoreRun) -> None:
    buy(run, [1, 2])
    alert = next(each for each in counted(run, cast) if each.rule == Rule.OBSERVED)
    with pytest.raises(predictive.Refused, match="Say why"):
        watch.set_aside(alert, cast.ana, "  ")
    with pytest.raises(PermissionDenied):
        watch.set_aside(alert, cast.mei, "Not mine to say.")
    watch.set_aside(alert, cast.ana, "A rate cut that month.")
    assert Rule.OBSERVED not in {each.rule for each in counted(run, cast)}
    with pytest.raises(predictive.Refused, match="ended already"):
        watch.set_aside(alert, cast.ana, "Again.")


def test_the_day_s_work_asks_for_counting_once(cast: Cast, run: ScoreRun) -> None:
    assert schedule.ask_for_due() == 1
    asked = Run.objects.get(kind="analytics.verify")
    assert runs.execute(asked.pk) == Run.State.DONE
    assert schedule.ask_for_due() == 0


def test_a_refused_scoring_is_told_to_the_owner_until_one_succeeds(cast: Cast, run: ScoreRun) -> None:
    model = run.version.model
    PredictiveModel.objects.filter(pk=model.pk).update(champion=None)
    asked = runs.request("analytics.score", None, **predictive.work_on(model))
    runs.execute(asked.pk)
    alert = ModelAlert.objects.open().get(model=model, rule=Rule.REFUSED)
    assert "The scores in use stay" in watch.told(alert)
    work = login(cast.ana).get("/work/").content.decode()
    assert "Waits for you" in work
    assert "Scoring was refused" in work
    assert "Waits for you" not in login(cast.max).get("/work/").content.decode()
    watch.scoring_succeeded(model)
    assert not ModelAlert.objects.open().filter(rule=Rule.REFUSED).exists()


def test_the_page_shows_trend_groups_rules_and_takes_a_reason(cast: Cast, run: ScoreRun) -> None:
    model = run.version.model
    buy(run, [1, 2])
    alert = next(each for each in counted(run, cast) if each.rule == Rule.OBSERVED)
    address = f"/models/{model.pk}/proof/"
    page = login(cast.ana).get(address).content.decode()
    for said in (
        "Calls for attention",
        "promised too much",
        "Train anew, as proposed",
        "By what campaigns did",
        "In no campaign",
        "By branch",
        "Month by month",
        "proposes training",
        "counted",
    ):
        assert said in page, said
    assert "Train anew" not in login(cast.max).get(address).content.decode()
    listed = login(cast.mei).get("/models/").content.decode()
    assert f'href="{address}"' in listed
    aside = f"/models/{model.pk}/alerts/{alert.pk}/aside/"
    assert login(cast.mei).post(aside, {"note": "No."}).status_code == 403
    login(cast.ana).post(aside, {"note": "A rate cut that month."})
    after = login(cast.ana).get(address).content.decode()
    assert "A rate cut that month." in after
    assert "Train anew" not in after


def test_the_api_tells_verification_and_alerts(cast: Cast, run: ScoreRun) -> None:
    model = run.version.model
    base = f"/api/v1/models/{model.code}/"
    open_yet = login(cast.mei).get(f"{base}score-runs/{run.pk}/verification/").json()
    assert (open_yet["is_known"], open_yet["n"]) == (False, None)
    buy(run, [1, 2])
    counted(run, cast)
    told = login(cast.mei).get(f"{base}score-runs/{run.pk}/verification/").json()
    assert (told["is_known"], told["observed"], told["alarm"]) == (True, 2, "over")
    assert {group["kind"] for group in told["result"]["groups"]} == {"arm", "branch"}
    alerts = login(cast.mei).get(f"{base}alerts/").json()["results"]
    mine = next(alert for alert in alerts if alert["rule"] == "observed")
    assert mine["proposes_training"]
    assert login(cast.mei).post(f"{base}alerts/{mine['id']}/aside/", {"note": "No."}).status_code == 403
    done = login(cast.ana).post(
        f"{base}alerts/{mine['id']}/aside/", {"note": "A rate cut."}, "application/json"
    )
    assert (done.status_code, done.json()["ended_as"]) == (200, "set_aside")
