"""What a Chinese identity number says of its owner (GB 11643-1999): SQL for rules over checked rows, braces doubled."""

from __future__ import annotations


def birthday_of(identity: str) -> str:
    """SQL for the day of birth an identity number carries, NULL for other documents; ``identity`` is a column."""
    return (
        f"CASE WHEN length({identity}) = 18 AND {identity} ~ '^[0-9]+X?$' THEN substr({identity}, 7, 8)::date"
        f" WHEN length({identity}) = 15 AND {identity} ~ '^[0-9]+$'"
        f" THEN ('19' || substr({identity}, 7, 6))::date END"
    )


def gender_of(identity: str) -> str:
    """SQL for the gender an identity number carries: the last digit before the check digit is odd for men."""
    digit = f"substr({identity}, CASE length({identity}) WHEN 15 THEN 15 ELSE 17 END, 1)"
    return (
        f"CASE WHEN length({identity}) IN (15, 18) AND {identity} ~ '^[0-9]{{{{15}}}}([0-9]{{{{2}}}}[0-9X])?$'"
        f" THEN CASE WHEN {digit}::int % 2 = 1 THEN 'male' ELSE 'female' END END"
    )
