"""One line of the audience builder as typed, and the value a condition has for it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from analytics.conditions import EVENTS, EXTRA_OPERATORS, MANY_VALUES, NAMED, NO_VALUE, OPERATORS_BY_TYPE
from customers import fields
from customers.fields import Type

DAYS = ("within_days", "older_than_days")


class NotUnderstood(ValueError):
    """A typed value that is no value; the sentence stands beside its row."""


@dataclass(slots=True)
class Item:
    """One line of the builder: a row when ``kind`` is "row", else a group whose kind is all, any or none.

    ``path`` is where it stands in the condition; empty while it is left out because it is incomplete or wrong.
    """

    kind: str
    code: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    low: str = ""
    high: str = ""
    days: str = ""
    campaign: str = ""
    was: str = ""
    key: str = ""
    path: str = ""
    error: str = ""
    children: list[Item] = field(default_factory=list)

    @property
    def is_row(self) -> bool:
        return self.kind == "row"

    @property
    def typed(self) -> str:
        """Everything in the row as one text: what changed is what differs from it."""
        return json.dumps(
            [self.code, self.op, self.values, self.low, self.high, self.days, self.campaign],
            ensure_ascii=False,
        )

    def walk(self) -> Iterator[Item]:
        """This item and everything below, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def rows(self) -> Iterator[Item]:
        return (item for item in self.walk() if item.is_row)


class Incomplete(ValueError):
    """Something is still to be chosen or typed."""


def row_value(item: Item) -> Any:
    """What the row compares with, as a condition has it. Raises ValueError while it cannot be read."""
    base = base_of(item.code)
    if item.op in NO_VALUE or base in NAMED:
        return None
    if base in EVENTS:
        return {"campaign": item.campaign, "days": _days(item.days) if item.days else None}
    if item.op in DAYS:
        return _days(item.days)
    if item.op == "between":
        low, high = _one(item, item.low), _one(item, item.high)
        if low > high:
            raise NotUnderstood(_("The first value is above the second."))
        return [low, high]
    if item.op in MANY_VALUES or item.op == "contains":
        many = [part for value in item.values for part in _several(item, value)]
        if not many:
            raise Incomplete
        return many
    return _one(item, item.values[0] if item.values else "")


def _several(item: Item, value: str) -> list[Any]:
    """Ticked values come one by one, typed ones with commas between them."""
    if has_choices(item.code):
        return [value]
    return [_one(item, part.strip()) for part in value.replace("，", ",").split(",") if part.strip()]


def _one(item: Item, value: str) -> Any:
    if not value:
        raise Incomplete
    base = base_of(item.code)
    kind = (
        fields.get(item.code).type
        if base not in EXTRA_OPERATORS and item.code in fields.filterable()
        else Type.NUMBER
    )
    if base == "customer_number" or kind in (Type.CHOICE, Type.TEXT, Type.LIST):
        return value
    if kind == Type.FLAG:
        return value == "yes"
    if kind == Type.DATE:
        try:
            return dt.date.fromisoformat(value).isoformat()
        except ValueError:
            raise NotUnderstood(
                _("“%(value)s” is not a date such as 2026-10-31.") % {"value": value[:40]}
            ) from None
    return _number(value)


def _number(value: str) -> int | float:
    plain = value.replace(",", "").replace(" ", "").replace("\u00a0", "").lstrip("¥￥")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise NotUnderstood(_("“%(value)s” is not a number.") % {"value": value[:40]}) from None
    if not number.is_finite() or abs(number) >= Decimal("1e15"):
        raise NotUnderstood(_("“%(value)s” is not a number that can be used here.") % {"value": value[:40]})
    return int(number) if number == number.to_integral_value() else float(number)


def _days(value: str) -> int:
    if not value:
        raise Incomplete
    if not value.isascii() or not value.isdigit() or int(value[:9]) > 36_500:
        raise NotUnderstood(_("“%(value)s” is not a number of days.") % {"value": value[:40]})
    return int(value)


def base_of(code: str) -> str:
    """The kind of a field's code: "decile" of "decile:fund"."""
    return code.partition(":")[0]


def operators(code: str) -> tuple[str, ...]:
    """What a field can be compared by; empty for a field that is not one."""
    if base_of(code) in EXTRA_OPERATORS:
        return EXTRA_OPERATORS[base_of(code)]
    return OPERATORS_BY_TYPE[fields.get(code).type] if code in fields.filterable() else ()


def has_choices(code: str) -> bool:
    """Whether values are picked from a list and not typed."""
    if code not in fields.filterable():
        return False
    entry = fields.get(code)
    return bool(entry.choices or entry.reference)
