"""Putting one large SQL statement together from pieces that bring their own parameters, and running it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Piece:
    """SQL text with ``%s`` placeholders and the values that belong to them, in order."""

    sql: str
    params: tuple[Any, ...] = ()


EMPTY = Piece("")


def compose(template: str, **values: Any) -> Piece:
    """Fill ``{name}``: a Piece goes in as SQL with its parameters, anything else as one parameter.

    A name may appear more than once; its parameters then go in each time. The template is program text, never input.
    """
    text: list[str] = []
    params: list[Any] = []
    for literal, name, _spec, _conversion in Formatter().parse(template):
        text.append(literal)
        if name is None:
            continue
        value = values[name]
        if isinstance(value, Piece):
            text.append(value.sql)
            params.extend(value.params)
        else:
            text.append("%s")
            params.append(value)
    return Piece("".join(text), tuple(params))


def join(separator: str, pieces: Iterable[Piece]) -> Piece:
    """The pieces one after another."""
    listed = list(pieces)
    return Piece(
        separator.join(piece.sql for piece in listed),
        tuple(value for piece in listed for value in piece.params),
    )


def fetched(statement: Piece) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        return list(cursor.fetchall())


def affected(statement: Piece) -> int:
    """How many rows a statement wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        return int(cursor.rowcount)
