"""Recognising conversions from what customers really opened, for treated and control alike.

The window counts from assignment, not from contact, and is the same for everybody assigned. What staff reported is kept
beside it and reconciled; it never decides an effect, because nobody reports for the control group.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max

from bankcrm import audit, clock
from bankcrm.models import User
from campaigns.models import Campaign
from customers import profile
from customers.models import Holding

LATE_DAYS = 45

_MATCH = """
WITH first AS (
    SELECT DISTINCT ON (assignment.customer_id)
        assignment.customer_id, assignment.cell_code, holding.opened_on, holding.amount, holding.number
    FROM customers_assignment assignment
    JOIN customers_holding holding
        ON holding.customer_id = assignment.customer_id AND holding.product_id = %(product)s
        AND holding.opened_on > assignment.assigned_on
        AND holding.opened_on <= assignment.assigned_on + %(days)s::int
    WHERE assignment.campaign_code = %(code)s AND holding.opened_on <= %(through)s
    ORDER BY assignment.customer_id, holding.opened_on, holding.id
)
INSERT INTO customers_response
    (customer_id, campaign_code, cell_code, product_code, kind, how, responded_on, amount, reference)
SELECT customer_id, %(code)s, cell_code, %(product_code)s, 'conversion', 'matched', opened_on, amount, number FROM first
ON CONFLICT ON CONSTRAINT one_response_of_a_kind_per_campaign DO UPDATE
    SET responded_on = excluded.responded_on, amount = excluded.amount, reference = excluded.reference
    WHERE (customers_response.responded_on, customers_response.amount, customers_response.reference)
        IS DISTINCT FROM (excluded.responded_on, excluded.amount, excluded.reference)
"""
_COMPARE = """
SELECT count(*) FILTER (WHERE matched AND reported),
       count(*) FILTER (WHERE matched AND NOT reported AND NOT is_control),
       count(*) FILTER (WHERE reported AND NOT matched),
       count(*) FILTER (WHERE matched AND is_control)
FROM (
    SELECT assignment.customer_id, assignment.is_control,
           bool_or(response.how = 'matched') AS matched, bool_or(response.how = 'reported') AS reported
    FROM customers_response response
    JOIN customers_assignment assignment USING (campaign_code, customer_id)
    WHERE response.campaign_code = %s AND response.kind = 'conversion'
    GROUP BY 1, 2
) each
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Conversions known from holdings against those staff reported, among the treated; and control's own."""

    both: int
    matched_only: int
    reported_only: int
    control: int


def window_end(campaign: Campaign) -> dt.date | None:
    """The last day on which an opened product still counts; None before assignment."""
    if campaign.assigned_on is None:
        return None
    return campaign.assigned_on + dt.timedelta(days=campaign.attribution_days)


def data_through() -> dt.date | None:
    """The last day for which holdings are loaded: the newest opening or the newest profile month."""
    newest = Holding.objects.filter(opened_on__lte=clock.today()).aggregate(last=Max("opened_on"))["last"]
    days = [day for day in (newest, profile.latest_month()) if day]
    return max(days, default=None)


@transaction.atomic
def match(campaign: Campaign, user: User | None = None, through: dt.date | None = None) -> int:
    """Write a matched conversion for everybody assigned who opened the product inside the window; returns how many
    are new or changed. Running it again changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MATCH,
            {
                "code": campaign.code,
                "product": campaign.product_id,
                "product_code": campaign.product.code,
                "days": campaign.attribution_days,
                "through": through or clock.today(),
            },
        )
        changed = cursor.rowcount
    if changed:
        audit.record(user, "campaign.conversions_matched", campaign, changed=changed)
    return changed


def match_all(today: dt.date) -> dict[str, int]:
    """Match every campaign whose window is open or closed lately: campaign code → conversions new or changed.

    Holdings may be loaded weeks after they were opened, so a campaign is looked at for LATE_DAYS more.
    """
    campaigns = Campaign.objects.filter(
        state__in=[Campaign.State.RUNNING, Campaign.State.CLOSED], assigned_on__isnull=False
    ).select_related("product")
    return {
        campaign.code: match(campaign, through=today)
        for campaign in campaigns
        if (end := window_end(campaign)) and today <= end + dt.timedelta(days=LATE_DAYS)
    }


def compare(campaign: Campaign) -> Comparison:
    """How far staff's reports and the holdings agree."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, [campaign.code])
        return Comparison(*cursor.fetchone())
