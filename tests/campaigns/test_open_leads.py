"""Who has an open lead for a product gets no second one for it, and is nobody's control meanwhile."""

from __future__ import annotations

import pytest

from campaigns import push, targeting
from campaigns.models import Campaign, Lead, Target
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_who_has_an_open_lead_for_the_product_is_not_selected_again(cast: Cast) -> None:
    ids = factories.make_customers(100, cast.tree.n1, cast.rita)
    other, _done = factories.pushed(cast, "other", control_share="0")
    campaign = factories.draft(cast)
    elsewhere = factories.draft(cast, "deposits", product=factories.make_product("deposit"))
    assert targeting.select(elsewhere, cast.mei, on=TODAY).waterfall[1]["reasons"] == {}
    Lead.objects.filter(campaign=other, customer__in=ids[:40]).update(state=Lead.State.DECLINED)
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    assert selection.waterfall[1]["reasons"] == {"open_lead": 60}
    # Neither called nor control: whoever is being called about the product shows nothing as control.
    assert set(Target.objects.filter(selection=selection).values_list("customer", flat=True)) == set(ids[:40])
    campaign = Campaign.objects.get(pk=campaign.pk)
    why = targeting.why_not(campaign, factories.customer(ids[40]))
    assert (why.code, why.step) == ("open_lead", "eligible")
    assert "Has an open lead for this product" in why.sentence
    assert targeting.why_not(campaign, factories.customer(ids[0])).step in ("final", "control")


def test_who_got_a_lead_for_the_product_meanwhile_gets_no_second_one(cast: Cast) -> None:
    factories.make_customers(200, cast.tree.n1, cast.rita)
    first, second = factories.approved(cast, "first"), factories.approved(cast, "second")
    deposit = factories.make_product("deposit")
    other = factories.approved(cast, "deposits", product=deposit, control_share="0")
    push.push(first, cast.mei, on=TODAY)
    declined = Lead.objects.order_by("id").first()
    assert declined is not None
    Lead.objects.filter(pk=declined.pk).update(state=Lead.State.DECLINED)
    still_open = set(Lead.objects.open().values_list("customer", flat=True))
    wanted = set(
        Target.objects.treated().filter(selection=second.selection).values_list("customer", flat=True)
    )
    done = push.push(second, cast.mei, on=TODAY)
    assert done.reconciliation["withheld"] == {"open_lead": len(wanted & still_open)}
    given = set(Lead.objects.filter(campaign=second).values_list("customer", flat=True))
    assert given == wanted - still_open
    assert "open_lead" in push.WITHHELD_REASONS
    # Another product is another conversation; how many are too many is for the contact rules.
    assert push.push(other, cast.mei, on=TODAY).reconciliation["withheld"] == {}
