"""Checking a staged file by set SQL: every cell in one pass, then one statement for each rule over whole rows."""

from __future__ import annotations

import functools
import re
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from bankcrm import clock
from customers.imports import cell_query, expressions, kinds, lanes, mapping, reasons, staging
from customers.imports.expressions import Identifier, Literal
from customers.imports.kinds import Kind, Rule, Target, Type
from customers.models import ImportFile

SQL = sql.SQL
# Pages of the staged rows below which a second hand is not worth its connection.
SMALLEST_PART = 1000
# A value in a sentence: whole, without its middle, or without the middle of what looks like a phone or an identity.
SHOWN = (
    "CASE place.disguise WHEN 'plain' THEN given.value"
    " WHEN 'shape' THEN regexp_replace(given.value, '([0-9]{3})[0-9]{5,}([0-9Xx]{3})', '\\1*****\\2', 'g')"
    " ELSE left(given.value, least(3, length(given.value) / 4)) || '***'"
    " || right(given.value, least(3, length(given.value) / 4)) END"
)


def cells(file: ImportFile) -> list[expressions.Cell]:
    """The cells this file fills, in the order of its kind's targets."""
    sources = mapping.sources(file)
    return [cell_of(file, target.name) for target in kinds.of(file).targets if target.name in sources]


def cell_of(file: ImportFile, name: str, *, trimmed: bool = False) -> expressions.Cell:
    """How the file gives the target: a column, perhaps read another way, or what every row shares.

    ``trimmed``: the cell stands in ``s`` without the spaces around it, as ``cell_query`` has it.
    """
    target = kinds.of(file).target(name)
    source = mapping.sources(file)[name]
    trimmed = trimmed and source[0] >= 0
    raw = _raw_of(file, source)
    return expressions.cell(
        target,
        Identifier("s", f"b{source[0]}") if trimmed else expressions.bare(raw),
        mapping.options_of(file, name),
        target.reading(mapping.readings(file).get(name, "")),
        file.effective_on or clock.today(),
        raw if trimmed else None,
    )


def told_besides(file: ImportFile) -> list[Target]:
    """Targets that no column gives and another one tells: a date of birth by the identity number."""
    sources = mapping.sources(file)
    return [
        target
        for target in kinds.of(file).targets
        if target.filled_from in sources and target.name not in sources
    ]


def _raw_of(file: ImportFile, source: tuple[int, str]) -> sql.Composable:
    at, given = source
    if at >= 0:
        return Identifier("s", f"c{at}")
    pieces = [
        Literal(piece)
        if column is None
        else SQL("s.line::text")
        if column < 0
        else Identifier("s", f"c{column}")
        for piece, column in mapping.pieces(given, file.columns)
    ]
    return pieces[0] if len(pieces) == 1 else SQL("concat({})").format(SQL(", ").join(pieces))


def check_cells(file: ImportFile) -> None:
    """Fill the checked table with the typed values of good rows, and write a reject for every bad cell."""
    sources = mapping.sources(file)
    found = [
        cell_of(file, target.name, trimmed=True)
        for target in kinds.of(file).targets
        if target.name in sources
    ]
    besides = told_besides(file)
    with connection.cursor() as cursor:
        parts = _parts(cursor, file)
        cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(_checked(file)))
        cursor.execute(
            SQL("CREATE UNLOGGED TABLE {} WITH (autovacuum_enabled = false) AS {} WITH NO DATA").format(
                _checked(file), cell_query.rows(file, found, parts[0], besides)
            )
        )
    lanes.side_by_side(
        [functools.partial(_fill, file, cell_query.rows(file, found, part, besides)) for part in parts]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        _analyze(cursor, file)
        _reject_cells(cursor, file, found)
        cursor.execute(SQL("DELETE FROM {} WHERE problems IS NOT NULL").format(_checked(file)))
        cursor.execute(SQL("CREATE INDEX ON {} (line)").format(_checked(file)))


def _analyze(cursor: Any, file: ImportFile) -> None:
    """What the planner needs to begin with the few wrong rows; all columns would take ten times as long."""
    names = ["line", "problems", *(name for name in kinds.of(file).key if name in mapping.sources(file))]
    columns = SQL(", ").join(map(Identifier, names))
    cursor.execute(SQL("ANALYZE {} ({})").format(_checked(file), columns))
    cursor.execute(SQL("ANALYZE {} (line)").format(Identifier(staging.raw_table(file))))


def _fill(file: ImportFile, query: sql.Composable) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL("SET LOCAL work_mem = '256MB'"))
        cursor.execute(SQL("SET LOCAL max_parallel_workers_per_gather = 0"))
        cursor.execute(SQL("INSERT INTO {} {}").format(_checked(file), query))


