"""Verbs on marketing plans: making them, setting targets, and how far the period has come against them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from bankcrm import audit, uniqueness
from bankcrm.models import User
from campaigns.conflicts import changed_meanwhile
from campaigns.definition import plain
from campaigns.lifecycle import PLANNERS
from campaigns.models import Campaign, MarketingPlan, PlanTarget
from campaigns.statement import compose, fetched

EDITABLE = ("name", "objective", "starts_on", "ends_on", "budget", "owner")


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """One campaign of a plan. Money in the bank's currency; ``committed`` is what its approved contacts will cost,
    ``spent`` what the contacts made so far have cost; sales are customers who converted inside the window."""

    id: int
    code: str
    name: str
    state: str
    starts_on: dt.date
    ends_on: dt.date
    budget: Decimal
    committed: Decimal
    spent: Decimal
    leads: int
    open_leads: int
    sales: int


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """A plan against what is under it. ``planned`` sums the budgets of campaigns that were not cancelled."""

    campaigns: list[CampaignFigures]
    budget: Decimal
    planned: Decimal
    committed: Decimal
    spent: Decimal
    sales_target: int
    sales: int

    @property
    def is_overplanned(self) -> bool:
        return self.planned > self.budget


@transaction.atomic
def create(user: User, **fields: Any) -> MarketingPlan:
    """A new plan, owned by its maker unless ``owner`` is given. Raises PermissionDenied, ValidationError."""
    _check(user, fields)
    plan = MarketingPlan(**({"owner": user} | fields))
    plan.full_clean()
    uniqueness.save(plan)
    audit.record(user, "plan.created", plan, name=plan.name)
    return plan


@transaction.atomic
def edit(plan: MarketingPlan, user: User, version: int | None = None, **changes: Any) -> MarketingPlan:
    """Change fields of a plan; what was and what is goes to the audit trail.

    Raises PermissionDenied, ValidationError, and Conflict when the plan is no longer the ``version`` the editor saw
    (without it, the one ``plan`` was read as).
    """
    _check(user, changes)
    current = _held(plan, version)
    before = {name: plain(getattr(current, name)) for name in changes}
    for name, value in changes.items():
        setattr(current, name, value)
    current.full_clean()
    after = {name: plain(getattr(current, name)) for name in changes}
    changed = {name: [before[name], after[name]] for name in changes if before[name] != after[name]}
    if changed:
        current.version += 1
        uniqueness.save(current, update_fields=[*changes, "version"])
        audit.record(user, "plan.edited", current, changed=changed)
    return current


@transaction.atomic
def set_targets(
    plan: MarketingPlan, user: User, targets: Iterable[Mapping[str, Any]], version: int | None = None
) -> int:
    """Make the plan's targets exactly these: mappings of branch, product, month, sales, volume. Returns how many.

    ``month`` is any day of the month meant. Raises ValidationError for a month outside the plan or a cell given twice,
    Conflict as ``edit`` does; ``plan`` has the new version afterwards.
    """
    _check(user, {})
    rows = [
        PlanTarget(plan=plan, **{**target, "month": target["month"].replace(day=1)}) for target in targets
    ]
    current = _held(plan, version)
    first, last = plan.starts_on.replace(day=1), plan.ends_on
    for row in rows:
        if not first <= row.month <= last:
            raise ValidationError(
                _("%(month)s is not in the period of the plan.") % {"month": f"{row.month:%Y-%m}"}
            )
        row.full_clean(validate_unique=False, validate_constraints=False)
    cells = {(row.branch_id, row.product_id, row.month) for row in rows}
    if len(cells) != len(rows):
        raise ValidationError(_("A target for one branch, product and month is given twice."))
    PlanTarget.objects.filter(plan=plan).delete()
    PlanTarget.objects.bulk_create(rows)
    plan.version = current.version + 1
    plan.save(update_fields=["version"])
    audit.record(user, "plan.targets_set", plan, targets=len(rows), sales=sum(row.sales for row in rows))
    return len(rows)


_FIGURES = """
SELECT o.id, o.code, o.name, o.state, o.starts_on, o.ends_on, o.budget,
    CASE WHEN o.state IN ('approved', 'running', 'closed')
        THEN coalesce((s.definition #>> '{{forecast,cost}}')::numeric, 0) ELSE 0 END,
    coalesce((
        SELECT sum(f.cost_per_contact) FROM customers_contact k
        JOIN campaigns_arm a ON a.campaign_id = o.id AND a.code = k.cell_code
        JOIN campaigns_offer f ON f.id = a.offer_id
        WHERE k.campaign_code = o.code AND k.contacted_on >= o.assigned_on), 0),
    (SELECT count(*) FROM campaigns_lead l WHERE l.campaign_id = o.id),
    (SELECT count(*) FROM campaigns_lead l WHERE l.campaign_id = o.id AND l.state IN ('new', 'working', 'unassigned')),
    (SELECT count(DISTINCT r.customer_id) FROM customers_response r JOIN customers_assignment g
        ON g.campaign_code = r.campaign_code AND g.customer_id = r.customer_id
        WHERE r.campaign_code = o.code AND r.kind = 'conversion' AND NOT g.is_control
            AND r.responded_on < g.assigned_on + o.attribution_days)
FROM campaigns_campaign o LEFT JOIN campaigns_selection s ON s.id = o.selection_id
WHERE o.plan_id = {plan} ORDER BY o.starts_on, o.id
"""


def figures(plan: MarketingPlan) -> PlanFigures:
    """How the plan stands: budgets, commitments, cost and sales per campaign and in all. Two queries."""
    campaigns = [CampaignFigures(*row) for row in fetched(compose(_FIGURES, plan=plan.pk))]
    target = sum(PlanTarget.objects.filter(plan=plan).values_list("sales", flat=True))
    kept = [campaign for campaign in campaigns if campaign.state != Campaign.State.CANCELLED]
    return PlanFigures(
        campaigns=campaigns,
        budget=plan.budget,
        planned=sum((c.budget for c in kept), Decimal(0)),
        committed=sum((c.committed for c in kept), Decimal(0)),
        spent=sum((c.spent for c in kept), Decimal(0)),
        sales_target=target,
        sales=sum(c.sales for c in kept),
    )


def _held(plan: MarketingPlan, version: int | None) -> MarketingPlan:
    """The plan as it stands, locked, if it is still what the editor saw."""
    current = MarketingPlan.objects.select_for_update().get(pk=plan.pk)
    if current.version != (plan.version if version is None else version):
        raise changed_meanwhile(current)
    return current


def _check(user: User, fields: Mapping[str, Any]) -> None:
    if not user.may_act_as(PLANNERS):
        raise PermissionDenied(_("Your role does not include this."))
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"not a field of a plan: {sorted(unknown)}")
