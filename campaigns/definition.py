"""A campaign's definition in one canonical form: what is compared, signed at approval and checked again at push."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from decimal import Decimal
from typing import Any

from django.db import connection, models

from campaigns.models import Arm, Campaign, Offer, Selection

# Every field a planner may change. Code and salt are for ever; the rest belongs to the lifecycle.
EDITABLE = (
    "name",
    "plan",
    "objective",
    "product",
    "owner",
    "starts_on",
    "ends_on",
    "budget",
    "attribution_days",
    "lead_due_days",
    "condition",
    "profile_month",
    "model",
    "minimum_value",
    "capacity",
    "control_share",
    "exploration_share",
    "success",
)
# A change of one of these asks for a new selection; the others leave the population as it is.
SELECTING = frozenset(
    {
        "product",
        "condition",
        "profile_month",
        "model",
        "minimum_value",
        "capacity",
        "control_share",
        "exploration_share",
        "arms",
    }
)
_OFFER = (
    "code",
    "name",
    "product_id",
    "terms",
    "valid_from",
    "valid_to",
    "margin_per_sale",
    "cost_per_contact",
    "cost_per_sale",
    "eligibility",
    "excludes_holders",
    "script_open",
    "script_ask",
    "script_offer",
    "script_if_unsure",
)


def plain(value: Any) -> Any:
    """A field's value as JSON: rows by id, money and dates as text, so that equal values compare equal."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def field_values(campaign: Campaign) -> dict[str, Any]:
    """The editable fields of a campaign as JSON."""
    return {name: _column(campaign, name) for name in EDITABLE}


def arm_values(arm: Arm) -> dict[str, Any]:
    return {
        "code": arm.code,
        "name": arm.name,
        "offer": arm.offer_id,
        "channel": arm.channel,
        "share": plain(arm.share),
    }


def arms_of(campaign: Campaign) -> list[Arm]:
    return list(Arm.objects.filter(campaign=campaign).select_related("offer").order_by("code"))


def describe(campaign: Campaign, arms: list[Arm] | None = None) -> dict[str, Any]:
    """Everything that decides what happens to a customer: fields, arms, and the terms and scripts of their offers."""
    arms = arms_of(campaign) if arms is None else arms
    return {
        "code": campaign.code,
        "salt": campaign.salt,
        **field_values(campaign),
        "arms": [arm_values(arm) | {"terms": _offer(arm.offer)} for arm in arms],
    }


def digest(value: Any) -> str:
    """sha256 over the canonical JSON of ``value``."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def population_digest(selection: Selection) -> str:
    """sha256 over who is in which arm or in control, whatever the order in which they were written."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT encode(sha256(convert_to(coalesce(string_agg(
                t.customer_id || ':' || CASE WHEN t.is_control THEN '' ELSE a.code END, E'\\n'
                ORDER BY t.customer_id), ''), 'UTF8')), 'hex')
            FROM campaigns_target t LEFT JOIN campaigns_arm a ON a.id = t.arm_id
            WHERE t.selection_id = %s
            """,
            [selection.pk],
        )
        return str(cursor.fetchone()[0])


def signature(campaign: Campaign, selection: Selection) -> str:
    """What an approver signs: the definition, the population and the counts they saw."""
    return digest(
        {
            "definition": describe(campaign),
            "population": population_digest(selection),
            "targets": selection.targets_count,
            "control": selection.control_count,
            "waterfall": selection.waterfall,
        }
    )


def _column(campaign: Campaign, name: str) -> Any:
    field = Campaign._meta.get_field(name)
    if isinstance(field, models.ForeignKey):
        return getattr(campaign, field.attname)
    if not isinstance(field, models.Field):
        raise TypeError(f"{name} is not a column of a campaign")
    # A form hands "0.1" where the database gives Decimal("0.100"): both are the same definition.
    return plain(field.to_python(getattr(campaign, name)))


def _offer(offer: Offer | None) -> dict[str, Any] | None:
    return {name: plain(getattr(offer, name)) for name in _OFFER} if offer else None
