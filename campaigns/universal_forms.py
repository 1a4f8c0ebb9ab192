"""What a manager types to begin a universal control or to end it early."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bankcrm import clock
from bankcrm.day_field import DayField
from campaigns.campaign_forms import PercentField


class UniversalForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    share = PercentField(
        label=_("Share of all customers, %"),
        min_value=Decimal(1),
        max_value=Decimal(5),
        max_digits=3,
        decimal_places=1,
        initial=Decimal("0.020"),
        help_text=_(
            "Between 1 and 5. More shows smaller differences, and costs the sales of those left alone."
        ),
    )
    starts_on = DayField(label=_("First day"), help_text=_("Members are drawn on this day."))
    ends_on = DayField(
        label=_("Last day"),
        help_text=_("Usually a year, so that every season is in it; then others take their turn."),
    )

    def __init__(self, *args: Any, first: dt.date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = first or clock.today()
        self.fields["starts_on"].initial = day
        self.fields["ends_on"].initial = day + dt.timedelta(days=364)
        self.fields["name"].initial = str(day.year)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _("It ends before it begins."))
        return data
