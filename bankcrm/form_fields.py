"""The fields of a form as what they are, so that a form can fit them to its reader."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.db.models import QuerySet

Kind = TypeVar("Kind", bound=forms.Field)


def field_of(form: forms.BaseForm, name: str, kind: type[Kind]) -> Kind:
    """The form's field ``name``. Raises KeyError where there is none, TypeError where it is of another kind."""
    field = form.fields[name]
    if not isinstance(field, kind):
        raise TypeError(f"{name} of {type(form).__name__} is a {type(field).__name__}, no {kind.__name__}")
    return field


def rows_of(form: forms.BaseForm, name: str) -> forms.ModelChoiceField:
    """The form's field ``name``, a choice among rows."""
    return field_of(form, name, forms.ModelChoiceField)


def choices_of(form: forms.BaseForm, name: str) -> forms.ChoiceField:
    """The form's field ``name``, a choice among words."""
    return field_of(form, name, forms.ChoiceField)


def offer(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let the field ``name`` offer ``rows`` and accept no other."""
    rows_of(form, name).queryset = rows
