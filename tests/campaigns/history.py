"""Contact history of a campaign that ran, written straight into the history tables by set SQL."""

from __future__ import annotations

import datetime as dt

from campaigns.models import Arm, Campaign
from customers.models import Assignment, Holding, Response
from tests.campaigns.factories import TODAY, make_offer, make_product
from tests.cast import Cast

ASSIGNED = TODAY - dt.timedelta(days=90)


def ran(cast: Cast, code: str = "spring", **changes: object) -> Campaign:
    """A closed campaign of Mei's, assigned ninety days ago, with the window of sixty days behind it."""
    product = make_product()
    fields: dict[str, object] = {
        "code": code,
        "name": code.capitalize(),
        "product": product,
        "owner": cast.mei,
        "last_edited_by": cast.mei,
        "starts_on": ASSIGNED,
        "ends_on": ASSIGNED + dt.timedelta(days=60),
        "assigned_on": ASSIGNED,
        "salt": "spring-salt",
        "control_share": "0.200",
        "state": Campaign.State.CLOSED,
    }
    campaign = Campaign.objects.create(**(fields | changes))
    Arm.objects.create(campaign=campaign, code="a", offer=make_offer(product, f"{code}-offer"), share=1)
    return campaign


def assign(
    campaign: Campaign, ids: list[int], cell: str, *, is_control: bool = False, **more: object
) -> None:
    fields = {"product_code": campaign.product.code, "assigned_on": campaign.assigned_on or ASSIGNED} | more
    Assignment.objects.bulk_create(
        Assignment(
            campaign_code=campaign.code, customer_id=pk, cell_code=cell, is_control=is_control, **fields
        )
        for pk in ids
    )


def buy(campaign: Campaign, ids: list[int], day: dt.date, amount: int = 1000) -> None:
    """The customers open the campaign's product on ``day``."""
    Holding.objects.bulk_create(
        Holding(
            number=f"{campaign.code}-{day:%Y%m%d}-{pk}",
            customer_id=pk,
            product=campaign.product,
            opened_on=day,
            amount=amount,
        )
        for pk in ids
    )


def respond(campaign: Campaign, ids: list[int], cell: str, kind: str, how: str, amount: int = 0) -> None:
    Response.objects.bulk_create(
        Response(
            customer_id=pk,
            campaign_code=campaign.code,
            cell_code=cell,
            kind=kind,
            how=how,
            responded_on=campaign.assigned_on or ASSIGNED,
            amount=amount,
        )
        for pk in ids
    )
