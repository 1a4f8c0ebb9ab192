"""What a demo shows beside finished rounds: a plan, a campaign in the queues today, one to approve, one being built."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from analytics import predictive, segments
from analytics.models import PredictiveModel
from bankcrm import clock, runs, workdays
from bankcrm.models import Branch
from campaigns import lifecycle, loop, loop_steps, planning, simulation
from campaigns.models import Campaign, MarketingPlan
from customers import profile, sample_bank
from customers.models import Product

WORKED_DAYS = 2
TRAINED_AT_ONCE = ("credit_card", "wealth_management")
CHURN_MODELS: tuple[dict[str, Any], ...] = (
    {
        "code": "wealth-churn",
        "name": "Leaves wealth management",
        "target": PredictiveModel.Target.FALLS,
        "balance": "wealth_management",
        "share": 0.5,
        "least": 1000,
        "horizon_days": 90,
        "feeds": PredictiveModel.Feeds.CHURN_WEALTH,
    },
    {
        "code": "loan-churn",
        "name": "Repays the loan early",
        "target": PredictiveModel.Target.PREPAYS,
        "balance": "loan_balance",
        "horizon_days": 90,
        "feeds": PredictiveModel.Feeds.CHURN_LOAN,
    },
)
PREFERENCE_MODELS = {
    PredictiveModel.Target.PRODUCT: "Next product line",
    PredictiveModel.Target.CHANNEL: "Channel used most",
    PredictiveModel.Target.RISK: "Risk preference",
    PredictiveModel.Target.FINANCE: "Financial preference",
}
# In use at once, so that customers' pages show answers; the others wait in the queue of work and for a second person.
IN_USE = (PredictiveModel.Target.PRODUCT, PredictiveModel.Target.CHANNEL)
# Fewer leads a day than the team could work, and never the last ones: in a small bank too everybody finds some this
# morning.
WORKED_A_DAY, LEFT_OPEN = 5, 3


def set_the_stage(played: loop.Loop, today: dt.date, capacity: int) -> None:
    """Lead the bank to ``today``: everybody who signs in finds work of their own kind."""
    bank, mei = sample_bank.load(), loop_steps.person("mei")
    model = PredictiveModel.objects.get(code="fund-response")
    pushed_on = workdays.add_working_days(today, -WORKED_DAYS - 1)
    clock.set_day(pushed_on)
    with played.stage("today: scores") as counts:
        counts.update(loop.publish_scores(model, bank.as_of, played.waiting))
    with played.stage("today: a campaign in the queues") as counts:
        plan = _plan(model.sells, today)
        model.refresh_from_db()
        campaign = loop_steps.prepare(
            model, "fund-autumn", bank.as_of, capacity, "0.200", played.waiting, today=pushed_on, plan=plan
        )
        counts.update(loop_steps.push(campaign, played.waiting))
        campaign.refresh_from_db()
        team = simulation.Team(campaign, bank)
        worked = team.work(pushed_on, WORKED_DAYS, at_most=WORKED_A_DAY, leaving=LEFT_OPEN)
        counts["outcomes"] = worked.recorded
    clock.set_day(None)
    waiting = loop_steps.create(
        mei,
        "fund-winter",
        **loop_steps.brief(model, "fund-winter", bank.as_of, capacity // 2, "0.300", today=today, plan=plan),
    )
    loop_steps.select(waiting, mei, played.waiting)
    lifecycle.submit(Campaign.objects.get(pk=waiting.pk), mei)
    loop_steps.create(
        mei,
        "fund-young-savers",
        **loop_steps.brief(
            model, "fund-young-savers", bank.as_of, capacity // 4, "0.200", today=today, plan=plan
        )
        | {"condition": {"all": [{"field": "age", "op": "between", "value": [20, 35]}]}},
    )


def is_set() -> bool:
    """Whether a demo was prepared to its end in this database: the last thing it makes is there."""
    return PredictiveModel.objects.filter(code=CHURN_MODELS[-1]["code"]).exists()


def define_other_models() -> None:
    """A response model for every other product; two of them wait in the queue of work, for the worker to train."""
    ana = loop_steps.person("ana")
    for product in (
        Product.objects.filter(code__in=sample_bank.MARKETED).exclude(code=loop.PRODUCT).order_by("code")
    ):
        model = predictive.define(
            ana,
            code=f"{product.code.replace('_', '-')}-response",
            name=f"{product.name} response",
            product=product,
            horizon_days=60,
        )
        if product.code in TRAINED_AT_ONCE:
            runs.request("analytics.train", ana, **predictive.work_on(model))
    for values in CHURN_MODELS:
        model = predictive.define(ana, kind=PredictiveModel.Kind.CHURN, monthly=True, **values)
        runs.request("analytics.train", ana, **predictive.work_on(model))


def learn_preferences(played: loop.Loop) -> None:
    """Models of what customers prefer. A bank too small to learn one from is told so and goes without."""
    ana = loop_steps.person("ana")
    for target, name in PREFERENCE_MODELS.items():
        model = predictive.define(
            ana,
            kind=PredictiveModel.Kind.PREFERENCE,
            target=target,
            code=f"prefers-{target.value}",
            name=name,
            horizon_days=90,
            feeds=f"likely_{target.value}",
            monthly=True,
        )
        if target not in IN_USE:
            runs.request("analytics.train", ana, **predictive.work_on(model))
            continue
        with played.stage(f"today: {name.lower()}") as counts:
            work = predictive.work_on(model)
            try:
                loop_steps.through_worker("analytics.train", ana, waiting=played.waiting, **work)
                version = predictive.promote(model.versions.get(), loop_steps.person("max"))
                loop_steps.through_worker("analytics.score", ana, waiting=played.waiting, **work)
            except (loop_steps.LoopFailed, predictive.Refused) as refused:
                counts["refused"] = str(refused)
            else:
                right = version.card["preference"]["metrics"]["accuracy"]["value"]
                counts["came_true_percent"] = round(100 * right)


def divide_customers(played: loop.Loop) -> None:
    """Segments of the newest month and the month before, so that there is movement to look at.

    A bank too small to divide is told so and goes without.
    """
    ana = loop_steps.person("ana")
    made = segments.define(ana, code="who-they-are", name="Who they are")

    def ask(kind: str, **arguments: str) -> None:
        work = segments.work_on(made)
        loop_steps.through_worker(kind, ana, waiting=played.waiting, **work, **arguments)

    with played.stage("today: segments") as counts:
        try:
            ask("analytics.segments.find")
        except loop_steps.LoopFailed as refused:
            played.report(f"  {refused}")
            return
        version = made.versions.get()
        segments.use(version, ana)
        for month in profile.months()[1::-1]:
            ask("analytics.segments.assign", month=month.isoformat())
        made.refresh_from_db()
        counts.update(method=version.method, segments=version.card.get("k"))


def _plan(product: Product, today: dt.date) -> MarketingPlan:
    """The quarter's plan with a target for every branch."""
    first = today.replace(day=1, month=(today.month - 1) // 3 * 3 + 1)
    last = (first + dt.timedelta(days=100)).replace(day=1) - dt.timedelta(days=1)
    mei = loop_steps.person("mei")
    plan = planning.create(
        mei,
        name=f"Fund plans {first:%Y} Q{(first.month + 2) // 3}",
        objective="Customers with idle savings begin a fund plan.",
        starts_on=first,
        ends_on=last,
        budget=Decimal(400_000),
    )
    branches = Branch.objects.filter(kind=Branch.Kind.BRANCH).order_by("code")
    planning.set_targets(
        plan,
        mei,
        [{"branch": branch, "product": product, "month": today, "sales": 20} for branch in branches],
    )
    return plan
