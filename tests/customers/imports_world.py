"""Small files and the way through receive, check and merge that the tests of imports share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bankcrm.models import User
from customers import imports
from customers.models import ImportFile, ImportReject, Product


def write(folder: Path, text: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def checked(path: Path, kind: str, user: User, **more: Any) -> ImportFile:
    return imports.check(imports.receive(path, kind, user, path.name, **more))


def merged(path: Path, kind: str, user: User, **more: Any) -> ImportFile:
    return imports.merge(checked(path, kind, user, **more))


def rejects(file: ImportFile) -> list[tuple[int, str, str]]:
    """(line, column, code) of every reject, in order."""
    return list(
        ImportReject.objects.filter(file=file).order_by("line", "code").values_list("line", "column", "code")
    )


def product(code: str = "savings") -> Product:
    return Product.objects.create(code=code, name=code.title(), line="savings", asset_class="demand_deposit")
