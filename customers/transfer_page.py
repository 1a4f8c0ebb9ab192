"""What the pages of portfolio transfers show: people with their load, transfers with names, moves of a customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import absence, clock, figures, people
from bankcrm.models import Branch, BranchLink, User
from customers import transfer
from customers.models import Customer, PortfolioMove, PortfolioTransfer
from customers.ties import by_manager

# A page of people; a larger bank chooses a branch first.
MOST_PEOPLE = 200
State = PortfolioTransfer.State
TONES = {
    State.PLANNED: ("act", "calendar"),
    State.DONE: ("ok", "check"),
    State.UNDONE: ("", "arrow-back-up"),
    State.CANCELLED: ("", "x"),
    State.FAILED: ("bad", "alert-triangle"),
}


@dataclass(frozen=True)
class Person:
    """Somebody of the list: customers now, in relation to the portfolio size, and what else stands with them."""

    rm: User
    customers: int
    held: list[int]
    away: absence.Away | None
    gives: bool
    takes: bool

    @property
    def load(self) -> float | None:
        return self.customers / self.rm.portfolio_size if self.rm.portfolio_size else None


def listed(user: User, where: Branch, form: Any) -> tuple[list[Person], bool]:
    """Relationship managers of a branch and below, and whoever else there still has customers; and whether more are
    there than are shown."""
    below = BranchLink.objects.filter(ancestor=where.pk).values("descendant")
    seen = User.objects.visible_to(user).filter(branch__in=below).select_related("branch")
    holders = Customer.objects.active().filter(primary_rm__branch__in=below).order_by().values("primary_rm")
    rows = list(
        (seen.relationship_managers() | seen.filter(pk__in=holders)).order_by("full_name", "pk")[
            : MOST_PEOPLE + 1
        ]
    )
    shown = rows[:MOST_PEOPLE]
    ids = [person.pk for person in shown]
    customers, away = by_manager(ids), absence.on(clock.today())
    held = [duty.count(ids) for name, duty in people.DUTIES.items() if name != "customers"]
    gives, takes = _ticked(form, "sources"), _ticked(form, "receivers")
    found = [
        Person(
            rm=person,
            customers=customers.get(person.pk, 0),
            held=[counts.get(person.pk, 0) for counts in held],
            away=away.get(person.pk),
            gives=person.pk in gives,
            takes=person.pk in takes,
        )
        for person in shown
    ]
    return found, len(rows) > MOST_PEOPLE


def held_labels() -> list[Any]:
    """Column heads of ``Person.held``."""
    return [duty.label for name, duty in people.DUTIES.items() if name != "customers"]


def _ticked(form: Any, name: str) -> set[int]:
    values = form[name].value() or []
    return {int(value) for value in values if str(value).isdigit()}


def rows(transfers: Sequence[PortfolioTransfer]) -> list[dict[str, Any]]:
    """Transfers as a list shows them, with the names of their people in one query."""
    names = _names(pk for one in transfers for pk in one.people)
    return [_row(one, names) for one in transfers]


def _names(ids: Iterable[int]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=set(ids)).values_list("pk", "full_name"))


def _row(one: PortfolioTransfer, names: dict[int, str]) -> dict[str, Any]:
    tone, icon = TONES[State(one.state)]
    given, taken = one.result.get("given"), one.result.get("taken")
    sources = [int(pk) for pk in given if pk] if given else one.choice.get("sources", [])
    receivers = [int(pk) for pk in taken] if taken else one.choice.get("receivers", [])
    return {
        "transfer": one,
        "state": (one.get_state_display(), tone, icon),
        "from": _listed(sources, names, given is not None and "" in given),
        "to": _listed(receivers, names, False) or _("shared by load"),
        "customers": one.result.get("customers"),
        "aum": one.result.get("aum"),
    }


def _listed(ids: Sequence[int], names: dict[int, str], nobody: bool) -> str:
    told = [names[pk] for pk in ids[:3] if pk in names]
    if len(ids) > 3:
        told.append(_("%(n)s more") % {"n": len(ids) - 3})
    if nobody:
        told.append(_("nobody"))
    return ", ".join(told)


def detail(one: PortfolioTransfer) -> dict[str, Any]:
    """Everything about one transfer but its customers."""
    names = _names(one.people)
    given, taken = one.result.get("given", {}), one.result.get("taken", {})
    return {
        **_row(one, names),
        "given": [(names.get(int(pk), "") if pk else _("nobody"), n) for pk, n in given.items()],
        "taken": [(names.get(int(pk), ""), n) for pk, n in taken.items()],
        "along": along(one.result.get("along", {})),
        "undone": along(one.result.get("undone", {})),
        "error": one.result.get("error", ""),
        "undo_days": transfer.UNDO_DAYS,
        "may_undo": transfer.may_undo(one),
    }


def along(counts: dict[str, int]) -> list[tuple[str, int]]:
    """What went along, with its words; what nobody knows the words of is left out."""
    words = {
        "customers": _("Customers given back"),
        "customers_kept": _("Changed since, left where they are"),
        "leads": _("Open leads"),
        "appointments": _("of them with a dated next step"),
        "in_work": _("of them somebody is working on just now: they stay"),
        "leads_kept": _("Leads worked on since, left where they are"),
    }
    return [(words[name], n) for name, n in counts.items() if name in words and (n or name == "leads")]


def standing_in(customer: Customer) -> dict[str, Any]:
    """Whether the relationship manager is on leave today, until when, and who has the customer meanwhile."""
    away = absence.on(clock.today())
    absent = away.get(customer.primary_rm_id or 0)
    if absent is None:
        return {"away": None, "stand_in": ""}
    if absent.stand_in:
        return {"away": absent, "stand_in": str(User.objects.get(pk=absent.stand_in))}
    backup = customer.backup_rm
    works = backup is not None and backup.is_active and backup.pk not in away
    return {"away": absent, "stand_in": str(backup) if works else _("the branch manager")}


def moves_of(customer: Customer) -> list[dict[str, Any]]:
    """The portfolio history of one customer, newest first, as rows for ``kit/_timeline.html``."""
    found = (
        PortfolioMove.objects.filter(customer=customer)
        .select_related(
            "from_rm", "to_rm", "backup_before", "backup_after", "transfer__requested_by", "file__uploaded_by"
        )
        .order_by("-pk")[:50]
    )
    return [
        {
            "when": figures.short_day(timezone.localdate(move.moved_at)),
            "icon": "arrow-back-up" if move.undone_at else "transfer",
            "text": f"{_change(move)}: {cause}",
            "meta": f"{who or _('the schedule')} · {figures.stamp(move.moved_at)}",
        }
        for move in found
        for cause, who in [_cause(move)]
    ]


def _change(move: PortfolioMove) -> str:
    told = []
    if move.to_rm_id != move.from_rm_id:
        names = {"old": move.from_rm or _("nobody"), "new": move.to_rm or _("nobody")}
        told.append((_("%(old)s → %(new)s, undone") if move.undone_at else _("%(old)s → %(new)s")) % names)
    if move.file_id and move.backup_after_id != move.backup_before_id:
        names = {"old": move.backup_before or _("nobody"), "new": move.backup_after or _("nobody")}
        told.append(_("backup %(old)s → %(new)s") % names)
    return ", ".join(told)


def _cause(move: PortfolioMove) -> tuple[str, User | None]:
    """Why the customer moved and whose doing it was: a transfer's or a file's, one of which every move has."""
    if move.transfer:
        return move.transfer.reason, move.transfer.requested_by
    if move.file:
        return _("import of %(source)s") % {
            "source": move.file.source or move.file.name
        }, move.file.uploaded_by
    return "", None
