"""The file as it came, in an UNLOGGED table: line number and one text per column.

The server's own CSV reader does it in one COPY. A file it cannot read as a whole (ragged rows, blank lines, NUL bytes,
lone quotation marks, quoted line ends, mixed line ends) is read again row by row, so that every bad row can say where
it is. A workbook is always read row by row; its line numbers are those of the sheet.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import bulk
from bankcrm.runs import Refused
from customers.imports import encodings, lanes, raw_bytes, reasons, sniffing, workbooks
from customers.imports.raw_bytes import WHOLE, Half
from customers.models import ImportFile, ImportReject

BATCH = 20_000
# First line, fields, and why it is no row.
Record = tuple[int, list[str], ImportReject | None]
RAW_CHARACTERS = 20_000
KEPT_DAYS = 7


def raw_table(file: ImportFile) -> str:
    return f"import_raw_{file.pk}"


def half_table(file: ImportFile) -> str:
    """A child of the raw table, where the second hand wrote its half; there only for large files."""
    return f"import_raw_{file.pk}_half"


def checked_table(file: ImportFile) -> str:
    return f"import_checked_{file.pk}"


def keys_table(file: ImportFile) -> str:
    """What a full load lists, rejected rows included."""
    return f"import_keys_{file.pk}"


def drop(file: ImportFile) -> None:
    """Forget what was staged; the file itself stays and can be staged again."""
    with connection.cursor() as cursor:
        for name in (half_table(file), raw_table(file), checked_table(file), keys_table(file)):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def sweep() -> None:
    """Drop what was staged for files that nobody merged within a week; a later merge stages them again."""
    old = timezone.now() - dt.timedelta(days=KEPT_DAYS)
    waiting = ImportFile.objects.filter(uploaded_at__lt=old).exclude(state=ImportFile.State.MERGED)
    for file in waiting.order_by("-pk")[:100]:
        drop(file)


def stage(file: ImportFile, path: Path) -> int:
    """Fill the raw table from the file at ``path``; returns its data rows, rejected ones included.

    Rows that are no rows become rejects at once. A large plain file is written by two hands, a half by each; any other
    in one transaction. Raises Refused for the whole file.
    """
    file.options.pop("careful", None)
    halves = _halves(file, path)
    rows = _by_halves(file, path, halves) if len(halves) > 1 else None
    if rows is None:
        rows = _at_once(file, path, is_plain=len(halves) == 1 and file.encoding != workbooks.ENCODING)
    if not rows:
        drop(file)
        raise Refused(_("The file has a header and no rows."))
    return rows


def _halves(file: ImportFile, path: Path) -> list[Half]:
    return raw_bytes.halves(path) if file.encoding == "utf-8" and lanes.count() > 1 else [WHOLE]


def _by_halves(file: ImportFile, path: Path, halves: list[Half]) -> int | None:
    """Each hand reads its half into a table of its own; None when the careful reader must do it."""
    with transaction.atomic():
        _create(file, halves)
        ImportReject.objects.filter(file=file).delete()
    tables = (raw_table(file), half_table(file))
    found: dict[str, int | None] = {}

    def fill(table: str, half: Half) -> None:
        found[table] = _by_server(file, path, table, half)

    lanes.side_by_side(
        [functools.partial(fill, table, half) for table, half in zip(tables, halves, strict=True)]
    )
    rows = [found[table] for table in tables]
    known = [each for each in rows if each is not None]
    if len(known) < len(rows):
        return None
    if sum(known) > sniffing.MAX_ROWS:
        raise sniffing.too_many_rows()
    return sum(known)


def _at_once(file: ImportFile, path: Path, *, is_plain: bool) -> int:
    """In one transaction: by the server's own reader where the file may be plain, otherwise row by row."""
    with transaction.atomic():
        _create(file, [WHOLE])
        ImportReject.objects.filter(file=file).delete()
        rows = _by_server(file, path, raw_table(file), WHOLE) if is_plain else None
        if rows is not None:
            return rows
        # Only so can a cell have several lines: ``checking`` looks for them.
        file.options["careful"] = True
        return _by_workbook(file, path) if file.encoding == workbooks.ENCODING else _by_row(file, path)


