"""Turning an approved selection into leads, once: resumable anywhere, and every target accounted for.

What was approved is what is pushed: definition, population and counts are hashed again and compared. Everybody in it is
written to the assignment history on one day, treated, withheld and control alike, so that the effect can be measured by
intention to treat.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import audit, bulk, clock, figures, workdays
from bankcrm.models import User
from bankcrm.runs import Job
from campaigns import contact_policy, definition, explanation, exploration, lifecycle, withdrawal, wrong_state
from campaigns.conflicts import Refused
from campaigns.models import Campaign, Change, FollowUp, Lead, Push, Target
from campaigns.push_sql import Chunk, chunk_statement

# However many targets there are: the number of statements must not grow with them.
CHUNKS = 20

UNASSIGNED_REASONS: dict[str, str | Promise] = {
    "no_branch": gettext_lazy("The customer has no branch"),
    "nobody_in_branch": gettext_lazy("Nobody in the branch can take leads"),
}
WITHHELD_REASONS: dict[str, str | Promise] = {
    **{code: label for code, (_step, label) in contact_policy.BLOCKS.items()},
    "holds_product": gettext_lazy("Holds the product already"),
    "open_lead": gettext_lazy("Has an open lead for this product"),
}


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Every target of a campaign accounted for. ``adds_up``: selected = pushed + control + withheld and pushed = open +
    closed + recalled."""

    selected: int
    control: int
    pushed: int
    withheld: dict[str, int]
    open: int
    closed: int
    recalled: int

    @property
    def to_push(self) -> int:
        """Selected customers whose turn has not come yet; 0 once the push is complete."""
        return self.selected - self.pushed - self.control - sum(self.withheld.values())

    @property
    def adds_up(self) -> bool:
        return (
            self.selected == self.pushed + self.control + sum(self.withheld.values())
            and self.pushed == self.open + self.closed + self.recalled
        )


