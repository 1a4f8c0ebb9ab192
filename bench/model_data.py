"""The real data of ../shared/data as feature matrices, read without pandas. What each file is stands in its README."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.modelling.matrix import FeatureSpec, encode, learn_categories

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Table:
    """A feature matrix (n, features) with its outcome (n,) 0/1 and its specifications."""

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    specs: tuple[FeatureSpec, ...]


@dataclass(frozen=True)
class Trial(Table):
    """With the assignment (n,) 0/1."""

    treated: NDArray[np.int8]


def columns_of(path: Path, delimiter: str) -> dict[str, NDArray[Any]]:
    """Columns of a gzipped file with a header, as words."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        names = [name.strip() for name in next(rows)]
        values = np.array([row for row in rows if row], dtype=object)
    return {name: values[:, j] for j, name in enumerate(names)}


def numbers(words: NDArray[Any]) -> NDArray[np.float64]:
    """Words as numbers, NaN where they are none."""
    return np.array([float(word) if _is_number(word) else np.nan for word in words])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def encoded(columns: Mapping[str, Sequence[Any]]) -> tuple[NDArray[np.float32], tuple[FeatureSpec, ...]]:
    """Matrix and specifications of columns: words are categories, the rest numbers."""
    specs = [
        FeatureSpec(name, "categorical" if isinstance(values[0], str) else "numeric", name)
        for name, values in columns.items()
    ]
    learned = learn_categories(columns, specs)
    return encode(columns, learned), learned


def bank_marketing(data: Path = DATA) -> Table:
    """Moro, Cortez and Rita 2014, in time order, without `duration`, which is known only after the call; 999 days since
    the last contact mean never."""
    raw = columns_of(data / "bank-additional-full.csv.gz", ";")
    y = (raw.pop("y") == "yes").astype(np.int8)
    del raw["duration"]
    columns: dict[str, Any] = {
        name: numbers(words) if _is_number(words[0]) else words for name, words in raw.items()
    }
    columns["pdays"] = np.where(columns["pdays"] < 999, columns["pdays"], np.nan)
    matrix, specs = encoded(columns)
    return Table(matrix, y, specs)


def hillstrom(arm: str, data: Path = DATA) -> Trial:
    """The e-mail of one arm (`Womens E-Mail`, `Mens E-Mail`) against none; the outcome is a visit."""
    raw = columns_of(data / "hillstrom.csv.gz", ",")
    inside = (raw["segment"] == arm) | (raw["segment"] == "No E-Mail")
    columns: dict[str, Any] = {
        name: numbers(raw[name][inside]) for name in ("recency", "history", "mens", "womens", "newbie")
    }
    columns |= {name: raw[name][inside] for name in ("zip_code", "channel")}
    matrix, specs = encoded(columns)
    visited = (raw["visit"][inside] == "1").astype(np.int8)
    return Trial(matrix, visited, specs, (raw["segment"][inside] == arm).astype(np.int8))
