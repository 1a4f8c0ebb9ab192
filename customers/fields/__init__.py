"""THE FIELD CATALOGUE: every customer field, declared once.

The 360 page, import mapping, audience builder, query page, feature matrix, reason sentences, API schema and data
dictionary read it. Adding a field touches this package and a migration, nothing else.
"""

from __future__ import annotations

from customers.fields import attributes, behaviour, portrait, value
from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Reference, Type

CATALOGUE: dict[str, Field] = {
    field.code: field for field in [*attributes.FIELDS, *behaviour.FIELDS, *value.FIELDS, *portrait.FIELDS]
}


def get(code: str) -> Field:
    """The field of that code; raises KeyError for a code that is not in the catalogue."""
    return CATALOGUE[code]


def in_area(area: Area) -> list[Field]:
    """Fields of a subject area that may be shown, in the order of the catalogue."""
    return [field for field in CATALOGUE.values() if field.area == area and field.show]


def filterable() -> dict[str, Field]:
    return {code: field for code, field in CATALOGUE.items() if field.filter}


def groupable() -> dict[str, Field]:
    return {code: field for code, field in CATALOGUE.items() if field.group}


def exportable() -> dict[str, Field]:
    return {code: field for code, field in CATALOGUE.items() if field.export}


def for_models() -> dict[str, Field]:
    """Fields a model may learn from: nothing protected, nothing that stands in for it."""
    return {code: field for code, field in CATALOGUE.items() if field.model_use}


def importable() -> dict[str, Field]:
    """Fields of a customer file, by code; ``column`` names the attribute of Customer each one fills."""
    return {code: field for code, field in CATALOGUE.items() if field.column}


__all__ = [
    "CATALOGUE",
    "Area",
    "Basis",
    "Field",
    "Origin",
    "Personal",
    "Reference",
    "Type",
    "exportable",
    "filterable",
    "for_models",
    "get",
    "groupable",
    "importable",
    "in_area",
]
