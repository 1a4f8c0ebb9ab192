"""The sample bank in the database: reproducible, believable, its truth out of reach, and it lives on as told."""

import ast
import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from bankcrm import bulk
from bankcrm.models import Branch, BranchLink, Role, User
from customers import sample_bank
from customers.models import (
    Assignment,
    Contact,
    Customer,
    Holding,
    MonthlyBalance,
    Product,
    Response,
    Transaction,
)
from customers.sample_bank import truth
from customers.sample_bank.loading import MONTHLY, PLAIN

TODAY = datetime.date(2026, 11, 25)
SIZE = 500
MADE = {"size": SIZE, "months": 24, "seed": 7, "today": TODAY, "profiles": False}
CLOCK = "ARRAY['updated_at', 'at']"
# Emptied with the bank, but written with its profiles or by people alone.
LATER = {"customers_customerprofile", "customers_peergroup", "customers_acquisition", "customers_quietperiod"}
TABLES = [name for name in (*PLAIN, *MONTHLY) if name not in LATER]


@pytest.fixture(scope="module")
def bank(django_db_setup: None, django_db_blocker) -> Iterator[sample_bank.Bank]:
    """One bank for the module, really committed, because the truth is written over another connection."""
    with django_db_blocker.unblock():
        # Replacing nothing: keys count from 1 again, whatever rolled-back tests have used up before.
        yield sample_bank.create(**MADE, replace=True)
        forget()


def forget() -> None:
    sample_bank.empty()
    truth.forget()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE customers_product, customers_assetclassweight, customers_costrate, customers_tierrule,"
            " bankcrm_branchlink CASCADE"
        )
    User.objects.all().delete()
    for kind in (Branch.Kind.BRANCH, Branch.Kind.REGION, Branch.Kind.HEAD_OFFICE):
        Branch.objects.filter(kind=kind).delete()


def digests() -> dict[str, str]:
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            # When a row was written is the clock's business, not the seed's.
            cursor.execute(
                f"SELECT md5(string_agg((to_jsonb(t) - {CLOCK})::text, '' ORDER BY to_jsonb(t) - {CLOCK}))"
                f" FROM {table} AS t"
            )
            found[table] = cursor.fetchone()[0]
    with truth.connect() as session:
        for table in ("truth.traits", "truth.skill", "truth.target", "truth.bank"):
            row = session.execute(
                f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} AS t"
            ).fetchone()
            found[table] = row[0]
    return found


pytestmark = pytest.mark.django_db


def test_the_same_seed_makes_the_same_bytes(bank, django_db_blocker) -> None:
    before = digests()
    assert all(before.values()), "an empty table proves nothing"
    sample_bank.create(**MADE, replace=True)
    assert digests() == before
    other = sample_bank.create(**{**MADE, "seed": 8}, replace=True)
    assert other.seed == 8
    assert not set(digests().items()) & set(before.items()) - {("truth.skill", before["truth.skill"])}
    sample_bank.create(**MADE, replace=True)


def test_a_bank_is_not_made_over_customers(bank) -> None:
    with pytest.raises(sample_bank.NotEmpty):
        sample_bank.create(**MADE)
    with pytest.raises(CommandError, match="--replace"):
        call_command("sample_bank", "--size", "300")
    assert Customer.objects.count() == SIZE


def test_history_ends_at_the_last_month_end_before_today(bank) -> None:
    assert bank.as_of == datetime.date(2026, 10, 31)
    assert bank.first_month == datetime.date(2024, 11, 1)
    months = list(MonthlyBalance.objects.values_list("month", flat=True).distinct().order_by("month"))
    assert (len(months), months[0], months[-1]) == (24, datetime.date(2024, 11, 30), bank.as_of)
    assert not Transaction.objects.filter(booked_on__gt=bank.as_of).exists()
    assert not Holding.objects.filter(opened_on__gt=bank.as_of).exists()
    assert not Contact.objects.filter(contacted_on__gt=bank.as_of).exists()


def test_everybody_can_log_in_and_sees_their_rows(bank) -> None:
    for username, role in [
        ("mei", Role.PLANNER),
        ("omar", Role.APPROVER),
        ("rita", Role.RM),
        ("bao", Role.BRANCH_MANAGER),
    ]:
        user = authenticate(username=username, password="bankcrm-demo")
        assert user is not None, username
        assert user.role == role
    rita, raj, bao = (User.objects.get(username=name) for name in ("rita", "raj", "bao"))
    assert rita.branch != raj.branch
    assert bao.branch == rita.branch
    assert User.objects.relationship_managers().count() == 60
    assert Customer.objects.visible_to(rita).exists()
    assert not Customer.objects.visible_to(rita).filter(primary_rm=raj).exists()
    assert Customer.objects.visible_to(User.objects.get(username="max")).count() == SIZE
    assert User.objects.get(username="aud").is_auditor
    assert BranchLink.objects.count() == 12 * 3 + 4 * 2 + 1


