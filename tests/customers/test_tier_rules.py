"""Thresholds are checked, previewed before they are saved, begin on a day, and can be taken back for a while."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from bankcrm import embedded
from bankcrm.models import AuditEvent
from customers import dated, profile, tier_rules
from customers.models import CustomerProfile, TierRule
from customers.tier_rules import Tier
from tests import facts
from tests.cast import Cast
from tests.facts import MONTH

pytestmark = pytest.mark.django_db
NOVEMBER = dt.date(2026, 11, 1)


def tier(code: str, aum: int, loan: int | None = None, name: str = "") -> Tier:
    return Tier(code, name or code.capitalize(), Decimal(aum), None if loan is None else Decimal(loan))


NOW = [tier("private", 1_000_000), tier("gold", 100_000, 200_000), tier("basic", 0)]
LOWER = [tier("private", 1_000_000), tier("gold", 60_000, 200_000), tier("basic", 0)]


@pytest.fixture
def bank(cast: Cast) -> SimpleNamespace:
    facts.make_tiers()
    products = facts.make_products()
    made = SimpleNamespace(products=products, people={})
    for name, branch, aum, loan in [
        ("poor", cast.tree.n1, 500, 0),
        ("middling", cast.tree.n1, 70_000, 0),
        ("well-off", cast.tree.s1, 150_000, 0),
        ("indebted", cast.tree.s1, 10, 250_000),
        ("rich", None, 2_000_000, 0),
    ]:
        who = facts.customer(name, home_branch=branch)
        facts.balance(who, products["current"], aum)
        facts.balance(who, products["personal-loan"], loan)
        made.people[name] = who
    profile.build(MONTH)
    return made


@pytest.mark.parametrize(
    ("planned", "fault"),
    [
        (
            [tier("gold", 100), tier("silver", 200), tier("basic", 0)],
            "Silver begins at ¥200 of assets, but Gold",
        ),
        ([tier("gold", 100), tier("silver", 100), tier("basic", 0)], "Silver begins at ¥100 of assets"),
        ([tier("gold", 100), tier("basic", 50)], "customers below ¥50 would have no tier"),
        ([tier("gold", 100, -1), tier("basic", 0)], "Gold: a threshold cannot be negative"),
        ([tier("gold", 100), tier("basic", -5)], "Basic: a threshold cannot be negative"),
        ([tier("gold", 100, 50), tier("silver", 10, 60), tier("basic", 0)], "begins at a loan of ¥60"),
        ([tier("gold", 100), tier("gold", 10), tier("basic", 0)], "The code “gold” stands twice"),
        ([], "At least one tier"),
    ],
)
def test_bad_thresholds_are_named(planned: list[Tier], fault: str) -> None:
    assert any(fault in said for said in tier_rules.faults(planned)), tier_rules.faults(planned)


def test_good_thresholds_have_no_fault() -> None:
    assert tier_rules.faults(NOW) == []
    assert tier_rules.faults([tier("one", 0)]) == []


def test_a_preview_counts_who_moves_from_where_to_where_and_in_which_branch(bank: SimpleNamespace) -> None:
    found = tier_rules.preview(NOW, LOWER, MONTH)
    assert (found.customers, found.up, found.down) == (5, 1, 0)
    assert found.matrix["basic", "gold"] == 1
    assert found.matrix["gold", "gold"] == 2
    assert [(row.branch, row.up, row.down) for row in found.branches] == [("Branch North 1", 1, 0)]
    raised = [tier("private", 3_000_000), tier("gold", 200_000), tier("basic", 0)]
    found = tier_rules.preview(NOW, raised, MONTH)
    assert (found.up, found.down) == (0, 3)
    assert found.matrix["private", "gold"] == 1
    assert {(row.branch, row.down) for row in found.branches} == {("Branch South 1", 2), ("no branch", 1)}


def test_a_preview_judges_by_the_best_of_three_months(bank: SimpleNamespace) -> None:
    who = bank.people["middling"]
    facts.balance(who, bank.products["current"], 90_000, dt.date(2026, 9, 30))
    profile.build(MONTH)
    higher = [tier("gold", 85_000), tier("basic", 0)]
    assert tier_rules.preview(higher, [tier("gold", 95_000), tier("basic", 0)], MONTH).down == 1


def test_a_tier_that_is_given_up_moves_its_customers_down_and_a_new_one_lifts(bank: SimpleNamespace) -> None:
    found = tier_rules.preview(NOW, [tier("private", 1_000_000), tier("basic", 0)], MONTH)
    assert (found.up, found.down) == (0, 2)
    found = tier_rules.preview(NOW, [*NOW[:2], tier("silver", 50_000), tier("basic", 0)], MONTH)
    assert (found.up, found.down, found.matrix["basic", "silver"]) == (1, 0, 1)


def test_what_the_preview_counts_is_what_the_next_profile_says(bank: SimpleNamespace, cast: Cast) -> None:
    found = tier_rules.preview(NOW, LOWER, MONTH)
    tier_rules.begin(cast.ada, LOWER, NOVEMBER)
    TierRule.objects.filter(valid_from=NOVEMBER).update(valid_from=dt.date(2026, 10, 15))
    profile.build(MONTH)
    said = dict(CustomerProfile.objects.values_list("customer__name", "tier"))
    assert [name for name, code in said.items() if code == "gold"] == ["middling", "well-off", "indebted"]
    assert found.up == 1


def test_saving_writes_the_whole_set_from_its_day_and_who_did_it(bank: SimpleNamespace, cast: Cast) -> None:
    tier_rules.begin(cast.ada, LOWER, NOVEMBER, "Closer to the market")
    assert [one.aum for one in tier_rules.in_force(NOVEMBER)] == [1_000_000, 60_000, 0]
    assert [one.aum for one in tier_rules.in_force(MONTH)] == [1_000_000, 100_000, 0]
    event = AuditEvent.objects.get(action="tiers.begun")
    assert (event.actor, event.reason, event.details["valid_from"]) == (
        cast.ada,
        "Closer to the market",
        "2026-11-01",
    )
    assert event.details["changed"] == ["Gold: assets ¥100,000 → ¥60,000"]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (MONTH, "Profiles are built up to"),
        (dt.date(2026, 12, 1), "begins on Tue 1 Dec already"),
        (dt.date(2026, 11, 30), "that begins on Tue 1 Dec is saved already"),
    ],
)
def test_no_change_reaches_into_finished_months_or_before_one_that_is_saved(
    bank: SimpleNamespace, cast: Cast, day: dt.date, said: str
) -> None:
    tier_rules.begin(cast.ada, LOWER, dt.date(2026, 12, 1))
    with pytest.raises(ValidationError, match=said):
        tier_rules.begin(cast.ada, NOW, day)
    assert TierRule.objects.count() == 6
    assert AuditEvent.objects.filter(action="tiers.begun").count() == 1


def test_a_change_that_changes_nothing_is_refused(bank: SimpleNamespace, cast: Cast) -> None:
    with pytest.raises(ValidationError, match="Nothing was changed"):
        tier_rules.begin(cast.ada, NOW, NOVEMBER)


def test_a_change_is_taken_back_while_no_profile_was_built_with_it(bank: SimpleNamespace, cast: Cast) -> None:
    tier_rules.begin(cast.ada, LOWER, NOVEMBER)
    assert [version.may_be_undone for version in dated.versions(TierRule, "tiers")] == [True, False]
    dated.undo(cast.ada, TierRule, NOVEMBER, "tiers")
    assert TierRule.objects.count() == 3
    assert AuditEvent.objects.filter(action="tiers.undone", actor=cast.ada).exists()
    with pytest.raises(ValidationError, match="taken back already"):
        dated.undo(cast.ada, TierRule, NOVEMBER, "tiers")


def test_a_change_a_profile_was_built_with_stays_and_so_do_the_first_tiers(
    bank: SimpleNamespace, cast: Cast
) -> None:
    tier_rules.begin(cast.ada, LOWER, NOVEMBER)
    profile.build(dt.date(2026, 11, 30))
    with pytest.raises(ValidationError, match="Profiles were built"):
        dated.undo(cast.ada, TierRule, NOVEMBER, "tiers")
    with pytest.raises(ValidationError, match="Profiles were built"):
        dated.undo(cast.ada, TierRule, facts.EARLIER, "tiers")
    assert TierRule.objects.count() == 6


def test_nothing_changes_while_a_profile_is_being_built(bank: SimpleNamespace, cast: Cast) -> None:
    import psycopg

    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(embedded.database_url(), dbname=name) as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(hashtext(%s))", [dated.LOCK])
        with pytest.raises(ValidationError, match="Profiles are being built"):
            tier_rules.begin(cast.ada, LOWER, NOVEMBER)
    tier_rules.begin(cast.ada, LOWER, NOVEMBER)


def test_a_new_tier_says_both_of_its_thresholds() -> None:
    told = tier_rules.differences(
        [],
        [
            Tier("platinum", "Platinum", Decimal(1_000_000), Decimal(2_000_000)),
            Tier("basic", "Basic", Decimal(0)),
        ],
    )
    assert told == ["Platinum: new, from ¥1,000,000 or a personal loan of ¥2,000,000", "Basic: new, from ¥0"]
