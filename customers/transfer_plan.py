"""Planning a portfolio transfer: which customers, to whom, how many each, and everything a preview says.

Whose customers and which branches may take part is decided here, by the rights of whoever asks: branch managers move
within their own subtree, administrators everywhere. Neither needs to see a customer for it; administrators see counts.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from bankcrm import absence, bulk, clock
from bankcrm.models import Branch, BranchLink, Role, User
from bankcrm.runs import Refused
from customers import profile
from customers import transfer_sql as sql
from customers.models import PortfolioTransfer
from customers.ties import by_manager

SALT = "customers.transfer"
ROLES = frozenset({Role.BRANCH_MANAGER, Role.ADMINISTRATOR})


@dataclass(frozen=True)
class Companion:
    """What an app above does when customers move.

    ``preview(moves, parameters)`` counts, by name, what would go along; ``moves`` is SQL of customer_id, from_rm_id,
    to_rm_id. ``move`` and ``undo`` run in the transaction of the transfer and return counts by name.
    """

    preview: Callable[[str, dict[str, Any]], Mapping[str, int]]
    move: Callable[[PortfolioTransfer], Mapping[str, int]]
    undo: Callable[[PortfolioTransfer], Mapping[str, int]]


COMPANIONS: dict[str, Companion] = {}


def goes_along(name: str, companion: Companion) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    COMPANIONS[name] = companion


@dataclass(frozen=True)
class Choice:
    """Which customers go to whom. ``sources`` and ``receivers`` are user ids, ``branch``, ``nobody_in`` and
    ``spread_over`` branch ids with their subtree, ``customers`` customer ids or None for all.

    ``nobody_in``: also customers there without a relationship manager. Receivers are named, or are all others of
    ``spread_over``; either way each gets as many as brings all to the same load.
    """

    sources: tuple[int, ...] = ()
    nobody_in: int | None = None
    receivers: tuple[int, ...] = ()
    spread_over: int | None = None
    tier: str = ""
    branch: int | None = None
    customers: tuple[int, ...] | None = None
    open_leads: str = PortfolioTransfer.OpenLeads.MOVE
    changes_branch: bool = False

    @classmethod
    def stored(cls, data: Mapping[str, Any]) -> Choice:
        """From the JSON of a transfer or of a signed preview."""
        tuples = {
            name: None if data.get(name) is None else tuple(data[name])
            for name in ("sources", "receivers", "customers")
        }
        return cls(**{**data, **tuples})


@dataclass(frozen=True)
class Share:
    """One person's part: ``change`` customers more (less when negative); loads are customers ÷ portfolio size."""

    rm: User
    change: int
    aum: Decimal
    before: int

    @property
    def after(self) -> int:
        return self.before + self.change

    @property
    def load_before(self) -> float | None:
        return self.before / self.rm.portfolio_size if self.rm.portfolio_size else None

    @property
    def load_after(self) -> float | None:
        return self.after / self.rm.portfolio_size if self.rm.portfolio_size else None

    @property
    def is_over(self) -> bool:
        return self.after > self.rm.portfolio_size


@dataclass(frozen=True)
class Preview:
    """What a transfer would do; nothing is moved. ``token`` carries it out exactly as shown."""

    choice: Choice
    customers: int
    aum: Decimal
    without_figures: int
    losing_backup: int
    giving: list[Share]
    receiving: list[Share]
    along: dict[str, int]
    digest: str
    month: dt.date | None
    # On leave on this day: named all the same, or left out of a sharing among all others.
    on_leave: list[User] = field(default_factory=list)
    left_out: list[User] = field(default_factory=list)
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def over(self) -> list[Share]:
        return [share for share in self.receiving if share.is_over]

    @property
    def token(self) -> str:
        body = {"choice": asdict(self.choice), "digest": self.digest, "key": self.key}
        return signing.dumps(body, salt=SALT, compress=True)


@dataclass(frozen=True)
class Plan:
    people: dict[int, User]
    receivers: list[int]
    loads: dict[int, int]
    counts: list[tuple[int | None, int, Decimal, int]]
    parameters: dict[str, Any]
    month: dt.date | None

    @property
    def total(self) -> int:
        return sum(row[1] for row in self.counts)


