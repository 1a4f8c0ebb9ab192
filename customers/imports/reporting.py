"""What a check found, as a person reads it: counts by reason with the first examples, warnings apart from rejects."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from customers.imports import reasons
from customers.models import ImportFile, ImportReject


def expected(file: ImportFile) -> dict[str, int] | None:
    """What the good rows would do if they went in: {"new", "changed", "unchanged"}; None where it is not known, or no
    longer: once rows are in, the file's own counts say what they did.
    """
    told = file.options.get("expected")
    if told is None or file.state != ImportFile.State.CHECKED or file.inserted is not None:
        return None
    new, changed = int(told["new"]), int(told["changed"])
    return {"new": new, "changed": changed, "unchanged": (file.accepted or 0) - new - changed}


def by_reason(file: ImportFile, *, warnings: bool = False) -> list[dict[str, Any]]:
    """One entry for each reason and column, most frequent first: code, title, column, count and the first examples.

    Rejects, or with ``warnings`` the rows that go in all the same.
    """
    groups = list(
        ImportReject.objects.filter(file=file, is_warning=warnings)
        .values("code", "column")
        .annotate(count=Count("pk"))
        .order_by("-count", "code", "column")
    )
    examples: dict[tuple[str, str], list[ImportReject]] = {}
    first = ImportReject.objects.raw(
        'SELECT * FROM (SELECT r.*, row_number() OVER (PARTITION BY code, "column" ORDER BY line) AS place'
        " FROM customers_importreject r WHERE file_id = %s AND is_warning = %s) numbered"
        " WHERE place <= 3 ORDER BY line",
        [file.pk, warnings],
    )
    for reject in first:
        examples.setdefault((reject.code, reject.column), []).append(reject)
    return [
        {
            **group,
            "title": reasons.SHORT.get(group["code"], group["code"]),
            "examples": examples.get((group["code"], group["column"]), []),
        }
        for group in groups
    ]
