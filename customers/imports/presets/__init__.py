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
from customers.models import Product


@dataclass(frozen=True)
class Preset:
    """``convert(kind, source, folder)`` writes the files of a kind, yields (path, name); ``options`` go with each."""

    convert: Callable[[str, Path, Path], Iterator[tuple[Path, str]]]
    kinds: tuple[str, ...]
    products: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def ensure_products(self) -> None:
        """Create the products the source's files speak of, unless they are there."""
        Product.objects.bulk_create([Product(**each) for each in self.products], ignore_conflicts=True)


PRESETS = {"berka": Preset(berka.convert, berka.KINDS, berka.PRODUCTS, berka.OPTIONS)}
