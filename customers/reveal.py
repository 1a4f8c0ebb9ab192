"""Showing a phone or identity number in full: once, to whom the customer belongs, with a reason, on record."""

from __future__ import annotations

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from bankcrm import audit
from bankcrm.models import User
from customers.models import Customer


class Secret(models.TextChoices):
    PHONE = "phone", _("Phone")
    IDENTITY = "identity_number", _("Identity number")


@transaction.atomic
def reveal(user: User, customer: Customer, secret: Secret, reason: str) -> str:
    """The number in full; who asked for it and why is recorded first. ``customer`` comes from ``visible_to(user)``."""
    audit.record(user, "customer.revealed", customer, reason=reason, what=str(secret.value))
    return str(getattr(customer, secret.value))
