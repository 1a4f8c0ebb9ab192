"""Money as the API says it everywhere: a string with two places, so that no caller adds binary fractions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class Amount(serializers.DecimalField):
    """Reads out decimals and floats alike; up to 10^16."""

    def __init__(self, **given: Any) -> None:
        super().__init__(max_digits=18, decimal_places=2, **given)
