"""Writing the audit trail, in the transaction of the act it records, and reading what it says of one row."""

from __future__ import annotations

from typing import Any

from django.db import models

from bankcrm.models import AuditEvent, User


def record(
    actor: User | None,
    action: str,
    subject: models.Model,
    *,
    from_state: str = "",
    to_state: str = "",
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Add one audit row about ``subject``; ``details`` must be JSON and free of personal data."""
    return AuditEvent.objects.create(
        actor=actor,
        action=action,
        object_type=subject._meta.label_lower,
        object_id=str(subject.pk),
        from_state=from_state,
        to_state=to_state,
        reason=reason,
        details=details,
    )


def about(label: str, pk: object) -> models.QuerySet[AuditEvent]:
    """What is on record about one row and who did it, newest first; ``label`` as in ``bankcrm.branch``."""
    found = AuditEvent.objects.filter(object_type=label, object_id=str(pk))
    return found.select_related("actor").order_by("-id")
