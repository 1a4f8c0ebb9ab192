"""A profile computed once more, by pandas and plain Python from the rows of a sample bank, is the same to the cent."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from bankcrm import bulk
from customers import profile, sample_bank
from customers.models import AssetClass
from tests.customers.test_sample_bank import forget

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 25)
DAY = dt.date(2026, 10, 31)
YEAR = dt.date(2025, 11, 1)
QUARTER = dt.date(2026, 8, 1)
INVESTED = ["fund", "trust", "securities_custody", "precious_metal"]


@pytest.fixture(scope="module")
def bank(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        sample_bank.create(
            size=400, months=15, seed=11, today=TODAY, transactions_per_month=4, profiles=False, replace=True
        )
        profile.build(DAY)
        yield
        forget()


def table(query: str) -> pd.DataFrame:
    found = bulk.read_columns(query)
    return pd.DataFrame(
        {name: values.tolist() if values.dtype == object else values for name, values in found.items()}
    )


@pytest.fixture(scope="module")
def mine(bank: None, django_db_blocker) -> pd.DataFrame:
    """The product's own rows."""
    with django_db_blocker.unblock():
        return table(f"SELECT * FROM customers_customerprofile WHERE month = '{DAY}'").set_index(
            "customer_id"
        )


@pytest.fixture(scope="module")
def rows(bank: None, django_db_blocker) -> dict[str, pd.DataFrame]:
    """The facts, without any of the product's SQL."""
    with django_db_blocker.unblock():
        names = [
            "product",
            "holding",
            "monthlybalance",
            "transaction",
            "contact",
            "consumerfinancecontract",
            "consumerfinancestate",
            "costrate",
        ]
        found = {name: table(f"SELECT * FROM customers_{name}") for name in names}
        found["customer"] = table("SELECT * FROM customers_customer").set_index("id")
    return found


def on(frame: pd.DataFrame, column: str, first: dt.date, last: dt.date = DAY) -> pd.DataFrame:
    return frame[frame[column].between(pd.Timestamp(first), pd.Timestamp(last))]


def same(mine: pd.Series, other: pd.Series, places: int = 2) -> None:
    expected = other.reindex(mine.index).fillna(0)
    wrong = mine[(mine - expected).abs() > 0.51 * 10.0**-places]
    assert wrong.empty, pd.DataFrame({"profile": wrong, "pandas": expected[wrong.index]}).head()
    assert (expected != 0).any()


def test_assets_loans_and_liabilities(mine, rows):
    product = rows["product"].set_index("id")
    balance = on(rows["monthlybalance"], "month", DAY).join(product, on="product_id")
    for code in [asset_class.value for asset_class in AssetClass]:
        if (balance["asset_class"] == code).any():
            same(mine[code], balance[balance["asset_class"] == code].groupby("customer_id")["average"].sum())
    loans = (
        balance[balance["is_loan"] & (balance["line"] != "credit_card")]
        .groupby("customer_id")["average"]
        .sum()
    )
    cards = balance[balance["line"] == "credit_card"].groupby("customer_id")["average"].sum()
    same(mine["loan_balance"], loans)
    same(mine["liabilities"], loans.add(cards, fill_value=0))
    weight = balance["asset_class"].map(lambda code: {"": 0.0, "securities_custody": 0.5}.get(code, 1.0))
    same(mine["aum"], (balance["average"] * weight).groupby(balance["customer_id"]).sum())


def test_what_is_owed_and_late_on_consumer_finance_as_last_told_by_then(mine, rows):
    told = rows["consumerfinancestate"]
    newest = told[told["as_of"] <= pd.Timestamp(DAY)].sort_values("as_of").groupby("number").tail(1)
    same(mine["principal_outstanding"], newest.groupby("customer_id")["principal_outstanding"].sum())
    same(mine["overdue_days"], newest.groupby("customer_id")["overdue_days"].max())


def test_margin_fees_and_cost(mine, rows):
    balance = on(rows["monthlybalance"], "month", YEAR).join(rows["product"].set_index("id"), on="product_id")
    margin = (balance["average"] * balance["annual_margin"] / 12).groupby(balance["customer_id"]).sum()
    booked = on(rows["transaction"], "booked_on", YEAR)
    fees = -booked[booked["kind"] == "fee"].groupby("customer_id")["amount"].sum()
    finance = (
        on(rows["consumerfinancecontract"], "opened_on", YEAR).groupby("customer_id")["upfront_fee"].sum()
    )
    rate = rows["costrate"].set_index(["basis", "channel"])["cost"]
    cost = booked["channel"].map(rate["transaction"]).fillna(0).groupby(booked["customer_id"]).sum()
    called = on(rows["contact"], "contacted_on", YEAR)
    cost = cost.add(called["channel"].map(rate["contact"]).groupby(called["customer_id"]).sum(), fill_value=0)
    fees = fees.add(finance, fill_value=0)
    same(mine["margin_12m"], margin)
    same(mine["fees_12m"], fees)
    same(mine["cost_12m"], cost)
    whole = margin.add(fees, fill_value=0).sub(cost, fill_value=0)
    same(mine["contribution_12m"], whole, places=1)


