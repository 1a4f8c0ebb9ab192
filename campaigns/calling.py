"""Before a call: whether the customer may be called at all, and the number, given out one by one and logged."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count
from django.utils.translation import gettext as _

from bankcrm import clock
from bankcrm.models import User
from campaigns import contact_check, queue
from campaigns.conflicts import Refused
from campaigns.models import Lead
from customers.models import Contact, ContactChannel, Customer
from customers.reveal import Secret, reveal

RECENT_DAYS = 30


def blocks(lead: Lead, on: dt.date) -> list[str]:
    """Why this customer must not be called about this lead on that day: sentences, or none."""
    return contact_check.why_blocked(
        lead.customer,
        ContactChannel.PHONE,
        lead.campaign.product,
        on,
        campaign_code=lead.campaign.code,
        profiled=lead.target.selection.score_run_id is not None,
    )


def number_to_call(lead_id: int, user: User) -> str:
    """The customer's full phone number, for whoever works on the lead; giving it out is written to the audit trail.

    Claims the lead first. Raises what ``queue.claim`` raises, and Refused with the sentences when the customer must
    not be called.
    """
    queue.claim(lead_id, user)
    lead = (
        Lead.objects.visible_to(user)
        .select_related("customer", "campaign__product", "target__selection")
        .get(pk=lead_id)
    )
    refusals = blocks(lead, clock.today())
    if refusals:
        raise Refused(" ".join([_("This customer must not be called."), *refusals]))
    return reveal(user, lead.customer, Secret.PHONE, f"lead:{lead.pk}")


def recent_contacts(customer: Customer, on: dt.date) -> int:
    """Contacts that reached the customer in RECENT_DAYS days, through whatever channel."""
    since = on - dt.timedelta(days=RECENT_DAYS)
    found = Contact.objects.filter(customer=customer, contacted_on__gt=since, contacted_on__lte=on).exclude(
        was_reached=False
    )
    return found.aggregate(n=Count("reference"))["n"]
