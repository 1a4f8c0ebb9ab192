"""Audiences: conditions over the field catalogue, checked, compiled to one SQL expression, counted and described.

``analytics.conditions`` says what may stand in a condition. Targeting, the query page and reports share this module.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from analytics import audience_text, conditions
from analytics.audience_sql import STILL_HERE, Compiler, Fragment, segment_of
from analytics.conditions import Group, InvalidCondition, Node, Reading, Row, read, rows_of
from analytics.distribution import Distribution, distribution, reference_names, visible_sql
from analytics.models import Audience, PredictiveModel, Segment
from bankcrm import clock
from bankcrm.models import User
from customers.fields import Reference
from customers.models import Customer
from customers.models.attributes import CustomerQuerySet

__all__ = [
    "Compiled",
    "Distribution",
    "InvalidCondition",
    "RowCount",
    "RowCounts",
    "compile_condition",
    "count",
    "customers",
    "describe",
    "distribution",
    "faults_of_fields",
    "field_expression",
    "reference_names",
    "row_counts",
    "validate",
    "visible_sql",
]

Condition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Pieces of one statement: ``SELECT … FROM {from_sql} WHERE {where_sql}`` with their ``%s`` parameters in order.

    ``from_sql`` gives the aliases ``c`` (customer), ``p`` (profile of the month) and ``s_<n>`` (scores).
    """

    from_sql: str
    from_params: tuple[Any, ...]
    where_sql: str
    where_params: tuple[Any, ...]

    @property
    def sql(self) -> str:
        """The ids of the customers, as a complete statement over ``params``."""
        return f"SELECT c.id FROM {self.from_sql} WHERE {self.where_sql}"  # noqa: S608  compiled by allow-list

    @property
    def params(self) -> tuple[Any, ...]:
        return (*self.from_params, *self.where_params)


@dataclass(frozen=True, slots=True)
class RowCount:
    """One row or group of a condition: ``path`` such as ``all.0`` or ``all.2.any.1``, as it stands in the JSON.

    ``alone`` counts who meets it by itself (in a ``none`` group: whom it removes). ``left`` counts who remains after
    it and everything before it, for the rows of the first level, else None; a whole ``any`` group there is one row.
    """

    path: str
    alone: int
    left: int | None


@dataclass(frozen=True, slots=True)
class RowCounts:
    everybody: int
    total: int
    rows: tuple[RowCount, ...]


def validate(condition: Any) -> list[str]:
    """What is wrong with a condition, one sentence per fault; empty when it can be used."""
    return _Lookup(condition).faults


def compile_condition(condition: Condition, month: dt.date, today: dt.date | None = None) -> Compiled:
    """A condition as pieces of SQL for the profiles of ``month``; raises InvalidCondition with its sentences.

    ``today``: the day from which "contacted within 30 days" counts back, by default the bank's today.
    """
    compiler, tree = _compiler(condition, month, today)
    where, where_params = compiler.node(tree)
    source, source_params = compiler.from_clause()
    return Compiled(source, tuple(source_params), f"{STILL_HERE} AND ({where})", tuple(where_params))


def field_expression(condition: Condition, month: dt.date) -> tuple[str, tuple[Any, ...]]:
    """A condition on fields of the catalogue alone, as of ``month``: a boolean expression over ``c`` and ``p``.

    For questions about the past: scores and events of today would know what came later. Raises InvalidCondition.
    """
    if faults := faults_of_fields(condition):
        raise InvalidCondition(faults)
    compiler, tree = _compiler(condition, month, month)
    where, params = compiler.node(tree)
    return where, tuple(params)


def faults_of_fields(condition: Condition) -> list[str]:
    """What keeps a condition from being asked about the past, one sentence per fault; empty when nothing does."""
    lookup = _Lookup(condition)
    if lookup.faults:
        return lookup.faults
    rows = [row for reading in (lookup.reading, *lookup.audiences.values()) for row in rows_of(reading.tree)]
    if all(row.kind in ("field", "audience") for row in rows):
        return []
    return [
        _(
            "Only conditions on customer fields can be asked about a past month, not scores, contacts or lists."
        )
    ]


