"""Selection: who is contacted, who is control and who drops out where, against a slow recount by hand."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import definition, lifecycle, targeting
from campaigns.conflicts import Conflict, Refused
from campaigns.control import control_fraction
from campaigns.models import Campaign, ContactRule, Lead, Selection, Target
from campaigns.targeting_sql import STEPS
from customers.models import Assignment, Consent, Contact, Customer, Holding, Response
from tests.campaigns import factories
from tests.campaigns.factories import TODAY
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def days_ago(n: int) -> dt.date:
    return TODAY - dt.timedelta(days=n)


def targets(campaign: Campaign) -> dict[int, tuple[bool, int | None, int]]:
    rows = Target.objects.filter(selection=Campaign.objects.get(pk=campaign.pk).selection_id)
    return {t.customer_id: (t.is_control, t.arm_id, t.rank) for t in rows}


def check_sums(waterfall: list[dict[str, Any]], final: int, control: int) -> None:
    assert [line["step"] for line in waterfall] == list(STEPS)
    for before, line in pairwise(waterfall):
        assert line["remaining"] == before["remaining"] - line["dropped"]
        if line["step"] != "control":
            assert sum(line["reasons"].values()) == line["dropped"]
    audience = waterfall[0]["remaining"]
    left_out = sum(line["dropped"] for line in waterfall if line["step"] != "control")
    assert audience == final + control + left_out
    assert waterfall[-1]["remaining"] == final


class Population:
    """Customers with every reason to drop out strewn over them at random, and the slow answer."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.random = random.Random(seed)
        self.product = factories.make_product()
        self.ids = factories.make_customers(self.random.randint(200, 1200), cast.tree.n1, cast.rita)
        self.reason: dict[int, str] = {}
        earlier, _done = factories.pushed(cast, "earlier", control_share="0")
        Lead.objects.filter(campaign=earlier).update(state=Lead.State.CLOSED)
        self._strew("open_lead", 0.05, self._reopen)
        self._strew("wrong_phone", 0.05, lambda ids: self._update(ids, phone_is_wrong=True))
        self._strew("employee", 0.03, lambda ids: self._update(ids, is_employee=True))
        self._strew("holds_product", 0.1, self._hold)
        self._strew("converted", 0.03, lambda ids: self._respond(ids, "conversion", 20))
        self._strew("cool_off", 0.05, lambda ids: self._respond(ids, "refusal", 50))
        self._strew("do_not_contact", 0.03, lambda ids: self._object(ids, "all"))
        self._strew("objection", 0.06, lambda ids: self._object(ids, "phone"))
        self._strew("capped", 0.08, self._contact)
        self.scores = {pk: self.random.random() ** 3 for pk in self.ids if self.random.random() < 0.95}
        ContactRule.objects.create(kind="cap", maximum=2, days=30)
        ContactRule.objects.create(kind="cool_off", days=90, same_product_only=True)

    def _strew(self, code: str, share: float, write: Any) -> None:
        chosen = [pk for pk in self.ids if self.random.random() < share]
        write(chosen)
        for pk in chosen:
            self.reason.setdefault(pk, "")
            self.reason[pk] += f" {code}"

    def _update(self, ids: list[int], **values: Any) -> None:
        Customer.objects.filter(pk__in=ids).update(**values)

    def _reopen(self, ids: list[int]) -> None:
        for number, state in enumerate(Lead.OPEN):
            Lead.objects.filter(customer__in=ids[number :: len(Lead.OPEN)]).update(state=state)

    def _hold(self, ids: list[int]) -> None:
        Holding.objects.bulk_create(
            Holding(number=f"H{pk}", customer_id=pk, product=self.product, opened_on=days_ago(400))
            for pk in ids
        )

    def _respond(self, ids: list[int], kind: str, ago: int) -> None:
        Response.objects.bulk_create(
            Response(
                customer_id=pk,
                campaign_code="spring",
                product_code=self.product.code,
                kind=kind,
                how="matched",
                responded_on=days_ago(ago),
            )
            for pk in ids
        )

    def _object(self, ids: list[int], channel: str) -> None:
        Consent.objects.bulk_create(
            Consent(customer_id=pk, channel=channel, is_objection=True, since=days_ago(100)) for pk in ids
        )

    def _contact(self, ids: list[int]) -> None:
        Contact.objects.bulk_create(
            Contact(customer_id=pk, contacted_on=days_ago(3 + n), reference=f"x:{pk}:{n}", channel="sms")
            for pk in ids
            for n in range(2)
        )

    def expected(self, campaign: Campaign) -> tuple[dict[int, bool], dict[str, int]]:
        """Customer → control? and step → customers dropped, one customer at a time."""
        steps = {
            "eligible": ("employee", "holds_product", "converted", "open_lead"),
            "consent": ("do_not_contact", "objection", "wrong_phone"),
            "contact_policy": ("capped", "cool_off"),
        }
        dropped = dict.fromkeys(STEPS, 0)
        passed = []
        for pk in self.ids:
            codes = self.reason.get(pk, "").split()
            step = next((step for step, of in steps.items() if set(codes) & set(of)), None)
            value = self.scores.get(pk, 0) * 1000 - 10
            if step is None and (pk not in self.scores or value < float(campaign.minimum_value)):
                step = "worth"
            if step:
                dropped[step] += 1
            else:
                passed.append((-value, pk))
        chosen: dict[int, bool] = {}
        treated = 0
        for _value, pk in sorted(passed):
            if campaign.capacity is not None and treated == campaign.capacity:
                dropped["capacity"] += 1
                continue
            chosen[pk] = control_fraction(campaign.salt, pk) < float(campaign.control_share)
            treated += not chosen[pk]
        dropped["control"] = sum(chosen.values())
        return chosen, dropped


