"""What a customer said about being contacted: recorded, taken back, never overwritten, and in force at once (D41).

Whoever records a word here does it in one transaction with everything that word stops: an app above registers what it
stops with ``on_silence``. The database keeps every word in ``ConsentEvent``; ``acting`` says whose hand it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import audit, clock, figures
from bankcrm.models import Role, User
from bankcrm.runs import Conflict, Refused
from customers.models import Consent, ConsentChannel, ConsentEvent, ConsentPurpose, Customer, QuietPeriod

# Those who talk to customers hear what they say.
LISTENERS = frozenset({Role.RM, Role.BRANCH_MANAGER})
UNDO_MINUTES = 60
LONGEST_QUIET_DAYS = 366

# Where a word came from, as the pages offer it; imports and other systems name their own.
SOURCES = {
    "call": gettext_lazy("Phone call"),
    "branch": gettext_lazy("In the branch"),
    "letter": gettext_lazy("Letter"),
    "email": gettext_lazy("E-mail"),
    "app": gettext_lazy("App"),
    "complaint": gettext_lazy("Complaint"),
}


@dataclass(frozen=True, slots=True)
class Silence:
    """What an app above does when customers may no longer be contacted, or may again.

    ``stop(customer ids, user, reference)`` runs in the transaction that recorded the word and returns how much it
    stopped; it decides itself, by the consents and quiet periods as they are now. ``resume`` takes back what was
    stopped under the reference.
    """

    stop: Callable[[Collection[int], User | None, str], int]
    resume: Callable[[Collection[int], User | None, str], int]


SILENCES: list[Silence] = []


def on_silence(silence: Silence) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    SILENCES.append(silence)


@dataclass(frozen=True, slots=True)
class Word:
    """What a customer said. ``since`` is the day it was said on; ``source`` and ``evidence`` where it can be found."""

    channel: str
    purpose: str
    objects: bool
    since: dt.date
    source: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """``event`` is the id that takes it back (None: it was known already), ``stopped`` the leads that ended."""

    event: int | None
    stopped: int


def acting(user: User | None) -> None:
    """Say whose words the rest of this transaction records."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('bankcrm.actor', %s, true)", [str(user.pk) if user else ""])


def silence(customer_ids: Collection[int], user: User | None, reference: str) -> int:
    """Stop whatever the customers may no longer be contacted for; call inside the transaction that recorded why."""
    return sum(each.stop(customer_ids, user, reference) for each in SILENCES) if customer_ids else 0


def _resume(customer_id: int, user: User, reference: str) -> int:
    return sum(each.resume([customer_id], user, reference) for each in SILENCES)


@transaction.atomic
def record(customer_id: int, user: User, word: Word) -> Recorded:
    """Write down what the customer said; an objection ends the open leads it forbids in the same transaction.

    The same word twice changes nothing. Raises Customer.DoesNotExist out of sight, Refused for roles that do not talk
    to customers, a day in the future, a word older than the known one, and a withdrawn objection without evidence.
    """
    customer = _locked(customer_id, user)
    _check(word)
    known = Consent.objects.filter(customer=customer, channel=word.channel, purpose=word.purpose).first()
    if known and known.is_objection == word.objects:
        return Recorded(None, 0)
    if known and known.since > word.since:
        raise Refused(
            _("A later word of the customer is known: %(day)s. Nothing was changed.")
            % {"day": figures.day(known.since)}
        )
    if known and known.is_objection and not (word.source and word.evidence):
        raise Refused(_("An objection is withdrawn only with its source and evidence: where does it stand?"))
    acting(user)
    Consent.objects.update_or_create(
        customer=customer,
        channel=word.channel,
        purpose=word.purpose,
        defaults={
            "is_objection": word.objects,
            "since": word.since,
            "source": word.source,
            "evidence": word.evidence,
        },
    )
    event = ConsentEvent.objects.filter(customer=customer).latest("id")
    stopped = silence([customer.pk], user, reference(event.pk)) if word.objects else 0
    audit.record(
        user,
        "customer.objected" if word.objects else "customer.consented",
        customer,
        channel=word.channel,
        purpose=word.purpose,
        source=word.source,
        event=event.pk,
        leads_stopped=stopped,
    )
    return Recorded(event.pk, stopped)


