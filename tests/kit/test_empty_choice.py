"""A select says what its empty choice means; no form shows Django's row of dashes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django import forms
from django.urls import get_resolver

from bankcrm.models import Branch

OURS = ("bankcrm", "customers", "analytics", "campaigns")


class Example(forms.Form):
    must = forms.ModelChoiceField(None)
    may = forms.ModelChoiceField(None, required=False)
    said = forms.ModelChoiceField(None, required=False, empty_label="the whole bank")
    word = forms.ChoiceField(choices=[("", "---------"), ("a", "A")], required=False)


@pytest.fixture
def example(db: None) -> Example:
    form = Example()
    for name in ("must", "may", "said"):
        field = form.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Branch.objects.none()
    return form


def test_an_empty_choice_is_to_be_made_or_none_or_what_the_form_says(example: Example) -> None:
    shown = {name: str(example[name]) for name in example.fields}
    assert '<option value="" selected>Choose…</option>' in shown["must"]
    assert '<option value="" selected>None</option>' in shown["may"]
    assert '<option value="" selected>the whole bank</option>' in shown["said"]
    assert '<option value="" selected>None</option>' in shown["word"]
    assert '<option value="a">A</option>' in shown["word"]


def _forms(of: type[forms.BaseForm] = forms.BaseForm) -> Iterator[type[forms.BaseForm]]:
    for form in of.__subclasses__():
        yield form
        yield from _forms(form)


@pytest.mark.django_db
def test_no_form_of_ours_shows_dashes() -> None:
    # The views import every form there is.
    assert get_resolver().url_patterns
    fields = [
        field
        for form in _forms()
        if form.__module__.split(".")[0] in OURS
        for field in getattr(form, "base_fields", {}).values()
        if isinstance(field.widget, forms.Select)
    ]
    assert len(fields) > 30
    for field in fields:
        assert "----" not in field.widget.render("x", ""), field.label