def customers(condition: Condition, month: dt.date, today: dt.date | None = None) -> CustomerQuerySet:
    """The customers who meet a condition at ``month``, as a queryset to filter further (``visible_to`` first)."""
    compiled = compile_condition(condition, month, today)
    return Customer.objects.filter(pk__in=RawSQL(compiled.sql, compiled.params))  # noqa: S611  by allow-list


def count(condition: Condition, month: dt.date, user: User) -> int:
    """How many customers ``user`` may see meet a condition."""
    compiled = compile_condition(condition, month)
    scope, scope_params = visible_sql(user)
    statement = f"SELECT count(*) FROM ({compiled.sql} AND {scope}) met"  # noqa: S608  compiled by allow-list
    return int(_one(statement, (*compiled.params, *scope_params))[0])


def row_counts(condition: Condition, month: dt.date, user: User | None = None) -> RowCounts:
    """What each row of a condition matches alone and leaves over, in one query.

    Counts everybody, or what ``user`` may see. Raises InvalidCondition.
    """
    compiler, tree = _compiler(condition, month, None)
    places: list[tuple[str, Fragment, Fragment | None]] = []
    so_far: list[Fragment] = []
    for kind, part in _first_level(tree):
        alone = compiler.node(part)
        so_far.append((f"({alone[0]}) IS NOT TRUE", alone[1]) if kind == "none" else alone)
        places.append((part.path, alone, _all(so_far)))
        places += [(row.path, compiler.node(row), None) for row in rows_of(part) if row is not part]
    source, params = compiler.from_clause()
    columns, column_params = ["count(*)"], []
    for sql, values in [
        _all(so_far),
        *(piece for _p, alone, left in places for piece in (alone, left) if piece),
    ]:
        columns.append(f"count(*) FILTER (WHERE {sql})")
        column_params += values
    scope, scope_params = ("TRUE", []) if user is None else visible_sql(user)
    found = iter(
        _one(
            f"SELECT {', '.join(columns)} FROM {source} WHERE {STILL_HERE} AND {scope}",  # noqa: S608  as above
            (*column_params, *params, *scope_params),
        )
    )
    everybody, total = next(found), next(found)
    rows = [RowCount(path, next(found), next(found) if left else None) for path, _alone, left in places]
    return RowCounts(everybody, total, tuple(rows))


def describe(condition: Condition) -> str:
    """A condition as a sentence people can check; raises InvalidCondition."""
    lookup = _Lookup(condition)
    if lookup.faults:
        raise InvalidCondition(lookup.faults)
    return audience_text.describe(lookup.reading.tree, lookup.names)


def _compiler(condition: Any, month: dt.date, today: dt.date | None) -> tuple[Compiler, Group]:
    lookup = _Lookup(condition)
    if lookup.faults:
        raise InvalidCondition(lookup.faults)
    trees = {key: reading.tree for key, reading in lookup.audiences.items()}
    return (
        Compiler(month, today or clock.today(), lookup.score_runs, trees, lookup.segment_runs),
        lookup.reading.tree,
    )


def _first_level(tree: Group) -> Iterator[tuple[str, Node]]:
    """The rows a reader counts down, each with the kind of its group: every part of "all" and "none", a whole "any"."""
    for group in tree.parts:
        assert isinstance(group, Group)  # noqa: S101  a tree's first level is groups
        if group.kind == "any":
            yield "any", group
        else:
            yield from ((group.kind, part) for part in group.parts)


def _all(pieces: list[Fragment]) -> Fragment:
    if not pieces:
        return "TRUE", []
    return " AND ".join(f"({sql})" for sql, _ in pieces), [value for _, values in pieces for value in values]