@transaction.atomic
def undo(event_id: int, user: User) -> int:
    """Take back one's own last entry within UNDO_MINUTES: the word before it holds again, and what it stopped goes on.

    Both entries stay in the history. Returns the customer's id. Raises ConsentEvent.DoesNotExist for somebody else's,
    Conflict when the customer's word was written again since, Refused after UNDO_MINUTES.
    """
    event = ConsentEvent.objects.get(pk=event_id, by=user)
    customer = _locked(event.customer_id, user)
    if event.at < timezone.now() - dt.timedelta(minutes=UNDO_MINUTES):
        raise Refused(_("An entry can be taken back for %(n)s minutes.") % {"n": UNDO_MINUTES})
    same = ConsentEvent.objects.filter(customer=customer, channel=event.channel, purpose=event.purpose)
    if event.said == ConsentEvent.Said.TAKEN_BACK or same.filter(pk__gt=event.pk).exists():
        raise Conflict(_("The customer's word was written again since; look at it first."))
    acting(user)
    before = same.filter(pk__lt=event.pk).order_by("-pk").first()
    row = Consent.objects.filter(customer=customer, channel=event.channel, purpose=event.purpose)
    if before is None or before.said == ConsentEvent.Said.TAKEN_BACK:
        row.delete()
    else:
        row.update(
            is_objection=before.said == ConsentEvent.Said.OBJECTS,
            since=before.since,
            source=before.source,
            evidence=before.evidence,
        )
    resumed = _resume(customer.pk, user, reference(event.pk))
    # What else the customer objected to meanwhile still holds; a withdrawal taken back bites again.
    silence([customer.pk], user, f"{reference(event.pk)}:undone")
    audit.record(
        user,
        "customer.consent_undone",
        customer,
        channel=event.channel,
        purpose=event.purpose,
        event=event.pk,
        leads_resumed=resumed,
    )
    return customer.pk


def undoable(events: Sequence[ConsentEvent], user: User) -> ConsentEvent | None:
    """The entry ``undo`` takes back: the newest of the customer's history, when it is the user's own and recent.

    ``events`` is the history, newest first.
    """
    newest = events[0] if events and user.may_act_as(LISTENERS) else None
    if newest is None or newest.by_id != user.pk or newest.said == ConsentEvent.Said.TAKEN_BACK:
        return None
    return newest if newest.at > timezone.now() - dt.timedelta(minutes=UNDO_MINUTES) else None


@transaction.atomic
def rest(
    customer_id: int, user: User, first_day: dt.date, last_day: dt.date, reason: str, source: str = ""
) -> QuietPeriod:
    """Leave the customer alone on these days, both included; open leads wait until it is over.

    Raises Customer.DoesNotExist out of sight, Refused for roles that do not talk to customers and for days that make no
    quiet period.
    """
    customer = _locked(customer_id, user)
    if last_day < first_day:
        raise Refused(_("The last day lies before the first."))
    if last_day < clock.today():
        raise Refused(_("These days are over; a quiet period lies ahead."))
    if (last_day - first_day).days >= LONGEST_QUIET_DAYS:
        raise Refused(_("A quiet period lasts at most a year. For longer, record that the customer objects."))
    if reason not in QuietPeriod.Reason.values:
        raise Refused(_("“%(reason)s” is not a reason for a quiet period.") % {"reason": reason})
    period, made = QuietPeriod.objects.get_or_create(
        customer=customer,
        first_day=first_day,
        last_day=last_day,
        reason=reason,
        lifted_at=None,
        defaults={"source": source, "recorded_by": user},
    )
    if made:
        silence([customer.pk], user, f"quiet:{period.pk}")
        audit.record(
            user,
            "customer.quiet_period",
            customer,
            period=period.pk,
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
            cause=reason,
        )
    return period


@transaction.atomic
def lift(period_id: int, user: User) -> QuietPeriod:
    """End a quiet period before its time; what waited for its end goes on. Lifted twice is lifted once.

    Raises QuietPeriod.DoesNotExist out of sight, Refused for roles that do not talk to customers.
    """
    period = QuietPeriod.objects.get(pk=period_id, customer__in=Customer.objects.visible_to(user))
    customer = _locked(period.customer_id, user)
    if QuietPeriod.objects.filter(pk=period.pk, lifted_at__isnull=True).update(
        lifted_at=Now(), lifted_by=user
    ):
        _resume(customer.pk, user, f"quiet:{period.pk}")
        silence([customer.pk], user, f"quiet:{period.pk}:lifted")
        audit.record(user, "customer.quiet_period_lifted", customer, period=period.pk)
    period.refresh_from_db()
    return period


def reference(event_id: int) -> str:
    """How what a word stopped is found again."""
    return f"consent:{event_id}"


def do_not_contact(customer_id: int, user: User, objects: bool, **more: str) -> Recorded:
    """Every channel, every purpose."""
    word = Word(ConsentChannel.ALL, ConsentPurpose.ALL, objects, clock.today(), **more)
    return record(customer_id, user, word)


def _locked(customer_id: int, user: User) -> Customer:
    if not user.may_act_as(LISTENERS):
        raise Refused(_("Only relationship managers and branch managers record what a customer says."))
    found = Customer.objects.visible_to(user).values_list("pk", flat=True).get(pk=customer_id)
    # Two words about one customer wait for each other: each sees what the other wrote.
    return Customer.objects.select_for_update(no_key=True).get(pk=found)


def _check(word: Word) -> None:
    if word.channel not in ConsentChannel.values:
        raise Refused(_("“%(channel)s” is not a channel.") % {"channel": word.channel})
    if word.purpose not in ConsentPurpose.values:
        raise Refused(_("“%(purpose)s” is not a purpose.") % {"purpose": word.purpose})
    if word.since > clock.today():
        raise Refused(_("The day lies in the future."))
