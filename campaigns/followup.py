"""Follow-up: one outcome typed by a relationship manager becomes a contact, a response, a next step — or is undone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from bankcrm import audit, clock
from bankcrm.models import AuditEvent, User
from bankcrm.partitions import ensure_months
from campaigns import contact_check, feedback, queue
from campaigns.conflicts import Conflict, Refused
from campaigns.models import FollowUp, Lead
from campaigns.outcomes import DeclineReason, Meaning, NextStep, meaning, proposed_next
from customers.models import Contact, ContactChannel, Customer, Response

# What one undo puts back; times travel as text.
RESTORED = ("state", "next_step", "last_outcome", "due_on", "next_at", "closed_at")
UNDO_MINUTES = 60
# What one learns without a contact of ours: the customer came in, or the branch knows.
UNASKED = frozenset(
    {
        Lead.Outcome.CONVERTED,
        Lead.Outcome.ALREADY_HOLDS,
        Lead.Outcome.MOVED_AWAY,
        Lead.Outcome.DO_NOT_CONTACT,
    }
)
# Farther away a next step is a typing error, and the lead would never be seen again.
FARTHEST_DAYS = 730


@dataclass(frozen=True)
class Entry:
    """What was typed. ``client_key`` is made once by the page: the same outcome sent twice is recorded once."""

    outcome: str
    note: str = ""
    reason_code: str = ""
    amount: Decimal | None = None
    channel: str = ContactChannel.PHONE
    next_step: str = ""
    next_at: dt.datetime | None = None
    client_key: UUID | None = None


def record(lead_id: int, user: User, entry: Entry) -> FollowUp:
    """Write an outcome: follow-up, contact, response, the lead's new state and what the feedback does elsewhere.

    Raises Lead.DoesNotExist out of sight, queue.Taken when a colleague works on the lead, Conflict when it was closed
    meanwhile, Refused for an entry that makes no sense. Nothing is written then.
    """
    known = _known(entry, user)
    if known:
        return known
    row = _checked(entry)
    # Asked once: the partition made here must be the one written to below, even at midnight.
    today = clock.today()
    # Alone in its transaction: the lock on the partitions ends before the lead's begins.
    with transaction.atomic():
        ensure_months(Contact._meta.db_table, today, today)
    with transaction.atomic():
        lead = _lock(lead_id, user, customer_first=row.outcome in feedback.WRITES_CUSTOMER)
        # Again, now that nobody else writes on this lead: the same request may have been sent twice at once.
        known = _known(entry, user)
        if known:
            return known
        _check_free(lead, user)
        _check_allowed(lead, entry, today)
        step, at = _next_step(entry, row, today)
        follow_up = FollowUp.objects.create(
            lead=lead,
            by=user,
            at=queue.moment(),
            outcome=row.outcome,
            channel=entry.channel,
            note=entry.note,
            reason_code=entry.reason_code,
            amount=entry.amount,
            next_step=step,
            next_at=at,
            # The version after this outcome: whatever is done to the lead later makes an undo a conflict.
            before={name: _as_text(getattr(lead, name)) for name in RESTORED}
            | {"version": lead.version + 1, "contacted_on": today.isoformat()},
            client_key=entry.client_key,
        )
        _move(lead, row, step, at)
        _write_history(lead, follow_up, row, today)
        feedback.apply(lead, follow_up, user)
        audit.record(
            user,
            "lead.outcome",
            lead,
            from_state=follow_up.before["state"],
            to_state=row.state,
            outcome=row.outcome,
            follow_up=follow_up.pk,
        )
    return follow_up


def undo(follow_up_id: int, user: User) -> FollowUp:
    """Take back one's own last outcome on a lead: the lead, the history and the feedback are as before.

    Raises FollowUp.DoesNotExist for somebody else's, Lead.DoesNotExist when the lead went out of sight, Conflict when
    something was done on the lead since, queue.Taken when a colleague works on it, Refused after UNDO_MINUTES.
    """
    queue.check_role(user)
    with transaction.atomic():
        follow_up = FollowUp.objects.get(pk=follow_up_id, by=user)
        lead = _lock(follow_up.lead_id, user, customer_first=follow_up.outcome in feedback.WRITES_CUSTOMER)
        follow_up.refresh_from_db()
        if follow_up.undone_at:
            return follow_up
        # Written on the business day, which a sample bank may keep while the calendar goes on.
        if follow_up.at < queue.moment() - dt.timedelta(minutes=UNDO_MINUTES):
            raise Refused(_("An outcome can be undone for %(n)s minutes.") % {"n": UNDO_MINUTES})
        if lead.version != follow_up.before["version"]:
            raise Conflict(_("Something was done on this lead since; look at it first."), lead)
        if queue.holder(lead, user):
            raise queue.Taken(lead)
        from_state = lead.state
        Lead.objects.filter(pk=lead.pk).update(
            **{name: follow_up.before[name] for name in RESTORED},
            claimed_by=user,
            claimed_at=Now(),
            version=F("version") + 1,
        )
        reference = _reference(follow_up)
        Contact.objects.filter(reference=reference, contacted_on=follow_up.before["contacted_on"]).delete()
        Response.objects.filter(
            reference=reference, campaign_code=lead.campaign.code, customer=lead.customer
        ).delete()
        feedback.revert(lead, follow_up, user)
        FollowUp.objects.filter(pk=follow_up.pk).update(undone_at=Now())
        audit.record(
            user,
            "lead.outcome_undone",
            lead,
            from_state=from_state,
            to_state=follow_up.before["state"],
            follow_up=follow_up.pk,
        )
    follow_up.refresh_from_db()
    return follow_up


def snooze(lead_id: int, user: User, until: dt.datetime) -> Lead:
    """Put a lead out of the queue's way until a time to come; no contact is recorded."""
    now = queue.moment()
    if until <= now:
        raise Refused(_("Choose a time in the future."))
    _check_near(until, now)
    with transaction.atomic():
        lead = _lock(lead_id, user)
        _check_free(lead, user)
        Lead.objects.filter(pk=lead.pk).update(
            next_at=until,
            next_step=lead.next_step or NextStep.CALL,
            claimed_by=None,
            claimed_at=None,
            version=F("version") + 1,
        )
        audit.record(
            user,
            "lead.snoozed",
            lead,
            until=until.isoformat(),
            before={"next_at": _as_text(lead.next_at), "next_step": lead.next_step},
            version=lead.version + 1,
        )
    lead.refresh_from_db()
    return lead


