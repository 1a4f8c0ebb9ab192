"""Choosing whom a campaign contacts: one statement from the audience to the final list, with a control group.

    audience → eligible → consent → contact policy → worth a contact → capacity → control → final

The counts add up by construction and are checked before anything is kept: each line is the one before less what it
dropped, and the audience is the final list plus control plus everything dropped.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from analytics import labels, ranking
from analytics.models import PredictiveModel, ScoreRun
from bankcrm import audit, bulk, clock
from bankcrm.models import User
from bankcrm.runs import Job
from campaigns import contact_policy, definition, exploration, forecast, lifecycle
from campaigns.arms import drop_targets
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign, Selection, Target
from campaigns.statement import Piece, compose, fetched
from campaigns.targeting_sql import REASONS, STEPS, Inputs, judged, selection_statement
from customers.models import Customer
from customers.profile import latest_month

_CODES = tuple(REASONS)
# Fewer past buyers than this make a rate that is mostly chance; then the order is drawn and no value is claimed.
MIN_PAST_BUYERS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of the statement found. ``arms``: arm id → customers; waterfall as stored on Selection."""

    waterfall: list[dict[str, Any]]
    targets_count: int
    control_count: int
    arms: dict[int | None, int]
    expected_responses: float | None
    response_variance: float | None
    seconds: float
    explored: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """The live rail: the waterfall, what it would cost and bring, and how customers were ranked."""

    waterfall: list[dict[str, Any]]
    targets_count: int
    control_count: int
    seconds: float
    profile_month: dt.date
    ranking: str
    ranking_sentence: str
    forecast: dict[str, Any]
    explored: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Why:
    """Where one customer ended, and a sentence.

    ``step`` is "final" or "control", "selected" where it is not said which, or the step that dropped the customer.
    """

    step: str
    code: str
    sentence: str
    rank: int | None = None
    value: float | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)


def select(
    campaign: Campaign, user: User, *, final: bool = False, job: Job | None = None, on: dt.date | None = None
) -> Selection:
    """Compute and keep who is contacted and who is control; the campaign's earlier targets go.

    ``on``: the day whose contacts, consents and holdings count (today). Raises PermissionDenied, Conflict when the
    campaign is no draft or changes meanwhile, Refused when something it needs is missing.
    """
    lifecycle.check_allowed("select", campaign, user)
    if job and campaign.selection_id:
        # An attempt that was killed before it could say so has done everything.
        finished = Selection.objects.filter(pk=campaign.selection_id, run=job.run_id).first()
        if finished:
            return finished
    inputs = read_inputs(campaign, on=on)
    if not inputs.arms or any(arm.offer is None for arm in inputs.arms):
        raise Refused(_("Give every arm an offer before customers are selected."))
    if job:
        job.progress(0, None, _("Selecting"))
    with bulk.without_time_limit(), transaction.atomic():
        if job:
            job.fence()
        selection = Selection.objects.create(
            campaign=campaign,
            campaign_version=campaign.version,
            profile_month=inputs.month,
            score_run=inputs.score_run,
            is_final=final,
            requested_by=user,
            run=job.run if job else None,
        )
        _keep(selection, inputs, _run(inputs, selection.pk))
        drop_targets(campaign, keep=selection)
        taken = Campaign.objects.filter(
            pk=campaign.pk, state=Campaign.State.DRAFT, version=campaign.version
        ).update(selection=selection)
        if not taken:
            raise Conflict(
                _("The campaign was changed while customers were selected. Select again."),
                Campaign.objects.get(pk=campaign.pk),
            )
        audit.record(
            user,
            "campaign.selected",
            campaign,
            selection=selection.pk,
            targets=selection.targets_count,
            control=selection.control_count,
        )
    campaign.selection = selection
    return selection


def _keep(selection: Selection, inputs: Inputs, outcome: Outcome) -> None:
    """Write on the selection what its statement found."""
    selection.waterfall = outcome.waterfall
    selection.targets_count = outcome.targets_count
    selection.control_count = outcome.control_count
    selection.seconds = outcome.seconds
    selection.definition = _stored(inputs, outcome)
    selection.save()


def preview(campaign: Campaign, user: User, *, on: dt.date | None = None) -> Preview:
    """The same counts without keeping anything; works on an unfinished draft. ``campaign`` may hold unsaved values."""
    inputs = read_inputs(campaign, on=on)
    outcome = _run(inputs, None)
    return Preview(
        waterfall=outcome.waterfall,
        targets_count=outcome.targets_count,
        control_count=outcome.control_count,
        seconds=outcome.seconds,
        profile_month=inputs.month,
        ranking=inputs.ranking,
        ranking_sentence=ranking_sentence(inputs.ranking, inputs.rate_source),
        forecast=_forecast(inputs, outcome),
        explored=outcome.explored,
    )


