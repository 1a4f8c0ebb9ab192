"""The day a sample bank lives on, where months are lived in minutes. A real bank has no row here and lives on today."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class BusinessDay(models.Model):
    day = models.DateField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_business_day")]

    def __str__(self) -> str:
        return self.day.isoformat()