@pytest.mark.parametrize("months", [1, 3, 6, 12])
def test_bookings_money_and_assets_over_every_window(mine, rows, months):
    first = (pd.Timestamp(DAY) + pd.Timedelta(days=1) - pd.DateOffset(months=months)).date()
    booked = on(rows["transaction"], "booked_on", first)
    same(mine[f"transactions_{months}m"], booked.groupby("customer_id").size(), 0)
    for way, some in (("in", booked[booked["amount"] > 0]), ("out", booked[booked["amount"] < 0])):
        same(mine[f"amount_{way}_{months}m"], some.groupby("customer_id")["amount"].sum().abs())
    ago = (pd.Timestamp(first) - pd.Timedelta(days=1)).date()
    balance = on(rows["monthlybalance"], "month", ago, ago).join(
        rows["product"].set_index("id"), on="product_id"
    )
    weight = balance["asset_class"].map(lambda code: {"": 0.0, "securities_custody": 0.5}.get(code, 1.0))
    same(mine[f"aum_{months}m_ago"], (balance["average"] * weight).groupby(balance["customer_id"]).sum())


def test_contacts_over_half_a_year_and_a_year(mine, rows):
    lately = on(rows["contact"], "contacted_on", DAY - dt.timedelta(days=179))
    same(mine["contacts_180d"], lately.groupby("customer_id").size(), 0)
    same(mine["contacts_12m"], on(rows["contact"], "contacted_on", YEAR).groupby("customer_id").size(), 0)


def test_products_lines_purchases_and_dates(mine, rows):
    product = rows["product"].set_index("id")
    held = rows["holding"][rows["holding"]["opened_on"] <= pd.Timestamp(DAY)].join(
        product, on="product_id", suffixes=("", "_p")
    )
    open_now = held[held["closed_on"].isna() | (held["closed_on"] > pd.Timestamp(DAY))]
    same(mine["products_held"], open_now.groupby("customer_id")["product_id"].nunique(), 0)
    same(mine["lines_held"], open_now.groupby("customer_id")["line"].nunique(), 0)
    bought = held[(held["asset_class"] != "demand_deposit")]
    lately = on(bought, "opened_on", YEAR)
    same(mine["purchases_12m"], lately.groupby("customer_id").size(), 0)
    first = bought.groupby("customer_id")["opened_on"].min().reindex(mine.index)
    assert first.equals(mine["first_purchase_on"].astype(first.dtype))
    second = (
        held.groupby(["customer_id", "product_id"])["opened_on"].min().groupby("customer_id").nsmallest(2)
    )
    dates = (
        second.groupby(level=0)
        .agg(lambda days: sorted(days)[1] if len(days) > 1 else pd.NaT)
        .reindex(mine.index)
    )
    assert dates.equals(mine["second_product_on"].astype(dates.dtype))


def favourite(frame: pd.DataFrame, what: str, last: str) -> pd.DataFrame:
    """Per customer the commonest value of ``what``, the latest of equally common ones, then the first by name."""
    counted = frame.groupby(["customer_id", what]).agg(n=(last, "size"), last=(last, "max")).reset_index()
    ordered = counted.sort_values(["customer_id", "n", "last", what], ascending=[True, False, False, True])
    return ordered.drop_duplicates("customer_id").set_index("customer_id")


def words(series: pd.Series, index: pd.Index) -> pd.Series:
    return series.reindex(index).fillna("").astype(str)


def test_preferred_channel_and_product(mine, rows):
    booked = on(rows["transaction"], "booked_on", YEAR)
    total = booked.groupby("customer_id").size()
    counted = (
        booked[booked["channel"] != "other"].groupby(["customer_id", "channel"]).size().reset_index(name="n")
    )
    best = counted.sort_values(["customer_id", "n", "channel"], ascending=[True, False, True])
    best = best.drop_duplicates("customer_id").set_index("customer_id")["channel"]
    expected = words(best[total.reindex(best.index) >= 5], mine.index)
    assert (mine["preferred_channel"].astype(str) == expected).all()
    assert expected.ne("").mean() > 0.3
    held = rows["holding"].join(rows["product"].set_index("id"), on="product_id", suffixes=("", "_p"))
    bought = on(held[held["asset_class"] != "demand_deposit"], "opened_on", YEAR)
    times = bought.groupby("customer_id").size()
    line = favourite(bought, "line", "opened_on")["line"]
    assert (mine["preferred_product"].astype(str) == words(line[times >= 2], mine.index)).all()
    channel = favourite(bought[bought["channel"] != ""], "channel", "opened_on")["channel"]
    assert (mine["purchase_channel"].astype(str) == words(channel, mine.index)).all()


