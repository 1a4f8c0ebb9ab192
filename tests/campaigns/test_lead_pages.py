"""The pages of relationship managers: who may open what, what they show, and what they cost."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bankcrm import clock, figures
from bankcrm.models import AuditEvent
from campaigns import queue
from campaigns.models import FollowUp, Lead
from customers.models import Consent
from tests.campaigns import factories
from tests.cast import login, make_user

pytestmark = pytest.mark.django_db
PAGES = ("my-day", "lead-list", "lead-calendar", "my-results")


@pytest.fixture
def leads(cast):
    """Six leads of Rita, pushed the real way."""
    factories.make_customers(6, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    return list(Lead.objects.order_by("pk"))


def outcome(client, lead, htmx=True, **fields):
    data = {"outcome": "no_answer", "client_key": uuid.uuid4(), **fields}
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(reverse("lead-outcome", args=[lead.pk]), data, headers=headers)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-13-01", "next week"])
def test_a_day_the_calendar_cannot_show_is_today(cast, leads, day):
    shown = login(cast.rita).get(reverse("lead-calendar"), {"day": day})
    assert shown.status_code == 200
    assert shown.context["first"] <= factories.TODAY <= shown.context["last"]


def test_a_next_step_years_away_is_refused_as_a_typing_error(cast, leads):
    answer = outcome(
        login(cast.rita), leads[0], outcome="later", next_step="call", next_at="2062-12-01T10:00"
    )
    assert answer.status_code == 422
    assert "within the next two years" in answer.content.decode()
    snoozed = login(cast.rita).post(
        reverse("lead-snooze", args=[leads[0].pk]),
        {"until": "2062-12-01T10:00"},
        headers={"HX-Request": "true"},
    )
    assert snoozed.status_code == 422
    assert not FollowUp.objects.exists()
    assert not Lead.objects.filter(next_at__isnull=False).exists()


@pytest.mark.parametrize("name", PAGES)
def test_rita_opens_her_pages_and_mei_does_not(cast, leads, name):
    assert login(cast.rita).get(reverse(name)).status_code == 200
    assert login(cast.mei).get(reverse(name)).status_code == 403
    assert login(cast.max).get(reverse(name)).status_code == 403


def test_a_lead_of_another_branch_does_not_exist_for_raj(cast, leads):
    assert login(cast.rita).get(reverse("lead-detail", args=[leads[0].pk])).status_code == 200
    assert login(cast.raj).get(reverse("lead-detail", args=[leads[0].pk])).status_code == 404


def test_opening_a_lead_changes_nothing(cast, leads):
    before = Lead.objects.values().get(pk=leads[0].pk)
    login(cast.rita).get(reverse("lead-detail", args=[leads[0].pk]))
    assert Lead.objects.values().get(pk=leads[0].pk) == before
    assert not AuditEvent.objects.filter(action__startswith="lead.").exists()


def test_the_page_claims_by_a_post_and_the_second_person_reads_who_has_it(cast, leads):
    answer = login(cast.rita).post(reverse("lead-claim", args=[leads[0].pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b"Yours since" in answer.content
    second = login(cast.bao).post(reverse("lead-claim", args=[leads[0].pk]), headers={"HX-Request": "true"})
    assert second.status_code == 409
    assert b"Rita has had this lead since" in second.content
    assert b'name="outcome"' not in second.content


def test_saving_answers_with_the_next_lead_already_claimed(cast, leads):
    queue.claim(leads[0].pk, cast.rita)
    answer = outcome(login(cast.rita), leads[0])
    following = Lead.objects.get(claimed_by=cast.rita)
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == reverse("lead-detail", args=[following.pk])
    assert following.pk != leads[0].pk
    assert b"Yours since" in answer.content


def test_undo_after_putting_a_lead_off_brings_that_lead_back_not_the_outcome_before(cast, leads):
    client = login(cast.rita)
    outcome(client, leads[0])
    before = Lead.objects.values("next_at", "next_step", "state", "due_on").get(pk=leads[1].pk)
    until = (queue.moment() + dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    snooze = reverse("lead-snooze", args=[leads[1].pk])
    page = client.post(snooze, {"until": until}, headers={"HX-Request": "true"}).content.decode()
    event = AuditEvent.objects.get(action="lead.snoozed")
    back = reverse("snooze-undo", args=[event.pk])
    done = FollowUp.objects.get()
    assert back in page
    assert reverse("follow-up-undo", args=[done.pk]) not in page
    assert login(cast.bao).post(back).status_code == 404, "only one's own"
    assert client.post(back)["Location"] == reverse("lead-detail", args=[leads[1].pk])
    assert Lead.objects.values(*before).get(pk=leads[1].pk) == before
    assert Lead.objects.get(pk=leads[1].pk).claimed_by == cast.rita
    assert FollowUp.objects.get().undone_at is None
    page = client.get(reverse("lead-detail", args=[leads[2].pk])).content.decode()
    assert reverse("follow-up-undo", args=[done.pk]) in page, "then the outcome is the last act again"
    again = client.post(back, headers={"HX-Request": "true"})
    assert again.status_code == 409
    assert b"Something was done on this lead since" in again.content


def test_do_not_contact_says_how_many_other_leads_of_the_customer_ended(cast, leads):
    factories.pushed(cast, "spring", product=factories.make_product("bond"), control_share=0)
    answer = outcome(login(cast.rita), leads[0], outcome="do_not_contact")
    assert "1 other lead of this customer ended" in answer["HX-Trigger"]
    assert "ended" not in outcome(login(cast.rita), leads[1])["HX-Trigger"]


def test_after_the_last_lead_one_is_back_at_ones_day(cast, leads):
    Lead.objects.exclude(pk=leads[0].pk).update(next_at=timezone.now() + dt.timedelta(days=2))
    answer = outcome(login(cast.rita), leads[0])
    assert (answer.status_code, answer["HX-Redirect"]) == (204, reverse("home"))


@pytest.mark.parametrize("htmx", [True, False])
def test_ones_day_says_what_was_saved_last_and_undoes_it(cast, leads, htmx):
    Lead.objects.exclude(pk=leads[0].pk).update(next_at=timezone.now() + dt.timedelta(days=2))
    client = login(cast.rita)
    undo = "/undo/"
    assert undo not in client.get(reverse("my-day")).content.decode()
    outcome(client, leads[0], htmx=htmx, outcome="declined", reason_code="price")
    done = FollowUp.objects.get()
    day = client.get(reverse("my-day")).content.decode()
    assert "Saved: declined" in day
    assert f"{leads[0].customer.name}, Declined" in day
    assert reverse("follow-up-undo", args=[done.pk]) in day
    assert undo not in login(cast.bao).get(reverse("my-day")).content.decode(), "only one's own"
    answer = client.post(reverse("follow-up-undo", args=[done.pk]))
    assert answer["Location"] == reverse("lead-detail", args=[leads[0].pk])
    assert Lead.objects.get(pk=leads[0].pk).state == Lead.State.NEW
    assert undo not in client.get(reverse("my-day")).content.decode()


def test_start_calling_names_the_first_row_and_the_day_it_is_due(cast, leads):
    missed = queue.moment() - dt.timedelta(days=3)
    Lead.objects.filter(pk=leads[5].pk).update(
        due_on=clock.today() + dt.timedelta(days=9), next_at=missed, next_step="call", value=1
    )
    client = login(cast.rita)
    day = client.get(reverse("my-day"))
    first = day.context["rows"][0]
    assert (first.lead, first.due) == (leads[5], missed.date())
    words = f"starts with {first.lead.customer.name}, due {figures.day(first.due)}"
    assert words in " ".join(day.content.decode().split())
    assert client.get(reverse("lead-next"))["Location"] == reverse("lead-detail", args=[first.lead.pk])


def test_the_tile_of_new_leads_says_new_in_what_sense(cast, leads):
    Lead.objects.filter(pk__in=[lead.pk for lead in leads[:4]]).update(state=Lead.State.WORKING)
    tile = login(cast.rita).get(reverse("my-day")).context["kpis"][3]
    assert (tile["value"], tile["note"]) == ("2", "without an outcome yet; 6 open in all")


def test_without_script_the_form_leads_to_the_next_page(cast, leads):
    answer = outcome(login(cast.rita), leads[0], htmx=False)
    assert answer.status_code == 302
    assert FollowUp.objects.filter(lead=leads[0], outcome="no_answer").count() == 1


def test_an_outcome_on_somebody_elses_lead_is_not_found_and_changes_nothing(cast, leads):
    assert outcome(login(cast.raj), leads[0]).status_code == 404
    assert not FollowUp.objects.exists()
    assert Lead.objects.get(pk=leads[0].pk).state == Lead.State.NEW


def test_an_outcome_on_a_lead_a_colleague_works_on_is_refused_with_the_name(cast, leads):
    queue.claim(leads[0].pk, cast.bao)
    answer = outcome(login(cast.rita), leads[0])
    assert answer.status_code == 409
    assert b"Bao has had this lead since" in answer.content
    assert not FollowUp.objects.exists()


def test_managers_auditors_and_planners_cannot_write_an_outcome(cast, leads):
    for person in (cast.max, cast.aud, cast.mei):
        assert outcome(login(person), leads[0]).status_code == 403
    assert not FollowUp.objects.exists()


def test_saving_on_a_lead_closed_meanwhile_says_so_and_offers_the_next_lead(cast, leads):
    Lead.objects.filter(pk=leads[0].pk).update(state=Lead.State.DECLINED, claimed_by=cast.rita)
    answer = outcome(login(cast.rita), leads[0])
    page = answer.content.decode()
    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#main"
    assert "Nothing was saved. This lead is closed: Declined." in page
    assert "Next lead" in page
    assert 'name="outcome"' not in page
    assert "Yours since" not in page
    Lead.objects.exclude(pk=leads[0].pk).update(state=Lead.State.CLOSED)
    assert "back to the start" in outcome(login(cast.rita), leads[0]).content.decode()


def test_an_outcome_kept_offline_is_taken_from_its_owner_only(cast, leads):
    kept = {"kept": "1", "owner": cast.raj.pk}
    assert outcome(login(cast.rita), leads[0], **kept).status_code == 403
    assert outcome(login(cast.rita), leads[0], kept="1").status_code == 403
    assert not FollowUp.objects.exists()
    assert outcome(login(cast.rita), leads[0], kept="1", owner=cast.rita.pk).status_code == 204
    assert FollowUp.objects.get().by == cast.rita
    Lead.objects.filter(pk=leads[1].pk).update(state=Lead.State.RECALLED)
    told = outcome(login(cast.rita), leads[1], kept="1", owner=cast.rita.pk)
    assert (told.status_code, told["HX-Retarget"]) == (409, "#said")


def test_an_outcome_without_a_choice_says_so_beside_the_buttons(cast, leads):
    answer = outcome(login(cast.rita), leads[0], outcome="")
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#said"
    assert b"keys 1 to 9" in answer.content


def test_the_number_is_masked_until_asked_for_and_asking_is_on_record(cast, leads):
    client, url = login(cast.rita), reverse("lead-detail", args=[leads[0].pk])
    phone = leads[0].customer.phone
    assert phone.encode() not in client.get(url).content
    answer = client.post(reverse("lead-call", args=[leads[0].pk]), headers={"HX-Request": "true"})
    assert f"tel:{phone}".encode() in answer.content
    event = AuditEvent.objects.get(action="customer.revealed")
    assert (event.actor, event.object_id) == (cast.rita, str(leads[0].customer_id))
    assert phone not in str(event.details) + event.reason


def test_an_objection_takes_the_call_button_away_and_the_number_is_not_given_out(cast, leads):
    Consent.objects.create(
        customer=leads[0].customer, channel="all", is_objection=True, since=timezone.localdate()
    )
    client = login(cast.rita)
    page = client.get(reverse("lead-detail", args=[leads[0].pk])).content
    assert b"Do not call." in page
    assert b"asked on" in page
    assert reverse("lead-call", args=[leads[0].pk]).encode() not in page
    answer = client.post(reverse("lead-call", args=[leads[0].pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert leads[0].customer.phone.encode() not in answer.content
    assert not AuditEvent.objects.filter(action="customer.revealed").exists()


def test_undo_shows_the_lead_again(cast, leads):
    client = login(cast.rita)
    outcome(client, leads[0], outcome="declined", reason_code="price")
    done = FollowUp.objects.get()
    answer = client.post(reverse("follow-up-undo", args=[done.pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == reverse("lead-detail", args=[leads[0].pk])
    assert Lead.objects.get(pk=leads[0].pk).state == Lead.State.NEW
    assert login(cast.bao).post(reverse("follow-up-undo", args=[done.pk])).status_code == 404


def test_a_snoozed_lead_leaves_the_queue_until_its_time(cast, leads):
    until = timezone.localtime() + dt.timedelta(hours=2)
    answer = login(cast.rita).post(
        reverse("lead-snooze", args=[leads[0].pk]), {"until": until.strftime("%Y-%m-%dT%H:%M")}
    )
    assert answer.status_code == 302
    assert leads[0] not in queue.waiting(cast.rita)
    assert leads[0] in queue.later(cast.rita)
    past = login(cast.rita).post(reverse("lead-snooze", args=[leads[1].pk]), {"until": "2020-01-01T10:00"})
    assert past.status_code == 422


def test_filters_of_the_url_cut_the_queue_and_nonsense_cuts_nothing(cast, leads):
    today = timezone.localdate()
    Lead.objects.filter(pk=leads[0].pk).update(due_on=today - dt.timedelta(days=3))
    client = login(cast.rita)

    def shown(query):
        return {row.lead.pk for row in client.get(reverse("lead-list") + query).context["rows"]}

    assert shown("?due=overdue") == {leads[0].pk}
    assert shown("?status=converted") == set()
    assert shown(f"?campaign={leads[0].campaign_id}") == {lead.pk for lead in leads}
    assert shown("?due=nonsense&campaign=0&cursor=x") == {lead.pk for lead in leads}


def test_the_order_is_due_date_then_value(cast, leads):
    today = timezone.localdate()
    Lead.objects.filter(pk=leads[3].pk).update(due_on=today - dt.timedelta(days=1), value=1)
    Lead.objects.filter(pk=leads[5].pk).update(value=99_999)
    rows = login(cast.rita).get(reverse("lead-list")).context["rows"]
    assert [row.lead.pk for row in rows][:2] == [leads[3].pk, leads[5].pk]


def test_a_missed_call_is_overdue_in_every_list_and_named_on_the_lead(cast, leads):
    today = clock.today()
    late = queue.moment() - dt.timedelta(days=2)
    Lead.objects.filter(pk=leads[4].pk).update(
        due_on=today + dt.timedelta(days=9), next_at=late, next_step="call", value=1
    )
    client = login(cast.rita)
    for name in ("my-day", "lead-list"):
        first = client.get(reverse(name)).context["rows"][0]
        assert (first.lead.pk, first.group, first.due) == (leads[4].pk, "overdue", late.date())
    day = client.get(reverse("my-day"))
    assert day.context["kpis"][0]["value"] == "1"
    assert list(day.context["missed"]) == [leads[4]]
    page = client.get(reverse("lead-detail", args=[leads[4].pk])).content.decode()
    assert f"call agreed for {figures.short_day(late)}, missed" in page
    other = client.get(reverse("lead-detail", args=[leads[0].pk])).content.decode()
    assert "agreed for" not in other


def test_a_colleagues_claim_is_shown_in_the_list(cast, leads):
    queue.claim(leads[0].pk, cast.bao)
    page = login(cast.rita).get(reverse("lead-list")).content.decode()
    assert "Bao since" in page


def test_the_queue_costs_the_same_queries_for_10_and_500_leads(cast):
    few, many = make_user("few", "rm", cast.tree.n1), make_user("many", "rm", cast.tree.n2)
    factories.make_customers(10, cast.tree.n1, few, prefix="F")
    factories.make_customers(500, cast.tree.n2, many, prefix="M")
    factories.pushed(cast, control_share=0, capacity=None)
    costs = []
    for person, number in ((few, 10), (many, 500)):
        assert person.leads.count() == number
        client = login(person)
        client.get(reverse("lead-list"))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(reverse("lead-list")).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 20


@pytest.mark.parametrize(("name", "most"), [("my-day", 24), ("lead-detail", 44)])
def test_my_day_and_the_workspace_cost_the_same_for_a_short_and_a_long_queue(cast, name, most):
    short, long = make_user("short", "rm", cast.tree.n1), make_user("long", "rm", cast.tree.n2)
    factories.make_customers(3, cast.tree.n1, short, prefix="S")
    factories.make_customers(60, cast.tree.n2, long, prefix="L")
    factories.pushed(cast, control_share=0)
    costs = []
    for person in (short, long):
        lead = queue.waiting(person).first()
        url = reverse(name, args=[lead.pk] if name == "lead-detail" else [])
        client = login(person)
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1] <= most


def test_five_hundred_leads_are_paged_without_loss_or_repetition(cast):
    factories.make_customers(120, cast.tree.n1, cast.rita)
    factories.pushed(cast, control_share=0)
    client, seen, url = login(cast.rita), [], reverse("lead-list")
    while url:
        context = client.get(url).context
        seen += [row.lead.pk for row in context["rows"]]
        url = context["pager"]["next_url"]
    assert len(seen) == len(set(seen)) == 120


def test_the_customers_leads_are_a_panel_for_those_who_see_the_customer(cast, leads):
    url = reverse("customer-leads", args=[leads[0].customer_id])
    assert login(cast.rita).get(url).status_code == 200
    assert login(cast.raj).get(url).status_code == 404
    assert login(cast.ana).get(url).status_code == 403
