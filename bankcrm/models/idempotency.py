"""Answers already given: a request that is sent again under the same key gets the first answer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class IdempotencyKey(models.Model):
    """Written in the transaction of the work it stands for, so that neither is there without the other."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("key"), max_length=200)
    # sha256 over method, address and body: a key that comes with another request is a mistake of the sender.
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    location = models.CharField(max_length=200, blank=True, default="")
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("idempotency key")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="a_key_once_per_user")]
        indexes = [models.Index(fields=["user", "created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.request_hash[:8]}"
