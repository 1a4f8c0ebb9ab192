"""What a relationship manager types about a customer's consents and quiet periods."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.consents import SOURCES, Word
from customers.models import ConsentChannel, ConsentPurpose, QuietPeriod

DEFAULT_QUIET_DAYS = 30
CHOOSE = ("", _("choose"))


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class WordForm(forms.Form):
    """One word of the customer on one channel and purpose."""

    said = forms.ChoiceField(
        label=_("The customer"),
        choices=[("objects", _("objects")), ("agrees", _("agrees, or withdraws an objection"))],
        widget=forms.RadioSelect,
        initial="objects",
    )
    # Nothing is chosen beforehand: "every channel, every purpose" is too much to record by accident.
    channel = forms.ChoiceField(label=_("To contacts by"), choices=[CHOOSE, *ConsentChannel.choices])
    purpose = forms.ChoiceField(
        label=_("For"),
        choices=[CHOOSE, *ConsentPurpose.choices],
        help_text=_("Every channel and every purpose: do not contact. Service messages are still sent."),
    )
    since = forms.DateField(label=_("Said on"), widget=day_input())
    source = forms.ChoiceField(label=_("Where"), choices=list(SOURCES.items()))
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=200,
        required=False,
        help_text=_("Needed to withdraw an objection: a letter's date, a recording's number."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    @property
    def word(self) -> Word:
        """What the valid form says."""
        data = self.cleaned_data
        return Word(
            data["channel"],
            data["purpose"],
            data["said"] == "objects",
            data["since"],
            data["source"],
            data["evidence"].strip(),
        )


class QuietForm(forms.Form):
    """Days on which the customer is left alone."""

    first_day = forms.DateField(label=_("From"), widget=day_input())
    last_day = forms.DateField(
        label=_("To"), widget=day_input(), help_text=_("The last day of rest. It ends by itself.")
    )
    reason = forms.ChoiceField(label=_("Why"), choices=QuietPeriod.Reason.choices)
    source = forms.ChoiceField(label=_("Where it was said"), choices=list(SOURCES.items()))


def word_form(today: dt.date, data: Any = None) -> WordForm:
    return WordForm(data, initial={"since": today, "source": "call"}, auto_id="word_%s")


def quiet_form(today: dt.date, data: Any = None) -> QuietForm:
    until = today + dt.timedelta(days=DEFAULT_QUIET_DAYS)
    return QuietForm(data, initial={"first_day": today, "last_day": until}, auto_id="quiet_%s")
