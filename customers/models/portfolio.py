"""Who a customer belonged to, since when and why: transfers, imports, and who came back after leaving (A1.10)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Branch, Role, User
from customers.models.attributes import Customer
from customers.models.imports import ImportFile


class PortfolioTransferQuerySet(models.QuerySet["PortfolioTransfer"]):
    def visible_to(self, user: User) -> PortfolioTransferQuerySet:
        """Administrators and auditors see all; branch managers those that people of their own branches are part of."""
        if user.is_auditor or user.role == Role.ADMINISTRATOR:
            return self
        if user.role != Role.BRANCH_MANAGER:
            return self.none()
        # Few transfers and few people: two small scans, no join with the moves.
        own = list(User.objects.visible_to(user).values_list("pk", flat=True))
        return self.filter(Q(requested_by__in=own) | Q(people__overlap=own))


class PortfolioTransfer(models.Model):
    """Customers of some relationship managers given to others, once, now or on a day to come."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        DONE = "done", _("Done")
        UNDONE = "undone", _("Undone")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Not possible")

    class OpenLeads(models.TextChoices):
        MOVE = "move", _("Move with the customer")
        STAY = "stay", _("Stay until they are done")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=300)
    effective_on = models.DateField(_("effective on"))
    open_leads = models.CharField(_("open leads"), max_length=5, choices=OpenLeads, default=OpenLeads.MOVE)
    changes_branch = models.BooleanField(_("customers change to the new branch"), default=False)
    # {"sources", "nobody_in", "receivers", "spread_over", "tier", "branch", "customers"}: ids, read by transfer.Choice.
    choice = models.JSONField(default=dict)
    # Everybody it takes from or gives to, so that sight needs no join with the moves.
    people = ArrayField(models.BigIntegerField(), default=list)
    # Made by the preview: a form sent twice is one transfer.
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    # {"customers", "aum", "shares": [...], "leads": {...}, "undone": {...}, "error"}
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("asked"), db_default=Now())
    done_at = models.DateTimeField(_("done"), null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(_("undone or cancelled"), null=True)

    objects = PortfolioTransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("portfolio transfer")
        indexes = [
            models.Index(fields=["effective_on"], condition=Q(state="planned"), name="transfer_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class PortfolioMove(models.Model):
    """One customer in one transfer, or changed by one import: from whom to whom; the customer's portfolio history."""

    transfer = models.ForeignKey(PortfolioTransfer, null=True, on_delete=models.PROTECT, related_name="moves")
    file = models.ForeignKey(ImportFile, null=True, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="portfolio_moves")
    from_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # Nobody, where an import emptied it; the same as before where it changed the backup alone.
    to_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # What else changed, so that undo can put it back. Backup and branch are named only where they changed.
    backup_before = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    backup_after = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_branch = models.ForeignKey(
        Branch, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    to_branch = models.ForeignKey(
        Branch, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    moved_at = models.DateTimeField(_("moved"), db_default=Now())
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        verbose_name = _("portfolio move")
        constraints = [
            models.UniqueConstraint(fields=["transfer", "customer"], name="a_customer_once_per_transfer"),
            models.CheckConstraint(
                condition=Q(transfer__isnull=True) ^ Q(file__isnull=True), name="a_move_has_one_cause"
            ),
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="move_by_customer")]

    def __str__(self) -> str:
        return f"{self.transfer_id or self.file_id} {self.customer_id}"


class CustomerReturn(models.Model):
    """A customer who had left and is there again, by the word of an import."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey(ImportFile, on_delete=models.PROTECT, related_name="+")
    left_on = models.DateField(_("had left on"))
    returned_on = models.DateField(_("there again on"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("return of a customer")
        verbose_name_plural = _("returns of customers")
        constraints = [
            models.UniqueConstraint(fields=["customer", "file"], name="a_customer_returns_once_per_file")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.returned_on}"
