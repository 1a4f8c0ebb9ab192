"""Evaluation: what a campaign really changed, from history alone, frozen with the hash of the sums it stands on.

A report stores its sums and circumstances; every figure on it is computed from those by the pure functions of
``campaigns.verdict``, so a frozen report says the same for ever and an imported campaign is judged like one's own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from bankcrm import audit, clock, figures
from bankcrm.models import Role, User
from campaigns import attribution, evaluation_sql, lifecycle
from campaigns.conflicts import Refused
from campaigns.effect import Moments
from campaigns.effect_tables import Cell, Shrinkage, ShrunkCell, shrink_cells
from campaigns.models import Arm, Campaign, EvaluationReport
from campaigns.verdict import ArmCounts, Circumstances, Readout, evaluate_arms
from customers.models import Response

EVALUATORS = frozenset({Role.MANAGER, Role.PLANNER, Role.ANALYST})
NO_CAP = 1e15


@dataclass(frozen=True)
class Evaluation:
    """A campaign's readout with the sums behind it.

    ``arms`` holds one mapping per cell (assigned, contacted, reached, conversions, cost …), ``deciles`` and
    ``branches`` the shrunk effects of cells with 30 or more per arm, ``spread`` their between-cell variances.
    """

    campaign: Campaign
    as_of: dt.date
    readout: Readout
    sums: dict[str, Any]
    deciles: list[ShrunkCell]
    branches: list[ShrunkCell]
    decile_spread: Shrinkage | None
    branch_spread: Shrinkage | None
    report: EvaluationReport | None = None

    @property
    def arms(self) -> list[dict[str, Any]]:
        return list(self.sums["arms"])

    @property
    def is_frozen(self) -> bool:
        return bool(self.report and self.report.is_frozen)


def evaluate(campaign: Campaign, as_of: dt.date | None = None) -> Evaluation:
    """The evaluation as the data stand now. Raises Refused before anybody was assigned."""
    return from_sums(campaign, collect(campaign, as_of or clock.today()))


def latest(campaign: Campaign) -> Evaluation:
    """The frozen report where there is one, else the evaluation of now."""
    report = campaign.reports.filter(is_frozen=True).first()
    if report is None:
        return evaluate(campaign)
    return from_sums(campaign, report.figures, report)


def collect(campaign: Campaign, as_of: dt.date) -> dict[str, Any]:
    """Every sum and circumstance an evaluation needs, as JSON: five statements, whatever the size of the campaign."""
    imported = campaign.state == Campaign.State.IMPORTED
    params: dict[str, Any] = {
        "code": campaign.code,
        "campaign": campaign.pk,
        "success": campaign.success,
        "how": [counted_how(campaign)],
        "product": campaign.product_id,
        "day": campaign.assigned_on or as_of,
        "cap": None,
    }
    cap = None if imported else evaluation_sql.rows(evaluation_sql.CAP, params)[0]["percentile_cont"]
    params["cap"] = cap if cap is not None else NO_CAP
    arms = evaluation_sql.rows(evaluation_sql.ARMS, params)
    if all(arm["is_control"] for arm in arms):
        raise Refused(_("Nobody was assigned yet: push the campaign first."))
    designed = list(campaign.arms.select_related("offer"))
    framing = framed(campaign, designed, arms, as_of, None if imported else attribution.data_through())
    return framing | _plain(
        {
            "cap": cap,
            "deciles": evaluation_sql.rows(evaluation_sql.BY_DECILE, params),
            "branches": evaluation_sql.rows(evaluation_sql.BY_BRANCH, params),
            "managers": evaluation_sql.rows(evaluation_sql.BY_RM, params),
        }
    )


def counted_how(campaign: Campaign) -> Response.How:
    """Which responses decide: nobody reports for control, so what staff reported cannot; an import says the same of
    every arm."""
    imported = campaign.state == Campaign.State.IMPORTED
    return Response.How.IMPORTED if imported else Response.How.MATCHED


def framed(
    campaign: Campaign,
    designed: list[Arm],
    arms: list[dict[str, Any]],
    as_of: dt.date,
    through: dt.date | None,
) -> dict[str, Any]:
    """The sums of the arms with their costs and circumstances, as JSON; ``through``: ``attribution.data_through``."""
    imported = campaign.state == Campaign.State.IMPORTED
    costs = _costs(designed)
    for arm in arms:
        contact_cost, sale_cost = costs.get(arm["cell_code"], (0.0, 0.0))
        arm["cost"] = arm["contacts"] * contact_cost + arm["conversions"] * sale_cost
    return _plain(
        {
            "as_of": as_of,
            "success": campaign.success,
            "window_end": None if imported else attribution.window_end(campaign),
            "data_through": None if imported else through,
            "outcome_source": imported or campaign.success == Response.Kind.CONVERSION,
            "control_share": None if imported else float(campaign.control_share),
            "arm_shares": {arm.code: float(arm.share) for arm in designed},
            "margin_per_sale": _margin(designed),
            "cap": None,
            "arms": arms,
        }
    )


def readout_of(sums: dict[str, Any]) -> Readout:
    """The answer that stored sums give; pure."""
    return evaluate_arms([_arm_counts(arm, sums) for arm in sums["arms"]], _circumstances(sums))


def from_sums(campaign: Campaign, sums: dict[str, Any], report: EvaluationReport | None = None) -> Evaluation:
    """The evaluation that stored sums give; pure but for the campaign's labels."""
    readout = readout_of(sums)
    deciles, decile_spread = shrink_cells(_cells(sums["deciles"]))
    branches, branch_spread = shrink_cells(_cells(sums["branches"]))
    return Evaluation(
        campaign,
        dt.date.fromisoformat(sums["as_of"]),
        readout,
        sums,
        deciles,
        branches,
        decile_spread,
        branch_spread,
        report,
    )


