"""The planted facts can be found again in the laws of the world, with 200,000 customers to look at."""

import datetime

import numpy as np
import pytest

from customers.sample_bank import people, population, staff, world
from customers.sample_bank.bank import day_number
from customers.sample_bank.buying import Treatment, first_per_product, outcome, purchases
from customers.sample_bank.creation import _beginning

SIZE = 200_000
FIRST, LAST = datetime.date(2024, 11, 1), datetime.date(2026, 10, 31)


@pytest.fixture(scope="module")
def planted():
    drawn = population.draw(3, SIZE, np.datetime64(FIRST), np.datetime64(LAST), staff.branch_of_managers())
    state, law = _beginning(3, drawn, day_number(FIRST))
    eve = day_number(FIRST) - 1
    monthly = {
        month: world.hazard(law, drawn.traits, state.eligible(eve), state.maturing(eve), month)
        for month in (0, 30)
    }
    return drawn.traits, law, monthly, state


def treat(traits, monthly, code: str, arm: str = "A") -> Treatment:
    """Everybody eligible for a product, reached by phone on the second day."""
    product = world.MARKETED.index(code)
    who = np.nonzero(monthly[:, product] > 0)[0]
    size = len(who)
    return Treatment(
        campaign=np.full(size, "X", object),
        customer=who,
        product=np.full(size, product),
        arm=np.full(size, arm, object),
        channel=np.full(size, "phone", object),
        is_control=np.zeros(size, bool),
        reached=np.ones(size, bool),
        day=np.full(size, day_number(FIRST) + 1),
        skill=np.zeros(size),
        contacts=np.zeros(size),
    )


def gain(planted, code: str, arm: str = "A", month: int = 0) -> np.ndarray:
    traits, law, monthly, _ = planted
    found = outcome(
        law, traits, monthly[month], treat(traits, monthly[month], code, arm), day_number(FIRST), month
    )
    return found.contacted - found.baseline


@pytest.mark.parametrize(("column", "rate"), list(enumerate(world.MONTHLY_RATE)))
def test_base_rates_lie_where_they_were_planted(planted, column: int, rate: float) -> None:
    _, _, monthly, state = planted
    eligible = state.eligible(day_number(FIRST) - 1)[:, column]
    assert monthly[0][eligible, column].mean() == pytest.approx(rate, rel=0.02)
    assert 0.005 <= monthly[30][eligible, column].mean() <= 0.03


@pytest.mark.parametrize("code", [code for code in world.MARKETED if code != "insurance"])
def test_a_call_campaign_gains_half_a_point_to_two_and_a_half(planted, code: str) -> None:
    traits, _, monthly, _ = planted
    who = treat(traits, monthly[0], code).customer
    reach = people.reach_probability(traits, who, "phone", 11)
    assert 0.55 <= reach.mean() <= 0.75
    assert 0.005 <= (gain(planted, code) * reach).mean() <= 0.025


def test_a_contact_about_insurance_changes_nothing_at_all(planted) -> None:
    for arm in ("A", "B", "anything"):
        assert np.all(gain(planted, "insurance", arm) == 0.0)


def test_arm_b_of_the_card_does_harm_and_arm_a_does_not(planted) -> None:
    assert gain(planted, "credit_card", "cards-b").mean() < -0.01
    assert gain(planted, "credit_card", "cards-a").mean() > 0.01


def test_pensioners_pushed_to_loans_are_sleeping_dogs_and_owners_are_persuadable(planted) -> None:
    traits, _, monthly, _ = planted
    segment = traits.segment[treat(traits, monthly[0], "personal_loan").customer]
    effect = gain(planted, "personal_loan")
    assert effect[segment == world.SEGMENTS.index("pensioner")].mean() < 0
    assert effect[segment == world.SEGMENTS.index("owner")].mean() > 0.02
    assert 0.01 < (effect < -0.002).mean() < 0.15


def test_whom_a_contact_moves_is_not_whom_it_moved_before(planted) -> None:
    """What a model learned at the beginning ranks worse two and a half years later."""
    traits, _, monthly, _ = planted
    early, late = gain(planted, "fund"), gain(planted, "fund", month=30)
    assert np.corrcoef(early, late)[0, 1] < 0.8
    now, later = monthly[0][:, 0], monthly[30][:, 0]
    assert later[traits.price > 0.7].sum() / now[traits.price > 0.7].sum() < 0.55


