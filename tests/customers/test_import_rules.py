"""The rule table of imports: every cell in it becomes what it says, and the document says the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from customers.imports import expressions, reasons, rule_table
from customers.imports.kinds import KINDS
from customers.imports.rule_table import Rules

DAY = dt.date(2024, 11, 30)


def outcome(rules: Rules, cell: str) -> tuple[str, str]:
    """(what is kept, code of the reason), both as the table writes them."""
    target = KINDS[rules.kind].target(rules.target)
    read = expressions.cell(
        target, expressions.bare(sql.SQL("s.raw")), rules.options, target.reading(rules.reading), DAY
    )
    query = sql.SQL(
        "SELECT q.problem, CASE WHEN q.problem IS NULL THEN ({value})::text END FROM"
        " (SELECT q.*, {problem} AS problem FROM"
        " (SELECT {text} AS {name}, 'C1'::text AS t_number FROM (SELECT {cell}::text AS raw) s) q) q"
    ).format(
        value=read.value,
        problem=read.problem,
        text=read.text,
        name=sql.Identifier(f"t_{target.name}"),
        cell=sql.Literal(cell),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        problem, value = cursor.fetchone()
    by_number = {number: code for code, number in reasons.NUMBERS.items()}
    if value is not None and target.places:
        value = f"{Decimal(value):.{target.places}f}"  # the places of the column it is written to
    return value or "", by_number.get(problem, "")


@pytest.mark.django_db
@pytest.mark.parametrize("rules", rule_table.TABLE, ids=lambda rules: rules.title)
def test_every_cell_of_the_table_becomes_what_it_says(rules: Rules) -> None:
    found = {example.cell: outcome(rules, example.cell) for example in rules.examples}
    assert found == {example.cell: (example.kept, example.reason) for example in rules.examples}


def test_every_reason_of_a_cell_is_shown_by_the_table() -> None:
    shown = {example.reason for rules in rule_table.TABLE for example in rules.examples}
    of_rows = {"missing", "duplicate_key", "wrong_number_of_fields", "nul_byte", "bad_quotes"}
    references = {code for code in reasons.SENTENCES if code.startswith("unknown_")} - {"unknown_value"}
    assert set(reasons.SENTENCES) - of_rows - references == shown - {""}


def test_every_reason_has_a_title() -> None:
    codes = {rule.code for kind in KINDS.values() for rule in kind.rules} | set(reasons.SENTENCES)
    assert codes <= set(reasons.SHORT)


def test_the_document_holds_the_rules_of_the_code() -> None:
    call_command("import_rules", check=True)
