"""Plans: made, edited, given targets, and shown against their campaigns."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import planning
from campaigns.models import MarketingPlan, PlanTarget
from tests.campaigns import factories
from tests.cast import login

PERIOD = {"starts_on": dt.date(2026, 10, 1), "ends_on": dt.date(2026, 12, 31), "budget": 100_000}


@pytest.fixture
def plan(cast):
    return planning.create(cast.mei, name="Fourth quarter", **PERIOD)


def targets(lines, **more):
    data = {"targets-TOTAL_FORMS": len(lines), "targets-INITIAL_FORMS": 0, "version": 1} | more
    for n, line in enumerate(lines):
        data |= {f"targets-{n}-{name}": value for name, value in line.items()}
    return data


def test_mei_makes_a_plan_and_others_do_not(cast):
    url = reverse("plan-create")
    answer = login(cast.mei).post(url, {"name": "Winter", **PERIOD})
    assert answer["Location"] == reverse("plan-detail", args=[MarketingPlan.objects.get().pk])
    for person in (cast.omar, cast.max, cast.aud, cast.rita):
        assert login(person).post(url, {"name": "Mine", **PERIOD}).status_code == 403
    assert MarketingPlan.objects.count() == 1


def test_a_reversed_period_and_a_taken_name_are_refused(cast, plan):
    client = login(cast.mei)
    bad = client.post(reverse("plan-create"), {"name": "Back", **PERIOD, "ends_on": "2026-09-01"})
    assert bad.status_code == 422
    assert client.post(reverse("plan-create"), {"name": plan.name, **PERIOD}).status_code == 422
    assert MarketingPlan.objects.count() == 1


def test_targets_are_set_and_a_month_outside_the_plan_is_refused_with_all_lines_kept(cast, plan):
    product = factories.make_product()
    line = {"branch": cast.tree.n1.pk, "product": product.pk, "month": "2026-11", "sales": 30, "volume": 0}
    client, url = login(cast.mei), reverse("plan-targets", args=[plan.pk])
    assert client.post(url, targets([line])).status_code == 302
    refused = client.post(url, targets([line | {"sales": 99}, line | {"month": "2027-05"}], version=2))
    assert refused.status_code == 422
    assert b"2027-05" in refused.content
    assert b'value="99"' in refused.content
    assert PlanTarget.objects.get().sales == 30
    incomplete = client.post(url, targets([line | {"month": ""}]))
    assert b"A target needs branch, product and month" in incomplete.content
    assert login(cast.omar).post(url, targets([])).status_code == 403


def test_the_plan_shows_its_campaigns_against_budget_and_targets(cast, plan):
    factories.draft(cast, plan=plan, budget=60_000)
    factories.draft(cast, "second", plan=plan, budget=70_000)
    page = login(cast.max).get(reverse("plan-detail", args=[plan.pk])).content.decode()
    assert "Autumn" in page
    assert "Second" in page
    assert "¥130,000" in page
    assert "of ¥100,000 budget" in page
    assert "New campaign" not in page


def test_the_plan_costs_the_same_with_many_campaigns(cast, plan):
    client, url = login(cast.mei), reverse("plan-detail", args=[plan.pk])
    factories.draft(cast, plan=plan)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for n in range(8):
        factories.draft(cast, f"more-{n}", plan=plan)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)
