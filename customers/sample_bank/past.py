"""Campaigns the bank ran before this product came: drawn at random with a control group, so that models have labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bankcrm import bulk
from customers.sample_bank import draws, people
from customers.sample_bank.buying import Purchases, Treatment
from customers.sample_bank.names import days
from customers.sample_bank.rounds import Decided
from customers.sample_bank.state import State
from customers.sample_bank.transactions import digits
from customers.sample_bank.world import MARKETED, WINDOW_DAYS, Traits, World

SHARE, CONTROL, WORKED = 0.30, 0.25, 0.90  # of the eligible, of the assigned, of the treated


@dataclass(frozen=True)
class PastCampaign:
    code: str
    product: int
    months_ago: int  # months before the end of the history at which it was assigned; even
    arms: tuple[str, ...] = ("A",)


CAMPAIGNS = [
    PastCampaign("SAVINGS-1", 0, 14),
    PastCampaign("FUND-1", 3, 10),
    PastCampaign("SAVINGS-2", 0, 8),
    PastCampaign("FUND-2", 3, 4, ("A", "B")),
]


def assign(
    law: World,
    traits: Traits,
    state: State,
    campaign: PastCampaign,
    start: int,
    skills: np.ndarray,
    contacts: np.ndarray,
) -> Treatment:
    """Draw the list, the control group and the arms, and let relationship managers call in the first fortnight.

    ``contacts``: times each customer was reached in the 90 days before ``start``.
    """
    n = np.arange(len(traits))
    able = state.eligible(start - 1)[:, campaign.product]
    tag = f"past {campaign.code}"
    who = n[able & (draws.uniform(law.seed, tag, n) < SHARE)]
    control = draws.uniform(law.seed, f"{tag} control", who) < CONTROL
    arm = np.array(campaign.arms, object)[
        (draws.uniform(law.seed, f"{tag} arm", who) * len(campaign.arms)).astype(int)
    ]
    day = start + 1 + (draws.uniform(law.seed, f"{tag} day", who) * 14).astype(np.int64)
    hour = 9 + (draws.uniform(law.seed, f"{tag} hour", who) * 10).astype(np.int64)
    worked = (draws.uniform(law.seed, f"{tag} worked", who) < WORKED) & (traits.rm[who] >= 0) & ~control
    size = len(who)
    return Treatment(
        campaign=np.full(size, campaign.code, object),
        customer=who,
        product=np.full(size, campaign.product),
        arm=arm,
        channel=np.full(size, "phone", object),
        is_control=control,
        reached=worked & people.reached(law, traits, who, "phone", day, hour),
        day=np.where(worked, day, -1),
        skill=np.where(traits.rm[who] >= 0, skills[traits.rm[who]], 0.0),
        contacts=contacts[who],
    )


def write(law: World, traits: Traits, treatment: Treatment, decided: Decided, start: int) -> None:
    """Assignments of all, contacts of those worked on, responses: conversions matched, refusals reported."""
    campaign, product = str(treatment.campaign[0]), MARKETED[int(treatment.product[0])]
    treated = ~treatment.is_control
    cell = np.where(treated, treatment.arm, "control")
    size = len(treatment.customer)
    bulk.copy_columns(
        "customers_assignment",
        {
            "campaign_code": np.full(size, campaign, object),
            "customer_id": treatment.customer + 1,
            "cell_code": cell,
            "is_control": treatment.is_control,
            "product_code": np.full(size, product, object),
            "assigned_on": days(np.full(size, start)),
            "source": np.full(size, "sample bank", object),
        },
    )
    worked = treatment.day >= 0
    who, day = treatment.customer[worked], treatment.day[worked]
    reached = treatment.reached[worked]
    will_buy = decided.truth.buys_if_reached[worked] if decided.truth else np.zeros(len(who), bool)
    said = people.answer(law, who, day, reached, will_buy)
    entered = people.typed(law, traits.rm[who], who, day, said)
    _contacts(law, traits, treatment, worked, entered, campaign, product)
    _responses(treatment, cell, worked, entered, decided.purchases, start)


def _contacts(
    law: World,
    traits: Traits,
    treatment: Treatment,
    worked: np.ndarray,
    entered: np.ndarray,
    campaign: str,
    product: str,
) -> None:
    who, day, reached = treatment.customer[worked], treatment.day[worked], treatment.reached[worked]
    size = len(who)
    talk = (30 + 240 * draws.uniform(law.seed, "talk", who, day) ** 2).astype(np.int64)
    bulk.copy_columns(
        "customers_contact",
        {
            "contacted_on": days(day),
            "reference": np.strings.add(f"past:{campaign}:".encode(), digits(who + 1, 8)),
            "customer_id": who + 1,
            "campaign_code": np.full(size, campaign, object),
            "cell_code": treatment.arm[worked],
            "treatment_code": np.array([f"{campaign}.{arm}" for arm in treatment.arm[worked]], object),
            "product_code": np.full(size, product, object),
            "channel": np.full(size, "phone", object),
            "outcome": entered,
            "was_reached": reached,
            "talk_seconds": np.ma.array(talk, mask=~reached),
            "staff_number": np.strings.add(b"R", digits(traits.rm[who].astype(np.int64) + 1, 3)),
        },
    )


def _responses(
    treatment: Treatment,
    cell: np.ndarray,
    worked: np.ndarray,
    entered: np.ndarray,
    bought: Purchases,
    start: int,
) -> None:
    campaign, product = str(treatment.campaign[0]), MARKETED[int(treatment.product[0])]
    mine = (
        (bought.product == treatment.product[0]) & (bought.day < start + WINDOW_DAYS) & (bought.day >= start)
    )
    opened = np.zeros(int(treatment.customer.max()) + 1, np.int64)
    known = bought.customer[mine] < len(opened)
    opened[bought.customer[mine][known]] = bought.day[mine][known]
    converted = opened[treatment.customer] > 0
    refused = np.zeros(len(treatment.customer), bool)
    refused[np.nonzero(worked)[0][entered == "declined"]] = True
    for kind, how, who, day in [
        ("conversion", "matched", converted, opened[treatment.customer[converted]]),
        ("refusal", "reported", refused, treatment.day[refused]),
    ]:
        size = int(who.sum())
        bulk.copy_columns(
            "customers_response",
            {
                "customer_id": treatment.customer[who] + 1,
                "campaign_code": np.full(size, campaign, object),
                "cell_code": cell[who],
                "product_code": np.full(size, product, object),
                "kind": np.full(size, kind, object),
                "how": np.full(size, how, object),
                "responded_on": days(day),
                "reference": np.strings.add(
                    f"past:{campaign}:".encode(), digits(treatment.customer[who] + 1, 8)
                ),
            },
        )