def _parts(cursor: Any, file: ImportFile) -> list[sql.Composable]:
    """FROM clauses over ``s`` that cut the staged rows into one part for each hand, by where they lie."""
    raw = Identifier(staging.raw_table(file))
    cursor.execute(
        SQL(
            "SELECT to_regclass({}) IS NOT NULL, pg_relation_size({}) / current_setting('block_size')::int"
        ).format(Literal(staging.half_table(file)), Literal(staging.raw_table(file)))
    )
    (has_half, pages), hands = cursor.fetchone(), lanes.count()
    if has_half:
        return [SQL("ONLY {} s").format(raw), SQL("{} s").format(Identifier(staging.half_table(file)))]
    if hands == 1 or pages < SMALLEST_PART * hands:
        return [SQL("{} s").format(raw)]
    ends = [int(pages) * at // hands for at in range(1, hands)]
    starts = [Literal(f"({page},0)") for page in (0, *ends)]
    stops = [SQL(" AND s.ctid < {}::tid").format(Literal(f"({page},0)")) for page in ends]
    return [
        SQL("{} s WHERE s.ctid >= {}::tid{}").format(raw, start, stop)
        for start, stop in zip(starts, [*stops, SQL("")], strict=True)
    ]


def _checked(file: ImportFile) -> sql.Identifier:
    return Identifier(staging.checked_table(file))


def _reject_cells(cursor: Any, file: ImportFile, found: list[expressions.Cell]) -> None:
    sources = mapping.sources(file)
    places = SQL(", ").join(
        SQL("({}, {}, {}, {}, {})").format(
            Literal(at),
            Literal(_header(file, name)),
            Literal(sources[name][0] + 1),
            Literal("" if sources[name][0] >= 0 else sources[name][1]),
            Literal(_disguise(file, name)),
        )
        for at, name in enumerate((cell.target.name for cell in found), start=1)
    )
    codes = SQL(", ").join(
        SQL("({}, {}, {})").format(Literal(number), Literal(code), Literal(str(reasons.SENTENCES[code])))
        for code, number in reasons.NUMBERS.items()
    )
    cursor.execute(
        SQL(
            'INSERT INTO customers_importreject (file_id, line, "column", code, reason, raw)'
            " SELECT {file}, s.line, place.header, code.code,"
            " replace(code.sentence, '{{value}}', {shown}), {raw}"
            " FROM {checked} k JOIN {table} s USING (line)"
            " CROSS JOIN LATERAL unnest(k.problems) WITH ORDINALITY AS problem (number, at)"
            " JOIN (VALUES {codes}) code (number, code, sentence) ON code.number = problem.number"
            " JOIN (VALUES {places}) place (cell, header, at, shared, disguise) ON place.cell = problem.at"
            " CROSS JOIN LATERAL (SELECT left(btrim(COALESCE(({row})[place.at], place.shared)), 60) AS value) given"
            " WHERE k.problems IS NOT NULL ON CONFLICT DO NOTHING"
        ).format(
            file=Literal(file.pk),
            row=_row(file),
            shown=SQL(SHOWN),
            raw=_raw(file),
            checked=_checked(file),
            table=Identifier(staging.raw_table(file)),
            codes=codes,
            places=places,
        )
    )


def _disguise(file: ImportFile, name: str) -> str:
    target = kinds.of(file).target(name)
    if target.is_masked:
        return "masked"
    return "plain" if target.type == Type.CUSTOMER or name in kinds.of(file).key else "shape"


def _row(file: ImportFile) -> sql.Composable:
    return SQL("ARRAY[{}]").format(
        SQL(", ").join(Identifier("s", f"c{at}") for at in range(len(file.columns)))
    )


def _raw(file: ImportFile) -> sql.Composable:
    quoted = SQL(
        "CASE WHEN cell ~ {special} THEN '\"' || replace(cell, '\"', '\"\"') || '\"' ELSE COALESCE(cell, '') END"
    ).format(special=Literal(f'["\\r\\n{re.escape(file.delimiter)}]'))
    return SQL(
        "left((SELECT string_agg({quoted}, {delimiter} ORDER BY at)"
        " FROM unnest({row}) WITH ORDINALITY AS c (cell, at)), {most})"
    ).format(
        quoted=quoted, delimiter=Literal(file.delimiter), row=_row(file), most=Literal(staging.RAW_CHARACTERS)
    )


def check_rows(file: ImportFile) -> None:
    """Duplicate keys (the first good row wins), then the rules of the kind; each is one statement."""
    kind = kinds.of(file)
    filled, estimated = set(mapping.sources(file)), set(mapping.readings(file))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL("SET LOCAL work_mem = '256MB'"))  # a million keys are compared at once
        if set(kind.key) <= filled:
            _reject_duplicates(file, kind)
        for rule in kind.rules:
            if (
                set(rule.needs) <= filled
                and not set(rule.without) & filled
                and not set(rule.exact) & estimated
            ):
                _apply(file, rule)


