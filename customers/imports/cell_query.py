"""The one statement that reads every cell of the staged rows: line, problems, and the typed values of the good ones.

It works in layers, each a subquery: the values of plain cells; the others without the spaces around them; their texts,
cleaned; what is wrong with those, and the references found; the values. OFFSET 0 keeps the planner from merging layers,
which would compute what is found in one again wherever the next ones use it.
"""

from __future__ import annotations

from psycopg import sql

from customers.imports import expressions, mapping
from customers.imports.expressions import Cell, Identifier, Literal
from customers.imports.kinds import KINDS
from customers.models import ImportFile

SQL = sql.SQL


def rows(file: ImportFile, found: list[Cell], part: sql.Composable) -> sql.Composed:
    """``found``: the cells, read trimmed by ``checking.cell_of``; ``part``: a FROM clause over staged rows (``s``)."""
    texts: list[sql.Composable] = [_text(cell) for cell in found]
    plain = [Identifier(_plain(cell)) for cell in found if cell.quick is not None]
    values: list[sql.Composable] = [
        SQL("{} AS {}").format(_value(cell), Identifier(cell.target.name))
        for cell in found
        if cell.join is None
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
