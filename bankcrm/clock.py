"""Which day it is for the business: today, unless a sample bank says otherwise.

Leases, sessions and the audit trail run on the database's clock and nothing else; due dates, assignment and attribution
windows run on this day.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Subquery
from django.utils import timezone

from bankcrm.models import BusinessDay


def today() -> dt.date:
    """The business day, one look-up by primary key."""
    day = BusinessDay.objects.values_list("day", flat=True).first()
    return day or timezone.localdate()


def day_of_the_sample() -> Subquery:
    """What ``today`` reads, for a query that is sent anyway: the day a sample bank lives on, None on the calendar."""
    return Subquery(BusinessDay.objects.values("day")[:1])


def set_day(day: dt.date | None) -> None:
    """Live on ``day`` from now on; None goes back to the calendar. For sample banks only."""
    if day is None:
        BusinessDay.objects.all().delete()
    else:
        BusinessDay.objects.update_or_create(pk=1, defaults={"day": day})
