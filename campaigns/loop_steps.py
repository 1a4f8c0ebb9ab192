"""Steps the loop takes in the product: work through a worker, and a campaign from its brief to its leads."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from analytics.models import PredictiveModel
from bankcrm import runs
from bankcrm.models import Run, User
from campaigns import exploration, lifecycle
from campaigns.contact_policy import ensure_default_rules
from campaigns.models import Campaign, MarketingPlan, Offer
from customers import sample_bank
from customers.models import Product

# Longer than any stage at a million customers; a run that takes more has hung.
PATIENCE_SECONDS = 3600
Waiting = Callable[[Run, float], None]


class LoopFailed(Exception):
    """A stage did not do what it must; the sentence says which."""


def in_silence(_run: Run, _seconds: float) -> None:
    """Wait and say nothing."""


def person(username: str) -> User:
    return User.objects.get(username=username)


def through_worker(
    kind: str, user: User, *, key: str, subject: str, waiting: Waiting = in_silence, **arguments: Any
) -> Run:
    """Ask for long work as a page does and wait for a worker to do it. Raises LoopFailed when it ends otherwise.

    ``waiting`` gets the run as it stands and the seconds waited, several times a second.
    """
    run = runs.start(kind, user, key=key, subject=subject, **arguments)
    began = time.monotonic()
    while (waited := time.monotonic() - began) < PATIENCE_SECONDS:
        run.refresh_from_db()
        if run.is_finished:
            break
        waiting(run, waited)
        time.sleep(0.1)
    if run.state != Run.State.DONE:
        raise LoopFailed(f"{kind} ended as {run.state}: {run.error or run.note}")
    return run


def prepare(
    model: PredictiveModel,
    code: str,
    month: dt.date,
    capacity: int,
    control_share: str,
    waiting: Waiting = in_silence,
    **more: Any,
) -> Campaign:
    """Mei designs and submits a campaign, Omar approves it; the selection runs in a worker. ``more`` as for brief."""
    mei, omar = person("mei"), person("omar")
    ensure_default_rules()
    campaign = create(mei, code, **brief(model, code, month, capacity, control_share, **more))
    select(campaign, mei, waiting)
    campaign = lifecycle.submit(Campaign.objects.get(pk=campaign.pk), mei)
    return lifecycle.approve(campaign, omar, "Control is large enough to judge it.")


def create(user: User, code: str, **fields: Any) -> Campaign:
    """A draft on the sample bank. Who is withheld follows from the bank's seed and the code: a seed repeats a loop."""
    seed = sample_bank.load().seed
    salt = hashlib.sha256(f"sample bank {seed}: {code}".encode()).hexdigest()[:32]
    return lifecycle.create(user, code=code, salt=salt, **fields)


def brief(
    model: PredictiveModel,
    code: str,
    month: dt.date,
    capacity: int,
    control_share: str,
    today: dt.date | None = None,
    plan: MarketingPlan | None = None,
) -> dict[str, Any]:
    """The definition of a fund campaign by phone to adults whom the score finds worth a call.

    ``month``: whose profiles are read; ``today``: the first day, the same where it is not given.
    """
    first = today or month
    return {
        "name": code.replace("-", " ").capitalize(),
        "objective": "Customers with savings begin a fund plan.",
        "plan": plan,
        "product": model.product,
        "starts_on": first,
        "ends_on": first + dt.timedelta(days=60),
        "budget": Decimal(capacity * 20),
        "condition": {
            "all": [
                {"field": "age", "op": "between", "value": [18, 75]},
                {"field": "aum", "op": "at_least", "value": 5000},
            ]
        },
        "profile_month": month,
        # Without scores in use customers are ranked by the rate of past campaigns, and the page says so.
        "model": model if model.current_score_run_id else None,
        "capacity": capacity,
        "control_share": Decimal(control_share),
        "exploration_share": exploration.SHARE,
        "arms": [{"code": "A", "name": "Call", "offer": offer(model.sells), "channel": "phone", "share": 1}],
    }


def offer(product: Product) -> Offer:
    """The fund plan everybody is offered."""
    return Offer.objects.get_or_create(
        code="fund-plan",
        defaults={
            "name": "Fund plan without entry fee",
            "product": product,
            "terms": "monthly from ¥500, no entry fee this quarter",
            "margin_per_sale": 900,
            "cost_per_contact": 12,
            "cost_per_sale": 60,
            "script_open": "Good morning, this is your bank. Is this a good moment for two minutes about your savings?",
            "script_ask": "How long could you do without this money?",
            "script_offer": "A fund plan from ¥500 a month, without entry fee this quarter; you can stop any month.",
            "script_if_unsure": "Funds can lose value. Offer a meeting in the branch or a smaller first step.",
        },
    )[0]


def select(campaign: Campaign, user: User, waiting: Waiting = in_silence) -> None:
    through_worker(
        "campaigns.select",
        user,
        key=f"campaign:{campaign.pk}",
        subject=campaign.name,
        waiting=waiting,
        campaign=campaign.pk,
        version=campaign.version,
    )


def selection_counts(campaign: Campaign) -> dict[str, Any]:
    """The counts of the approved selection, with the waterfall they come from."""
    selection = Campaign.objects.select_related("selection").get(pk=campaign.pk).selection
    if selection is None:
        raise LoopFailed("the campaign has no selection")
    return {
        "audience": selection.waterfall[0]["remaining"],
        "targets": selection.targets_count,
        "control": selection.control_count,
        "waterfall": selection.waterfall,
    }


def push(campaign: Campaign, waiting: Waiting = in_silence) -> dict[str, Any]:
    """Mei pushes the approved wave; a worker makes the leads."""
    run = through_worker(
        "campaigns.push",
        person("mei"),
        key=f"campaign:{campaign.pk}:wave:1",
        subject=campaign.name,
        waiting=waiting,
        campaign=campaign.pk,
        wave=1,
    )
    return {name: run.result[name] for name in ("selected", "pushed", "control", "withheld")}
