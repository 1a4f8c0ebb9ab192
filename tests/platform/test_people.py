"""Administrators keep users, branches and holidays; branch managers keep their own people's leave."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from bankcrm import people
from bankcrm.models import AuditEvent, Branch, BranchLink, Holiday, Leave, Role, User
from tests.cast import PASSWORD, Cast, login, make_user


def user_data(user: User, **changes: Any) -> dict[str, Any]:
    data = {
        "full_name": user.full_name,
        "employee_number": user.employee_number,
        "username": user.username,
        "role": user.role,
        "branch": user.branch_id,
        "daily_capacity": user.daily_capacity,
        "is_active": "on" if user.is_active else "",
    }
    return {**data, **changes}


NEW = {
    "full_name": "Lin",
    "employee_number": "E-lin",
    "username": "lin",
    "role": Role.RM,
    "daily_capacity": 15,
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
        ("employee_number", "E-rita", "already exists"),
        ("role", "emperor", "valid choice"),
        ("branch", "999999", "valid choice"),
        ("daily_capacity", "-3", "greater than or equal"),
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
    assert AuditEvent.objects.get(action="user.changed").details == {"changed": ["daily_capacity"]}


def test_users_are_found_by_name_role_and_branch_subtree(cast: Cast) -> None:
    client = login(cast.ada)

    def names(query: str) -> set[str]:
        return {person.username for person in client.get(f"/people/users/{query}").context["page"].rows}

    assert names("?q=rit") == {"rita"}
    assert names("?role=rm") == {"rita", "raj"}
    assert names(f"?branch={cast.tree.north.pk}") == {"rita", "bao"}
    assert names("?active=0") == set()
    assert len(names("")) == 9


def test_a_moved_branch_moves_what_its_people_see(cast: Cast) -> None:
    regional = make_user("regina", Role.BRANCH_MANAGER, cast.tree.south)
    assert not User.objects.visible_to(regional).filter(pk=cast.rita.pk).exists()
    answer = login(cast.ada).post(
        f"/people/branches/{cast.tree.n1.pk}/",
        {"name": "Moved", "code": "N1", "kind": "branch", "parent": cast.tree.south.pk},
    )
    assert answer.status_code == 302
    assert User.objects.visible_to(regional).filter(pk=cast.rita.pk).exists()
    assert AuditEvent.objects.get(action="branch.changed").details == {"changed": ["name", "parent_id"]}


def test_a_new_branch_is_in_the_closure(cast: Cast) -> None:
    data = {"name": "Outlet", "code": "N1A", "kind": "outlet", "parent": cast.tree.n1.pk}
    assert login(cast.ada).post("/people/branches/new/", data).status_code == 302
    outlet = Branch.objects.get(code="N1A")
    assert BranchLink.objects.filter(descendant=outlet).count() == 4


@pytest.mark.parametrize(
    ("kind", "parent", "sentence"),
    [
        ("head_office", "s1", "belongs to nothing"),
        ("branch", None, "Say what it belongs to"),
        ("region", "n2", "higher kind"),
        ("branch", "n1", "valid choice"),
    ],
)
def test_a_tree_that_is_none_is_refused(cast: Cast, kind: str, parent: str | None, sentence: str) -> None:
    data = {
        "name": "N1",
        "code": "N1",
        "kind": kind,
        "parent": getattr(cast.tree, parent).pk if parent else "",
    }
    answer = login(cast.ada).post(f"/people/branches/{cast.tree.n1.pk}/", data)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_a_circle_is_refused_by_the_verb_too(cast: Cast) -> None:
    cast.tree.north.parent = cast.tree.n1
    with pytest.raises(ValidationError, match="below itself"):
        people.save_branch(cast.tree.north, cast.ada)
    assert BranchLink.objects.count() == 14


def test_branches_show_as_a_tree_with_their_staff(cast: Cast) -> None:
    rows = login(cast.ada).get("/people/branches/").context["rows"]
    shape = [(row["branch"].code, row["depth"]) for row in rows]
    assert shape == [("HO", 0), ("N", 1), ("N1", 2), ("N2", 2), ("S", 1), ("S1", 2)]
    assert [row["branch"].working for row in rows] == [6, 0, 2, 0, 0, 1]


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


def test_leave_is_changed_and_removed_with_an_audit_row_each(cast: Cast) -> None:
    leave = Leave.objects.create(user=cast.rita, first_day="2026-12-03", last_day="2026-12-04")
    client = login(cast.bao)
    client.post(f"/people/leave/{leave.pk}/", leave_data(cast.rita, None, "2026-12-03", "2026-12-09"))
    leave.refresh_from_db()
    assert leave.last_day == dt.date(2026, 12, 9)
    client.post(f"/people/leave/{leave.pk}/delete/")
    assert not Leave.objects.exists()
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"leave.changed", "leave.removed"}


def test_holidays_are_added_once_and_removed(cast: Cast) -> None:
    client = login(cast.ada)
    assert client.post("/people/holidays/", {"day": "2026-10-01", "name": "National Day"}).status_code == 302
    assert client.post("/people/holidays/", {"day": "2026-10-01", "name": "Again"}).status_code == 422
    assert (
        "free anyway" in client.post("/people/holidays/", {"day": "2026-10-03", "name": "x"}).content.decode()
    )
    assert Holiday.objects.get().name == "National Day"
    assert client.post("/people/holidays/nonsense/delete/").status_code == 404
    assert client.post("/people/holidays/2026-10-01/delete/").status_code == 302
    assert not Holiday.objects.exists()


def test_an_auditor_reads_the_people_pages_and_changes_nothing(cast: Cast) -> None:
    client = login(cast.aud)
    for path in ("/people/users/", "/people/branches/", "/people/leave/", "/people/holidays/", "/audit/"):
        assert client.get(path).status_code == 200, path
    assert client.post("/people/users/new/", {**NEW, "branch": cast.tree.n2.pk}).status_code == 403
    assert client.post("/people/holidays/", {"day": "2026-10-01", "name": "x"}).status_code == 403
    assert User.objects.count() == 9
