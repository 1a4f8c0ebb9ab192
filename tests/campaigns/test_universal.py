"""The universal control: drawn from everybody, alike in every stratum, contacted by nobody, judged at its end."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import ProgrammingError, connection, transaction
from statsmodels.stats.proportion import confint_proportions_2indep

from campaigns import push, targeting, universal
from campaigns.conflicts import Refused
from campaigns.models import Lead, Target, UniversalControl, UniversalMember
from customers.models import Customer, Holding
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast

pytestmark = pytest.mark.django_db
YEAR = dt.timedelta(days=365)


def begun(cast: Cast, share: str = "0.050", first: dt.date = TODAY, name: str = "Year 1") -> UniversalControl:
    return universal.begin(cast.max, name=name, share=Decimal(share), starts_on=first, ends_on=first + YEAR)


def members(control: UniversalControl) -> set[int]:
    return set(UniversalMember.objects.filter(control=control).values_list("customer", flat=True))


def test_every_stratum_gives_its_share(cast: Cast) -> None:
    sizes = {cast.tree.n1: 1000, cast.tree.n2: 410, cast.tree.s1: 33}
    for branch, n in sizes.items():
        factories.make_customers(n, branch, cast.rita, prefix=branch.code)
    control = begun(cast)
    assert universal.draw() == pytest.approx(1443 * 0.05, abs=1)
    drawn = Counter(Customer.objects.filter(pk__in=members(control)).values_list("home_branch", flat=True))
    for branch, n in sizes.items():
        assert abs(drawn[branch.pk] - n * 0.05) <= 1, branch


def test_who_works_for_the_bank_or_has_left_is_not_drawn(cast: Cast) -> None:
    ids = factories.make_customers(400, cast.tree.n1, cast.rita)
    Customer.objects.filter(pk__in=ids[:150]).update(is_employee=True)
    Customer.objects.filter(pk__in=ids[150:300]).update(closed_on=TODAY)
    control = begun(cast)
    assert universal.draw() == 5
    assert members(control) <= set(ids[300:])


def test_a_second_draw_adds_only_who_joined_since(cast: Cast) -> None:
    factories.make_customers(400, cast.tree.n1, cast.rita)
    control = begun(cast)
    universal.draw()
    first = members(control)
    assert universal.draw() == 0
    joined = factories.make_customers(200, cast.tree.n1, cast.rita, prefix="new")
    assert 9 <= universal.draw() <= 11
    assert members(control) - first <= set(joined)
    assert first <= members(control)


def test_what_was_drawn_stays(cast: Cast) -> None:
    factories.make_customers(100, cast.tree.n1, cast.rita)
    control = begun(cast)
    universal.draw()
    for statement in (
        "DELETE FROM campaigns_universalmember",
        "UPDATE campaigns_universalmember SET stratum = ''",
    ):
        with (
            pytest.raises(ProgrammingError, match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert len(members(control)) == 5


def test_no_campaign_selects_a_member(cast: Cast) -> None:
    factories.make_customers(400, cast.tree.n1, cast.rita)
    control = begun(cast)
    universal.draw()
    campaign = factories.selected(cast)
    line = next(line for line in campaign.selection.waterfall if line["step"] == "universal")
    assert line["dropped"] == 20
    assert line["reasons"] == {"universal": 20}
    held = members(control)
    assert not Target.objects.filter(selection=campaign.selection, customer__in=held).exists()
    one = factories.customer(min(held))
    assert targeting.why_not(campaign, one).step == "universal"
    # Whoever talks to customers learns no more than that a rule of the bank holds.
    told = targeting.why_not(campaign, one, tell_control=False)
    assert "control" not in f"{told.step} {told.code} {told.sentence}".lower()


def test_before_its_first_day_and_after_its_last_it_binds_nobody(cast: Cast) -> None:
    factories.make_customers(200, cast.tree.n1, cast.rita)
    begun(cast, first=TODAY + dt.timedelta(days=1))
    assert universal.draw() == 0
    assert factories.selected(cast).selection.targets_count > 0
    assert factories.selected(cast, "late").selection.waterfall[4]["dropped"] == 0


def test_a_push_withholds_who_was_drawn_after_approval(cast: Cast) -> None:
    factories.make_customers(400, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, control_share="0")
    control = begun(cast)
    universal.draw()
    done = push.push(campaign, cast.mei)
    assert done.reconciliation["withheld"] == {"universal": 20}
    assert not Lead.objects.filter(customer__in=members(control)).exists()


def test_untouched_leads_of_members_are_taken_back(cast: Cast) -> None:
    factories.make_customers(400, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share="0")
    control = begun(cast)
    Lead.objects.update(last_outcome="later")
    spared = Lead.objects.order_by("pk").first()
    Lead.objects.exclude(pk=spared.pk).update(last_outcome="")
    universal.draw()
    states = dict(Lead.objects.filter(customer__in=members(control)).values_list("pk", "state"))
    assert {state for pk, state in states.items() if pk != spared.pk} == {"recalled"}
    assert Lead.objects.filter(state="recalled").count() == len(states.keys() - {spared.pk})


@pytest.mark.parametrize("share", ["0.009", "0.051"])
def test_a_share_outside_one_to_five_per_cent_is_refused(share: str, cast: Cast) -> None:
    with pytest.raises(ValidationError, match=r"equal to 0\.0"):
        begun(cast, share)


def test_two_controls_never_share_a_day(cast: Cast) -> None:
    begun(cast)
    with pytest.raises(ValidationError, match="lasts until"):
        begun(cast, first=TODAY + YEAR, name="Year 2")
    assert begun(cast, first=TODAY + YEAR + dt.timedelta(days=1), name="Year 2").pk


def test_the_past_is_refused(cast: Cast) -> None:
    with pytest.raises(ValidationError, match="has passed"):
        begun(cast, first=TODAY - dt.timedelta(days=1))


def test_only_a_manager_begins_and_ends_it(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        universal.begin(cast.mei, name="Mine", share=Decimal("0.02"), starts_on=TODAY, ends_on=TODAY + YEAR)
    control = begun(cast)
    with pytest.raises(PermissionDenied):
        universal.end(control, cast.mei, "It costs sales")
    with pytest.raises(Refused, match="why"):
        universal.end(control, cast.max, " ")
    universal.end(control, cast.max, "The bank is being merged")
    control.refresh_from_db()
    assert control.ends_on == TODAY
    with pytest.raises(Refused, match="over"):
        universal.end(control, cast.max, "Again")


def test_one_that_has_not_begun_is_taken_back_whole(cast: Cast) -> None:
    control = begun(cast, first=TODAY + dt.timedelta(days=3))
    universal.end(control, cast.max, "Wrong year")
    assert not UniversalControl.objects.exists()


def test_the_effect_of_all_campaigns_together(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = factories.make_customers(2000, cast.tree.n1, cast.rita)
    product = factories.make_product()
    control = begun(cast)
    universal.draw()
    held = members(control)
    rest = [pk for pk in ids if pk not in held]
    bought = [*rest[:380], *sorted(held)[:10]]
    Holding.objects.bulk_create(
        Holding(number=f"B{pk}", customer_id=pk, product=product, opened_on=TODAY + dt.timedelta(days=30))
        for pk in bought
    )
    control.refresh_from_db()
    monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY + dt.timedelta(days=60))
    interim = universal.programme(control)
    assert interim is not None
    assert interim.readout.verdict == "interim"
    monkeypatch.setattr("bankcrm.clock.today", lambda: control.ends_on + dt.timedelta(days=1))
    Holding.objects.create(
        number="late", customer_id=rest[-1], product=product, opened_on=control.ends_on + dt.timedelta(days=1)
    )
    found = universal.programme(control)
    assert found is not None
    assert (found.rest.buyers, found.rest.customers, found.members.buyers, found.members.customers) == (
        380, 1900, 10, 100,
    )  # fmt: skip
    effect = found.readout.overall
    low, high = confint_proportions_2indep(380, 1900, 10, 100, method="newcomb")
    assert (effect.value, effect.interval.low, effect.interval.high) == pytest.approx(
        (0.1, low, high), abs=1e-9
    )
    assert found.readout.verdict == "proved_positive"
