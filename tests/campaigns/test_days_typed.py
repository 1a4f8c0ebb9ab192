"""A day is picked or typed as YYYY-MM-DD; anything else is asked again with the format, and nothing is guessed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import translation

from bankcrm.day_field import DayField
from campaigns.campaign_forms import BriefForm, CampaignForm
from campaigns.models import MarketingPlan
from campaigns.plan_forms import OfferForm, PlanForm, TargetForm
from tests.campaigns import factories
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
FORMAT = "Write the day as YYYY-MM-DD"


@pytest.mark.parametrize("typed", ["03/04/2026", "31.12.2026", "30 Nov 2026", "2026-02-30", "tomorrow"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_is_no_day_in_our_format_is_refused_in_every_language(language: str, typed: str) -> None:
    with translation.override(language):
        form = PlanForm({"name": "Winter", "starts_on": typed, "ends_on": "2026-12-31", "budget": "0"})
        assert not form.is_valid()
        assert "YYYY-MM-DD" in form.errors["starts_on"][0]
        assert "ends_on" not in form.errors


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_value_of_a_date_control_is_iso_in_every_language(language: str, cast: Cast) -> None:
    plan = MarketingPlan(name="Winter", starts_on=dt.date(2026, 3, 4), ends_on=dt.date(2026, 12, 31))
    with translation.override(language):
        shown = str(PlanForm(instance=plan)["starts_on"])
    assert 'type="date"' in shown
    assert 'value="2026-03-04"' in shown
    assert "placeholder=" in shown


def test_every_day_of_a_planners_forms_is_such_a_field(cast: Cast) -> None:
    campaign = factories.draft(cast)
    forms = [
        (PlanForm(), {"starts_on", "ends_on"}),
        (OfferForm(user=cast.mei), {"valid_from", "valid_to"}),
        (CampaignForm(user=cast.mei), {"starts_on", "ends_on"}),
        (BriefForm(instance=campaign, user=cast.mei), {"starts_on", "ends_on"}),
    ]
    for form, days in forms:
        assert {name for name, field in form.fields.items() if isinstance(field, DayField)} == days


def test_the_page_says_the_format_and_keeps_what_was_typed(cast: Cast) -> None:
    typed = {"name": "Winter", "starts_on": "3 April", "ends_on": "2026-12-31", "budget": "0"}
    answer = login(cast.mei).post(reverse("plan-create"), typed)
    page = answer.content.decode()
    assert FORMAT in page
    assert 'value="3 April"' in page
    assert not MarketingPlan.objects.exists()


def test_a_month_says_its_own_format() -> None:
    form = TargetForm({"month": "04/2026"})
    assert "YYYY-MM," in form.errors["month"][0]