def test_draws_give_back_the_probabilities(planted) -> None:
    traits, law, monthly, _ = planted
    treatment = treat(traits, monthly[0], "savings_plan")
    found = outcome(law, traits, monthly[0], treatment, day_number(FIRST), 0)
    for bought, chance in [
        (found.buys_anyway, found.baseline),
        (found.buys_if_reached, found.contacted),
    ]:
        error = np.sqrt((chance * (1 - chance)).sum()) / len(chance)
        assert abs(bought.mean() - chance.mean()) < 4 * error
    improbable = found.buys_anyway & ~found.buys_if_reached & (found.contacted >= found.baseline)
    assert not improbable.any()


def test_treating_some_changes_nobody_else(planted) -> None:
    traits, law, monthly, _ = planted
    first = day_number(FIRST)
    last = first + 59
    everyone = treat(traits, monthly[0], "fund")
    some = Treatment(*(part[::3] for part in vars(everyone).values()))
    found = outcome(law, traits, monthly[0], some, first, 0)

    def bought(*treated) -> set[tuple[int, int]]:
        rows = purchases(law, monthly[0], first, first, last, *treated)
        assert rows.day.min() >= first
        assert rows.day.max() <= last
        return set(zip(rows.customer.tolist(), rows.product.tolist(), strict=True))

    changed = bought() ^ bought(some, found)
    moved = some.customer[found.buys_anyway != found.buys_if_reached]
    assert {customer for customer, _ in changed} == set(moved.tolist())
    assert {product for _, product in changed} == {world.MARKETED.index("fund")}


def test_a_round_of_january_and_february_loses_no_purchase(planted) -> None:
    traits, law, monthly, _ = planted
    first = day_number(FIRST)
    treatment = treat(traits, monthly[0], "fund")
    found = outcome(law, traits, monthly[0], treatment, first, 0)
    rows = purchases(law, monthly[0], first, first, first + 58, treatment, found)
    funds = rows.customer[rows.product == world.MARKETED.index("fund")]
    assert set(funds.tolist()) == set(treatment.customer[found.buys_if_reached].tolist())


def test_the_order_of_questions_does_not_matter(planted) -> None:
    traits, law, monthly, _ = planted
    treatment = treat(traits, monthly[0], "personal_loan")
    shuffled = np.random.default_rng(5).permutation(len(treatment.customer))
    again = Treatment(*(part[shuffled] for part in vars(treatment).values()))
    one = outcome(law, traits, monthly[0], treatment, day_number(FIRST), 0)
    other = outcome(law, traits, monthly[0], again, day_number(FIRST), 0)
    assert np.array_equal(one.draw[shuffled], other.draw)
    assert np.array_equal(one.contacted[shuffled], other.contacted)


def test_of_two_campaigns_for_one_product_the_earlier_contact_counts() -> None:
    treatment = Treatment(
        campaign=np.array(["X", "Y", "X", "Y"], object),
        customer=np.array([1, 1, 2, 2]),
        product=np.array([0, 0, 0, 1]),
        arm=np.full(4, "A", object),
        channel=np.full(4, "phone", object),
        is_control=np.zeros(4, bool),
        reached=np.array([True, True, False, True]),
        day=np.array([20, 10, 5, 5]),
        skill=np.zeros(4),
        contacts=np.zeros(4),
    )
    assert first_per_product(treatment).tolist() == [False, True, True, True]


def test_staff_mistype_one_in_twenty_and_forget_one_in_ten(planted) -> None:
    _, law, _, _ = planted
    who = np.arange(100_000)
    day, reached = np.full(len(who), 20_000), np.ones(len(who), bool)
    said = people.answer(law, who, day, reached, np.zeros(len(who), bool))
    entered = people.typed(law, who % 60, who, day, said)
    assert "converted" not in set(said)
    assert (entered == "").mean() == pytest.approx(0.10, abs=0.005)
    assert ((entered != said) & (entered != "")).mean() == pytest.approx(0.05 * 8 / 9, abs=0.01)
    assert set(entered) - {""} <= set(people.OUTCOMES)


def test_a_world_comes_back_exactly_from_what_is_kept_of_it(planted) -> None:
    import json

    _, law, _, _ = planted
    again = world.World.from_json(json.loads(json.dumps(law.as_json())))
    assert again.seed == law.seed
    assert np.array_equal(again.intercepts, law.intercepts)
