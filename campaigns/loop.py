"""The closed loop on a sample bank, stage by stage, through the product's own doors, held against the planted truth."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Count
from psycopg import sql

from analytics import labels, predictive
from analytics.models import ModelVersion, PredictiveModel
from bankcrm import clock
from campaigns import attribution, evaluation, lifecycle, simulation
from campaigns import push as pushing
from campaigns.loop_steps import (
    LoopFailed,
    Waiting,
    in_silence,
    person,
    prepare,
    push,
    selection_counts,
    through_worker,
)
from campaigns.models import Campaign, Lead
from campaigns.verdict_text import verdict_sentence
from customers import profile, sample_bank
from customers.models import Product

PRODUCT = "fund"
Report = Callable[[str], None]
ROUND_MONTHS = 2
# A past campaign fourteen months back is the oldest that models learn from.
PROFILE_MONTHS = 15
# Of fewer customers nobody is left for a campaign and its control; a loop of so many plays to its end.
SMALLEST = 200


@dataclass
class Loop:
    """The stages as they are done: names, seconds, counts, and what was found."""

    report: Report
    stages: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    waiting: Waiting = in_silence

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; the body puts its counts into the mapping it is given."""
        self.report(f"{name} …")
        counts: dict[str, Any] = {}
        started = time.monotonic()
        try:
            yield counts
        except BaseException:
            self.report(f"{name}: stopped after {time.monotonic() - started:.1f} s")
            raise
        seconds = round(time.monotonic() - started, 1)
        self.stages.append({"stage": name, "seconds": seconds, **counts})
        shown = ", ".join(f"{key} {value:,}" for key, value in counts.items() if isinstance(value, int))
        self.report(f"{name}: {seconds} s{', ' + shown if shown else ''}")


def empty() -> None:
    """Remove every campaign, model and score, so that a sample bank can be made anew; runs and audit rows stay."""
    tables = [
        model._meta.db_table
        for app in ("campaigns", "analytics")
        for model in apps.get_app_config(app).get_models()
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))


def make_bank(loop: Loop, *, size: int, months: int, seed: int, today: dt.date, replace: bool) -> None:
    """A sample bank with a history of ``months`` up to the last month-end before ``today``, and its profiles.

    Profiles are built for the months that models and trends read, not for the whole history. Raises LoopFailed, before
    anything is replaced, where ``size`` is under SMALLEST.
    """
    if size < SMALLEST:
        raise LoopFailed(
            f"A bank of {size:,} customers is too small for the loop: the smallest that works is {SMALLEST}."
        )
    if replace:
        empty()
    with loop.stage("sample bank") as counts:
        bank = sample_bank.create(
            size=size,
            months=months,
            seed=seed,
            today=today,
            replace=replace,
            profiles=False,
            progress=lambda text: loop.report(f"  {text}"),
        )
        counts["customers"] = bank.size
    with loop.stage("profiles") as counts:
        counts["rows"] = 0
        for back in range(min(PROFILE_MONTHS, months) - 1, -1, -1):
            month = profile.month_end(bank.as_of, back)
            counts["rows"] += profile.build(month)
            loop.report(f"  {month:%Y-%m}")


