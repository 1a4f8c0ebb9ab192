"""The filters of the cohort page, kept in the URL: what to compare, period, branch, channel, partner and scene."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bankcrm.form_fields import choices_of
from bankcrm.models import Branch, User
from customers import acquisition
from customers.acquisition_figures import DIMENSIONS, EVENTS
from customers.acquisition_names import channel_name
from customers.acquisition_page import month_name
from customers.acquisition_scope import DIMENSION_LABELS, EVENT_LABELS, NOBODY_KNOWS, UNKNOWN, Scope
from customers.models import Acquisition

ANY = ("", _("any"))
MONTHS_SHOWN = 24


class CohortFilter(forms.Form):
    """Whatever makes no sense in the URL filters nothing; ``scope`` is what is in force."""

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
        self.months = _months(acquisition.first_cohort(as_of), as_of)
        for name, months in (("first", self.months), ("last", self.months[::-1])):
            self._offer(name, [(month.isoformat(), month_name(month)) for month in months])
        branches = Branch.objects.order_by("name")
        if not user.is_auditor:
            branches = branches.filter(pk__in=user.branch_ids())
        self._offer("branch", [ANY, *branches.values_list("code", "name")])
        known = Acquisition.objects.values_list(*DIMENSIONS).distinct()
        for name, found in zip(DIMENSIONS, zip(*known, strict=True), strict=False):
            called = channel_name if name == "channel" else str
            values = [(value or NOBODY_KNOWS, called(value) or UNKNOWN) for value in sorted(set(found))]
            self._offer(name, [ANY, *values])
        self.is_valid()
        self.is_narrowed = any(self.cleaned_data.values())
        self.scope = self._scope(user, as_of)
        # The controls show what is in force, not only what was asked for.
        self.initial = dict(self.scope.address)
        self.is_bound = False

    def _offer(self, name: str, choices: Any) -> None:
        choices_of(self, name).choices = list(choices)

    def _scope(self, user: User, as_of: dt.date) -> Scope:
        asked = self.cleaned_data
        first, last = asked.get("first"), asked.get("last")
        ends = [
            dt.date.fromisoformat(first) if first else self.months[-MONTHS_SHOWN:][0],
            dt.date.fromisoformat(last) if last else self.months[-1],
        ]
        return Scope(
            user,
            as_of,
            asked.get("by") or DIMENSIONS[0],
            asked.get("event") or next(iter(EVENTS)),
            min(ends),
            max(ends),
            {name: asked[name] for name in ("branch", *DIMENSIONS) if asked.get(name)},
        )


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    """First days of the months from the one of ``first`` to the one of ``last``."""
    start = first.year * 12 + first.month - 1
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [dt.date((start + n) // 12, (start + n) % 12 + 1, 1) for n in range(max(count, 1))]
