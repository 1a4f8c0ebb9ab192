"""Own fields are listed, renamed and retired by administrators and analysts, on record; their values stay."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from bankcrm.models import AuditEvent
from customers import fields, profile
from customers.models import Customer, OwnField, OwnValues
from tests import facts
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db


@pytest.fixture
def score(cast: Cast) -> OwnField:
    """One own field and what it says of Li, who is Rita's: 600, and 650 since November."""
    field = OwnField.objects.create(
        code="own_score", label="Score", type="whole", unit="points", heading="Score"
    )
    li = facts.customer("Li Na", home_branch=cast.tree.n1, primary_rm=cast.rita)
    for day, value in ((dt.date(2026, 10, 1), 600), (dt.date(2026, 11, 1), 650)):
        OwnValues.objects.create(customer=li, valid_from=day, brought_by=1, content={str(field.pk): value})
    return field


def told(field: OwnField, **more: str) -> dict[str, str]:
    return {
        "label": field.label,
        "meaning": "",
        "unit": field.unit,
        "personal": "personal",
        "model_use": "on",
    } | more


def builder_offers(cast: Cast, label: str) -> bool:
    """Whether the audience builder has a field of that label to pick."""
    return f'value="{label}"' in login(cast.mei).get(reverse("audience-create")).content.decode()


def test_a_field_is_renamed_on_record_and_pages_call_it_so(cast: Cast, score: OwnField) -> None:
    client = login(cast.ana)
    url = reverse("own-field-edit", args=[score.pk])
    answer = client.post(url, told(score, label="Bureau score", meaning="By the bureau."))
    assert answer.status_code == 302
    entry = fields.get("own_score")
    assert (entry.label, entry.meaning) == ("Bureau score", "By the bureau.")
    event = AuditEvent.objects.get(action="own_field.changed")
    assert event.details["changed"]["label"] == ["Score", "Bureau score"]
    assert "Bureau score" in login(cast.mei).get(reverse("data-dictionary")).content.decode()


def test_a_label_another_field_has_is_refused(cast: Cast, score: OwnField) -> None:
    OwnField.objects.create(code="own_x", label="Points", type="whole", heading="x")
    answer = login(cast.ada).post(reverse("own-field-edit", args=[score.pk]), told(score, label="points"))
    assert answer.status_code == 422
    assert fields.get("own_score").label == "Score"


def test_a_retired_field_is_offered_nowhere_keeps_its_values_and_comes_back(
    cast: Cast, score: OwnField
) -> None:
    profile.build(facts.MONTH)
    client, url = login(cast.ada), reverse("own-field-retire", args=[score.pk])
    client.post(url)
    assert "own_score" not in fields.for_models()
    assert OwnValues.objects.count() == 2
    assert not builder_offers(cast, "Score")
    client.post(url, {"restore": "1"})
    assert "own_score" in fields.for_models()
    assert builder_offers(cast, "Score")
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True))[-2:] == [
        "own_field.retired",
        "own_field.restored",
    ]
    page = client.get(reverse("own-field-edit", args=[score.pk])).content.decode()
    assert page.index("Offered again") < page.index("Retired")
    assert "own_field." not in page


def test_others_read_the_list_and_change_nothing(cast: Cast, score: OwnField) -> None:
    client = login(cast.rita)
    page = client.get(reverse("own-field-list"))
    assert page.status_code == 200
    assert "Score" in page.content.decode()
    assert client.post(reverse("own-field-retire", args=[score.pk])).status_code == 403
    assert OwnField.objects.get().retired_at is None


def test_customer_360_says_the_newest_value_since_when_and_what_it_was(cast: Cast, score: OwnField) -> None:
    li = Customer.objects.get()
    page = login(cast.rita).get(reverse("customer-tab", args=[li.pk, "own"]))
    (one,) = page.context["told"]
    assert (one.shown, one.since, one.before) == (
        "650 points",
        dt.date(2026, 11, 1),
        [(dt.date(2026, 10, 1), "600 points")],
    )
    assert login(cast.raj).get(reverse("customer-tab", args=[li.pk, "own"])).status_code == 404


def test_personal_words_lose_their_middle_and_sensitive_values_are_masked(
    cast: Cast, score: OwnField
) -> None:
    li = Customer.objects.get()
    word = OwnField.objects.create(code="own_word", label="Word", type="choice", heading="w")
    secret = OwnField.objects.create(
        code="own_secret", label="Secret", type="choice", heading="s", personal="sensitive"
    )
    content = {str(word.pk): "call 13812342291", str(secret.pk): "HIV"}
    OwnValues.objects.create(customer=li, valid_from=dt.date(2026, 11, 2), brought_by=1, content=content)
    client = login(cast.rita)
    shown = {
        one.field.code: one.shown
        for one in client.get(reverse("customer-tab", args=[li.pk, "own"])).context["told"]
    }
    assert shown["own_word"] == "call 138*****291"
    assert shown["own_secret"] == "•••"
    outside = client.get(reverse("api-customer-detail", args=[li.pk])).json()["own_fields"]
    assert outside == {"own_score": 650, "own_word": "call 138*****291"}


def test_a_number_of_the_unit_money_reads_as_an_amount(cast: Cast, score: OwnField) -> None:
    answer = login(cast.ana).post(reverse("own-field-edit", args=[score.pk]), told(score, unit="money"))
    assert answer.status_code == 302
    entry = fields.get("own_score")
    assert (entry.type, entry.unit, entry.display(1650)) == (fields.Type.MONEY, "", "¥1,650")
    page = login(cast.rita).get(reverse("customer-tab", args=[Customer.objects.get().pk, "own"]))
    assert [one.shown for one in page.context["told"]] == ["¥650"]
    outside = login(cast.rita).get(reverse("api-customer-detail", args=[Customer.objects.get().pk])).json()
    assert outside["own_fields"] == {"own_score": 650}
