"""A withdrawn consent bites everywhere at once, through whatever door it came (D41)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.urls import reverse

from bankcrm import clock
from bankcrm.models import AuditEvent, Role, User
from campaigns import calling, followup, push, queue, reassign
from campaigns.conflicts import Refused
from campaigns.models import Campaign, Lead, Target
from customers import consents, imports
from customers.consents import Word
from customers.imports import undo
from customers.models import Consent, ConsentEvent, Customer
from tests.api.callers import Caller
from tests.campaigns import factories
from tests.campaigns.lead_cases import entry, pushed_leads
from tests.cast import Cast, login, make_user
from tests.customers import imports_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(cast: Cast) -> tuple[Lead, Lead]:
    """Two open leads of one customer of Rita's in two campaigns; Bao holds the second."""
    (first,) = pushed_leads(cast, 1, "autumn")
    factories.pushed(cast, "winter", product=factories.make_product("bond"), control_share=0)
    second = Lead.objects.get(campaign__code="winter")
    queue.claim(second.pk, cast.bao)
    return first, second


def by_page(cast: Cast, customer: Customer, _folder: Any) -> None:
    sent = {
        "said": "objects",
        "channel": "all",
        "purpose": "all",
        "since": clock.today().isoformat(),
        "source": "call",
    }
    answer = login(cast.rita).post(
        reverse("customer-consents", args=[customer.pk]), sent, headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        reverse("customer-detail", args=[customer.pk]),
    )


def by_answer(cast: Cast, customer: Customer, _folder: Any) -> None:
    lead = Lead.objects.filter(customer=customer, campaign__code="autumn").get()
    followup.record(lead.pk, cast.rita, entry("do_not_contact"))


def by_import(cast: Cast, customer: Customer, folder: Any) -> None:
    text = f"customer,channel,is_objection,since\n{customer.number},phone,yes,2026-11-20\n"
    file = imports_world.merged(imports_world.write(folder, text), "consents", cast.ana)
    assert file.state == "merged", file.error


def by_api(cast: Cast, customer: Customer, _folder: Any) -> None:
    sent = {"channel": "phone", "purpose": "marketing", "objects": True, "since": clock.today().isoformat()}
    answer = Caller(cast.rita).post(f"customers/{customer.pk}/consents/", sent)
    assert answer.status_code == 201, answer.content
    assert answer.json()["leads_ended"] == 2


DOORS = {"page": by_page, "answer": by_answer, "import": by_import, "api": by_api}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_an_objection_ends_open_leads_queue_and_selection_through_every_door(
    door: Any, cast: Cast, pair: tuple[Lead, Lead], tmp_path: Any
) -> None:
    customer = pair[0].customer
    door(cast, customer, tmp_path)
    for lead in pair:
        lead.refresh_from_db()
        assert (lead.state, lead.last_outcome, lead.claimed_by) == ("closed", "do_not_contact", None)
    assert not queue.waiting(cast.rita).exists()
    assert not queue.later(cast.rita).exists()
    with pytest.raises(Refused):
        calling.number_to_call(pair[1].pk, cast.rita)
    page = login(cast.rita).get(reverse("lead-detail", args=[pair[0].pk])).content.decode()
    assert "objected" in page
    # A campaign that is selected now leaves the customer out, and one approved before leaves no lead.
    new = factories.selected(cast, "spring", product=factories.make_product("gold"))
    assert not Target.objects.filter(selection__campaign=new).exists()


def test_an_objection_after_approval_withholds_the_lead(cast: Cast) -> None:
    (customer,) = factories.make_customers(1, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, control_share=0)
    consents.record(customer, cast.rita, Word("phone", "marketing", True, clock.today()))
    push.push(campaign, cast.mei)
    assert not Lead.objects.exists()
    assert Target.objects.get().withheld == "objection"


