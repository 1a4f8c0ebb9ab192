"""The SQL that reads one cell: its text, what is wrong with it, and its typed value.

Everything is built of ``psycopg.sql`` pieces; names and values of a file enter as identifiers and literals only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from customers.imports import mapping, reasons
from customers.imports.kinds import Target, Type
from customers.imports.kinds.declaration import REFERENCES

SQL, Literal, Identifier = sql.SQL, sql.Literal, sql.Identifier
FULL_WIDTH = ("０１２３４５６７８９＋－（）　", "0123456789+-() ")
EARLIEST, LATEST = "1900-01-01", "2100-01-01"
# GB 11643-1999: the weights of the first 17 digits and the check digit by remainder of 11.
WEIGHTS, CHECK_DIGITS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
UNKNOWN = {
    Type.BRANCH: "unknown_branch",
    Type.STAFF: "unknown_staff",
    Type.PRODUCT: "unknown_product",
    Type.CUSTOMER: "unknown_customer",
}


@dataclass(frozen=True)
class Cell:
    """``text`` over the staged row ``s`` (NULL when empty); ``problem`` (a number of ``reasons``, or NULL) and
    ``value`` over ``q``, the row whose texts stand in columns named like their targets; ``join`` finds a reference."""

    target: Target
    text: sql.Composable
    problem: sql.Composable
    value: sql.Composable
    join: sql.Composable | None = None


def cell(target: Target, raw: sql.Composable, options: dict[str, Any]) -> Cell:
    """How ``raw``, an SQL expression for the text as it came, is read as ``target``."""
    trimmed = SQL("btrim({}, E' \\t\\r\\n\\u3000')").format(raw)
    declared = options.get("values", {}).get(target.name, {})
    if target.type == Type.CHOICE:
        text: sql.Composable = SQL("NULLIF({}, '')").format(trimmed)
    else:
        text = SQL("NULLIF({}, '')").format(replaced(trimmed, declared))
    if target.type in (Type.PHONE, Type.IDENTITY):
        text = SQL("regexp_replace(translate({}, {}, {}), '[ ()-]', '', 'g')").format(
            text, Literal(FULL_WIDTH[0]), Literal(FULL_WIDTH[1])
        )
    if target.type == Type.PHONE:
        text = SQL("regexp_replace({}, {}, '')").format(text, Literal(r"^(\+|00)86(?=1\d{10}$)"))
    v = Identifier("q", f"t_{target.name}")
    found, value, join = READERS[target.type](target, v, options)
    # ``found`` is a CASE that names what is wrong with a cell that is not empty.
    missing = Literal(reasons.NUMBERS["missing"]) if target.required else SQL("NULL")
    problem = SQL("CASE WHEN {v} IS NULL THEN {missing} ELSE {found} END").format(
        v=v, missing=missing, found=found
    )
    if target.empty is not None:
        value = SQL("COALESCE({}, {})").format(value, Literal(target.empty))
    return Cell(target, text, problem, value, join)


def replaced(text: sql.Composable, declared: dict[str, str]) -> sql.Composable:
    """``text`` with the declared file values, in any case, replaced by what they mean."""
    if not declared:
        return text
    return SQL("CASE lower({text}) {cases} ELSE {text} END").format(text=text, cases=_whens(declared))


def _whens(pairs: dict[str, str]) -> sql.Composable:
    return SQL(" ").join(
        SQL("WHEN {} THEN {}").format(Literal(old.strip().lower()), Literal(new))
        for old, new in pairs.items()
    )


def _code(name: str) -> sql.Composable:
    return SQL(str(reasons.NUMBERS[name]))


Reader = Callable[
    [Target, sql.Composable, dict[str, Any]], tuple[sql.Composable, sql.Composable, sql.Composable | None]
]


def _text(target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    if not target.length:
        return SQL("NULL"), v, None
    return (
        SQL("CASE WHEN length({}) > {} THEN {} END").format(v, Literal(target.length), _code("too_long")),
        v,
        None,
    )


def _phone(_target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    return (
        SQL("CASE WHEN {} !~ {} THEN {} END").format(v, Literal(r"^\+?\d{5,20}$"), _code("not_a_phone")),
        v,
        None,
    )


def _identity(target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    total = SQL(" + ").join(
        SQL("{} * substr({}, {}, 1)::int").format(Literal(weight), v, Literal(at))
        for at, weight in enumerate(WEIGHTS, start=1)
    )
    found = SQL(
        "CASE WHEN {v} ~ '^[0-9]{{17}}[0-9Xx]$' THEN"
        " CASE WHEN substr({digits}, ({total}) % 11 + 1, 1) <> upper(right({v}, 1)) THEN {bad} END"
        " WHEN length({v}) > {length} THEN {long} END"
    ).format(
        v=v,
        digits=Literal(CHECK_DIGITS),
        total=total,
        bad=_code("bad_checksum"),
        length=Literal(target.length),
        long=_code("too_long"),
    )
    return found, SQL("upper({})").format(v), None


def _number(target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    kind = SQL("numeric") if target.places or target.whole > 9 else SQL("integer")
    groups = max((target.whole - 1) // 3, 0)
    places = rf"(\.\d{{0,{target.places}}}0*)?" if target.places else r"(\.0*)?"
    good = rf"^[+-]?(0*\d{{1,{target.whole}}}|\d{{1,3}}(,\d{{3}}){{1,{groups}}}){places}$"
    value = SQL("replace({}, ',', '')::numeric::{}").format(v, kind)
    bounds = [
        SQL("{} {} {}").format(value, SQL(sign), Literal(bound))
        for sign, bound in (("<", target.low), (">", target.high))
        if bound is not None
    ]
    outside: sql.Composable = SQL(" OR ").join(bounds) if bounds else SQL("false")
    found = SQL(
        "CASE WHEN {v} ~ {good} THEN CASE WHEN {outside} THEN {range} END"
        " WHEN {v} !~ {number} THEN {text} WHEN {v} ~ {precise} THEN {places} ELSE {range} END"
    ).format(
        v=v,
        good=Literal(good),
        outside=outside,
        range=_code("out_of_range"),
        number=Literal(r"^[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?$"),
        text=_code("not_a_number"),
        precise=Literal(rf"\.\d{{{target.places}}}\d*[1-9]\d*$"),
        places=_code("too_precise"),
    )
    return found, value, None


def _iso(v: sql.Composable, options: dict[str, Any]) -> tuple[str, sql.Composable]:
    """The form a date must have, and its text as YYYY-MM-DD or YYYYMMDD."""
    form = options.get("date_format", "ymd")
    if form == "dmy":
        day = SQL("regexp_replace({}, {}, {})").format(
            v, Literal(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$"), Literal(r"\3-\2-\1")
        )
        return r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$", day
    if form == "yymmdd":
        return r"^\d{6}$", SQL("{} || {}").format(Literal(str(options.get("century", 19))[:2]), v)
    return r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{8})$", SQL("replace({}, '/', '-')").format(v)


def _date(target: Target, v: sql.Composable, options: dict[str, Any]) -> Any:
    form, day = _iso(v, options)
    value = SQL("({})::date").format(day)
    late = (
        SQL("WHEN {} > current_date THEN {}").format(value, _code("in_the_future"))
        if target.in_past
        else SQL("")
    )
    odd: sql.Composable = SQL("")
    if target.type == Type.MONTH_END:
        odd = SQL("WHEN extract(day FROM {} + 1) <> 1 THEN {}").format(value, _code("not_a_month_end"))
    found = SQL(
        "CASE WHEN {v} !~ {form} THEN {text} WHEN NOT pg_input_is_valid({day}, 'date') THEN {impossible}"
        " WHEN {value} NOT BETWEEN {first} AND {last} THEN {impossible} {late} {odd} END"
    ).format(
        v=v,
        form=Literal(form),
        text=_code("not_a_date"),
        day=day,
        impossible=_code("impossible_date"),
        value=value,
        first=Literal(EARLIEST),
        last=Literal(LATEST),
        late=late,
        odd=odd,
    )
    return found, value, None


def _flag(_target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    trues, falses = (SQL(", ").join(map(Literal, words)) for words in (mapping.TRUE, mapping.FALSE))
    found = SQL("CASE WHEN lower({}) NOT IN ({}, {}) THEN {} END").format(
        v, trues, falses, _code("not_yes_or_no")
    )
    return found, SQL("(lower({}) IN ({}))").format(v, trues), None


def _choice(target: Target, v: sql.Composable, options: dict[str, Any]) -> Any:
    known = mapping.values(target, options.get("values", {}).get(target.name, {}))
    value = SQL("CASE lower({}) {} END").format(v, _whens(known))
    names = SQL(", ").join(map(Literal, known))
    found = SQL("CASE WHEN lower({}) NOT IN ({}) THEN {} END").format(v, names, _code("unknown_value"))
    return found, value, None


def _reference(target: Target, v: sql.Composable, _options: dict[str, Any]) -> Any:
    table, column = REFERENCES[target.type]
    alias = f"ref_{target.name}"
    join = SQL("LEFT JOIN {} {} ON {} = {}").format(
        Identifier(table), Identifier(alias), Identifier(alias, column), v
    )
    row = Identifier(alias, "id")
    found = SQL("CASE WHEN {} IS NULL THEN {} END").format(row, _code(UNKNOWN[target.type]))
    return found, row, join


READERS: dict[Type, Reader] = {
    Type.TEXT: _text,
    Type.PHONE: _phone,
    Type.IDENTITY: _identity,
    Type.INTEGER: _number,
    Type.DECIMAL: _number,
    Type.DATE: _date,
    Type.MONTH_END: _date,
    Type.FLAG: _flag,
    Type.CHOICE: _choice,
    Type.BRANCH: _reference,
    Type.STAFF: _reference,
    Type.PRODUCT: _reference,
    Type.CUSTOMER: _reference,
}
