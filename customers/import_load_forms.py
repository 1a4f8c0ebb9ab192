"""Forms of one load: where the file comes from, whether it is everything, its day; and the word about missing rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.day_field import DayField
from bankcrm.form_fields import choices_of
from bankcrm.models import User
from bankcrm.runs import Refused
from customers.imports import loads
from customers.models import ImportFile


class LoadForm(forms.Form):
    """Source, load and day of a file; a kind of which nothing ends is never a full load."""

    source = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=40,
        help_text=gettext_lazy(
            "The system the file comes from, such as core or cards; history and undo go by it."
        ),
    )
    load = forms.ChoiceField(
        label=gettext_lazy("The file holds"),
        choices=ImportFile.Load.choices,
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Before a full load goes in you see how many known rows it does not hold."),
    )
    effective_on = DayField(
        label=gettext_lazy("As of"),
        required=False,
        help_text=gettext_lazy(
            "The day the file speaks of, where no column says it: the month-end of balances, the day rows ended."
        ),
    )

    def __init__(self, file: ImportFile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file = file
        for name in ("source", "load", "effective_on"):
            self.fields[name].initial = getattr(file, name)
        if file.kind not in loads.CLOSINGS:
            del self.fields["load"]

    def clean_effective_on(self) -> dt.date | None:
        """Judged beside what the rest of the page says, for the page posts it with this form."""
        day: dt.date | None = self.cleaned_data["effective_on"]
        if day is None:
            return None
        mapped = {name: value for name, value in self.data.items() if name.startswith("column_")}
        constants = {
            name.removeprefix("constant_"): value
            for name, value in self.data.items()
            if name.startswith("constant_")
        }
        if sentence := loads.day_objection(self.file, day, mapped, constants):
            raise forms.ValidationError(sentence)
        return day

    def save(self) -> bool:
        """Store it; a refusal becomes an error of the form, and False."""
        told = self.cleaned_data
        try:
            loads.describe(
                self.file,
                source=told["source"] if "source" in self.data else None,
                load=told.get("load", ""),
                effective_on=told["effective_on"],
                without_day="effective_on" in self.data,
            )
        except Refused as refusal:
            self.add_error("load" if "load" in self.fields else None, str(refusal))
            return False
        return True


class MissingForm(forms.Form):
    """What becomes of rows that a full load does not hold; where they are many, their number typed again."""

    missing = forms.ChoiceField(
        label=gettext_lazy("Rows the file does not hold"),
        choices=[(loads.CLOSE, ""), (loads.KEEP, gettext_lazy("Leave them as they are"))],
        widget=forms.RadioSelect,
    )
    agreed = forms.IntegerField(required=False, min_value=0)

    def __init__(self, file: ImportFile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file = file
        self.counted = loads.Missing(int(file.options.get("known", 0)), file.missing or 0)
        day = loads.effective_day(file)
        choices_of(self, "missing").choices = [
            (loads.CLOSE, _("Mark them as gone, as of %(day)s") % {"day": day.isoformat()}),
            (loads.KEEP, _("Leave them as they are")),
        ]
        if self.counted.is_many:
            self.fields["agreed"].label = _("To mark them as gone, type their number: %(missing)s") % {
                "missing": self.counted.missing
            }
            self.fields["agreed"].help_text = _("Not needed where they are left as they are.")
        else:
            del self.fields["agreed"]

    def confirm(self, user: User) -> str:
        """Store the word; returns why not, or ""."""
        try:
            loads.confirm(self.file, user, self.cleaned_data["missing"], self.cleaned_data.get("agreed"))
        except Refused as refusal:
            return str(refusal)
        return ""


class HistoryForm(forms.Form):
    """Which imports the list shows: by source and kind; what makes no sense narrows nothing."""

    source = forms.ChoiceField(label=gettext_lazy("Source"), required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("All kinds")), *ImportFile.Kind.choices],
    )

    def __init__(self, seen: QuerySet[ImportFile], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = seen
        names = seen.exclude(source="").order_by("source").values_list("source", flat=True).distinct()[:100]
        choices_of(self, "source").choices = [("", _("All sources")), *((name, name) for name in names)]

    def narrowed(self) -> QuerySet[ImportFile]:
        self.is_valid()
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        return self.seen.filter(**asked)
