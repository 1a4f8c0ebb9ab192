"""PostgreSQL's COPY BINARY format to and from numpy arrays, without a loop over rows.

Format: PostgreSQL documentation, COPY, "Binary Format"; numeric and dates as in ``numeric_recv`` and ``date_recv``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
ROWS_READ_AT_ONCE = 65_536
EPOCH = np.datetime64("2000-01-01", "D")
TEXTS = {"text", "varchar", "bpchar", "json", "jsonb"}
INTEGERS = {"int2": ">i2", "int4": ">i4", "int8": ">i8"}
FLOATS = {"float4": ">f4", "float8": ">f8"}
# Arrays of floats: the type number of their elements, and how one goes over the wire.
ARRAYS = {"_float4": (700, ">f4"), "_float8": (701, ">f8")}
NO_INTEGER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Scaled:
    """Exact decimals: ``units`` (int64) of ten to the power of minus ``places``; cents are ``Scaled(cents, 2)``."""

    units: np.ndarray
    places: int = 2

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, rows: slice) -> Scaled:
        return Scaled(self.units[rows], self.places)


@dataclass(frozen=True)
class Coded:
    """Text by dictionary: row i says ``words[codes[i]]``; a negative code is NULL. The fastest way to send words."""

    codes: np.ndarray
    words: Sequence[str]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> Coded:
        return Coded(self.codes[rows], self.words)


Column = np.ndarray | Scaled | Coded


@dataclass(frozen=True)
class Kind:
    """A column's type in the database: its short name and, for numeric, digits after the point."""

    name: str
    places: int = 0


@dataclass(frozen=True)
class Field:
    """One column ready for framing: ``format`` is numpy's, ``lengths`` is None where every row has the full width."""

    format: Any
    values: np.ndarray
    lengths: np.ndarray | None = None

    @property
    def width(self) -> int:
        return np.dtype(self.format).itemsize


def frame(fields: list[Field]) -> bytes:
    """Rows of COPY BINARY: a padded record per row, then the padding is cut out by a mask."""
    names, formats, offsets, position = ["count"], [">i2"], [0], 2
    for number, field in enumerate(fields):
        names += [f"l{number}", f"v{number}"]
        formats += [">i4", field.format]
        offsets += [position, position + 4]
        position += 4 + field.width
    record = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": position})
    rows = np.empty(len(fields[0].values), record)
    rows["count"] = len(fields)
    for number, field in enumerate(fields):
        rows[f"l{number}"] = field.width if field.lengths is None else field.lengths
        rows[f"v{number}"] = field.values
    if all(field.lengths is None for field in fields):
        return rows.tobytes()
    padded = rows.view(np.uint8).reshape(len(rows), position)
    kept = np.ones(padded.shape, bool)
    for number, field in enumerate(fields):
        if field.lengths is not None:
            start = offsets[2 + 2 * number]
            kept[:, start : start + field.width] = np.arange(field.width) < field.lengths[:, None]
    return padded[kept].tobytes()


def field(name: str, values: Column, kind: Kind) -> Field:
    """``values`` as a column of ``kind`` goes over the wire; ``TypeError`` or ``ValueError`` names the column."""
    missing = None
    if isinstance(values, np.ma.MaskedArray):
        missing, values = np.ma.getmaskarray(values), values.data
    if kind.name in TEXTS:
        return _text(name, values, kind, missing)
    if kind.name == "numeric":
        return _numeric(name, values, kind.places, missing)
    if not isinstance(values, Scaled | Coded):
        if kind.name in ARRAYS and values.ndim == 2 and values.dtype.kind == "f" and missing is None:
            return _arrays(values, kind)
        if kind.name in ("date", "timestamptz", "timestamp") and values.dtype.kind == "M":
            return _moment(values, kind, missing)
        if values.dtype.kind in "fiub" and (
            kind.name in INTEGERS or kind.name in FLOATS or kind.name == "bool"
        ):
            return _number(name, values, kind, missing)
    raise TypeError(f"column {name} is {kind.name} and cannot take {_described(values)}")


def _described(values: Column) -> str:
    return f"an array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__


def _number(name: str, values: np.ndarray, kind: Kind, missing: np.ndarray | None) -> Field:
    letter = values.dtype.kind
    if kind.name in FLOATS and letter != "b":
        return _fixed(FLOATS[kind.name], values, _either(missing, np.isnan(values)))
    if kind.name == "bool" and letter == "b":
        return _fixed("?", values, missing)
    if kind.name not in INTEGERS or letter == "f":
        raise TypeError(f"column {name} is {kind.name} and cannot take {_described(values)}")
    limits = np.iinfo(INTEGERS[kind.name])
    if len(values) and letter != "b" and (values.max() > limits.max or values.min() < limits.min):
        raise ValueError(f"column {name} is {kind.name} and cannot hold all its values")
    return _fixed(INTEGERS[kind.name], values, missing)