def test_the_facts_hang_together(bank) -> None:
    read = bulk.read_columns(
        """
        SELECT h.opened_on >= c.opened_on AS after_joining,
               h.closed_on IS NULL OR h.closed_on >= h.opened_on AS in_order,
               c.closed_on IS NULL OR h.closed_on IS NOT NULL AS closed_with_customer,
               h.first_used_on IS NULL OR h.first_used_on >= h.opened_on AS used_later
        FROM customers_holding AS h JOIN customers_customer AS c ON c.id = h.customer_id
        """
    )
    for name, holds in read.items():
        assert holds.all(), name
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE h.id IS NULL), count(*) FILTER (WHERE b.closing < 0)
            FROM customers_monthlybalance AS b LEFT JOIN customers_holding AS h
                 ON h.customer_id = b.customer_id AND h.product_id = b.product_id
                 AND h.opened_on <= b.month AND (h.closed_on IS NULL OR h.closed_on > b.month)
            """
        )
        assert cursor.fetchone() == (0, 0)


def test_a_customer_holds_one_contract_of_a_product_at_a_time(bank) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM customers_holding AS a JOIN customers_holding AS b
              ON b.customer_id = a.customer_id AND b.product_id = a.product_id AND b.id > a.id
             AND b.opened_on < coalesce(a.closed_on, 'infinity')
            """
        )
        assert cursor.fetchone() == (0,)


def test_the_dirt_of_a_real_bank_is_there(bank) -> None:
    people = Customer.objects.filter(kind=Customer.Kind.PERSON)
    assert 0.03 < people.filter(monthly_income__isnull=True).count() / SIZE < 0.12
    assert people.filter(name__regex=r"[一-龥]").count() > people.filter(name__regex=r"^[A-Za-z]").count() > 0
    assert Customer.objects.filter(kind=Customer.Kind.FIRM).exists()
    twice = people.get(pk=200)
    first = people.get(pk=199)
    assert (twice.phone, twice.gender) == (first.phone, first.gender)
    assert twice.name != first.name
    assert twice.name.replace(" ", "").lower() == first.name.replace(" ", "").lower()
    assert not Customer.objects.exclude(phone="").exclude(phone__regex=r"^10\d{9}$").exists()


def test_past_campaigns_give_labels_and_a_control_group(bank) -> None:
    for code in ("SAVINGS-1", "FUND-1", "SAVINGS-2", "FUND-2"):
        mine = Assignment.objects.filter(campaign_code=code)
        assert mine.filter(is_control=True).exists(), code
        assert mine.filter(is_control=False).count() > mine.filter(is_control=True).count()
        touched = Contact.objects.filter(campaign_code=code).values("customer_id")
        assert touched.count() > 0
        assert not mine.filter(is_control=True, customer_id__in=touched).exists()
    responses = Response.objects.filter(kind=Response.Kind.CONVERSION)
    assert responses.exists()
    for response in responses:
        assigned = Assignment.objects.get(campaign_code=response.campaign_code, customer=response.customer)
        assert 0 <= (response.responded_on - assigned.assigned_on).days < 60
        assert Holding.objects.filter(
            customer=response.customer, product__code=response.product_code, opened_on=response.responded_on
        ).exists()


def test_the_application_cannot_read_the_truth(bank) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        transaction.atomic(),
        connection.connection.cursor() as c,
    ):
        c.execute("SELECT * FROM truth.traits")
    assert len(truth.traits()) == SIZE


def test_the_truth_says_what_the_history_shows(bank) -> None:
    effect = sample_bank.true_effect("SAVINGS-1")
    rows = Assignment.objects.filter(campaign_code="SAVINGS-1")
    assert (effect.treated, effect.control) == (
        rows.filter(is_control=False).count(),
        rows.filter(is_control=True).count(),
    )
    won = Response.objects.filter(campaign_code="SAVINGS-1", kind="conversion")
    assert won.exclude(cell_code="control").count() == round(effect.realised_treated * effect.treated)
    assert won.filter(cell_code="control").count() == round(effect.realised_control * effect.control)
    with pytest.raises(LookupError):
        sample_bank.true_effect("NO-SUCH")


def assigned(bank, offered: str, treated: bool = True, **more) -> sample_bank.Assigned:
    """Every eligible customer; every second one is control, all others are reached on the third day."""
    truth_now = sample_bank.probabilities(bank, offered)
    who = truth_now["customer_id"][truth_now["eligible"]]
    control = who % 2 == 0
    rms = bulk.read_columns("SELECT coalesce(primary_rm_id, 0) AS rm FROM customers_customer ORDER BY id")[
        "rm"
    ]
    return sample_bank.Assigned(
        **{
            "campaign_code": f"NEXT-{offered}",
            "product": offered,
            "customer_id": who,
            "is_control": control,
            "reached": ~control & treated,
            "contacted_on": np.full(len(who), np.datetime64(bank.as_of, "D") + 3),
            "rm_id": rms[who - 1],
            **more,
        }
    )


