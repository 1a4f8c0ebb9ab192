"""The one statement that reads every cell of the staged rows: line, problems, and the typed values of the good ones.

It works in layers, each a subquery: the values of plain cells; the others without the spaces around them; their texts,
cleaned; what is wrong with those, and the references found; the values. OFFSET 0 keeps the planner from merging layers,
which would compute what is found in one again wherever the next ones use it.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from customers.imports import expressions, mapping
from customers.imports.expressions import Cell, Identifier, Literal
from customers.imports.kinds import KINDS, Kind, Target
from customers.models import ImportFile

SQL = sql.SQL


def rows(
    file: ImportFile, found: list[Cell], part: sql.Composable, besides: Sequence[Target] = ()
) -> sql.Composed:
    """``found``: the cells, read trimmed by ``checking.cell_of``; ``part``: a FROM clause over staged rows (``s``);
    ``besides``: targets without a cell that another one tells.
    """
    given = {cell.target.name for cell in found}
    estimates = mapping.readings(file)
    texts: list[sql.Composable] = [_text(cell) for cell in found]
    plain = [Identifier(_plain(cell)) for cell in found if cell.quick is not None]
    values: list[sql.Composable] = [
        SQL("{} AS {}").format(
            _filled(cell, is_estimate=cell.target.name in estimates)
            if cell.target.filled_from in given
            else _value(cell),
            Identifier(cell.target.name),
        )
        for cell in found
        if cell.join is None
    ]
    values += [
        SQL("{} AS {}").format(_besides(KINDS[file.kind], each), Identifier(each.name)) for each in besides
    ]
    references = [cell for cell in found if cell.join is not None]
    resolved = [SQL("{} AS {}").format(cell.value, Identifier(cell.target.name)) for cell in references]
    values += [Identifier("q", cell.target.name) for cell in references]
    if file.options.get("campaign", {}).get("new_customers"):
        values.append(_new_number(file))
    if KINDS[file.kind].keeps_other_columns:
        texts.append(SQL("{} AS facts").format(_facts(mapping.facts(file), file.options.get("values", {}))))
        values.append(SQL("q.facts"))
    problems = _listed([_problem(cell) for cell in found])
    return SQL(
        "SELECT {outer} FROM (SELECT {resolved},"
        " CASE WHEN COALESCE({problems}) IS NOT NULL THEN ARRAY[{problems}]::smallint[] END AS problems"
        " FROM (SELECT {texts} FROM (SELECT {bare} FROM (SELECT {quick} FROM {part} OFFSET 0) s"
        " OFFSET 0) s OFFSET 0) q {joins} OFFSET 0) q"
    ).format(
        outer=_listed([SQL("q.line, q.problems"), *values]),
        resolved=_listed([SQL("q.*"), *resolved]),
        problems=problems,
        texts=_listed([SQL("s.line"), *plain, *texts]),
        bare=_listed([SQL("s.*"), *_bare(file, found)]),
        quick=_listed([SQL("s.*"), *(_quick(cell) for cell in found if cell.quick is not None)]),
        part=part,
        joins=SQL(" ").join(cell.join for cell in references if cell.join is not None),
    )


def _plain(cell: Cell) -> str:
    """The column of the value that a plain cell has."""
    return f"v_{cell.target.name}"


def _quick(cell: Cell) -> sql.Composable:
    return SQL("{} AS {}").format(cell.quick, Identifier(_plain(cell)))


def _bare(file: ImportFile, found: list[Cell]) -> list[sql.Composable]:
    """Every column that is a cell, without the spaces around it; NULL where the cell is plain."""
    sources = mapping.sources(file)
    columns = {sources[cell.target.name][0]: cell for cell in found if sources[cell.target.name][0] >= 0}
    return [
        _unless_plain(cell, expressions.bare(Identifier("s", f"c{at}")), f"b{at}")
        for at, cell in columns.items()
    ]


def _text(cell: Cell) -> sql.Composable:
    return _unless_plain(cell, cell.text, f"t_{cell.target.name}")


def _unless_plain(cell: Cell, what: sql.Composable, name: str) -> sql.Composable:
    if cell.quick is None:
        return SQL("{} AS {}").format(what, Identifier(name))
    return SQL("CASE WHEN s.{} IS NULL THEN {} END AS {}").format(
        Identifier(_plain(cell)), what, Identifier(name)
    )


def _problem(cell: Cell) -> sql.Composable:
    if cell.quick is None:
        return cell.problem
    return SQL("CASE WHEN q.{} IS NULL THEN {} END").format(Identifier(_plain(cell)), cell.problem)


def _value(cell: Cell) -> sql.Composable:
    long = SQL("CASE WHEN q.problems IS NULL THEN {} END").format(cell.value)
    return long if cell.quick is None else SQL("COALESCE(q.{}, {})").format(Identifier(_plain(cell)), long)


def _said(target: Target) -> sql.Composable:
    """What another cell of the row tells of the target."""
    told = target.filled(Identifier("q", f"t_{target.filled_from}"))
    return SQL("CASE WHEN q.problems IS NULL THEN {} END").format(told)


def _filled(cell: Cell, *, is_estimate: bool) -> sql.Composable:
    """The cell's own value, and where it is empty what the other tells; an estimate gives way to that."""
    target, own = cell.target, _value(cell)
    if is_estimate:
        return SQL("COALESCE({}, {})").format(_said(target), own)
    if target.empty is None:
        return SQL("COALESCE({}, {})").format(own, _said(target))
    empty = Literal(target.empty)
    return SQL("COALESCE(NULLIF({}, {}), {}, {})").format(own, empty, _said(target), empty)


