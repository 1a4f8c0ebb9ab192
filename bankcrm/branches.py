"""The branch tree: its closure, its changes, what a move does to people's sight, what a branch gives up to close.

What belongs to a branch besides its staff is known to the apps above; each says so once, with ``belongs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from bankcrm import audit, clock
from bankcrm.models import Branch, BranchLink, Role, User
from bankcrm.stale import check_version

# A branch lies below one of its own kind or of a kind further left.
KIND_ORDER = [Branch.Kind.HEAD_OFFICE, Branch.Kind.REGION, Branch.Kind.BRANCH, Branch.Kind.OUTLET]
# Roles whose sight is the subtree of their branch.
SUBTREE_ROLES = frozenset(Role) - {Role.RM, Role.ADMINISTRATOR}


@dataclass(frozen=True)
class Belonging:
    """Something that stands under a branch: its name, how many per branch (one query), and giving all to another.

    ``move(old, new)`` runs in the caller's transaction and returns how many it moved.
    """

    label: Any
    count: Callable[[], Mapping[int, int]]
    move: Callable[[Branch, Branch], int]


BELONGINGS: dict[str, Belonging] = {}


def belongs(name: str, belonging: Belonging) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    BELONGINGS[name] = belonging


@dataclass
class Node:
    """One branch of the tree page: its own figures and those of its whole subtree, by name of the figure."""

    branch: Branch
    depth: int
    own: dict[str, int]
    total: dict[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> range:
        return range(self.depth)


@dataclass(frozen=True)
class Move:
    """What a move of a subtree would do. ``gaining`` and ``losing`` are the people whose sight changes."""

    branches: int
    figures: dict[str, int]
    gaining: list[User]
    losing: list[User]


def top_down() -> Iterator[tuple[Branch, int]]:
    """Every branch with its depth, each before what lies below it, by name. One query."""
    below: dict[int | None, list[Branch]] = {}
    for branch in Branch.objects.order_by("name", "pk"):
        below.setdefault(branch.parent_id, []).append(branch)
    waiting = [(branch, 0) for branch in reversed(below.get(None, []))]
    while waiting:
        branch, depth = waiting.pop()
        yield branch, depth
        waiting += [(child, depth + 1) for child in reversed(below.get(branch.pk, []))]


def nodes() -> list[Node]:
    """The tree top down, in as many queries as there are figures, whatever its size and depth."""
    counts = figures()
    found: list[Node] = []
    for branch, depth in top_down():
        own = {name: count.get(branch.pk, 0) for name, count in counts.items()}
        found.append(Node(branch, depth, own, dict(own)))
    by_id = {node.branch.pk: node for node in found}
    for node in reversed(found):
        parent = by_id.get(node.branch.parent_id or 0)
        if parent:
            for name, n in node.total.items():
                parent.total[name] += n
    return found


def figures() -> dict[str, Mapping[int, int]]:
    """Name of a figure → branch id → how many: "staff", "rms" and what the apps above count."""
    counted = list(
        User.objects.filter(is_active=True)
        .values_list("branch")
        .annotate(n=Count("pk"), rms=Count("pk", filter=Q(role=Role.RM)))
        .order_by()
    )
    return {
        "staff": {branch: n for branch, n, _rms in counted},
        "rms": {branch: rms for branch, _n, rms in counted},
        **{name: belonging.count() for name, belonging in BELONGINGS.items()},
    }


def labels() -> dict[str, Any]:
    """Name of a figure → what the page calls it."""
    known = {"staff": _("Staff"), "rms": _("RMs")}
    return known | {name: belonging.label for name, belonging in BELONGINGS.items()}


@transaction.atomic
def save(branch: Branch, actor: User, version: int | None = None) -> Branch:
    """Write a new, renamed or moved branch and the closure of the tree.

    ``version`` is the one the change was made from; None for a program that read no form. Raises ValidationError for a
    circle, a parent that cannot have it, or somebody else's change in between.
    """
    lock_tree()
    before = Branch.objects.filter(pk=branch.pk).first() if branch.pk else None
    check_version(before, version)
    _check_place(branch, before)
    if before:
        branch.version = before.version + 1
    branch.save()
    if before is None or before.parent_id != branch.parent_id:
        rebuild_links()
    names = ("code", "name", "kind", "parent_id")
    changed = {n: [getattr(before, n), getattr(branch, n)] for n in names if _differs(before, branch, n)}
    audit.record(
        actor,
        "branch.changed" if before else "branch.created",
        branch,
        changed=list(changed),
        values=changed,
    )
    return branch


def _differs(before: Branch | None, branch: Branch, name: str) -> bool:
    return before is not None and getattr(before, name) != getattr(branch, name)


def _check_place(branch: Branch, before: Branch | None) -> None:
    if branch.kind == Branch.Kind.HEAD_OFFICE:
        if branch.parent_id:
            raise ValidationError(_("The head office belongs to nothing."))
    elif branch.parent_id is None:
        raise ValidationError(_("Say what it belongs to."))
    if before and BranchLink.objects.filter(ancestor=branch.pk, descendant=branch.parent_id).exists():
        raise ValidationError(_("A branch cannot lie below itself."))
    if branch.parent is not None:
        if branch.parent.closed_on and not branch.closed_on:
            raise ValidationError(_("%(name)s is closed.") % {"name": branch.parent})
        if rank(branch.parent.kind) > rank(branch.kind):
            raise ValidationError(_("Only a branch of the same or a higher kind can have it."))
    if before and before.kind != branch.kind:
        lower = [kind for kind in KIND_ORDER if rank(kind) < rank(branch.kind)]
        if Branch.objects.filter(parent=branch.pk, kind__in=lower).exists():
            raise ValidationError(_("Branches of a higher kind lie below it."))


def rank(kind: str) -> int:
    """0 for the head office, higher for what lies further down."""
    return KIND_ORDER.index(Branch.Kind(kind))


def preview_move(branch: Branch, parent: Branch) -> Move:
    """What putting ``branch`` below ``parent`` would change. Raises ValidationError where it cannot lie there."""
    moved = Branch(pk=branch.pk, kind=branch.kind, parent=parent, closed_on=branch.closed_on)
    _check_place(moved, branch)
    inside = set(BranchLink.objects.filter(ancestor=branch.pk).values_list("descendant", flat=True))
    old, new = _above(branch.parent_id), _above(parent.pk)
    watching = User.objects.filter(is_active=True, is_auditor=False, role__in=SUBTREE_ROLES)
    people = list(watching.filter(branch__in=old ^ new).select_related("branch").order_by("full_name", "pk"))
    return Move(
        branches=len(inside),
        figures={name: sum(counts.get(pk, 0) for pk in inside) for name, counts in figures().items()},
        gaining=[person for person in people if person.branch_id in new],
        losing=[person for person in people if person.branch_id in old],
    )


def _above(branch_id: int | None) -> set[int]:
    return set(BranchLink.objects.filter(descendant=branch_id).values_list("ancestor", flat=True))


def left_in(branch: Branch) -> dict[str, int]:
    """What still stands under the branch itself, by name of the figure; empty when it may close."""
    counted = {name: counts.get(branch.pk, 0) for name, counts in figures().items() if name != "rms"}
    counted["branches"] = Branch.objects.filter(parent=branch.pk, closed_on__isnull=True).count()
    return {name: n for name, n in counted.items() if n}


@transaction.atomic
def close(
    branch: Branch, actor: User, heir: Branch | None = None, version: int | None = None
) -> dict[str, int]:
    """Close a branch that is empty, or give its staff and everything that belongs to it to ``heir`` first.

    Returns what was given, by name of the figure. Raises ValidationError for the head office, for open branches below
    it, for what is left without an heir, and for an heir that is closed or the branch itself.
    """
    lock_tree()
    before = Branch.objects.get(pk=branch.pk)
    check_version(before, version)
    _check_closing(before, heir)
    given: dict[str, int] = {}
    if heir is not None:
        given["staff"] = User.objects.filter(branch=branch.pk).update(branch=heir, version=F("version") + 1)
        given |= {name: belonging.move(before, heir) for name, belonging in BELONGINGS.items()}
    left = left_in(before)
    if left:
        known = labels()
        told = ", ".join(f"{n:,} {str(known[name]).lower()}" for name, n in left.items())
        raise ValidationError(
            _("%(name)s is not empty: %(left)s. Say which branch takes them over.")
            % {"name": before, "left": told}
        )
    Branch.objects.filter(pk=branch.pk).update(closed_on=clock.today(), version=F("version") + 1)
    audit.record(
        actor,
        "branch.closed",
        before,
        from_state="open",
        to_state="closed",
        heir=heir.pk if heir else None,
        given=given,
    )
    return given


def _check_closing(branch: Branch, heir: Branch | None) -> None:
    if branch.closed_on:
        raise ValidationError(_("%(name)s is closed already.") % {"name": branch})
    if branch.kind == Branch.Kind.HEAD_OFFICE:
        raise ValidationError(_("The head office cannot close."))
    if heir is not None and (heir.pk == branch.pk or heir.closed_on):
        raise ValidationError(_("%(name)s cannot take anything over.") % {"name": heir})
    below = Branch.objects.filter(parent=branch.pk, closed_on__isnull=True).order_by("name")
    names = list(below.values_list("name", flat=True)[:3])
    if names:
        raise ValidationError(
            _("Move or close the branches below it first: %(names)s.") % {"names": ", ".join(names)}
        )


@transaction.atomic
def reopen(branch: Branch, actor: User) -> None:
    """Open a closed branch again; what it gave away stays where it went. Raises ValidationError below a closed one."""
    lock_tree()
    before = Branch.objects.select_related("parent").get(pk=branch.pk)
    if before.parent is not None and before.parent.closed_on:
        raise ValidationError(_("%(name)s is closed.") % {"name": before.parent})
    if Branch.objects.filter(pk=branch.pk, closed_on__isnull=False).update(
        closed_on=None, version=F("version") + 1
    ):
        audit.record(actor, "branch.reopened", before, from_state="closed", to_state="open")


def lock_tree() -> None:
    """Let one transaction at a time change the tree; until it ends."""
    with connection.cursor() as cursor:
        # Two moves at once could close a circle that neither of them sees.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('bankcrm.branch_tree'))")


@transaction.atomic
def rebuild_links() -> None:
    """Write every (ancestor, descendant, depth) anew from ``Branch.parent``; call after the tree changed."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bankcrm_branchlink")
        cursor.execute(
            """
            WITH RECURSIVE tree (ancestor_id, descendant_id, depth) AS (
                SELECT id, id, 0 FROM bankcrm_branch
                UNION ALL
                SELECT tree.ancestor_id, child.id, depth + 1
                FROM tree JOIN bankcrm_branch child ON child.parent_id = tree.descendant_id
            )
            INSERT INTO bankcrm_branchlink (ancestor_id, descendant_id, depth) SELECT * FROM tree
            """
        )


def in_order(found: Sequence[Node], hide_closed: bool) -> list[Node]:
    """The nodes a page shows."""
    return [node for node in found if not (hide_closed and node.branch.closed_on)]