@pytest.fixture
def fresh(bank) -> Iterator[sample_bank.Bank]:
    """The bank as made, again after the test: what the truth remembers is not undone by the test's rollback."""
    made = truth.facts()
    yield bank
    truth.remember({"as_of": made["as_of"]})
    with truth.connect() as session:
        session.execute("DELETE FROM truth.target WHERE campaign_code LIKE 'NEXT-%'")


def test_the_world_goes_on_and_truth_equals_what_was_bought(fresh) -> None:
    predicted = sample_bank.probabilities(fresh, "fund")
    campaign = assigned(fresh, "fund")
    after = sample_bank.advance(fresh, datetime.date(2026, 12, 31), [campaign], profiles=False).bank
    assert after.as_of == datetime.date(2026, 12, 31)
    assert sample_bank.load() == after
    fund = Product.objects.get(code="fund")
    opened = set(
        Holding.objects.filter(
            product=fund, opened_on__range=(datetime.date(2026, 11, 1), datetime.date(2026, 12, 30))
        ).values_list("customer_id", flat=True)
    )
    treated = campaign.customer_id[campaign.reached]
    idle = campaign.customer_id[~campaign.reached]
    assert opened & set(treated.tolist()) == set(
        treated[predicted["will_buy_if_reached"][treated - 1]].tolist()
    )
    assert opened & set(idle.tolist()) == set(idle[predicted["will_buy"][idle - 1]].tolist())
    effect = sample_bank.true_effect("NEXT-fund")
    assert effect.effect == pytest.approx(
        float((predicted["contacted"] - predicted["baseline"])[treated - 1].mean()), rel=1e-9
    )
    assert effect.realised_treated == pytest.approx(len(opened & set(treated.tolist())) / len(treated))
    assert MonthlyBalance.objects.filter(month=after.as_of).count() > SIZE
    assert Transaction.objects.filter(booked_on__gt=fresh.as_of).count() > SIZE


def test_a_campaign_moves_only_whom_the_contact_moves(fresh) -> None:
    def bought(treated: bool) -> set[tuple[int, str]]:
        with transaction.atomic():
            campaign = assigned(fresh, "credit_card", treated)
            sample_bank.advance(fresh, datetime.date(2026, 12, 31), [campaign], profiles=False)
            rows = set(
                Holding.objects.filter(
                    opened_on__gt=fresh.as_of, opened_on__lt=fresh.as_of + datetime.timedelta(days=61)
                ).values_list("customer_id", "product__code")
            )
            transaction.set_rollback(True)
        with truth.connect() as session:
            session.execute("DELETE FROM truth.target WHERE campaign_code LIKE 'NEXT-%'")
        return rows

    predicted = sample_bank.probabilities(fresh, "credit_card")
    changed = bought(True) ^ bought(False)
    moved = (predicted["will_buy"] != predicted["will_buy_if_reached"]) & (predicted["customer_id"] % 2 == 1)
    assert changed == {(int(who), "credit_card") for who in predicted["customer_id"][moved]}
    assert changed, "nobody was moved: the test shows nothing"


def test_what_cannot_have_happened_is_refused(fresh) -> None:
    december = datetime.date(2026, 12, 31)
    good = assigned(fresh, "fund")
    size = len(good.customer_id)
    for match, more in [
        ("control group were reached", {"reached": np.ones(size, bool)}),
        ("marketed", {"product": "mortgage"}),
        ("twice", {"customer_id": np.full(size, 1)}),
        ("not of the sample bank", {"customer_id": np.arange(size) + SIZE}),
        ("outside the 60 days", {"contacted_on": np.full(size, np.datetime64("2027-02-01"))}),
    ]:
        with pytest.raises(ValueError, match=match):
            sample_bank.advance(fresh, december, [assigned(fresh, "fund", **more)], profiles=False)
    with pytest.raises(ValueError, match="60 days"):
        sample_bank.advance(fresh, datetime.date(2026, 11, 30), [good], profiles=False)
    assert sample_bank.load() == fresh


SIMULATIONS = {"campaigns.simulation", "campaigns.loop", "campaigns.showcase"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def leaks(sources: dict[str, set[str]]) -> list[str]:
    """Modules of the product that can reach the truth: by the sample bank, or by a simulation that may."""
    roots = ("customers.sample_bank", *SIMULATIONS)
    return [
        f"{module} imports {name}"
        for module, names in sources.items()
        for name in sorted(names)
        if not module.startswith(roots) and ".management.commands." not in module and name.startswith(roots)
    ]


def test_only_simulations_and_commands_reach_the_truth() -> None:
    root = Path(__file__).resolve().parents[2]
    sources = {
        ".".join(path.relative_to(root).with_suffix("").parts): imported(path)
        for app in ("bankcrm", "customers", "analytics", "campaigns")
        for path in (root / app).rglob("*.py")
    }
    assert leaks(sources) == []
    assert leaks({"analytics.training": {"customers.sample_bank.world"}})
    assert leaks({"campaigns.push": {"campaigns.simulation.reached"}})
    assert not leaks(
        {"campaigns.simulation": {"customers.sample_bank"}, "campaigns.push": {"campaigns.queue"}}
    )
