"""What a customer said: recorded once, never overwritten, taken back with everything it did; who may record it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bankcrm import bulk, clock
from bankcrm.models import AuditEvent
from bankcrm.runs import Conflict, Refused
from customers import consents, consents_page
from customers.consents import Word
from customers.models import Consent, ConsentEvent, Customer, QuietPeriod
from tests import facts
from tests.cast import Cast, login
from tests.customers import imports_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def li(cast: Cast) -> Customer:
    return facts.customer("Li Na", home_branch=cast.tree.n1, primary_rm=cast.rita)


def word(
    channel: str = "phone", purpose: str = "marketing", objects: bool = True, ago: int = 0, **more: str
) -> Word:
    return Word(channel, purpose, objects, clock.today() - dt.timedelta(days=ago), **more)


def history(customer: Customer) -> list[tuple[str, str, str, str | None]]:
    """(channel, purpose, what was said, by whom), oldest first."""
    found = ConsentEvent.objects.filter(customer=customer).order_by("id")
    return list(found.values_list("channel", "purpose", "said", "by__username"))


def test_every_word_stays_in_the_history_with_who_and_what(cast: Cast, li: Customer) -> None:
    consents.record(li.pk, cast.rita, word(source="call"))
    consents.record(li.pk, cast.bao, word(objects=False, source="letter", evidence="letter of 3 May"))
    consents.record(li.pk, cast.rita, word("all", "all"))
    assert history(li) == [
        ("phone", "marketing", "objects", "rita"),
        ("phone", "marketing", "agrees", "bao"),
        ("all", "all", "objects", "rita"),
    ]
    assert Consent.objects.get(customer=li, channel="phone").evidence == "letter of 3 May"
    assert AuditEvent.objects.filter(object_id=str(li.pk), action__startswith="customer.").count() == 3


def test_the_same_word_twice_is_one_word(cast: Cast, li: Customer) -> None:
    consents.record(li.pk, cast.rita, word())
    assert consents.record(li.pk, cast.rita, word()).event is None
    assert len(history(li)) == 1


def test_each_channel_and_purpose_has_its_own_word(cast: Cast, li: Customer) -> None:
    for channel, purpose in (("phone", "marketing"), ("phone", "survey"), ("sms", "marketing")):
        consents.record(li.pk, cast.rita, word(channel, purpose))
    assert Consent.objects.filter(customer=li, is_objection=True).count() == 3


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        ({"ago": -1}, "future"),
        ({"channel": "fax"}, "not a channel"),
        ({"purpose": "fun"}, "not a purpose"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(cast: Cast, li: Customer, refused: Any, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        consents.record(li.pk, cast.rita, word(**refused))
    assert not ConsentEvent.objects.exists()


def test_an_objection_is_not_withdrawn_without_evidence_nor_by_an_older_word(
    cast: Cast, li: Customer
) -> None:
    consents.record(li.pk, cast.rita, word())
    with pytest.raises(Refused, match="evidence"):
        consents.record(li.pk, cast.rita, word(objects=False, source="call"))
    with pytest.raises(Refused, match="later word"):
        consents.record(li.pk, cast.rita, word(objects=False, ago=3, source="call", evidence="old letter"))
    assert Consent.objects.get().is_objection


def test_only_who_talks_to_the_customer_records_and_only_who_sees_them(cast: Cast, li: Customer) -> None:
    for name in ("mei", "omar", "ana", "max", "ada", "aud"):
        with pytest.raises(Refused):
            consents.record(li.pk, getattr(cast, name), word())
    with pytest.raises(Customer.DoesNotExist):
        consents.record(li.pk, cast.raj, word())
    assert not Consent.objects.exists()


def test_undo_puts_back_what_was_said_before_and_both_stay_in_the_history(cast: Cast, li: Customer) -> None:
    consents.record(li.pk, cast.rita, word(ago=9, source="branch"))
    done = consents.record(li.pk, cast.rita, word(objects=False, source="letter", evidence="of today"))
    consents.undo(done.event, cast.rita)
    now = Consent.objects.get()
    assert (now.is_objection, now.since, now.source) == (True, clock.today() - dt.timedelta(days=9), "branch")
    first = consents.record(li.pk, cast.rita, word("sms"))
    consents.undo(first.event, cast.rita)
    assert not Consent.objects.filter(channel="sms").exists()
    assert [said for _channel, _purpose, said, _by in history(li)] == [
        "objects",
        "agrees",
        "objects",
        "objects",
        "taken_back",
    ]


def test_undo_is_for_ones_own_last_word_of_the_last_hour(cast: Cast, li: Customer) -> None:
    done = consents.record(li.pk, cast.rita, word())
    with pytest.raises(ConsentEvent.DoesNotExist):
        consents.undo(done.event, cast.bao)
    consents.record(li.pk, cast.bao, word(objects=False, source="letter", evidence="of today"))
    with pytest.raises(Conflict, match="written again"):
        consents.undo(done.event, cast.rita)
    old = ConsentEvent.objects.create(
        customer=li,
        channel="sms",
        purpose="survey",
        said="objects",
        since=clock.today(),
        by=cast.rita,
        at=timezone.now() - dt.timedelta(hours=2),
    )
    with pytest.raises(Refused, match="minutes"):
        consents.undo(old.pk, cast.rita)
    assert Consent.objects.get(channel="phone").is_objection is False


@pytest.mark.parametrize(
    "act", ["UPDATE customers_consentevent SET said = 'agrees'", "DELETE FROM customers_consentevent"]
)
def test_the_database_refuses_to_change_history(cast: Cast, li: Customer, act: str) -> None:
    consents.record(li.pk, cast.rita, word())
    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(act)
    assert len(history(li)) == 1


def test_words_that_come_by_copy_are_kept_too(li: Customer) -> None:
    import numpy as np

    bulk.copy_columns(
        "customers_consent",
        {
            "customer_id": np.array([li.pk]),
            "channel": np.array(["sms"], object),
            "is_objection": np.array([True]),
            "since": np.array(["2026-03-01"], "datetime64[D]"),
        },
    )
    assert history(li) == [("sms", "marketing", "objects", None)]


def test_a_file_brings_purposes_and_says_nothing_means_marketing(
    cast: Cast, li: Customer, tmp_path: Any
) -> None:
    head = "customer,channel,purpose,is_objection,since,evidence\n"
    text = head + "{0},sms,survey,yes,2026-10-01,form 7\n{0},sms,,1,2026-10-01,\n"
    file = imports_world.merged(imports_world.write(tmp_path, text.format(li.number)), "consents", cast.ana)
    assert file.inserted == 2, imports_world.rejects(file)
    assert history(li) == [("sms", "survey", "objects", "ana"), ("sms", "marketing", "objects", "ana")]
    plain = f"customer,channel,is_objection,since\n{li.number},email,yes,2026-10-02\n"
    imports_world.merged(imports_world.write(tmp_path, plain, "b.csv"), "consents", cast.ana)
    assert Consent.objects.get(channel="email").purpose == "marketing"


def test_a_quiet_period_ends_by_itself(cast: Cast, li: Customer) -> None:
    today = clock.today()
    period = consents.rest(li.pk, cast.rita, today, today + dt.timedelta(days=3), "bereavement", "call")
    holding_on = QuietPeriod.objects.holding_on
    assert holding_on(today).get() == period
    assert not holding_on(today + dt.timedelta(days=4)).exists()
    assert consents.lift(period.pk, cast.rita).lifted_by == cast.rita
    assert consents.lift(period.pk, cast.bao).lifted_by == cast.rita


@pytest.mark.parametrize(
    ("first", "last", "reason", "sentence"),
    [
        (5, 2, "wish", "before the first"),
        (-9, -2, "wish", "over"),
        (0, 400, "wish", "at most a year"),
        (0, 5, "mood", "not a reason"),
    ],
)
def test_days_that_make_no_quiet_period_are_refused(
    cast: Cast, li: Customer, first: int, last: int, reason: str, sentence: str
) -> None:
    today = clock.today()
    with pytest.raises(Refused, match=sentence):
        consents.rest(
            li.pk, cast.rita, today + dt.timedelta(days=first), today + dt.timedelta(days=last), reason
        )
    assert not QuietPeriod.objects.exists()


def posted(browser: Any, name: str, pk: int, **sent: str) -> Any:
    return browser.post(reverse(name, args=[pk]), sent, headers={"HX-Request": "true"})


def test_the_panel_records_shows_and_takes_back(cast: Cast, li: Customer) -> None:
    browser, url = login(cast.rita), reverse("customer-consents", args=[li.pk])
    assert "said nothing yet" in browser.get(url).content.decode()
    today = clock.today().isoformat()
    posted(
        browser,
        "customer-consents",
        li.pk,
        said="objects",
        channel="all",
        purpose="all",
        since=today,
        source="call",
    )
    page = browser.get(url).content.decode()
    assert "not to be contacted" in page
    assert "Take back" in page
    assert "Take back" not in login(cast.bao).get(url).content.decode()
    event = ConsentEvent.objects.get()
    assert login(cast.bao).post(reverse("customer-consent-undo", args=[event.pk])).status_code == 404
    assert browser.post(reverse("customer-consent-undo", args=[event.pk])).status_code == 302
    assert not Consent.objects.exists()


def test_a_form_that_was_filled_in_wrongly_says_where(cast: Cast, li: Customer) -> None:
    consents.record(li.pk, cast.rita, word())
    answer = posted(
        login(cast.rita),
        "customer-consents",
        li.pk,
        said="agrees",
        channel="phone",
        purpose="marketing",
        since=clock.today().isoformat(),
        source="call",
    )
    assert answer.status_code == 422
    assert "evidence" in answer.content.decode()
    answer = posted(login(cast.rita), "customer-quiet", li.pk, first_day="x", last_day="", reason="wish")
    assert answer.status_code == 422


def test_who_only_reads_sees_the_panel_without_forms_and_out_of_sight_is_404(
    cast: Cast, li: Customer
) -> None:
    url = reverse("customer-consents", args=[li.pk])
    for name in ("mei", "max", "aud"):
        assert "Record a word" not in login(getattr(cast, name)).get(url).content.decode()
        assert login(getattr(cast, name)).post(url).status_code == 403
    assert login(cast.raj).get(url).status_code == 404
    assert login(cast.raj).post(url).status_code == 404
    assert login(cast.ada).get(url).status_code == 403


def test_the_panel_asks_the_same_number_of_questions_whatever_was_said(cast: Cast, li: Customer) -> None:
    url, browser = reverse("customer-consents", args=[li.pk]), login(cast.rita)
    with CaptureQueriesContext(connection) as few:
        browser.get(url)
    for channel in ("phone", "sms", "email"):
        consents.record(li.pk, cast.rita, word(channel))
    consents.rest(li.pk, cast.rita, clock.today(), clock.today(), "wish")
    with CaptureQueriesContext(connection) as many:
        browser.get(url)
    assert len(many) == len(few)


def test_the_register_lists_by_kind_whom_the_reader_may_see(cast: Cast, li: Customer) -> None:
    other = facts.customer("Zhao", home_branch=cast.tree.s1, primary_rm=cast.raj)
    consents.do_not_contact(li.pk, cast.rita, True)
    consents.record(other.pk, cast.raj, word())
    consents.rest(li.pk, cast.rita, clock.today(), clock.today(), "complaint")
    url = reverse("consent-register")
    seen = {
        (name, what): [
            row.customer.name
            for row in login(getattr(cast, name)).get(url, {"what": what}).context["page"].rows
        ]
        for name in ("rita", "max", "aud")
        for what in consents_page.WHAT
    }
    assert seen["aud", "do_not_contact"] == seen["rita", "do_not_contact"] == ["Li Na"]
    assert seen["aud", "objections"] == seen["max", "objections"] == ["Zhao"]
    assert seen["rita", "objections"] == []
    assert seen["rita", "quiet"] == ["Li Na"]
    assert login(cast.ada).get(url).status_code == 403
    assert login(cast.aud).get(url, {"what": "x"}).status_code == 404


def test_where_it_was_said_is_told_in_words(cast: Cast, li: Customer) -> None:
    since = {"customer": li, "since": clock.today(), "is_objection": True}
    Consent.objects.create(channel="sms", purpose="marketing", source="lead:17", **since)
    Consent.objects.create(channel="email", purpose="marketing", source="call", **since)
    Consent.objects.create(channel="app", purpose="marketing", source="Datei 9", **since)
    page = login(cast.rita).get(reverse("consent-register"), {"what": "objections"}).content.decode()
    for said in ("on a call for a campaign", str(consents.SOURCES["call"]), "Datei 9"):
        assert f">{said}</td>" in page, said
    panel = login(cast.rita).get(reverse("customer-consents", args=[li.pk])).content.decode()
    assert "lead:17" not in page + panel
    assert "on a call for a campaign" in panel