def undo_snooze(event_id: int, user: User) -> Lead:
    """Bring a lead that was put off back as it was; the user has it again.

    Raises AuditEvent.DoesNotExist for somebody else's, Lead.DoesNotExist when the lead went out of sight, Conflict when
    something was done on it since, queue.Taken when a colleague works on it, Refused after UNDO_MINUTES.
    """
    event = AuditEvent.objects.get(pk=event_id, actor=user, action="lead.snoozed")
    if event.at < timezone.now() - dt.timedelta(minutes=UNDO_MINUTES):
        raise Refused(_("An outcome can be undone for %(n)s minutes.") % {"n": UNDO_MINUTES})
    with transaction.atomic():
        lead = _lock(int(event.object_id), user)
        _check_free(lead, user)
        if lead.version != event.details["version"]:
            raise Conflict(_("Something was done on this lead since; look at it first."), lead)
        Lead.objects.filter(pk=lead.pk).update(
            **event.details["before"], claimed_by=user, claimed_at=Now(), version=F("version") + 1
        )
        audit.record(user, "lead.snooze_undone", lead)
    lead.refresh_from_db()
    return lead


ACTS = ("lead.outcome", "lead.outcome_undone", "lead.snoozed", "lead.snooze_undone")


def last_snooze(user: User) -> AuditEvent | None:
    """The user's last act on a lead when it was to put it off: what Undo takes back before any outcome."""
    since = timezone.now() - dt.timedelta(minutes=UNDO_MINUTES)
    acts = AuditEvent.objects.filter(actor=user, action__in=ACTS, at__gte=since)
    last = acts.order_by("-id").first()
    return last if last and last.action == "lead.snoozed" and "version" in last.details else None


def last_undoable(user: User, minutes: int = UNDO_MINUTES) -> FollowUp | None:
    """The outcome that the Undo button takes back: the user's last one, not undone, within the hour."""
    return (
        FollowUp.objects.filter(
            by=user, undone_at__isnull=True, at__gte=queue.moment() - dt.timedelta(minutes=minutes)
        )
        .select_related("lead__customer")
        .first()
    )


def _checked(entry: Entry) -> Meaning:
    try:
        row = meaning(entry.outcome)
    except ValueError as error:
        raise Refused(_("“%(outcome)s” is not an outcome.") % {"outcome": entry.outcome}) from error
    if entry.reason_code and entry.reason_code not in DeclineReason.values:
        raise Refused(_("“%(reason)s” is not a reason for declining.") % {"reason": entry.reason_code})
    if entry.next_step and entry.next_step not in NextStep.values:
        raise Refused(_("“%(step)s” is not a next step.") % {"step": entry.next_step})
    if entry.channel not in ContactChannel.values:
        raise Refused(_("“%(channel)s” is not a channel.") % {"channel": entry.channel})
    if entry.amount is not None and entry.amount < 0:
        raise Refused(_("The amount cannot be negative."))
    if entry.next_at and not row.closes:
        now = queue.moment()
        if entry.next_at <= now:
            raise Refused(_("The next step lies in the past; choose a later time."))
        _check_near(entry.next_at, now)
    return row


