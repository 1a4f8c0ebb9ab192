"""Churn: who counts as leaving is stored with the model, and the chances lower the loyalty grade."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from analytics import features, labels, predictive, scoring, targets, training, verification
from analytics.forms import ChurnModelForm
from analytics.models import Audience, PredictiveModel, ScoreRun
from bankcrm.partitions import ensure_months
from customers import attitude
from customers.models import CustomerProfile, Product
from tests.analytics import bank
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db
MONTH = dt.date(2026, 6, 30)
JULY, SEPTEMBER = dt.date(2026, 7, 31), dt.date(2026, 9, 30)
DEFINED = {
    "name": "W",
    "code": "w",
    "target": "falls",
    "balance": "fund",
    "share": 0.5,
    "least": 0,
    "horizon_days": 90,
}


@pytest.fixture
def wealth() -> Product:
    """Six customers with 1,000 each in wealth management at the end of June."""
    product = Product.objects.create(
        code="wealth", name="Wealth", line="wealth", asset_class="wealth_management"
    )
    bank.make_people(6)
    bank.make_profiles([MONTH])
    CustomerProfile.objects.filter(month=MONTH).update(wealth_management=1000)
    return product


@pytest.fixture
def loan() -> Product:
    return Product.objects.create(code="loan", name="Loan", line="personal_loan", is_loan=True)


def define(cast: Cast, **changes: Any) -> PredictiveModel:
    fields = {
        "code": "wealth-churn",
        "name": "Wealth churn",
        "kind": "churn",
        "target": "falls",
        "balance": "wealth_management",
        "share": 0.5,
        "least": 500,
        "horizon_days": 90,
        "features": ["aum", "age"],
    }
    return predictive.define(cast.ana, **(fields | changes))


def balance(customer: int, product: Product, amount: float, month: dt.date = SEPTEMBER) -> None:
    ensure_months("customers_monthlybalance", month, month)
    bank.run_sql(
        "INSERT INTO customers_monthlybalance (month, customer_id, product_id, average, closing)"
        " VALUES (%s, %s, %s, %s, 0)",
        month,
        customer,
        product.pk,
        amount,
    )


def hold(
    customer: int, product: Product, closed_on: dt.date | None = None, matures_on: dt.date | None = None
) -> None:
    bank.run_sql(
        "INSERT INTO customers_holding (number, customer_id, product_id, opened_on, closed_on, matures_on)"
        " VALUES (%s, %s, %s, DATE '2024-01-01', %s, %s)",
        f"{product.code}-{customer}-{closed_on}",
        customer,
        product.pk,
        closed_on,
        matures_on,
    )


def answers(model: PredictiveModel, month: dt.date = MONTH) -> dict[int, bool]:
    """Customer → whether it counts as leaving, of everybody the model asks about at a month-end."""
    who, (outcome, params) = targets.population(model, month), targets.outcome(model, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, {outcome} FROM customers_customer c"
            f" JOIN customers_customerprofile p ON p.customer_id = c.id WHERE p.month = %s AND {who.where}",
            [*params, month, *who.params],
        )
        return dict(cursor.fetchall())


def test_a_balance_under_the_share_at_the_end_of_the_horizon_counts(cast: Cast, wealth: Product) -> None:
    model = define(cast)
    CustomerProfile.objects.filter(customer_id=6).update(wealth_management=499)
    balance(1, wealth, 499)
    balance(2, wealth, 500)
    balance(3, wealth, 100, dt.date(2026, 8, 31))
    balance(3, wealth, 900)
    assert targets.window_end(model, MONTH) == SEPTEMBER
    assert answers(model) == {1: True, 2: False, 3: False, 4: True, 5: True}


def test_closing_counts_only_when_nothing_of_the_kind_is_left(cast: Cast, wealth: Product) -> None:
    model = define(cast, target="closes", share=None)
    hold(1, wealth, dt.date(2026, 8, 1))
    hold(2, wealth, dt.date(2026, 8, 1))
    hold(2, wealth)
    hold(3, wealth)
    hold(4, wealth, dt.date(2026, 11, 1))
    hold(5, wealth, dt.date(2026, 6, 1))
    assert answers(model) == {1: True, 2: False, 3: False, 4: False}


def test_repaying_a_loan_counts_only_well_before_it_is_due(
    cast: Cast, wealth: Product, loan: Product
) -> None:
    model = define(cast, target="prepays", balance="loan_balance", share=None, least=0)
    hold(1, loan, dt.date(2026, 8, 1), dt.date(2028, 1, 1))
    hold(2, loan, dt.date(2026, 9, 20), dt.date(2026, 10, 1))
    hold(3, loan, None, dt.date(2028, 1, 1))
    hold(4, loan, dt.date(2026, 12, 1), dt.date(2028, 1, 1))
    hold(5, loan, dt.date(2026, 7, 5), dt.date(2026, 7, 10))
    assert answers(model) == {1: True, 2: False, 3: False, 4: False}


def test_conditions_of_the_model_bound_who_is_asked_about(cast: Cast, wealth: Product) -> None:
    rich = {"all": [{"field": "wealth_management", "op": "at_least", "value": 2000}]}
    CustomerProfile.objects.filter(customer_id__in=[1, 2]).update(wealth_management=5000)
    assert set(answers(define(cast, population=rich))) == {1, 2}
    assert set(answers(define(cast, code="others", exclusions=rich))) == {3, 4, 5, 6}


def test_a_condition_on_contacts_is_refused_because_the_past_did_not_know_it(cast: Cast) -> None:
    saved = Audience.objects.create(
        name="Contacted", owner=cast.ana, condition={"all": [{"contacted": "", "op": "is", "days": 30}]}
    )
    data = {**DEFINED, "population": saved.pk}
    form = ChurnModelForm(data, user=cast.ana)
    assert not form.is_valid()
    assert list(form.errors) == ["population"]
    assert ChurnModelForm({**data, "population": ""}, user=cast.ana).is_valid()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"share": ""}, "share"),
        ({"share": 1.5}, "share"),
        ({"target": "prepays", "balance": "fund"}, "balance"),
        ({"balance": "aum; DROP"}, "balance"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_at_its_field(
    cast: Cast, change: dict[str, Any], field: str
) -> None:
    form = ChurnModelForm({**DEFINED, **change}, user=cast.ana)
    assert list(form.errors) == [field]


def test_the_database_keeps_a_definition_complete(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        define(cast, share=None)
    with pytest.raises((IntegrityError, ValidationError)), transaction.atomic():
        define(cast, balance="")


def churn_bank(cast: Cast, monkeypatch: pytest.MonkeyPatch, n: int = 2000) -> PredictiveModel:
    """A bank in which the lower the assets, the likelier wealth management is halved within three months."""
    monkeypatch.setattr(training, "RESAMPLES", 50)
    product = Product.objects.create(
        code="wealth", name="Wealth", line="wealth", asset_class="wealth_management"
    )
    bank.make_people(n)
    months = [dt.date(2025, 7, 31), dt.date(2025, 10, 31), dt.date(2026, 1, 31), dt.date(2026, 4, 30), JULY]
    bank.make_profiles([*months, bank.LATEST])
    bank.run_sql("UPDATE customers_customerprofile SET wealth_management = 1000")
    for month, later in zip(months, [*months[1:], bank.LATEST], strict=True):
        ensure_months("customers_monthlybalance", later, later)
        bank.run_sql(
            "INSERT INTO customers_monthlybalance (month, customer_id, product_id, average, closing)"
            " SELECT %s, customer_id, %s,"
            " CASE WHEN mod(abs(hashint8extended(customer_id, %s)), 977) > 700 + 0.4 * aum THEN 100 ELSE 990 END, 0"
            " FROM customers_customerprofile WHERE month = %s",
            later,
            product.pk,
            month.toordinal() + 5,
            month,
        )
    model = define(cast, feeds="churn_wealth", features=["aum", "demand_deposit"])
    versions = training.train(model, cast.ana)
    assert versions[0].card["source"] == labels.HOLDINGS
    assert versions[0].card["metrics"]["auc"]["low"] > 0.6
    predictive.promote(versions[0], cast.max)
    return PredictiveModel.objects.get(pk=model.pk)


def test_churn_scores_fill_the_profile_and_lower_the_grade(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = churn_bank(cast, monkeypatch)
    CustomerProfile.objects.filter(month=bank.LATEST).update(facts_grade="A", loyalty_grade="A")
    run = scoring.score(model, None, cast.ana)
    found = dict(run.scores.values_list("customer_id", "probability"))
    average = sum(found.values()) / len(found)
    profiles = CustomerProfile.objects.filter(month=bank.LATEST)
    grades = {"A": 0, "B": 0, "C": 0, "D": 0}
    for row in profiles:
        times = found[row.customer_id] / average
        expected = "D" if times >= 3 else "C" if times >= 2 else "B" if times >= 1.5 else "A"
        assert (row.churn_wealth, row.loyalty_grade) == (pytest.approx(found[row.customer_id]), expected)
        grades[expected] += 1
    assert grades["A"]
    assert grades["B"]


def test_a_better_chance_lifts_the_grade_again_and_a_missing_one_leaves_the_facts(
    cast: Cast, wealth: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    CustomerProfile.objects.update(facts_grade="B", loyalty_grade="B")
    chances = {1: 0.95, 2: 0.1, 3: 0.1, 4: 0.1}
    values = ", ".join(f"({customer}::bigint, {chance}::float8)" for customer, chance in chances.items())
    source = f"SELECT * FROM (VALUES {values}) known (customer_id, probability)"
    monkeypatch.setattr(attitude, "_sources", [lambda month: [("churn_wealth", source, ())]])
    attitude.fill(MONTH)
    assert dict(CustomerProfile.objects.values_list("customer_id", "loyalty_grade")) == {
        1: "D", 2: "B", 3: "B", 4: "B", 5: "B", 6: "B",
    }  # fmt: skip
    assert attitude.fill(MONTH) == 0  # nothing changes the second time
    monkeypatch.setattr(
        attitude, "_sources", [lambda month: [("churn_wealth", source.replace("0.95", "0.1"), ())]]
    )
    attitude.fill(MONTH)
    assert set(CustomerProfile.objects.values_list("loyalty_grade", flat=True)) == {"B"}
    assert CustomerProfile.objects.get(customer_id=5).churn_wealth is None


def test_only_columns_of_churn_can_be_filled(wealth: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attitude, "_sources", [lambda month: [("tier", "SELECT 1, 2", ())]])
    with pytest.raises(ValueError, match="tier"):
        attitude.fill(MONTH)


def test_one_model_fills_a_field(cast: Cast) -> None:
    define(cast, feeds="churn_wealth")
    data = {**DEFINED, "feeds": "churn_wealth"}
    form = ChurnModelForm(data, user=cast.ana)
    assert "Wealth churn" in str(form.errors["feeds"])


def test_churn_is_verified_against_the_balances_that_followed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = churn_bank(cast, monkeypatch)
    run: ScoreRun = scoring.score(model, JULY, cast.ana)
    found = verification.verify(run)
    assert found is not None
    observed = sum(row.positives for row in found.rows)
    assert observed == sum(answers(model, JULY).values()) > 100
    assert found.rows[0].actual > found.rows[-1].actual


def test_a_rule_for_churn_puts_the_quietest_first(cast: Cast, wealth: Product) -> None:
    model = define(cast, code="quiet")
    version = bank.make_version(
        model, 1, algorithm="rule", features=list(features.RULE_FIELDS), card={"rate": 0.1}
    )
    bank.run_sql("UPDATE customers_customerprofile SET transactions_12m = customer_id, aum = customer_id")
    bank.run_sql(
        "UPDATE customers_customerprofile SET last_transaction_on = DATE '2026-05-01' + customer_id::int"
    )
    predictive.promote(version, cast.max)
    run = scoring.score(model, MONTH, cast.ana)
    best = run.scores.order_by("-raw").first()
    assert best is not None
    assert best.customer_id == 1


def test_the_higher_multiple_decides_and_facts_are_the_best_possible(
    cast: Cast, wealth: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binary fractions whose averages are 1/8 and 1/16, so that one and a half, twice and three times are just that."""
    wealth_chances, loan_chances = (
        [1 / 8, 3 / 16, 1 / 4, 1 / 16, 0.0],
        [1 / 32, 1 / 16, 1 / 16, 3 / 16, 0.0, 1 / 32],
    )

    def source(chances: list[float]) -> str:
        rows = ", ".join(f"({at}::bigint, {chance}::float8)" for at, chance in enumerate(chances, start=1))
        return f"SELECT * FROM (VALUES {rows}) known (customer_id, probability)"

    known = [("churn_wealth", source(wealth_chances), ()), ("churn_loan", source(loan_chances), ())]
    monkeypatch.setattr(attitude, "_sources", [lambda month: known])
    CustomerProfile.objects.update(facts_grade="A")
    CustomerProfile.objects.filter(customer_id=5).update(facts_grade="D")
    attitude.fill(MONTH)
    assert dict(CustomerProfile.objects.values_list("customer_id", "loyalty_grade")) == {
        1: "A", 2: "B", 3: "C", 4: "D", 5: "D", 6: "A",
    }  # fmt: skip
    assert [attitude.best_grade(times) for times in (1.49, 1.5, 1.99, 2.0, 3.0)] == ["A", "B", "B", "C", "D"]


