"""Branches, staff, leave and portfolio transfers by API: the same rights, refusals and answers as the pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bankcrm.models import Leave, Role, User
from customers.models import Customer, PortfolioTransfer
from tests.api.callers import Caller, problem, rows_of_everything
from tests.campaigns.factories import make_customers
from tests.cast import Cast, make_user

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()
NEW = {"user": "E-rita", "first_day": "2026-12-01", "last_day": "2026-12-05"}


@pytest.fixture
def rosa(cast: Cast) -> User:
    return make_user("rosa", Role.RM, cast.tree.n1)


def test_the_tree_is_a_list_with_parents_and_depths(cast: Cast) -> None:
    rows = Caller(cast.rita).get("branches/").json()["results"]
    assert [(row["code"], row["parent"], row["depth"]) for row in rows] == [
        ("HO", None, 0),
        ("N", "HO", 1),
        ("N1", "N", 2),
        ("N2", "N", 2),
        ("S", "HO", 1),
        ("S1", "S", 2),
    ]
    below = Caller(cast.rita).get("branches/", below="N").json()["results"]
    assert [row["code"] for row in below] == ["N", "N1", "N2"]


def test_closed_branches_come_when_asked(cast: Cast) -> None:
    cast.tree.n2.closed_on = "2026-11-01"
    cast.tree.n2.save()
    assert len(Caller(cast.rita).get("branches/").json()["results"]) == 5
    assert len(Caller(cast.rita).get("branches/", closed="true").json()["results"]) == 6


def test_staff_in_sight_with_their_leave(cast: Cast, rosa: User) -> None:
    Leave.objects.create(user=rosa, first_day="2026-11-20", last_day="2026-11-30")
    rows = Caller(cast.bao).get("staff/", role="rm").json()["results"]
    assert {row["employee_number"]: row["on_leave_until"] for row in rows} == {
        "E-rita": None,
        "E-rosa": "2026-11-30",
    }
    assert [row["full_name"] for row in Caller(cast.rita).get("staff/").json()["results"]] == ["Rita"]
    assert len(Caller(cast.ada).get("staff/", branch="S").json()["results"]) == 1


def test_leave_is_entered_read_and_taken_back(cast: Cast, rosa: User) -> None:
    bao = Caller(cast.bao)
    made = bao.post("leave/", {**NEW, "backup": "E-rosa"})
    assert (made.status_code, made.json()["backup"]) == (201, "E-rosa")
    assert bao.get("leave/").json()["results"] == [made.json()]
    url = f"leave/{made.json()['id']}/"
    assert bao.get(url).json() == made.json()
    assert bao.delete(url).status_code == 204
    problem(bao.get(url), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"last_day": "2026-11-30"}, "before the first"),
        ({"first_day": "2026-10-01", "last_day": "2026-10-05"}, "over already"),
        ({"user": "E-raj"}, "in your branches"),
        ({"backup": "E-rita"}, "own backup"),
        ({"backup": "E-nobody"}, "in your branches"),
        ({"reason": "sea"}, "cannot be set"),
    ],
)
def test_impossible_leave_is_refused(cast: Cast, change: dict[str, Any], sentence: str) -> None:
    before = rows_of_everything()
    body = problem(Caller(cast.bao).post("leave/", {**NEW, **change}), 400, "invalid")
    assert sentence in json.dumps(body)
    assert rows_of_everything() == before


def test_overlapping_leave_is_refused(cast: Cast) -> None:
    Caller(cast.bao).post("leave/", NEW)
    body = problem(Caller(cast.bao).post("leave/", NEW), 400, "invalid")
    assert "already has leave" in body["detail"]


@pytest.mark.parametrize("person", ["rita", "mei", "max", "ana", "omar"])
def test_others_neither_read_nor_enter_leave(cast: Cast, person: str) -> None:
    caller = Caller(getattr(cast, person))
    problem(caller.get("leave/"), 403, "forbidden")
    problem(caller.post("leave/", NEW), 403, "forbidden")
    problem(Caller(None).get("staff/"), 401, "not_signed_in")


def test_leave_of_another_branch_is_out_of_sight(cast: Cast) -> None:
    theirs = Leave.objects.create(user=cast.raj, first_day="2026-12-01", last_day="2026-12-02")
    problem(Caller(cast.bao).get(f"leave/{theirs.pk}/"), 404, "not_found")
    problem(Caller(cast.bao).delete(f"leave/{theirs.pk}/"), 404, "not_found")
    problem(Caller(cast.aud).delete(f"leave/{theirs.pk}/"), 403, "forbidden")
    assert Leave.objects.count() == 1


def test_a_portfolio_is_previewed_transferred_and_given_back(cast: Cast, rosa: User) -> None:
    make_customers(4, cast.tree.n1, cast.rita)
    bao = Caller(cast.bao)
    shown = bao.post("transfers/preview/", {"sources": ["E-rita"], "spread_over": "N1"}).json()
    assert shown["customers"] == 4
    assert shown["receiving"] == [
        {
            "employee_number": "E-rosa",
            "name": "Rosa",
            "before": 0,
            "after": 4,
            "portfolio_size": 500,
            "is_over": False,
        }
    ]
    assert Customer.objects.filter(primary_rm=cast.rita).count() == 4
    order = {"token": shown["token"], "reason": "Rita leaves"}
    done = bao.post("transfers/", order, key="one")
    assert (done.status_code, done.json()["state"]) == (201, "done")
    assert bao.post("transfers/", order, key="one")["Idempotency-Replayed"] == "true"
    assert Customer.objects.filter(primary_rm=rosa).count() == 4
    url = f"transfers/{done.json()['id']}/"
    assert bao.get(url).json()["result"]["taken"] == {str(rosa.pk): 4}
    undone = bao.post(f"{url}undo/").json()
    assert (undone["state"], undone["result"]["undone"]["customers"]) == ("undone", 4)
    problem(bao.post(f"{url}undo/"), 422, "refused")
    assert [row["state"] for row in bao.get("transfers/", state="undone").json()["results"]] == ["undone"]


def test_a_planned_transfer_is_cancelled(cast: Cast, rosa: User) -> None:
    make_customers(1, cast.tree.n1, cast.rita)
    bao = Caller(cast.bao)
    body = {"sources": ["E-rita"], "receivers": ["E-rosa"], "customers": ["C1"]}
    token = bao.post("transfers/preview/", body).json()["token"]
    made = bao.post("transfers/", {"token": token, "reason": "x", "effective_on": "2026-12-01"}).json()
    assert made["state"] == "planned"
    assert bao.post(f"transfers/{made['id']}/cancel/").json()["state"] == "cancelled"
    problem(bao.post(f"transfers/{made['id']}/cancel/"), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"sources": ["E-raj"], "receivers": ["E-rita"]}, 400, "invalid"),
        ({"sources": ["E-rita"], "receivers": ["E-rita"]}, 422, "refused"),
        ({"sources": ["E-rita"]}, 422, "refused"),
        ({"sources": ["E-rita"], "spread_over": "S"}, 422, "refused"),
        ({"sources": ["E-rita"], "spread_over": "NOWHERE"}, 400, "invalid"),
        ({"sources": ["E-rita"], "receivers": ["E-rosa"], "customers": ["Z9"]}, 400, "invalid"),
        ({"sources": ["E-rita"], "receivers": ["E-rosa"], "open_leads": "burn"}, 400, "invalid"),
        ({"sources": "E-rita"}, 400, "invalid"),
    ],
)
def test_a_preview_beyond_ones_rights_or_sense_is_refused(
    cast: Cast, rosa: User, body: dict[str, Any], status: int, code: str
) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    make_customers(2, cast.tree.s1, cast.raj, prefix="S")
    problem(Caller(cast.bao).post("transfers/preview/", body), status, code)


def test_an_old_preview_and_changed_customers_are_refused(cast: Cast, rosa: User) -> None:
    make_customers(2, cast.tree.n1, cast.rita)
    bao = Caller(cast.bao)
    problem(bao.post("transfers/", {"token": "forged", "reason": "x"}), 422, "refused")
    shown = bao.post("transfers/preview/", {"sources": ["E-rita"], "receivers": ["E-rosa"]}).json()
    make_customers(1, cast.tree.n1, cast.rita, prefix="NEW")
    problem(bao.post("transfers/", {"token": shown["token"], "reason": "x"}), 409, "conflict")
    assert not PortfolioTransfer.objects.exists()


@pytest.mark.parametrize("person", ["rita", "mei", "max", "ana", "omar"])
def test_others_do_not_transfer(cast: Cast, rosa: User, person: str) -> None:
    body = {"sources": ["E-rita"], "receivers": ["E-rosa"]}
    caller = Caller(getattr(cast, person))
    problem(caller.post("transfers/preview/", body), 403, "forbidden")
    problem(caller.get("transfers/"), 403, "forbidden")
    problem(Caller(cast.aud).post("transfers/preview/", body), 403, "forbidden")
    assert Caller(cast.aud).get("transfers/").status_code == 200


def test_the_documented_bodies_are_taken(cast: Cast, rosa: User) -> None:
    section = PAGE[PAGE.index("## Branches, staff, leave") :]
    section = section[: section.index("\n## Refusals")]
    leave, choice, order = (
        json.loads(text.replace("R001", "E-rita").replace("R002", "E-rosa"))
        for text in re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    )
    ids = make_customers(2, cast.tree.n1, cast.rita)
    Customer.objects.get(pk=ids[0]).profiles.update(tier="gold")
    bao = Caller(cast.bao)
    assert bao.post("leave/", leave).status_code == 201
    shown = bao.post("transfers/preview/", choice)
    assert (shown.status_code, shown.json()["customers"]) == (200, 1)
    made = bao.post("transfers/", {**order, "token": shown.json()["token"]})
    assert (made.status_code, made.json()["state"]) == (201, "planned")


def test_leave_is_changed_and_what_is_not_sent_stays(cast: Cast, rosa: User) -> None:
    bao = Caller(cast.bao)
    leave = bao.post("leave/", NEW | {"backup": "E-rosa"}).json()
    path = f"leave/{leave['id']}/"
    changed = bao.patch(path, {"last_day": "2026-12-08"}).json()
    assert (changed["first_day"], changed["last_day"], changed["backup"]) == (
        "2026-12-01",
        "2026-12-08",
        "E-rosa",
    )
    assert bao.patch(path, {"backup": None}).json()["backup"] is None
    problem(bao.patch(path, {"last_day": "2026-11-30"}), 400, "invalid")
    problem(bao.patch(path, {"backup": "E-rita"}), 400, "invalid")
    problem(bao.patch(path, {"user": "E-rosa"}), 400, "invalid")
    problem(Caller(cast.rita).patch(path, {"last_day": "2026-12-09"}), 403, "forbidden")
    other = Leave.objects.create(user=cast.raj, first_day="2026-12-01", last_day="2026-12-02")
    problem(bao.patch(f"leave/{other.pk}/", {"last_day": "2026-12-09"}), 404, "not_found")


def test_special_days_are_listed_entered_and_taken_back(cast: Cast) -> None:
    ada = Caller(cast.ada)
    new = {"day": "2026-12-24", "name": "Christmas Eve"}
    for replayed in (False, True):
        made = ada.post("special-days/", new, key="k")
        assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, replayed)
    assert made.json() | {"id": 0} == {"id": 0, **new, "works_as": None, "branch": None}
    own = ada.post(
        "special-days/", {"day": "2026-12-26", "name": "Sale", "works_as": 4, "branch": "N"}
    ).json()
    assert (own["works_as"], own["branch"]) == (4, "N")
    for wrong, said in (
        (new, "already has an entry"),
        (new | {"day": "2026-12-27"}, "free anyway"),
        (new | {"day": "2026-12-22", "branch": "NOWHERE"}, "is not known"),
        (new | {"day": "0001-01-01"}, "1900"),
        (new | {"day": "2026-12-22", "works_as": 6}, "less than or equal"),
    ):
        assert said in str(problem(ada.post("special-days/", wrong), 400, "invalid"))
    assert [row["day"] for row in ada.get("special-days/", year=2026).json()["results"]] == [
        "2026-12-26",
        "2026-12-24",
    ]
    assert ada.get("special-days/", year=2027).json()["results"] == []
    path = f"special-days/{own['id']}/"
    assert ada.delete(path).status_code == 204
    problem(ada.delete(path), 404, "not_found")
    assert ada.get("special-days/").json()["results"][0]["day"] == "2026-12-24"
    for person in (cast.rita, cast.bao):
        problem(Caller(person).get("special-days/"), 403, "forbidden")
    assert Caller(cast.aud).get("special-days/").status_code == 200
    problem(Caller(cast.aud).post("special-days/", new), 403, "forbidden")


def test_whose_customer_it_is_is_read_and_the_backup_named(cast: Cast, rosa: User) -> None:
    pk = make_customers(1, cast.tree.n1, cast.rita)[0]
    path = f"customers/{pk}/portfolio/"
    bao = Caller(cast.bao)
    assert bao.patch(path, {"backup": "E-rosa"}).json()["backup_rm"] == "E-rosa"
    problem(bao.patch(path, {"backup": "E-rita"}), 422, "refused")
    problem(bao.patch(path, {"backup": "E-raj"}), 400, "invalid")
    problem(Caller(cast.rita).patch(path, {"backup": None}), 403, "forbidden")
    token = bao.post("transfers/preview/", {"sources": ["E-rita"], "receivers": ["E-rosa"]}).json()["token"]
    done = bao.post("transfers/", {"token": token, "reason": "Rita leaves"}).json()
    told = Caller(rosa).get(path).json()
    assert (told["primary_rm"], told["backup_rm"], told["branch"]) == ("E-rosa", None, "N1")
    (move,) = told["history"]
    assert (move["from_rm"], move["to_rm"], move["transfer"], move["file"], move["reason"]) == (
        "E-rita",
        "E-rosa",
        done["id"],
        None,
        "Rita leaves",
    )
    problem(Caller(cast.raj).get(path), 404, "not_found")
    problem(Caller(cast.ada).get(path), 403, "forbidden")
