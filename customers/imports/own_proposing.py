"""What a column that means nothing here would be as a field of the bank's own, or why it would be none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from customers.fields.own import MONEY
from customers.imports import own_fields, values
from customers.imports.headers import in_words
from customers.imports.kinds import own
from customers.imports.sampling import COMMA_NUMBER, PLAIN_NUMBER, TELLING, Column
from customers.models import OwnField

_COUNTER = re.compile(
    r"^(row|line|index|unnamed|column)[ _:]*(no|number|num|id|\d+)?$|^(id|no|nr|#|序号|行号)$", re.I
)
# A heading that is of months or days: "Months since", "tenure months", "age (years)"; "last 12 months" is a window.
_BRACKETS = re.compile(r"[(（\[]\s*(?:in )?(months?|days?|years?|月|个月|天|日|年)\s*[)）\]]", re.I)
_FIRST = re.compile(r"^(?:(?:number|no|nr) of )?(months|days|years)\b")
_LAST = re.compile(r"(?:^| )(?<!\d )(?:in )?(months|days|years)$")
_CHINESE = {"月": "months", "个月": "months", "天": "days", "日": "days", "年": "years"}
_CHINESE_LAST = (
    (re.compile("(月|个月)数$"), "months"),
    (re.compile("天数$"), "days"),
    (re.compile("年[数限]$"), "years"),
)
_MONEY = re.compile(
    r"\b(balance|bal|amount|amt|income|salary|debit|debt|deposits?|payments?|spend|spending|price|revenue)\d*\b"
    r"|\bcredit$|余额|金额|收入|工资|还款额|发生额"
)
# What is counted, rated or compared is no amount, whatever it is of.
_NO_MONEY = re.compile(
    r"\b(number|no|nr|count|cnt|ct|score|rate|ratio|pct|percent|percentage|flag|type|code|id|to|chng)\b"
    r"|次数|笔数|比|率"
)


@dataclass(frozen=True, slots=True)
class Guess:
    """``why`` says why the column is proposed to be left out; empty: it is proposed to be kept."""

    label: str
    type: str
    unit: str = ""
    why: str = ""


def guess(column: Column) -> Guess:
    """From the column's name and the values of its first rows."""
    label, kind = own_fields.label(column.name), _type(column)
    unit = own.SHARE if kind == OwnField.Type.NUMBER and _is_share(column) else ""
    if kind in (OwnField.Type.WHOLE, OwnField.Type.NUMBER) and not unit:
        unit = _unit(column.name)
    return Guess(label, kind or OwnField.Type.CHOICE, unit, _why_not(column, kind))


def _why_not(column: Column, kind: str) -> str:
    never_varies = column.filled >= TELLING and len(column.values) == 1 and column.filled == column.seen
    name = column.name.strip()
    reasons = (
        (not column.filled, _("empty in the first rows")),
        (never_varies, _("the same in every row")),
        (
            any(column.looks_like(look) for look in ("identity", "phone", "email")),
            _("names a person; say which field it is, or leave it out"),
        ),
        (kind == OwnField.Type.WHOLE and _COUNTER.match(name), _("counts the rows")),
        (
            kind in ("", OwnField.Type.WHOLE) and column.names_rows,
            _("another number in every row: it names rows and says nothing of them"),
        ),
        (
            not kind and _with_exponent(column),
            _("numbers with an exponent such as 1.5e-05, which are not read"),
        ),
        (not kind, _("text with many values: a name or a note, nothing to count by")),
    )
    return next((why for holds, why in reasons if holds), "")


def _type(column: Column) -> str:
    """The type every value fits, whatever says that nothing is known aside; "" for text of many values."""
    told = [value for value, _count in column.values if value.lower() not in values.NOTHING]
    if not told:
        return OwnField.Type.CHOICE
    flag = own.target("own_", {"label": "", "type": OwnField.Type.FLAG})
    if len(told) <= 2 and all(values.understood(flag, word) is not None for word in told):
        return OwnField.Type.FLAG
    number = _number_type(column, told)
    if number is not None:
        return number
    if column.day_forms():
        return OwnField.Type.DATE
    return OwnField.Type.CHOICE if column.is_code_list else ""


def _number_type(column: Column, told: list[str]) -> str | None:
    """The type of a column of numbers, which may be codes or days; None for one of something else."""
    numbers = [word.rstrip("% ").lstrip("￥¥$€£ ") for word in told]
    if not all(PLAIN_NUMBER.fullmatch(number) for number in numbers):
        is_comma = column.number_form() == "comma" and all(map(COMMA_NUMBER.fullmatch, numbers))
        return OwnField.Type.NUMBER if is_comma else None
    if _long_code(numbers):
        return OwnField.Type.CHOICE if column.is_code_list else ""
    if _named_like_a_day(column):
        return OwnField.Type.DATE
    # 360.0 in the first rows is often 360.5 further down.
    is_whole = all(re.fullmatch(r"[+-]?[\d,]+", number) for number in numbers)
    return OwnField.Type.WHOLE if is_whole and not _is_share(column) else OwnField.Type.NUMBER


def _long_code(numbers: list[str]) -> bool:
    """Digits that are no quantity: 007, or longer than a number may be."""
    return any(
        (len(number) > 1 and number[0] == "0" and number.isdigit()) or len(re.sub(r"\D", "", number)) > 15
        for number in numbers
        if "." not in number
    )


def _named_like_a_day(column: Column) -> bool:
    """20240131 in a column called a date; elsewhere eight digits are an amount."""
    named = re.search(r"date|day|_on$|_at$|日期|日$", column.name, re.I)
    return bool(named and column.day_forms() and all(len(value) == 8 for value, _count in column.values))


def _with_exponent(column: Column) -> bool:
    """Mostly numbers, some of them written as 1.5e-05."""
    return any(re.fullmatch(r"[+-]?\d+(\.\d+)?[eE][+-]?\d+", value) for value, _count in column.values[:20])


def _is_share(column: Column) -> bool:
    return bool(column.values) and all(value.rstrip().endswith("%") for value, _count in column.values)


def _unit(name: str) -> str:
    """What the heading says its figures are of: months, days, years or money; "" where it does not say."""
    if told := _BRACKETS.search(name):
        unit = told[1].lower()
        return _CHINESE.get(unit) or f"{unit.rstrip('s')}s"
    words = in_words(name)
    if told := _FIRST.search(words) or _LAST.search(words):
        return told[1]
    for ending, unit in _CHINESE_LAST:
        if ending.search(words):
            return unit
    return MONEY if _MONEY.search(words) and not _NO_MONEY.search(words) else ""


__all__ = ["Guess", "guess"]