def _reject_duplicates(file: ImportFile, kind: Kind) -> None:
    keys = SQL(", ").join(Identifier("k", name) for name in kind.key)
    same = SQL(" AND ").join(SQL("k.{0} = twice.{0}").format(Identifier(name)) for name in kind.key)
    _reject_where(
        file,
        column=", ".join(_header(file, name) for name in kind.key),
        code="duplicate_key",
        reason=SQL("replace({}, '{{value}}', twice.first_line::text)").format(
            Literal(str(reasons.SENTENCES["duplicate_key"]))
        ),
        more=SQL(
            "JOIN (SELECT {keys}, min(k.line) AS first_line FROM {checked} k GROUP BY {keys} HAVING count(*) > 1) twice"
            " ON {same}"
        ).format(keys=keys, checked=_checked(file), same=same),
        wrong=SQL("k.line > twice.first_line"),
    )


def _apply(file: ImportFile, rule: Rule) -> None:
    wrong = SQL(rule.wrong).format(checked=_checked(file), user=Literal(file.uploaded_by_id or 0))
    _reject_where(
        file,
        column=_header(file, rule.target),
        code=rule.code,
        reason=_sentence(rule),
        more=SQL(""),
        wrong=wrong,
        warns=rule.warns,
    )


def _sentence(rule: Rule) -> sql.Composable:
    reason: sql.Composable = Literal(str(rule.sentence))
    for name, shown in rule.shows:
        reason = SQL("replace({}, {}, ({})::text)").format(
            reason, Literal("{" + name + "}"), SQL(shown).format()
        )
    return reason


def warn_of_lines(file: ImportFile) -> None:
    """A warning for every text of several lines, which goes in as one; only the careful reader meets such."""
    if not file.options.get("careful"):
        return
    sources, texts = mapping.sources(file), []
    for target in kinds.of(file).targets:
        at, _header_of = sources.get(target.name, (-1, ""))
        if target.type == Type.TEXT and at >= 0:
            texts.append(
                (
                    target.name,
                    SQL("{} ~ {}").format(expressions.bare(Identifier("s", f"c{at}")), Literal("[\r\n]")),
                )
            )
    with connection.cursor() as cursor:
        cursor.execute(
            SQL("SELECT {} FROM {} s").format(
                SQL(", ").join(SQL("bool_or({})").format(broken) for _name, broken in texts),
                Identifier(staging.raw_table(file)),
            )
        )
        met = cursor.fetchone()
    for (name, broken), is_met in zip(texts, met, strict=True):
        if is_met:
            _reject_where(
                file,
                column=_header(file, name),
                code="several_lines",
                reason=Literal(str(reasons.SEVERAL_LINES)),
                more=SQL("JOIN {} s ON s.line = k.line").format(Identifier(staging.raw_table(file))),
                wrong=broken,
                warns=True,
            )


def _header(file: ImportFile, name: str) -> str:
    at, header = mapping.sources(file).get(name, (-1, ""))
    return (header if at >= 0 else str(kinds.of(file).target(name).label))[:80]


def _reject_where(
    file: ImportFile,
    *,
    column: str,
    code: str,
    reason: sql.Composable,
    more: sql.Composable,
    wrong: sql.Composable,
    warns: bool = False,
) -> None:
    """Write rejects for the checked rows that are ``wrong`` and take them out of the checked table, unless it warns."""
    gone = SQL(" gone AS (DELETE FROM {} k USING wrong WHERE k.line = wrong.line)").format(_checked(file))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL(
                "WITH wrong AS (SELECT k.line, {reason} AS reason FROM {checked} k {more} WHERE {wrong}){gone}"
                ' INSERT INTO customers_importreject (file_id, line, "column", code, reason, raw, is_warning)'
                " SELECT {file}, wrong.line, {column}, {code}, wrong.reason, {raw}, {warns}"
                " FROM wrong JOIN {table} s USING (line) ON CONFLICT DO NOTHING"
            ).format(
                reason=reason,
                checked=_checked(file),
                more=more,
                wrong=wrong,
                gone=SQL("") if warns else SQL(",") + gone,
                warns=Literal(warns),
                file=Literal(file.pk),
                column=Literal(column[:80]),
                code=Literal(code),
                raw=_raw(file),
                table=Identifier(staging.raw_table(file)),
            )
        )


def accepted(file: ImportFile) -> int:
    """Rows that are ready to go in; 0 also where nothing is staged any more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [staging.checked_table(file)])
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute(SQL("SELECT count(*) FROM {}").format(_checked(file)))
        return int(cursor.fetchone()[0])


def without_branch(file: ImportFile) -> int:
    """Customers among the checked rows who will have no branch once they are in: only head office sees such."""
    if file.kind != ImportFile.Kind.CUSTOMERS:
        return 0
    told = "branch" in {cell.target.name for cell in cells(file)}
    # An empty cell of a mapped column empties the value; what no column says stays as it is.
    query = (
        SQL("SELECT count(*) FROM {} WHERE branch IS NULL")
        if told
        else SQL(
            "SELECT count(*) FROM {} k LEFT JOIN customers_customer c ON c.number = k.number"
            " WHERE c.home_branch_id IS NULL"
        )
    )
    with connection.cursor() as cursor:
        cursor.execute(query.format(_checked(file)))
        return int(cursor.fetchone()[0])