def test_model_page_and_customer_page_state_the_rule_the_average_and_the_date(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = churn_bank(cast, monkeypatch)
    run = scoring.score(model, None, cast.ana)
    best = run.scores.order_by("-probability").first()
    assert best is not None
    bank.run_sql("UPDATE customers_customer SET primary_rm_id = %s", cast.rita.pk)
    page = login(cast.max).get(f"/models/{model.pk}/").content.decode()
    for said in ("Who has at least ¥500 of Wealth management", "lowered by the higher chance", "Fills"):
        assert said in page
    average = sum(run.scores.values_list("probability", flat=True)) / run.rows
    panel = login(cast.rita).get(f"/models/of/{best.customer_id}/churn/").content.decode()
    for said in (f"{best.probability / average:.1f} times the average", "falls under", "v1", "31 Oct"):
        assert said in panel
    assert f"/models/{model.pk}/" not in panel
    tab = login(cast.rita).get(f"/customers/{best.customer_id}/loyalty/").content.decode()
    assert f'hx-get="/models/of/{best.customer_id}/churn/"' in tab
    assert "lowered by the higher chance" in tab
    assert login(cast.raj).get(f"/models/of/{best.customer_id}/churn/").status_code in (200, 404)


def test_a_balance_that_did_not_come_in_is_no_leaving(cast: Cast, wealth: Product) -> None:
    model = define(cast)
    for customer in range(1, 7):
        balance(customer, wealth, 1000, MONTH)
        # Of the last somebody told that the contract is closed, of the others nobody.
        hold(customer, wealth, dt.date(2026, 8, 1) if customer == 6 else None)
    bank.run_sql("UPDATE customers_monthlybalance SET closing = average")
    for customer, amount in enumerate((1000, 900, 400, 0), start=1):
        balance(customer, wealth, amount)
    assert learned(model) == {1: False, 2: False, 3: True, 4: True, 6: True}
    bank.run_sql("DELETE FROM customers_monthlybalance WHERE month = %s", SEPTEMBER)
    assert learned(model) == {6: True}


def learned(model: PredictiveModel) -> dict[int, bool]:
    """Customer → whether it counts as leaving, of everybody the model learns from at the month-end."""
    who, (outcome, params) = targets.learnable(model, MONTH), targets.outcome(model, MONTH)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, {outcome} FROM customers_customer c"
            f" JOIN customers_customerprofile p ON p.customer_id = c.id WHERE p.month = %s AND {who.where}",
            [*params, MONTH, *who.params],
        )
        return dict(cursor.fetchall())
