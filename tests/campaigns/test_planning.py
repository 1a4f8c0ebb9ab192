"""Marketing plans: made by planners, with targets per branch and product, and figures that follow the campaigns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm.models import AuditEvent
from campaigns import lifecycle, planning
from campaigns.models import MarketingPlan, PlanTarget
from customers.models import Assignment, Contact, Response
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast


def make(cast: Cast, **changes: Any) -> MarketingPlan:
    fields = {
        "name": "Fourth quarter",
        "starts_on": dt.date(2026, 10, 1),
        "ends_on": dt.date(2026, 12, 31),
        "budget": 100_000,
    }
    return planning.create(cast.mei, **(fields | changes))


def test_planners_make_plans_and_others_do_not(cast: Cast) -> None:
    assert make(cast).owner == cast.mei
    for user in (cast.omar, cast.rita, cast.ana, cast.aud, cast.ada):
        with pytest.raises(PermissionDenied):
            planning.create(user, name="Mine", starts_on=TODAY, ends_on=TODAY)
    with pytest.raises(ValidationError):
        make(cast, name="Reversed", ends_on=dt.date(2026, 9, 1))
    assert MarketingPlan.objects.count() == 1


def test_an_edit_keeps_what_was(cast: Cast) -> None:
    plan = planning.edit(make(cast), cast.mei, budget=50_000, objective="Keep maturing deposits")
    event = AuditEvent.objects.get(action="plan.edited")
    assert event.details["changed"]["budget"] == ["100000", "50000"]
    planning.edit(plan, cast.mei, budget=50_000)
    assert AuditEvent.objects.filter(action="plan.edited").count() == 1


def test_targets_are_exactly_what_was_given(cast: Cast) -> None:
    plan, product = make(cast), factories.make_product()
    cell = {"branch": cast.tree.n1, "product": product, "sales": 10}
    assert planning.set_targets(plan, cast.mei, [cell | {"month": TODAY}]) == 1
    assert planning.set_targets(plan, cast.mei, [cell | {"month": dt.date(2026, 12, 9)}]) == 1
    assert list(PlanTarget.objects.values_list("month", flat=True)) == [dt.date(2026, 12, 1)]
    for wrong in ([cell | {"month": dt.date(2027, 1, 1)}], [cell | {"month": TODAY}] * 2):
        with pytest.raises(ValidationError):
            planning.set_targets(plan, cast.mei, wrong)
    assert PlanTarget.objects.count() == 1


def test_figures_follow_the_campaigns(cast: Cast) -> None:
    plan, product = make(cast), factories.make_product()
    planning.set_targets(
        plan, cast.mei, [{"branch": cast.tree.n1, "product": product, "month": TODAY, "sales": 30}]
    )
    ids = factories.make_customers(100, cast.tree.n1, cast.rita)
    campaign, done = factories.pushed(cast, plan=plan, budget=60_000)
    factories.draft(cast, "later", plan=plan, budget=50_000)
    lifecycle.cancel(factories.draft(cast, "never", plan=plan, budget=70_000), cast.mei)
    treated = list(Assignment.objects.filter(is_control=False).values_list("customer", flat=True))
    control = next(pk for pk in ids if pk not in treated)
    for pk in treated[:3]:
        Contact.objects.create(
            customer_id=pk,
            contacted_on=TODAY,
            reference=f"x:{pk}",
            channel="phone",
            campaign_code="autumn",
            cell_code="a",
        )
    # A sale to control and one after the window are not the campaign's.
    for pk, after in ((treated[0], 3), (treated[1], 60), (control, 3)):
        Response.objects.create(
            customer_id=pk,
            campaign_code="autumn",
            kind="conversion",
            how="matched",
            responded_on=TODAY + dt.timedelta(days=after),
        )
    with CaptureQueriesContext(connection) as queries:
        found = planning.figures(plan)
    assert len(queries) == 2
    assert [c.code for c in found.campaigns] == ["autumn", "later", "never"]
    assert (found.budget, found.planned, found.is_overplanned) == (Decimal(100_000), Decimal(110_000), True)
    assert found.committed == done.reconciliation["pushed"] * 10
    assert found.spent == 30
    assert (found.sales_target, found.sales) == (30, 1)
    autumn = found.campaigns[0]
    assert autumn.id == campaign.pk
    assert autumn.leads == autumn.open_leads == done.reconciliation["pushed"]