def why_not(campaign: Campaign, customer: Customer, *, tell_control: bool = True) -> Why:
    """Why this customer is or is not on the campaign's list, judged on the selection's own day, month and scores.

    Without ``tell_control`` the answer for treated and control is the same: see ``customers.timeline.sees_control``.
    """
    selection = campaign.selection
    if selection is None:
        raise Refused(_("No customers have been selected yet."))
    target = Target.objects.filter(selection=selection, customer=customer).select_related("arm").first()
    if target:
        if tell_control:
            return _why_target(target)
        sentence = _("Met every condition. Whoever talks to customers is not told who is in control.")
        return Why("selected", "selected", sentence)
    inputs = read_inputs(
        campaign,
        on=dt.date.fromisoformat(selection.definition["on"]),
        month=selection.profile_month,
        score_run=selection.score_run,
    )
    statement = compose(
        "WITH {judged} SELECT dropped, value FROM judged", judged=judged(inputs, customer_id=customer.pk)
    )
    row = next(iter(fetched(statement)), None)
    if row is None:
        return Why("audience", "audience", _("Does not meet the conditions of the audience."))
    dropped, value = row
    if dropped is not None:
        code = _CODES[dropped]
        if code == "universal" and not tell_control:
            return Why("contact_policy", "policy", _("Left out by a rule that holds for the whole bank."))
        step, label = REASONS[code]
        return Why(step, code, str(label), value=value)
    last = (
        Target.objects.filter(selection=selection).order_by("-rank").values_list("value", flat=True).first()
    )
    sentence = _("Ranked below the capacity: worth %(value)s, and the last customer taken %(last)s.") % {
        "value": f"{value:,.2f}",
        "last": f"{last or 0:,.2f}",
    }
    return Why("capacity", "capacity", sentence, value=value)


def read_inputs(
    campaign: Campaign,
    *,
    on: dt.date | None = None,
    month: dt.date | None = None,
    score_run: ScoreRun | None = None,
) -> Inputs:
    """Gather what the statement needs. Raises Refused when there is no profile, or the chosen model has no scores."""
    on = on or clock.today()
    month = month or campaign.profile_month or latest_month()
    if month is None:
        raise Refused(_("There are no customer profiles yet. Import customer data and build a month first."))
    if score_run is None and campaign.model is not None:
        score_run = campaign.model.current_score_run
        if score_run is None:
            raise Refused(
                _("“%(model)s” has no published scores. Score customers first, or rank without a model.")
                % {"model": campaign.model.name}
            )
    if score_run is not None and (sentence := ranking.refusal(score_run)):
        raise Refused(sentence)
    rate, source = (None, ranking.basis(score_run)) if score_run else past_response_rate(campaign, on)
    arms = definition.arms_of(campaign) if campaign.pk else []
    return Inputs(campaign, arms, month, on, score_run, contact_policy.active_rules(), rate, source)


def _is_uplift(score_run: ScoreRun | None) -> bool:
    return score_run is not None and score_run.version.model.kind == PredictiveModel.Kind.UPLIFT


def past_response_rate(campaign: Campaign, on: dt.date) -> tuple[float | None, dict[str, Any]]:
    """Conversions per customer assigned to contact in earlier campaigns for the product whose window is over.

    Returns (rate, {"assigned", "conversions"}); rate None below MIN_PAST_BUYERS conversions.
    """
    rows = fetched(
        compose(
            """
            SELECT count(*), count(r.customer_id)
            FROM customers_assignment a
            LEFT JOIN customers_response r ON r.campaign_code = a.campaign_code AND r.customer_id = a.customer_id
                AND r.kind = 'conversion' AND r.how <> 'reported'
                AND r.responded_on < a.assigned_on + {days}
            WHERE a.product_code = {product} AND NOT a.is_control AND a.assigned_on <= {until}
            """,
            product=campaign.product.code,
            days=campaign.attribution_days,
            until=on - dt.timedelta(days=campaign.attribution_days),
        )
    )
    assigned, conversions = rows[0]
    if conversions < MIN_PAST_BUYERS:
        return None, {"assigned": assigned, "conversions": conversions}
    return conversions / assigned, {"assigned": assigned, "conversions": conversions}


def ranking_sentence(ranked: str, source: dict[str, Any]) -> str:
    """How customers were ranked, in words; for the page and the approver."""
    if ranked == "score":
        return ranking.sentence(source)
    if ranked == "history":
        return _(
            "No model: everybody is assumed to respond like %(conversions)s of %(assigned)s customers in earlier "
            "campaigns, and the order is drawn."
        ) % {"conversions": f"{source['conversions']:,}", "assigned": f"{source['assigned']:,}"}
    return _(
        "No model and too little history for a response rate: the order is drawn, and no value is claimed."
    )


