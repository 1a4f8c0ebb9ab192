"""Attitude (S1.5): the churn chances models give a customer, and the loyalty grade they and the facts lead to.

The grade of the facts (``profile_columns.FACTS_GRADE``) is the best a customer can have. A chance of leaving is held
against the average of all it was computed for, so that models of rare and of frequent events count alike: three times
the average is grade D, twice at best C, one and a half times at best B. The higher of the two chances decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

from bankcrm import bulk

CHURN = ("churn_wealth", "churn_loan")
# A chance of so many times the average, and the best grade that it leaves.
LIMITS = ((3.0, "D"), (2.0, "C"), (1.5, "B"))

Fill = Callable[[dt.date], Sequence[tuple[str, str, tuple[Any, ...]]]]
_sources: list[Fill] = []


def filled_by(source: Fill) -> Fill:
    """Register who knows churn chances of a month: ``source(month)`` gives (column, SQL of customer_id and
    probability, parameters) for every column known. Building a profile asks again, so that it loses none."""
    _sources.append(source)
    return source


def fill(month: dt.date) -> int:
    """Write the churn chances that are known for ``month`` into its profile and grade anew; returns rows changed."""
    known = {column: (sql, params) for source in _sources for column, sql, params in source(month)}
    if strange := sorted(set(known) - set(CHURN)):
        raise ValueError(f"no churn columns: {', '.join(strange)}")
    if not known:
        return 0
    joins: list[str] = []
    params: list[Any] = []
    for column, (sql, values) in known.items():
        joins.append(
            f"LEFT JOIN (SELECT customer_id, probability, avg(probability) OVER () AS average FROM ({sql}) scored)"  # noqa: S608  columns of CHURN; the caller's own SQL
            f" {column} ON {column}.customer_id = p.customer_id"
        )
        params += values
    chances = ", ".join(f"{column} = found.{column}" for column in known)
    columns = ", ".join(f"{column}.probability AS {column}" for column in known)
    times = ", ".join(f"{column}.probability / nullif({column}.average, 0)" for column in known)
    changed = " OR ".join(
        f"p.{column} IS DISTINCT FROM found.{column}" for column in (*known, "loyalty_grade")
    )
    worst = _worst(f"greatest({times})")
    grade = f"CASE WHEN p.facts_grade = '' THEN '' ELSE greatest(p.facts_grade, {worst}) END"
    statement = (
        f"UPDATE customers_customerprofile p SET {chances}, loyalty_grade = found.loyalty_grade"  # noqa: S608  columns of CHURN; the caller's own SQL
        f" FROM (SELECT p.customer_id, {columns}, {grade} AS loyalty_grade"
        f" FROM customers_customerprofile p {' '.join(joins)} WHERE p.month = %s) found"
        f" WHERE p.month = %s AND p.customer_id = found.customer_id AND ({changed})"
    )
    with bulk.without_time_limit(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [*params, month, month])
        return int(cursor.rowcount)


def best_grade(times: float) -> str:
    """The best grade that a chance of so many times the average leaves."""
    return next((grade for limit, grade in LIMITS if times >= limit), "A")


def _worst(times: str) -> str:
    """The best grade that ``times`` the average leaves; later letters are worse, so the greater of two holds."""
    cases = " ".join(f"WHEN {times} >= {limit} THEN '{grade}'" for limit, grade in LIMITS)
    return f"CASE {cases} ELSE 'A' END"
