"""Columns that no field of the catalogue names, kept as the bank's own fields: proposed, declared, written, taken back.

A definition is ``{"label", "meaning", "unit", "type", "personal", "heading"}`` and stands with its file under
``options["own"]`` by code, so that a mapping is read the same way however often it is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import audit
from bankcrm.runs import Refused
from customers.fields import own
from customers.imports import kinds, loads, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds.own import PREFIX, is_own
from customers.models import ImportFile, OwnField

SQL = sql.SQL
MOST_FIELDS = 200
# A choice of more words than this is typed in conditions, not picked.
MOST_WORDS = 200
SLUG_LENGTH = 40
CODE = re.compile(rf"{PREFIX}[a-z0-9][a-z0-9_]{{0,{SLUG_LENGTH - 1}}}")


def slug(heading: str) -> str:
    """The code of a new field of that heading: own_attrition_flag; letters other than a to z leave only a number."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", heading)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:SLUG_LENGTH].strip("_")
    if not plain:
        # The same heading has the same code in every file.
        plain = "x" + "_".join(f"{ord(letter):x}" for letter in heading.strip()[:7])
    return PREFIX + plain


def label(heading: str) -> str:
    """ "HasCrCard" → "Has cr card", "Loan_Status" → "Loan status"; a heading of other letters as it is."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|_+", " ", heading).strip()
    if not words.isascii():
        return words[:60]
    return " ".join(
        word if word.isupper() and at and len(word) > 1 else word.capitalize() if at == 0 else word.lower()
        for at, word in enumerate(words.split())
    )[:60]


def defined(field: OwnField) -> dict[str, Any]:
    """The definition of a field that exists."""
    return {
        "label": field.label,
        "meaning": field.meaning,
        "unit": field.unit,
        "type": field.type,
        "personal": field.personal,
        "heading": field.heading,
    }


def definitions(
    mapped: Mapping[str, str], told: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Definitions of the own fields that columns are ``mapped`` to; one that exists counts more than what is told.

    A code that is neither there nor told has no definition.
    """
    used = {meaning: column for column, meaning in mapped.items() if is_own(meaning)}
    if not used:
        return {}
    known = {field.code: defined(field) for field in OwnField.objects.filter(code__in=used)}
    return {
        code: known.get(code) or dict(told[code]) | {"heading": told[code].get("heading") or column[:200]}
        for code, column in used.items()
        if code in known or code in told
    }


def proposable(kind: str) -> dict[str, dict[str, Any]]:
    """Code → definition of the fields a file of this kind may give again."""
    if not kinds.KINDS[kind].keeps_own_fields:
        return {}
    return {field.code: defined(field) for field in OwnField.objects.filter(retired_at=None).order_by("id")}


def without_retired(mapped: dict[str, str]) -> dict[str, str]:
    """The mapping with columns left out that a file remembers as fields retired since."""
    used = [meaning for meaning in mapped.values() if is_own(meaning)]
    if not used:
        return mapped
    retired = set(
        OwnField.objects.filter(code__in=used, retired_at__isnull=False).values_list("code", flat=True)
    )
    return {column: "" if meaning in retired else meaning for column, meaning in mapped.items()}


def problems(file: ImportFile) -> list[str]:
    """Why the own fields of the file cannot be kept: retired, of another type, more than there may be."""
    used = used_by(file)
    if not used:
        return []
    known = OwnField.objects.in_bulk(list(used), field_name="code")
    found = [
        _("The own field %(label)s is retired. Leave its column out, or bring the field back.")
        % {"label": field.label}
        for field in known.values()
        if field.retired_at
    ]
    found += [
        _("The own field %(label)s is of another type than when this was mapped.") % {"label": field.label}
        for code, field in known.items()
        if field.type != used[code]["type"]
    ]
    there, new = OwnField.objects.count(), len(used) - len(known)
    if new and there + new > MOST_FIELDS:
        found.append(
            _(
                "There may be %(most)s own fields; %(there)s are there and the file would bring %(new)s more."
                " Leave out columns nobody needs."
            )
            % {"most": MOST_FIELDS, "there": there, "new": new}
        )
    return found


def used_by(file: ImportFile) -> dict[str, dict[str, Any]]:
    """Code → definition of the own fields that columns of the file give."""
    meant = set(file.mapping.values())
    return {code: told for code, told in file.options.get("own", {}).items() if code in meant}


@transaction.atomic
def declare(file: ImportFile) -> None:
    """Make the fields that are new, and learn the words of choices. Raises Refused where a field cannot be kept."""
    used = used_by(file)
    if not used:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('bankcrm.own_fields'))")
    if sentences := problems(file):
        raise Refused(" ".join(sentences))
    there = set(OwnField.objects.filter(code__in=used).values_list("code", flat=True))
    for code in used.keys() - there:
        told = used[code]
        field = OwnField.objects.create(
            code=code,
            label=told["label"],
            meaning=told.get("meaning", ""),
            unit=told.get("unit", ""),
            type=told["type"],
            personal=told.get("personal") or OwnField.Personal.PERSONAL,
            heading=told.get("heading", ""),
            source=file.source,
            first_file=file,
        )
        audit.record(file.uploaded_by, "own_field.created", field, code=code, type=field.type)
    _learn_words(file, [code for code, told in used.items() if told["type"] == OwnField.Type.CHOICE])
    own.forget()


