"""The filters of the cohort page, kept in the URL: what to compare, period, branch, channel, partner and scene."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from bankcrm.models import Branch, BranchLink, User
from customers import acquisition
from customers.acquisition_figures import DIMENSIONS, EVENTS
from customers.models import Acquisition

ANY = ("", _("any"))
MONTHS_SHOWN = 24
DIMENSION_LABELS = {"channel": _("Channel"), "partner": _("Partner"), "scene": _("Scene")}
EVENT_LABELS = {
    "second": _("took a second product"),
    "stayed": _("still with us"),
    "over_30": _("ever overdue more than 30 days"),
    "over_90": _("ever overdue more than 90 days"),
}
UNKNOWN = _("not known")


def month_name(cohort: dt.date) -> str:
    return date_format(cohort, pgettext("date", "M Y"))


class CohortFilter(forms.Form):
    """Whatever makes no sense in the URL filters nothing. ``rows`` are the acquisitions that count."""

    by = forms.ChoiceField(label=_("Compare"), required=False, choices=list(DIMENSION_LABELS.items()))
    first = forms.ChoiceField(label=_("From"), required=False)
    last = forms.ChoiceField(label=_("To"), required=False)
    branch = forms.ChoiceField(label=_("Branch"), required=False)
    channel = forms.ChoiceField(label=DIMENSION_LABELS["channel"], required=False)
    partner = forms.ChoiceField(label=DIMENSION_LABELS["partner"], required=False)
    scene = forms.ChoiceField(label=DIMENSION_LABELS["scene"], required=False)
    event = forms.ChoiceField(label=_("Follow"), required=False, choices=list(EVENT_LABELS.items()))

    def __init__(self, user: User, as_of: dt.date, data: Any) -> None:
        super().__init__(data)
        self.user, self.as_of = user, as_of
        self.months = _months(acquisition.first_cohort(as_of), as_of)
        for name, months in (("first", self.months), ("last", self.months[::-1])):
            self._offer(name, [(month.isoformat(), month_name(month)) for month in months])
        branches = Branch.objects.order_by("name")
        if not user.is_auditor:
            branches = branches.filter(pk__in=user.branch_ids())
        self._offer("branch", [ANY, *branches.values_list("code", "name")])
        known = Acquisition.objects.values_list(*DIMENSIONS).distinct()
        for name, found in zip(DIMENSIONS, zip(*known, strict=True), strict=False):
            # "-" stands for what nobody knows: an empty value would mean any.
            values = [(value or "-", value or UNKNOWN) for value in sorted(set(found))]
            self._offer(name, [ANY, *values])
        self.is_valid()
        self.chosen: dict[str, str] = {name: value for name, value in self.cleaned_data.items() if value}
        # The controls show what is in force, not only what was asked for.
        self.initial = self.in_force
        self.is_bound = False

    def _offer(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  for the type checker
        field.choices = list(choices)

    @property
    def in_force(self) -> dict[str, str]:
        first, last = self.period
        period = {"first": first.isoformat(), "last": last.isoformat()}
        return {"by": self.dimension, "event": self.followed} | self.chosen | period

    @property
    def dimension(self) -> str:
        return self.chosen.get("by", DIMENSIONS[0])

    @property
    def followed(self) -> str:
        return self.chosen.get("event", next(iter(EVENTS)))

    @property
    def period(self) -> tuple[dt.date, dt.date]:
        """First and last cohort, in order whichever way round they were chosen."""
        first, last = self.chosen.get("first"), self.chosen.get("last")
        ends = [
            dt.date.fromisoformat(first) if first else self.months[-MONTHS_SHOWN:][0],
            dt.date.fromisoformat(last) if last else self.months[-1],
        ]
        return min(ends), max(ends)

    @property
    def rows(self) -> QuerySet[Acquisition]:
        """Acquisitions of the period and the choices that the user may see."""
        found = Acquisition.objects.visible_to(self.user).filter(cohort__range=self.period)
        if code := self.chosen.get("branch"):
            below = BranchLink.objects.filter(ancestor__code=code).values("descendant")
            found = found.filter(customer__home_branch__in=below)
        for name in DIMENSIONS:
            if value := self.chosen.get(name):
                found = found.filter(**{name: "" if value == "-" else value})
        return found


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    """First days of the months from the one of ``first`` to the one of ``last``."""
    start, count = (
        first.year * 12 + first.month - 1,
        (last.year - first.year) * 12 + last.month - first.month + 1,
    )
    return [dt.date((start + n) // 12, (start + n) % 12 + 1, 1) for n in range(max(count, 1))]