def test_activity_by_the_days_since_the_last_transaction(mine, rows):
    last = (
        on(rows["transaction"], "booked_on", YEAR)
        .groupby("customer_id")["booked_on"]
        .max()
        .reindex(mine.index)
    )
    age = (pd.Timestamp(DAY) - last).dt.days
    said = np.select([age < 30, age < 90, age.notna()], ["active", "occasional", "quiet"], "dormant")
    assert (mine["activity"].to_numpy() == said).all()
    assert len(set(said)) > 2


def test_risk_and_financial_preference_row_by_row(mine):
    def risk(one: pd.Series) -> str:
        assets = sum(one[asset_class.value] for asset_class in AssetClass)
        if assets < 1000:
            return ""
        share = (sum(one[code] for code in INVESTED) + one["wealth_management"] / 2) / assets
        return "cautious" if share < 0.1 else "balanced" if share <= 0.4 else "adventurous"

    def money(one: pd.Series) -> str:
        assets = sum(one[asset_class.value] for asset_class in AssetClass)
        saving = one["time_deposit"] + one["treasury_bond"]
        investing = sum(one[code] for code in INVESTED) + one["wealth_management"]
        if assets + one["liabilities"] < 1000:
            return ""
        if one["liabilities"] > assets:
            return "borrowing"
        if one["demand_deposit"] >= 0.6 * assets:
            return "liquidity"
        best = max(saving, investing, one["insurance"])
        return "saving" if saving == best else "investing" if investing == best else "protection"

    assert (mine.apply(risk, axis=1) == mine["risk_preference"]).all()
    assert (mine.apply(money, axis=1) == mine["financial_preference"]).all()
    assert mine["risk_preference"].nunique() > 2
    assert mine["financial_preference"].nunique() > 3


def test_life_stage_and_loyalty_row_by_row(mine, rows):
    customer = rows["customer"].loc[mine.index]
    pension = set(
        on(rows["transaction"], "booked_on", QUARTER).query("kind == 'pension'")["customer_id"].tolist()
    )
    held = rows["holding"].join(rows["product"].set_index("id"), on="product_id", suffixes=("", "_p"))
    open_now = held[
        (held["opened_on"] <= pd.Timestamp(DAY))
        & (held["closed_on"].isna() | (held["closed_on"] > pd.Timestamp(DAY)))
    ]
    borrows = set(open_now[open_now["is_loan"] & (open_now["line"] != "credit_card")]["customer_id"].tolist())

    def stage(who: int) -> str:
        one, born = customer.loc[who], customer.loc[who, "birth_date"]
        if one["kind"] == "firm" or pd.isna(born):
            return ""
        age = DAY.year - born.year - ((DAY.month, DAY.day) < (born.month, born.day))
        if not 0 <= age <= 120:
            return ""
        children, married = one["children"] > 0, one["marital_status"] == "married"
        stops_work = who in pension or one["occupation"] == "retired"
        decided = {
            "retired": age >= 65 or (age >= 50 and stops_work),
            "empty_nest": age >= 55 and (children or married),
            "pre_retirement": age >= 55,
            "family_older": children and age >= 40,
            "family_small": children,
            "student": age < 30 and one["occupation"] == "student",
            "building": age < 40 and who in borrows,
            "young_couple": age < 40 and married,
            "young": age < 30,
        }
        return next((name for name, true in decided.items() if true), "settled")

    assert [stage(who) for who in mine.index] == mine["life_stage"].tolist()
    assert mine["life_stage"].nunique() > 7
    points = (
        (mine["tenure_months"].fillna(0) >= 60).astype(int)
        + (mine["lines_held"] >= 3)
        + (pd.Timestamp(DAY) - mine["last_transaction_on"] < pd.Timedelta(days=30))
        + ((mine["aum"] > 0) & (mine["aum"] >= 0.8 * mine["aum_3m_ago"]))
    )
    assert points.map({0: "D", 1: "D", 2: "C", 3: "B", 4: "A"}).tolist() == mine["loyalty_grade"].tolist()
