"""What changed on a campaign: who, when, from which state to which, why, and the fields before and after."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign


class Change(models.Model):
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField(_("version"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"), db_default=Now())
    from_state = models.CharField(_("from"), max_length=10, blank=True)
    to_state = models.CharField(_("to"), max_length=10, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    # Field name → the pair of its values before and after.
    fields = models.JSONField(_("fields"), default=dict)

    class Meta:
        verbose_name = _("change")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.campaign} {self.from_state} → {self.to_state}"
