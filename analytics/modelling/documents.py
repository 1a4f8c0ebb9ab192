"""Frozen descriptions (dataclasses of numbers, words, tuples and arrays) as JSON and back, checked against their types.

Reading builds nothing but what the declared types name, so a crafted document can at worst be refused.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np


class DoesNotFit(ValueError):
    """A document holds something its type does not allow."""


def to_document(value: Any) -> Any:
    """`value` as what JSON can say; ValueError for anything that is no description (an estimator, say)."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_document(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_document(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [to_document(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{type(value).__name__} cannot be described")


def from_document(kind: Any, document: Any) -> Any:
    """The value of type `kind` that `document` describes; DoesNotFit where it does not."""
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _either(get_args(kind), document)
    if origin is Literal or kind is Any:
        return _expected(kind is Any or document in get_args(kind), kind, document)
    return _list(kind, origin, document) if origin in {tuple, np.ndarray} else _named(kind, origin, document)


def _list(kind: Any, origin: Any, document: Any) -> Any:
    values = _expected(isinstance(document, list), kind, document)
    if origin is tuple:
        return _tuple(get_args(kind), values)
    try:
        return np.asarray(values, dtype=_dtype(kind))
    except (TypeError, ValueError) as error:
        raise DoesNotFit(f"no array of {_dtype(kind)}") from error


def _named(kind: Any, origin: Any, document: Any) -> Any:
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(get_args(kind), _expected(isinstance(document, dict), kind, document))
    if is_dataclass(kind):
        return _described(kind, _expected(isinstance(document, dict), kind, document))
    return _plain(kind, document)


def _expected(fits: bool, kind: Any, document: Any) -> Any:
    if not fits:
        raise DoesNotFit(f"{document!r:.80} is no {kind}")
    return document


def _either(kinds: tuple[Any, ...], document: Any) -> Any:
    if document is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            try:
                return from_document(kind, document)
            except DoesNotFit:
                continue
    raise DoesNotFit(f"{document!r:.80} is none of {kinds}")


def _tuple(kinds: tuple[Any, ...], document: list[Any]) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(from_document(kinds[0], each) for each in document)
    _expected(len(kinds) == len(document), kinds, document)
    return tuple(from_document(kind, each) for kind, each in zip(kinds, document, strict=True))


def _mapping(kinds: tuple[Any, ...], document: dict[str, Any]) -> dict[Any, Any]:
    return {from_document(kinds[0], key): from_document(kinds[1], each) for key, each in document.items()}


def _plain(kind: Any, document: Any) -> Any:
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    known = kind in {bool, int, float, str} and type(document) is kind
    return _expected(known, kind, document)


def _dtype(kind: Any) -> Any:
    """The scalar type of `NDArray[scalar]`."""
    return get_args(get_args(kind)[1])[0]


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _described(kind: Any, document: dict[str, Any]) -> Any:
    declared: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}
    if strange := set(document) - set(declared):
        raise DoesNotFit(f"{kind.__name__} has no {sorted(strange)}")
    values = {}
    for name, field in declared.items():
        if name in document:
            values[name] = from_document(_hints(kind)[name], document[name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise DoesNotFit(f"{kind.__name__} needs {name}")
    return kind(**values)
