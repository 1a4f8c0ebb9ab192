"""One customer: facts and models apart, with chance, runner-up, model and date, for whoever may see the customer."""

from __future__ import annotations

import pytest

from analytics import customer_preferences, scoring
from analytics.models import PreferenceAnswer
from customers.models import Customer, CustomerProfile
from tests.analytics import bank, preference_bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


def test_a_customer_is_told_the_likeliest_the_runner_up_and_why_there_is_no_answer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    model = preference_bank.in_use(cast, monkeypatch)
    CustomerProfile.objects.filter(customer_id=10).update(preferred_product="savings")
    run = scoring.score(model, None, cast.ana)
    Customer.objects.filter(pk__lte=60).update(primary_rm=cast.rita, home_branch=cast.tree.n1)
    quiet, busy = Customer.objects.get(pk=31), Customer.objects.get(pk=10)
    with django_assert_num_queries(3):  # type: ignore[operator]
        product, channel, *_others = customer_preferences.of(busy)
    kept = PreferenceAnswer.objects.get(score_run=run, customer=busy)
    assert (product.answer, product.chance, product.second) == (kept.answer, kept.chance, kept.second)
    assert (product.fact, product.version, product.as_of) == ("savings", 1, bank.LATEST)
    assert "No model for this" in channel.why_not
    assert "fewer than 5 bookings" in customer_preferences.of(quiet)[0].why_not
    page = login(cast.rita).get(f"/models/of/{busy.pk}/preferences/").content.decode()
    for said in (product.said, product.second_said, "Prefers product v1", "31 Oct", "No model for this"):
        assert said in page
    assert f"/models/{model.pk}/" not in page  # a relationship manager cannot open the model
    assert (
        f"/models/{model.pk}/" in login(cast.mei).get(f"/models/of/{busy.pk}/preferences/").content.decode()
    )
    tab = login(cast.rita).get(f"/customers/{busy.pk}/needs/").content.decode()
    assert f'hx-get="/models/of/{busy.pk}/preferences/"' in tab
    assert "Preferred product line" in tab
    assert "Likely next product line" not in tab
    told = login(cast.rita).get(f"/api/v1/customers/{busy.pk}/preferences/").json()
    assert [row["field"] for row in told] == [
        "likely_product",
        "likely_channel",
        "likely_risk",
        "likely_finance",
    ]
    assert (told[0]["answer"], told[0]["model"]) == (product.answer, model.code)
    assert told[1]["chance"] is None
    for client in (login(cast.raj), login(cast.ada)):
        assert client.get(f"/models/of/{busy.pk}/preferences/").status_code in (403, 404)
        assert client.get(f"/api/v1/customers/{busy.pk}/preferences/").status_code in (403, 404)