def chunk_size(total: int) -> int:
    """Targets per transaction: a twentieth of ``total``; BANKCRM_PUSH_CHUNK where it is set."""
    given = os.environ.get("BANKCRM_PUSH_CHUNK")
    return max(1, int(given)) if given else max(1, -(-total // CHUNKS))


def push(
    campaign: Campaign, user: User, wave: int = 1, job: Job | None = None, *, on: dt.date | None = None
) -> Push:
    """Push the approved selection; a push that was interrupted goes on where it stopped, on its first day's date.

    ``on``: the day of assignment (today). Raises PermissionDenied for another role, Refused for an unapproved or
    already pushed campaign, a wave the approval does not cover, or anything that changed since approval.
    """
    current = Campaign.objects.select_related("product", "selection").get(pk=campaign.pk)
    begun = Push.objects.filter(campaign=current, wave=wave).first()
    if begun and begun.finished_at:
        if job and begun.run_id == job.run_id:
            return begun
        leads = begun.reconciliation.get("pushed", 0)
        raise Refused(
            ngettext(
                "This campaign was already pushed on %(day)s: %(n)s lead.",
                "This campaign was already pushed on %(day)s: %(n)s leads.",
                leads,
            )
            % {"day": f"{timezone.localtime(begun.created_at):%Y-%m-%d}", "n": f"{leads:,}"}
        )
    with bulk.without_time_limit():
        if begun is None:
            begun = _begin(current, user, wave, job, on or clock.today())
        elif not user.may_act_as(lifecycle.ACTIONS["push"].roles):
            raise PermissionDenied(_("Your role does not include this."))
        # Begun by us or by somebody else since it was read: the day of assignment is there now.
        current.refresh_from_db()
        _push_chunks(current, begun, job)
        return _finish(current, begun, user, job)


def _begin(campaign: Campaign, user: User, wave: int, job: Job | None, on: dt.date) -> Push:
    """Approved → running, with the day of assignment; refuses what is not exactly what was approved."""
    if not user.may_act_as(lifecycle.ACTIONS["push"].roles):
        raise PermissionDenied(_("Your role does not include this."))
    if campaign.state != Campaign.State.APPROVED:
        raise Refused(wrong_state.sentence("push", campaign.state))
    if campaign.selection is None:
        raise Refused(_("No customers have been selected yet."))
    if wave != 1:
        raise Refused(_("The approval covers one wave; wave %(wave)s is not part of it.") % {"wave": wave})
    if on > campaign.ends_on:
        raise Refused(_("The campaign ended on %(day)s.") % {"day": figures.day(campaign.ends_on)})
    with transaction.atomic():
        if job:
            job.fence()
        if definition.signature(campaign, campaign.selection) != campaign.approved_hash:
            raise Refused(
                _(
                    "Something changed since approval: the offer, the definition or the customers. Approve it again."
                )
            )
        lifecycle.move(campaign, user, "push", assigned_on=on)
        return Push.objects.create(
            campaign=campaign, wave=wave, run=job.run if job else None, requested_by=user
        )


def _push_chunks(campaign: Campaign, begun: Push, job: Job | None) -> None:
    selection = campaign.selection
    if selection is None or campaign.assigned_on is None:
        raise RuntimeError(f"campaign {campaign.pk} runs without a selection or a day of assignment")
    arms = definition.arms_of(campaign)
    rules = contact_policy.active_rules()
    due_on = workdays.add_working_days(campaign.assigned_on, campaign.lead_due_days)
    exceptional = workdays.exceptional_due_days(campaign.assigned_on, campaign.lead_due_days)
    total = selection.targets_count + selection.control_count
    # What an attempt before this one did is not met again, except the control.
    done = _settled(campaign)
    after = 0
    while True:
        chunk = Chunk(
            campaign=campaign,
            push=begun,
            channels=sorted({str(arm.channel) for arm in arms}),
            excludes_holders=any(arm.offer and arm.offer.excludes_holders for arm in arms),
            is_random=bool(campaign.control_share) or len(arms) > 1,
            treated_share=1 - float(campaign.control_share) if campaign.control_share else None,
            all_drawn=exploration.all_drawn(selection),
            profiled=selection.score_run_id is not None,
            rules=rules,
            on=campaign.assigned_on,
            due_on=due_on,
            exceptional_due_days=exceptional,
            after=after,
            size=chunk_size(total),
        )
        last, n = _push_chunk(chunk, job)
        if last is None:
            return
        after, done = last, done + n
        if job:
            job.progress(min(done, total), total, _("Pushing leads"))


def _settled(campaign: Campaign) -> int:
    """Targets that have become leads or were withheld."""
    withheld = Target.objects.filter(selection=campaign.selection_id).exclude(withheld="")
    return Lead.objects.filter(campaign=campaign).count() + withheld.count()


def _push_chunk(chunk: Chunk, job: Job | None) -> tuple[int | None, int]:
    statement = chunk_statement(chunk)
    with transaction.atomic(), connection.cursor() as cursor:
        if job:
            job.fence()
        # Pushes take turns, chunk by chunk: two campaigns at once would both see a customer below the cap.
        cursor.execute("SET LOCAL lock_timeout = '120s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.push'))")
        cursor.execute(statement.sql, statement.params)
        last, n, _leads = cursor.fetchone()
    return last, n


def _finish(campaign: Campaign, begun: Push, user: User, job: Job | None) -> Push:
    explanation.explain(campaign.selection, job)
    counted = reconcile(campaign)
    if not counted.adds_up:
        raise RuntimeError(f"push {begun.pk} does not reconcile: {counted}")
    with transaction.atomic():
        if job:
            job.fence()
        # Whoever objected while the chunks were written.
        withdrawal.stop_campaign(campaign.pk, user)
        finished = Push.objects.filter(pk=begun.pk, finished_at__isnull=True).update(
            finished_at=Now(),
            reconciliation={
                "selected": counted.selected,
                "pushed": counted.pushed,
                "control": counted.control,
                "withheld": counted.withheld,
            },
        )
        if finished:
            audit.record(
                user,
                "campaign.leads_made",
                campaign,
                push=begun.pk,
                leads=counted.pushed,
                control=counted.control,
            )
    begun.refresh_from_db()
    return begun


def reconcile(campaign: Campaign) -> Reconciliation:
    """Where every target of the campaign is now."""
    targets = Target.objects.filter(selection=campaign.selection_id)
    withheld = (
        targets.exclude(withheld="").values_list("withheld").annotate(n=Count("pk")).order_by("withheld")
    )
    states = dict(
        Lead.objects.filter(campaign=campaign).values_list("state").annotate(n=Count("pk")).order_by()
    )
    control = targets.filter(is_control=True).count()
    still_open = sum(states.get(state, 0) for state in Lead.OPEN)
    recalled = states.get(Lead.State.RECALLED, 0)
    pushed = sum(states.values())
    return Reconciliation(
        selected=targets.count(),
        control=control,
        pushed=pushed,
        withheld=dict(withheld),
        open=still_open,
        closed=pushed - still_open - recalled,
        recalled=recalled,
    )


@transaction.atomic
def recall(campaign: Campaign, user: User, comment: str = "") -> int:
    """Take back the leads nobody has touched; returns how many. Customers stay in the evaluation as assigned."""
    lifecycle.check_allowed("recall", campaign, user)
    recalled = (
        Lead.objects.filter(
            campaign=campaign,
            state__in=[Lead.State.NEW, Lead.State.UNASSIGNED],
            claimed_by__isnull=True,
            last_outcome="",
        )
        .exclude(pk__in=FollowUp.objects.filter(lead__campaign=campaign).values("lead"))
        .update(state=Lead.State.RECALLED, closed_at=Now(), version=F("version") + 1)
    )
    if recalled:
        Change.objects.create(
            campaign=campaign,
            version=campaign.version,
            by=user,
            from_state=campaign.state,
            to_state=campaign.state,
            comment=comment,
            fields={"recalled": [0, recalled]},
        )
        audit.record(user, "campaign.leads_recalled", campaign, reason=comment, leads=recalled)
    return recalled
