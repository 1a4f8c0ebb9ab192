"""The data dictionary as text, written from the field catalogue."""

from __future__ import annotations

from django.utils import translation

from customers import fields
from customers.fields import Area, Field

HEAD = """# Data dictionary

Every customer field, written by `manage.py data_dictionary` from the field catalogue (`customers/fields/`).
Source: `c` is customers_customer, `p` is customers_customerprofile of the as-of month. Uses: M may be used by models,
F filtered, G grouped, E exported, S shown on pages.
"""
COLUMNS = (
    "| field | label | meaning | type | unit | personal | uses | source |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


def text() -> str:
    """The whole dictionary in Markdown, in English whatever language is active."""
    with translation.override("en"):
        parts = [HEAD]
        for area in Area:
            rows = [_row(field) for field in fields.CATALOGUE.values() if field.area == area]
            parts.append(f"\n## {area.label}\n\n{COLUMNS}" + "\n".join(rows) + "\n")
        return "".join(parts)


def _row(field: Field) -> str:
    marks = {"M": field.model_use, "F": field.filter, "G": field.group, "E": field.export, "S": field.show}
    cells = [
        f"`{field.code}`",
        field.label,
        field.meaning,
        field.type.label,
        field.unit,
        field.personal.label,
        "".join(mark for mark, allowed in marks.items() if allowed),
        f"`{field.source}`",
    ]
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
