"""Which column means what: proposed from names, remembered per header, refused where something required is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from bankcrm.runs import Refused
from customers.imports.kinds import KINDS, Kind, Target, Type
from customers.models import ImportFile

# The value of a mapping that keeps a column as a fact at assignment, and the one that leaves it out.
FACTS, LEFT_OUT = "facts", ""
# Options that belong to the file as it came, not to the meaning of its columns.
HOW_READ = ("encoding", "delimiter", "header", "sheet")
TRUE = ("1", "true", "yes", "y", "t", "x", "是", "有")
FALSE = ("0", "false", "no", "n", "f", "否", "无")
DATE_FORMATS = ("ymd", "dmy", "yymmdd")


def propose(kind: Kind, columns: Sequence[str], preview: Sequence[Sequence[str]]) -> dict[str, str]:
    """File column → target for every column whose name fits one that is still free; the rest are facts or left out."""
    found: dict[str, str] = {}
    free = list(kind.targets)
    for exact in (True, False):
        for position, column in enumerate(columns):
            if column in found:
                continue
            values = [row[position] for row in preview if position < len(row)]
            for target in free:
                names = {target.name} if exact else set(target.synonyms) | set(_labels(target))
                if _plain(column) in {_plain(name) for name in names} and (
                    # Where every other column is a fact anyway, a name alone is a weak reason.
                    not kind.keeps_other_columns or _fits(target, values)
                ):
                    found[column] = target.name
                    free.remove(target)
                    break
    rest = FACTS if kind.keeps_other_columns else LEFT_OUT
    return {column: found.get(column, rest) for column in columns}


def remembered(kind: str, columns: Sequence[str]) -> tuple[dict[str, str], dict[str, Any]] | None:
    """Mapping and options of the newest file of this kind with the same columns that got through its check."""
    same = ImportFile.objects.filter(
        kind=kind,
        columns__contains=list(columns),
        columns__contained_by=list(columns),
        state__in=[ImportFile.State.CHECKED, ImportFile.State.MERGED],
    ).order_by("-pk")
    file = same.first()
    if file is None:
        return None
    return file.mapping, {
        key: value
        for key, value in file.options.items()
        if key not in (*HOW_READ, "resume", "campaign", "without_branch")
    }


def how_read(file: ImportFile) -> dict[str, Any]:
    """What reading this very file needs, whatever its columns mean."""
    return {key: file.options[key] for key in HOW_READ if key in file.options}


def complete(file: ImportFile) -> None:
    """Raise Refused, naming every required target that neither a column nor a constant fills, and every stray name."""
    kind = KINDS[file.kind]
    problems = _stray(kind, file)
    filled = set(file.mapping.values()) | set(file.options.get("constants", {}))
    if file.options.get("campaign", {}).get("new_customers"):
        filled.add("customer")
    if missing := [
        str(target.label) for target in kind.targets if target.required and target.name not in filled
    ]:
        problems.append(_("No column gives: %(names)s.") % {"names": ", ".join(missing)})
    if problems:
        raise Refused(" ".join(problems))


def _stray(kind: Kind, file: ImportFile) -> list[str]:
    names = {target.name for target in kind.targets}
    problems = []
    if gone := [column for column in file.mapping if column not in file.columns]:
        problems.append(_("The file has no column %(names)s.") % {"names": ", ".join(gone)})
    used = [name for name in file.mapping.values() if name not in (FACTS, LEFT_OUT)]
    if FACTS in file.mapping.values() and not kind.keeps_other_columns:
        problems.append(_("Only past campaigns keep columns as facts."))
    if unknown := sorted({name for name in [*used, *file.options.get("constants", {})] if name not in names}):
        problems.append(_("Nothing is called %(names)s here.") % {"names": ", ".join(unknown)})
    if twice := sorted({name for name in used if used.count(name) > 1}):
        problems.append(_("Two columns give %(names)s.") % {"names": ", ".join(twice)})
    if (form := file.options.get("date_format", "ymd")) not in DATE_FORMATS:
        problems.append(_("No date is written as %(form)s.") % {"form": form})
    return problems


def sources(file: ImportFile) -> dict[str, tuple[int, str]]:
    """Target → (position of its column, header), or (-1, the constant)."""
    found = {target.name: (-1, target.default) for target in KINDS[file.kind].targets if target.default}
    found |= {name: (-1, str(value)) for name, value in file.options.get("constants", {}).items()}
    for column, name in file.mapping.items():
        if name not in (FACTS, LEFT_OUT):
            found[name] = (file.columns.index(column), column)
    return found


def facts(file: ImportFile) -> list[tuple[int, str]]:
    """(position, name) of the columns kept as facts, in the order of the file."""
    return [(at, name) for at, name in enumerate(file.columns) if file.mapping.get(name) == FACTS]


def values(target: Target, declared: Mapping[str, str]) -> dict[str, str]:
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


def _fits(target: Target, sample: Sequence[str]) -> bool:
    known = {value.strip().lower() for value in sample} - {""}
    if target.type == Type.CHOICE:
        return known <= set(values(target, {}))
    if target.type == Type.FLAG:
        return known <= {*TRUE, *FALSE}
    return True


def _labels(target: Target) -> list[str]:
    names = []
    for language in ("en", "zh-hans"):
        with override(language):
            names.append(str(target.label))
    return names


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())
