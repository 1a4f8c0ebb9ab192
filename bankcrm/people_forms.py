"""Forms of the people pages. Choices are what the person at the keyboard may see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Branch, BranchLink, Holiday, Leave, Role, User
from bankcrm.parsing import YEARS

# A branch of one kind lies below a branch of a kind further left.
TREE_ORDER = [Branch.Kind.HEAD_OFFICE, Branch.Kind.REGION, Branch.Kind.BRANCH, Branch.Kind.OUTLET]


def day_field(label: Any) -> forms.DateField:
    """A day that can be typed or picked, and that days can be added to."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[
            MinValueValidator(dt.date(YEARS.start, 1, 1)),
            MaxValueValidator(dt.date(YEARS.stop - 1, 12, 31)),
        ],
    )


def offer(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let the field ``name`` offer ``rows`` and accept no other."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  (for the type checker)
    field.queryset = rows


class UserForm(forms.ModelForm):
    # Not "password": a model form would write it, as typed, into the column of that name.
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Left empty, the password stays as it is."),
    )

    class Meta:
        model = User
        fields = [
            "full_name",
            "employee_number",
            "username",
            "role",
            "branch",
            "daily_capacity",
            "is_auditor",
            "is_active",
        ]
        labels = {"username": _("User name"), "is_active": _("May sign in")}
        help_texts = {
            "username": "",
            "is_auditor": _("Reads everything, changes nothing."),
            "is_active": "",
            "daily_capacity": _("For relationship managers: new leads are handed out up to this many."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "branch", Branch.objects.order_by("name"))
        if self.instance.pk is None:
            self.fields["new_password"].required = True
            self.fields["new_password"].help_text = _("At least 10 characters; not a common word.")

    def clean_new_password(self) -> str:
        password = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


class UserSearch(forms.Form):
    q = forms.CharField(label=_("Name or number"), required=False, max_length=60)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("Every role")), *Role.choices])
    branch = forms.ModelChoiceField(
        label=_("Branch"), required=False, queryset=Branch.objects.none(), empty_label=_("Every branch")
    )
    active = forms.ChoiceField(
        label=_("Access"),
        required=False,
        choices=[("", _("All")), ("1", _("May sign in")), ("0", _("Locked out"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "branch", Branch.objects.order_by("name"))

    def filter(self, users: QuerySet[User]) -> QuerySet[User]:
        """The users the form asks for; a field that makes no sense narrows nothing."""
        wanted = self.cleaned_data if self.is_valid() else {}
        if wanted.get("q"):
            text = wanted["q"]
            users = users.filter(
                Q(full_name__icontains=text) | Q(username__iexact=text) | Q(employee_number__iexact=text)
            )
        if wanted.get("role"):
            users = users.filter(role=wanted["role"])
        if wanted.get("branch"):
            below = BranchLink.objects.filter(ancestor=wanted["branch"]).values("descendant")
            users = users.filter(branch__in=below)
        if wanted.get("active"):
            users = users.filter(is_active=wanted["active"] == "1")
        return users


class BranchForm(forms.ModelForm):
    class Meta:
        model = Branch
        fields = ["name", "code", "kind", "parent"]
        labels = {"parent": _("Belongs to")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        possible = Branch.objects.order_by("name")
        if self.instance.pk:
            below = BranchLink.objects.filter(ancestor=self.instance.pk).values("descendant")
            possible = possible.exclude(pk__in=below)
        offer(self, "parent", possible)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind, parent = cleaned.get("kind"), cleaned.get("parent")
        if not kind or "parent" in self.errors:
            return cleaned
        if kind == Branch.Kind.HEAD_OFFICE:
            if parent:
                self.add_error("parent", _("The head office belongs to nothing."))
        elif parent is None:
            self.add_error("parent", _("Say what it belongs to."))
        elif TREE_ORDER.index(Branch.Kind(parent.kind)) >= TREE_ORDER.index(Branch.Kind(kind)):
            self.add_error("parent", _("Only a higher kind of branch can have it."))
        return cleaned


class LeaveForm(forms.ModelForm):
    first_day = day_field(_("First day"))
    last_day = day_field(_("Last day"))

    class Meta:
        model = Leave
        fields = ["user", "first_day", "last_day", "backup"]
        labels = {"user": _("Relationship manager")}
        help_texts = {"backup": _("Takes the new leads of these days.")}

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managers = User.objects.visible_to(actor).relationship_managers().order_by("full_name")
        for name in ("user", "backup"):
            offer(self, name, managers)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day comes before the first."))
        if cleaned.get("user") and cleaned.get("user") == cleaned.get("backup"):
            self.add_error("backup", _("Nobody is their own backup."))
        return cleaned


class HolidayForm(forms.ModelForm):
    day = day_field(_("Day"))

    class Meta:
        model = Holiday
        fields = ["day", "name"]
        labels = {"name": _("Name")}

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        if day.weekday() > 4:
            raise ValidationError(_("Saturdays and Sundays are free anyway."))
        return day
