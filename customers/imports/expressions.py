"""The SQL that reads one cell: its text, what is wrong with it, and its typed value.

Everything is built of ``psycopg.sql`` pieces; names and values of a file enter as identifiers and literals only.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from customers.imports import day_readers, quick, readers, reasons
from customers.imports.kinds.declaration import Reading, Target, Type
from customers.imports.readers import Read

SQL, Literal, Identifier = sql.SQL, sql.Literal, sql.Identifier
SPACES = " \t\r\n\u3000\u00a0\ufeff"

READERS: dict[Type, Callable[[Target, sql.Composable, dict[str, Any]], Read]] = {
    Type.TEXT: readers.text,
    Type.PHONE: readers.phone,
    Type.IDENTITY: readers.identity,
    Type.EMAIL: readers.email,
    Type.INTEGER: readers.number,
    Type.DECIMAL: readers.number,
    Type.DATE: day_readers.read,
    Type.MONTH_END: day_readers.read,
    Type.FLAG: readers.flag,
    Type.CHOICE: readers.choice,
    Type.BRANCH: readers.reference,
    Type.STAFF: readers.reference,
    Type.PRODUCT: readers.reference,
    Type.CUSTOMER: readers.reference,
}


@dataclass(frozen=True)
class Cell:
    """``text`` over the staged row ``s`` (NULL when empty); ``problem`` (a number of ``reasons``, or NULL) and
    ``value`` over ``q``, the row whose texts stand in columns named like their targets; ``join`` finds a reference.

    ``quick``, over ``s`` too, is the value of a cell that is plain, and NULL where text, problem and value must tell.
    """

    target: Target
    text: sql.Composable
    problem: sql.Composable
    value: sql.Composable
    join: sql.Composable | None = None
    quick: sql.Composable | None = None


def bare(raw: sql.Composable) -> sql.Composable:
    """The text as it came without the spaces around it."""
    return SQL("btrim({}, {})").format(raw, Literal(SPACES))


def cell(
    target: Target,
    bare: sql.Composable,
    options: Mapping[str, Any],
    reading: Reading | None = None,
    as_of: dt.date | None = None,
    raw: sql.Composable | None = None,
) -> Cell:
    """How ``bare``, an SQL expression for the text without spaces around it, is read as ``target``.

    ``options`` of this column: date_format, century, number_format, values (file value → meaning, "" for nothing).
    With a ``reading`` the cell says the target in another way, as of a day. ``raw``: the text as it came, from which
    plain cells are read at once.
    """
    judged = judged_target(target, reading)
    declared = options.get("values", {})
    # Our own files of rejects keep spreadsheets from running cells by an apostrophe before them.
    trimmed = SQL(
        "CASE WHEN ascii({bare}) = 39 THEN regexp_replace({bare}, {mark}, '') ELSE {bare} END"
    ).format(bare=bare, mark=Literal("^'(?=[=+@＝＋－＠-])"))
    if judged.type == Type.CHOICE:
        # Its words are looked up in one list; only those that mean nothing go away before.
        declared = {old: new for old, new in declared.items() if not new}
    elif judged.type == Type.FLAG or reading is not None:
        declared = dict(judged.known) | declared
    given = readers.clean(judged, replaced(trimmed, declared), dict(options))
    text = SQL("NULLIF({}, '')").format(given)
    v = Identifier("q", f"t_{target.name}")
    found, value, join = READERS[judged.type](judged, v, dict(options))
    # ``found`` is a CASE that names what is wrong with a cell that is not empty.
    missing = Literal(reasons.NUMBERS["missing"]) if target.required else SQL("NULL")
    problem = SQL("CASE WHEN {v} IS NULL THEN {missing} ELSE {found} END").format(
        v=v, missing=missing, found=found
    )
    if reading is not None:
        value = SQL(reading.value).format(v=value, as_of=SQL("{}::date").format(Literal(as_of)))
        value = SQL("CASE WHEN {} IS NOT NULL THEN {} END").format(v, value)
    if target.empty is not None:
        value = SQL("COALESCE({}, {})").format(value, Literal(target.empty))
    at_once = quick.value(target, raw, options) if raw is not None and reading is None else None
    return Cell(target, text, problem, value, join, at_once)


def judged_target(target: Target, reading: Reading | None) -> Target:
    """The target as the cells of such a column are judged."""
    if reading is None:
        return target
    return dataclasses.replace(
        target,
        type=reading.type,
        low=reading.low,
        high=reading.high,
        whole=reading.whole,
        places=reading.places,
        known=reading.known,
        choices=(),
        empty=None,
    )


def replaced(text: sql.Composable, declared: Mapping[str, str]) -> sql.Composable:
    """``text`` with the declared file values, in any case, replaced by what they mean."""
    if not declared:
        return text
    return SQL("CASE lower({text}) {cases} ELSE {text} END").format(
        text=text, cases=readers.whens(dict(declared))
    )
