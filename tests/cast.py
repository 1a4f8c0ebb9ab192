"""The named cast on a small branch tree, so that a test says who does what instead of building users.

Head office holds Omar (approver), Max (manager), Ana (analyst), Mei (planner), Ada (administrator) and Aud (auditor).
Region North has branches N1 with Rita (RM) and Bao (branch manager), and N2; region South has S1 with Raj (RM).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.test import Client

from bankcrm import branches
from bankcrm.models import Branch, Role, User

PASSWORD = "a-sentence-nobody-guesses"

# person → (role, branch, auditor)
PEOPLE = {
    "mei": (Role.PLANNER, "head_office", False),
    "omar": (Role.APPROVER, "head_office", False),
    "rita": (Role.RM, "n1", False),
    "raj": (Role.RM, "s1", False),
    "bao": (Role.BRANCH_MANAGER, "n1", False),
    "ana": (Role.ANALYST, "head_office", False),
    "max": (Role.MANAGER, "head_office", False),
    "ada": (Role.ADMINISTRATOR, "head_office", False),
    "aud": (Role.MANAGER, "head_office", True),
}


@dataclass(frozen=True)
class Tree:
    """The branches of the small bank."""

    head_office: Branch
    north: Branch
    south: Branch
    n1: Branch
    n2: Branch
    s1: Branch


@dataclass(frozen=True)
class Cast:
    """Everybody, by name, and the branches they work in."""

    tree: Tree
    mei: User
    omar: User
    rita: User
    raj: User
    bao: User
    ana: User
    max: User
    ada: User
    aud: User

    def everybody(self) -> dict[str, User]:
        """Name → user, in the order of the declaration."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "tree"}


def make_branches() -> Tree:
    """Head office, two regions, three branches, and the closure of the tree."""
    head_office = _branch("HO", "Head office", Branch.Kind.HEAD_OFFICE, None)
    north = _branch("N", "Region North", Branch.Kind.REGION, head_office)
    south = _branch("S", "Region South", Branch.Kind.REGION, head_office)
    tree = Tree(
        head_office,
        north,
        south,
        n1=_branch("N1", "Branch North 1", Branch.Kind.BRANCH, north),
        n2=_branch("N2", "Branch North 2", Branch.Kind.BRANCH, north),
        s1=_branch("S1", "Branch South 1", Branch.Kind.BRANCH, south),
    )
    branches.rebuild_links()
    return tree


def _branch(code: str, name: str, kind: str, parent: Branch | None) -> Branch:
    return Branch.objects.create(code=code, name=name, kind=kind, parent=parent)


def make_user(name: str, role: str, branch: Branch, **more: object) -> User:
    """One more colleague; the password is PASSWORD."""
    return User.objects.create_user(
        name,
        password=PASSWORD,
        employee_number=f"E-{name}",
        full_name=str(more.pop("full_name", name.capitalize())),
        role=role,
        branch=branch,
        **more,
    )


def make_bank() -> Cast:
    """The branches and the cast, in the database."""
    tree = make_branches()
    people = {
        name: make_user(name, role, getattr(tree, branch), is_auditor=auditor)
        for name, (role, branch, auditor) in PEOPLE.items()
    }
    return Cast(tree=tree, **people)


def login(user: User) -> Client:
    """A browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user)
    return client
