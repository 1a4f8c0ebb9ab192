"""Value pickers show the values there are, counted over the customers one may see."""

import datetime as dt
import itertools

import pytest

from analytics import audience
from customers import profile
from tests import facts
from tests.facts import MONTH


@pytest.fixture
def bank(cast):
    facts.make_tiers()
    products = facts.make_products()
    for number in range(40):
        who = facts.customer(
            birth_date=dt.date(1950 + number, 1, 1),
            home_branch=cast.tree.n1 if number % 4 else cast.tree.s1,
            primary_rm=cast.rita if number % 4 else cast.raj,
            education="bachelor" if number % 2 else "",
        )
        facts.balance(who, products["fund-mixed"], 1000 * number)
        if number < 3:
            facts.holding(who, products["fund-mixed"])
    facts.customer(name="No age")
    profile.build(MONTH)


def test_a_histogram_holds_every_customer_once(bank, cast):
    for code in ("age", "aum", "opened_on", "contacts_30d"):
        found = audience.distribution(code, MONTH)
        assert sum(bin.count for bin in found.bins) + found.missing == found.total == 41
    assert audience.distribution("age", MONTH).missing == 1
    assert audience.distribution("age", MONTH, cast.raj).total == 10
    assert audience.distribution("last_conversion_on", MONTH).bins == ()


def test_the_bins_of_a_histogram_follow_one_another(bank):
    bins = audience.distribution("aum", MONTH).bins
    assert all(left.high == right.low for left, right in itertools.pairwise(bins))
    assert bins[0].label == "¥0 – ¥5,000"
    assert bins[0].count == 6  # 0 to 4,000, and the customer without assets


def test_choices_are_counted_with_their_names(bank, cast):
    education = audience.distribution("education", MONTH)
    assert [(bin.value, bin.label, bin.count) for bin in education.bins] == [("bachelor", "Bachelor", 20)]
    assert education.missing == 21
    branch = audience.distribution("branch", MONTH)
    assert [(bin.value, bin.label, bin.count) for bin in branch.bins] == [
        ("N1", "Branch North 1", 30),
        ("S1", "Branch South 1", 10),
    ]
    held = audience.distribution("held_products", MONTH)
    assert ([(bin.value, bin.count) for bin in held.bins], held.missing, held.total) == (
        [("fund-mixed", 3)],
        38,
        41,
    )
    assert [(bin.value, bin.count) for bin in audience.distribution("is_employee", MONTH).bins] == [
        (False, 41)
    ]
    assert audience.distribution("branch", MONTH, cast.ada).total == 0


def test_a_field_that_conditions_may_not_use_has_no_distribution(bank):
    with pytest.raises(KeyError):
        audience.distribution("phone", MONTH)
