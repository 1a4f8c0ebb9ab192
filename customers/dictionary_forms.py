"""What to look for in the data dictionary."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from customers import dictionary
from customers.fields import Area, Origin, Personal

ANY = ("", _("any"))


class DictionarySearch(forms.Form):
    """Words and filters, kept in the address; what is not understood narrows nothing."""

    q = forms.CharField(
        label=_("Words"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "data-key": "f"}),
    )
    area = forms.ChoiceField(label=_("Area"), required=False, choices=[ANY, *Area.choices])
    personal = forms.ChoiceField(label=_("Personal data"), required=False, choices=[ANY, *Personal.choices])
    origin = forms.ChoiceField(label=_("Made"), required=False, choices=[ANY, *Origin.choices])

    @property
    def search(self) -> dictionary.Search:
        self.is_valid()
        told = self.cleaned_data
        return dictionary.Search(
            told.get("q", ""), told.get("area", ""), told.get("personal", ""), told.get("origin", "")
        )
