"""Which acquisitions a reader looks at: by period, branch, channel, partner and scene, and what is compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from bankcrm.models import BranchLink, User
from customers.acquisition_figures import DIMENSIONS
from customers.models import Acquisition

DIMENSION_LABELS = {"channel": _("Channel"), "partner": _("Partner"), "scene": _("Scene")}
EVENT_LABELS = {
    "second": _("took a second product"),
    "stayed": _("still with us"),
    "over_30": _("ever overdue more than 30 days"),
    "over_90": _("ever overdue more than 90 days"),
}
UNKNOWN = _("not known")
# Stands in addresses for the group nobody knows: an empty value would mean any.
NOBODY_KNOWS = "-"


@dataclass(frozen=True, slots=True)
class Scope:
    """``chosen`` narrows by "branch" (code, with the branches below it), "channel", "partner" and "scene"."""

    user: User
    as_of: dt.date
    dimension: str
    followed: str
    first: dt.date
    last: dt.date
    chosen: Mapping[str, str]

    @property
    def rows(self) -> QuerySet[Acquisition]:
        """What of it the user may see."""
        found = Acquisition.objects.visible_to(self.user).filter(cohort__range=(self.first, self.last))
        if code := self.chosen.get("branch"):
            below = BranchLink.objects.filter(ancestor__code=code).values("descendant")
            found = found.filter(customer__home_branch__in=below)
        for name in DIMENSIONS:
            if value := self.chosen.get(name):
                found = found.filter(**{name: "" if value == NOBODY_KNOWS else value})
        return found

    @property
    def address(self) -> dict[str, str]:
        """The scope as the parameters of an address."""
        period = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {"by": self.dimension, "event": self.followed} | dict(self.chosen) | period
