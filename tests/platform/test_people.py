"""Administrators keep users, branches and holidays; branch managers keep their own people's leave."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from bankcrm import tokens
from bankcrm.models import AuditEvent, Holiday, Leave, Role, User
from customers.models import Customer
from tests.cast import PASSWORD, Cast, login, make_user


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: dt.date(2026, 11, 25))


def user_data(user: User, **changes: Any) -> dict[str, Any]:
    data = {
        "full_name": user.full_name,
        "employee_number": user.employee_number,
        "username": user.username,
        "role": user.role,
        "branch": user.branch_id,
        "daily_capacity": user.daily_capacity,
        "is_active": "on" if user.is_active else "",
        "portfolio_size": user.portfolio_size,
        "version": user.version,
        "confirmed": "1",
    }
    return {**data, **changes}


NEW = {
    "full_name": "Lin",
    "employee_number": "E-lin",
    "username": "lin",
    "role": Role.RM,
    "daily_capacity": 15,
    "portfolio_size": 300,
    "is_active": "on",
    "new_password": "plum-river-forty-two",
}


def test_a_new_user_can_sign_in_with_the_password_set(cast: Cast) -> None:
    answer = login(cast.ada).post("/people/users/new/", {**NEW, "branch": cast.tree.n2.pk})
    assert answer.status_code == 302
    lin = User.objects.get(username="lin")
    assert (lin.role, lin.branch, lin.daily_capacity) == (Role.RM, cast.tree.n2, 15)
    assert Client().login(username="lin", password="plum-river-forty-two")
    event = AuditEvent.objects.get(action="user.created")
    assert (event.actor, event.object_id) == (cast.ada, str(lin.pk))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("new_password", "short", "too short"),
        ("new_password", "", "required"),
        ("username", "rita", "already exists"),
        ("username", "Rita", "capitals make no difference"),
        ("employee_number", "E-rita", "already exists"),
        ("role", "emperor", "valid choice"),
        ("branch", "999999", "valid choice"),
        ("daily_capacity", "-3", "greater than or equal"),
        ("daily_capacity", "201", "Nobody works 201"),
        ("portfolio_size", "-1", "greater than or equal"),
    ],
)
def test_a_wrong_entry_is_told_and_nothing_saved(cast: Cast, field: str, value: str, sentence: str) -> None:
    answer = login(cast.ada).post("/people/users/new/", {**NEW, "branch": cast.tree.n2.pk, field: value})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not User.objects.filter(full_name="Lin").exists()


def test_a_form_cannot_slip_in_what_it_does_not_show(cast: Cast) -> None:
    login(cast.ada).post(
        "/people/users/new/",
        {**NEW, "branch": cast.tree.n2.pk, "is_superuser": "on", "is_staff": "on", "id": 1},
    )
    lin = User.objects.get(username="lin")
    assert not lin.is_superuser
    assert not lin.is_staff


def test_a_role_changed_in_mid_session_bites_at_the_next_request(cast: Cast) -> None:
    theirs = login(cast.ada)
    other = make_user("adam", Role.ADMINISTRATOR, cast.tree.head_office)
    assert (
        login(other).post(f"/people/users/{cast.ada.pk}/", user_data(cast.ada, role=Role.RM)).status_code
        == 302
    )
    assert theirs.get("/people/users/").status_code == 403


def test_a_locked_out_users_live_session_ends(cast: Cast) -> None:
    theirs = login(cast.rita)
    login(cast.ada).post(f"/people/users/{cast.rita.pk}/", user_data(cast.rita, is_active=""))
    assert theirs.get("/work/").status_code == 302
    assert not Client().login(username="rita", password=PASSWORD)


@pytest.mark.parametrize("change", [{"role": Role.RM}, {"is_active": ""}, {"is_auditor": "on"}])
def test_nobody_takes_their_own_rights(cast: Cast, change: dict[str, Any]) -> None:
    answer = login(cast.ada).post(f"/people/users/{cast.ada.pk}/", user_data(cast.ada, **change))
    assert answer.status_code == 422
    assert "another administrator" in answer.content.decode()
    cast.ada.refresh_from_db()
    assert (cast.ada.role, cast.ada.is_active, cast.ada.is_auditor) == (Role.ADMINISTRATOR, True, False)


def test_an_empty_password_leaves_the_old_one_and_the_audit_names_what_changed(cast: Cast) -> None:
    login(cast.ada).post(
        f"/people/users/{cast.rita.pk}/", user_data(cast.rita, daily_capacity=30, new_password="")
    )
    assert Client().login(username="rita", password=PASSWORD)
    assert AuditEvent.objects.get(action="user.changed").details == {
        "changed": ["daily_capacity"],
        "values": {"daily_capacity": [20, 30]},
    }
    page = login(cast.ada).get(f"/people/users/{cast.rita.pk}/").content.decode()
    assert "Leads per working day: 20 → 30" in page


def test_the_changes_of_a_user_are_told_in_words_and_a_name_without_what_it_was(cast: Cast) -> None:
    login(cast.ada).post(
        f"/people/users/{cast.rita.pk}/",
        user_data(cast.rita, full_name="Rita Moreno", branch=cast.tree.n2.pk, new_password="", week_1="1"),
    )
    event = AuditEvent.objects.get(action="user.changed")
    assert "full_name" not in event.details["values"]
    page = login(cast.ada).get(f"/people/users/{cast.rita.pk}/").content.decode()
    assert f"Branch: {cast.tree.n1.name} → {cast.tree.n2.name}" in page
    assert "Working week: Mon Tue Wed Thu Fri → Mon ½ Tue Wed Thu Fri" in page
    changes = page[page.index("<h2>Changes</h2>") :]
    assert "Rita Moreno" not in changes
    assert "user.changed" not in page


def test_a_stale_form_says_who_was_faster_and_changes_nothing(cast: Cast) -> None:
    other = make_user("adam", Role.ADMINISTRATOR, cast.tree.head_office)
    mine, theirs = user_data(cast.rita, daily_capacity=30), user_data(cast.rita, daily_capacity=10)
    url = f"/people/users/{cast.rita.pk}/"
    assert login(other).post(url, theirs).status_code == 302
    answer = login(cast.ada).post(url, mine)
    assert answer.status_code == 422
    assert "Adam changed this" in answer.content.decode()
    cast.rita.refresh_from_db()
    assert cast.rita.daily_capacity == 10
    assert login(cast.ada).post(url, {**mine, "version": ""}).status_code == 422


def test_a_change_of_role_says_first_what_it_does(cast: Cast) -> None:
    client, url = login(cast.ada), f"/people/users/{cast.mei.pk}/"
    data = user_data(cast.mei, role=Role.RM, branch=cast.tree.n1.pk, is_active="")
    answer = client.post(url, {**data, "confirmed": ""})
    assert answer.status_code == 422
    said = answer.content.decode()
    for sentence in ("signed out everywhere", "sees the own portfolio only", "The portfolio goes along"):
        assert sentence in said, sentence
    cast.mei.refresh_from_db()
    assert (cast.mei.role, cast.mei.is_active) == (Role.PLANNER, True)
    assert client.post(url, data).status_code == 302
    cast.mei.refresh_from_db()
    assert (cast.mei.role, cast.mei.is_active, cast.mei.branch) == (Role.RM, False, cast.tree.n1)


def test_a_small_change_needs_no_second_click(cast: Cast) -> None:
    data = user_data(cast.rita, full_name="Rita Moreno", confirmed="")
    assert login(cast.ada).post(f"/people/users/{cast.rita.pk}/", data).status_code == 302


def test_a_locked_out_users_token_ends_for_good(cast: Cast) -> None:
    key = tokens.create(cast.rita)
    login(cast.ada).post(f"/people/users/{cast.rita.pk}/", user_data(cast.rita, is_active=""))
    User.objects.filter(pk=cast.rita.pk).update(is_active=True)
    answer = Client().get("/api/v1/runs/", headers={"Authorization": f"Token {key}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("change", [{"is_active": ""}, {"role": Role.PLANNER}, {"is_auditor": "on"}])
def test_whoever_holds_customers_stays_until_they_are_transferred(cast: Cast, change: dict[str, Any]) -> None:
    customer = Customer.objects.create(number="C1", name="Li", home_branch=cast.tree.n1, primary_rm=cast.rita)
    url = f"/people/users/{cast.rita.pk}/"
    answer = login(cast.ada).post(url, user_data(cast.rita, **change))
    assert answer.status_code == 422
    assert "Rita still has 1 customers" in answer.content.decode()
    customer.primary_rm = None
    customer.save()
    assert login(cast.ada).post(url, user_data(cast.rita, **change)).status_code == 302


def test_whoever_stands_in_for_a_colleague_stays_until_another_is_named(cast: Cast) -> None:
    leave = Leave.objects.create(
        user=cast.raj, first_day="2026-11-24", last_day="2026-11-30", backup=cast.rita
    )
    url = f"/people/users/{cast.rita.pk}/"
    answer = login(cast.ada).post(url, user_data(cast.rita, is_active=""))
    assert "stands in for Raj until 30 Nov" in answer.content.decode()
    leave.delete()
    assert login(cast.ada).post(url, user_data(cast.rita, is_active="")).status_code == 302


def test_a_working_week_of_half_days_is_kept_and_an_empty_one_refused(cast: Cast) -> None:
    client, url = login(cast.ada), f"/people/users/{cast.rita.pk}/"
    week = {f"week_{n}": half for n, half in enumerate([2, 1, 0, 2, 1, 0, 0])}
    assert client.post(url, user_data(cast.rita, **week)).status_code == 302
    cast.rita.refresh_from_db()
    assert (cast.rita.working_week, cast.rita.weekly_capacity) == ([2, 1, 0, 2, 1, 0, 0], 60)
    free = user_data(cast.rita, **{f"week_{n}": 0 for n in range(7)})
    assert "works on no day" in client.post(url, free).content.decode()


def test_users_are_found_by_name_role_and_branch_subtree(cast: Cast) -> None:
    client = login(cast.ada)

    def names(query: str) -> set[str]:
        return {person.username for person in client.get(f"/people/users/{query}").context["page"].rows}

    assert names("?q=rit") == {"rita"}
    assert names("?role=rm") == {"rita", "raj"}
    assert names(f"?branch={cast.tree.north.pk}") == {"rita", "bao"}
    assert names("?active=0") == set()
    Leave.objects.create(user=cast.raj, first_day="2026-11-25", last_day="2026-11-25")
    assert names("?active=away") == {"raj"}
    assert len(names("")) == 9


def leave_data(
    user: User, backup: User | None, first: str = "2026-12-01", last: str = "2026-12-05"
) -> dict[str, Any]:
    return {"user": user.pk, "backup": backup.pk if backup else "", "first_day": first, "last_day": last}


def test_a_branch_manager_sets_leave_of_the_own_branch(cast: Cast) -> None:
    rosa = make_user("rosa", Role.RM, cast.tree.n1)
    answer = login(cast.bao).post("/people/leave/new/", leave_data(cast.rita, rosa))
    assert answer.status_code == 302
    leave = Leave.objects.get()
    assert (leave.user, leave.backup, leave.first_day) == (cast.rita, rosa, dt.date(2026, 12, 1))
    assert AuditEvent.objects.get(action="leave.created").actor == cast.bao


def test_a_branch_manager_does_not_reach_another_branch(cast: Cast) -> None:
    client = login(cast.bao)
    assert client.post("/people/leave/new/", leave_data(cast.raj, None)).status_code == 422
    assert client.post("/people/leave/new/", leave_data(cast.rita, cast.raj)).status_code == 422
    theirs = Leave.objects.create(user=cast.raj, first_day="2026-12-01", last_day="2026-12-02")
    assert client.get(f"/people/leave/{theirs.pk}/").status_code == 404
    assert client.post(f"/people/leave/{theirs.pk}/delete/").status_code == 404
    assert theirs not in client.get("/people/leave/").context["page"].rows
    assert Leave.objects.count() == 1


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [("2026-12-05", "2026-12-01", "before the first"), ("2026-02-30", "2026-12-01", "valid date")],
)
def test_impossible_days_are_refused(cast: Cast, first: str, last: str, sentence: str) -> None:
    answer = login(cast.bao).post("/people/leave/new/", leave_data(cast.rita, None, first, last))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_overlapping_leave_and_an_absent_backup_are_refused(cast: Cast) -> None:
    rosa = make_user("rosa", Role.RM, cast.tree.n1)
    Leave.objects.create(user=cast.rita, first_day="2026-12-03", last_day="2026-12-04")
    client = login(cast.bao)
    assert (
        "already has leave" in client.post("/people/leave/new/", leave_data(cast.rita, None)).content.decode()
    )
    assert "away on some" in client.post("/people/leave/new/", leave_data(rosa, cast.rita)).content.decode()
    assert "own backup" in client.post("/people/leave/new/", leave_data(rosa, rosa)).content.decode()
    assert Leave.objects.count() == 1


def test_leave_that_is_over_is_refused_and_sick_leave_since_monday_is_not(cast: Cast) -> None:
    client = login(cast.bao)
    over = client.post("/people/leave/new/", leave_data(cast.rita, None, "2026-11-20", "2026-11-24"))
    assert "over already" in over.content.decode()
    assert (
        client.post("/people/leave/new/", leave_data(cast.rita, None, "2026-11-23", "2026-11-27")).status_code
        == 302
    )


def test_who_stands_in_for_somebody_names_who_takes_over_both(cast: Cast) -> None:
    rosa, sun = (make_user(name, Role.RM, cast.tree.n1) for name in ("rosa", "sun"))
    Leave.objects.create(user=cast.rita, first_day="2026-12-01", last_day="2026-12-09", backup=rosa)
    client = login(cast.bao)
    refused = client.post("/people/leave/new/", leave_data(rosa, None)).content.decode()
    assert "stands in for Rita" in refused
    said = client.post("/people/leave/new/", leave_data(rosa, sun), follow=True).content.decode()
    assert "Sun takes over the customers of Rita from Rosa as well." in said


def test_the_leave_list_hides_what_is_over_until_asked(cast: Cast) -> None:
    Leave.objects.create(user=cast.rita, first_day="2026-11-01", last_day="2026-11-20")
    now = Leave.objects.create(user=cast.rita, first_day="2026-11-24", last_day="2026-11-30")
    client = login(cast.bao)
    assert [row["leave"] for row in client.get("/people/leave/").context["rows"]] == [now]
    assert len(client.get("/people/leave/?when=all").context["rows"]) == 2
    assert "No leave fits" in client.get("/people/leave/?q=nobody").content.decode()


def test_leave_is_changed_and_removed_with_an_audit_row_each(cast: Cast) -> None:
    leave = Leave.objects.create(user=cast.rita, first_day="2026-12-03", last_day="2026-12-04")
    client = login(cast.bao)
    client.post(f"/people/leave/{leave.pk}/", leave_data(cast.rita, None, "2026-12-03", "2026-12-09"))
    leave.refresh_from_db()
    assert leave.last_day == dt.date(2026, 12, 9)
    client.post(f"/people/leave/{leave.pk}/delete/")
    assert not Leave.objects.exists()
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"leave.changed", "leave.removed"}


def test_holidays_and_make_up_days_are_added_once_and_removed(cast: Cast) -> None:
    client = login(cast.ada)

    def add(**data: Any) -> Any:
        return client.post("/people/holidays/", {"works_as": "", "branch": "", **data})

    assert add(day="2026-10-01", name="National Day").status_code == 302
    assert "already has an entry" in add(day="2026-10-01", name="Again").content.decode()
    assert "free anyway" in add(day="2026-10-03", name="x").content.decode()
    assert "worked like that anyway" in add(day="2026-10-05", name="x", works_as=0).content.decode()
    assert (
        "works on this day anyway" in add(day="2026-10-01", name="x", branch=cast.tree.n1.pk).content.decode()
    )
    assert add(day="2026-10-10", name="Make-up", works_as=3).status_code == 302
    assert add(day="2026-10-10", name="Closed", branch=cast.tree.south.pk).status_code == 302
    national, make_up, closed = Holiday.objects.order_by("pk")
    assert (national.name, make_up.works_as, closed.branch) == ("National Day", 3, cast.tree.south)
    assert client.post("/people/holidays/999999/delete/").status_code == 302
    assert client.post(f"/people/holidays/{national.pk}/delete/").status_code == 302
    assert Holiday.objects.count() == 2
    saved = AuditEvent.objects.filter(action="holiday.saved").last()
    assert saved
    assert saved.details["branch"] == cast.tree.south.pk


def test_an_auditor_reads_the_people_pages_and_changes_nothing(cast: Cast) -> None:
    client = login(cast.aud)
    for path in ("/people/users/", "/people/branches/", "/people/leave/", "/people/holidays/", "/audit/"):
        assert client.get(path).status_code == 200, path
    assert client.post("/people/users/new/", {**NEW, "branch": cast.tree.n2.pk}).status_code == 403
    assert client.post("/people/holidays/", {"day": "2026-10-01", "name": "x"}).status_code == 403
    assert User.objects.count() == 9


def test_nobody_is_asked_to_confirm_a_change_of_their_own_access_that_is_refused(cast: Cast) -> None:
    client = login(cast.ada)
    data = user_data(cast.ada, role=Role.MANAGER, confirmed="")
    page = client.post(f"/people/users/{cast.ada.pk}/", data).content.decode()
    assert "Ask another administrator" in page
    assert "Save all the same" not in page
    other = client.post(f"/people/users/{cast.max.pk}/", user_data(cast.max, role=Role.ANALYST, confirmed=""))
    assert "Save all the same" in other.content.decode()
