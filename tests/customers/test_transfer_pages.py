"""The pages of portfolio transfers: choose, look, do, undo; administrators see counts, RMs nothing, auditors read."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from bankcrm.models import AuditEvent, Leave, Role, User
from customers.models import Customer, PortfolioTransfer
from tests.campaigns.factories import TODAY, make_customers
from tests.cast import Cast, login, make_user

pytestmark = pytest.mark.django_db
State = PortfolioTransfer.State


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: TODAY)


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


def look(user: User, where: Any, **data: Any) -> HttpResponse:
    body = {"where": where.pk, "open_leads": "move", **data}
    return login(user).post(reverse("transfer-create"), body)


def do(user: User, token: str, reason: str = "Rita leaves", on: str = "2026-11-25") -> HttpResponse:
    return login(user).post(
        reverse("transfer-order"), {"token": token, "reason": reason, "on": on, "where": user.branch_id}
    )


def test_from_choice_to_history(cast: Cast, rosa: User) -> None:
    ids = make_customers(3, cast.tree.n1, cast.rita)
    shown = look(cast.bao, cast.tree.n1, sources=[cast.rita.pk], receivers=[rosa.pk])
    assert shown.status_code == 200
    assert "Transfer 3 customers" in shown.content.decode()
    assert Customer.objects.filter(primary_rm=cast.rita).count() == 3
    done = do(cast.bao, shown.context["order"]["token"].value())
    made = PortfolioTransfer.objects.get()
    assert (done.status_code, done.headers["Location"]) == (302, f"/transfers/{made.pk}/")
    page = login(cast.bao).get(f"/transfers/{made.pk}/").content.decode()
    assert "Rita → Rosa" in page
    assert "Customer 1" in page
    assert "Rita leaves" in login(cast.bao).get("/transfers/").content.decode()
    history = login(rosa).get(f"/transfers/of/{ids[0]}/").content.decode()
    assert "Rita → Rosa: Rita leaves" in history
    login(cast.bao).post(f"/transfers/{made.pk}/undo/")
    assert Customer.objects.filter(primary_rm=cast.rita).count() == 3
    assert "undone" in login(cast.rita).get(f"/transfers/of/{ids[0]}/").content.decode()
    assert login(rosa).get(f"/transfers/of/{ids[0]}/").status_code == 404


def test_an_administrator_moves_counts_and_reads_no_name(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    shown = look(cast.ada, cast.tree.head_office, sources=[cast.rita.pk], receivers=[cast.raj.pk])
    done = do(cast.ada, shown.context["order"]["token"].value())
    made = PortfolioTransfer.objects.get()
    page = login(cast.ada).get(done.headers["Location"]).content.decode()
    assert made.result["customers"] == 3
    assert "Customer 1" not in shown.content.decode() + page
    assert "Who they are is for those who may see them" in page
    # Bao's branch gave them: he sees the transfer, and the customers that are still of his branch.
    assert "Customer 1" in login(cast.bao).get(f"/transfers/{made.pk}/").content.decode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Tick whose customers"),
        ({"sources": ["rita"]}, "Tick who takes"),
        ({"sources": ["rita"], "receivers": ["rita"]}, "both give and take"),
        ({"sources": ["raj"], "receivers": ["rosa"]}, "does not work in your branches"),
        (
            {"numbers": "C1, X7, X8", "receivers": ["rosa"]},
            "2 of these are in none of the portfolios: X7, X8",
        ),
        ({"sources": ["rita"], "receivers": ["rosa"], "tier": "gold"}, "valid choice"),
    ],
)
def test_a_choice_that_makes_no_sense_is_told(
    cast: Cast, rosa: User, data: dict[str, Any], sentence: str
) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    make_customers(2, cast.tree.s1, cast.raj, prefix="X")
    ids = {person.username: person.pk for person in (cast.rita, cast.raj, rosa)}
    sent = {
        name: [ids[one] for one in value] if isinstance(value, list) else value
        for name, value in data.items()
    }
    answer = look(cast.bao, cast.tree.n1, **sent)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_numbers_alone_find_whose_they_are(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    make_customers(2, cast.tree.n1, None, prefix="N")
    shown = look(cast.bao, cast.tree.n1, numbers="C1\nC3，N2", receivers=[rosa.pk])
    assert shown.context["preview"].customers == 3
    do(cast.bao, shown.context["order"]["token"].value())
    assert set(Customer.objects.filter(primary_rm=rosa).values_list("number", flat=True)) == {
        "C1",
        "C3",
        "N2",
    }


def test_what_changed_since_the_preview_comes_back_as_a_new_one(cast: Cast, rosa: User) -> None:
    make_customers(3, cast.tree.n1, cast.rita)
    shown = look(cast.bao, cast.tree.n1, sources=[cast.rita.pk], receivers=[rosa.pk])
    make_customers(1, cast.tree.n1, cast.rita, prefix="NEW")
    again = do(cast.bao, shown.context["order"]["token"].value())
    assert again.status_code == 422
    said = again.content.decode()
    assert "changed since the preview" in said
    assert "Transfer 4 customers" in said
    assert do(cast.bao, again.context["order"]["token"].value()).status_code == 302


def test_a_missing_reason_keeps_the_preview(cast: Cast, rosa: User) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    shown = look(cast.bao, cast.tree.n1, sources=[cast.rita.pk], receivers=[rosa.pk])
    again = do(cast.bao, shown.context["order"]["token"].value(), reason="")
    assert again.status_code == 422
    assert "Transfer 2 customers" in again.content.decode()
    assert "required" in again.content.decode()
    assert not PortfolioTransfer.objects.exists()
    assert do(cast.bao, "forged").headers["Location"] == "/transfers/new/"


def test_a_planned_transfer_shows_its_day_and_is_taken_back(cast: Cast, rosa: User) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    shown = look(cast.bao, cast.tree.n1, sources=[cast.rita.pk], receivers=[rosa.pk])
    do(cast.bao, shown.context["order"]["token"].value(), on="2026-12-01")
    made = PortfolioTransfer.objects.get()
    assert "Done on Tue 1 Dec" in login(cast.bao).get(f"/transfers/{made.pk}/").content.decode()
    login(cast.bao).post(f"/transfers/{made.pk}/cancel/")
    made.refresh_from_db()
    assert (made.state, made.ended_by) == (State.CANCELLED, cast.bao)


def test_the_page_lists_whoever_still_has_customers(cast: Cast, rosa: User) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    User.objects.filter(pk=cast.rita.pk).update(is_active=False)
    people = login(cast.bao).get("/transfers/new/", {"source": cast.rita.pk}).context["people"]
    assert [(one.rm, one.customers, one.gives) for one in people] == [(cast.rita, 2, True), (rosa, 0, False)]


def test_empty_pages_say_what_to_do(cast: Cast) -> None:
    assert "No transfers yet" in login(cast.bao).get("/transfers/").content.decode()
    assert "No such transfer" in login(cast.bao).get("/transfers/?state=undone").content.decode()
    nobody = login(cast.ada).get("/transfers/new/", {"where": cast.tree.n2.pk}).content.decode()
    assert "No relationship manager works here" in nobody


def test_out_of_sight_is_not_found_and_other_roles_are_refused(cast: Cast) -> None:
    make_customers(1, cast.tree.s1, cast.raj)
    sara = make_user("sara", Role.RM, cast.tree.s1)
    shown = look(cast.ada, cast.tree.s1, sources=[cast.raj.pk], receivers=[sara.pk])
    do(cast.ada, shown.context["order"]["token"].value())
    made = PortfolioTransfer.objects.get()
    for path in (f"/transfers/{made.pk}/", f"/transfers/{made.pk}/undo/"):
        method = login(cast.bao).post if path.endswith("undo/") else login(cast.bao).get
        assert method(path).status_code == 404, path
    for person in (cast.rita, cast.mei, cast.max):
        assert login(person).get("/transfers/").status_code == 403
    assert login(cast.aud).get(f"/transfers/{made.pk}/").status_code == 200
    assert login(cast.aud).post(f"/transfers/{made.pk}/undo/").status_code == 403


def test_a_branch_manager_names_the_backup_of_a_customer(cast: Cast, rosa: User) -> None:
    (pk,) = make_customers(1, cast.tree.n1, cast.rita)
    client, url = login(cast.bao), f"/transfers/of/{pk}/"
    assert client.post(url, {"backup": rosa.pk}).status_code == 302
    assert Customer.objects.get().backup_rm == rosa
    event = AuditEvent.objects.get(action="customer.backup_named")
    assert event.details == {"before": None, "after": rosa.pk}
    for wrong in (cast.rita, cast.raj, cast.bao):
        assert client.post(url, {"backup": wrong.pk}).status_code == 422
    assert client.post(url, {"backup": ""}).status_code == 302
    assert Customer.objects.get().backup_rm is None
    assert login(cast.rita).post(url, {"backup": rosa.pk}).status_code == 403
    boss = make_user("boss", Role.BRANCH_MANAGER, cast.tree.s1)
    assert login(boss).post(url, {"backup": cast.raj.pk}).status_code == 404


@pytest.mark.parametrize(
    ("named", "own", "said"),
    [
        (True, False, "Rosa has this customer"),
        (False, True, "Sun has this"),
        (False, False, "the branch manager has"),
    ],
)
def test_the_customers_page_says_who_has_them_meanwhile(
    cast: Cast, rosa: User, named: bool, own: bool, said: str
) -> None:
    sun = make_user("sun", Role.RM, cast.tree.n1)
    (pk,) = make_customers(1, cast.tree.n1, cast.rita)
    Customer.objects.update(backup_rm=sun if own else None)
    url = f"/transfers/of/{pk}/"
    assert "on leave" not in login(cast.bao).get(url).content.decode()
    Leave.objects.create(user=cast.rita, first_day=TODAY, last_day=TODAY, backup=rosa if named else None)
    assert said in login(cast.bao).get(url).content.decode()
