"""Two people take one name at the same instant: the second is told beside the field, as if it were an old one."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models, transaction


def save(row: models.Model, **how: Any) -> None:
    """``row.save()``, where a unique value that was free when the row was validated and no longer is raises the
    ValidationError of ``row.validate_unique()``; the transaction around it stays usable."""
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError:
        row.validate_unique()
        raise
