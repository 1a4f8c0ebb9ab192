"""From a condition's tree to SQL. Identifiers come from the catalogue and this module; values are parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from analytics.conditions import Group, Node, Row
from customers.fields import Reference, Type

Fragment = tuple[str, list[Any]]

FROM = "customers_customer c JOIN customers_customerprofile p ON p.customer_id = c.id AND p.month = %s"
# Who has left since the as-of date is no customer any more.
STILL_HERE = "c.closed_on IS NULL"
EVERYBODY: Fragment = ("TRUE", [])

# event → (table, its day)
EVENT_TABLES = {
    "contacted": ("customers_contact", "contacted_on"),
    "assigned": ("customers_assignment", "assigned_on"),
    "responded": ("customers_response", "responded_on"),
}
REFERENCE_SQL = {
    Reference.BRANCH: (
        "(SELECT link.descendant_id FROM bankcrm_branchlink link JOIN bankcrm_branch branch"
        " ON branch.id = link.ancestor_id WHERE branch.code = ANY(%s))"
    ),
    Reference.STAFF: "(SELECT staff.id FROM bankcrm_user staff WHERE staff.employee_number = ANY(%s))",
}
COMPARISONS = {
    "is": "{x} = %s",
    "is_not": "{x} IS DISTINCT FROM %s",
    "one_of": "{x} = ANY(%s)",
    "not_one_of": "({x} = ANY(%s)) IS NOT TRUE",
    "at_least": "{x} >= %s",
    "at_most": "{x} <= %s",
    "before": "{x} < %s",
    "after": "{x} > %s",
    "contains": "{x} && %s::varchar[]",
}


@dataclass(slots=True)
class Compiler:
    """Turns nodes into SQL and remembers which score runs they join.

    ``score_runs``: model code → id of the run in use, ``segment_runs`` the same by code of a segmentation,
    ``audiences``: id → tree of a saved audience. They hold everything the tree names; the caller has checked that.
    Days of catalogue fields count from ``month``, days of events from ``today``, because contacts go on after the
    month-end.
    """

    month: dt.date
    today: dt.date
    score_runs: Mapping[str, int] = field(default_factory=dict)
    audiences: Mapping[str, Group] = field(default_factory=dict)
    segment_runs: Mapping[str, int] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    divided: dict[str, str] = field(default_factory=dict)

    def node(self, node: Node) -> Fragment:
        """The condition of a node as one boolean expression with its parameters."""
        if isinstance(node, Row):
            return self.row(node)
        if not node.parts:
            return EVERYBODY
        parts = [self.node(part) for part in node.parts]
        joined = (" AND " if node.kind == "all" else " OR ").join(f"({sql})" for sql, _ in parts)
        params = [value for _, values in parts for value in values]
        # A comparison with an unknown value is NULL; "none of" must read that as "does not hold".
        return (f"({joined}) IS NOT TRUE", params) if node.kind == "none" else (joined, params)

    def row(self, row: Row) -> Fragment:
        match row.kind:
            case "field":
                return self.field(row)
            case "score" | "decile":
                return self.score(row)
            case "segment":
                return self.segment(row)
            case "audience":
                sql, params = self.node(self.audiences[row.subject])
                return (f"({sql}) IS {'NOT ' if row.op == 'is_not' else ''}TRUE", params)
            case "customer_number":
                return COMPARISONS[row.op].format(x="c.number"), [row.value]
        return self.event(row)

    def field(self, row: Row) -> Fragment:
        entry = row.field
        if row.op in ("is_missing", "is_known"):
            return known(entry.current, _empty(entry.type, entry.reference), row.op)
        if entry.reference in REFERENCE_SQL:
            values = row.value if isinstance(row.value, list) else [row.value]
            inside = f"{entry.current} IN {REFERENCE_SQL[entry.reference]}"
            return (f"({inside}) IS NOT TRUE" if row.op in ("is_not", "not_one_of") else inside), [values]
        if row.op == "within_days":
            return f"abs({entry.current} - %s::date) <= %s", [self.month, row.value]
        if row.op == "older_than_days":
            return f"{entry.current} < %s::date - %s", [self.month, row.value]
        return compare(entry.current, row.op, _exact(row.value, entry.type))

    def score(self, row: Row) -> Fragment:
        alias = self.joined.setdefault(row.subject, f"s_{len(self.joined) + 1}")
        source = f"{alias}.{'probability' if row.kind == 'score' else 'decile'}"
        if row.op in ("is_missing", "is_known"):
            return known(source, "", row.op)
        return compare(source, row.op, row.value)

    def segment(self, row: Row) -> Fragment:
        """Whoever the run in use does not know is in no segment."""
        code, number = segment_of(row.subject)
        alias = self.divided.setdefault(code, f"m_{len(self.divided) + 1}")
        same = "IS DISTINCT FROM" if row.op == "is_not" else "IS NOT DISTINCT FROM"
        return f"{alias}.segment {same} %s", [number]

    def event(self, row: Row) -> Fragment:
        table, day = EVENT_TABLES[row.kind]
        tests = [f"e.{day} <= %s"]
        params: list[Any] = [self.today]
        if row.value["campaign"]:
            tests.append("e.campaign_code = %s")
            params.append(row.value["campaign"])
        if row.value["days"] is not None:
            tests.append(f"e.{day} > %s")
            params.append(self.today - dt.timedelta(days=row.value["days"]))
        if row.kind == "responded":
            tests.append("e.kind <> 'refusal'")
        found = f"c.id IN (SELECT e.customer_id FROM {table} e WHERE {' AND '.join(tests)})"  # noqa: S608  of EVENT_TABLES
        return (f"NOT ({found})" if row.op == "is_not" else found), params

    def from_clause(self) -> Fragment:
        """Tables with aliases ``c``, ``p`` and the scores met so far; call it after the conditions."""
        sql = FROM
        params: list[Any] = [self.month]
        for model, alias in self.joined.items():
            sql += f" LEFT JOIN analytics_score {alias} ON {alias}.customer_id = c.id AND {alias}.score_run_id = %s"
            params.append(self.score_runs[model])
        for code, alias in self.divided.items():
            sql += (
                f" LEFT JOIN analytics_segmentmember {alias}"
                f" ON {alias}.customer_id = c.id AND {alias}.segment_run_id = %s"
            )
            params.append(self.segment_runs[code])
        return sql, params


def segment_of(subject: str) -> tuple[str, int]:
    """Segmentation code and lasting number of "code/number"; number 0, which no segment has, for anything else."""
    code, _slash, number = subject.partition("/")
    return code, int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0


def compare(source: str, op: str, value: Any) -> Fragment:
    if op == "between":
        return f"{source} BETWEEN %s AND %s", list(value)
    return COMPARISONS[op].format(x=source), [value]


def known(source: str, empty: str, op: str) -> Fragment:
    missing = f"({source} IS NULL{f' OR {source} = {empty}' if empty else ''})"
    return (missing if op == "is_missing" else f"NOT {missing}"), []


def _empty(kind: Type, reference: Reference) -> str:
    """How an unknown value is stored besides NULL."""
    if kind == Type.LIST:
        return "'{}'"
    return "''" if kind in (Type.CHOICE, Type.TEXT) and reference not in REFERENCE_SQL else ""


def _exact(value: Any, kind: Type) -> Any:
    """Numbers as decimals: comparing a numeric column with a float would turn every row into a float."""
    if kind not in (Type.MONEY, Type.NUMBER):
        return value
    if isinstance(value, list):
        return [Decimal(str(item)) for item in value]
    return Decimal(str(value))
