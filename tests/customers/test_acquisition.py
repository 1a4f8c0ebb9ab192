"""Acquisition cohorts: every figure against pandas on a sample bank, too early is never zero, and who may see whom."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from statsmodels.stats.proportion import proportion_confint

from bankcrm import bulk
from bankcrm.models import AuditEvent
from customers import acquisition, consumer_finance, sample_bank
from customers.acquisition_figures import Share, figures, ripe_until, triangle
from customers.models import Acquisition, ConsumerFinanceState, Customer, Product, ProductMargin
from tests import facts
from tests.cast import Cast, login

pytestmark = pytest.mark.django_db

AS_OF = dt.date(2026, 10, 31)
CHANGED = dt.date(2026, 8, 31)


def months(later: pd.Series, earlier: pd.Series) -> pd.Series:
    """Calendar months between two columns of dates, NaN where one is missing."""
    return (later.dt.year - earlier.dt.year) * 12 + later.dt.month - earlier.dt.month


def read(table: str, columns: str) -> pd.DataFrame:
    found = bulk.read_columns(f"SELECT {columns} FROM {table}")
    return pd.DataFrame({name: list(values) for name, values in found.items()})


def expected(as_of: dt.date, first: dt.date) -> pd.DataFrame:
    """One row per acquired customer, computed row by row in pandas from the facts."""
    end, start = pd.Timestamp(as_of), pd.Timestamp(first)
    who = read(
        "customers_customer",
        "id, opened_on, closed_on, acquisition_channel AS channel, acquisition_cost::float8 AS cost",
    ).set_index("id")
    for name in ("opened_on", "closed_on"):
        who[name] = pd.to_datetime(who[name])
    who = who[(who.opened_on >= start) & (who.opened_on <= end)]
    who["cohort"] = who.opened_on.dt.to_period("M").dt.to_timestamp()
    who["left_after"] = months(who.closed_on.where(who.closed_on <= end), who.opened_on)

    held = read("customers_holding", "customer_id, product_id::text AS product, opened_on")
    states = read(
        "customers_consumerfinancestate",
        "number, customer_id, opened_on, upfront_fee::float8 AS fee, principal_outstanding::float8 AS owed,"
        " overdue_days, as_of",
    )
    for frame, names in ((held, ["opened_on"]), (states, ["opened_on", "as_of"])):
        for name in names:
            frame[name] = pd.to_datetime(frame[name])
    states = states[states.as_of <= end].sort_values("as_of")
    products = pd.concat(
        [
            held[held.opened_on <= end],
            states[["customer_id", "opened_on"]].assign(product="consumer finance"),
        ]
    )
    firsts = products.groupby(["customer_id", "product"]).opened_on.min().reset_index()
    second = firsts.sort_values("opened_on").groupby("customer_id").opened_on.nth(1)
    second = pd.Series(second.values, index=firsts.loc[second.index, "customer_id"])
    who["second_after"] = months(who.index.to_series().map(second), who.opened_on).clip(lower=0)

    newest = states.groupby("number").tail(1)
    by = newest.groupby("customer_id")
    who["contracts"] = by.size().reindex(who.index).fillna(0)
    who["fees"] = by.fee.sum().reindex(who.index).fillna(0)
    who["outstanding"] = by.owed.sum().reindex(who.index).fillna(0)
    for days in (30, 90):
        late = newest[newest.overdue_days > days].groupby("customer_id")
        who[f"contracts_{days}"] = late.size().reindex(who.index).fillna(0)
        who[f"outstanding_{days}"] = late.owed.sum().reindex(who.index).fillna(0)
        ever = states[states.overdue_days > days].groupby("customer_id").as_of.min()
        who[f"over_{days}_after"] = months(who.index.to_series().map(ever), who.opened_on)

    money = read(
        "customers_monthlybalance b JOIN customers_product p ON p.id = b.product_id",
        "b.customer_id, b.month, b.average::float8 AS average, p.annual_margin::float8 AS margin",
    )
    money["month"] = pd.to_datetime(money["month"])
    # Whatever a product earned, from that day on it is a half.
    money["amount"] = money.average * money.margin.where(money.month < pd.Timestamp(CHANGED), 0.5) / 12
    money = pd.concat(
        [
            money[(money.month >= start) & (money.month <= end)],
            newest.rename(columns={"opened_on": "month", "fee": "amount"})[
                ["customer_id", "month", "amount"]
            ],
        ]
    )
    money = money[money.customer_id.isin(who.index)]
    money["after"] = months(money.month, money.customer_id.map(who.opened_on)).clip(lower=0)
    who["value"] = money.groupby("customer_id").amount.sum().reindex(who.index).fillna(0)
    age = (as_of.year - who.cohort.dt.year) * 12 + as_of.month - who.cohort.dt.month
    for n in (3, 6, 12, 24):
        within = money[money.after <= n].groupby("customer_id").amount.sum().reindex(who.index).fillna(0)
        who[f"value_{n}"] = within.where(age >= n)
    return who.sort_index()


@pytest.fixture
def bank() -> pd.DataFrame:
    made = sample_bank.create(
        size=1000,
        months=18,
        seed=4,
        today=AS_OF + dt.timedelta(days=5),
        transactions_per_month=0.1,
        profiles=False,
    )
    ProductMargin.objects.bulk_create(
        ProductMargin(product=product, annual_margin="0.5", valid_from=CHANGED)
        for product in Product.objects.all()
    )
    acquisition.build(made.as_of)
    return expected(made.as_of, acquisition.first_cohort(made.as_of))


def test_every_row_is_what_pandas_computes(bank: pd.DataFrame) -> None:
    built = pd.DataFrame(Acquisition.objects.order_by("pk").values()).set_index("customer_id")
    assert list(built.index) == list(bank.index)
    assert len(built) > 60
    assert bank.contracts.sum() > 5
    assert bank.contracts_30.sum() > 0
    for name in bank.columns.intersection(built.columns).drop(["cohort", "channel"]):
        ours = pd.to_numeric(built[name].astype(object), errors="coerce").astype(float)
        pd.testing.assert_series_equal(
            ours, bank[name].astype(float), check_names=False, rtol=0, atol=0.02, obj=name
        )
    assert (pd.to_datetime(built.cohort) == bank.cohort).all()


def test_the_figures_of_every_group_and_cohort_are_what_pandas_computes(bank: pd.DataFrame) -> None:
    found = {(one.key, one.cohort): one for one in figures(Acquisition.objects.all(), "channel", AS_OF)}
    groups = [((None, None), bank)]
    groups += [((key, None), rows) for key, rows in bank.groupby("channel")]
    groups += [((None, cohort.date()), rows) for cohort, rows in bank.groupby("cohort")]
    groups += [((key, cohort.date()), rows) for (key, cohort), rows in bank.groupby(["channel", "cohort"])]
    assert len(found) == len(groups)
    for place, rows in groups:
        one = found[place]
        assert one.n == len(rows)
        assert one.cost_per_customer == pytest.approx(rows.cost.mean(), abs=0.01)
        assert one.fees == pytest.approx(rows.fees.sum(), abs=0.1)
        for n in (3, 6, 12):
            ripe = rows[rows.cohort <= pd.Timestamp(ripe_until(AS_OF, n))]
            assert (one.second(n).count, one.second(n).n) == ((ripe.second_after <= n).sum(), len(ripe))
        borrowers = rows[rows.contracts > 0]
        assert (one.overdue(30).count, one.overdue(30).n) == (
            (borrowers.contracts_30 > 0).sum(),
            len(borrowers),
        )
        assert one.overdue_contracts(90).count == rows.contracts_90.sum()
        if rows.outstanding.sum():
            assert one.overdue_principal(30) == pytest.approx(
                rows.outstanding_30.sum() / rows.outstanding.sum(), abs=1e-4
            )
        if rows.cost.sum():
            assert one.per_cost.value == pytest.approx(rows.value.sum() / rows.cost.sum(), abs=1e-3)


def test_the_interval_of_value_per_cost_covers_the_truth_of_resampled_banks(bank: pd.DataFrame) -> None:
    one = next(
        o for o in figures(Acquisition.objects.all(), "channel", AS_OF) if (o.key, o.cohort) == (None, None)
    )
    ratios = []
    for seed in range(400):
        again = bank.sample(len(bank), replace=True, random_state=seed)
        ratios.append(again.value.sum() / again.cost.sum())
    spread = pd.Series(ratios).std()
    assert one.per_cost.high is not None
    assert one.per_cost.value is not None
    assert (one.per_cost.high - one.per_cost.value) / 1.96 == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(("count", "n"), [(0, 5), (3, 5), (5, 5), (70, 400)])
def test_a_shares_interval_is_wilsons(count: int, n: int) -> None:
    assert (Share(count, n).low, Share(count, n).high) == pytest.approx(
        proportion_confint(count, n, method="wilson"), abs=1e-9
    )


def test_the_triangle_counts_by_months_and_says_nothing_about_months_to_come(bank: pd.DataFrame) -> None:
    for event, column in (("second", "second_after"), ("stayed", "left_after"), ("over_30", "over_30_after")):
        counting = bank[bank.contracts > 0] if event == "over_30" else bank
        found = {row.cohort: row for row in triangle(Acquisition.objects.all(), event, AS_OF)}
        assert set(found) == {cohort.date() for cohort in counting.cohort}
        for cohort, rows in counting.groupby("cohort"):
            row = found[cohort.date()]
            age = (AS_OF.year - cohort.year) * 12 + AS_OF.month - cohort.month
            for month, count in enumerate(row.counts):
                if month > age:
                    assert count is None
                    continue
                reached = (rows[column] <= month).sum()
                assert count == (len(rows) - reached if event == "stayed" else reached)


@pytest.fixture
def small(cast: Cast) -> dict[str, Customer]:
    """Two customers of N1, one of S1: acquired in May, May and September 2026; Lin is 40 days overdue."""
    products = facts.make_products()
    given = {
        "lin": (dt.date(2026, 5, 4), cast.tree.n1, "app", 40),
        "wu": (dt.date(2026, 5, 20), cast.tree.n1, "", None),
        "zhao": (dt.date(2026, 9, 2), cast.tree.s1, "=branch", 20),
    }
    made = {}
    for name, (day, branch, channel, cost) in given.items():
        made[name] = facts.customer(
            name, opened_on=day, home_branch=branch, acquisition_channel=channel, acquisition_cost=cost
        )
        facts.holding(made[name], products["current"], day)
        for month in (dt.date(2026, 4, 30), dt.date(2026, 9, 30), AS_OF):
            facts.balance(made[name], products["current"], 1000, month)
    facts.holding(made["lin"], products["fund-mixed"], dt.date(2026, 7, 9))
    state(made["lin"], AS_OF, overdue_days=40)
    acquisition.build(AS_OF)
    return made


def state(who: Customer, as_of: dt.date, **more: object) -> ConsumerFinanceState:
    given = {"number": f"F-{who.pk}", "opened_on": dt.date(2026, 8, 3), "upfront_fee": 35, "principal": 1000}
    made = ConsumerFinanceState.objects.create(
        customer=who, as_of=as_of, **(given | {"principal_outstanding": 800} | more)
    )
    consumer_finance.derive_again()
    return made


def test_cohorts_too_young_to_tell_read_too_early_and_not_zero(
    cast: Cast, small: dict[str, Customer]
) -> None:
    found = {
        one.cohort: one for one in figures(Acquisition.objects.all(), "channel", AS_OF) if one.key is None
    }
    assert (found[dt.date(2026, 5, 1)].second(3).count, found[dt.date(2026, 5, 1)].second(3).n) == (1, 2)
    assert found[dt.date(2026, 9, 1)].second(3).value is None
    page = login(cast.max).get(reverse("acquisition")).content.decode()
    assert "too early" in page
    assert "small group" in page


def test_nothing_later_than_the_as_of_date_is_read(small: dict[str, Customer]) -> None:
    state(small["wu"], dt.date(2026, 11, 30), overdue_days=95)
    acquisition.build(AS_OF)
    assert Acquisition.objects.get(pk=small["wu"].pk).contracts == 0
    acquisition.build(dt.date(2026, 11, 30))
    assert Acquisition.objects.get(pk=small["wu"].pk).contracts_90 == 1
    assert acquisition.build(AS_OF) == 0


def test_a_branch_sees_its_own_customers_in_figures_lists_and_files(
    cast: Cast, small: dict[str, Customer]
) -> None:
    seen = {}
    for name in ("bao", "max", "mei", "ana", "aud"):
        browser = login(getattr(cast, name))
        rows = browser.get(reverse("acquisition-customers")).context["page"].rows
        seen[name] = sorted(row.customer.name for row in rows)
        page = browser.get(reverse("acquisition"))
        assert page.context["total"].n == len(rows)
        lines = browser.get(reverse("acquisition-csv")).content.decode("utf-8-sig").splitlines()
        assert lines[1].split(",")[:3] == ["all", "all", str(len(rows))]
    everybody = {name: ["lin", "wu", "zhao"] for name in ("max", "mei", "ana", "aud")}
    assert seen == {"bao": ["lin", "wu"]} | everybody
    for name in ("rita", "ada"):
        assert login(getattr(cast, name)).get(reverse("acquisition")).status_code == 403


def test_filters_narrow_and_nonsense_in_the_address_filters_nothing(
    cast: Cast, small: dict[str, Customer]
) -> None:
    browser = login(cast.max)

    def total(**asked: str) -> int:
        found = browser.get(reverse("acquisition"), asked).context["total"]
        return found.n if found else 0

    assert total(channel="app") == 1
    assert total(channel="-") == 1
    assert total(branch="N") == 2
    assert total(first="2026-09-01") == 1
    assert total(first="2026-09-01", last="2026-05-01") == 3
    assert total(by="nothing", first="soon", branch="X", event="<b>") == 3


def test_the_list_behind_a_figure_holds_who_it_counts(cast: Cast, small: dict[str, Customer]) -> None:
    browser = login(cast.max)
    for what, names in (
        ("over_30", ["lin"]),
        ("second_3", ["lin"]),
        ("over_90", []),
        ("costed", ["lin", "zhao"]),
    ):
        rows = browser.get(reverse("acquisition-customers"), {"what": what}).context["page"].rows
        assert sorted(row.customer.name for row in rows) == names, what
    assert browser.get(reverse("acquisition-customers"), {"what": "x"}).status_code == 404


def test_the_file_is_audited_and_no_cell_is_a_formula(cast: Cast, small: dict[str, Customer]) -> None:
    text = login(cast.max).get(reverse("acquisition-csv")).content.decode("utf-8-sig")
    assert "'=branch" in text
    assert "\n=branch" not in text
    assert AuditEvent.objects.get(action="acquisition.exported").actor == cast.max
    login(cast.aud).get(reverse("acquisition-csv"))
    assert AuditEvent.objects.filter(action="acquisition.exported").count() == 1


def test_the_page_asks_the_same_number_of_questions_whatever_there_is(
    cast: Cast, small: dict[str, Customer]
) -> None:
    browser = login(cast.max)
    browser.get(reverse("acquisition"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(reverse("acquisition"))
    for month in range(1, 10):
        facts.customer(
            opened_on=dt.date(2026, month, 3), home_branch=cast.tree.n2, acquisition_channel=f"c{month}"
        )
    acquisition.build(AS_OF)
    with CaptureQueriesContext(connection) as many:
        browser.get(reverse("acquisition"))
    assert len(many) == len(few)


def test_before_the_first_build_the_page_says_so(cast: Cast) -> None:
    assert "No cohorts yet" in login(cast.max).get(reverse("acquisition")).content.decode()
    assert login(cast.max).get(reverse("acquisition-csv")).status_code == 404
