"""What happened with a customer, newest first, from every history in one query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from bankcrm.models import Role, User
from customers.models import Customer

MOST = 50

# Each branch: day, kind, what, detail, amount. The kind decides icon and words on the page.
TIMELINE = """
SELECT * FROM (
    SELECT h.opened_on AS day, 'opened' AS kind, product.name AS what, h.channel AS detail, h.amount
    FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
    WHERE h.customer_id = %(customer)s
    UNION ALL
    SELECT h.closed_on, 'closed', product.name, h.status, h.amount
    FROM customers_holding h JOIN customers_product product ON product.id = h.product_id
    WHERE h.customer_id = %(customer)s AND h.closed_on IS NOT NULL
    UNION ALL
    SELECT contacted_on, 'contact_' || channel, campaign_code, outcome, talk_seconds
    FROM customers_contact WHERE customer_id = %(customer)s
    UNION ALL
    SELECT responded_on, 'response_' || kind, campaign_code, product_code, amount
    FROM customers_response WHERE customer_id = %(customer)s
    UNION ALL
    SELECT assigned_on, CASE WHEN is_control THEN 'control' ELSE 'assigned' END, campaign_code, cell_code, NULL
    FROM customers_assignment WHERE customer_id = %(customer)s AND (NOT is_control OR %(sees_control)s)
    UNION ALL
    SELECT since, CASE WHEN is_objection THEN 'objection' ELSE 'consent' END, channel, source, NULL
    FROM customers_consent WHERE customer_id = %(customer)s
) entry
WHERE day <= %(until)s
ORDER BY day DESC, kind, what LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """``kind`` such as ``opened``, ``contact_phone``, ``response_refusal``, ``control``."""

    day: dt.date
    kind: str
    what: str
    detail: str
    amount: Any


def sees_control(user: User) -> bool:
    """Whoever talks to customers must not know who is in a control group: it would change what they do."""
    return user.is_auditor or user.role not in (Role.RM, Role.BRANCH_MANAGER)


def timeline(user: User, customer: Customer, until: dt.date, most: int = MOST) -> list[Entry]:
    """Up to ``most`` entries of ``until`` and before."""
    with connection.cursor() as cursor:
        cursor.execute(
            TIMELINE,
            {
                "customer": customer.pk,
                "sees_control": sees_control(user),
                "until": until,
                "most": most,
            },
        )
        return [Entry(*row) for row in cursor.fetchall()]
