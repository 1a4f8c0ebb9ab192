"""Open leads that went with their customers to another relationship manager."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Branch
from campaigns.models.leads import Lead
from customers.models import PortfolioTransfer


class LeadHandover(models.Model):
    """One lead in one portfolio transfer; ``version`` is the lead's after it, by which undo sees later work."""

    transfer = models.ForeignKey(PortfolioTransfer, on_delete=models.PROTECT, related_name="lead_handovers")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="handovers")
    from_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    to_rm = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_branch = models.ForeignKey(
        Branch, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_state = models.CharField(max_length=12, choices=Lead.State)
    version = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("lead handover")
        constraints = [models.UniqueConstraint(fields=["transfer", "lead"], name="a_lead_once_per_transfer")]

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.lead_id}"
