"""The feature matrix as of a month-end."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from analytics import features
from analytics.features import Population
from customers import profile
from customers.models import Customer, OwnField, OwnValues
from tests import facts, later
from tests.cast import Cast

OCTOBER, NOVEMBER = dt.date(2026, 10, 31), dt.date(2026, 11, 30)


@pytest.fixture
def people(cast: Cast) -> list[Customer]:
    """Li with a deposit and two bookings, Wang with nothing known."""
    products = facts.make_products()
    facts.make_tiers()
    li = facts.customer("Li Na", industry="farming", birth_date=dt.date(1980, 5, 1))
    wang = facts.customer("Wang Wei", industry="trade")
    facts.holding(
        li, products["deposit-12"], dt.date(2026, 3, 1), matures_on=dt.date(2026, 11, 20), amount=5000
    )
    facts.balance(li, products["deposit-12"], "5000.00")
    facts.transaction(li, "-120.50", dt.date(2026, 10, 12))
    return [li, wang]


def specs_of(*codes: str, months: tuple[dt.date, ...] = (OCTOBER,)) -> tuple[features.FeatureSpec, ...]:
    return features.learn_specs(features.usable(codes), months)


def test_a_row_reads_nothing_later_than_its_month(people: list[Customer]) -> None:
    score = later.own_score()
    for who in people:
        facts.finance(who, (OCTOBER, 500, 4), number=later.early(who))
        OwnValues.objects.create(customer=who, valid_from=OCTOBER, brought_by=1, content={str(score.pk): 600})
    profile.build(OCTOBER)
    everything = features.learn_specs(features.usable(), [OCTOBER])
    before = features.matrix(OCTOBER, everything)
    assert {"own_score", "overdue_days", "amount_in_6m"} <= {spec.name for spec in everything}
    products = {product.code: product for product in facts.Product.objects.all()}
    later.everything(people[0], products, score)
    profile.build(OCTOBER)
    profile.build(NOVEMBER)
    after = features.matrix(OCTOBER, everything)
    assert np.array_equal(before.X, after.X, equal_nan=True)
    assert not np.array_equal(before.X, features.matrix(NOVEMBER, everything).X, equal_nan=True)


def test_a_later_date_is_a_higher_number_and_an_unknown_one_is_missing(people: list[Customer]) -> None:
    profile.build(OCTOBER)
    batch = features.matrix(OCTOBER, specs_of("last_transaction_on", "next_maturity_on"))
    assert batch.X[0].tolist() == [-19.0, 20.0]
    assert np.isnan(batch.X[1]).all()


def test_categories_are_learned_once_and_a_new_value_is_missing(people: list[Customer]) -> None:
    profile.build(OCTOBER)
    (spec,) = specs_of("industry")
    assert spec.categories == ("farming", "trade")
    Customer.objects.filter(pk=people[1].pk).update(industry="space travel")
    column = features.matrix(OCTOBER, (spec,)).X[:, 0]
    assert column[0] == 0
    assert np.isnan(column[1])


def test_pieces_put_together_are_the_whole(people: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        facts.customer(f"Zhao {number}")
    profile.build(OCTOBER)
    specs = specs_of("aum", "industry", "tenure_months")
    whole = features.matrix(OCTOBER, specs)
    monkeypatch.setattr(features, "CHUNK", 3)
    pieces = list(features.chunks(OCTOBER, specs))
    assert [len(piece.ids) for piece in pieces] == [3, 3, 1]
    assert np.array_equal(np.concatenate([piece.ids for piece in pieces]), whole.ids)
    assert np.array_equal(np.concatenate([piece.X for piece in pieces]), whole.X, equal_nan=True)
    assert whole.X.dtype == np.float32


def test_a_population_narrows_the_rows_and_brings_its_own_columns(people: list[Customer]) -> None:
    profile.build(OCTOBER)
    who = Population(
        where="c.industry = %s", params=("trade",), extra={"label": ("c.industry = %s", ("trade",))}
    )
    batch = features.matrix(OCTOBER, specs_of("age"), who)
    assert batch.ids.tolist() == [people[1].pk]
    assert batch.extra["label"].tolist() == [True]
    assert features.count(OCTOBER, who) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["gender", "marital_status", "region", "name", "churn_wealth"])
def test_protected_and_derived_fields_are_no_features(code: str) -> None:
    assert code not in {field.code for field in features.usable()}
    with pytest.raises(ValueError, match=code):
        features.usable([code])


def test_an_own_field_is_read_as_it_was_known_at_the_month_end(people: list[Customer]) -> None:
    li, wang = people
    score = OwnField.objects.create(code="own_score", label="Score", type="whole", heading="Score")
    card = OwnField.objects.create(code="own_card", label="Card", type="choice", heading="Card")
    left = OwnField.objects.create(code="own_left", label="Left", type="flag", heading="Left")
    secret = OwnField.objects.create(
        code="own_secret", label="Secret", type="whole", heading="S", personal="sensitive"
    )
    told = {str(score.pk): 600, str(card.pk): "Blue", str(left.pk): False, str(secret.pk): 1}
    OwnValues.objects.create(customer=li, valid_from=dt.date(2026, 10, 31), brought_by=1, content=told)
    profile.build(OCTOBER)
    specs = specs_of("own_score", "own_card", "own_left")
    before = features.matrix(OCTOBER, specs)
    assert before.X[0].tolist() == [0.0, 0.0, 600.0]
    assert np.isnan(before.X[1]).all()
    OwnValues.objects.create(
        customer=li,
        valid_from=dt.date(2026, 11, 1),
        brought_by=2,
        content={str(score.pk): 700, str(left.pk): True, str(card.pk): None},
    )
    OwnValues.objects.create(
        customer=wang, valid_from=dt.date(2026, 11, 30), brought_by=2, content={str(score.pk): 400}
    )
    profile.build(OCTOBER)
    profile.build(NOVEMBER)
    assert np.array_equal(before.X, features.matrix(OCTOBER, specs).X, equal_nan=True)
    after = features.matrix(NOVEMBER, specs).X
    assert [after[0][1], after[0][2], after[1][2]] == [1.0, 700.0, 400.0]
    assert np.isnan(after[0][0])
    with pytest.raises(ValueError, match="own_secret"):
        features.usable(["own_secret"])
