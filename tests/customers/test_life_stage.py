"""The life stage follows stated rules, the first that fits, from age, family and product facts."""

import datetime as dt

import pytest
from django.utils import translation

from customers import fields, life_stage, profile
from customers.grades import LifeStage
from customers.models import CustomerProfile
from tests import facts
from tests.facts import MONTH

pytestmark = pytest.mark.django_db


def born(age: int) -> dt.date:
    return dt.date(MONTH.year - age, 3, 1)


def stage(age: int | None, *, loan: bool = False, pension: bool = False, **more) -> str:
    li = facts.customer(birth_date=born(age) if age else None, **more)
    products = facts.make_products()
    if loan:
        facts.holding(li, products["personal-loan"])
    if pension:
        facts.transaction(li, 4000, dt.date(2026, 9, 10), kind="pension")
    profile.build(MONTH)
    return CustomerProfile.objects.get(customer=li).life_stage


# One row and more for every line of the rule, the edges among them.
ROWS = [
    ({"age": 65}, "retired"),
    ({"age": 64}, "pre_retirement"),
    ({"age": 50, "pension": True}, "retired"),
    ({"age": 49, "pension": True}, "settled"),
    ({"age": 52, "occupation": "Retired"}, "retired"),
    ({"age": 52, "occupation": "退休"}, "retired"),
    ({"age": 48, "occupation": "retired"}, "settled"),
    ({"age": 55, "marital_status": "married"}, "empty_nest"),
    ({"age": 60, "children": 1}, "empty_nest"),
    ({"age": 55, "marital_status": "single", "children": 0}, "pre_retirement"),
    ({"age": 54, "children": 2}, "family_older"),
    ({"age": 40, "children": 1, "marital_status": "single"}, "family_older"),
    ({"age": 39, "children": 1}, "family_small"),
    ({"age": 22, "children": 1, "occupation": "student"}, "family_small"),
    ({"age": 29, "occupation": "student", "loan": True}, "student"),
    ({"age": 30, "occupation": "student"}, "settled"),
    ({"age": 39, "loan": True, "marital_status": "married"}, "building"),
    ({"age": 40, "loan": True}, "settled"),
    ({"age": 39, "marital_status": "married"}, "young_couple"),
    ({"age": 40, "marital_status": "married"}, "settled"),
    ({"age": 29}, "young"),
    ({"age": 30, "marital_status": "divorced"}, "settled"),
    ({"age": None, "children": 2}, ""),
    ({"age": 45, "kind": "firm"}, ""),
]


@pytest.mark.parametrize(("told", "said"), ROWS, ids=[f"{told}" for told, _ in ROWS])
def test_each_row_of_the_rule_gives_its_stage(told: dict, said: str) -> None:
    assert stage(**told) == said


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (dt.date(2099, 3, 1), None),
        (MONTH + dt.timedelta(days=1), None),
        (MONTH, 0),
        (dt.date(1905, 11, 1), 120),
        (dt.date(1905, 10, 31), None),
        (dt.date(1900, 1, 1), None),
    ],
)
def test_an_age_nobody_can_have_is_unknown(day: dt.date, age: int | None) -> None:
    li = facts.customer(birth_date=day)
    profile.build(MONTH)
    found = CustomerProfile.objects.get(customer=li)
    assert found.age == age
    assert (found.life_stage == "") is (age is None)


def test_every_stage_has_a_rule_and_every_rule_a_row() -> None:
    ruled = [rule.stage for rule in life_stage.RULES]
    assert set(ruled) == set(LifeStage)
    assert len(ruled) == len(set(ruled))
    assert {said for _, said in ROWS} == {*(stage.value for stage in LifeStage), ""}


def test_a_pension_older_than_three_months_retires_nobody() -> None:
    li = facts.customer(birth_date=born(52))
    facts.make_products()
    facts.transaction(li, 4000, dt.date(2026, 7, 31), kind="pension")
    profile.build(MONTH)
    assert CustomerProfile.objects.get(customer=li).life_stage == "settled"


def test_the_dictionary_states_the_rule_line_by_line() -> None:
    with translation.override("en"):
        meaning = str(fields.get("life_stage").meaning)
        for rule in life_stage.RULES:
            assert f"{rule.stage.label}: {rule.sentence}" in meaning