def preview(user: User, choice: Choice) -> Preview:
    """Count what would move, in a fixed number of statements. Raises PermissionDenied and Refused."""
    with bulk.without_time_limit(), transaction.atomic():
        found = plan(user, choice)
        with connection.cursor() as cursor:
            cursor.execute(sql.DIGEST, found.parameters)
            _n, digest = cursor.fetchone()
            cursor.execute(sql.PREVIEW, found.parameters)
            dealt = {pk: (n, aum, backups) for pk, n, aum, backups in cursor.fetchall()}
        moves = f"SELECT customer_id, from_rm_id, to_rm_id FROM ({sql.DEALT}) dealt"  # noqa: S608  a constant
        along: dict[str, int] = {}
        for companion in COMPANIONS.values():
            along |= companion.preview(moves, found.parameters)
    taken = {pk: (-n, -aum) for pk, n, aum, _without in found.counts if pk is not None}
    away = absence.on(clock.today())
    absent = [person for pk, person in found.people.items() if pk in away and pk not in choice.sources]
    return Preview(
        on_leave=[person for person in absent if person.pk in found.receivers],
        left_out=[person for person in absent if choice.spread_over and person.pk not in found.receivers],
        choice=choice,
        customers=found.total,
        aum=sum((row[2] for row in found.counts), Decimal(0)),
        without_figures=sum(row[3] for row in found.counts),
        losing_backup=sum(backups for _n, _aum, backups in dealt.values()),
        giving=[Share(found.people[pk], n, aum, found.loads.get(pk, 0)) for pk, (n, aum) in taken.items()],
        receiving=[
            Share(found.people[pk], *dealt.get(pk, (0, Decimal(0), 0))[:2], found.loads.get(pk, 0))
            for pk in found.receivers
        ],
        along=along,
        digest=digest,
        month=found.month,
    )


def plan(user: User, choice: Choice) -> Plan:
    """Who takes part and how many each gets, under the rights of ``user``."""
    check_role(user)
    people = people_of(user, choice)
    receivers = receivers_of(choice, people)
    month = profile.latest_month()
    parameters = sql.parameters(choice, month)
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS, parameters)
        counts = cursor.fetchall()
    total = sum(row[1] for row in counts)
    if not total:
        raise Refused(_("No customer fits this choice."))
    loads = by_manager([*choice.sources, *receivers])
    sized = {pk: (loads.get(pk, 0), max(1, people[pk].portfolio_size)) for pk in receivers}
    dealt = sql.shares(total, sized)
    parameters |= {"receivers": list(dealt), "shares": list(dealt.values())}
    return Plan(people, receivers, loads, counts, parameters, month)


def check_role(user: User) -> None:
    if not user.may_act_as(ROLES):
        raise PermissionDenied(_("Only branch managers and administrators transfer portfolios."))


def people_of(user: User, choice: Choice) -> dict[int, User]:
    """Everybody named, by id. Raises Refused for anybody or any branch out of the user's sight."""
    named = {*choice.sources, *choice.receivers}
    seen = User.objects.visible_to(user).select_related("branch")
    wanted = seen.filter(pk__in=named)
    if choice.spread_over:
        below = BranchLink.objects.filter(ancestor=choice.spread_over).values("descendant")
        wanted = wanted | seen.relationship_managers().filter(branch__in=below, portfolio_size__gt=0)
    people = {person.pk: person for person in wanted}
    if not named <= people.keys():
        raise Refused(_("Somebody named here does not belong to your branches."))
    asked = {branch for branch in (choice.nobody_in, choice.spread_over, choice.branch) if branch}
    if user.role == Role.BRANCH_MANAGER:
        known = user.branch_ids()
        own = set(Branch.objects.filter(pk__in=asked).filter(pk__in=known).values_list("pk", flat=True))
    else:
        own = set(Branch.objects.filter(pk__in=asked).values_list("pk", flat=True))
    if asked - own:
        raise Refused(_("This branch is not one of yours."))
    if not choice.sources and not choice.nobody_in:
        raise Refused(_("Choose whose customers are to move."))
    return people


def receivers_of(choice: Choice, people: Mapping[int, User]) -> list[int]:
    if choice.spread_over:
        # Whoever is away cannot begin with anybody new; who is to have customers all the same is named.
        away = absence.on(clock.today())
        receivers = [
            pk
            for pk, person in people.items()
            if pk not in choice.sources and person.role == Role.RM and person.is_active and pk not in away
        ]
        if not receivers:
            raise Refused(_("Nobody else there can take customers."))
        return sorted(receivers)
    if not choice.receivers:
        raise Refused(_("Choose who takes the customers."))
    for pk in choice.receivers:
        person = people[pk]
        if person.role != Role.RM or not person.is_active or person.is_auditor:
            raise Refused(_("%(name)s cannot take customers.") % {"name": person})
        if pk in choice.sources:
            raise Refused(_("%(name)s cannot both give and take.") % {"name": person})
    return sorted(choice.receivers)


def choice_in(token: str) -> Choice | None:
    """The choice of a preview however old it is, to look at it again; None for what we did not sign."""
    try:
        return Choice.stored(signing.loads(token, salt=SALT)["choice"])
    except signing.BadSignature:
        return None
