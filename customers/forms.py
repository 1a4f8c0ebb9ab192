"""Forms of the customer pages; choices are what the person at the keyboard may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.form_fields import choices_of
from bankcrm.models import Branch, Role, User
from customers import tiering
from customers.grades import LoyaltyGrade
from customers.reveal import Secret

ANY = ("", gettext_lazy("any"))
ORDER_CHOICES = [
    ("aum", gettext_lazy("AUM, highest first")),
    ("change", gettext_lazy("largest AUM gain")),
    ("fall", gettext_lazy("largest AUM loss")),
    ("maturity", gettext_lazy("next maturity")),
    ("number", gettext_lazy("customer number")),
]


class CustomerFilters(forms.Form):
    """Filters of the list, kept in the URL. An impossible value filters nothing and is said so."""

    branch = forms.ChoiceField(label=gettext_lazy("Branch"), required=False)
    rm = forms.ChoiceField(label=gettext_lazy("Relationship manager"), required=False)
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), required=False)
    loyalty = forms.ChoiceField(
        label=gettext_lazy("Loyalty"), required=False, choices=[ANY, *LoyaltyGrade.choices]
    )
    maturing = forms.BooleanField(label=gettext_lazy("Matures in 30 days"), required=False)
    falling = forms.BooleanField(label=gettext_lazy("AUM fell"), required=False)
    idle = forms.BooleanField(label=gettext_lazy("Not contacted in 12 months"), required=False)
    order = forms.ChoiceField(label=gettext_lazy("Order"), required=False, choices=ORDER_CHOICES)

    def __init__(self, user: User, month: dt.date | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The whole bank sorted by AUM takes seconds, a portfolio or a branch does not.
        self.default_order = "aum" if user.role in (Role.RM, Role.BRANCH_MANAGER) else "number"
        self.fields["order"].initial = self.default_order
        self._offer("tier", tiering.names_at(month or dt.date.max).items())
        if user.role == Role.RM and not user.is_auditor:
            del self.fields["branch"], self.fields["rm"]
            return
        branches = Branch.objects.all()
        managers = User.objects.relationship_managers().visible_to(user)
        if not user.is_auditor:
            branches = branches.filter(pk__in=user.branch_ids())
        self._offer("branch", branches.order_by("name").values_list("code", "name"))
        self._offer("rm", managers.order_by("full_name").values_list("employee_number", "full_name")[:500])

    def _offer(self, name: str, choices: Any) -> None:
        choices_of(self, name).choices = [ANY, *choices]

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that were understood."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class RevealForm(forms.Form):
    """Why somebody wants to see a number in full."""

    what = forms.ChoiceField(label=gettext_lazy("What"), choices=Secret.choices, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Why do you need it?"),
        min_length=5,
        max_length=200,
        help_text=gettext_lazy("Kept in the audit trail with your name and the time."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"].strip()
        if len(set(reason)) < 4:
            raise forms.ValidationError(_("Say in a few words what the number is needed for."))
        return reason
