"""Real files of other people go through the product's own import and come out right, to the last crown and point."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth
from django.urls import reverse
from statsmodels.stats.proportion import confint_proportions_2indep

from analytics import predictive, scoring, training
from bankcrm import bulk, clock
from campaigns import attribution, evaluation
from campaigns.models import Campaign
from campaigns.refusal import Code
from customers import profile
from customers.models import (
    Assignment,
    Contact,
    Customer,
    CustomerProfile,
    Holding,
    ImportFile,
    MonthlyBalance,
    Product,
    Response,
    Transaction,
)
from tests.campaigns import factories
from tests.cast import Cast, login

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not DATA.exists(), reason="the real data is not at ../shared/data"),
]
BERKA, HILLSTROM, CALLS = DATA / "berka", DATA / "hillstrom.csv.gz", DATA / "bank-additional-full.csv.gz"


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def bring(kind: str, path: Path, user: str, *more: str, **options: Any) -> str:
    out = StringIO()
    call_command("import_file", kind, str(path), "--as", user, *more, stdout=out, **options)
    return out.getvalue()


# --- berka ---------------------------------------------------------------------------------------------------------


def raw(name: str) -> pd.DataFrame:
    return pd.read_csv(next(BERKA.glob(f"{name}*.asc.gz")), sep=";")


def day(number: Any) -> dt.date:
    return dt.datetime.strptime(f"19{int(str(number)[:6]):06d}", "%Y%m%d").date()  # noqa: DTZ007  a day has no zone


@pytest.fixture
def berka(cast: Cast) -> Cast:
    bring("customers", BERKA, "ana", "--source-preset", "berka", "--constant", "branch=N1")
    for kind in ("holdings", "transactions", "balances"):
        bring(kind, BERKA, "ana", "--source-preset", "berka")
    return cast


@pytest.mark.slow
def test_every_row_of_the_czech_bank_is_in_and_a_second_time_changes_nothing(berka: Cast) -> None:
    client, trans = raw("client"), raw("trans")
    assert Customer.objects.count() == len(client)
    assert Holding.objects.count() == len(raw("account")) + len(raw("loan")) + len(raw("card"))
    assert Transaction.objects.count() == len(trans)
    signed = trans.amount.where(trans.type == "PRIJEM", -trans.amount)
    assert Transaction.objects.aggregate(all=Sum("amount"))["all"] == Decimal(f"{signed.sum():.2f}")
    women = (client.birth_number // 100 % 100 > 50).sum()
    assert Customer.objects.filter(gender="female").count() == women
    prague = Customer.objects.filter(city="Hl.m. Praha", region="Prague").count()
    assert prague == (client.district_id == 1).sum()
    kinds = dict(Transaction.objects.values_list("kind").annotate(n=Count("reference")))
    assert kinds["pension"] == (trans.k_symbol == "DUCHOD").sum()
    assert kinds["card"] == ((trans.operation == "VYBER KARTOU") & trans.k_symbol.fillna(" ").eq(" ")).sum()
    assert not ImportFile.objects.exclude(rejected=0).exists()
    assert "is in already" in bring("transactions", BERKA, "ana", "--source-preset", "berka")
    assert Transaction.objects.count() == len(trans)


@pytest.mark.slow
def test_the_page_of_a_real_client_is_right_to_the_last_crown(berka: Cast) -> None:
    disp, loan, card, trans = raw("disp"), raw("loan"), raw("card"), raw("trans")
    owner = disp[disp.type == "OWNER"].set_index("account_id")
    busy = trans.account_id.value_counts()
    with_all = [
        a
        for a in busy.index
        if a in set(loan[loan.status.isin(["C", "D"])].account_id) and owner.disp_id[a] in set(card.disp_id)
    ]
    account = int(with_all[0])
    client = int(owner.client_id[account])
    customer = Customer.objects.get(number=str(client))
    mine = trans[trans.account_id == account].assign(
        signed=lambda t: t.amount.where(t.type == "PRIJEM", -t.amount)
    )
    mine["month"] = mine.date // 100

    held = dict(Holding.objects.filter(customer=customer).values_list("number", "opened_on"))
    assert held == {
        f"A{account}": day(raw("account").set_index("account_id").date[account]),
        **{f"L{row.loan_id}": day(row.date) for row in loan[loan.account_id == account].itertuples()},
        **{
            f"K{row.card_id}": day(row.issued)
            for row in card[card.disp_id == owner.disp_id[account]].itertuples()
        },
    }
    borrowed = loan[loan.account_id == account].iloc[0]
    contract = Holding.objects.get(number=f"L{borrowed.loan_id}")
    assert (contract.amount, contract.instalment) == (int(borrowed.amount), Decimal(str(borrowed.payments)))

    sums = (
        Transaction.objects.filter(customer=customer)
        .annotate(m=TruncMonth("booked_on"))
        .values_list("m")
        .annotate(total=Sum("amount"), n=Count("reference"))
    )
    expected = mine.groupby("month").signed.agg(["sum", "size"])
    assert {int(f"{m:%y%m}"): (float(total), n) for m, total, n in sums} == {
        month: (pytest.approx(row["sum"], abs=0.001), row["size"]) for month, row in expected.iterrows()
    }

    month = dt.date(1994, 2, 28)
    profile.build(month)
    row = CustomerProfile.objects.get(month=month, customer=customer)
    february = mine[mine.month == 9402]
    assert float(row.amount_in_1m) == pytest.approx(february.signed[february.signed > 0].sum(), abs=0.001)
    assert float(row.amount_out_1m) == pytest.approx(-february.signed[february.signed < 0].sum(), abs=0.001)
    closing, average = by_hand(mine, month)
    balance = MonthlyBalance.objects.get(month=month, customer=customer)
    assert float(balance.closing) == closing
    assert float(balance.average) == pytest.approx(average, abs=0.005)
    assert row.demand_deposit == balance.average

    page = login(berka.max)
    overview = page.get(reverse("customer-detail", args=[customer.pk])).content.decode()
    value = page.get(reverse("customer-tab", args=[customer.pk, "value"])).content.decode()
    assert f"¥{round(average):,}" in overview
    assert f"A{account}" in value
    assert f"L{borrowed.loan_id}" in value
    assert f"¥{borrowed.amount:,}" in value


def by_hand(mine: pd.DataFrame, month: dt.date) -> tuple[float, float]:
    """Closing and daily average of ``month`` by another way: walk the balances backwards from booking to booking."""
    closings: dict[dt.date, float] = {}
    before = 0.0
    for date, rows in mine.groupby("date"):
        left = rows.copy()
        while len(left):
            opening = (left.balance - left.signed - before).abs()
            at = opening.idxmin()
            before = float(left.balance[at])
            left = left.drop(at)
        closings[day(date)] = before
    days = pd.date_range(month.replace(day=1), month)
    series = pd.Series(closings)
    series.index = pd.to_datetime(series.index)
    daily = series.reindex(series.index.union(days)).ffill().fillna(0)[days]
    return float(daily.iloc[-1]), float(daily.mean())


# --- hillstrom -----------------------------------------------------------------------------------------------------

MAIL = (
    '{"code": "hillstrom", "name": "E-mail test of 2008", "product": "retail", "control_cells": ["No E-Mail"],'
    ' "is_random": true, "new_customers": "H", "channel": "email", "success": "visit"}'
)


def shop() -> None:
    Product.objects.create(code="retail", name="Retail", line="retail")


@pytest.mark.slow
def test_a_real_experiment_is_evaluated_on_its_page_as_published(cast: Cast) -> None:
    shop()
    told = bring(
        "campaign",
        HILLSTROM,
        "ana",
        *("--map", "segment=cell", "visit=visit", "conversion=conversion", "spend=amount", "channel=facts"),
        *("--constant", "assigned_on=2008-03-20", "--campaign", MAIL),
    )
    assert "64000 rows, 64000 good, 0 left out; 64000 new" in told
    frame = pd.read_csv(HILLSTROM)
    assert Response.objects.filter(kind="visit").count() == frame.visit.sum()
    spent = Response.objects.filter(kind="conversion").aggregate(all=Sum("amount"))["all"]
    assert float(spent) == pytest.approx(67_258.13, abs=0.001)
    assert Contact.objects.count() == (frame.segment != "No E-Mail").sum()

    campaign = Campaign.objects.get(code="hillstrom")
    result = evaluation.evaluate(campaign)
    visits = frame.groupby("segment").visit.agg(["sum", "size"])
    none = visits.loc["No E-Mail"]
    # Holm over two arms: the smaller p-value is held to 0.025, the other to 0.05.
    for cell, points, alpha in (("Mens E-Mail", 7.66, 0.025), ("Womens E-Mail", 4.52, 0.05)):
        figures = result.readout.arm(cell).figures
        assert round(figures.effect.value * 100, 2) == points
        for interval, at in ((figures.effect.interval, 0.05), (figures.interval, alpha)):
            low, high = confint_proportions_2indep(
                visits.loc[cell, "sum"],
                visits.loc[cell, "size"],
                none["sum"],
                none["size"],
                method="newcomb",
                alpha=at,
            )
            assert (interval.low, interval.high) == (
                pytest.approx(low, abs=1e-6),
                pytest.approx(high, abs=1e-6),
            )
    text = login(cast.ana).get(reverse("evaluation-report", args=[campaign.pk])).content.decode()
    assert "Mens E-Mail" in text
    assert "Womens E-Mail" in text
    assert "+7.66" in text
    assert "+4.52" in text


# --- bank marketing ------------------------------------------------------------------------------------------------

PHONE = (
    '{"code": "term-deposit", "name": "Term deposit calls", "product": "deposit", "is_random": false,'
    ' "new_customers": "B", "channel": "phone", "branch": "N1"}'
)


def bring_calls(user: str) -> str:
    Product.objects.create(code="deposit", name="Term deposit", line="savings", asset_class="time_deposit")
    return bring(
        "campaign",
        CALLS,
        user,
        *("--map", "y=conversion", "duration=talk_seconds", "contact=facts"),
        *("--value", "facts.pdays:999="),
        *("--constant", "cell=called", "assigned_on=2010-11-30", "--campaign", PHONE),
    )


@pytest.mark.slow
def test_the_calls_of_a_real_bank_are_history_in_file_order_and_talk_time_is_no_fact(cast: Cast) -> None:
    assert "41188 rows, 41188 good, 0 left out" in bring_calls("ana")
    frame = pd.read_csv(CALLS, sep=";", keep_default_na=False, dtype=str)
    rows = Assignment.objects.order_by("pk")
    facts = list(rows.values_list("facts", flat=True))
    assert len(facts) == len(frame)
    columns = [name for name in frame if name not in ("y", "duration")]
    assert len(columns) == 19
    # 999 days since the last contact means: never.
    assert pd.DataFrame(facts)[columns].fillna("999").equals(frame[columns])
    assert not rows.exclude(is_control=False, is_random=False).exists()
    assert Response.objects.filter(kind="conversion").count() == (frame.y == "yes").sum() == 4640
    assert Contact.objects.aggregate(all=Sum("talk_seconds"))["all"] == frame.duration.astype(int).sum()
    assert Contact.objects.count() == len(frame)


@pytest.mark.slow
def test_without_a_control_group_no_effect_is_claimed(cast: Cast) -> None:
    bring_calls("ana")
    campaign = Campaign.objects.get(code="term-deposit")
    readout = evaluation.evaluate(campaign).readout
    assert Code.NO_CONTROL in {refusal.code for refusal in readout.refusals}
    assert all(arm.figures is None or arm.figures.effect is None for arm in readout.arms)
    text = login(cast.ana).get(reverse("evaluation-report", args=[campaign.pk])).content.decode()
    assert "no effect can be claimed" in text


@pytest.mark.slow
def test_the_calls_teach_a_model_that_selects_a_campaign_whose_effect_nobody_may_claim(
    cast: Cast, tmp_path: Path
) -> None:
    bring_calls("ana")
    product = Product.objects.get(code="deposit")
    model = predictive.define(
        cast.ana, code="deposit", name="Term deposit", product=product, history_campaign="term-deposit"
    )
    # The test's own transaction is idle while the estimators are fitted.
    with bulk.without_time_limit():
        best = training.train(model, cast.ana)[0]
    measured = best.card["rolling"]
    print(f"\nrolling: {measured}")  # noqa: T201
    assert measured["auc"] >= 0.75
    assert measured["gains_area"] >= 0.67
    assert 0.795 <= measured["five_fold_auc"] <= 0.83
    assert "duration" not in str(best.features)

    predictive.promote(best, cast.max)
    factories.run_sql(
        "UPDATE customers_customer SET primary_rm_id = %s, phone = '138' || lpad(id::text, 8, '0')",
        cast.rita.pk,
    )
    profile.build(factories.MONTH)
    model.refresh_from_db()
    with bulk.without_time_limit():
        run = scoring.score(model, factories.MONTH, cast.ana)
    assert run.rows == 8238
    model.refresh_from_db()
    campaign, done = factories.pushed(
        cast,
        "calls-again",
        product=product,
        model=model,
        condition={"all": [{"field": "kind", "op": "is", "value": "person"}]},
        capacity=800,
        control_share=0,
    )
    assert done.reconciliation["pushed"] == 800
    called = set(
        Assignment.objects.filter(campaign_code="calls-again").values_list("customer__number", flat=True)
    )
    bought = set(
        Response.objects.filter(campaign_code="term-deposit", customer__number__in=called).values_list(
            "customer__number", flat=True
        )
    )
    # Selected by score: far more of them bought than of the last fifth as a whole.
    frame = pd.read_csv(CALLS, sep=";")
    assert len(bought) / 800 > 1.2 * (frame.y[-8238:] == "yes").mean()

    opened = campaign.assigned_on + dt.timedelta(days=5)
    rows = "".join(f"NEW-{number},{number},deposit,{opened},1000\n" for number in sorted(bought))
    path = tmp_path / "holdings.csv"
    path.write_text("number,customer,product,opened_on,amount\n" + rows)
    clock.set_day(opened + dt.timedelta(days=55))
    bring("holdings", path, "ana")
    attribution.match(campaign, cast.max, through=opened + dt.timedelta(days=55))
    result = evaluation.evaluate(campaign, as_of=campaign.assigned_on + dt.timedelta(days=90))
    assert sum(arm["successes"] for arm in result.arms) == len(bought)
    assert Code.NO_CONTROL in {refusal.code for refusal in result.readout.refusals}
    assert all(arm.figures is None or arm.figures.effect is None for arm in result.readout.arms)
    text = login(cast.max).get(reverse("evaluation-report", args=[campaign.pk])).content.decode()
    assert "no effect can be claimed" in text


def test_a_preset_without_its_folder_is_refused(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The folder has no file"):
        bring("customers", tmp_path, "ana", "--source-preset", "berka")
    assert not Customer.objects.exists()
