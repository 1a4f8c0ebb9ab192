"""Staff whom a full load no longer lists and who cannot go yet: what they hold must be given to others first."""

from __future__ import annotations

from collections import defaultdict

from django.utils.translation import gettext as _

from bankcrm import clock, figures, people
from bankcrm.models import Leave, Role, User


def holders() -> dict[int, str]:
    """Relationship manager → what keeps them, by the rules of the people pages: "customers: 3, open leads: 1"."""
    managers = User.objects.filter(role=Role.RM, is_active=True, is_auditor=False)
    ids = list(managers.values_list("pk", flat=True))
    told: defaultdict[int, list[str]] = defaultdict(list)
    for duty in people.DUTIES.values():
        for user_id, n in duty.count(ids).items():
            if n:
                told[user_id].append(f"{str(duty.label).lower()}: {n:,}")
    leaves = Leave.objects.filter(backup__in=ids, last_day__gte=clock.today()).select_related("user")
    for leave in leaves:
        told[leave.backup_id or 0].append(
            _("stands in for %(other)s until %(day)s")
            % {"other": leave.user, "day": figures.short_day(leave.last_day)}
        )
    return {user_id: ", ".join(words) for user_id, words in told.items()}
