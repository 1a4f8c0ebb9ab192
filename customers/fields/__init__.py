"""THE FIELD CATALOGUE: every customer field, declared once.

The 360 page, import mapping, audience builder, query page, feature matrix, reason sentences, API schema and data
dictionary read it. Adding a field touches this package and a migration, nothing else. Beside it stand the bank's own
fields (``own``), columns of its files that were kept; what follows tells both, ``CATALOGUE`` only ours.
"""

from __future__ import annotations

from customers.fields import attributes, behaviour, history, likely, own, portrait, value
from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Reference, Type

CATALOGUE: dict[str, Field] = {
    field.code: field
    for field in [
        *attributes.FIELDS,
        *behaviour.FIELDS,
        *likely.FIELDS,
        *value.FIELDS,
        *portrait.FIELDS,
        *history.FIELDS,
    ]
}


def get(code: str) -> Field:
    """The field of that code; raises KeyError for a code that is not in the catalogue."""
    return own.catalogue()[code] if code.startswith(own.PREFIX) else CATALOGUE[code]


def find(code: str) -> Field | None:
    """The field of that code, None where there is none."""
    try:
        return get(code)
    except KeyError:
        return None


def everything() -> dict[str, Field]:
    """The catalogue and the bank's own fields."""
    return CATALOGUE | own.catalogue()


def in_area(area: Area) -> list[Field]:
    """Fields of a subject area that may be shown, in the order of the catalogue."""
    known = own.catalogue() if area == Area.OWN else CATALOGUE
    return [field for field in known.values() if field.area == area and field.show]


def filterable() -> dict[str, Field]:
    return {code: field for code, field in everything().items() if field.filter}


def groupable() -> dict[str, Field]:
    return {code: field for code, field in everything().items() if field.group}


def exportable() -> dict[str, Field]:
    """Fields of the catalogue whose values leave the house; own fields are told by ``own`` alone."""
    return {code: field for code, field in CATALOGUE.items() if field.export}


def for_models() -> dict[str, Field]:
    """Fields a model may learn from: nothing protected, nothing that stands in for it."""
    return {code: field for code, field in everything().items() if field.model_use}


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
    "everything",
    "exportable",
    "filterable",
    "find",
    "for_models",
    "get",
    "groupable",
    "importable",
    "in_area",
]
