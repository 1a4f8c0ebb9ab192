"""The arms of a campaign, and the selected customers that stand or fall with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns.models import Arm, Campaign, Selection


def margin(arms: Iterable[Arm]) -> float:
    """Margin of a sale less its cost, averaged over the arms by share; money.

    Arms are drawn after the ranking, so a customer is ranked by what the arms are worth on average.
    """
    return _mean(arms, "margin_per_sale") - _mean(arms, "cost_per_sale")


def contact_cost(arms: Iterable[Arm]) -> float:
    """Cost of a contact, averaged over the arms by share; money."""
    return _mean(arms, "cost_per_contact")


def _mean(arms: Iterable[Arm], name: str) -> float:
    return float(sum((arm.share * getattr(arm.offer, name) for arm in arms if arm.offer), Decimal(0)))


def replace_arms(campaign: Campaign, arms: Sequence[Mapping[str, Any]]) -> None:
    """Make the campaign's arms exactly these; an arm keeps its row while its code stays.

    ``arms``: mappings of code, name, offer, channel, share. Raises ValidationError. For the lifecycle, in its
    transaction: it knows who may do this and when.
    """
    codes = [str(arm["code"]) for arm in arms]
    gone = Arm.objects.filter(campaign=campaign).exclude(code__in=codes)
    if gone:
        # Targets of a selection that has lost an arm are void whole, not in part.
        drop_targets(campaign)
        gone.delete()
    for given in arms:
        arm = Arm.objects.filter(campaign=campaign, code=given["code"]).first() or Arm(campaign=campaign)
        for name in ("code", "name", "offer", "channel", "share"):
            if name in given:
                setattr(arm, name, given[name])
        arm.full_clean()
        arm.save()


def drop_targets(campaign: Campaign, *, keep: Selection | None = None) -> None:
    """Delete the targets of a campaign's selections except ``keep``; the selections stay with their counts.

    Only before a push: leads hold their targets.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM campaigns_target t USING campaigns_selection s"
            " WHERE t.selection_id = s.id AND s.campaign_id = %s AND s.id IS DISTINCT FROM %s",
            [campaign.pk, keep.pk if keep else None],
        )