def _run(inputs: Inputs, selection_id: int | None) -> Outcome:
    began = time.perf_counter()
    rows = _tuned(selection_statement(inputs, selection_id))
    seconds = time.perf_counter() - began
    dropped = {code: n for kind, code, n, _p, _v in rows if kind == "dropped"}
    arms = {code: n for kind, code, n, _p, _v in rows if kind == "arm"}
    control = sum(n for kind, _code, n, _p, _v in rows if kind == "control")
    treated = [(p, v) for kind, _code, _n, p, v in rows if kind == "arm" and p is not None]
    passed = dropped.pop(None, 0)
    counts = {_CODES[number]: n for number, n in dropped.items()}
    final = sum(arms.values())
    explored = exploration.found(rows)
    if below := explored.get("below", 0):
        # Not worth a contact by their score, but drawn: they passed that step.
        counts["not_worth"] -= below
        passed += below
    counts["capacity"] = passed - final - control
    return Outcome(
        waterfall=_waterfall(counts, control, final),
        targets_count=final,
        control_count=control,
        arms=arms,
        expected_responses=sum(p for p, _v in treated) if treated else None,
        response_variance=sum(v for _p, v in treated) if treated else None,
        seconds=seconds,
        explored=explored,
    )


def _waterfall(counts: dict[str, int], control: int, final: int) -> list[dict[str, Any]]:
    remaining = sum(counts.values()) + control + final
    lines: list[dict[str, Any]] = []
    for step in STEPS:
        reasons = {code: n for code, n in counts.items() if REASONS[code][0] == step and n}
        dropped = control if step == "control" else sum(reasons.values())
        remaining -= dropped
        lines.append({"step": step, "dropped": dropped, "remaining": remaining, "reasons": reasons})
    if remaining != final or counts["capacity"] < 0:
        raise AssertionError(f"the waterfall does not add up: {remaining} left, {final} selected")
    return lines


def _stored(inputs: Inputs, outcome: Outcome) -> dict[str, Any]:
    """What the selection was made from and what it is expected to bring, kept with it."""
    return {
        "campaign": definition.describe(inputs.campaign, inputs.arms),
        "on": inputs.on.isoformat(),
        "rules": contact_policy.rules_as_stored(inputs.rules),
        "ranking": inputs.ranking,
        "rate": inputs.rate,
        "rate_source": inputs.rate_source,
        "arms": {arm.code: outcome.arms.get(arm.pk, 0) for arm in inputs.arms},
        "forecast": _forecast(inputs, outcome),
        "exploration": outcome.explored,
    }


def _forecast(inputs: Inputs, outcome: Outcome) -> dict[str, Any]:
    # Uplift is no chance of buying: summed it is no number of sales, and past campaigns forecast instead.
    chances = not _is_uplift(inputs.score_run)
    return forecast.forecast(
        product_code=inputs.campaign.product.code,
        success=inputs.campaign.success,
        days=inputs.campaign.attribution_days,
        on=inputs.on,
        n_treated=outcome.targets_count,
        n_control=outcome.control_count,
        expected_responses=outcome.expected_responses if chances else None,
        response_variance=outcome.response_variance if chances else None,
        margin=inputs.margin,
        cost=forecast.contact_cost(inputs.arms, outcome.arms),
        contacted=_learned_from_contacted(inputs.score_run),
    )


def _learned_from_contacted(score_run: ScoreRun | None) -> bool:
    """Whether the response rates hold the effect of a contact: one model learns from what customers did without one."""
    if score_run is None:
        return True
    return not ScoreRun.objects.filter(pk=score_run.pk, version__card__source=labels.HOLDINGS).exists()


def _why_target(target: Target) -> Why:
    arm = target.arm.code if target.arm else ""
    figures = {"rank": f"{target.rank:,}", "value": f"{target.value:,.2f}", "arm": arm}
    if target.is_exploration and not target.is_control:
        sentence = _(
            "Drawn at random to explore, not by rank: on the final list in arm %(arm)s, worth %(value)s."
        )
        return Why("final", target.withheld, sentence % figures, target.rank, target.value, target.reasons)
    if target.is_control:
        sentence = (
            _("Drawn as control: would have been contacted with rank %(rank)s, worth %(value)s.") % figures
        )
        return Why("control", "control", sentence, target.rank, target.value)
    sentence = _("On the final list with rank %(rank)s in arm %(arm)s, worth %(value)s.") % figures
    return Why("final", target.withheld, sentence, target.rank, target.value, target.reasons)


def _tuned(statement: Piece) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        # One large statement over whole tables: compiling it costs more than it saves, its hashes should stay in
        # memory, and just after an import, without statistics, nested loops over the bank would take hours.
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '128MB'; SET LOCAL enable_nestloop = off")
        return fetched(statement)
