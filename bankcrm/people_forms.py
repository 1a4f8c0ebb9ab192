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

from bankcrm import absence, clock, workdays
from bankcrm.branches import KIND_ORDER
from bankcrm.form_fields import offer, rows_of
from bankcrm.models import Branch, BranchLink, Holiday, Leave, Role, User
from bankcrm.parsing import YEARS


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


WEEK = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
WEEKDAYS = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]
HALVES = [(2, _("whole day")), (1, _("half day")), (0, _("free"))]
MOST_LEADS = 200


def open_branches(kept: int | None = None) -> QuerySet[Branch]:
    """Branches something can be put into, by name; ``kept`` is one that is there already, closed or not."""
    return Branch.objects.filter(Q(closed_on__isnull=True) | Q(pk=kept or 0)).order_by("name")


class Versioned(forms.ModelForm):
    """A form that remembers which version of its row it showed; without it a changed row would be overwritten."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.version
        if self.instance.pk is not None:
            self.fields["version"].required = True

    @property
    def seen_version(self) -> int | None:
        return self.cleaned_data.get("version") if self.instance.pk else None


class UserForm(Versioned):
    # Not "password": a model form would write it, as typed, into the column of that name.
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Left empty, the password stays as it is."),
    )
    # Ticked by the page once it has shown what a change of role, branch or access does.
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = [
            "full_name",
            "employee_number",
            "username",
            "role",
            "branch",
            "daily_capacity",
            "portfolio_size",
            "is_auditor",
            "is_active",
        ]
        labels = {"username": _("User name"), "is_active": _("May sign in")}
        help_texts = {
            "username": "",
            "is_auditor": _("Reads everything, changes nothing."),
            "is_active": "",
            "daily_capacity": _("For relationship managers: new leads are handed out up to this many."),
            "portfolio_size": _("For relationship managers: a transfer says who would have more."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "branch", open_branches(self.instance.branch_id))
        for n, day in enumerate(WEEK):
            self.fields[f"week_{n}"] = forms.TypedChoiceField(
                label=day,
                choices=HALVES,
                coerce=int,
                required=False,
                empty_value=None,
                initial=self.instance.working_week[n],
            )
        if self.instance.pk is None:
            self.fields["new_password"].required = True
            self.fields["new_password"].help_text = _("At least 10 characters; not a common word.")

    @property
    def week(self) -> list[forms.BoundField]:
        return [self[f"week_{n}"] for n in range(len(WEEK))]

    @property
    def plain(self) -> list[forms.BoundField]:
        """The visible fields apart from the working week, which stands in one line."""
        return [field for field in self if not field.is_hidden and not field.name.startswith("week_")]

    def clean_new_password(self) -> str:
        password = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password

    def clean_daily_capacity(self) -> int:
        capacity: int = self.cleaned_data["daily_capacity"]
        if capacity > MOST_LEADS:
            raise ValidationError(_("Nobody works %(n)s leads a day.") % {"n": capacity})
        return capacity

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kept = self.instance.working_week
        week = [cleaned.get(f"week_{n}") for n in range(len(WEEK))]
        # A form without these fields, such as a program's, leaves the week as it is.
        self.instance.working_week = [kept[n] if half is None else half for n, half in enumerate(week)]
        works = cleaned.get("role") == Role.RM and cleaned.get("daily_capacity")
        if works and not any(self.instance.working_week):
            self.add_error(
                "week_0", _("Somebody who works on no day cannot take leads: set them to 0 a day.")
            )
        return cleaned


class LeaveSearch(forms.Form):
    when = forms.ChoiceField(
        label=_("Leave"),
        required=False,
        choices=[("", _("Now and to come")), ("now", _("Today")), ("all", _("All"))],
    )
    q = forms.CharField(label=_("Name"), required=False, max_length=60)

    def filter(self, leaves: QuerySet[Leave]) -> QuerySet[Leave]:
        """The leaves the form asks for; those that are over only when asked for."""
        wanted = self.cleaned_data if self.is_valid() else {}
        today = clock.today()
        if wanted.get("when") == "now":
            leaves = leaves.filter(first_day__lte=today, last_day__gte=today)
        elif wanted.get("when") != "all":
            leaves = leaves.filter(last_day__gte=today)
        if wanted.get("q"):
            text = wanted["q"]
            leaves = leaves.filter(Q(user__full_name__icontains=text) | Q(backup__full_name__icontains=text))
        return leaves


class UserSearch(forms.Form):
    q = forms.CharField(label=_("Name or number"), required=False, max_length=60)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("Every role")), *Role.choices])
    branch = forms.ModelChoiceField(
        label=_("Branch"), required=False, queryset=Branch.objects.none(), empty_label=_("Every branch")
    )
    active = forms.ChoiceField(
        label=_("Access"),
        required=False,
        choices=[
            ("", _("All")),
            ("1", _("May sign in")),
            ("0", _("Locked out")),
            ("away", _("On leave today")),
        ],
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
        if wanted.get("active") == "away":
            users = users.filter(pk__in=list(absence.on(clock.today())))
        elif wanted.get("active"):
            users = users.filter(is_active=wanted["active"] == "1")
        return users


class BranchForm(Versioned):
    class Meta:
        model = Branch
        fields = ["name", "code", "kind", "parent"]
        labels = {"parent": _("Belongs to")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        possible = open_branches(self.instance.parent_id)
        if self.instance.pk:
            # Moving has a page of its own, which shows first who sees what afterwards.
            del self.fields["parent"]
        else:
            offer(self, "parent", possible)


class BranchFileForm(forms.Form):
    """A file of branches."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV in UTF-8 or GB18030 with the columns code, name, kind and parent; rows in any order."
        ),
    )


