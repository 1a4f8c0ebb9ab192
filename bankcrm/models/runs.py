"""Long work as rows: what was asked, by whom, how far it is. The database is the queue of record."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models.staff import Role, User

# Kind of work → roles that see every run of it, whoever asked; ``runs.work(shared=True)`` enters them.
SHARED: dict[str, frozenset[str]] = {}


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> RunQuerySet:
        """One's own runs and those of shared work one may ask for; administrators and auditors see all of them."""
        if user.is_auditor or user.role == Role.ADMINISTRATOR:
            return self
        shared = [kind for kind, roles in SHARED.items() if user.role in roles]
        return self.filter(Q(requested_by=user) | Q(kind__in=shared))

    def controlled_by(self, user: User) -> RunQuerySet:
        """Runs this user may stop and try again: one's own, and all of them for administrators."""
        if not user.may_change:
            return self.none()
        return self if user.role == Role.ADMINISTRATOR else self.filter(requested_by=user)

    def unfinished(self) -> RunQuerySet:
        return self.filter(state__in=Run.UNFINISHED)


class Run(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")  # refused for a reason the requester can mend
        CANCELLED = "cancelled", _("Cancelled")
        DEAD = "dead", _("Given up")  # three attempts, none finished

    UNFINISHED = (State.QUEUED, State.RUNNING)

    kind = models.CharField(_("kind"), max_length=60)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    arguments = models.JSONField(_("arguments"), default=dict)  # ids only, never personal data
    # At most one unfinished run per key: a second push of the same wave finds the first one.
    key = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="runs"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.QUEUED, db_default=State.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    available_at = models.DateTimeField(db_default=Now())
    dispatched_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False, db_default=False)
    done = models.PositiveBigIntegerField(_("rows done"), default=0, db_default=0)
    total = models.PositiveBigIntegerField(_("rows in all"), null=True)
    note = models.CharField(_("step"), max_length=200, blank=True)
    result = models.JSONField(_("result"), default=dict)
    error = models.TextField(_("error"), blank=True)
    created_at = models.DateTimeField(_("asked"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=Q(state__in=["queued", "running"]) & ~Q(key=""),
                name="one_unfinished_run_per_key",
            ),
        ]
        indexes = [
            # Read by the reaper every half minute: stays as small as the work in hand.
            models.Index(
                fields=["available_at"], condition=Q(state__in=["queued", "running"]), name="run_unfinished"
            ),
            models.Index(fields=["requested_by", "-id"], name="run_by_requester"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED
