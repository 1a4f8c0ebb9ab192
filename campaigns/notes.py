"""A note about a lead without an outcome: what one wants to remember, and what the next caller should know."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from bankcrm import audit
from bankcrm.models import User
from campaigns import queue
from campaigns.conflicts import Conflict, Refused
from campaigns.models import FollowUp, Lead, LeadNote

UNDO_MINUTES = 60

# For ``customers.timeline``: notes typed alone and those typed with an outcome, of whatever lead of the customer.
TIMELINE = f"""
SELECT (note.at AT TIME ZONE %(zone)s)::date, 'note', 'n' || note.id, note.text, author.full_name, NULL::numeric
FROM {LeadNote._meta.db_table} note JOIN {Lead._meta.db_table} lead ON lead.id = note.lead_id
JOIN {User._meta.db_table} author ON author.id = note.by_id
WHERE lead.customer_id = %(customer)s AND note.undone_at IS NULL AND %(sees_notes)s
UNION ALL
SELECT (done.at AT TIME ZONE %(zone)s)::date, 'note', 'f' || done.id, done.note, author.full_name, NULL::numeric
FROM {FollowUp._meta.db_table} done JOIN {Lead._meta.db_table} lead ON lead.id = done.lead_id
JOIN {User._meta.db_table} author ON author.id = done.by_id
WHERE lead.customer_id = %(customer)s AND done.note <> '' AND done.undone_at IS NULL AND %(sees_notes)s
"""  # noqa: S608  names of tables


def write(lead_id: int, user: User, text: str, client_key: uuid.UUID | None = None) -> LeadNote:
    """Keep a note on a lead in sight, whoever works on it and whether or not it is open. The lead stays as it is.

    The same ``client_key`` again is the same note. Raises Lead.DoesNotExist out of sight, Refused for an empty note or
    a role that does not work on leads, Conflict when the key stands for another note.
    """
    queue.check_role(user)
    lead = Lead.objects.visible_to(user).get(pk=lead_id)
    text = text.strip()
    if not text:
        raise Refused(_("Type the note first."))
    with transaction.atomic():
        note, is_new = LeadNote.objects.get_or_create(
            client_key=client_key or uuid.uuid4(),
            defaults={"lead": lead, "by": user, "text": text, "at": queue.moment()},
        )
        if is_new:
            audit.record(user, "lead.noted", lead, note=note.pk)
    if (note.by_id, note.lead_id, note.text) != (user.pk, lead.pk, text):
        raise Conflict(_("This page was already used for another note. Open the lead again."), lead)
    return note


def undo(note_id: int, user: User) -> LeadNote:
    """Take back one's own note; it stays in the table and is shown no more.

    Raises LeadNote.DoesNotExist for somebody else's, Refused after UNDO_MINUTES.
    """
    queue.check_role(user)
    note = LeadNote.objects.select_related("lead").get(pk=note_id, by=user)
    if note.undone_at:
        return note
    if note.at < queue.moment() - dt.timedelta(minutes=UNDO_MINUTES):
        raise Refused(_("A note can be taken back for %(n)s minutes.") % {"n": UNDO_MINUTES})
    with transaction.atomic():
        if LeadNote.objects.filter(pk=note.pk, undone_at__isnull=True).update(undone_at=Now()):
            audit.record(user, "lead.note_undone", note.lead, note=note.pk)
    note.refresh_from_db()
    return note
