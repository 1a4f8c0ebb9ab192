"""A day in a form: picked where the browser can, typed as YYYY-MM-DD where it cannot, never guessed."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

WRITTEN = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


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


def day_problem(text: str) -> str:
    """Why a text is no day written as 2024-12-31; "" where it is one."""
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return ""
    if (written := WRITTEN.fullmatch(text.strip())) and int(written[2]) in MONTHS and int(written[1]):
        return _now("There is no %(day)s %(month)s %(year)s.") % {
            "day": int(written[3]),
            "month": MONTHS[int(written[2])],
            "year": int(written[1]),
        }
    return _now("Write the day as 2024-12-31.")
