"""Figures of the campaign page: the plan stands on its curve, and reasons in one order wherever they are shown."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from campaigns import campaign_page
from campaigns.campaign_page import Standing
from campaigns.power import minimum_detectable_effect
from campaigns.targeting_sql import REASONS
from tests.campaigns import factories
from tests.cast import Cast, login


@pytest.mark.parametrize(("targets", "control"), [(247, 40), (460, 61), (9000, 90), (60, 20), (300, 300)])
def test_the_plan_stands_on_the_curve_of_what_can_be_shown(targets: int, control: int) -> None:
    forecast = {"base_rate": 0.05, "mde": minimum_detectable_effect(0.05, targets, control)}
    card = campaign_page.power_card(Standing([], forecast, targets, control, None, None, "", "", None))
    rows = card["chart"].option["dataset"]["source"]
    here = control / (targets + control)
    assert [row[1:3] for row in rows if row[0] == here] == [[forecast["mde"]] * 2]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    effects = [row[1] for row in rows]
    assert effects == sorted(effects, reverse=True)
    assert [row[2] for row in rows if row[0] != here] == [None] * (len(rows) - 1)


def left_out(page: str) -> list[str]:
    table = page.split("Left out</th>")[1].split("</table>", maxsplit=1)[0]
    return re.findall(r"<tr><td>([^<]+)</td>", table)


@pytest.mark.django_db
def test_reasons_stand_in_the_order_of_the_checks_before_and_after_the_push(cast: Cast) -> None:
    ids = factories.make_customers(60, cast.tree.n1, cast.rita)
    for column, where in (("is_employee", ids[:3]), ("phone_is_wrong", ids[3:5])):
        factories.Customer.objects.filter(pk__in=where).update(**{column: True})
    draft = factories.draft(cast, "later", capacity=20)
    live = left_out(login(cast.mei).get(reverse("campaign-rail", args=[draft.pk])).content.decode())
    campaign, _push = factories.pushed(cast, "now", capacity=20)
    page = left_out(login(cast.mei).get(reverse("campaign-rail", args=[campaign.pk])).content.decode())
    assert page == live
    assert len(live) >= 3


def test_the_order_is_that_of_the_checks_whatever_the_order_of_storing() -> None:
    codes = [code for code, (step, _text) in REASONS.items() if step == "eligible"]
    shuffled = json.loads(json.dumps(dict.fromkeys(reversed(codes), 1)))
    rows = campaign_page.exclusion_rows([{"step": "eligible", "reasons": shuffled}])
    assert [row["reason"] for row in rows] == [REASONS[code][1] for code in codes]
