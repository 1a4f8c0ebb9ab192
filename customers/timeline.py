"""What happened with a customer, newest first, from every history in one query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Role, User
from customers import campaign_names, timeline_sql
from customers.models import Customer

MOST = 50


class Group(models.TextChoices):
    """What an entry is about: the filter of the page."""

    HOLDINGS = "holdings", _("Holdings")
    CONTACTS = "contacts", _("Contacts")
    RESPONSES = "responses", _("Responses")
    CAMPAIGNS = "campaigns", _("Campaigns")
    CONSENT = "consent", _("Consent")
    TIER = "tier", _("Tier")
    RELATION = "relation", _("Relation")
    NOTES = "notes", _("Notes")
    IMPORTS = "imports", _("Imports")


SOURCES = {
    Group.HOLDINGS: timeline_sql.HOLDINGS,
    Group.CONTACTS: timeline_sql.CONTACTS,
    Group.RESPONSES: timeline_sql.RESPONSES,
    Group.CAMPAIGNS: timeline_sql.CAMPAIGNS,
    Group.CONSENT: timeline_sql.CONSENT,
    Group.TIER: timeline_sql.TIER,
    Group.RELATION: timeline_sql.RELATION,
    Group.IMPORTS: timeline_sql.IMPORTS,
}


def told_by(group: Group, sql: str) -> None:
    """Say once, at start-up, where entries stand that a higher app keeps: SQL as in ``timeline_sql``.

    It may ask ``%(customer)s``, ``%(zone)s`` and ``%(sees_notes)s``.
    """
    SOURCES[group] = f"{SOURCES[group]} UNION ALL {sql}" if group in SOURCES else sql


OF_A_CAMPAIGN = (
    "(kind IN ('assigned', 'control') OR starts_with(kind, 'contact_') OR starts_with(kind, 'response_'))"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """``kind`` such as ``opened``, ``contact_phone``, ``response_refusal``, ``control``; unique with ``key``.

    ``named`` is what people call the arm an assignment was to, the product a contact or a response was about; "" where
    there is no name.
    """

    day: dt.date
    kind: str
    key: str
    what: str
    detail: str
    amount: Any
    named: str = ""

    @property
    def place(self) -> str:
        """Where a page that follows begins; nothing personal, because it stands in a URL."""
        return f"{self.day.isoformat()}~{self.kind}~{self.key}"


@dataclass(frozen=True, slots=True)
class Place:
    """The last entry of the page before."""

    day: dt.date
    kind: str
    key: str


def place_of(text: str) -> Place | None:
    """The place a URL names; None where it names none."""
    day, _dash, rest = text.partition("~")
    kind, _dash, key = rest.partition("~")
    try:
        return Place(dt.date.fromisoformat(day), kind, key) if kind and key and "\0" not in text else None
    except ValueError:
        return None


def sees_control(user: User) -> bool:
    """Whoever talks to customers must not know who is in a control group: it would change what they do."""
    return user.is_auditor or user.role not in (Role.RM, Role.BRANCH_MANAGER)


def sees_notes(user: User) -> bool:
    """What was noted in a talk is for those who talk with the customer, and for who audits them."""
    return user.is_auditor or user.role in (Role.RM, Role.BRANCH_MANAGER)


def timeline(
    user: User,
    customer: Customer,
    until: dt.date,
    most: int = MOST,
    *,
    groups: list[Group] | None = None,
    after: Place | None = None,
) -> list[Entry]:
    """Up to ``most`` entries of ``until`` and before, of the groups (None: every one), that follow ``after``."""
    follows = ""
    if after:
        follows = "AND (day < %(day)s OR day = %(day)s AND (kind, key) > (%(kind)s, %(key)s))"
    sources = " UNION ALL ".join(SOURCES[group] for group in groups or list(Group) if group in SOURCES)
    # A name says more than a code; only the entries shown are looked up.
    what = f"CASE WHEN {OF_A_CAMPAIGN} THEN {campaign_names.name_of('what', 'product.name')} ELSE what END"
    named = (
        f"CASE WHEN kind IN ('assigned', 'control') THEN {campaign_names.arm_of('what', 'detail')}"
        " ELSE coalesce(product.name, '') END"
    )
    sql = (
        f"SELECT day, kind, key, {what}, detail, amount, {named} FROM ("  # noqa: S608  constants
        f"SELECT * FROM ({sources}) entry (day, kind, key, what, detail, amount)"
        f" WHERE day <= %(until)s {follows} ORDER BY day DESC, kind, key LIMIT %(most)s) shown"
        f" LEFT JOIN customers_product product ON product.code = ({timeline_sql.OFFERED})"
        " ORDER BY day DESC, kind, key"
    )
    values: dict[str, Any] = {
        "customer": customer.pk,
        "sees_control": sees_control(user),
        "sees_notes": sees_notes(user),
        "until": until,
        "most": most,
        "zone": settings.TIME_ZONE,
    }
    if after:
        values |= {"day": after.day, "kind": after.kind, "key": after.key}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [Entry(*row) for row in cursor.fetchall()]
