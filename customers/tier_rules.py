"""Changing the thresholds of tiers: checked, previewed on the newest profiles, saved from a day on."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.models import User
from customers import dated, tiering
from customers.models import TierRule

ACTION = "tiers"


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier as somebody plans it; highest first in every list."""

    code: str
    name: str
    aum: Decimal
    loan: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """How many customers go from one tier to another; an empty code is no tier."""

    from_tier: str
    to_tier: str
    customers: int
    is_up: bool


@dataclass(frozen=True, slots=True)
class BranchMoves:
    branch: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What other thresholds would have done at ``month``."""

    month: dt.date
    customers: int
    # Customers of today without a profile of that month: they came, or were imported, after it was built.
    not_rated: int
    up: int
    down: int
    matrix: dict[tuple[str, str], int]
    moves: list[Move]
    branches: list[BranchMoves]


def in_force(day: dt.date) -> list[Tier]:
    """The tiers of that day, highest first."""
    return [Tier(rule.code, rule.name, rule.minimum_aum, rule.minimum_loan) for rule in tiering.rules_at(day)]


def faults(tiers: Sequence[Tier]) -> list[str]:
    """What is wrong with planned thresholds, one sentence each; empty when nothing is."""
    if not tiers:
        return [_("At least one tier is needed.")]
    found = []
    for code, times in Counter(tier.code for tier in tiers).items():
        if times > 1:
            found.append(_("The code “%(code)s” stands twice.") % {"code": code})
    for tier in tiers:
        if tier.aum < 0 or (tier.loan is not None and tier.loan < 0):
            found.append(_("%(name)s: a threshold cannot be negative.") % {"name": tier.name})
    found += _out_of_order(tiers)
    if tiers[-1].aum > 0:
        found.append(
            _(
                "The lowest tier, %(name)s, must begin at %(zero)s: customers below %(aum)s would have no tier."
            )
            % {"name": tiers[-1].name, "zero": figures.money(0), "aum": figures.money(tiers[-1].aum)}
        )
    return found


def _out_of_order(tiers: Sequence[Tier]) -> list[str]:
    """Tiers that do not begin below the one above them, by assets and, where both have one, by loan."""
    found = []
    for higher, lower in pairwise(tiers):
        if lower.aum >= higher.aum:
            found.append(
                _("%(lower)s begins at %(low)s of assets, but %(higher)s above it already at %(high)s.")
                % _both(higher, lower, higher.aum, lower.aum)
            )
    lending = [(tier, tier.loan) for tier in tiers if tier.loan is not None]
    for (higher, high), (lower, low) in pairwise(lending):
        if low >= high:
            found.append(
                _("%(lower)s begins at a loan of %(low)s, but %(higher)s above it already at %(high)s.")
                % _both(higher, lower, high, low)
            )
    return found


def _both(higher: Tier, lower: Tier, high: Any, low: Any) -> dict[str, str]:
    return {
        "lower": lower.name,
        "higher": higher.name,
        "low": figures.money(low),
        "high": figures.money(high),
    }


def differences(before: Sequence[Tier], after: Sequence[Tier]) -> list[str]:
    """What changes from one set to the other, one sentence per tier."""
    known, told = {tier.code: tier for tier in before}, []
    for tier in after:
        old = known.pop(tier.code, None)
        if old is None:
            words = {"name": tier.name, "aum": figures.money(tier.aum), "loan": figures.money(tier.loan)}
            if tier.loan is None:
                told.append(_("%(name)s: new, from %(aum)s") % words)
            else:
                told.append(_("%(name)s: new, from %(aum)s or a personal loan of %(loan)s") % words)
            continue
        parts = [
            f"{label} {figures.money(was)} → {figures.money(now)}"
            for label, was, now in (
                (_("assets"), old.aum, tier.aum),
                (_("personal loan"), old.loan, tier.loan),
            )
            if was != now
        ]
        if old.name != tier.name:
            parts.append(f"{old.name} → {tier.name}")
        if parts:
            told.append(f"{tier.name}: {', '.join(parts)}")
    return [*told, *(_("%(name)s: given up") % {"name": tier.name} for tier in known.values())]


def preview(before: Sequence[Tier], after: Sequence[Tier], month: dt.date) -> Preview:
    """Who would be in which tier at ``month`` by either set, with the highest of three months as the rule has it.

    One statement over the profiles of the month and one for whom they do not hold; both sets are judged alike, so what
    differs is theirs alone.
    """
    was, was_parameters = _case(before)
    now, now_parameters = _case(after)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {was}, {now}, b.name, count(*) FROM customers_customerprofile p"  # noqa: S608  codes are parameters
            " JOIN customers_customer c ON c.id = p.customer_id"
            " LEFT JOIN bankcrm_branch b ON b.id = c.home_branch_id WHERE p.month = %s GROUP BY 1, 2, 3",
            [*was_parameters, *now_parameters, month],
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT count(*) FROM customers_customer c WHERE c.closed_on IS NULL AND NOT EXISTS"
            " (SELECT FROM customers_customerprofile p WHERE p.month = %s AND p.customer_id = c.id)",
            [month],
        )
        (not_rated,) = cursor.fetchone()
    matrix: Counter[tuple[str, str]] = Counter()
    up: Counter[str] = Counter()
    down: Counter[str] = Counter()
    place = places(before, after)
    for from_tier, to_tier, branch, count in rows:
        matrix[from_tier, to_tier] += count
        if from_tier != to_tier:
            (up if place[to_tier] < place[from_tier] else down)[branch or ""] += count
    moves = [
        Move(from_tier, to_tier, count, place[to_tier] < place[from_tier])
        for (from_tier, to_tier), count in matrix.items()
        if from_tier != to_tier
    ]
    return Preview(
        month,
        sum(matrix.values()),
        not_rated,
        sum(up.values()),
        sum(down.values()),
        dict(matrix),
        sorted(moves, key=lambda move: (not move.is_up, -move.customers)),
        sorted(
            (BranchMoves(name or _("no branch"), up[name], down[name]) for name in {*up, *down}),
            key=lambda row: -(row.up + row.down),
        ),
    )


def digest(tiers: Sequence[Tier], valid_from: dt.date) -> str:
    """Says whether what is saved is what the preview showed."""
    told = [(tier.code, tier.name, f"{tier.aum:.2f}", tier.loan and f"{tier.loan:.2f}") for tier in tiers]
    return hashlib.sha256(repr((told, valid_from)).encode()).hexdigest()[:32]


def _case(tiers: Sequence[Tier]) -> tuple[str, list[Any]]:
    """The tier of a profile row as SQL, and its parameters."""
    whens, parameters = [], list[Any]()
    for tier in tiers:
        reached = "p.aum_high_3m >= %s"
        parameters.append(tier.aum)
        if tier.loan is not None:
            reached += " OR p.loan_high_3m >= %s"
            parameters.append(tier.loan)
        whens.append(f"WHEN {reached} THEN %s")
        parameters.append(tier.code)
    return f"CASE {' '.join(whens)} ELSE '' END" if whens else "''", parameters


def places(before: Sequence[Tier], after: Sequence[Tier]) -> dict[str, int]:
    """Every code's place from the top; a tier that is given up lies where its threshold lay."""
    planned = {tier.code: tier.aum for tier in before} | {tier.code: tier.aum for tier in after}
    ordered = sorted(planned, key=lambda code: -planned[code])
    return {**{code: number for number, code in enumerate(ordered)}, "": len(ordered)}


def begin(user: User, tiers: Sequence[Tier], valid_from: dt.date, reason: str = "") -> None:
    """Let ``tiers`` hold from that day. Raises ValidationError: see ``dated.begin`` and ``faults``."""
    before = in_force(valid_from)
    told = differences(before, tiers)
    planned = {tier.code for tier in tiers}
    rows = [
        TierRule(
            code=tier.code,
            name=tier.name,
            rank=rank,
            minimum_aum=tier.aum,
            minimum_loan=tier.loan,
            is_in_use=tier.code in planned,
            valid_from=valid_from,
        )
        for rank, tier in enumerate([*tiers, *(old for old in before if old.code not in planned)], start=1)
    ]
    dated.begin(user, TierRule, rows if told else [], valid_from, ACTION, reason, changed=told)
