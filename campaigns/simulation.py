"""Simulated relationship managers and customers, for the closed loop on a sample bank.

They act through the product's own verbs, as the people would through its pages, and never write a table themselves.
Who answers and who buys is drawn from the bank's truth, which no other module of campaigns may read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from bankcrm import clock, workdays
from bankcrm.models import User
from campaigns import followup, queue
from campaigns.conflicts import Conflict
from campaigns.models import Campaign, Lead, Target
from customers import sample_bank
from customers.sample_bank import people

ATTEMPTS = 3  # a relationship manager gives up on a customer who never answers


@dataclass
class Worked:
    """What happened while leads were worked: ``reached_on`` holds the first day each customer was really reached."""

    reached_on: dict[int, dt.date] = field(default_factory=dict)
    reached_by: dict[int, int] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    recorded: int = 0
    forgotten: int = 0


class Team:
    """The relationship managers of a sample bank on their way through one campaign's leads."""

    def __init__(self, campaign: Campaign, bank: sample_bank.Bank) -> None:
        self.campaign = campaign
        self.law, self.traits = sample_bank.law(), sample_bank.traits()
        truth = sample_bank.probabilities(bank, campaign.product.code)
        self.will_buy = truth["will_buy_if_reached"]
        self.managers = list(
            User.objects.filter(leads__campaign=campaign).distinct().select_related("branch").order_by("pk")
        )
        self.worked = Worked()

    def work(
        self,
        first: dt.date,
        days: int,
        report: Callable[[int, int], object] = lambda done, total: None,
        at_most: int | None = None,
        leaving: int = 0,
    ) -> Worked:
        """Work ``days`` working days from ``first``, in queue order, everybody up to capacity or ``at_most`` a day.

        The last ``leaving`` leads of everybody's queue are not touched.
        """
        with connection.cursor() as cursor:
            # Thousands of simulated answers need not wait for the disk one by one.
            cursor.execute("SET synchronous_commit TO off")
        day = workdays.add_working_days(first, 0)
        for number in range(days):
            clock.set_day(day)
            for manager in self.managers:
                self._one_day(manager, day, at_most or manager.daily_capacity, leaving)
            report(number + 1, days)
            if (
                not Lead.objects.filter(campaign=self.campaign, state__in=queue.WORKABLE)
                .exclude(pk__in=self.worked.done)
                .exists()
            ):
                break
            day = workdays.add_working_days(day, 1)
        return self.worked

    def _one_day(self, manager: User, day: dt.date, at_most: int, leaving: int) -> None:
        evening = timezone.make_aware(dt.datetime.combine(day, dt.time(20)))
        open_leads = list(
            queue.waiting(manager)
            .filter(Q(next_at__isnull=True) | Q(next_at__lte=evening), campaign=self.campaign)
            .exclude(pk__in=self.worked.done)
        )
        leads = open_leads[: max(0, min(at_most, len(open_leads) - leaving))]
        if not leads:
            return
        who = np.array([lead.customer_id for lead in leads]) - 1
        number = np.full(len(leads), np.datetime64(day, "D").astype(int))
        hour = np.where(np.arange(len(leads)) < len(leads) / 2, 10, 18)
        reached = people.reached(self.law, self.traits, who, "phone", number, hour)
        said = people.answer(self.law, who, number, reached, self.will_buy[who])
        typed = people.typed(self.law, np.full(len(leads), manager.pk), who, number, said)
        for lead, was_reached, entered in zip(leads, reached, typed, strict=True):
            self._one_lead(lead, manager, day, bool(was_reached), str(entered))

    def _one_lead(self, lead: Lead, manager: User, day: dt.date, was_reached: bool, entered: str) -> None:
        worked = self.worked
        worked.attempts[lead.pk] = worked.attempts.get(lead.pk, 0) + 1
        if was_reached and lead.customer_id not in worked.reached_on:
            worked.reached_on[lead.customer_id], worked.reached_by[lead.customer_id] = day, manager.pk
        if was_reached or worked.attempts[lead.pk] >= ATTEMPTS:
            worked.done.add(lead.pk)
        if not entered:
            worked.forgotten += 1
            worked.done.add(lead.pk)
            return
        try:
            queue.claim(lead.pk, manager)
            followup.record(lead.pk, manager, followup.Entry(outcome=entered))
        except Conflict:
            # An answer about another lead of the customer closed this one a moment ago.
            worked.done.add(lead.pk)
            return
        worked.recorded += 1


def assigned(campaign: Campaign, worked: Worked) -> sample_bank.Assigned:
    """Everybody the campaign assigned, treated, withheld and control alike, as the world needs to know them."""
    rows = list(
        Target.objects.filter(selection=campaign.selection_id)
        .order_by("customer_id")
        .values_list("customer_id", "is_control", "arm__code")
    )
    ids = np.array([row[0] for row in rows])
    reached = np.array([pk in worked.reached_on for pk in ids.tolist()])
    return sample_bank.Assigned(
        campaign_code=campaign.code,
        product=campaign.product.code,
        customer_id=ids,
        is_control=np.array([row[1] for row in rows]),
        reached=reached,
        contacted_on=np.array([worked.reached_on.get(pk, "NaT") for pk in ids.tolist()], "datetime64[D]"),
        rm_id=np.array([worked.reached_by.get(pk, 0) for pk in ids.tolist()]),
        arm=np.array([row[2] or "A" for row in rows], object),
    )
