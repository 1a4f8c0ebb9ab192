"""Exploration: a share of the contacts is drawn among all who could be contacted, with a chance that history keeps."""

from __future__ import annotations

import pytest

from campaigns import push, targeting
from campaigns.control import control_fraction, in_control
from campaigns.models import Campaign, Target
from customers.models import Assignment, Customer
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.campaigns.test_targeting import check_sums
from tests.cast import Cast

pytestmark = pytest.mark.django_db
N, CAPACITY, SHARE = 600, 100, "0.2"


@pytest.fixture
def campaign(cast: Cast) -> Campaign:
    """600 customers with scores from 0.1 to 0.7; worth a contact are the 300 best, 100 may be contacted."""
    ids = factories.make_customers(N, cast.tree.n1, cast.rita)
    model = factories.make_scores(
        factories.make_product(), cast.ana, {pk: 0.1 + i / 1000 for i, pk in enumerate(ids)}
    )
    return factories.draft(
        cast, model=model, capacity=CAPACITY, control_share="0.1", exploration_share=SHARE, minimum_value=390
    )


def test_the_draw_is_of_everybody_and_the_rest_by_rank(cast: Cast, campaign: Campaign) -> None:
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    by_customer = {t.customer_id: t for t in Target.objects.filter(selection=selection)}
    ids = sorted(Customer.objects.values_list("pk", flat=True))
    drawn = sorted(ids, key=lambda pk: control_fraction(f"{campaign.salt}:explore", pk))[:22]
    # A fifth of the list of 112 that 100 contacts and their control come to.
    assert {pk for pk, t in by_customer.items() if t.is_exploration} == set(drawn)
    assert any(pk in drawn for pk in ids[:300]), "nobody below what is worth a contact was drawn"
    assert selection.targets_count == CAPACITY
    for target in by_customer.values():
        assert target.is_control == in_control(campaign.salt, target.customer_id, 0.1)
    by_rank = [pk for pk in reversed(ids) if pk not in drawn]
    listed = [pk for pk in by_customer if pk not in drawn]
    assert sorted(listed) == sorted(by_rank[: len(listed)])
    ranks = sorted(by_customer.values(), key=lambda t: t.rank)
    assert [t.rank for t in ranks] == list(range(1, len(ranks) + 1))
    assert [t.value for t in ranks] == sorted((t.value for t in ranks), reverse=True)


def test_whom_only_the_draw_listed_has_its_chance(cast: Cast, campaign: Campaign) -> None:
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    found = list(Target.objects.filter(selection=selection))
    last = max(t.rank for t in found if not t.is_exploration)
    for target in found:
        only_drawn = target.is_exploration and target.rank > last
        assert target.selection_chance == pytest.approx(22 / N if only_drawn else 1)
    # Weighed by their chances the list stands for everybody: each of the drawn for N / 22.
    below = [t for t in found if t.selection_chance < 1]
    assert sum(1 / t.selection_chance for t in below) == pytest.approx(N * len(below) / 22)


def test_the_waterfall_adds_up_and_says_what_was_drawn(cast: Cast, campaign: Campaign) -> None:
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    check_sums(selection.waterfall, selection.targets_count, selection.control_count)
    told = selection.definition["exploration"]
    found = Target.objects.filter(selection=selection, is_exploration=True)
    assert (told["contacts"], told["control"]) == (
        found.filter(is_control=False).count(),
        found.filter(is_control=True).count(),
    )
    assert told["pool"] == N
    worth = {line["step"]: line for line in selection.waterfall}["worth"]
    assert worth["dropped"] == N - 300 - told["below"]
    assert targeting.preview(campaign, cast.mei, on=TODAY).explored == told


def test_without_a_share_nobody_is_drawn(cast: Cast, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(exploration_share=0)
    selection = targeting.select(Campaign.objects.get(pk=campaign.pk), cast.mei, on=TODAY)
    assert not Target.objects.filter(selection=selection, is_exploration=True).exists()
    assert set(Target.objects.values_list("selection_chance", flat=True)) == {1.0}
    assert selection.definition["exploration"] == {}


def test_history_keeps_who_was_drawn_and_the_designed_shares(cast: Cast) -> None:
    ids = factories.make_customers(N, cast.tree.n1, cast.rita)
    model = factories.make_scores(
        factories.make_product(), cast.ana, {pk: 0.1 + i / 1000 for i, pk in enumerate(ids)}
    )
    campaign = factories.approved(
        cast, model=model, capacity=CAPACITY, control_share="0.1", exploration_share=SHARE
    )
    push.push(campaign, cast.mei, on=TODAY)
    expected = {
        t.customer_id: (t.is_exploration, t.selection_chance)
        for t in Target.objects.filter(selection=campaign.selection_id)
    }
    written = Assignment.objects.filter(campaign_code=campaign.code)
    assert {a.customer_id: (a.is_exploration, a.selection_chance) for a in written} == expected
    assert any(is_drawn for is_drawn, _chance in expected.values())
    assert set(written.values_list("treated_share", flat=True)) == {0.9}


def test_where_nothing_ranks_the_whole_list_was_drawn(cast: Cast) -> None:
    factories.make_customers(50, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, capacity=20, control_share="0", exploration_share=SHARE)
    push.push(campaign, cast.mei, on=TODAY)
    written = Assignment.objects.filter(campaign_code=campaign.code)
    assert written.count() == 20
    # Without control nobody designed a share.
    assert set(written.values_list("is_exploration", "treated_share")) == {(True, None)}