def _one(sql: str, params: Iterable[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, tuple(params))
        return tuple(cursor.fetchone())


class _Lookup:
    """Everything a condition names outside the catalogue, looked up once: models, audiences, branches, products."""

    def __init__(self, condition: Any) -> None:
        self.reading: Reading = read(condition)
        self.faults = list(self.reading.faults)
        self.audiences: dict[str, Reading] = {}
        self.names: dict[str, str] = {}
        self.score_runs: dict[str, int] = {}
        self.segment_runs: dict[str, int] = {}
        self._audiences(self.reading, ())
        rows = [*self.reading.rows(), *(row for known in self.audiences.values() for row in known.rows())]
        if len(rows) > conditions.MOST_ROWS and not self.faults:
            self.faults.append(
                _("With its saved audiences a condition has at most %(most)s rows.")
                % {"most": conditions.MOST_ROWS}
            )
        self._models({row.subject for row in rows if row.kind in ("score", "decile")})
        self._segments({row.subject for row in rows if row.kind == "segment"})
        self._references(rows)

    def _audiences(self, reading: Reading, above: tuple[str, ...]) -> None:
        for row in reading.rows():
            if row.kind != "audience":
                continue
            if row.subject in above:
                self.faults.append(_("An audience may not contain itself."))
            elif len(above) >= conditions.MOST_LEVELS:
                self.faults.append(_("Saved audiences contain one another too deeply."))
            elif row.subject not in self.audiences:
                self._audience(row.subject, above)

    def _audience(self, key: str, above: tuple[str, ...]) -> None:
        saved = (
            Audience.objects.filter(pk=int(key)).first()
            if key.isascii() and key.isdigit() and len(key) < 19
            else None
        )
        if saved is None:
            self.faults.append(_("Audience %(id)s does not exist.") % {"id": key[:20]})
            return
        reading = read(saved.condition)
        self.names[f"audience:{key}"] = saved.name
        self.faults += [f"{saved.name}: {fault}" for fault in reading.faults]
        self._audiences(reading, (*above, key))
        self.audiences[key] = reading

    def _models(self, codes: set[str]) -> None:
        if not codes:
            return
        found = {model.code: model for model in PredictiveModel.objects.filter(code__in=codes)}
        for code in sorted(codes):
            model = found.get(code)
            if model is None:
                self.faults.append(_("There is no model %(code)s.") % {"code": code[:40]})
            elif model.kind == PredictiveModel.Kind.PREFERENCE:
                told = _("Model %(name)s gives answers, not scores: ask the customer's field instead.")
                self.faults.append(told % {"name": model.name})
            elif model.current_score_run_id is None:
                self.faults.append(_("Model %(name)s has no scores in use yet.") % {"name": model.name})
            else:
                self.names[f"model:{code}"] = model.name
                self.score_runs[code] = model.current_score_run_id

    def _segments(self, subjects: set[str]) -> None:
        if not subjects:
            return
        codes = {segment_of(subject)[0] for subject in subjects}
        segments = Segment.objects.filter(segmentation__code__in=codes).select_related("segmentation")
        found = {f"{segment.segmentation.code}/{segment.number}": segment for segment in segments}
        for subject in sorted(subjects):
            segment = found.get(subject)
            if segment is None:
                self.faults.append(_("There is no segment %(subject)s.") % {"subject": subject[:60]})
            elif segment.segmentation.current_run_id is None:
                self.faults.append(
                    _("Nobody has a segment of %(name)s yet.") % {"name": segment.segmentation.name}
                )
            else:
                self.names[f"segment:{subject}"] = f"{segment.segmentation.name}: {segment}"
                self.segment_runs[segment.segmentation.code] = segment.segmentation.current_run_id

    def _references(self, rows: list[Row]) -> None:
        wanted: dict[Reference, set[str]] = {}
        for row in rows:
            if row.kind == "field" and row.field.reference and row.value is not None:
                values = row.value if isinstance(row.value, list) else [row.value]
                wanted.setdefault(row.field.reference, set()).update(values)
        for reference, codes in wanted.items():
            found = reference_names(reference, codes)
            self.names |= {f"{reference}:{code}": name for code, name in found.items()}
            self.faults += [
                _("%(value)s does not exist.") % {"value": value[:40]} for value in sorted(codes - set(found))
            ]
