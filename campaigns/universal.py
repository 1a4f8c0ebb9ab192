"""Verbs on the universal control: begin one, draw its members, end it, and what the whole programme has changed.

Members get no offer of any campaign while it lasts: the contact policy leaves them out at selection and at push.
Service goes on as before. Because membership is drawn from everybody, the difference between the rest of the bank and
the members is what all campaigns together changed (Section 3 of the methods: "measures the whole programme").
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, bulk, clock, figures, uniqueness
from bankcrm.job import Job
from bankcrm.models import Role, User
from campaigns import attribution, universal_sql
from campaigns.conflicts import Refused
from campaigns.models import UniversalControl
from campaigns.power import minimum_detectable_effect
from campaigns.statement import affected, fetched
from campaigns.verdict import ArmCounts, Circumstances, Readout, evaluate_arms
from customers.models import Customer
from customers.profile import latest_month

MAKERS = frozenset({Role.MANAGER})
# The kind of run that draws, and the key that lets one draw run at a time.
WORK, KEY = "campaigns.draw_universal", "universal"
TREATED, MEMBERS = "rest", "universal"


@dataclass(frozen=True, slots=True)
class Group:
    """What one side did: ``contacted`` customers had ``contacts`` contacts of campaigns."""

    customers: int
    buyers: int
    contacted: int
    contacts: int


@dataclass(frozen=True, slots=True)
class Programme:
    """The bank beside its universal control from the first day to ``until``."""

    rest: Group
    members: Group
    until: dt.date
    readout: Readout

    @property
    def contamination(self) -> float:
        """Share of the members whom a campaign contacted all the same."""
        return self.members.contacted / self.members.customers if self.members.customers else 0.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a control of a share could show: ``mde`` is None where no effect of any size could be."""

    members: int
    customers: int
    days: int
    base_rate: float
    mde: float | None


@transaction.atomic
def begin(user: User, *, name: str, share: Decimal, starts_on: dt.date, ends_on: dt.date) -> UniversalControl:
    """Announce a universal control; ``draw`` draws its members on the first day.

    Raises PermissionDenied, and ValidationError for a share outside 1–5 %, a first day in the past, days that
    another control has, or a name that is taken.
    """
    _check(user)
    if starts_on < clock.today():
        raise ValidationError(
            {"starts_on": _("The first day has passed: contacts since then cannot be undone.")}
        )
    control = UniversalControl(
        name=name,
        share=share,
        starts_on=starts_on,
        ends_on=ends_on,
        made_by=user,
        salt=f"universal:{secrets.token_hex(8)}",
    )
    overlapping = UniversalControl.objects.filter(starts_on__lte=ends_on, ends_on__gte=starts_on).first()
    if overlapping is not None:
        raise ValidationError(
            {
                "starts_on": _("“%(name)s” lasts until %(day)s. One universal control follows another.")
                % {"name": overlapping.name, "day": figures.day(overlapping.ends_on)}
            }
        )
    control.full_clean()
    uniqueness.save(control)
    audit.record(
        user,
        "universal.begun",
        control,
        share=str(share),
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
    )
    return control


def draw(user: User | None = None, job: Job | None = None) -> int:
    """Draw the members of the control in force who are still to be drawn; returns how many were added.

    On its first day everybody, afterwards whoever joined since; then untouched leads of members are taken back.
    Idempotent: the customer up to whom was drawn moves in the transaction in which the members go in.
    """
    today = clock.today()
    with bulk.without_time_limit(), transaction.atomic():
        if job:
            job.fence()
        control = UniversalControl.objects.in_force(today).select_for_update().first()
        if control is None:
            return 0
        added = _draw_newcomers(control, today)
        recalled = affected(universal_sql.recall(control))
        if added or recalled:
            audit.record(user, "universal.drawn", control, members=added, leads_recalled=recalled)
    return added


def _draw_newcomers(control: UniversalControl, today: dt.date) -> int:
    after = control.drawn_to or 0
    upto = Customer.objects.aggregate(last=Max("id"))["last"] or 0
    if upto <= after:
        return 0
    added = affected(universal_sql.draw(control, latest_month(), after, upto, today))
    if control.first_drawn_to is None:
        control.first_drawn_to = upto
    control.drawn_to = upto
    control.drawn_at = timezone.now()
    control.save(update_fields=["first_drawn_to", "drawn_to", "drawn_at"])
    return added


@transaction.atomic
def end(control: UniversalControl, user: User, reason: str) -> None:
    """Let today be its last day; one that has not begun is taken back whole.

    Raises PermissionDenied, and Refused without a reason or when it is over.
    """
    _check(user)
    if not reason.strip():
        raise Refused(_("Say why it ends early: the record keeps it."))
    current = UniversalControl.objects.select_for_update().get(pk=control.pk)
    today = clock.today()
    if current.ends_on <= today:
        raise Refused(_("It is over already."))
    told = {"reason": reason.strip(), "planned": current.ends_on.isoformat()}
    if current.starts_on > today:
        audit.record(user, "universal.taken_back", current, **told)
        current.delete()
        return
    current.ends_on = today
    current.save(update_fields=["ends_on"])
    audit.record(user, "universal.ended", current, **told)


def outlook(share: Decimal, days: int) -> Outlook:
    """What a control of ``share`` over ``days`` could show, judged by how many bought in as many days before today."""
    today = clock.today()
    customers, buyers = fetched(universal_sql.base_rate(today - dt.timedelta(days=days), today))[0]
    members = round(customers * float(share))
    rate = buyers / customers if customers else 0.0
    mde = None
    if members and customers > members and rate < 1:
        mde = minimum_detectable_effect(rate, customers - members, members)
    return Outlook(members, customers, days, rate, mde)


def programme(control: UniversalControl) -> Programme | None:
    """What all campaigns together changed so far; None while nobody has been drawn.

    Intention to treat: everybody of the first draw on the side they were drawn to, whether contacted or not. The
    figure is interim until the last day is over and outcomes are loaded through it.
    """
    today = clock.today()
    if control.first_drawn_to is None:
        return None
    until = min(control.ends_on, today)
    rows = {row[0]: Group(*row[1:]) for row in fetched(universal_sql.outcomes(control, until))}
    nobody = Group(0, 0, 0, 0)
    rest, members = rows.get(False, nobody), rows.get(True, nobody)
    share = float(control.share)
    readout = evaluate_arms(
        [
            ArmCounts(TREATED, True, rest.customers, rest.buyers, label=_("Rest of the bank")),
            ArmCounts(MEMBERS, False, members.customers, members.buyers, label=_("Universal control")),
        ],
        Circumstances(
            today=today,
            window_end=control.ends_on,
            data_through=attribution.data_through(),
            expected_shares={TREATED: 1 - share, MEMBERS: share},
        ),
    )
    return Programme(rest, members, until, readout)


def balance(control: UniversalControl) -> list[tuple[str, int, int]]:
    """(tier, customers, members) of the first draw's population; [] while nobody has been drawn."""
    if control.first_drawn_to is None:
        return []
    return [(tier, n, drawn) for tier, n, drawn in fetched(universal_sql.balance(control, latest_month()))]


def _check(user: User) -> None:
    if not user.may_act_as(MAKERS):
        raise PermissionDenied(_("Your role does not include this."))
