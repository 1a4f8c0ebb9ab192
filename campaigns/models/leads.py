"""Leads: one customer, one campaign, one relationship manager, one next action; and what was done about them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm import absence
from bankcrm.models import Branch, Role, Run, User
from campaigns.models.campaign import Arm, Campaign
from campaigns.models.targets import Target
from customers.models import ContactChannel, Customer


class Push(models.Model):
    """One wave of a campaign turned into leads, once. What was selected equals what it counts."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="pushes")
    wave = models.PositiveSmallIntegerField(_("wave"), default=1)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("pushed"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True)
    # {"selected", "pushed", "control", "withheld": {reason: n}}
    reconciliation = models.JSONField(_("reconciliation"), default=dict)

    class Meta:
        verbose_name = _("push")
        constraints = [models.UniqueConstraint(fields=["campaign", "wave"], name="a_wave_is_pushed_once")]

    def __str__(self) -> str:
        return f"{self.campaign} {self.wave}"


def to_work(user: User) -> Q:
    """Leads that are the user's to work: their own, and those of absent colleagues they stand in for."""
    standing = absence.standing_in(user)
    if not standing:
        return Q(rm=user)
    mine = Q(rm__in=[user.pk, *standing.portfolios])
    if standing.as_backup:
        mine |= Q(rm__in=standing.as_backup, customer__backup_rm=user)
    if standing.as_manager:
        nobody = Q(customer__backup_rm__isnull=True) | Q(customer__backup_rm__in=standing.away)
        gone = Q(customer__backup_rm__is_active=False)
        mine |= Q(rm__in=standing.as_manager) & (nobody | gone)
    return mine


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """An RM's own leads and those of absent colleagues one stands in for; the branch subtree for other roles.

        None for administrators; all for auditors.
        """
        if user.is_auditor:
            return self
        if user.role == Role.ADMINISTRATOR:
            return self.none()
        if user.role == Role.RM:
            return self.filter(to_work(user))
        return self.filter(branch__in=user.branch_ids())

    def open(self) -> LeadQuerySet:
        return self.filter(state__in=Lead.OPEN)


class Lead(models.Model):
    class State(models.TextChoices):
        NEW = "new", _("New")
        WORKING = "working", _("In work")
        UNASSIGNED = "unassigned", _("Without a relationship manager")
        CONVERTED = "converted", _("Converted")
        DECLINED = "declined", _("Declined")
        CLOSED = "closed", _("Closed without a sale")
        RECALLED = "recalled", _("Recalled")

    OPEN = (State.NEW, State.WORKING, State.UNASSIGNED)

    class Outcome(models.TextChoices):
        """One key each on the RM's screen, in this order."""

        INTERESTED = "interested", _("Interested")
        LATER = "later", _("Later")
        CONVERTED = "converted", _("Converted")
        DECLINED = "declined", _("Declined")
        NO_ANSWER = "no_answer", _("No answer")
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        ALREADY_HOLDS = "already_holds", _("Already holds")
        MOVED_AWAY = "moved_away", _("Moved away")
        DO_NOT_CONTACT = "do_not_contact", _("Do not contact")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="leads")
    push = models.ForeignKey(Push, on_delete=models.PROTECT, related_name="leads")
    target = models.OneToOneField(Target, on_delete=models.PROTECT, related_name="lead")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="leads")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Branch, null=True, on_delete=models.PROTECT, related_name="+")
    rm = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="leads"
    )
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.NEW, db_default=State.NEW
    )
    unassigned_reason = models.CharField(_("why unassigned"), max_length=20, blank=True, db_default="")
    value = models.FloatField(_("expected value"))
    due_on = models.DateField(_("due"))
    # Until then the lead is out of the queue's way: the customer asked for a later call, or the RM snoozed it.
    next_at = models.DateTimeField(_("next step at"), null=True)
    next_step = models.CharField(_("next step"), max_length=20, blank=True, db_default="")
    last_outcome = models.CharField(
        _("last outcome"), max_length=20, choices=Outcome, blank=True, db_default=""
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    claimed_at = models.DateTimeField(_("in work since"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(_("pushed"), db_default=Now())

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "customer"], name="a_customer_once_per_campaign"),
        ]
        indexes = [
            # The RM's queue: due date, then value; holds open leads only, so it stays small whatever the history.
            models.Index(
                "rm",
                "due_on",
                models.F("value").desc(),
                "id",
                condition=Q(state__in=["new", "working"]),
                name="lead_queue",
            ),
            models.Index(fields=["branch", "state"], name="lead_by_branch"),
            # Which campaigns somebody has leads of, without reading the leads.
            models.Index(fields=["rm", "campaign"], name="lead_by_rm"),
            models.Index(
                fields=["customer"], condition=Q(state__in=["new", "working", "unassigned"]), name="lead_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.customer_id}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class FollowUp(models.Model):
    """One step on a lead: what was done, what came of it, what comes next. Undone, it stays and says so."""

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="follow_ups")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"), db_default=Now())
    channel = models.CharField(
        _("channel"), max_length=8, choices=ContactChannel, default=ContactChannel.PHONE
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Lead.Outcome)
    reason_code = models.CharField(_("reason"), max_length=20, blank=True)
    note = models.TextField(_("note"), blank=True)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2, null=True, blank=True)
    next_step = models.CharField(_("next step"), max_length=20, blank=True)
    next_at = models.DateTimeField(_("next step at"), null=True, blank=True)
    # What the lead was before, so that one undo puts everything back.
    before = models.JSONField(default=dict)
    # Sent by the page once per typed outcome: a repeated request finds its first answer.
    client_key = models.UUIDField(null=True, unique=True)
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        verbose_name = _("follow-up")
        ordering = ["-id"]
        indexes = [models.Index(fields=["by", "-at"], name="follow_up_by_staff")]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.outcome}"


class LeadNote(models.Model):
    """What somebody noted about a lead without an outcome. Taken back, it stays and is shown no more."""

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"), db_default=Now())
    text = models.TextField(_("note"))
    # Sent by the page once per typed note: a repeated request finds its first answer.
    client_key = models.UUIDField(unique=True, default=uuid.uuid4)
    undone_at = models.DateTimeField(_("taken back"), null=True)

    class Meta:
        verbose_name = _("note on a lead")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.at:%Y-%m-%d}"