def _check_near(at: dt.datetime, now: dt.datetime) -> None:
    if at > now + dt.timedelta(days=FARTHEST_DAYS):
        raise Refused(_("Choose a time within the next two years."))


def _known(entry: Entry, user: User) -> FollowUp | None:
    """The follow-up this very request made before; raises Conflict when the key stands for something else."""
    if entry.client_key is None:
        return None
    known = FollowUp.objects.filter(client_key=entry.client_key).select_related("lead").first()
    if known is None:
        return None
    if known.by_id != user.pk or known.outcome != entry.outcome or known.undone_at:
        raise Conflict(_("This page was already used for another outcome. Open the lead again."), known.lead)
    return known


def _lock(lead_id: int, user: User, *, customer_first: bool = False) -> Lead:
    """The lead, locked together with the customer's other open leads, which the feedback may end.

    All in the order of their ids: two outcomes on two leads of one customer wait for each other and never deadlock.
    ``customer_first``, as ``customers.consents`` does it: the same word on the customer's page, which then ends leads,
    waits or is waited for. Other answers do without, so that no import of customers holds them up.
    """
    queue.check_role(user)
    customer_id = Lead.objects.visible_to(user).values_list("customer_id", flat=True).get(pk=lead_id)
    if customer_first:
        Customer.objects.select_for_update(no_key=True).only("pk").get(pk=customer_id)
    family = Lead.objects.filter(Q(pk=lead_id) | Q(customer_id=customer_id, state__in=Lead.OPEN))
    list(family.order_by("pk").select_for_update().values_list("pk", flat=True))
    return (
        Lead.objects.visible_to(user)
        .select_related("campaign__product", "arm", "claimed_by", "customer", "target__selection")
        .get(pk=lead_id)
    )


def _check_free(lead: Lead, user: User) -> None:
    if lead.state not in queue.WORKABLE:
        raise Conflict(_("This lead is closed: %(state)s.") % {"state": lead.get_state_display()}, lead)
    if queue.holder(lead, user):
        raise queue.Taken(lead)


def _check_allowed(lead: Lead, entry: Entry, today: dt.date) -> None:
    """No outcome of a contact that the customer has forbidden; what the customer says without being asked goes in."""
    if entry.outcome in UNASKED:
        return
    profiled = lead.target.selection.score_run_id is not None
    said = contact_check.refusals(lead.customer, entry.channel, today, profiled=profiled)
    if said:
        raise Refused(" ".join([_("This customer must not be contacted."), *said]))


def _next_step(entry: Entry, row: Meaning, today: dt.date) -> tuple[str, dt.datetime | None]:
    if row.closes:
        return NextStep.NONE, None
    if entry.next_step == NextStep.NONE:
        return NextStep.NONE, None
    step, at = proposed_next(row.outcome, today)
    return entry.next_step or step, entry.next_at or at


def _move(lead: Lead, row: Meaning, step: str, at: dt.datetime | None) -> None:
    Lead.objects.filter(pk=lead.pk).update(
        state=row.state,
        last_outcome=row.outcome,
        next_step="" if step == NextStep.NONE else step,
        next_at=at,
        # A promised later call moves the due date with it; otherwise the queue would call it overdue.
        due_on=max(lead.due_on, timezone.localdate(at)) if at else lead.due_on,
        closed_at=queue.moment() if row.closes else None,
        claimed_by=None,
        claimed_at=None,
        version=F("version") + 1,
    )
    lead.refresh_from_db()


def _write_history(lead: Lead, follow_up: FollowUp, row: Meaning, today: dt.date) -> None:
    reference = _reference(follow_up)
    codes = {
        "customer_id": lead.customer_id,
        "campaign_code": lead.campaign.code,
        "cell_code": lead.arm.code,
        "product_code": lead.campaign.product.code,
    }
    Contact.objects.create(
        contacted_on=today,
        reference=reference,
        treatment_code=lead.arm.treatment_code,
        channel=follow_up.channel,
        outcome=row.outcome,
        was_reached=row.reached,
        staff_number=follow_up.by.employee_number,
        **codes,
    )
    if row.response is None:
        return
    Response.objects.bulk_create(
        [
            Response(
                kind=row.response,
                how=Response.How.REPORTED,
                responded_on=today,
                amount=follow_up.amount or 0,
                reference=reference,
                **codes,
            )
        ],
        ignore_conflicts=True,
    )


def _reference(follow_up: FollowUp) -> str:
    return f"lead:{follow_up.lead_id}:{follow_up.pk}"


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