class BranchMoveForm(forms.Form):
    """Below which branch a subtree is to lie."""

    parent = forms.ModelChoiceField(Branch.objects.none(), label=_("Move below"))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, branch: Branch) -> None:
        super().__init__(data, initial={"version": branch.version})
        below = BranchLink.objects.filter(ancestor=branch.pk).values("descendant")
        kinds = KIND_ORDER[: KIND_ORDER.index(Branch.Kind(branch.kind)) + 1]
        possible = open_branches().exclude(pk__in=below).exclude(pk=branch.parent_id or 0)
        offer(self, "parent", possible.filter(kind__in=kinds))


class BranchCloseForm(forms.Form):
    """Who takes over what the branch still has."""

    heir = forms.ModelChoiceField(
        Branch.objects.none(),
        label=_("Staff, customers and leads go to"),
        required=False,
        empty_label=_("nobody: the branch is empty"),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, branch: Branch) -> None:
        super().__init__(data, initial={"version": branch.version})
        offer(self, "heir", open_branches().exclude(pk=branch.pk))


class LeaveForm(forms.ModelForm):
    first_day = day_field(_("First day"))
    last_day = day_field(_("Last day"))

    class Meta:
        model = Leave
        fields = ["user", "first_day", "last_day", "backup"]
        labels = {"user": _("Relationship manager")}
        help_texts = {
            "backup": _(
                "Sees and works all customers and open leads of these days, and takes the new ones. Without one each"
                " customer goes to the customer's own backup, else to the branch manager."
            )
        }

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
    works_as = forms.TypedChoiceField(
        label=_("On this day"),
        choices=[
            ("", _("nobody works")),
            *((n, _("worked like a %s") % day) for n, day in enumerate(WEEKDAYS[:5])),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_("A make-up day (调休) is worked like the weekday it stands in for."),
    )

    class Meta:
        model = Holiday
        fields = ["day", "name", "works_as", "branch"]
        labels = {"name": _("Name"), "branch": _("Where")}
        help_texts = {
            "branch": _("A branch's or region's own day goes before the bank's, for everything below it.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "branch", open_branches())
        rows_of(self, "branch").empty_label = _("the whole bank")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        day, branch = cleaned.get("day"), cleaned.get("branch")
        if not day or self.errors:
            return cleaned
        if Holiday.objects.filter(day=day, branch=branch).exists():
            self.add_error("day", _("This day already has an entry here. Remove that first."))
            return cleaned
        now = workdays.works_as(day, workdays.specials(day, day, branch.pk if branch else None))
        if now is None and cleaned.get("works_as") is None:
            free = _("Saturdays and Sundays are free anyway.")
            self.add_error("day", free if day.weekday() > 4 else _("Nobody works on this day anyway."))
        elif now is not None and now == cleaned.get("works_as"):
            self.add_error("day", _("This day is worked like that anyway."))
        return cleaned
