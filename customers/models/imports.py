"""Files that came in, and every row of them that did not."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Role, Run, User


class ImportSource(models.Model):
    """Where files of one kind come from again and again, and how its last confirmed file was read.

    ``columns`` is the header of that file: a later file with other columns is asked about, never guessed at.
    """

    kind = models.CharField(_("kind"), max_length=20)
    name = models.CharField(_("source"), max_length=40)
    columns = models.JSONField(_("columns"), default=list)
    mapping = models.JSONField(_("mapping"), default=dict)
    options = models.JSONField(_("options"), default=dict)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    updated_at = models.DateTimeField(_("changed"), db_default=Now())

    class Meta:
        verbose_name = _("source of imports")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_source_per_kind_and_name")]

    def __str__(self) -> str:
        return self.name


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    def visible_to(self, user: User) -> ImportFileQuerySet:
        """Files hold whole customers: administrators, analysts' own and auditors only."""
        if user.is_auditor or user.role == Role.ADMINISTRATOR:
            return self
        return self.filter(uploaded_by=user)

    def present(self) -> ImportFileQuerySet:
        """Files that were not undone: of these the same one is taken once."""
        return self.exclude(state=ImportFile.State.UNDONE)


class ImportFile(models.Model):
    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        CUSTOMERS = "customers", _("Customers")
        HOLDINGS = "holdings", _("Holdings")
        BALANCES = "balances", _("Balances")
        TRANSACTIONS = "transactions", _("Transactions")
        CONSENTS = "consents", _("Consents")
        CONSUMER_FINANCE = "consumer_finance", _("Consumer finance")
        CAMPAIGN = "campaign", _("Past campaign")
        PROSPECTS = "prospects", _("Prospects")

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        MERGED = "merged", _("Merged")
        REFUSED = "refused", _("Refused")
        UNDONE = "undone", _("Undone")

    class Load(models.TextChoices):
        """What a file says about rows it does not hold: nothing, or that its source no longer has them."""

        DELTA = "delta", _("Changes: new and changed rows only")
        FULL = "full", _("Everything: rows that are missing are no longer there")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=2, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    source = models.CharField(_("source"), max_length=40, blank=True, db_default="")
    load = models.CharField(_("load"), max_length=6, choices=Load, default=Load.DELTA, db_default=Load.DELTA)
    effective_on = models.DateField(_("as of"), null=True, blank=True)
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
    # Of a full load: rows known from this source that the file does not hold, and how many were marked so.
    missing = models.PositiveBigIntegerField(_("no longer in the file"), null=True)
    closed = models.PositiveBigIntegerField(_("marked as gone"), null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"), db_default=Now())
    merged_at = models.DateTimeField(_("merged"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ImportFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        # What was undone stays in the history, and the same file may come again.
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "sha256"], name="same_file_once", condition=~models.Q(state="undone")
            )
        ]
        indexes = [models.Index(fields=["kind", "source", "merged_at"], name="import_by_source")]

    def __str__(self) -> str:
        return self.name


class ImportReject(models.Model):
    """What is wrong with a row: where it stands in the file and why. It was left out, unless this is a warning."""

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="rejects")
    line = models.PositiveBigIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=80, blank=True)
    code = models.CharField(max_length=40)
    reason = models.TextField(_("reason"))
    raw = models.TextField(_("the row as it came"), blank=True)
    # The row went in all the same; somebody should look at it.
    is_warning = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file", "line", "column", "code"], name="one_reject_per_line_and_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.line} {self.code}"
