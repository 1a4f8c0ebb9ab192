"""What the words of a file mean where a column knows only some words: choices, yes and no, and what means nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import override

from customers.imports.kinds.declaration import Target, Type

TRUE = ("1", "true", "yes", "y", "t", "x", "1.0", "是", "有", "√")
FALSE = ("0", "false", "no", "n", "f", "0.0", "否", "无", "×")
# Words other systems write for "not known"; proposed as empty, never taken so unasked.
NOTHING = (
    "unknown",
    "n/a",
    "na",
    "nan",
    "null",
    "none",
    "\\n",
    "-",
    "--",
    "?",
    "other/unknown",
    "未知",
    "不详",
    "空",
)


def of(target: Target, declared: Mapping[str, str]) -> dict[str, str]:
    """File value in lower case → stored value of a choice: codes, labels, known values, and the file's own map."""
    found = dict(target.known)
    for language in ("zh-hans", "en"):
        with override(language):
            found |= {str(label).lower(): str(code) for code, label in target.choices}
    found |= {str(code).lower(): str(code) for code, _label in target.choices}
    codes = {str(code) for code, _label in target.choices}
    # A declared value may name a code, or anything that itself means one.
    return found | {
        old.strip().lower(): found.get(new.lower(), new)
        for old, new in declared.items()
        if new in codes or new.lower() in found
    }


def understood(target: Target, value: str) -> str | None:
    """What a value means to the target without anybody saying so; None when it means nothing to it."""
    plain = value.strip().lower()
    if target.type == Type.CHOICE:
        return of(target, {}).get(plain)
    if target.type == Type.FLAG:
        said = dict(target.known).get(plain, plain)
        return "yes" if said in TRUE else "no" if said in FALSE else None
    return value


def by_name(codes: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Name → code of what people call by its name, as far as only one is called so and no code is."""
    pairs = [(code, str(name)) for code, name in codes]
    counts = Counter(name for _code, name in pairs)
    taken = {code for code, _name in pairs}
    return {name: code for code, name in pairs if counts[name] == 1 and name not in taken}
