"""The data dictionary, as text and as rows that can be searched, both from the field catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import translation

from customers import fields
from customers.fields import Area, Field

HEAD = """# Data dictionary

Every customer field, written by `manage.py data_dictionary` from the field catalogue (`customers/fields/`).
Source: `c` is customers_customer, `p` is customers_customerprofile of the as-of month. Uses: M may be used by models,
F filtered, G grouped, E exported, S shown on pages.
"""
COLUMNS = (
    "| field | label | meaning | type | unit | made | from | personal | uses | source |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for; an empty value narrows nothing."""

    text: str = ""
    area: str = ""
    personal: str = ""
    origin: str = ""

    def finds(self, field: Field) -> bool:
        """Whether every word is in the field's code, label, meaning or choices, and the rest fits."""
        if self.area not in ("", field.area) or self.personal not in ("", field.personal):
            return False
        if self.origin not in ("", field.origin):
            return False
        said = [field.code, field.label, field.meaning, *(label for _code, label in field.choices)]
        everything = " ".join(str(word) for word in said).casefold()
        return all(word in everything for word in self.text.casefold().split())


def found(search: Search, known: dict[str, Field] | None = None) -> list[tuple[Area, list[Field]]]:
    """Fields that fit, by area in the order of the catalogue; areas without one are left out.

    ``known``: of these fields alone.
    """
    fitting = [field for field in (known or fields.everything()).values() if search.finds(field)]
    areas = [(area, [field for field in fitting if field.area == area]) for area in Area]
    return [(area, rows) for area, rows in areas if rows]


def text() -> str:
    """The whole dictionary in Markdown, in English whatever language is active."""
    with translation.override("en"):
        parts = [HEAD]
        for area, rows in found(Search(), fields.CATALOGUE):
            parts.append(f"\n## {area.label}\n\n{COLUMNS}" + "\n".join(map(_row, rows)) + "\n")
        return "".join(parts)


def _row(field: Field) -> str:
    marks = {"M": field.model_use, "F": field.filter, "G": field.group, "E": field.export, "S": field.show}
    cells = [
        f"`{field.code}`",
        field.label,
        field.meaning,
        field.type.label,
        field.unit,
        field.origin.label,
        field.basis.label,
        field.personal.label,
        "".join(mark for mark, allowed in marks.items() if allowed),
        f"`{field.source}`",
    ]
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