def first_day(today: dt.date, rounds: int) -> dt.date:
    """The day on which a bank is made so that ``rounds`` rounds of two months end with the last month before today."""
    month = today.year * 12 + today.month - 1 - ROUND_MONTHS * rounds
    return dt.date(month // 12, month % 12 + 1, 1)


def play_round(loop: Loop, number: int, capacity: int, control_share: str = "0.250") -> Campaign:
    """One whole round: labels → model → campaign → approval → selection → push → queue → outcomes → evaluation."""
    bank = sample_bank.load()
    clock.set_day(bank.as_of)
    model = train_and_score(loop, number, bank.as_of)
    with loop.stage(f"round {number}: campaign") as counts:
        campaign = prepare(model, f"fund-round-{number}", bank.as_of, capacity, control_share, loop.waiting)
        counts.update(selection_counts(campaign))
    with loop.stage(f"round {number}: push") as counts:
        counts.update(push(campaign, loop.waiting))
    campaign.refresh_from_db()
    with loop.stage(f"round {number}: leads worked") as counts:
        team = simulation.Team(campaign, bank)
        worked = team.work(
            bank.as_of + dt.timedelta(days=1),
            30,
            lambda done, total: loop.report(f"  day {done}: {team.worked.recorded:,} outcomes"),
        )
        counts |= {
            "outcomes": worked.recorded,
            "reached": len(worked.reached_on),
            "forgotten": worked.forgotten,
        }
    with loop.stage(f"round {number}: two months pass") as counts:
        lived = sample_bank.advance(
            bank,
            to=profile.month_end(bank.as_of, -ROUND_MONTHS),
            treated=[simulation.assigned(campaign, worked)],
            progress=lambda text: loop.report(f"  {text}"),
        )
        counts["contracts"] = lived.opened
    clock.set_day(lived.bank.as_of)
    with loop.stage(f"round {number}: evaluation") as counts:
        counts.update(judge(loop, number, campaign, model))
    return campaign


def train_and_score(loop: Loop, number: int, as_of: dt.date) -> PredictiveModel:
    """Train on what is known by ``as_of``, let a second person promote the better version, publish its scores."""
    ana, max_ = person("ana"), person("max")
    model = PredictiveModel.objects.filter(code="fund-response").first() or predictive.define(
        ana,
        code="fund-response",
        name="Fund response",
        product=Product.objects.get(code=PRODUCT),
        horizon_days=60,
    )
    with loop.stage(f"round {number}: training") as counts:
        known = labels.label_counts(model, as_of)
        counts["labels"] = known
        through_worker(
            "analytics.train",
            ana,
            waiting=loop.waiting,
            **predictive.work_on(model),
            as_of=as_of.isoformat(),
        )
    with loop.stage(f"round {number}: scores") as counts:
        version = choose(model)
        if objection := predictive.objection(version, max_):
            loop.report(f"  not promoted: {objection}")
        else:
            predictive.promote(version, max_)
        counts.update(publish_scores(model, as_of, loop.waiting))
    model.refresh_from_db()
    return model


def publish_scores(model: PredictiveModel, as_of: dt.date, waiting: Waiting = in_silence) -> dict[str, Any]:
    """Score everybody with the champion; where no version was good enough, campaigns go without a score and say so."""
    used = champion(model)
    if used is None:
        return {"customers": 0, "algorithm": "none"}
    run = through_worker(
        "analytics.score",
        person("ana"),
        waiting=waiting,
        **predictive.work_on(model),
        month=as_of.isoformat(),
    )
    return {"customers": run.result["customers"], "version": used.number, "algorithm": used.algorithm}


def choose(model: PredictiveModel) -> Any:
    """The version its own comparison preferred among those trained last."""
    newest = model.versions.order_by("-run_id", "-number").first()
    if newest is None:
        raise LoopFailed("training left no version")
    together = list(model.versions.filter(run=newest.run).order_by("number"))
    preferred = [version for version in together if version.card.get("preferred")]
    return (preferred or together)[0]


def judge(loop: Loop, number: int, campaign: Campaign, model: PredictiveModel) -> dict[str, Any]:
    """Match conversions, evaluate, close and freeze; then compare with what was planted."""
    max_ = person("max")
    matched = attribution.match(campaign, max_)
    campaign = lifecycle.close(Campaign.objects.get(pk=campaign.pk), max_)
    evaluation.freeze(campaign, max_)
    result = evaluation.latest(campaign)
    truth = sample_bank.true_effect(campaign.code)
    arm = result.readout.arm("A")
    figures = arm.figures
    loop.rounds.append(
        {
            "round": number,
            "campaign": campaign.code,
            "auc": auc(model),
            "control": sum(row["assigned"] for row in result.arms if row["is_control"]),
            "verdict": result.readout.verdict,
            "sentence": verdict_sentence(result.readout, result.sums["success"]),
            "effect": figures.effect.value if figures else None,
            "low": figures.interval.low if figures else None,
            "high": figures.interval.high if figures else None,
            "true_effect": truth.effect,
            "covered": figures.interval.low <= truth.effect <= figures.interval.high if figures else None,
            "reconciliation": reconcile(campaign),
        }
    )
    return {"conversions": matched}


def champion(model: PredictiveModel) -> ModelVersion | None:
    """The version in use; None where none was good enough to be promoted."""
    return PredictiveModel.objects.select_related("champion").get(pk=model.pk).champion


def auc(model: PredictiveModel) -> dict[str, Any]:
    """The out-of-time AUC of the champion, with its interval, as the model card states it."""
    used = champion(model)
    return dict(used.card.get("metrics", {}).get("auc", {})) if used else {}


def reconcile(campaign: Campaign) -> dict[str, Any]:
    """Whether every customer of the audience is accounted for once, from selection to closed lead."""
    selection = Campaign.objects.select_related("selection").get(pk=campaign.pk).selection
    counted = pushing.reconcile(campaign)
    if selection is None:
        raise LoopFailed("the campaign has no selection")
    dropped = {
        line["step"]: line["dropped"]
        for line in selection.waterfall
        if line["step"] not in ("audience", "final")
    }
    control = dropped.pop("control", selection.control_count)
    audience = selection.waterfall[0]["remaining"]
    withheld = sum(counted.withheld.values())
    doubled = (
        Lead.objects.filter(campaign=campaign)
        .values("customer")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
        .count()
    )
    return {
        "audience": audience,
        "pushed": counted.pushed,
        "control": control,
        "withheld": counted.withheld,
        "exclusions": dropped,
        "open": counted.open,
        "closed": counted.closed,
        "recalled": counted.recalled,
        "customers_twice": doubled,
        "adds_up": (
            audience == counted.pushed + control + withheld + sum(dropped.values())
            and counted.adds_up
            and doubled == 0
        ),
    }
