"""A past campaign into assignment, contact and response history: five statements for each chunk."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg import sql

from bankcrm import partitions
from customers.imports import checking, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds.campaign import RESPONSES
from customers.imports.upsert import Written
from customers.models import Assignment, ImportFile

SQL = sql.SQL
SOURCE = "import"
TABLES = ("customers_customer", "customers_assignment", "customers_contact", "customers_response")


def foreign_rows(code: str) -> bool:
    """Whether this campaign code already has assignments that no import wrote: such a campaign is our own."""
    return Assignment.objects.filter(campaign_code=code).exclude(source__startswith=SOURCE).exists()


def merge_chunk(file: ImportFile, first: int, last: int) -> Written:
    """Write customers (of an anonymous list), assignments, contacts and responses; counts assignments.

    Contacts and responses of these customers in this campaign end as the file says, so a corrected file corrects them.
    """
    parts = _parts(file, first, last)
    with connection.cursor() as cursor:
        if file.options["campaign"].get("new_customers"):
            cursor.execute(SQL(NEW_CUSTOMERS).format(**parts))
        cursor.execute(SQL(ROWS).format(**parts))
        cursor.execute("ANALYZE import_campaign_rows")
        _ensure_contact_months(cursor)
        cursor.execute(SQL(KNOWN).format(**parts))
        known, rows = cursor.fetchone()
        cursor.execute(SQL(ASSIGNMENTS).format(**parts))
        written = cursor.rowcount
        cursor.execute(SQL(OTHER_CONTACTS).format(**parts))
        cursor.execute(SQL(CONTACTS).format(**parts))
        cursor.execute(SQL(OTHER_RESPONSES).format(**parts))
        cursor.execute(SQL(RESPONSES_IN).format(**parts))
        cursor.execute("DROP TABLE import_campaign_rows")
    return Written(rows - known, written - (rows - known), {})


def _ensure_contact_months(cursor: Any) -> None:
    cursor.execute(
        "SELECT DISTINCT date_trunc('month', contacted_on)::date FROM import_campaign_rows"
        " WHERE is_contacted AND contacted_on IS NOT NULL"
    )
    for (month,) in cursor.fetchall():
        partitions.ensure_months("customers_contact", month, month)


def _parts(file: ImportFile, first: int, last: int) -> dict[str, sql.Composable]:
    """The pieces of the statements below; a target the file does not fill has the value that says so."""
    campaign = file.options["campaign"]
    filled = {cell.target.name for cell in checking.cells(file)}

    def given(name: str, otherwise: str) -> sql.Composable:
        return SQL("k.{}").format(Identifier(name)) if name in filled else SQL(otherwise)

    control = SQL("k.cell IN ({})").format(
        SQL(", ").join(map(Literal, campaign.get("control_cells") or [""]))
    )
    if "is_control" in filled:
        control = SQL("({} OR COALESCE(k.is_control, false))").format(control)
    new = bool(campaign.get("new_customers"))
    flags = SQL(", ").join(
        SQL("COALESCE({}, false) AS {}").format(given(name, "false"), Identifier(name)) for name in RESPONSES
    )
    return {
        "code": Literal(campaign["code"]),
        "product": Literal(campaign["product"]),
        "is_random": Literal(bool(campaign.get("is_random"))),
        "source": Literal(f"{SOURCE}:{file.sha256[:12]}"),
        "branch": Literal(campaign.get("branch") or ""),
        "checked": Identifier(staging.checked_table(file)),
        "first": Literal(first),
        "last": Literal(last),
        "number": SQL("k.new_number") if new else SQL("''"),
        "customer": SQL("customer.id") if new else SQL("k.customer"),
        "join": SQL("JOIN customers_customer customer ON customer.number = k.new_number") if new else SQL(""),
        "control": control,
        "score": given("score", "NULL"),
        # Where the file does not say, everybody but control was contacted.
        "is_contacted": SQL("COALESCE({}, false)").format(given("is_contacted", "NULL"))
        if "is_contacted" in filled
        else SQL("NOT {}").format(control),
        "contacted_on": SQL("COALESCE({}, k.assigned_on)").format(given("contacted_on", "NULL::date")),
        "channel": SQL("COALESCE(NULLIF({}, ''), {})").format(
            given("channel", "''"), Literal(campaign.get("channel") or "phone")
        ),
        "was_reached": given("was_reached", "NULL::boolean"),
        "talk_seconds": given("talk_seconds", "NULL::integer"),
        "outcome": given("outcome", "''"),
        "flags": flags,
        "amount": given("amount", "0"),
        "responded_on": SQL("COALESCE({}, {}, k.assigned_on)").format(
            given("responded_on", "NULL::date"), given("contacted_on", "NULL::date")
        ),
        "kinds": SQL(", ").join(
            SQL("({}, {})").format(Literal(name), Identifier("r", name)) for name in RESPONSES
        ),
    }


NEW_CUSTOMERS = """
INSERT INTO customers_customer (number, name, home_branch_id, source)
SELECT k.new_number, k.new_number, (SELECT id FROM bankcrm_branch WHERE code = {branch}), left({source}, 40)
FROM {checked} k WHERE k.line > {first} AND k.line <= {last} ORDER BY k.line
ON CONFLICT (number) DO NOTHING
"""
ROWS = """
CREATE TEMPORARY TABLE import_campaign_rows ON COMMIT DROP AS
SELECT k.line, {customer} AS customer_id, k.cell, {control} AS is_control, k.assigned_on, {score}::float8 AS score,
       k.facts, {is_contacted} AS is_contacted, {contacted_on} AS contacted_on, {channel} AS channel,
       {was_reached} AS was_reached, {talk_seconds} AS talk_seconds, {outcome} AS outcome, {flags},
       {amount} AS amount, {responded_on} AS responded_on