def _create(file: ImportFile, halves: list[Half]) -> None:
    """The raw table, and its child where there are two halves: a query over the first sees the rows of both."""
    drop(file)
    columns = sql.SQL("").join(
        sql.SQL(", {} text").format(sql.Identifier(f"c{at}")) for at in range(len(file.columns))
    )
    create = sql.SQL(
        "CREATE UNLOGGED TABLE {} (line bigint GENERATED BY DEFAULT AS IDENTITY (START {} CACHE 1000){}){}"
        " WITH (autovacuum_enabled = false)"
    )
    with connection.cursor() as cursor:
        raw = sql.Identifier(raw_table(file))
        cursor.execute(create.format(raw, sql.Literal(_header(file) + 1), columns, sql.SQL("")))
        for half in halves[1:]:
            name = sql.Identifier(half_table(file))
            parent = sql.SQL(" INHERITS ({})").format(raw)
            cursor.execute(create.format(name, sql.Literal(half.before + 1), sql.SQL(""), parent))


def _header(file: ImportFile) -> int:
    """The last line of the header; 0 where the file has none."""
    return int(file.options.get("header", 1))


class NotPlain(Exception):
    """The file needs the careful reader."""


def _by_server(file: ImportFile, path: Path, table: str, half: Half) -> int | None:
    """COPY … CSV of everything after the header; None when the careful reader must do it."""
    columns = sql.SQL(", ").join(sql.Identifier(f"c{at}") for at in range(len(file.columns)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, DELIMITER {})").format(
        sql.Identifier(table), columns, sql.Literal(file.delimiter)
    )
    connection.ensure_connection()
    lines = 0
    try:
        with transaction.atomic(), connection.connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for piece in _without_end(_plain_pieces(path, file, half)):
                    lines += piece.count(b"\n")
                    if lines > sniffing.MAX_ROWS:
                        raise sniffing.too_many_rows()
                    copy.write(piece)
            # A quoted line end, or one that ended the data early, shows here: then line numbers would lie.
            if cursor.rowcount != lines:
                raise NotPlain
    except (NotPlain, psycopg.DataError, psycopg.errors.BadCopyFileFormat):
        return None
    return lines


def _plain_pieces(path: Path, file: ImportFile, half: Half = WHOLE) -> Iterator[bytes]:
    """UTF-8 in whole lines without the header. Raises NotPlain where the server's reader and ours might differ."""
    pieces = _utf8_lines(path, file.encoding, half)
    first = next(pieces, b"")
    for _line in range(_header(file) if half.start == 0 else 0):
        header, found, first = first.partition(b"\n")
        if not found or header.count(b'"') % 2 or b"\r" in header[:-1]:
            raise NotPlain
    if len(file.columns) == 1:
        raise NotPlain  # to the server a blank line would be a row
    for piece in itertools.chain([first], pieces):
        if not piece:
            continue
        if b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n"):
            raise NotPlain
        if b"\0" in piece or b"\n\\." in piece or (b'"' in piece and _has_lone_quote(piece, file.delimiter)):
            raise NotPlain
        yield piece


def _without_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same lines without the blank ones at the end of the file."""
    held = b""
    for piece in pieces:
        body = piece.rstrip(b"\r\n")
        if body:
            yield held + body
            held = b""
        held += piece[len(body) :]
    if held:
        yield b"\r\n" if held.startswith(b"\r\n") else b"\n"


def _utf8_lines(path: Path, encoding: str, half: Half) -> Iterator[bytes]:
    decode = encodings.decoder(encoding)
    tail = b""
    for piece in raw_bytes.chunks(path, half):
        data = tail + decode.decode(piece).encode()
        cut = data.rfind(b"\n") + 1
        tail = data[cut:]
        if cut:
            yield data[:cut]
        elif len(tail) > 16 * raw_bytes.CHUNK:
            raise NotPlain
    tail += decode.decode(b"", final=True).encode()
    if tail:
        yield tail + b"\n"


def _has_lone_quote(piece: bytes, delimiter: str) -> bool:
    """A quotation mark that neither opens nor closes a field: ``5" pipe`` means something else to every reader."""
    data = np.frombuffer(b"\n" + piece + b"\n", np.uint8)
    at = np.flatnonzero(data == ord('"'))
    edge = np.zeros(256, bool)
    edge[[ord(delimiter), ord("\n"), ord("\r"), ord('"')]] = True
    return bool((~edge[data[at - 1]] & ~edge[data[at + 1]]).any())


