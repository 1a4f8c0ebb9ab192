"""A cell that is plain is read at once, and means what it would mean at length."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from customers.imports import expressions, rule_table
from customers.imports.kinds import KINDS
from customers.imports.kinds.declaration import Target

DAY = dt.date(2024, 11, 30)
TOMORROW = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=2)).date().isoformat()
# Cells that are nearly plain: each breaks something that a quick look could miss.
CELLS = """
2024-02-29|2025-02-29|2024-2-9|2024-02-9 |Sept-01-99| 024-01-01|2024-01- 1|2-24-01-01|----------|0001-01-01
1899-12-31|1900-01-01|2099-12-31|2100-01-01|2100-01-02|20240-01-0|2024-Ma-01|2024-13-01|2024-00-10|１２３４-01-01|1-Jan-2024
0|00|-0|-1|+1|1|12|9999|32767|32768|99999|1_000|0x10|1e3|1.|.5|1.5|12.34|12.345|12.340|-12.34|999999999|9999999999
123456789012|1234567890123|123456789012.99|999999999999.9|NaN|Infinity|1 |1\t| 1|１|1,234|1.234,50|(12)|12-|12%
13812342291|12812342291|1381234229|138123422911|1381234229a|1381234229 |+8613812342291|13812342291.0|19999999999
10000000000|a@b.cn|a@b|a@@b.cn|a@b..cn|a@.cn|a@b.|@b.cn|a b@c.cn|a@b.cn |mailto:a@b.cn|a+b@c.cn|a@b_c.cn|a@-.-|.@b.c
ａ@b.cn
yes|Yes|no|true|FALSE|t|f|x|1.0|0.0|是|否|无|√|maybe|y |n
person|Person|firm|FIRM|p|个人|female|Female|male|f|m|男|女|single|已婚|unknown|master|本科|小学|none
'1|'=1|'person|="1"|="yes"|#N/A|#REF!|'|''|x||\u3000|\u00a0|\u3000yes|1\u00a0|yes\ufeff
""".replace("\n", "|") + TOMORROW  # fmt: skip
TARGETS = [
    (kind, target, options)
    for kind in KINDS.values()
    for target in kind.targets
    for options in ({}, {"date_format": "dmy"}, {"number_format": "comma"}, {"values": {"1": "", "x": "yes"}})
]


def both(target: Target, options: dict[str, Any], texts: list[str]) -> list[tuple[str, Any, Any, Any]]:
    """(cell, value at once, problem at length, value at length) of every text that is read at once."""
    raw = sql.Identifier("s", "raw")
    cell = expressions.cell(target, expressions.bare(raw), options, None, DAY, raw)
    if cell.quick is None or cell.join is not None:
        return []
    query = sql.SQL(
        "SELECT q.raw, q.quick, {problem}, CASE WHEN ({problem}) IS NULL THEN {value} END FROM"
        " (SELECT s.raw, {quick} AS quick, {text} AS {name} FROM unnest({texts}::text[]) s (raw) OFFSET 0) q"
        " WHERE q.quick IS NOT NULL"
    ).format(
        problem=cell.problem,
        value=cell.value,
        quick=cell.quick,
        text=cell.text,
        texts=sql.Literal(texts),
        name=sql.Identifier(f"t_{target.name}"),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.mark.django_db
def test_what_is_read_at_once_means_the_same_at_length() -> None:
    texts = sorted({*CELLS.split("|"), *(each.cell for rules in rule_table.TABLE for each in rules.examples)})
    read, differ = set(), []
    for kind, target, options in TARGETS:
        for text, value, problem, same in both(target, options, texts):
            read.add(target.type)
            if problem is not None or value != same:
                differ.append((kind.code, target.name, options, text, value, problem, same))
    assert not differ
    assert len(read) == len(expressions.quick.TYPES)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("target", "cell"),
    [
        ("birth_date", "1969-04-16"),
        ("monthly_income", "59434.08"),
        ("children", "2"),
        ("phone", "13353545614"),
        ("email", "c0@example.com"),
        ("is_employee", "0"),
        ("kind", "person"),
        ("gender", "女"),
    ],
)
def test_the_usual_cell_is_read_at_once(target: str, cell: str) -> None:
    [(text, value, problem, _same)] = both(KINDS["customers"].target(target), {}, [cell])
    assert (text, problem) == (cell, None)
    assert value is not None
