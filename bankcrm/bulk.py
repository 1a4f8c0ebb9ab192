"""Columns in and out of PostgreSQL by binary COPY, and sets that never leave the database.

``copy_columns`` frames numpy arrays as COPY BINARY without a loop over rows; ``read_columns`` reads a query back into
arrays; ``insert_from`` writes a query's rows where they already are.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection as default_connection
from django.db import models
from psycopg import sql

from bankcrm import copy_format
from bankcrm.copy_format import Coded, Column, Kind, Scaled

__all__ = [
    "Coded",
    "Column",
    "Scaled",
    "copy_columns",
    "copy_rows",
    "insert_from",
    "read_columns",
    "read_matrix",
    "without_helpers",
    "without_time_limit",
]

BLOCK_BYTES = 8 * 1024 * 1024
MATRIX_ROWS = 16_384

Query = str | sql.Composable


def copy_columns(table: str, columns: Mapping[str, Column], connection: Any = None) -> int:
    """Append rows given as equally long columns to ``table``; returns how many.

    Per type of the table's column: integers from integer or bool arrays; floats; bool; date from datetime64;
    timestamptz from datetime64 in UTC; numeric from ``Scaled``, integers or floats (rounded to the column's places);
    text and json from object, ``S``, ``U`` arrays or ``Coded``; arrays of floats from (n, k). NULL is NaN, NaT, None, a
    masked entry or a negative code. ``connection``: psycopg's or Django's, by default Django's. Raises ``ValueError``
    for unequal lengths or unknown columns, ``TypeError`` for arrays that do not fit, psycopg's errors for what the
    table refuses.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns of {table} differ in length: {lengths}")
    rows = next(iter(lengths.values()))
    raw = _psycopg(connection)
    kinds = _kinds(raw, table, list(columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    blocks = _framed(columns, kinds, rows)
    first = next(blocks)  # before COPY begins, so that arrays that do not fit leave the transaction alive
    with raw.cursor() as cursor:
        with cursor.copy(statement) as copy:
            copy.write(copy_format.SIGNATURE)
            copy.write(first)
            for block in blocks:
                copy.write(block)
            copy.write(copy_format.TRAILER)
        return int(cursor.rowcount)


def copy_rows(
    table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], connection: Any = None
) -> int:
    """Append Python rows to ``table`` by COPY, streaming; returns how many. For what does not come as arrays."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with _psycopg(connection).cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        return int(cursor.rowcount)


def read_columns(query: Query, params: Any = None, connection: Any = None) -> dict[str, np.ndarray]:
    """The rows of ``query`` as one array per column, in the query's order.

    int → int64 (float64 with NaN where NULL occurs), float and numeric → float64 (NULL is NaN), bool → bool (float64
    where NULL occurs), date → datetime64[D], timestamptz → datetime64[us] in UTC (NULL is NaT), everything else →
    object array of str (NULL is None). Raises ``ValueError`` when two columns have one name.
    """
    raw = _psycopg(connection)
    bound = _bound(raw, query, params)
    kinds = _result_kinds(raw, bound)
    order = sorted(
        kinds, key=lambda name: copy_format.readable(kinds[name])[1] == "text"
    )  # fixed widths first
    formats = [copy_format.readable(kinds[name])[1] for name in order]
    chosen = sql.SQL(", ").join(
        sql.SQL(copy_format.readable(kinds[name])[0]).format(sql.Identifier(name)) for name in order
    )
    statement = b"COPY (SELECT " + chosen.as_bytes(raw) + b" FROM (" + bound + b") AS result)"
    parts: dict[str, list[np.ndarray]] = {name: [] for name in order}
    with raw.cursor() as cursor, cursor.copy(statement + b" TO STDOUT (FORMAT BINARY)") as copy:
        for block, sizes in copy_format.blocks(_rows(copy)):
            for name, values in zip(order, copy_format.unframe(block, sizes, formats), strict=True):
                parts[name].append(values)
    return {name: copy_format.finished(kinds[name], parts[name]) for name in kinds}


def read_matrix(
    query: Query,
    width: int,
    params: Any = None,
    words: Mapping[int, Sequence[str]] | None = None,
    connection: Any = None,
) -> tuple[dict[str, np.ndarray], np.ndarray, dict[int, int]]:
    """The rows of ``query`` as (leading columns, matrix (n, ``width``) float32 of its last ``width`` columns, other
    words).

    A column of the matrix is of type float4, NULL is NaN; or it is text, named in ``words`` by its place in the matrix
    (from 0), and becomes the position of its value among those words, NaN for any other: in how many rows there is
    another word, neither NULL nor empty, is counted by place. Leading columns are fixed in width and come back as
    ``read_columns`` gives them. Memory stays within a quarter above the matrix. Raises ``ValueError`` for columns of
    other types.
    """
    raw = _psycopg(connection)
    bound = _bound(raw, query, params)
    kinds = _result_kinds(raw, bound)
    layout = _Layout.of(kinds, width, words or {})
    codes = {name: _Codes(raw, (words or {})[place]) for name, place in layout.texts.items()}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in layout.leading}
    matrix, n = np.empty((MATRIX_ROWS, width), np.float32), 0
    statement = b"COPY (SELECT " + layout.chosen.as_bytes(raw) + b" FROM (" + bound + b") AS result)"
    with raw.cursor() as cursor, cursor.copy(statement + b" TO STDOUT (FORMAT BINARY)") as copy:
        for block, sizes in copy_format.blocks(_rows(copy), MATRIX_ROWS):
            rows, to = block.view(layout.record), n + len(sizes)
            if to > len(matrix):
                # Grown in place: the kernel moves pages, so the old and the new matrix never stand side by side.
                matrix.resize((max(len(matrix) * 5 // 4, to), width), refcheck=False)
            if len(layout.numbers):
                # Every number stands behind its length word, so all of them are every second word of a row's end.
                found = block.reshape(len(sizes), -1)[:, -8 * len(layout.numbers) :].view(">f4")[:, 1::2]
                matrix[n:to, layout.numbers if codes else slice(None)] = found
            for name, place in layout.texts.items():
                matrix[n:to, place] = codes[name].of(rows[name])
            for name in layout.leading:
                parts[name].append(rows[name].astype(layout.record[name].newbyteorder("=")))
            n = to
    matrix.resize((n, width), refcheck=False)
    leading = {name: copy_format.finished(kinds[name], parts[name]) for name in layout.leading}
    return leading, matrix, {place: codes[name].others for name, place in layout.texts.items()}


@dataclass(frozen=True)
class _Layout:
    """How a row of a matrix comes over the wire: leading columns, hashes of texts, then numbers. ``texts``: name →
    place in the matrix; ``numbers``: places; ``chosen``: the columns to select, ``record`` a row of them."""

    leading: list[str]
    texts: dict[str, int]
    numbers: np.ndarray
    chosen: sql.Composed
    record: np.dtype[Any]

    @classmethod
    def of(cls, kinds: Mapping[str, str], width: int, words: Mapping[int, Sequence[str]]) -> _Layout:
        """Raises ValueError for columns that have no place."""
        names = list(kinds)
        leading, inside = names[: len(names) - width], names[len(names) - width :]
        texts = {inside[place]: place for place in words}
        numbers = [name for name in inside if name not in texts]
        if unfit := [name for name in leading if copy_format.readable(kinds[name])[1] == "text"]:
            raise ValueError(f"text cannot stand beside a matrix: {', '.join(unfit)}")
        if unfit := [name for name in numbers if kinds[name] != "float4"]:
            raise ValueError(f"a matrix is made of float4: {', '.join(unfit)}")
        templates = {name: copy_format.readable(kinds[name]) for name in leading}
        templates |= dict.fromkeys(texts, ("coalesce(hashtextextended({}, 0), 0)", ">i8"))
        templates |= dict.fromkeys(numbers, ("coalesce({}, 'NaN')", copy_format.FLOATS["float4"]))
        columns = [sql.SQL(form).format(sql.Identifier(name)) for name, (form, _) in templates.items()]
        record = copy_format.records({name: form for name, (_, form) in templates.items()})
        places = np.array([inside.index(name) for name in numbers], dtype=np.intp)
        return cls(leading, texts, places, sql.SQL(", ").join(columns), record)


class _Codes:
    """Positions of words by their 64-bit hash: comparing words row by row would take as long as reading them.

    ``others`` counts the rows with a word that is none of them.
    """

    def __init__(self, raw: psycopg.Connection[Any], words: Sequence[str]) -> None:
        with raw.cursor() as cursor:
            cursor.execute(
                "SELECT hashtextextended(word, 0) FROM unnest(%s::text[]) WITH ORDINALITY AS given (word, place)"
                " ORDER BY place",
                [["", *words]],
            )
            empty, *hashes = (row[0] for row in cursor)
        self.position = np.argsort(np.array(hashes, dtype=np.int64), kind="stable")
        self.hashes = np.array(hashes, dtype=np.int64)[self.position]
        self.no_word = np.array([0, empty], dtype=np.int64)
        self.others = 0

    def of(self, hashes: np.ndarray) -> np.ndarray:
        """Position of every hash (n,) among the words, NaN for others."""
        given = hashes.astype(np.int64)
        if len(self.hashes):
            at = np.searchsorted(self.hashes, given).clip(max=len(self.hashes) - 1)
            found = np.where(self.hashes[at] == given, self.position[at], np.nan).astype(np.float32)
        else:
            found = np.full(len(given), np.nan, np.float32)
        self.others += int(np.isin(given[np.isnan(found)], self.no_word, invert=True).sum())
        return found


def insert_from(
    model: type[models.Model],
    rows: models.QuerySet[Any, Any] | tuple[str, Any],
    fields: Sequence[str],
    connection: Any = None,
) -> int:
    """``INSERT INTO model (fields) rows ON CONFLICT DO NOTHING``; returns how many rows are new.

    ``rows`` is a ``values_list`` queryset or ``(sql, params)`` whose columns stand in the order of ``fields``.
    """
    if isinstance(rows, tuple):
        query, params = rows
    else:
        query, params = rows.query.sql_with_params()
    columns = [str(getattr(model._meta.get_field(name), "column", name)) for name in fields]
    statement = sql.SQL("INSERT INTO {} ({}) ").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    raw = _psycopg(connection)
    bound = _bound(raw, query, params)
    with raw.cursor() as cursor:
        cursor.execute(statement.as_bytes(raw) + bound + b" ON CONFLICT DO NOTHING")
        return int(cursor.rowcount)


@contextmanager
def without_time_limit(connection: Any = None) -> Iterator[None]:
    """Lift the statement and idle limits of this session for the block: they protect pages, not bulk work."""
    with _set({"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}, connection):
        yield


@contextmanager
def without_helpers(connection: Any = None) -> Iterator[None]:
    """No parallel workers for the block: two of our own processes side by side use two cores better than each of them
    with helpers, which read the same table again."""
    with _set({"max_parallel_workers_per_gather": "0"}, connection):
        yield


@contextmanager
def _set(settings: Mapping[str, str], connection: Any) -> Iterator[None]:
    raw = _psycopg(connection)
    with raw.cursor() as cursor:
        before = {name: str(*(cursor.execute(f"SHOW {name}").fetchone() or ("0",))) for name in settings}
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        if raw.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            with raw.cursor() as cursor:
                for name, value in before.items():
                    cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def _psycopg(connection: Any) -> psycopg.Connection[Any]:
    """The psycopg connection itself: COPY needs no query wrappers, and the transaction is the same."""
    if isinstance(connection, psycopg.Connection):
        return connection
    wrapper = connection or default_connection
    wrapper.ensure_connection()
    raw = wrapper.connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101  # narrows Django's untyped attribute
    return raw


def _bound(raw: psycopg.Connection[Any], query: Query, params: Any) -> bytes:
    """``query`` with its parameters as literals: COPY takes none."""
    if isinstance(query, str):
        return psycopg.ClientCursor(raw).mogrify(query, params).encode() if params else query.encode()
    return query.as_bytes(raw)


def _framed(columns: Mapping[str, Column], kinds: list[Kind], rows: int) -> Iterator[bytes]:
    """Blocks of about ``BLOCK_BYTES``; one empty block where there are no rows."""
    start, step = 0, 4096
    while start < max(rows, 1):
        block = copy_format.frame(
            [
                copy_format.field(name, values[start : start + step], kind)
                for (name, values), kind in zip(columns.items(), kinds, strict=True)
            ]
        )
        yield block
        start += step
        step = max(1024, min(262_144, BLOCK_BYTES * step // max(len(block), 1)))


def _rows(copy: psycopg.Copy) -> Iterator[bytes]:
    """The messages of a COPY TO, one per row, as ``copy`` gives them itself, in three fifths of the time: psycopg sets
    up a wait for every row, here only where no further row has come yet."""
    raw = copy.connection.pgconn
    readable = select.poll()
    readable.register(raw.socket, select.POLLIN)
    while (found := raw.get_copy_data(1))[0] >= 0:
        size, row = found
        if size:
            # Bytes and not the view: Python's garbage collector walks through held views again and again.
            yield bytes(row)
        else:
            readable.poll()
            raw.consume_input()
    # To the end, or the connection stays busy.
    for result in list(iter(raw.get_result, None)):
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)


def _result_kinds(raw: psycopg.Connection[Any], bound: bytes) -> dict[str, str]:
    """Column name → type name of a query, asked of the server without running it."""
    with raw.cursor() as cursor:
        cursor.execute(b"SELECT * FROM (" + bound + b") AS result LIMIT 0")
        columns = [(column.name, column.type_code) for column in cursor.description or ()]
        if len({name for name, _ in columns}) != len(columns):
            raise ValueError(f"two columns of the query have one name: {[name for name, _ in columns]}")
        cursor.execute("SELECT oid, typname FROM pg_type WHERE oid = ANY(%s)", [[oid for _, oid in columns]])
        names = dict(cursor.fetchall())
    return {name: names[oid] for name, oid in columns}


def _kinds(raw: psycopg.Connection[Any], table: str, columns: list[str]) -> list[Kind]:
    with raw.cursor() as cursor:
        cursor.execute(
            "SELECT attname, typname, atttypmod FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        found = {
            name: Kind(kind, (typmod - 4 & 0x7FF) if typmod >= 4 else 6) for name, kind, typmod in cursor
        }
    if unknown := [name for name in columns if name not in found]:
        raise ValueError(f"{table} has no column {', '.join(unknown)}")
    return [found[name] for name in columns]