@pytest.mark.parametrize("seed", range(8))
def test_the_statement_agrees_with_a_recount_by_hand_and_adds_up(seed: int, cast: Cast) -> None:
    people = Population(cast, seed)
    model = factories.make_scores(people.product, cast.ana, people.scores)
    campaign = factories.draft(
        cast,
        model=model,
        minimum_value=[0, 5, 100][seed % 3],
        capacity=[None, 40, 100, 10_000][seed % 4],
        control_share=["0.1", "0.25", "0"][seed % 3],
    )
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    chosen, dropped = people.expected(campaign)
    assert {pk: control for pk, (control, _arm, _rank) in targets(campaign).items()} == chosen
    assert {line["step"]: line["dropped"] for line in selection.waterfall} == dropped
    assert selection.targets_count == sum(not control for control in chosen.values())
    check_sums(selection.waterfall, selection.targets_count, selection.control_count)


def test_the_same_inputs_give_the_same_targets_in_any_order_of_the_rows(cast: Cast) -> None:
    people = Population(cast, 77)
    model = factories.make_scores(people.product, cast.ana, people.scores)
    offer = factories.make_offer(people.product)
    arms = [{"code": code, "offer": offer, "share": share} for code, share in (("a", "0.3"), ("b", "0.7"))]
    campaign = factories.draft(cast, model=model, capacity=90, arms=arms)
    first = definition.population_digest(targeting.select(campaign, cast.mei, on=TODAY))
    shuffled = list(people.ids)
    random.Random(1).shuffle(shuffled)
    for pk in shuffled[:300]:
        Customer.objects.filter(pk=pk).update(city="Lower Town")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        again = targeting.select(campaign, cast.mei, on=TODAY)
    assert definition.population_digest(again) == first
    Campaign.objects.filter(pk=campaign.pk).update(salt="another")
    other = targeting.select(Campaign.objects.get(pk=campaign.pk), cast.mei, on=TODAY)
    assert definition.population_digest(other) != first


def test_capacity_counts_contacts_and_control_comes_on_top(cast: Cast) -> None:
    ids = factories.make_customers(900, cast.tree.n1, cast.rita)
    model = factories.make_scores(factories.make_product(), cast.ana, {pk: 0.1 + pk % 97 / 200 for pk in ids})
    campaign = factories.draft(cast, model=model, capacity=300, control_share="0.2")
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    assert selection.targets_count == 300
    assert 45 < selection.control_count < 110
    ranks = sorted(rank for _control, _arm, rank in targets(campaign).values())
    assert ranks == list(range(1, len(ranks) + 1)), (
        "control is drawn among those who would have been contacted"
    )
    values = list(Target.objects.filter(selection=selection).order_by("rank").values_list("value", flat=True))
    assert values == sorted(values, reverse=True)


def test_a_larger_control_keeps_everyone_already_withheld(cast: Cast) -> None:
    factories.make_customers(800, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast, control_share="0.1")
    targeting.select(campaign, cast.mei, on=TODAY)
    small = {pk for pk, (control, _a, _r) in targets(campaign).items() if control}
    wider = lifecycle.edit(campaign, cast.mei, 1, control_share="0.3")
    targeting.select(wider, cast.mei, on=TODAY)
    large = {pk for pk, (control, _a, _r) in targets(campaign).items() if control}
    assert small < large