def test_whoever_objects_while_a_push_runs_has_no_open_lead_when_it_ends(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    (customer,) = factories.make_customers(1, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, control_share=0)
    explain = push.explanation.explain

    def objecting(*given: Any) -> Any:
        # Between the chunks and the end, past every hook, as another transaction's commit would be.
        Consent.objects.create(
            customer_id=customer, channel="all", purpose="all", is_objection=True, since=clock.today()
        )
        return explain(*given)

    monkeypatch.setattr(push.explanation, "explain", objecting)
    push.push(campaign, cast.mei)
    assert Lead.objects.get().state == Lead.State.CLOSED


def test_an_objection_to_another_channel_or_purpose_leaves_the_leads(
    cast: Cast, pair: tuple[Lead, Lead]
) -> None:
    customer = pair[0].customer_id
    for channel, purpose in (
        ("sms", "marketing"),
        ("all", "survey"),
        ("all", "profiling"),
        ("phone", "partners"),
    ):
        assert consents.record(customer, cast.rita, Word(channel, purpose, True, clock.today())).stopped == 0
    assert Lead.objects.open().count() == 2
    assert calling.blocks(Lead.objects.get(pk=pair[0].pk), clock.today()) == []


def test_an_objection_to_personalised_offers_ends_what_a_score_chose(cast: Cast) -> None:
    product = factories.make_product()
    (customer,) = factories.make_customers(1, cast.tree.n1, cast.rita)
    model = factories.make_scores(product, cast.ana, {customer: 0.5})
    campaign = factories.approved(cast, "autumn", product=product, model=model, control_share=0)
    consents.record(customer, cast.rita, Word("all", "profiling", True, clock.today()))
    push.push(campaign, cast.mei)
    assert Target.objects.get().withheld == "profiling"
    assert not Target.objects.filter(
        selection__campaign=factories.selected(cast, "winter", product=product, model=model)
    ).exists()


def test_taking_a_word_back_reopens_what_it_ended_unless_it_was_changed_since(
    cast: Cast, pair: tuple[Lead, Lead]
) -> None:
    first, second = pair
    done = consents.do_not_contact(first.customer_id, cast.rita, True)
    assert done.stopped == 2
    Lead.objects.filter(pk=second.pk).update(version=99)
    consents.undo(done.event, cast.rita)
    first.refresh_from_db()
    assert (first.state, first.last_outcome, first.closed_at) == ("new", "", None)
    assert Lead.objects.get(pk=second.pk).state == "closed"
    assert AuditEvent.objects.filter(action="lead.reopened", object_id=str(first.pk)).count() == 1


def test_taking_one_word_back_leaves_what_another_forbids(cast: Cast, pair: tuple[Lead, Lead]) -> None:
    customer = pair[0].customer_id
    done = consents.do_not_contact(customer, cast.rita, True)
    consents.record(customer, cast.rita, Word("phone", "marketing", True, clock.today()))
    consents.undo(done.event, cast.rita)
    assert not Lead.objects.open().exists()


def test_undoing_an_answer_does_not_bring_back_a_lead_the_customer_objects_to(
    cast: Cast, pair: tuple[Lead, Lead]
) -> None:
    first, _second = pair
    done = followup.record(first.pk, cast.rita, entry("declined"))
    consents.record(first.customer_id, cast.rita, Word("phone", "marketing", True, clock.today()))
    followup.undo(done.pk, cast.rita)
    assert Lead.objects.get(pk=first.pk).state == "closed"


def quiet(customer: int, user: User, days: int = 10) -> Any:
    today = clock.today()
    return consents.rest(customer, user, today, today + dt.timedelta(days=days), "bereavement", "call")


def test_a_quiet_period_puts_leads_off_until_it_is_over_and_blocks_the_call(
    cast: Cast, pair: tuple[Lead, Lead]
) -> None:
    first, _second = pair
    Lead.objects.update(due_on=clock.today())
    period = quiet(first.customer_id, cast.rita)
    assert not queue.waiting(cast.rita).exists()
    first.refresh_from_db()
    assert (first.state, first.due_on) == ("new", period.last_day + dt.timedelta(days=1))
    assert "bereavement" in " ".join(calling.blocks(first, clock.today()))
    with pytest.raises(Refused, match="Leave the customer alone"):
        followup.record(first.pk, cast.rita, entry("interested"))
    assert followup.record(first.pk, cast.rita, entry("do_not_contact")).pk


def test_a_lifted_quiet_period_gives_the_leads_their_dates_back(cast: Cast, pair: tuple[Lead, Lead]) -> None:
    Lead.objects.update(due_on=clock.today(), next_step="")
    period = quiet(pair[0].customer_id, cast.rita)
    consents.lift(period.pk, cast.rita)
    assert set(Lead.objects.values_list("due_on", "next_at", "next_step")) == {(clock.today(), None, "")}
    assert calling.blocks(Lead.objects.get(pk=pair[0].pk), clock.today()) == []


def test_a_quiet_period_to_come_leaves_leads_that_are_due_before(cast: Cast, pair: tuple[Lead, Lead]) -> None:
    Lead.objects.update(due_on=clock.today())
    first_day = clock.today() + dt.timedelta(days=5)
    consents.rest(pair[0].customer_id, cast.rita, first_day, first_day, "wish")
    assert queue.waiting(cast.rita).count() == 2


def test_selection_and_push_pass_over_a_customer_in_a_quiet_period(cast: Cast) -> None:
    here, there = factories.make_customers(2, cast.tree.n1, cast.rita)
    campaign = factories.approved(cast, control_share=0)
    quiet(here, cast.rita)
    push.push(campaign, cast.mei)
    assert dict(Target.objects.values_list("customer", "withheld")) == {here: "quiet", there: ""}
    again = factories.selected(cast, "winter", product=factories.make_product("bond"))
    chosen = set(Target.objects.filter(selection=again.selection).values_list("customer", flat=True))
    assert here not in chosen


def test_leads_of_a_customer_who_objects_are_not_handed_over(cast: Cast, pair: tuple[Lead, Lead]) -> None:
    rosa = make_user("rosa", Role.RM, cast.tree.n1)
    consents.do_not_contact(pair[0].customer_id, cast.rita, True)
    with pytest.raises(Refused, match="no lead to move"):
        reassign.plan(cast.bao, [cast.rita], rosa, clock.today())


def test_a_colleague_in_the_middle_of_a_call_cannot_record_a_contact_any_more(
    cast: Cast, pair: tuple[Lead, Lead]
) -> None:
    consents.do_not_contact(pair[0].customer_id, cast.rita, True)
    with pytest.raises(Exception, match="closed"):
        followup.record(pair[1].pk, cast.bao, entry("interested", client_key=uuid.uuid4()))
    assert Campaign.objects.count() == 2
    assert ConsentEvent.objects.count() == 1


def test_a_file_that_withdrew_an_objection_and_is_undone_ends_the_leads_made_since(
    cast: Cast, tmp_path: Any
) -> None:
    (pk,) = factories.make_customers(1, cast.tree.n1, cast.rita)
    customer = factories.customer(pk)
    consents.record(pk, cast.rita, Word("phone", "marketing", True, clock.today() - dt.timedelta(days=9)))
    text = f"customer,channel,is_objection,since\n{customer.number},phone,no,{clock.today():%Y-%m-%d}\n"
    file = imports_world.merged(imports_world.write(tmp_path, text), "consents", cast.ana)
    factories.pushed(cast, control_share=0)
    assert Lead.objects.open().count() == 1
    undo.undo(file, cast.ana)
    assert Consent.objects.get().is_objection
    assert not Lead.objects.open().exists()
    assert ConsentEvent.objects.latest("id").by == cast.ana


def test_a_word_said_between_check_and_merge_of_a_file_is_newer_than_the_file(
    cast: Cast, pair: tuple[Lead, Lead], tmp_path: Any
) -> None:
    customer, week_ago = pair[0].customer, clock.today() - dt.timedelta(days=7)
    text = f"customer,channel,is_objection,since\n{customer.number},phone,yes,{week_ago}\n"
    file = imports_world.checked(imports_world.write(tmp_path, text), "consents", cast.ana)
    consents.record(customer.pk, cast.rita, Word("phone", "marketing", False, clock.today(), evidence="call"))
    file = imports.merge(file)
    assert (file.inserted, file.updated) == (0, 0)
    kept = Consent.objects.get(customer=customer, channel="phone")
    assert (kept.is_objection, kept.since) == (False, clock.today())
    assert not Lead.objects.filter(customer=customer, state="closed").exists()
