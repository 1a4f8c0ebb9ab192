"""A form on a row that others edit too: it carries the version its reader saw and shows both sides when that is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from campaigns.conflicts import Conflict

NOTHING = "—"


class VersionedForm(forms.ModelForm):
    """Has the version of its instance as a hidden field, empty for a new row."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.version if self.instance.pk else None

    @property
    def seen(self) -> int:
        """The version the editor saw; 0, which no row has, where the page did not send it back."""
        return self.cleaned_data.get("version") or 0

    def values(self) -> dict[str, Any]:
        """What was typed, without the version."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


def both_sides(
    form: VersionedForm, conflict: Conflict, form_of: Callable[[Any], forms.BaseForm]
) -> dict[str, Any]:
    """What ``campaigns/_stale.html`` shows: the sentence, the version now, every field that differs as it is and as
    typed. ``form_of`` makes the same form on the row as it stands."""
    now = form_of(conflict.current)
    fields = []
    for name, value in form.values().items():
        field = form.fields[name]
        standing = now.get_initial_for_field(now.fields[name], name)
        if field.has_changed(standing, form[name].data):
            fields.append({"label": field.label, "now": _said(field, standing), "mine": _said(field, value)})
    return {"sentence": str(conflict), "version": conflict.current.version, "fields": fields}


def _said(field: forms.Field, value: Any) -> str:
    """A field's value as its reader knows it."""
    if isinstance(field, forms.ModelChoiceField) and value is not None:
        row = (
            field.queryset.filter(pk=getattr(value, "pk", value)).first()
            if field.queryset is not None
            else None
        )
        return field.label_from_instance(row) if row else NOTHING
    if isinstance(field, forms.BooleanField):
        return _("Yes") if value else _("No")
    return NOTHING if value in (None, "") else str(value)