def test_arms_are_drawn_with_a_salt_of_their_own(cast: Cast) -> None:
    factories.make_customers(1500, cast.tree.n1, cast.rita)
    offer = factories.make_offer(factories.make_product())
    arms = [{"code": code, "offer": offer, "share": share} for code, share in (("a", "0.25"), ("b", "0.75"))]
    campaign = factories.draft(cast, arms=arms, control_share="0.4")
    targeting.select(campaign, cast.mei, on=TODAY)
    a, b = campaign.arms.order_by("code")
    drawn = [arm for control, arm, _rank in targets(campaign).values() if not control]
    # With the control's salt, every treated customer would lie above 0.4 and arm a would be empty.
    assert 0.2 < drawn.count(a.pk) / len(drawn) < 0.3
    for pk, (control, arm, _rank) in targets(campaign).items():
        if not control:
            assert arm == (a.pk if control_fraction(f"{campaign.salt}:arm", pk) < 0.25 else b.pk)
    assert Selection.objects.get().definition["arms"] == {"a": drawn.count(a.pk), "b": drawn.count(b.pk)}


def test_without_a_model_the_order_is_drawn_and_it_says_so(cast: Cast) -> None:
    ids = factories.make_customers(400, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast, capacity=100, control_share="0")
    preview = targeting.preview(campaign, cast.mei, on=TODAY)
    assert preview.ranking == "draw"
    assert "no value is claimed" in preview.ranking_sentence
    targeting.select(campaign, cast.mei, on=TODAY)
    chosen = set(targets(campaign))
    assert len(chosen) == 100
    # Not simply the customers of longest standing.
    assert len(chosen & set(ids[:100])) < 60


def test_without_a_model_history_gives_the_rate(cast: Cast) -> None:
    ids = factories.make_customers(400, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast, minimum_value=10)
    past = {"campaign_code": "spring", "product_code": "fund"}
    Assignment.objects.bulk_create(
        Assignment(customer_id=pk, cell_code="a", assigned_on=days_ago(200), **past) for pk in ids
    )
    # Control says nothing about who responds to a contact.
    held_back = factories.make_customers(100, cast.tree.n1, prefix="K")
    Assignment.objects.bulk_create(
        Assignment(customer_id=pk, cell_code="control", is_control=True, assigned_on=days_ago(200), **past)
        for pk in held_back
    )
    Response.objects.bulk_create(
        Response(customer_id=pk, kind="conversion", how="matched", responded_on=days_ago(190), **past)
        for pk in ids[:40]
    )
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    assert selection.definition["ranking"] == "history"
    assert selection.definition["rate"] == pytest.approx(0.1)
    target = Target.objects.filter(selection=selection, is_control=False).first()
    assert target is not None
    assert (target.probability, target.value) == (pytest.approx(0.1), pytest.approx(90.0))
    assert selection.definition["forecast"]["responses"]["expected"] == pytest.approx(
        selection.targets_count * 0.1
    )


def test_another_campaigns_control_is_left_alone_while_its_window_is_open(cast: Cast) -> None:
    ids = factories.make_customers(300, cast.tree.n1, cast.rita)
    other, _done = factories.pushed(cast, "other")
    held_back = set(Assignment.objects.filter(is_control=True).values_list("customer", flat=True))
    assert held_back
    Lead.objects.filter(campaign=other).update(state=Lead.State.CLOSED)
    campaign = factories.draft(cast)
    soon = targeting.select(campaign, cast.mei, on=TODAY + dt.timedelta(days=other.attribution_days - 1))
    assert soon.waterfall[1]["reasons"] == {"control_elsewhere": len(held_back)}
    assert not held_back & set(targets(campaign))
    later = targeting.select(campaign, cast.mei, on=TODAY + dt.timedelta(days=other.attribution_days))
    assert later.waterfall[1]["reasons"] == {}
    assert set(targets(campaign)) == set(ids)


def test_the_offers_own_conditions_bind(cast: Cast) -> None:
    factories.make_customers(200, cast.tree.n1, cast.rita)
    old = {"all": [{"field": "age", "op": "at_least", "value": 60}]}
    offer = factories.make_offer(factories.make_product(), eligibility=old)
    campaign = factories.draft(cast, arms=[{"code": "a", "offer": offer, "share": 1}])
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    assert selection.waterfall[1]["reasons"] == {"not_eligible": 160}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(age) FROM customers_customerprofile p JOIN campaigns_target t USING (customer_id)"
        )
        assert cursor.fetchone()[0] == 60


def test_why_not_names_the_step_for_everybody(cast: Cast) -> None:
    people = Population(cast, 5)
    model = factories.make_scores(people.product, cast.ana, people.scores)
    campaign = factories.selected(cast, model=model, minimum_value=20, capacity=60)
    counted: dict[str, int] = dict.fromkeys(STEPS, 0)
    for customer in Customer.objects.filter(pk__in=people.ids):
        why = targeting.why_not(campaign, customer)
        assert why.sentence
        counted[why.step] += 1
    assert campaign.selection is not None
    for line in campaign.selection.waterfall:
        if line["step"] not in ("audience", "final"):
            assert counted[line["step"]] == line["dropped"], line["step"]
    assert counted["final"] == campaign.selection.targets_count


