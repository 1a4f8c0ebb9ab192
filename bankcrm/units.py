"""What long work is counted in, in words: "15 of 287 customers" while it goes on, "287 customers" afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm.figures import number


@dataclass(frozen=True)
class Unit:
    """``word`` gives the noun for a number of them. ``tells``: whether how many were done says something afterwards."""

    word: Callable[[int], str]
    tells: bool = True

    def count(self, n: int) -> str:
        """ "247 customers"."""
        return f"{number(n)} {self.word(n)}"

    def of(self, done: int, total: int) -> str:
        """ "15 of 287 customers"."""
        return _("%(done)s of %(total)s %(unit)s") % {
            "done": number(done),
            "total": number(total),
            "unit": self.word(total),
        }


ROWS = Unit(lambda n: ngettext("row", "rows", n))
CUSTOMERS = Unit(lambda n: ngettext("customer", "customers", n))
STEPS = Unit(lambda n: ngettext("step", "steps", n), tells=False)
