"""Known sources whose files need more than a mapping: a preset turns them into files of our kinds, line by line.

A converter keeps the line numbers of its source and hands on, as it came, what it cannot read, so that the check can
name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customers.imports.presets import berka


@dataclass(frozen=True)
class Preset:
    """``convert(kind, source, folder)`` writes the files of a kind, yields (path, name); ``options`` go with each."""

    convert: Callable[[str, Path, Path], Iterator[tuple[Path, str]]]
    kinds: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


PRESETS = {"berka": Preset(berka.convert, berka.KINDS, berka.OPTIONS)}