def test_why_not_is_judged_on_the_day_of_the_selection(cast: Cast) -> None:
    ids = factories.make_customers(30, cast.tree.n1, cast.rita)
    ContactRule.objects.create(kind="cap", maximum=1, days=30)
    for pk in ids[:2]:
        Contact.objects.create(
            customer_id=pk, contacted_on=days_ago(29), reference=f"x:{pk}", channel="phone"
        )
    campaign = factories.selected(cast)
    young = Customer.objects.get(pk=factories.make_customers(1, cast.tree.n1, prefix="Y")[0])
    factories.run_sql("UPDATE customers_customerprofile SET age = 12 WHERE customer_id = %s", young.pk)
    assert targeting.why_not(campaign, factories.customer(ids[0])).code == "capped"
    assert targeting.why_not(campaign, young).step == "audience"
    assert targeting.why_not(campaign, factories.customer(ids[5])).step in ("final", "control")


def test_a_preview_counts_the_same_and_keeps_nothing(cast: Cast) -> None:
    people = Population(cast, 3)
    model = factories.make_scores(people.product, cast.ana, people.scores)
    campaign = factories.draft(cast, model=model, capacity=50)
    preview = targeting.preview(campaign, cast.mei, on=TODAY)
    assert not Target.objects.filter(selection__campaign=campaign).exists()
    assert not Selection.objects.filter(campaign=campaign).exists()
    selection = targeting.select(campaign, cast.mei, on=TODAY)
    assert preview.waterfall == selection.waterfall
    assert preview.forecast == selection.definition["forecast"]


def test_a_preview_works_before_there_is_an_arm(cast: Cast) -> None:
    factories.make_customers(50, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast, arms=[])
    assert targeting.preview(campaign, cast.mei, on=TODAY).waterfall[0]["remaining"] == 50
    with pytest.raises(Refused, match="Give every arm an offer"):
        targeting.select(campaign, cast.mei, on=TODAY)
    assert not Selection.objects.exists()


def test_a_new_selection_replaces_the_targets_of_the_last(cast: Cast) -> None:
    factories.make_customers(50, cast.tree.n1, cast.rita)
    campaign = factories.selected(cast)
    targeting.select(campaign, cast.mei, on=TODAY)
    assert Selection.objects.filter(campaign=campaign).count() == 2
    assert Target.objects.count() == 50


def test_the_number_of_queries_does_not_depend_on_the_customers(cast: Cast) -> None:
    factories.make_customers(20, cast.tree.n1, cast.rita)
    campaign = factories.draft(cast)
    with CaptureQueriesContext(
        connection,
    ) as few:
        targeting.select(campaign, cast.mei, on=TODAY)
    factories.make_customers(800, cast.tree.n1, cast.rita, prefix="M")
    with CaptureQueriesContext(connection) as many:
        targeting.select(Campaign.objects.get(pk=campaign.pk), cast.mei, on=TODAY)
    # The second campaign was read without its product, which is one more look-up.
    assert len(many) <= len(few) + 2


def test_what_is_missing_is_said(cast: Cast) -> None:
    campaign = factories.draft(cast)
    with pytest.raises(Refused, match="no customer profiles"):
        targeting.select(campaign, cast.mei, on=TODAY)
    factories.make_customers(10, cast.tree.n1)
    model = factories.make_scores(factories.make_product(), cast.ana, {})
    model.current_score_run = None
    model.save()
    unscored = lifecycle.edit(campaign, cast.mei, 1, model=model)
    with pytest.raises(Refused, match="no published scores"):
        targeting.select(unscored, cast.mei, on=TODAY)
    wrong = lifecycle.edit(
        unscored, cast.mei, 2, model=None, condition={"all": [{"field": "shoe", "op": "is"}]}
    )
    with pytest.raises(Refused):
        targeting.select(wrong, cast.mei, on=TODAY)
    assert not Selection.objects.exists()


def test_a_campaign_changed_meanwhile_is_not_given_the_selection(cast: Cast) -> None:
    factories.make_customers(10, cast.tree.n1)
    seen = factories.draft(cast)
    lifecycle.edit(seen, cast.mei, 1, capacity=5)
    with pytest.raises(Conflict, match="changed while customers were selected"):
        targeting.select(seen, cast.mei, on=TODAY)
    assert not Selection.objects.exists()
    assert not Target.objects.exists()