def _by_row(file: ImportFile, path: Path) -> int:
    """Row by row; returns how many rows there are, and writes a reject for each that is none."""
    with encodings.text(path, file.encoding) as lines:
        return _write(file, _records(sniffing.long_lines(lines), file))


def _by_workbook(file: ImportFile, path: Path) -> int:
    return _write(file, _sheet_records(file, path))


def _write(file: ImportFile, records: Iterator[Record]) -> int:
    columns = ["line", *(f"c{at}" for at in range(len(file.columns)))]
    rows = 0
    for batch in _batches(records):
        good = [(line, *fields) for line, fields, reject in batch if reject is None]
        bad = [reject for _line, _fields, reject in batch if reject is not None]
        rows += len(batch)
        if rows > sniffing.MAX_ROWS:
            raise sniffing.too_many_rows()
        if good:
            bulk.copy_rows(raw_table(file), columns, good)
        ImportReject.objects.bulk_create(bad, ignore_conflicts=True)
    return rows


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(itertools.islice(records, BATCH)):
        yield batch


def _records(lines: Iterator[str], file: ImportFile) -> Iterator[Record]:
    """(first line, fields, None or why not) of every row that is not blank."""
    before = _header(file)
    for _line in range(before):
        next(lines, "")
    seen = _Seen(lines)
    reader = csv.reader(seen, delimiter=file.delimiter, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error) or "field larger" in str(error):
                raise Refused(
                    _("A quotation mark opened in line %(line)s is never closed.") % {"line": line}
                ) from error
            yield line, [], _reject(file, line, "bad_quotes", ["".join(seen.lines).rstrip("\r\n")])
            continue
        finally:
            seen.lines.clear()
        if fields:
            yield line, fields, _not_a_row(file, line, fields)


class _Seen:
    """Lines on their way into the csv reader: those of the row it is reading are kept, for a row it cannot read."""

    def __init__(self, source: Iterator[str]) -> None:
        self.source = source
        self.lines: list[str] = []

    def __iter__(self) -> _Seen:
        return self

    def __next__(self) -> str:
        line = next(self.source)
        self.lines.append(line[:RAW_CHARACTERS])
        return line


def _sheet_records(file: ImportFile, path: Path) -> Iterator[Record]:
    width = len(file.columns)
    for row in workbooks.rows(path, file.options["sheet"], _header(file)):
        fields = sniffing.padded(row.cells, width)
        yield row.line, fields, _not_a_row(file, row.line, fields)


def _not_a_row(file: ImportFile, line: int, fields: list[str]) -> ImportReject | None:
    if len(fields) != len(file.columns):
        return _reject(file, line, "wrong_number_of_fields", fields)
    if any("\0" in field for field in fields):
        return _reject(file, line, "nul_byte", fields)
    return None


def _reject(file: ImportFile, line: int, code: str, fields: list[str]) -> ImportReject:
    reason = str(reasons.SENTENCES[code]).format(value=len(fields), columns=len(file.columns))
    raw = _as_csv(file, fields).replace("\0", "␀")[:RAW_CHARACTERS]
    return ImportReject(file=file, line=line, code=code, reason=reason, raw=raw)


def _as_csv(file: ImportFile, fields: list[str]) -> str:
    target = io.StringIO()
    csv.writer(target, delimiter=file.delimiter, lineterminator="").writerow(fields)
    return target.getvalue()
