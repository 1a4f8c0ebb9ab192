"""The branch tree: any depth, moved after a look at who sees what, closed when empty, never a circle or an orphan."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm import branches
from bankcrm.models import AuditEvent, Branch, BranchLink, Role, User
from customers.models import Customer
from tests.cast import Cast, login, make_user

Kind = Branch.Kind


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankcrm.clock.today", lambda: dt.date(2026, 11, 25))


def make(code: str, parent: Branch, kind: str, actor: User) -> Branch:
    return branches.save(Branch(code=code, name=code, kind=kind, parent=parent), actor)


def test_a_tree_of_twelve_levels_is_seen_from_its_top_to_its_bottom(cast: Cast) -> None:
    node = cast.tree.n1
    for level in range(10):
        node = make(f"L{level}", node, Kind.OUTLET, cast.ada)
    Customer.objects.create(number="deep", name="Deep", home_branch=node)
    assert BranchLink.objects.filter(descendant=node).count() == 13
    for person in (cast.bao, cast.max):
        assert Customer.objects.visible_to(person).filter(number="deep").exists()


def test_the_tree_page_counts_each_branch_with_everything_below(cast: Cast) -> None:
    Customer.objects.create(number="C1", name="Li", home_branch=cast.tree.n1)
    Customer.objects.create(number="C2", name="Wu", home_branch=cast.tree.north)
    rows = login(cast.ada).get("/people/branches/").context["rows"]
    shape = [(row.branch.code, row.depth, row.total["staff"], row.total["customers"]) for row in rows]
    assert shape == [
        ("HO", 0, 9, 2),
        ("N", 1, 2, 2),
        ("N1", 2, 2, 1),
        ("N2", 2, 0, 0),
        ("S", 1, 1, 0),
        ("S1", 2, 1, 0),
    ]


def test_the_tree_page_costs_the_same_queries_for_six_and_sixty_branches(cast: Cast) -> None:
    client = login(cast.ada)
    client.get("/people/branches/")
    with CaptureQueriesContext(connection) as few:
        client.get("/people/branches/")
    Branch.objects.bulk_create(
        Branch(code=f"B{n}", name=f"B{n}", kind=Kind.BRANCH, parent=cast.tree.north) for n in range(54)
    )
    branches.rebuild_links()
    with CaptureQueriesContext(connection) as many:
        assert len(client.get("/people/branches/").context["rows"]) == 60
    assert len(few) == len(many) <= 12


def test_a_new_branch_is_in_the_closure(cast: Cast) -> None:
    data = {"name": "Outlet", "code": "N1A", "kind": "outlet", "parent": cast.tree.n1.pk}
    assert login(cast.ada).post("/people/branches/new/", data).status_code == 302
    assert BranchLink.objects.filter(descendant__code="N1A").count() == 4


def test_a_move_shows_who_sees_what_and_changes_nothing_before_it_is_saved(cast: Cast) -> None:
    regina = make_user("regina", Role.BRANCH_MANAGER, cast.tree.south)
    nora = make_user("nora", Role.MANAGER, cast.tree.north)
    Customer.objects.create(number="C1", name="Li", home_branch=cast.tree.n1)
    url = f"/people/branches/{cast.tree.n1.pk}/move/"
    shown = login(cast.ada).get(url, {"parent": cast.tree.south.pk})
    preview = shown.context["preview"]
    assert (preview.gaining, preview.losing) == ([regina], [nora])
    assert (preview.branches, preview.figures["customers"], preview.figures["rms"]) == (1, 1, 1)
    assert not Customer.objects.visible_to(regina).exists()
    data = {"parent": cast.tree.south.pk, "version": cast.tree.n1.version}
    assert login(cast.ada).post(url, data).status_code == 302
    assert Customer.objects.visible_to(regina).exists()
    assert not Customer.objects.visible_to(nora).exists()
    event = AuditEvent.objects.get(action="branch.changed")
    assert event.details["values"] == {"parent_id": [cast.tree.north.pk, cast.tree.south.pk]}
    page = login(cast.ada).get(f"/people/branches/{cast.tree.n1.pk}/").content.decode()
    assert "Belongs to: Region North → Region South" in page
    assert "branch.changed" not in page


def test_a_subtree_moves_as_a_whole(cast: Cast) -> None:
    cast.tree.north.parent = cast.tree.south
    branches.save(cast.tree.north, cast.ada)
    assert BranchLink.objects.filter(ancestor=cast.tree.south).count() == 5
    assert BranchLink.objects.get(ancestor=cast.tree.head_office, descendant=cast.tree.n1).depth == 3


def test_a_move_from_a_stale_page_is_refused(cast: Cast) -> None:
    url = f"/people/branches/{cast.tree.n1.pk}/"
    data = {"name": "N1 renamed", "code": "N1", "kind": "branch", "version": cast.tree.n1.version}
    assert login(cast.ada).post(url, data).status_code == 302
    answer = login(cast.ada).post(
        f"{url}move/", {"parent": cast.tree.south.pk, "version": cast.tree.n1.version}
    )
    assert answer.status_code == 422
    assert "Ada changed this" in answer.content.decode()
    assert Branch.objects.get(pk=cast.tree.n1.pk).parent == cast.tree.north


@pytest.mark.parametrize(
    ("kind", "parent", "sentence"),
    [
        (Kind.HEAD_OFFICE, "s1", "belongs to nothing"),
        (Kind.BRANCH, None, "Say what it belongs to"),
        (Kind.REGION, "n2", "same or a higher kind"),
        (Kind.BRANCH, "n1", "below itself"),
    ],
)
def test_a_tree_that_is_none_is_refused(cast: Cast, kind: str, parent: str | None, sentence: str) -> None:
    cast.tree.n1.kind, cast.tree.n1.parent = kind, getattr(cast.tree, parent) if parent else None
    with pytest.raises(ValidationError, match=sentence):
        branches.save(cast.tree.n1, cast.ada)
    assert BranchLink.objects.count() == 14


def test_a_circle_is_refused_by_the_verb_and_not_offered_by_the_page(cast: Cast) -> None:
    page = login(cast.ada).get(f"/people/branches/{cast.tree.north.pk}/move/", {"parent": cast.tree.n1.pk})
    assert page.status_code == 422
    cast.tree.north.parent, cast.tree.north.kind = cast.tree.n1, Kind.BRANCH
    with pytest.raises(ValidationError, match="below itself"):
        branches.save(cast.tree.north, cast.ada)


def test_a_kind_below_that_of_its_children_is_refused(cast: Cast) -> None:
    cast.tree.north.kind = Kind.OUTLET
    with pytest.raises(ValidationError, match="higher kind lie below"):
        branches.save(cast.tree.north, cast.ada)


def close(cast: Cast, branch: Branch, heir: Branch | None = None) -> Any:
    data = {"heir": heir.pk if heir else "", "version": branch.version}
    return login(cast.ada).post(f"/people/branches/{branch.pk}/close/", data)


def test_an_empty_branch_closes_and_nothing_can_be_put_there(cast: Cast) -> None:
    assert close(cast, cast.tree.n2).status_code == 302
    n2 = Branch.objects.get(pk=cast.tree.n2.pk)
    assert n2.closed_on == dt.date(2026, 11, 25)
    with pytest.raises(ValidationError, match="is closed"):
        make("N2A", n2, Kind.OUTLET, cast.ada)
    client = login(cast.ada)
    assert n2 not in [row.branch for row in client.get("/people/branches/").context["rows"]]
    assert n2 in [row.branch for row in client.get("/people/branches/?closed=1").context["rows"]]
    assert n2 not in client.get("/people/users/new/").context["form"].fields["branch"].queryset
    assert client.post(f"/people/branches/{n2.pk}/reopen/").status_code == 302
    assert Branch.objects.get(pk=n2.pk).closed_on is None


def test_a_branch_with_staff_and_customers_says_what_is_left_and_gives_it_to_its_heir(cast: Cast) -> None:
    Customer.objects.create(number="C1", name="Li", home_branch=cast.tree.n1, primary_rm=cast.rita)
    refused = close(cast, cast.tree.n1)
    assert refused.status_code == 422
    assert "2 staff, 1 customers" in refused.content.decode()
    assert close(cast, cast.tree.n1, cast.tree.n2).status_code == 302
    cast.rita.refresh_from_db()
    customer = Customer.objects.get()
    assert (cast.rita.branch, customer.home_branch, customer.primary_rm) == (
        cast.tree.n2,
        cast.tree.n2,
        cast.rita,
    )
    event = AuditEvent.objects.get(action="branch.closed")
    assert event.details["given"]["customers"] == 1
    page = login(cast.ada).get(f"/people/branches/{cast.tree.n1.pk}/").content.decode()
    assert f"{cast.tree.n2.name} took over 2 staff, 1 customers" in page
    assert login(cast.ada).post(f"/people/branches/{cast.tree.n1.pk}/reopen/").status_code == 302
    page = login(cast.ada).get(f"/people/branches/{cast.tree.n1.pk}/").content.decode()
    assert page.index("Opened again") < page.index("took over")


@pytest.mark.parametrize(
    ("place", "heir", "sentence"),
    [("north", "s1", "Move or close the branches below"), ("head_office", None, "cannot close")],
)
def test_a_branch_with_branches_below_it_does_not_close(
    cast: Cast, place: str, heir: str | None, sentence: str
) -> None:
    answer = close(cast, getattr(cast.tree, place), getattr(cast.tree, heir) if heir else None)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_only_administrators_change_the_tree(cast: Cast) -> None:
    for person in (cast.bao, cast.max, cast.aud):
        assert close_as(person, cast.tree.n2) == 403
    assert not Branch.objects.filter(closed_on__isnull=False).exists()


def close_as(person: User, branch: Branch) -> int:
    answer = login(person).post(f"/people/branches/{branch.pk}/close/", {"heir": "", "version": 1})
    return int(answer.status_code)