def _arrays(values: np.ndarray, kind: Kind) -> Field:
    """Rows (n, k) as arrays of k: one dimension, no NULL inside, the elements' type, how many, counted from 1."""
    element, form = ARRAYS[kind.name]
    item = np.dtype([("length", ">i4"), ("value", form)])
    rows = np.empty(len(values), np.dtype([("head", ">i4", (5,)), ("items", item, (values.shape[1],))]))
    rows["head"] = 1, 0, element, values.shape[1], 1
    rows["items"]["length"] = np.dtype(form).itemsize
    rows["items"]["value"] = values
    return Field(rows.dtype, rows)


def _moment(values: np.ndarray, kind: Kind, missing: np.ndarray | None) -> Field:
    unit, form = ("D", ">i4") if kind.name == "date" else ("us", ">i8")
    moments = values.astype(f"datetime64[{unit}]")
    since = (moments - EPOCH.astype(moments.dtype)).astype(np.int64)
    return _fixed(form, since, _either(missing, np.isnat(moments)))


def _either(one: np.ndarray | None, other: np.ndarray) -> np.ndarray | None:
    both = other if one is None else one | other
    return both if both.any() else None


def _fixed(form: Any, values: np.ndarray, missing: np.ndarray | None) -> Field:
    if missing is None:
        return Field(form, values)
    filled = np.where(missing[(...,) + (None,) * (values.ndim - 1)], 0, values)
    return Field(form, filled, np.where(missing, -1, np.dtype(form).itemsize).astype(np.int32))


