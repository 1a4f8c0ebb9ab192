"""What relationship and branch managers type: filters, an outcome, a snooze, a move of leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bankcrm.form_fields import choices_of, rows_of
from bankcrm.models import Role, User
from campaigns import queue
from campaigns.followup import Entry
from campaigns.models import Campaign, Lead
from campaigns.models.leads import LeadQuerySet
from campaigns.outcomes import DeclineReason, NextStep
from customers import profile, tiering
from customers.models import CustomerProfile

LOCAL = "%Y-%m-%dT%H:%M"

STATUSES = {
    "new": (_("New"), Q(state=Lead.State.NEW)),
    "working": (_("In work"), Q(state=Lead.State.WORKING)),
    "unassigned": (_("Without a relationship manager"), Q(state=Lead.State.UNASSIGNED)),
    "converted": (_("Converted"), Q(state=Lead.State.CONVERTED)),
    "declined": (_("Declined"), Q(state=Lead.State.DECLINED)),
    "closed": (_("Closed without a sale"), Q(state=Lead.State.CLOSED)),
}
DUES = {
    "overdue": _("Overdue"),
    "today": _("Due today"),
    "week": _("Due in 7 days"),
    "later": _("Later"),
}


class LeadFilter(forms.Form):
    """The filters of the lead queue, kept in the URL. Whatever makes no sense there filters nothing."""

    campaign = forms.ChoiceField(required=False, label=_("Campaign"))
    product = forms.ChoiceField(required=False, label=_("Product"))
    status = forms.ChoiceField(required=False, label=_("Status"))
    due = forms.ChoiceField(required=False, label=_("Due"))
    tier = forms.ChoiceField(required=False, label=_("Tier"))
    rm = forms.ModelChoiceField(User.objects.none(), required=False, label=_("RM"))

    def __init__(self, data: Any, user: User, today: dt.date) -> None:
        super().__init__(data)
        self.user, self.today = user, today
        # Choices from the rows in sight: an option that finds nothing is noise.
        # One indexed look-up per campaign; a semi-join would read every lead the user ever had.
        mine = Lead.objects.visible_to(user).filter(campaign=OuterRef("pk"))
        found = Campaign.objects.filter(Exists(mine)).order_by("name")
        campaigns = found.values_list("pk", "name", "product__code", "product__name")
        products = {code: name for _pk, _name, code, name in campaigns}
        self._offer(
            "campaign", [("", _("All campaigns")), *((str(pk), name) for pk, name, *_product in campaigns)]
        )
        self._offer(
            "product", [("", _("All products")), *sorted(products.items(), key=lambda product: product[1])]
        )
        self._offer(
            "status",
            [
                ("", _("Open")),
                *((k, label) for k, (label, _q) in STATUSES.items()),
            ],
        )
        self._offer("due", [("", _("Any due date")), *DUES.items()])
        self.tier_names = tiering.names_at(today)
        self._offer("tier", [("", _("All tiers")), *self.tier_names.items()])
        if user.role == Role.RM:
            del self.fields["rm"]
        else:
            self._choose(
                "rm",
                User.objects.visible_to(user).relationship_managers().order_by("full_name"),
                _("All RMs"),
            )
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = str(field.label)
            if self.data.get(name):
                field.widget.attrs["class"] = "on"

    def _choose(self, name: str, queryset: Any, empty: Any) -> None:
        field = rows_of(self, name)
        field.queryset, field.empty_label = queryset, empty

    def _offer(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        choices_of(self, name).choices = choices

    @property
    def selects(self) -> list[dict[str, Any]]:
        """The filters as plain data: Django renders every option through a template of its own, which costs more than
        the rest of the queue page."""
        return [
            {
                "name": bound.html_name,
                "id": bound.id_for_label,
                "label": bound.label,
                "on": bool(bound.value()),
                # Iterated, not measured: the length of a model's choices is a query of its own.
                "options": [
                    (str(value), label, str(value) == str(bound.value() or ""))
                    for value, label in iter(cast(Any, bound.field).choices)
                ],
            }
            for bound in self
        ]

    @property
    def values(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def filter(self, leads: LeadQuerySet) -> LeadQuerySet:
        """``leads`` cut to what was chosen; open ones when no status was."""
        values = self.values
        status = values.get("status")
        leads = leads.filter(STATUSES[status][1] if status else self._open())
        if "campaign" in values:
            leads = leads.filter(campaign=values["campaign"])
        if "product" in values:
            leads = leads.filter(campaign__product__code=values["product"])
        if "rm" in values:
            leads = leads.filter(rm=values["rm"])
        if "due" in values:
            leads = leads.alias(due_day=queue.DUE_DAY).filter(self._due(values["due"]))
        if "tier" in values:
            holders = CustomerProfile.objects.filter(tier=values["tier"])
            if month := profile.latest_month():
                holders = holders.filter(month=month)
            leads = leads.filter(customer__in=holders.values("customer_id"))
        return leads

    def _open(self) -> Q:
        # A lead without a manager is nobody's own; leaving its state out lets the queue's index answer.
        return Q(state__in=queue.WORKABLE if self.user.role == Role.RM else Lead.OPEN)

    def _due(self, code: str) -> Q:
        week = self.today + dt.timedelta(days=7)
        return {
            "overdue": Q(due_day__lt=self.today),
            "today": Q(due_day=self.today),
            "week": Q(due_day__range=(self.today, week)),
            "later": Q(due_day__gt=self.today),
        }[code]


class OutcomeForm(forms.Form):
    """The dock: one outcome, what comes next, a note."""

    outcome = forms.ChoiceField(
        choices=Lead.Outcome, error_messages={"required": _("Choose an outcome: keys 1 to 9.")}
    )
    next_step = forms.ChoiceField(choices=NextStep, required=False)
    next_at = forms.DateTimeField(required=False, input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"])
    reason_code = forms.ChoiceField(choices=[("", ""), *DeclineReason.choices], required=False)
    amount = forms.DecimalField(required=False, min_value=0, max_digits=16, decimal_places=2)
    note = forms.CharField(required=False, max_length=2000, strip=True)
    client_key = forms.UUIDField()

    def entry(self) -> Entry:
        """What was typed, without what does not belong to the chosen outcome."""
        data = self.cleaned_data
        outcome = data["outcome"]
        return Entry(
            outcome=outcome,
            note=data["note"],
            reason_code=data["reason_code"] if outcome == Lead.Outcome.DECLINED else "",
            amount=data["amount"] if outcome == Lead.Outcome.CONVERTED else None,
            next_step=data["next_step"],
            next_at=data["next_at"],
            client_key=data["client_key"],
        )

    def sentence(self) -> str:
        """The first thing that is wrong, in one sentence."""
        for name, errors in self.errors.items():
            label = gettext("What you typed") if name == "__all__" else name.replace("_", " ")
            return str(errors[0]) if name == "outcome" else f"{label}: {errors[0]}"
        return ""


class NoteForm(forms.Form):
    """A note without an outcome."""

    note = forms.CharField(
        max_length=2000,
        strip=True,
        error_messages={
            "required": _("Type the note first."),
            "max_length": _("A note has at most %(limit_value)d characters."),
        },
    )
    note_key = forms.UUIDField()

    def sentence(self) -> str:
        """The first thing that is wrong, in one sentence."""
        return str(next(iter(self.errors.values()))[0])


class SnoozeForm(forms.Form):
    """Until when a lead stays out of the way."""

    until = forms.DateTimeField(input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"])


class MoveForm(forms.Form):
    """Whose leads go where: from ticked RMs or the unassigned, to one RM or spread over the free hours."""

    source = forms.ModelMultipleChoiceField(User.objects.none(), required=False)
    unassigned = forms.BooleanField(required=False)
    target = forms.ModelChoiceField(User.objects.none(), required=False)
    scope = forms.ChoiceField(
        choices=[("all", _("All open")), ("due", _("Due in 5 working days")), ("overdue", _("Overdue"))],
        required=False,
    )

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        team = User.objects.visible_to(user).relationship_managers()
        for name in ("source", "target"):
            cast(forms.ModelChoiceField, self.fields[name]).queryset = team

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("source") and not data.get("unassigned"):
            raise forms.ValidationError(_("Choose whose leads are to move."))
        return data


def local_value(moment: dt.datetime | None) -> str:
    """A moment as a datetime-local control takes it, in the time zone of the bank."""
    return timezone.localtime(moment).strftime(LOCAL) if moment else ""
