from bankcrm.models.audit import AuditEvent
from bankcrm.models.clock import BusinessDay
from bankcrm.models.idempotency import IdempotencyKey
from bankcrm.models.runs import Run
from bankcrm.models.staff import Branch, BranchLink, Holiday, Leave, Role, User

__all__ = [
    "AuditEvent",
    "Branch",
    "BranchLink",
    "BusinessDay",
    "Holiday",
    "IdempotencyKey",
    "Leave",
    "Role",
    "Run",
    "User",
]
