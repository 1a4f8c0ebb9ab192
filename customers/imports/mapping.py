"""Which column means what, and where every target of a file comes from.

A mapping says file column → ``target``, ``target:reading`` (an age for a date of birth), ``facts`` or nothing.
``options["constants"]`` say what every row shares; ``{column}`` in them stands for its value, ``{line}`` for its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from bankcrm.runs import Refused
from customers.imports import day_readers, kinds
from customers.imports.kinds import Kind
from customers.models import ImportFile

# The value of a mapping that keeps a column as a fact at assignment, and the one that leaves it out.
FACTS, LEFT_OUT = "facts", ""
# Options that belong to the file as it came, not to the meaning of its columns.
HOW_READ = ("encoding", "delimiter", "header", "sheet", "sheets", "notes", "lines")
DATE_FORMATS = tuple(day_readers.FORMS)
NUMBER_FORMATS = ("point", "comma")
LINE = "line"
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def how_read(file: ImportFile) -> dict[str, Any]:
    """What reading this very file needs, whatever its columns mean."""
    return {key: file.options[key] for key in HOW_READ if key in file.options}


def complete(file: ImportFile) -> None:
    """Raise Refused, naming every required target that neither a column nor a constant fills, and every stray name."""
    kind = kinds.of(file)
    problems = _stray(kind, file)
    if moved := file.options.get("moved"):
        problems.append(moved["sentence"])
    if names := missing(file):
        problems.append(_("No column gives: %(names)s.") % {"names": ", ".join(names)})
    if problems:
        raise Refused(" ".join(problems))


def missing(file: ImportFile) -> list[str]:
    """Labels of the required targets that nothing fills yet."""
    filled = set(sources(file))
    if file.options.get("campaign", {}).get("new_customers"):
        filled.add("customer")
    return [
        str(target.label)
        for target in kinds.of(file).targets
        if target.required and target.name not in filled
    ]


def _stray(kind: Kind, file: ImportFile) -> list[str]:
    targets = {target.name: {"", *(each.code for each in target.readings)} for target in kind.targets}
    constants = file.options.get("constants", {})
    problems = []
    if gone := [column for column in file.mapping if column not in file.columns]:
        problems.append(_("The file has no column %(names)s.") % {"names": ", ".join(gone)})
    used = [_split(meaning) for meaning in file.mapping.values() if meaning not in (FACTS, LEFT_OUT)]
    names = [name for name, _reading in used]
    if FACTS in file.mapping.values() and not kind.keeps_other_columns:
        problems.append(_("Only past campaigns keep columns as facts."))
    unknown = {name for name in [*names, *constants] if name not in targets}
    unknown |= {f"{name}:{code}" for name, code in used if name in targets and code not in targets[name]}
    if unknown:
        problems.append(_("Nothing is called %(names)s here.") % {"names": ", ".join(sorted(unknown))})
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(_("Two columns give %(names)s.") % {"names": ", ".join(twice)})
    return problems + _stray_forms(file) + _stray_placeholders(file)


def _stray_forms(file: ImportFile) -> list[str]:
    known = {*day_readers.FORMS, *NUMBER_FORMATS}
    forms = {*file.options.get("formats", {}).values()}
    forms.add(file.options.get("date_format") or "ymd")
    return [_("No date is written as %(form)s.") % {"form": form} for form in sorted(forms - known)]


def _stray_placeholders(file: ImportFile) -> list[str]:
    found = {
        name
        for text in file.options.get("constants", {}).values()
        for name in PLACEHOLDER.findall(str(text))
        if name != LINE and name not in file.columns
    }
    if not found:
        return []
    return [_("The file has no column %(names)s.") % {"names": ", ".join(sorted(found))}]


def pieces(text: str, columns: Sequence[str]) -> list[tuple[str, int | None]]:
    """A constant in pieces: (text, None) or ("", position of the column it stands for, -1 for the line)."""
    found: list[tuple[str, int | None]] = []
    for at, piece in enumerate(PLACEHOLDER.split(text)):
        if at % 2 == 0:
            if piece:
                found.append((piece, None))
        elif piece == LINE:
            found.append(("", -1))
        else:
            found.append(("", list(columns).index(piece)))
    return found or [("", None)]


def _split(meaning: str) -> tuple[str, str]:
    """(target, reading or "")."""
    name, _sign, reading = meaning.partition(":")
    return name, reading


def meant(mapped: Mapping[str, str]) -> set[str]:
    """The targets that columns give."""
    return {_split(meaning)[0] for meaning in mapped.values() if meaning not in (FACTS, LEFT_OUT)}


def sources(file: ImportFile) -> dict[str, tuple[int, str]]:
    """Target → (position of its column, header), or (-1, the constant); the day of the load is one of some kinds."""
    found = {target.name: (-1, target.default) for target in kinds.of(file).targets if target.default}
    found |= {name: (-1, str(value)) for name, value in file.options.get("constants", {}).items()}
    if (day := kinds.of(file).day) and file.effective_on and not found.get(day, (-1, ""))[1]:
        found[day] = (-1, file.effective_on.isoformat())
    for column, meaning in file.mapping.items():
        if meaning not in (FACTS, LEFT_OUT):
            found[_split(meaning)[0]] = (file.columns.index(column), column)
    return found


def readings(file: ImportFile) -> dict[str, str]:
    """Target → the reading by which its column gives it, for those that do not give it plainly."""
    split = [_split(meaning) for meaning in file.mapping.values() if meaning not in (FACTS, LEFT_OUT)]
    return {name: reading for name, reading in split if reading}


def options_of(file: ImportFile, name: str) -> dict[str, Any]:
    """How the cells of one target are written: date_format, number_format, century, and what its words mean."""
    at, column = sources(file)[name]
    # A constant of ours is written our way; one made of columns is written theirs.
    form = file.options.get("formats", {}).get(column, "") if at >= 0 else ""
    default = file.options.get("date_format") or "ymd"
    if at < 0 and not PLACEHOLDER.search(column):
        default = "ymd"
    found = {
        "date_format": form if form in day_readers.FORMS else default,
        "number_format": form if form in NUMBER_FORMATS else "point",
        "values": file.options.get("values", {}).get(name, {}),
    }
    return found | {key: file.options[key] for key in ("century",) if key in file.options}


def facts(file: ImportFile) -> list[tuple[int, str]]:
    """(position, name) of the columns kept as facts, in the order of the file."""
    return [(at, name) for at, name in enumerate(file.columns) if file.mapping.get(name) == FACTS]


def meaning_label(kind: Kind, meaning: str) -> str:
    """What a column means, in words: "Date of birth, from age in years"."""
    if meaning == FACTS:
        return _("kept as a fact")
    name, code = _split(meaning)
    try:
        target = kind.target(name)
        reading = target.reading(code)
    except KeyError:
        return meaning
    if target.is_own:
        return _("%(target)s, an own field") % {"target": target.label}
    if reading is None:
        return str(target.label)
    return _("%(target)s, from %(reading)s") % {"target": target.label, "reading": reading.label}
