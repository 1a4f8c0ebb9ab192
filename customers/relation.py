"""What has been said between the bank and a customer lately, and what the customer allows: one query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from customers import campaign_names
from customers.models import ConsentChannel, ConsentPurpose

RECENT = 5
CONTACT_DAYS = 730

# What it was about, as people say it: the product's name, else the campaign's, else the code.
ABOUT = (
    "coalesce((SELECT product.name FROM customers_product product WHERE product.code = product_code),"
    " nullif(product_code, ''), {campaign}) AS about"
)
READ = """
SELECT
    (SELECT coalesce(json_agg(json_build_array(channel, purpose, since) ORDER BY since DESC), '[]')
     FROM customers_consent WHERE customer_id = %(customer)s AND is_objection),
    (SELECT coalesce(json_agg(DISTINCT channel), '[]') FROM customers_consent
     WHERE customer_id = %(customer)s AND NOT is_objection AND purpose IN ('all', 'marketing')),
    (SELECT coalesce(json_agg(json_build_array(first_day, last_day, reason) ORDER BY first_day), '[]')
     FROM customers_quietperiod
     WHERE customer_id = %(customer)s AND lifted_at IS NULL AND last_day >= %(today)s),
    (SELECT coalesce(json_agg(recent ORDER BY contacted_on DESC, reference DESC), '[]') FROM (
        SELECT contacted_on, reference, channel, outcome, was_reached, talk_seconds, campaign_code, product_code,
               staff_number, {about}
        FROM customers_contact WHERE customer_id = %(customer)s AND contacted_on BETWEEN %(since)s AND %(today)s
        ORDER BY contacted_on DESC, reference DESC LIMIT %(recent)s) recent),
    (SELECT count(*) FROM customers_contact
     WHERE customer_id = %(customer)s AND contacted_on BETWEEN %(month)s AND %(today)s),
    (SELECT coalesce(json_agg(recent ORDER BY responded_on DESC, id DESC), '[]') FROM (
        SELECT responded_on, id, kind, product_code, campaign_code, {about} FROM customers_response
        WHERE customer_id = %(customer)s AND responded_on <= %(today)s
        ORDER BY responded_on DESC, id DESC LIMIT %(recent)s) recent),
    (SELECT contacted_on FROM customers_contact ORDER BY contacted_on LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Objection:
    channel: str
    purpose: str
    since: dt.date

    @property
    def forbids_every_contact(self) -> bool:
        return self.channel == ConsentChannel.ALL and self.purpose == ConsentPurpose.ALL

    @property
    def is_about_offers(self) -> bool:
        """Whether it forbids to offer something through its channel."""
        return self.purpose in (ConsentPurpose.ALL, ConsentPurpose.MARKETING)


@dataclass(frozen=True, slots=True)
class Quiet:
    first_day: dt.date
    last_day: dt.date
    reason: str


@dataclass(frozen=True, slots=True)
class Touch:
    """One contact; ``was_reached`` is None where nobody said, ``about`` names the product or the campaign."""

    day: dt.date
    channel: str
    outcome: str
    was_reached: bool | None
    talk_seconds: int | None
    campaign: str
    product: str
    staff_number: str
    about: str


@dataclass(frozen=True, slots=True)
class Answer:
    day: dt.date
    kind: str
    product: str
    campaign: str
    about: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Newest first, RECENT of each; ``contacts_30d`` counts all contacts of the last 30 days.

    ``agreed``: the channels through which the customer agreed to offers; silence is no agreement. ``first_recorded``:
    the day of the first contact with anybody that the bank has brought; None where it has brought none.
    """

    objections: list[Objection]
    agreed: set[str]
    quiet: list[Quiet]
    contacts: list[Touch]
    contacts_30d: int
    answers: list[Answer]
    first_recorded: dt.date | None = None

    @property
    def do_not_contact(self) -> Objection | None:
        return next((each for each in self.objections if each.forbids_every_contact), None)

    def quiet_on(self, day: dt.date) -> Quiet | None:
        return next((each for each in self.quiet if each.first_day <= day <= each.last_day), None)


def read(customer_id: int, today: dt.date) -> Relation:
    """Objections in force, quiet periods not over, and the contacts (of two years) and responses up to ``today``."""
    values: dict[str, Any] = {
        "customer": customer_id,
        "today": today,
        "since": today - dt.timedelta(days=CONTACT_DAYS),
        "month": today - dt.timedelta(days=29),
        "recent": RECENT,
    }
    with connection.cursor() as cursor:
        about = ABOUT.format(campaign=campaign_names.name_of("campaign_code"))
        cursor.execute(READ.format(about=about), values)
        objections, agreed, quiet, contacts, contacts_30d, answers, first_recorded = cursor.fetchone()
    day = dt.date.fromisoformat
    return Relation(
        [Objection(channel, purpose, day(since)) for channel, purpose, since in objections],
        set(agreed),
        [Quiet(day(first), day(last), reason) for first, last, reason in quiet],
        [_touch(row) for row in contacts],
        contacts_30d,
        [
            Answer(
                day(row["responded_on"]), row["kind"], row["product_code"], row["campaign_code"], row["about"]
            )
            for row in answers
        ],
        first_recorded,
    )


def _touch(row: dict[str, Any]) -> Touch:
    return Touch(
        dt.date.fromisoformat(row["contacted_on"]),
        row["channel"],
        row["outcome"],
        row["was_reached"],
        row["talk_seconds"],
        row["campaign_code"],
        row["product_code"],
        row["staff_number"],
        row["about"],
    )