def _numeric(name: str, values: Column, places: int, missing: np.ndarray | None) -> Field:
    """Binary numeric of constant width: leading zero digits are legal on the wire and dropped by the server."""
    if isinstance(values, Scaled):
        units, places = np.asarray(values.units, np.int64), values.places
    elif isinstance(values, Coded) or values.dtype.kind not in "fiu":
        raise TypeError(f"column {name} is numeric and needs floats, integers or Scaled")
    elif values.dtype.kind == "f":
        missing = _either(missing, np.isnan(values))
        units = np.rint(np.nan_to_num(values) * 10.0**places).astype(np.int64)
    else:
        units, places = values.astype(np.int64), 0
    groups = -(-places // 4)  # base-10000 digits after the point
    size = np.abs(units).astype(np.uint64)
    whole, rest = np.divmod(size, np.uint64(10**places))
    rest = rest * np.uint64(10 ** (4 * groups - places))
    largest = int(whole.max()) if len(whole) else 0
    before = max(1, -(-len(str(largest)) // 4))
    digits = np.empty((len(units), 4 + before + groups), np.int64)
    digits[:, 0], digits[:, 1], digits[:, 3] = before + groups, before - 1, places
    digits[:, 2] = np.where(units < 0, 0x4000, 0)
    for position in range(before - 1, -1, -1):
        whole, digits[:, 4 + position] = np.divmod(whole, np.uint64(10_000))
    for position in range(groups - 1, -1, -1):
        rest, digits[:, 4 + before + position] = np.divmod(rest, np.uint64(10_000))
    return _fixed((">i2", (4 + before + groups,)), digits, missing)


def _text(name: str, values: Column, kind: Kind, missing: np.ndarray | None) -> Field:
    if isinstance(values, Scaled) or (isinstance(values, np.ndarray) and values.dtype.kind not in "OSU"):
        raise TypeError(f"column {name} is {kind.name} and needs text")
    if isinstance(values, Coded):
        missing = _either(missing, values.codes < 0)
        words = np.array([word.encode() for word in values.words] or [b""])
        cells, lengths = words[values.codes], np.strings.str_len(words)[values.codes]
    else:
        if values.dtype.kind == "O":
            cells, empty = _encoded(values)
            missing = _either(missing, empty)
        elif values.dtype.kind == "U":
            cells = _narrow(values)
        else:
            cells = values
        lengths = np.strings.str_len(cells)
    if kind.name == "jsonb":
        cells, lengths = np.strings.add(b"\x01", cells), lengths + 1
    if missing is not None:
        lengths = np.where(missing, -1, lengths)
    return Field(f"S{max(1, cells.dtype.itemsize)}", cells, lengths)


def _encoded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    plain = values.tolist()
    return (
        np.array([b"" if value is None else value.encode() for value in plain] or [b""])[: len(plain)],
        np.array([value is None for value in plain], bool),
    )


def _narrow(values: np.ndarray) -> np.ndarray:
    """UTF-8 of a ``U`` array; plain ASCII, the usual case, is a cast instead of a loop."""
    width = max(1, values.dtype.itemsize // 4)
    points = np.ascontiguousarray(values, f"U{width}").view(np.uint32)
    if len(points) and points.max() < 128:
        return points.astype(np.uint8).view(f"S{width}")
    return np.strings.encode(values, "utf-8")


# --- from the database ----------------------------------------------------------------------------------------------


def readable(kind: str) -> tuple[str, str]:
    """SQL template over ``{}`` that makes a result column of ``kind`` constant in width, and the format read back.

    NULL becomes a sentinel, so that every row of fixed columns has the same size; text keeps its length word.
    """
    if kind in INTEGERS:
        return f"coalesce({{}}::int8, {NO_INTEGER + 1} - 1)", ">i8"
    if kind in FLOATS or kind == "numeric":
        return "coalesce({}::float8, 'NaN')", ">f8"
    if kind == "bool":
        return "coalesce({}::int4::int2, -1::int2)", ">i2"
    if kind == "date":
        return "coalesce({}, '-infinity')", ">i4"
    if kind in ("timestamptz", "timestamp"):
        return "coalesce({}, '-infinity')", ">i8"
    return "({})::text", "text"


def blocks(chunks: Any, most: int = ROWS_READ_AT_ONCE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(bytes, sizes of its rows) for up to ``most`` rows at a time; the server sends one chunk per row."""
    held: list[bytes] = []
    skipped = len(SIGNATURE)
    for chunk in chunks:
        row = chunk[skipped:]
        skipped = 0
        if len(row) > len(TRAILER):
            held.append(row)
        if len(held) >= most:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(held: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(b"".join(held), np.uint8), np.fromiter(map(len, held), np.int64, len(held))


def records(columns: Mapping[str, str]) -> np.dtype[Any]:
    """A row of fixed columns (name → format) as it stands in a block; the length words are skipped."""
    offsets, position = [], 2
    for form in columns.values():
        offsets.append(position + 4)
        position += 4 + np.dtype(form).itemsize
    return np.dtype(
        {"names": list(columns), "formats": list(columns.values()), "offsets": offsets, "itemsize": position}
    )


def unframe(block: np.ndarray, sizes: np.ndarray, formats: Sequence[str]) -> list[np.ndarray]:
    """One array per column of a block; fixed formats come first, then text."""
    fixed = [form for form in formats if form != "text"]
    record = records({f"v{number}": form for number, form in enumerate(fixed)})
    position = record.itemsize
    starts = np.cumsum(sizes) - sizes
    if len(fixed) == len(formats):
        rows = block.reshape(len(sizes), position)
    else:
        rows = block[starts[:, None] + np.arange(position)]
    table = np.ascontiguousarray(rows).view(record).reshape(len(sizes))
    found = [table[name].astype(record[name].newbyteorder("=")) for name in record.names or ()]
    at = starts + position
    for _ in range(len(formats) - len(fixed)):
        words, at = _words(block, at)
        found.append(words)
    return found


def _words(block: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = block[at[:, None] + np.arange(4)].view(">i4").reshape(len(at)).astype(np.int64)
    begins, raw = at + 4, block.tobytes()
    ends = begins + np.maximum(lengths, 0)
    words = np.empty(len(at), object)
    words[:] = [
        raw[begin:end].decode() if length >= 0 else None
        for begin, end, length in zip(begins.tolist(), ends.tolist(), lengths.tolist(), strict=True)
    ]
    return words, ends


def finished(kind: str, parts: list[np.ndarray]) -> np.ndarray:
    """The parts of a column as one array in its natural type, sentinels turned into NaN or NaT."""
    _, form = readable(kind)
    if not parts:
        parts = [np.empty(0, object if form == "text" else np.dtype(form).newbyteorder("="))]
    values = np.concatenate(parts)
    if kind in INTEGERS:
        missing = values == NO_INTEGER
        return np.where(missing, np.nan, values.astype(np.float64)) if missing.any() else values
    if kind == "bool":
        missing = values < 0
        return np.where(missing, np.nan, values.astype(np.float64)) if missing.any() else values.astype(bool)
    if kind in ("date", "timestamptz", "timestamp"):
        moment = np.dtype("datetime64[D]" if kind == "date" else "datetime64[us]")
        moments = EPOCH.astype(moment) + values.astype(f"timedelta64[{np.datetime_data(moment)[0]}]")
        moments[values == np.iinfo(values.dtype).min] = np.datetime64("NaT")
        return moments
    return values
