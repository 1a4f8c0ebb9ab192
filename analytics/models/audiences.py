"""A saved condition over the field catalogue. It selects customers and promises nothing."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import User


class AudienceQuerySet(models.QuerySet["Audience"]):
    def visible_to(self, user: User) -> AudienceQuerySet:
        """Audiences are conditions, not customers: everybody who may open the page sees them."""
        return self


class Audience(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.TextField(_("description"), blank=True)
    # A group of rows and groups as analytics.conditions reads it: all / any / none of field, op, value.
    condition = models.JSONField(_("condition"), default=dict)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(_("changed"), db_default=Now())

    objects = AudienceQuerySet.as_manager()

    class Meta:
        verbose_name = _("audience")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
