"""How each type of cell is cleaned, judged and valued in SQL.

The rules a person reads stand in ``rule_table.py`` and in docs/imports.md; a test holds the three against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from psycopg import sql

from customers.imports import reasons, values
from customers.imports.kinds.declaration import REFERENCES, Target, Type

SQL, Literal, Identifier = sql.SQL, sql.Literal, sql.Identifier
FULL_WIDTH = (
    "０１２３４５６７８９＋－—–（）．，：／％＠　\u00a0ＸｘＴ",
    "0123456789+---().,:/%@  XxT",
)
EARLIEST, LATEST = "1900-01-01", "2100-01-01"
# GB 11643-1999: the weights of the first 17 digits and the check digit by remainder of 11.
WEIGHTS, CHECK_DIGITS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
UNKNOWN = {
    Type.BRANCH: "unknown_branch",
    Type.STAFF: "unknown_staff",
    Type.PRODUCT: "unknown_product",
    Type.CUSTOMER: "unknown_customer",
}
MONEY_WORDS = r"^(RMB|CNY|USD|EUR|人民币|[￥¥$€£])\s*|\s*(RMB|CNY|USD|EUR|元|圆|€)$"
# What a spreadsheet writes where a formula failed, or where a number did not fit its column.
ERROR_CELL = r"^#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|#+)$"
# 18 digits kept as a number lose the last three; this is how they are written out.
LOST_DIGITS = r"^[0-9](\.?[0-9]+)?[eE]\+[0-9]{2,}$"


class Read(NamedTuple):
    """``found`` is NULL or the number of a reason, ``value`` the typed value, ``join`` finds a reference."""

    found: sql.Composable
    value: sql.Composable
    join: sql.Composable | None = None


Options = dict[str, Any]


def code(name: str) -> sql.Composable:
    return SQL(str(reasons.NUMBERS[name]))


def half_width(text: sql.Composable) -> sql.Composable:
    return SQL("translate({}, {}, {})").format(text, Literal(FULL_WIDTH[0]), Literal(FULL_WIDTH[1]))


def _replace(text: sql.Composable, pattern: str, by: str = "", flags: str = "") -> sql.Composable:
    return SQL("regexp_replace({}, {}, {}, {})").format(text, Literal(pattern), Literal(by), Literal(flags))


def unless(plain: str, text: sql.Composable, cleaned: sql.Composable) -> sql.Composable:
    """``cleaned`` where the text is not of the plain form already: most cells are, and cleaning is dear."""
    return SQL("CASE WHEN {text} ~ {plain} THEN {text} ELSE {cleaned} END").format(
        text=text, plain=Literal(plain), cleaned=cleaned
    )


# ── cleaning: a text expression in, a text expression out ──────────────────────────────────────────────────────────


def _clean_text(text: sql.Composable, _options: Options) -> sql.Composable:
    # ="00123" is how spreadsheets are told to keep zeros.
    return SQL("CASE WHEN ascii({text}) = 61 THEN {inside} ELSE {text} END").format(
        text=text, inside=_replace(text, '^="(.*)"$', r"\1")
    )


def _clean_line(text: sql.Composable, options: Options) -> sql.Composable:
    """Text as one line, as lists and files show it."""
    cleaned = _clean_text(text, options)
    return SQL(
        "CASE WHEN strpos({t}, {line}) + strpos({t}, {back}) > 0 THEN {one} ELSE {cleaned} END"
    ).format(
        t=text,
        line=Literal("\n"),
        back=Literal("\r"),
        one=_replace(cleaned, r"\s*[\r\n]+\s*", " ", "g"),
        cleaned=cleaned,
    )


def _clean_phone(text: sql.Composable, options: Options) -> sql.Composable:
    digits = _replace(half_width(_clean_text(text, options)), r"\.0+$")
    extension = _replace(digits, r"\s*(转|ext\.?|x|分机)\s*(\d{1,6})$", r"#\2", "i")
    landline = _replace(extension, r"^(0\d{2,3})[- ]?(\d{7,8})-(\d{1,6})$", r"\1\2#\3")
    bare = _replace(landline, r"[ ().·-]", "", "g")
    without_country = _replace(bare, r"^(\+|00)?86(?=1\d{10}$|0\d{9,11}(#|$))")
    return unless(r"^1[0-9]{10}$", text, SQL("replace({}, '#', '-')").format(without_country))


def _clean_identity(text: sql.Composable, options: Options) -> sql.Composable:
    return unless(
        r"^[0-9]+X?$",
        text,
        SQL("upper({})").format(_replace(half_width(_clean_text(text, options)), r"[ '’-]", "", "g")),
    )


def _clean_email(text: sql.Composable, _options: Options) -> sql.Composable:
    return unless(r"^[0-9A-Za-z._-]+@[0-9A-Za-z.-]+$", text, _replace(half_width(text), r"^mailto:", "", "i"))


def _clean_number(text: sql.Composable, options: Options) -> sql.Composable:
    bare = _replace(half_width(text), MONEY_WORDS, "", "gi")
    signed = _replace(_replace(bare, r"^\(([\d.,\s]+)\)$", r"-\1"), r"^([\d.,]+)-$", r"-\1")
    spaced = _replace(signed, r"^([+-])\s+", r"\1")
    if options.get("number_format") == "comma":
        return SQL("replace({}, ',', '.')").format(_replace(spaced, r"[.\s']", "", "g"))
    return unless(r"^-?[0-9]+([.][0-9]+)?$", text, spaced)


def _clean_date(text: sql.Composable, _options: Options) -> sql.Composable:
    moment = r"[ T]\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AP]M)?(Z|[+-]\d{2}:?\d{2})?$"
    return unless(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", text, _replace(half_width(text), moment, "", "i"))


CLEANERS: dict[Type, Callable[[sql.Composable, Options], sql.Composable]] = {
    Type.TEXT: _clean_line,
    Type.PHONE: _clean_phone,
    Type.IDENTITY: _clean_identity,
    Type.EMAIL: _clean_email,
    Type.INTEGER: _clean_number,
    Type.DECIMAL: _clean_number,
    Type.DATE: _clean_date,
    Type.MONTH_END: _clean_date,
    Type.BRANCH: _clean_text,
    Type.STAFF: _clean_text,
    Type.PRODUCT: _clean_text,
    Type.CUSTOMER: _clean_text,
}


def clean(target: Target, text: sql.Composable, options: Options) -> sql.Composable:
    """``text`` with everything taken off that means nothing: full width, currency, separators, times of day."""
    cleaner = CLEANERS.get(target.type)
    return cleaner(text, options) if cleaner else text


# ── judging: the column ``v`` of cleaned texts in, what is wrong and the value out ─────────────────────────────────


def text(target: Target, v: sql.Composable, _options: Options) -> Read:
    lost = SQL("WHEN {v} LIKE '%+%' AND {v} ~ {lost} THEN {reason}").format(
        v=v, lost=Literal(LOST_DIGITS), reason=code("lost_digits")
    )
    found = SQL("CASE WHEN ascii({v}) = 35 AND {v} ~ {error} THEN {bad} {lost} {long} END").format(
        v=v,
        error=Literal(ERROR_CELL),
        bad=code("error_cell"),
        lost=lost if target.required else SQL(""),
        long=SQL("WHEN length({}) > {} THEN {}").format(v, Literal(target.length), code("too_long"))
        if target.length
        else SQL(""),
    )
    return Read(found, v)


def phone(_target: Target, v: sql.Composable, _options: Options) -> Read:
    """Chinese mobiles have 11 digits and begin with 13 to 19; others are landlines or foreign numbers."""
    found = SQL(
        "CASE WHEN {v} ~ '^1[3-9][0-9]{{9}}$' THEN NULL WHEN {v} ~ {lost} THEN {lost_digits}"
        " WHEN {v} ~ '^1[0-9]{{10}}$' OR {v} !~ {good} THEN {bad} END"
    ).format(
        v=v,
        lost=Literal(LOST_DIGITS),
        lost_digits=code("lost_digits"),
        good=Literal(r"^\+?\d{5,16}(-\d{1,6})?$"),
        bad=code("not_a_phone"),
    )
    return Read(found, v)


def identity(target: Target, v: sql.Composable, _options: Options) -> Read:
    # Digits as bytes: an import spends its time on such sums, and a digit cut out as text is four times as dear.
    total = SQL(" + ").join(
        SQL("{} * (get_byte({}::bytea, {}) - 48)").format(Literal(weight), v, Literal(at))
        for at, weight in enumerate(WEIGHTS)
    )
    found = SQL(
        "CASE WHEN length({v}) = 18 AND {v} ~ '^[0-9]+X?$' THEN"
        " CASE WHEN substr({digits}, ({total}) % 11 + 1, 1) <> right({v}, 1) THEN {bad}"
        " WHEN NOT pg_input_is_valid(substr({v}, 7, 8), 'date') THEN {day} END"
        " WHEN {v} ~ '^[0-9]{{15}}$' THEN"
        " CASE WHEN NOT pg_input_is_valid('19' || substr({v}, 7, 6), 'date') THEN {day} END"
        " WHEN {v} ~ {lost} THEN {lost_digits}"
        " WHEN {v} ~ '^[0-9]{{16}}' OR {v} !~ {passport} THEN {wrong}"
        " WHEN length({v}) > {length} THEN {long} END"
    ).format(
        v=v,
        digits=Literal(CHECK_DIGITS),
        total=total,
        bad=code("bad_checksum"),
        day=code("identity_without_birthday"),
        lost=Literal(LOST_DIGITS),
        lost_digits=code("lost_digits"),
        passport=Literal(r"^[0-9A-Z()/\u4e00-\u9fff]{4,}$"),
        wrong=code("not_an_identity"),
        length=Literal(target.length or 32),
        long=code("too_long"),
    )
    return Read(found, v)


def email(target: Target, v: sql.Composable, _options: Options) -> Read:
    found = SQL("CASE WHEN length({v}) > {length} THEN {long} WHEN {v} !~ {good} THEN {bad} END").format(
        v=v,
        length=Literal(target.length or 254),
        long=code("too_long"),
        good=Literal(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$"),
        bad=code("not_an_email"),
    )
    return Read(found, v)


def number(target: Target, v: sql.Composable, _options: Options) -> Read:
    kind = SQL("numeric") if target.places or target.whole > 9 else SQL("integer")
    groups = max((target.whole - 1) // 3, 0)
    share = "%?" if target.is_share else ""
    places = rf"(\.\d{{0,{target.places}}}0*)?" if target.places else r"(\.0*)?"
    good = rf"^[+-]?(0*\d{{1,{target.whole}}}|\d{{1,3}}(,\d{{3}}){{1,{groups}}}){places}{share}$"
    plain = SQL("replace(replace({}, ',', ''), '%', '')::numeric").format(v)
    if target.is_share:
        plain = SQL("({} / CASE WHEN right({}, 1) = '%' THEN 100 ELSE 1 END)").format(plain, v)
    value = SQL("{}::{}").format(plain, kind)
    low, high = (
        SQL("WHEN {} {} {} THEN {}").format(value, SQL(sign), Literal(bound), code(reason))
        if bound is not None
        else SQL("")
        for sign, bound, reason in (
            ("<", target.low, "negative" if target.low == 0 else "out_of_range"),
            (">", target.high, "out_of_range"),
        )
    )
    inside = (
        SQL("CASE {} {} END").format(low, high) if (target.low, target.high) != (None, None) else SQL("NULL")
    )
    found = SQL(
        "CASE WHEN {v} ~ {good} THEN {inside}"
        " WHEN ascii({v}) = 35 AND {v} ~ {error} THEN {bad} WHEN {v} ~ {percent} THEN {share}"
        " WHEN {v} !~ {number} THEN {text} WHEN {v} ~ {precise} THEN {places} ELSE {range} END"
    ).format(
        v=v,
        good=Literal(good),
        inside=inside,
        error=Literal(ERROR_CELL),
        bad=code("error_cell"),
        percent=Literal(r"^[+-]?[\d.,]+\s*%$"),
        share=code("percentage"),
        range=code("out_of_range"),
        number=Literal(r"^[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?$"),
        text=code("not_a_number"),
        precise=Literal(rf"\.\d{{{target.places}}}\d*[1-9]\d*$"),
        places=code("too_precise"),
    )
    return Read(found, value)


def flag(_target: Target, v: sql.Composable, _options: Options) -> Read:
    trues, falses = (SQL(", ").join(map(Literal, words)) for words in (values.TRUE, values.FALSE))
    found = SQL("CASE WHEN lower({}) NOT IN ({}, {}) THEN {} END").format(
        v, trues, falses, code("not_yes_or_no")
    )
    return Read(found, SQL("(lower({}) IN ({}))").format(v, trues))


def whens(pairs: dict[str, str]) -> sql.Composable:
    return SQL(" ").join(
        SQL("WHEN {} THEN {}").format(Literal(old.strip().lower()), Literal(new))
        for old, new in pairs.items()
    )


def choice(target: Target, v: sql.Composable, options: Options) -> Read:
    known = values.of(target, options.get("values", {}))
    value = SQL("CASE lower({}) {} END").format(v, whens(known))
    names = SQL(", ").join(map(Literal, known))
    found = SQL("CASE WHEN lower({}) NOT IN ({}) THEN {} END").format(v, names, code("unknown_value"))
    return Read(found, value)


# Few rows that people call by name: a code first, then a name that only one of them has.
NAMED = (Type.BRANCH, Type.PRODUCT)
BY_NAME = (
    "(SELECT DISTINCT ON (said) said AS {code}, id FROM"
    " (SELECT {code} AS said, id, 0 AS place FROM {table} UNION ALL"
    " SELECT name, min(id), 1 FROM {table} GROUP BY name HAVING count(*) = 1) told ORDER BY said, place)"
)


def reference(target: Target, v: sql.Composable, _options: Options) -> Read:
    table, column = REFERENCES[target.type]
    alias = f"ref_{target.name}"
    names = SQL(BY_NAME if target.type in NAMED else "{table}").format(
        table=Identifier(table), code=Identifier(column)
    )
    join = SQL("LEFT JOIN {} {} ON {} = {}").format(names, Identifier(alias), Identifier(alias, column), v)
    row = Identifier(alias, "id")
    return Read(SQL("CASE WHEN {} IS NULL THEN {} END").format(row, code(UNKNOWN[target.type])), row, join)
