"""Files that came in, and every row of them that did not."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Role, Run, User


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    def visible_to(self, user: User) -> ImportFileQuerySet:
        """Files hold whole customers: administrators, analysts' own and auditors only."""
        if user.is_auditor or user.role == Role.ADMINISTRATOR:
            return self
        return self.filter(uploaded_by=user)


class ImportFile(models.Model):
    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        CUSTOMERS = "customers", _("Customers")
        HOLDINGS = "holdings", _("Holdings")
        BALANCES = "balances", _("Balances")
        TRANSACTIONS = "transactions", _("Transactions")
        CONSENTS = "consents", _("Consents")
        CAMPAIGN = "campaign", _("Past campaign")

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        MERGED = "merged", _("Merged")
        REFUSED = "refused", _("Refused")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=2, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    # {"file column": "catalogue field"}; for a past campaign also its name, dates and arms.
    mapping = models.JSONField(_("mapping"), default=dict)
    options = models.JSONField(_("options"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UPLOADED)
    error = models.TextField(_("error"), blank=True)
    rows = models.PositiveBigIntegerField(_("rows"), null=True)
    accepted = models.PositiveBigIntegerField(_("accepted"), null=True)
    rejected = models.PositiveBigIntegerField(_("rejected"), null=True)
    inserted = models.PositiveBigIntegerField(_("new"), null=True)
    updated = models.PositiveBigIntegerField(_("changed"), null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"), db_default=Now())
    merged_at = models.DateTimeField(_("merged"), null=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ImportFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        constraints = [models.UniqueConstraint(fields=["kind", "sha256"], name="same_file_once")]

    def __str__(self) -> str:
        return self.name


class ImportReject(models.Model):
    """One row that was left out: where it stands in the file and what was wrong with it."""

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="rejects")
    line = models.PositiveBigIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=80, blank=True)
    code = models.CharField(max_length=40)
    reason = models.TextField(_("reason"))
    raw = models.TextField(_("the row as it came"), blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file", "line", "column", "code"], name="one_reject_per_line_and_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.line} {self.code}"