def _besides(kind: Kind, target: Target) -> sql.Composable:
    """What the other cell tells of a target that no column gives; whatever the bank knows for certain stays."""
    assert kind.model is not None  # noqa: S101  # only customers have such targets
    known = Identifier("known", target.column)
    unsure = SQL("{} IS NULL").format(known)
    if target.empty is not None:
        unsure = SQL("COALESCE({0}, {1}) = {1}").format(known, Literal(target.empty))
    if target.estimate_column:
        unsure = SQL("({} OR {})").format(unsure, Identifier("known", target.estimate_column))
    return SQL(
        "(SELECT CASE WHEN {unsure} THEN COALESCE({said}, {known}, {empty}) ELSE {known} END"
        " FROM (SELECT) row_itself LEFT JOIN {table} known ON {number} = q.{key})"
    ).format(
        unsure=unsure,
        said=_said(target),
        known=known,
        empty=Literal(target.empty),
        table=Identifier(kind.model._meta.db_table),
        number=Identifier("known", kind.target(kind.key[0]).column),
        key=Identifier(f"t_{kind.key[0]}"),
    )


def _listed(pieces: list[sql.Composable]) -> sql.Composable:
    return SQL(", ").join(pieces)


def _new_number(file: ImportFile) -> sql.Composable:
    """The number of the customer a row of an anonymous list becomes: a prefix and the line."""
    prefix = Literal(file.options["campaign"]["new_customers"])
    return SQL("{} || q.line AS new_number").format(prefix)


def _facts(columns: list[tuple[int, str]], values: dict[str, dict[str, str]]) -> sql.Composable:
    if not columns:
        return SQL("'{}'::jsonb")
    pairs = SQL(", ").join(
        SQL("{}, NULLIF({}, '')").format(
            Literal(name),
            # A file may write "never" as 999: such a value is declared under facts.<column>.
            expressions.replaced(
                SQL("btrim({})").format(Identifier("s", f"c{at}")), values.get(f"facts.{name}", {})
            ),
        )
        for at, name in columns
    )
    return SQL("jsonb_object(ARRAY[{}]::text[])").format(pairs)