def freeze_objection(campaign: Campaign, user: User) -> str:
    """Why this user may not freeze the result today, with who may or from when; "" when nothing stands against it."""
    if campaign.state == Campaign.State.IMPORTED:
        return ""
    if user.pk in lifecycle.makers(campaign):
        return _(
            "You made this campaign yourself: a manager, an analyst or a planner who had no part in it may freeze"
            " its result."
        )
    end, through = attribution.window_end(campaign), attribution.data_through()
    if end is None:
        return _("Nobody was assigned yet: push the campaign first.")
    if clock.today() <= end:
        return _(
            "The attribution window is open until %(end)s. The result can be frozen from %(from)s, once the holdings"
            " are loaded to %(end)s."
        ) % {"end": figures.day(end), "from": figures.day(end + dt.timedelta(days=1))}
    if through is None or through < end:
        return _(
            "Holdings are loaded to %(through)s. The result can be frozen once they are loaded to %(end)s,"
            " the end of the window."
        ) % {"through": figures.day(through), "end": figures.day(end)}
    return ""


@transaction.atomic
def freeze(campaign: Campaign, user: User) -> EvaluationReport:
    """Store the evaluation for good. Raises PermissionDenied for another role, Refused with ``freeze_objection``.

    The same sums freeze to the same report; other sums to a new version.
    """
    if not user.may_act_as(EVALUATORS):
        raise PermissionDenied(_("Your role does not include this."))
    # Of two freezes at once the second finds the report of the first.
    campaign = (
        Campaign.objects.select_for_update(no_key=True, of=("self",))
        .select_related("product")
        .get(pk=campaign.pk)
    )
    if objection := freeze_objection(campaign, user):
        raise Refused(objection)
    attribution.match(campaign, user)
    evaluation = evaluate(campaign)
    inputs_hash = _hash(evaluation.sums)
    known = campaign.reports.filter(inputs_hash=inputs_hash, is_frozen=True).first()
    if known:
        return known
    number = (campaign.reports.aggregate(last=Max("version"))["last"] or 0) + 1
    report = EvaluationReport.objects.create(
        campaign=campaign,
        version=number,
        as_of=evaluation.as_of,
        is_frozen=True,
        verdict=evaluation.readout.verdict,
        figures=evaluation.sums,
        inputs_hash=inputs_hash,
    )
    audit.record(user, "campaign.evaluation_frozen", campaign, version=number, inputs_hash=inputs_hash)
    return report


def _hash(sums: dict[str, Any]) -> str:
    """What the figures stand on; the day of looking is not part of it."""
    canonical = json.dumps({key: value for key, value in sums.items() if key != "as_of"}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(sums: dict[str, Any]) -> dict[str, Any]:
    """Dates as ISO text, numbers as JSON has them: what is stored is what is shown."""
    return dict(
        json.loads(
            json.dumps(
                sums, default=lambda value: value.isoformat() if isinstance(value, dt.date) else float(value)
            )
        )
    )


def _costs(arms: list[Arm]) -> dict[str, tuple[float, float]]:
    """Cost of a contact and of a sale, by arm code."""
    return {
        arm.code: (float(arm.offer.cost_per_contact), float(arm.offer.cost_per_sale))
        for arm in arms
        if arm.offer
    }


def _margin(arms: list[Arm]) -> float | None:
    margins = [float(arm.offer.margin_per_sale) for arm in arms if arm.offer]
    return sum(margins) / len(margins) if margins else None


def _arm_counts(arm: dict[str, Any], sums: dict[str, Any]) -> ArmCounts:
    # Of products without an amount, such as cards, no money is known; that is not few buyers.
    money = any(one["buyers"] for one in sums["arms"])
    capped = sums["cap"] is not None
    return ArmCounts(
        code=arm["cell_code"],
        treated=not arm["is_control"],
        assigned=arm["assigned"],
        conversions=arm["successes"],
        label=arm["cell_code"],
        revenue=Moments(arm["assigned"], arm["mean"], arm["variance"], arm["buyers"]) if money else None,
        revenue_capped=Moments(arm["assigned"], arm["capped_mean"], arm["capped_variance"], arm["buyers"])
        if money and capped
        else None,
        cost=arm["cost"],
    )


def _circumstances(sums: dict[str, Any]) -> Circumstances:
    arms = sums["arms"]
    return Circumstances(
        today=dt.date.fromisoformat(sums["as_of"]),
        window_end=_date(sums["window_end"]),
        data_through=_date(sums["data_through"]),
        assigned_at_random=all(arm["is_random"] for arm in arms),
        outcome_source=sums["outcome_source"],
        expected_shares=_expected_shares(sums),
        margin=sums["margin_per_sale"],
        margin_per_sale=True,
        cap=sums["cap"],
    )


def _expected_shares(sums: dict[str, Any]) -> dict[str, float] | None:
    """The designed share of every cell, or None when the design is not known (an import)."""
    control_share, treated = sums["control_share"], sums["arm_shares"]
    controls = [arm["cell_code"] for arm in sums["arms"] if arm["is_control"]]
    if (
        not control_share
        or not controls
        or any(arm["cell_code"] not in treated for arm in sums["arms"] if not arm["is_control"])
    ):
        return None
    present = {arm["cell_code"] for arm in sums["arms"]}
    shares = {code: share * (1 - control_share) for code, share in treated.items() if code in present}
    return shares | {controls[0]: control_share}


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _cells(groups: list[dict[str, Any]]) -> list[Cell]:
    return [
        Cell(
            str(group["label"]),
            group["treated_n"],
            group["treated_successes"],
            group["control_n"],
            group["control_successes"],
        )
        for group in groups
    ]