def _learn_words(file: ImportFile, codes: list[str]) -> None:
    """Add the words of the file to those a choice may be picked from; where they become too many they are typed."""
    if not codes:
        return
    parts = SQL(" UNION ALL ").join(
        SQL("(SELECT {} AS code, {} AS word FROM {} GROUP BY 2 LIMIT {})").format(
            Literal(code), Identifier(code), Identifier(staging.checked_table(file)), Literal(MOST_WORDS + 2)
        )
        for code in codes
    )
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("SELECT code, word FROM ({}) told WHERE word IS NOT NULL ORDER BY 1, 2").format(parts)
        )
        told = cursor.fetchall()
    for field in OwnField.objects.filter(code__in=codes):
        # A field that had too many words once has no list any more.
        had = field.first_file_id == file.pk or bool(field.choices)
        words = sorted({*field.choices, *(word for code, word in told if code == field.code)})
        kept = words if had and len(words) <= MOST_WORDS else []
        if kept != field.choices:
            field.choices = kept
            field.save(update_fields=["choices"])


def write(file: ImportFile, chunk: sql.Composable, *, all_new: bool) -> None:
    """Write what the rows of ``chunk``, a FROM clause over ``k``, say of own fields; one statement.

    Only values that differ from what is known on the day of the load. ``all_new``: nothing is known of these customers.
    """
    used = used_by(file)
    if not used:
        return
    day = loads.effective_day(file)
    told = _told(used)
    known = SQL("SELECT '{}'::jsonb AS content") if all_new else _known(SQL("c.id"), day)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "INSERT INTO customers_ownvalues (customer_id, valid_from, brought_by, content)"
                " SELECT said.customer, {day}, {file}, differs.content FROM"
                " (SELECT c.id AS customer, {told} AS told, known.content AS known"
                "  FROM (SELECT * FROM {chunk}) k JOIN customers_customer c ON c.number = k.number"
                "  CROSS JOIN LATERAL ({known}) known) said"
                " CROSS JOIN LATERAL (SELECT jsonb_object_agg(e.key, e.value) AS content FROM jsonb_each(said.told) e"
                "  WHERE e.value IS DISTINCT FROM COALESCE(said.known -> e.key, 'null')) differs"
                " WHERE differs.content IS NOT NULL ORDER BY said.customer"
                " ON CONFLICT (customer_id, valid_from, brought_by)"
                " DO UPDATE SET content = customers_ownvalues.content || excluded.content"
            ).format(day=Literal(day), file=Literal(file.pk), told=told, chunk=chunk, known=known)
        )


def differs(file: ImportFile, customer: sql.Composable) -> sql.Composable | None:
    """Whether a checked row ``k`` tells of own fields what is not known of ``customer``, an id; None without any."""
    used = used_by(file)
    if not used:
        return None
    return SQL(
        "EXISTS (SELECT FROM ({known}) known CROSS JOIN LATERAL jsonb_each({told}) e"
        " WHERE e.value IS DISTINCT FROM COALESCE(known.content -> e.key, 'null'))"
    ).format(known=_known(customer, loads.effective_day(file)), told=_told(used))


def _told(used: dict[str, dict[str, Any]]) -> sql.Composable:
    """What a row says, by the fields' ids; a field that comes with the file has none yet: nothing is known of it."""
    ids = dict(OwnField.objects.filter(code__in=used).values_list("code", "id"))
    return _object([(str(ids.get(code, code)), Identifier("k", code)) for code in used])


def _known(customer: sql.Composable, day: Any) -> sql.Composable:
    """What is known on a day. Of one day the newest file speaks last; an object keeps the last of equal keys."""
    return SQL(
        "SELECT COALESCE(jsonb_object_agg(e.key, e.value ORDER BY v.valid_from, v.brought_by), '{{}}') AS content"
        " FROM customers_ownvalues v CROSS JOIN LATERAL jsonb_each(v.content) e"
        " WHERE v.customer_id = {} AND v.valid_from <= {}"
    ).format(customer, Literal(day))


def _object(pairs: list[tuple[str, sql.Composable]]) -> sql.Composable:
    """One JSON object of the pairs; a function takes a hundred arguments at most."""
    parts = [pairs[at : at + 50] for at in range(0, len(pairs), 50)]
    return SQL(" || ").join(
        SQL("jsonb_build_object({})").format(
            SQL(", ").join(SQL("{}, {}").format(Literal(key), value) for key, value in part)
        )
        for part in parts
    )


def remove(file: ImportFile) -> int:
    """Take back what the file said; what was known before speaks again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_ownvalues WHERE brought_by = %s", [file.pk])
        return int(cursor.rowcount)


def told_customers(file: ImportFile) -> int:
    """Of how many customers the file said something new."""
    if not used_by(file):
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM customers_ownvalues WHERE brought_by = %s", [file.pk])
        return int(cursor.fetchone()[0])


__all__ = ["MOST_FIELDS", "declare", "definitions", "differs", "problems", "remove", "used_by", "write"]
