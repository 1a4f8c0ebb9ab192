"""Audiences: every operator selects who it says, and nothing but the catalogue reaches the database."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics import audience
from analytics.audience import InvalidCondition
from analytics.models import Audience, ModelVersion, PredictiveModel, Score, ScoreRun
from customers import profile
from customers.models import Assignment, Customer, OwnField, OwnValues
from tests import facts
from tests.facts import MONTH

TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def bank(cast):
    """Li (51, gold, fund, N1), Wang (24, basic, S1, nothing known), Zhao (gold, staff, deposit due, N2)."""
    facts.make_tiers()
    products = facts.make_products()
    li = facts.customer(
        "Li", birth_date=dt.date(1975, 1, 1), gender="female", home_branch=cast.tree.n1, primary_rm=cast.rita
    )
    wang = facts.customer(
        "Wang",
        birth_date=dt.date(2002, 1, 1),
        home_branch=cast.tree.s1,
        primary_rm=cast.raj,
        industry="Retail",
    )
    zhao = facts.customer("Zhao", is_employee=True, home_branch=cast.tree.n2, opened_on=dt.date(2026, 9, 1))
    facts.balance(li, products["fund-mixed"], 150_000)
    facts.balance(zhao, products["deposit-12"], 120_000)
    facts.holding(li, products["fund-mixed"])
    facts.holding(zhao, products["deposit-12"], amount=100, matures_on=dt.date(2026, 11, 20))
    profile.build(MONTH)
    return {"Li": li, "Wang": wang, "Zhao": zhao, **products}


def names(condition):
    return set(audience.customers(condition, MONTH, today=TODAY).values_list("name", flat=True))


def row(field, op, *value):
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


CASES = [
    ({}, {"Li", "Wang", "Zhao"}),
    ({"all": []}, {"Li", "Wang", "Zhao"}),
    ({"all": [row("age", "at_least", 30)]}, {"Li"}),
    ({"all": [row("age", "at_most", 51)]}, {"Li", "Wang"}),
    ({"all": [row("age", "between", [24, 30])]}, {"Wang"}),
    ({"all": [row("age", "is", 51)]}, {"Li"}),
    ({"all": [row("age", "one_of", [24, 51])]}, {"Li", "Wang"}),
    ({"all": [row("age", "is_missing")]}, {"Zhao"}),
    ({"all": [row("age", "is_known")]}, {"Li", "Wang"}),
    ({"all": [row("aum", "at_least", 120000)]}, {"Li", "Zhao"}),
    ({"all": [row("aum_change_3m", "between", [0, 120000.5])]}, {"Wang", "Zhao"}),
    ({"all": [row("tier", "is", "gold")]}, {"Li", "Zhao"}),
    ({"all": [row("tier", "not_one_of", ["gold", "private"])]}, {"Wang"}),
    ({"all": [row("industry", "is", "Retail")]}, {"Wang"}),
    ({"all": [row("industry", "is_not", "Retail")]}, {"Li", "Zhao"}),
    ({"all": [row("industry", "is_missing")]}, {"Li", "Zhao"}),
    ({"all": [row("gender", "is", "female")]}, {"Li"}),
    ({"all": [row("is_employee", "is", True)]}, {"Zhao"}),
    ({"all": [row("opened_on", "after", "2026-01-01")]}, {"Zhao"}),
    ({"all": [row("opened_on", "before", "2026-01-01")]}, {"Li", "Wang"}),
    ({"all": [row("opened_on", "between", ["2026-09-01", "2026-09-02"])]}, {"Zhao"}),
    ({"all": [row("opened_on", "older_than_days", 365)]}, {"Li", "Wang"}),
    ({"all": [row("next_maturity_on", "within_days", 20)]}, {"Zhao"}),
    ({"all": [row("next_maturity_on", "within_days", 19)]}, set()),
    ({"all": [row("held_products", "contains", "fund-mixed")]}, {"Li"}),
    ({"all": [row("held_products", "contains", ["fund-mixed", "deposit-12"])]}, {"Li", "Zhao"}),
    ({"all": [row("held_products", "is_missing")]}, {"Wang"}),
    ({"all": [row("branch", "is", "N")]}, {"Li", "Zhao"}),
    ({"all": [row("branch", "one_of", ["N1", "S"])]}, {"Li", "Wang"}),
    ({"all": [row("branch", "is_not", "N")]}, {"Wang"}),
    ({"all": [row("primary_rm", "is", "E-rita")]}, {"Li"}),
    ({"all": [row("primary_rm", "is_missing")]}, {"Zhao"}),
    ({"any": [row("age", "at_most", 24), row("is_employee", "is", True)]}, {"Wang", "Zhao"}),
    ({"none": [row("age", "at_most", 24)]}, {"Li", "Zhao"}),  # an unknown age is not "at most 24"
    ({"none": [{"all": [row("tier", "is", "gold"), row("age", "at_least", 30)]}]}, {"Wang", "Zhao"}),
    ({"all": [row("tier", "is", "gold")], "none": [row("is_employee", "is", True)]}, {"Li"}),
    ({"all": [{"any": [row("age", "is", 51), row("age", "is", 24)]}, row("branch", "is", "S1")]}, {"Wang"}),
]


# A set's own text is in another order in every process; parallel processes must agree on the names of tests.
@pytest.mark.parametrize(
    ("condition", "expected"),
    CASES,
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:60],
)
def test_a_condition_selects_who_it_says(bank, condition, expected):
    assert audience.validate(condition) == []
    assert names(condition) == expected
    assert audience.describe(condition)


def test_customers_are_found_by_a_list_of_numbers(bank):
    wanted = [bank["Li"].number, bank["Wang"].number, "no such number"]
    assert names({"all": [row("customer_number", "one_of", wanted)]}) == {"Li", "Wang"}
    assert names({"all": [row("customer_number", "not_one_of", wanted)]}) == {"Zhao"}


def test_who_left_since_the_as_of_date_is_not_selected(bank):
    Customer.objects.filter(name="Li").update(closed_on=dt.date(2026, 11, 20))
    assert names({}) == {"Wang", "Zhao"}


def test_events_are_found_by_campaign_and_days(bank):
    facts.contact(bank["Li"], TODAY - dt.timedelta(days=10), campaign_code="autumn")
    facts.contact(bank["Wang"], TODAY - dt.timedelta(days=40), campaign_code="summer")
    facts.response(bank["Li"], TODAY - dt.timedelta(days=5))
    facts.response(bank["Wang"], TODAY - dt.timedelta(days=5), kind="refusal")
    Assignment.objects.create(campaign_code="autumn", customer=bank["Zhao"], cell_code="A", assigned_on=TODAY)
    assert names({"all": [row("contacted", "is")]}) == {"Li", "Wang"}
    assert names({"all": [row("contacted", "is", {"days": 30})]}) == {"Li"}
    assert names({"all": [row("contacted", "is", {"campaign": "summer"})]}) == {"Wang"}
    assert names({"all": [row("contacted", "is_not", {"days": 30})]}) == {"Wang", "Zhao"}
    assert names({"all": [row("responded", "is", {"campaign": "autumn"})]}) == {"Li"}
    assert names({"all": [row("assigned", "is", {"campaign": "autumn", "days": 1})]}) == {"Zhao"}


@pytest.fixture
def scores(bank, cast):
    """Scores in use for Li (0.30, decile 1) and Wang (0.02, decile 9); an older run says the opposite."""
    model = PredictiveModel.objects.create(
        code="fund", name="Fund response", product=bank["fund-mixed"], owner=cast.ana
    )
    version = ModelVersion.objects.create(model=model, number=1, algorithm="logistic", trained_by=cast.ana)
    for values in ({"Li": (0.01, 10), "Wang": (0.9, 1)}, {"Li": (0.30, 1), "Wang": (0.02, 9)}):
        run = ScoreRun.objects.create(version=version, as_of=MONTH)
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE analytics_score_{run.pk} PARTITION OF analytics_score FOR VALUES IN ({run.pk})"
            )
        for name, (probability, decile) in values.items():
            Score.objects.create(
                score_run=run, customer=bank[name], raw=probability, probability=probability, decile=decile
            )
    model.current_score_run = run
    model.save(update_fields=["current_score_run"])
    return model


def test_scores_and_deciles_come_from_the_run_in_use(scores):
    assert names({"all": [row("score:fund", "at_least", 0.1)]}) == {"Li"}
    assert names({"all": [row("decile:fund", "one_of", [1, 2])]}) == {"Li"}
    assert names({"all": [row("decile:fund", "at_least", 9)]}) == {"Wang"}
    assert names({"all": [row("score:fund", "is_missing")]}) == {"Zhao"}
    assert names({"none": [row("score:fund", "at_least", 0.1)]}) == {"Wang", "Zhao"}
    assert "Fund response" in audience.describe({"all": [row("score:fund", "at_least", 0.1)]})


def test_one_model_is_joined_once(scores):
    compiled = audience.compile_condition(
        {"all": [row("score:fund", "at_least", 0.1), row("decile:fund", "at_most", 3)]}, MONTH
    )
    assert compiled.from_sql.count("analytics_score") == 1
    assert compiled.sql.count("%s") == len(compiled.params)


def test_a_model_without_scores_or_unknown_is_refused(scores):
    scores.current_score_run = None
    scores.save()
    assert audience.validate({"all": [row("score:fund", "at_least", 0.1)]}) == [
        "Model Fund response has no scores in use yet."
    ]
    assert audience.validate({"all": [row("decile:nothing", "is", 1)]}) == ["There is no model nothing."]


def saved(name, condition, owner):
    return Audience.objects.create(name=name, condition=condition, owner=owner)


def test_a_saved_audience_can_be_used_inside_another(bank, cast):
    gold = saved("Gold", {"all": [row("tier", "is", "gold")]}, cast.mei)
    north = saved(
        "Gold in the north", {"all": [row(f"audience:{gold.pk}", "is"), row("branch", "is", "N1")]}, cast.mei
    )
    assert names({"all": [row(f"audience:{north.pk}", "is")]}) == {"Li"}
    assert names({"all": [row(f"audience:{gold.pk}", "is_not")]}) == {"Wang"}
    assert audience.describe({"all": [row(f"audience:{gold.pk}", "is")]}) == "in audience “Gold”"


def test_an_audience_that_contains_itself_is_refused(bank, cast):
    first = saved("First", {}, cast.mei)
    second = saved("Second", {"all": [row(f"audience:{first.pk}", "is")]}, cast.mei)
    first.condition = {"any": [row(f"audience:{second.pk}", "is")]}
    first.save()
    assert "An audience may not contain itself." in audience.validate(
        {"all": [row(f"audience:{first.pk}", "is")]}
    )
    assert audience.validate({"all": [row("audience:999999", "is")]}) == ["Audience 999999 does not exist."]
    assert audience.validate({"all": [row("audience:1; DROP TABLE x", "is")]})


DEEP = {"all": [row("age", "is", 1)]}
for _ in range(10):
    DEEP = {"all": [DEEP]}
REFUSED = [
    ([], "groups"),
    ({"all": {}}, "must be a list"),
    ({"every": []}, "groups"),
    ({"all": [row("name", "is", "Li")]}, "not a field conditions may use"),
    ({"all": [row("spend_health_3m", "at_least", 1)]}, "not a field conditions may use"),
    ({"all": [row("c.id) OR (1=1", "is", 1)]}, "not a field conditions may use"),
    ({"all": [row("age; DROP TABLE customers_customer", "is", 1)]}, "not a field"),
    ({"all": [row("age", "= 1 OR 1", 1)]}, "cannot be compared"),
    ({"all": [row("age", "contains", 1)]}, "cannot be compared"),
    ({"all": [row("tier", "at_least", "gold")]}, "cannot be compared"),
    ({"all": [row("age", "at_least", "thirty")]}, "not a number"),
    ({"all": [row("age", "at_least", True)]}, "not a number"),
    ({"all": [row("age", "at_least", float("nan"))]}, "not a number"),
    ({"all": [row("age", "between", [60, 30])]}, "above the second"),
    ({"all": [row("age", "between", [60])]}, "two values"),
    ({"all": [row("age", "one_of", [])]}, "at least one value"),
    ({"all": [row("gender", "is", "other")]}, "not a value of Gender"),
    ({"all": [row("opened_on", "before", "2026-13-01")]}, "not a date"),
    ({"all": [row("opened_on", "within_days", -1)]}, "number of days"),
    ({"all": [row("tier", "is", "platinum")]}, "platinum does not exist"),
    ({"all": [row("branch", "is", "X9")]}, "X9 does not exist"),
    ({"all": [row("is_employee", "is", "yes")]}, "yes or no"),
    ({"all": [row("contacted", "is", {"days": "many"})]}, "number of days"),
    ({"all": [row("contacted", "is", {"table": "x"})]}, "may name a campaign"),
    ({"all": [row("score", "at_least", 1)]}, "not a field"),
    ({"all": [row("industry", "is", "a\0b")]}, "not a value"),
    ({"all": [{"op": "is"}]}, "groups"),
    ({"all": [{"field": 7, "op": "is"}]}, "field is missing"),
    ({"all": ["age > 3"]}, "groups"),
    (DEEP, "at most 10 levels"),
    ({"all": [row("age", "is", 1)] * 101}, "at most 100 rows"),
]


@pytest.mark.parametrize(("condition", "said"), REFUSED, ids=lambda value: str(value)[:50])
def test_a_faulty_condition_is_refused_with_a_sentence(bank, condition, said):
    assert any(said in sentence for sentence in audience.validate(condition))
    with pytest.raises(InvalidCondition, match=said):
        audience.compile_condition(condition, MONTH)


def test_a_value_never_becomes_part_of_the_statement(bank):
    evil = "Retail' OR 1=1 --"
    compiled = audience.compile_condition({"all": [row("industry", "is", evil)]}, MONTH)
    assert evil not in compiled.sql
    assert evil in compiled.params
    assert names({"all": [row("industry", "is", evil)]}) == set()


def test_counts_are_of_the_customers_one_may_see(bank, cast):
    gold = {"all": [row("tier", "is", "gold")]}
    seen = {name: audience.count(gold, MONTH, user) for name, user in cast.everybody().items()}
    assert seen == {
        "mei": 2, "omar": 2, "rita": 1, "raj": 0, "bao": 1, "ana": 2, "max": 2, "ada": 0, "aud": 2,
    }  # fmt: skip


def test_row_counts_say_what_each_row_matches_and_leaves(bank, cast):
    condition = {
        "all": [row("age", "is_known"), {"any": [row("tier", "is", "gold"), row("age", "is", 24)]}],
        "any": [row("branch", "is", "N"), row("branch", "is", "HO")],
        "none": [row("is_employee", "is", True), row("gender", "is", "female")],
    }
    with CaptureQueriesContext(connection) as queries:
        found = audience.row_counts(condition, MONTH)
    assert sum("FILTER" in query["sql"] for query in queries.captured_queries) == 1
    assert (found.everybody, found.total) == (3, 1)
    assert [(count.path, count.alone, count.left) for count in found.rows] == [
        ("all.0", 2, 2),
        ("all.1", 3, 2),
        ("all.1.any.0", 2, None),
        ("all.1.any.1", 1, None),
        ("any", 3, 2),
        ("any.0", 2, None),
        ("any.1", 3, None),
        ("none.0", 1, 2),
        ("none.1", 1, 1),
    ]
    assert audience.row_counts(condition, MONTH, cast.rita).everybody == 1


def test_a_condition_reads_as_a_sentence(bank):
    condition = {
        "all": [row("age", "between", [30, 65]), {"any": [row("tier", "one_of", ["gold", "private"])]}],
        "none": [row("contacted", "is", {"campaign": "autumn", "days": 30})],
    }
    assert audience.describe(condition) == (
        "Age is between 30 and 65 and Tier is one of Gold, Private and"
        " not (contacted in campaign autumn within 30 days)"
    )
    assert audience.describe({}) == "Every customer"


@pytest.fixture
def own(bank):
    """Own fields of every type: Li has all values, Zhao those of an older file, Wang none."""
    made = {
        code: OwnField.objects.create(
            code=code, label=code[4:].title(), type=kind, heading=code, choices=words
        )
        for code, kind, words in (
            ("own_score", "whole", []),
            ("own_rate", "number", []),
            ("own_left", "flag", []),
            ("own_card", "choice", ["Blue", "Gold"]),
            ("own_note", "choice", []),
            ("own_seen", "date", []),
        )
    }

    def tell(who, day, **values):
        content = {str(made[f"own_{name}"].pk): value for name, value in values.items()}
        OwnValues.objects.create(customer=bank[who], valid_from=day, brought_by=1, content=content)

    tell("Zhao", dt.date(2026, 1, 31), score=500, left=False, card="Gold")
    # After the month-end of the profile: what is known now is what an audience asks.
    tell("Zhao", dt.date(2026, 11, 20), score=550)
    full = {"score": 700, "rate": 0.25, "left": True, "card": "Blue", "note": "O'Neil", "seen": "2026-10-01"}
    tell("Li", dt.date(2026, 11, 20), **full)
    return made


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (row("own_score", "at_least", 550), {"Li", "Zhao"}),
        (row("own_score", "between", [501, 560]), {"Zhao"}),
        (row("own_rate", "at_most", 0.25), {"Li"}),
        (row("own_left", "is", True), {"Li"}),
        (row("own_left", "is_not", True), {"Wang", "Zhao"}),
        (row("own_card", "one_of", ["Gold"]), {"Zhao"}),
        (row("own_card", "is_missing"), {"Wang"}),
        (row("own_note", "is", "O'Neil"), {"Li"}),
        (row("own_seen", "before", "2026-10-02"), {"Li"}),
        (row("own_seen", "is_known"), {"Li"}),
    ],
)
def test_own_fields_are_compared_by_their_type_with_what_is_known_now(own, condition, found):
    assert names({"all": [condition]}) == found


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (row("own_card", "is", "Red"), "Red is not a value of Card"),
        (row("own_score", "contains", 1), "cannot be compared"),
        (row("own_x' OR 1=1 --", "is", 1), "not a field conditions may use"),
        (row("own_score", "at_least", "1; DROP"), "is not a number"),
    ],
)
def test_what_no_own_field_says_is_refused(own, condition, sentence):
    with pytest.raises(InvalidCondition, match=sentence):
        names({"all": [condition]})


def test_a_sensitive_own_field_is_no_condition_and_a_retired_one_stays_where_it_is_used(own):
    OwnField.objects.filter(code="own_score").update(personal="sensitive")
    OwnField.objects.filter(code="own_left").update(retired_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    with pytest.raises(InvalidCondition, match="not a field conditions may use"):
        names({"all": [row("own_score", "at_least", 1)]})
    assert names({"all": [row("own_left", "is", True)]}) == {"Li"}


def test_the_values_of_an_own_field_are_counted(own):
    cards = audience.distribution("own_card", MONTH)
    assert [(one.value, one.count) for one in cards.bins] == [("Blue", 1), ("Gold", 1)]
    assert (cards.missing, cards.total) == (1, 3)
    assert sum(one.count for one in audience.distribution("own_score", MONTH).bins) == 2