FROM {checked} k {join} WHERE k.line > {first} AND k.line <= {last}
"""
KNOWN = """
SELECT count(old.id), count(*) FROM import_campaign_rows r
LEFT JOIN customers_assignment old ON old.campaign_code = {code} AND old.customer_id = r.customer_id
"""
# In file order: whoever learns from an imported campaign reads it in the order of its ids.
ASSIGNMENTS = """
INSERT INTO customers_assignment AS old
    (campaign_code, customer_id, cell_code, is_control, is_random, product_code, assigned_on, score, facts, source)
SELECT {code}, r.customer_id, r.cell, r.is_control, {is_random}, {product}, r.assigned_on, r.score, r.facts, {source}
FROM import_campaign_rows r ORDER BY r.line
ON CONFLICT (campaign_code, customer_id) DO UPDATE SET cell_code = EXCLUDED.cell_code,
    is_control = EXCLUDED.is_control, is_random = EXCLUDED.is_random, product_code = EXCLUDED.product_code,
    assigned_on = EXCLUDED.assigned_on, score = EXCLUDED.score, facts = EXCLUDED.facts, source = EXCLUDED.source
WHERE (old.cell_code, old.is_control, old.is_random, old.product_code, old.assigned_on, old.score, old.facts)
    IS DISTINCT FROM (EXCLUDED.cell_code, EXCLUDED.is_control, EXCLUDED.is_random, EXCLUDED.product_code,
    EXCLUDED.assigned_on, EXCLUDED.score, EXCLUDED.facts)
"""
OTHER_CONTACTS = """
DELETE FROM customers_contact old USING import_campaign_rows r
WHERE old.campaign_code = {code} AND old.customer_id = r.customer_id AND old.reference LIKE 'import:%'
AND NOT (r.is_contacted AND old.contacted_on = r.contacted_on)
"""
CONTACTS = """
INSERT INTO customers_contact AS old (contacted_on, reference, customer_id, campaign_code, cell_code, treatment_code,
    product_code, channel, outcome, was_reached, talk_seconds)
SELECT r.contacted_on, 'import:' || {code} || ':' || r.customer_id, r.customer_id, {code}, r.cell,
       {code} || '.' || r.cell, {product}, r.channel, r.outcome, r.was_reached, r.talk_seconds
FROM import_campaign_rows r WHERE r.is_contacted
ON CONFLICT (contacted_on, reference) DO UPDATE SET cell_code = EXCLUDED.cell_code,
    treatment_code = EXCLUDED.treatment_code, product_code = EXCLUDED.product_code, channel = EXCLUDED.channel,
    outcome = EXCLUDED.outcome, was_reached = EXCLUDED.was_reached, talk_seconds = EXCLUDED.talk_seconds
"""
OTHER_RESPONSES = """
DELETE FROM customers_response old USING import_campaign_rows r
WHERE old.campaign_code = {code} AND old.customer_id = r.customer_id AND old.how = 'imported'
AND NOT EXISTS (SELECT FROM (VALUES {kinds}) said (kind, is_so) WHERE said.is_so AND said.kind = old.kind)
"""
RESPONSES_IN = """
INSERT INTO customers_response (customer_id, campaign_code, cell_code, product_code, kind, how, responded_on, amount,
    reference)
SELECT r.customer_id, {code}, r.cell, {product}, said.kind, 'imported', r.responded_on,
       CASE WHEN said.kind = 'conversion' THEN COALESCE(r.amount, 0) ELSE 0 END, 'import:' || r.line
FROM import_campaign_rows r CROSS JOIN LATERAL (VALUES {kinds}) said (kind, is_so) WHERE said.is_so
ON CONFLICT (campaign_code, customer_id, kind, how) DO UPDATE SET cell_code = EXCLUDED.cell_code,
    product_code = EXCLUDED.product_code, responded_on = EXCLUDED.responded_on, amount = EXCLUDED.amount,
    reference = EXCLUDED.reference
"""
