"""What a kind of file may hold: its targets, which of them name a row, and the table the rows end in."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models
from psycopg import sql

from bankcrm.models import Role

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = str | _StrPromise


class Type(enum.StrEnum):
    """How a cell is read; ``expressions.py`` has the SQL of each."""

    TEXT = "text"
    PHONE = "phone"
    IDENTITY = "identity"
    EMAIL = "email"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    MONTH_END = "month_end"
    FLAG = "flag"
    CHOICE = "choice"
    BRANCH = "branch"
    STAFF = "staff"
    PRODUCT = "product"
    CUSTOMER = "customer"


# Where the code of a reference is looked up: table, column that holds the code.
REFERENCES: dict[Type, tuple[str, str]] = {
    Type.BRANCH: ("bankcrm_branch", "code"),
    Type.STAFF: ("bankcrm_user", "employee_number"),
    Type.PRODUCT: ("customers_product", "code"),
    Type.CUSTOMER: ("customers_customer", "number"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Another way to say a target: an age for a date of birth, a yes for a closing date, a year's income for a month's.

    ``type``, ``low``, ``high``, ``places`` and ``known`` judge the cell like those of a target; ``value`` is SQL that
    makes the target's value of it: ``{v}`` stands for the judged cell, ``{as_of}`` for the day the file speaks of.
    """

    code: str
    label: Label
    type: Type
    value: str
    low: int | None = None
    high: int | None = None
    whole: int = 9
    places: int = 0
    known: tuple[tuple[str, str], ...] = ()
    synonyms: tuple[str, ...] = ()
    # What it makes is near the truth, not the truth.
    is_estimate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing a column of a file can mean.

    ``column`` is the column of the table it ends in; ``empty`` what that column gets from an empty cell (None: NULL);
    ``whole`` and ``places`` are the digits of a number before and after the point; ``known`` are file values of a
    choice beside its codes and labels, in lower case; ``default`` is what every row gets where the file says nothing
    about the target.
    """

    name: str
    label: Label
    type: Type
    column: str = ""
    required: bool = False
    synonyms: tuple[str, ...] = ()
    length: int = 0
    whole: int = 9
    places: int = 0
    low: int | None = None
    high: int | None = None
    in_past: bool = False
    choices: tuple[tuple[str, Label], ...] = ()
    known: tuple[tuple[str, str], ...] = ()
    empty: Any = None
    default: str = ""
    # A fraction that may be written as a percentage.
    is_share: bool = False
    # Shown masked wherever a value of a file is shown.
    is_masked: bool = False
    # A field of the bank's own: it ends in no column of the kind's table.
    is_own: bool = False
    # Why a file should give it although it need not, "" where it does not matter.
    wanted: Label = ""
    readings: tuple[Reading, ...] = ()
    # The flag beside ``column`` that says whether the value is an estimate.
    estimate_column: str = ""
    # Another target that tells this one where the row does not; SQL over {v}, its text, NULL where it tells nothing.
    filled_from: str = ""
    filled_as: str = ""

    def filled(self, v: sql.Composable) -> sql.Composable:
        """What ``v``, the text of the target it is filled from, says of this one."""
        return sql.SQL(self.filled_as).format(v=v)

    def reading(self, code: str) -> Reading | None:
        """The reading of that code, None for the plain one; raises KeyError for a code the target does not have."""
        return {each.code: each for each in self.readings}[code] if code else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule over a whole row or over the database: ``wrong`` is SQL over ``k``, the checked row; one statement each.

    It applies when every target of ``needs`` is filled by the file and none of ``without`` is.
    """

    code: str
    target: str
    sentence: Label
    wrong: str
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    # The row goes in all the same; somebody should look at it.
    warns: bool = False
    # A target given by another reading is an estimate: the rule does not apply then.
    exact: tuple[str, ...] = ()
    # What stands in the sentence: {name} → SQL over ``k``.
    shows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file. ``key`` names the targets that identify a row in the file and in the database."""

    code: str
    model: type[models.Model] | None
    targets: tuple[Target, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    # Written into every new row: column → SQL expression.
    fixed: tuple[tuple[str, str], ...] = ()
    # Written whenever a row changes: column → SQL expression.
    touched: tuple[tuple[str, str], ...] = ()
    month_column: str = ""
    # The target whose day is that of the load where neither a column nor a constant gives it.
    day: str = ""
    keeps_other_columns: bool = False
    # Columns that mean nothing here may be kept as fields of the bank's own.
    keeps_own_fields: bool = False
    # The target that dates a word: a known row that says something later stays, also when it was said after the check.
    dated_by: str = ""
    # Others write these rows too, under the lock of their customer.
    locks_customers: bool = False
    roles: frozenset[Role] = frozenset({Role.ADMINISTRATOR, Role.ANALYST})
    # What follows from rows in the transaction that writes them: the file and its chunk, a FROM clause over ``k``.
    written: Callable[[Any, sql.Composable], None] | None = None
    # History that changed rows leave: the file, the columns it gives, those it empties, the day of the load →
    # statements over ``old``, former rows by column and ``from_line``, and ``chunk``, rows of the file by target.
    history: Callable[[Any, frozenset[str], frozenset[str], dt.date], list[sql.Composable]] | None = None
    # What follows when the file was taken back.
    undone: Callable[[Any], None] | None = None

    def target(self, name: str) -> Target:
        """Raises KeyError for a name this kind does not have."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)


def of_model(model: type[models.Model], name: str, **more: Any) -> Target:
    """A target read from a model's field: type, length, digits, choices and whether it may be empty."""
    field: Any = model._meta.get_field(more.pop("field", name))
    found: dict[str, Any] = {"label": field.verbose_name, "column": field.column}
    if "type" not in more:
        found["type"] = _type_of(field)
    if isinstance(field, models.DecimalField):
        found |= {"places": field.decimal_places, "whole": field.max_digits - field.decimal_places}
    elif isinstance(field, models.PositiveSmallIntegerField):
        found |= {"low": 0, "high": 32767}
    elif isinstance(field, models.PositiveIntegerField):
        found |= {"low": 0}
    elif isinstance(field, models.CharField):
        found |= {"length": field.max_length, "choices": tuple(field.choices or ())}
    if not field.null:
        found["empty"] = _empty(field)
    return Target(name=name, **(found | more))


def _type_of(field: models.Field[Any, Any]) -> Type:
    if field.choices:
        return Type.CHOICE
    for kind, found in (
        (models.DecimalField, Type.DECIMAL),
        (models.IntegerField, Type.INTEGER),
        (models.DateField, Type.DATE),
        (models.BooleanField, Type.FLAG),
    ):
        if isinstance(field, kind):
            return found
    return Type.TEXT


def _empty(field: models.Field[Any, Any]) -> Any:
    """What the column gets from an empty cell: its default, "" for text without one."""
    if field.has_default():
        return str(field.default) if isinstance(field.default, str) else field.default
    return "" if isinstance(field, models.CharField) else None
