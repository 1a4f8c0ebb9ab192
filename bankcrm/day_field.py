"""A day in a form: picked where the browser can, typed as YYYY-MM-DD where it cannot, never guessed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class DayInput(forms.DateInput):
    """Its value is ISO in every language, as date controls take it; where it is text, a placeholder says so."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"placeholder": _("YYYY-MM-DD"), **(attrs or {})}, format="%Y-%m-%d")


class DayField(forms.DateField):
    """Takes YYYY-MM-DD only: 03/04/2026 is March to one reader and April to another."""

    widget = DayInput
    default_error_messages = {
        "invalid": _("Write the day as YYYY-MM-DD, such as 2026-11-30."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"input_formats": ["%Y-%m-%d"]} | kwargs))
