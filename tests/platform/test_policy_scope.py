"""Which rows each role sees: own, same branch, child branch, sibling branch, other region. Nothing else decides."""

from __future__ import annotations

from typing import Any

import pytest

from bankcrm import runs
from bankcrm.models import Role, Run, User
from customers.models import Customer
from tests.cast import Cast, make_user

# Where the row lies, seen from branch N1 (for roles below) or from the region or the head office.
PLACES = ("n1", "n2", "north", "s1", "head_office")


@pytest.fixture
def customers(cast: Cast) -> dict[str, Customer]:
    """One customer per branch of PLACES, Rita's in N1 and Raj's in S1."""
    managers = {"n1": cast.rita, "s1": cast.raj}
    return {
        place: Customer.objects.create(
            number=f"C-{place}",
            name=f"Customer {place}",
            home_branch=getattr(cast.tree, place),
            primary_rm=managers.get(place),
        )
        for place in PLACES
    }


def seen(user: User) -> set[str]:
    return {
        number.removeprefix("C-")
        for number in Customer.objects.visible_to(user).values_list("number", flat=True)
    }


SUBTREE_ROLES = [Role.BRANCH_MANAGER, Role.PLANNER, Role.APPROVER, Role.MANAGER, Role.ANALYST]
SUBTREES = [
    ("n1", {"n1"}),
    ("n2", {"n2"}),
    ("north", {"n1", "n2", "north"}),
    ("south", {"s1"}),
    ("head_office", set(PLACES)),
]


@pytest.mark.parametrize("role", SUBTREE_ROLES)
@pytest.mark.parametrize(
    ("place", "expected"), SUBTREES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_five_roles_see_the_customers_of_their_branch_and_below(
    cast: Cast, customers: dict[str, Customer], role: str, place: str, expected: set[str]
) -> None:
    assert seen(make_user("someone", role, getattr(cast.tree, place))) == expected


@pytest.mark.parametrize("place", ["n1", "n2", "north", "s1", "head_office"])
def test_a_relationship_manager_sees_the_own_portfolio_wherever_the_desk_stands(
    cast: Cast, customers: dict[str, Customer], place: str
) -> None:
    assert seen(cast.rita) == {"n1"}
    nobody = make_user("nobody", Role.RM, getattr(cast.tree, place))
    assert seen(nobody) == set()
    Customer.objects.filter(number="C-s1").update(backup_rm=nobody)
    assert seen(nobody) == {"s1"}


@pytest.mark.parametrize("place", ["n1", "north", "head_office"])
def test_an_administrator_sees_no_customer(cast: Cast, customers: dict[str, Customer], place: str) -> None:
    assert seen(make_user("adam", Role.ADMINISTRATOR, getattr(cast.tree, place))) == set()


@pytest.mark.parametrize("role", list(Role))
def test_an_auditor_of_any_role_sees_everything(
    cast: Cast, customers: dict[str, Customer], role: str
) -> None:
    auditor = make_user("auditor", role, cast.tree.n2, is_auditor=True)
    assert seen(auditor) == set(PLACES)
    assert User.objects.visible_to(auditor).count() == User.objects.count()
    Run.objects.create(kind="test.scope", requested_by=cast.rita)
    assert Run.objects.visible_to(auditor).count() == 1


def test_a_customer_without_a_branch_is_seen_by_its_manager_the_head_office_and_the_auditor_alone(
    cast: Cast,
) -> None:
    Customer.objects.create(number="C-homeless", name="x", primary_rm=cast.raj)
    people = {name for name, person in cast.everybody().items() if seen(person)}
    assert people == {"raj", "mei", "omar", "ana", "max", "aud"}


def test_colleagues_are_seen_in_the_own_subtree(cast: Cast) -> None:
    def names(user: User) -> set[str]:
        return set(User.objects.visible_to(user).values_list("username", flat=True))

    everybody = set(cast.everybody())
    assert names(cast.rita) == {"rita"}
    assert names(cast.bao) == {"rita", "bao"}
    assert names(make_user("nora", Role.MANAGER, cast.tree.north)) == {"rita", "bao", "nora"}
    assert names(make_user("sven", Role.PLANNER, cast.tree.south)) == {"raj", "sven"}
    for person in (cast.mei, cast.omar, cast.ana, cast.max, cast.ada, cast.aud):
        assert everybody <= names(person)


def test_runs_are_seen_by_their_requester_administrators_and_auditors(cast: Cast) -> None:
    before = dict(runs.KINDS)
    runs.work("test.scope", "Scope")(nothing)
    try:
        made = {
            name: runs.request("test.scope", person).pk
            for name, person in cast.everybody().items()
            if name != "aud"
        }
        made["schedule"] = runs.request("test.scope", None).pk
    finally:
        runs.KINDS.clear()
        runs.KINDS.update(before)
    for name, person in cast.everybody().items():
        visible = set(Run.objects.visible_to(person).values_list("pk", flat=True))
        assert visible == (set(made.values()) if name in ("ada", "aud") else {made[name]}), name


def nothing(job: runs.Job) -> dict[str, Any]:
    return {}
