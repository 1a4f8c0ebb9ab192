"""Cells in their plain form, read at once: SQL for the value of a raw cell that needs no cleaning, NULL for all others.

Most cells of most files are plain: ``2024-12-31``, ``1234.50``, ``13812342291``, a code as we write it. Cleaning and
judging them at length was half the cost of an import. A value found here is the one ``readers`` would find, and nothing
is wrong with it; a cell for which nothing is found here goes the long way. Tests hold the two against each other.

PostgreSQL builds the states of a regular expression anew for every cell, so loops (``[0-9]+`` and a length) are several
times as fast as counts (``[0-9]{9}``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from psycopg import sql

from customers.imports import values
from customers.imports.kinds.declaration import Target, Type

SQL, Literal = sql.SQL, sql.Literal
Quick = Callable[[Target, sql.Composable, Mapping[str, Any]], sql.Composable | None]
EARLIEST, LATEST = "1900-01-01", "2099-12-31"


def value(target: Target, raw: sql.Composable, options: Mapping[str, Any]) -> sql.Composable | None:
    """SQL for the value of ``raw`` where it is plain; None for types and columns that have no plain form.

    ``options`` as for ``expressions.cell``: a column whose file values were given a meaning has no plain form.
    """
    quick = TYPES.get(target.type)
    if quick is None or (options.get("values") and target.type != Type.CHOICE):
        return None
    return quick(target, raw, options)


def _number(target: Target, raw: sql.Composable, options: Mapping[str, Any]) -> sql.Composable | None:
    if options.get("number_format") == "comma" or (target.low or 0) > 0 or (target.high or 0) < 0:
        return None
    is_decimal = target.places > 0 or target.whole > 9
    # Any number of so few characters is within the bounds.
    characters = target.whole if target.high is None else min(target.whole, len(str(target.high)) - 1)
    if characters < 1:
        return None
    sign = "-?" if target.low is None else ""
    places = rf"([.][0-9]{{1,{target.places}}})?" if target.places else ""
    return SQL("CASE WHEN length({raw}) <= {characters} AND {raw} ~ {plain} THEN {raw}::{kind} END").format(
        raw=raw,
        characters=Literal(characters),
        plain=Literal(f"^{sign}[0-9]+{places}$"),
        kind=SQL("numeric" if is_decimal else "integer"),
    )


def _day(target: Target, raw: sql.Composable, options: Mapping[str, Any]) -> sql.Composable | None:
    if options.get("date_format", "ymd") != "ymd":
        return None
    # Two days ago is past by every clock, the server's too.
    last = (
        (dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=2)).date().isoformat() if target.in_past else LATEST
    )
    return SQL(
        "CASE WHEN {raw} LIKE '____-__-__' AND {raw} COLLATE \"C\" BETWEEN {first} AND {last}"
        " AND {raw} ~ '^[0-9-]+$' AND pg_input_is_valid({raw}, 'date') THEN {raw}::date END"
    ).format(raw=raw, first=Literal(EARLIEST), last=Literal(last))


def _phone(_target: Target, raw: sql.Composable, _options: Mapping[str, Any]) -> sql.Composable:
    return SQL("CASE WHEN length({raw}) = 11 AND {raw} ~ '^1[3-9][0-9]+$' THEN {raw} END").format(raw=raw)


def _email(target: Target, raw: sql.Composable, _options: Mapping[str, Any]) -> sql.Composable:
    return SQL("CASE WHEN length({raw}) <= {length} AND {raw} ~ {plain} THEN {raw} END").format(
        raw=raw,
        length=Literal(target.length or 254),
        plain=Literal("^[0-9A-Za-z._-]+@([0-9A-Za-z-]+[.])+[0-9A-Za-z-]+$"),
    )


def _flag(_target: Target, raw: sql.Composable, _options: Mapping[str, Any]) -> sql.Composable:
    words = SQL(" ").join(
        SQL("WHEN {} THEN {}").format(Literal(word), SQL(meaning))
        for meaning, known in (("true", values.TRUE), ("false", values.FALSE))
        for word in known
    )
    return SQL("CASE {} {} END").format(raw, words)


def _choice(target: Target, raw: sql.Composable, options: Mapping[str, Any]) -> sql.Composable | None:
    declared = options.get("values", {})
    known = values.of(target, declared)
    # A word that was given no meaning is no word of this column.
    nothing = {old.strip().lower() for old, new in declared.items() if not new}
    words = [
        SQL("WHEN {} THEN {}").format(Literal(word), Literal(code))
        for word, code in sorted(
            known.items(), key=lambda pair: pair[0] != pair[1]
        )  # codes first: files of ours
        if word not in nothing
    ]
    return SQL("CASE {} {} END").format(raw, SQL(" ").join(words)) if words else None


TYPES: dict[Type, Quick] = {
    Type.INTEGER: _number,
    Type.DECIMAL: _number,
    Type.DATE: _day,
    Type.PHONE: _phone,
    Type.EMAIL: _email,
    Type.FLAG: _flag,
    Type.CHOICE: _choice,
}
