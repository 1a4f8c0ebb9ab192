"""What the columns of a new file probably mean, from their names and values; a person confirms it.

A named source remembers how its last file was read. Where the columns of a later file differ, that is said column by
column and asked about: nothing is guessed silently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import override

from bankcrm.models import User
from customers.imports import bands, mapping, references, sampling, values
from customers.imports.headers import in_words
from customers.imports.kinds import KINDS, Kind, Reading, Target, Type, own
from customers.models import ImportFile, ImportSource

State = ImportFile.State
# Options of one file that the next of its source does not share.
OF_ONE_FILE = (
    *mapping.HOW_READ,
    "resume",
    "campaign",
    "without_branch",
    "moved",
    "absent",
    "known",
    "ended",
    "expected",
    "staying",
    "others",
    "before",
    "page",
    "unmapped",
    "careful",
    "own_told",
)
# A currency behind a heading says nothing that the field does not: 月收入(元), Income (USD).
UNIT = re.compile(r"\s*[(（\[](元|人民币|人民币元|RMB|CNY|USD|EUR|GBP|[￥¥$€£])[)）\]]\s*$", re.I)
BY_LOOK = {Type.IDENTITY: "identity", Type.PHONE: "phone", Type.EMAIL: "email"}
# What headings shorten.
SHORT = {
    "no": "number",
    "nr": "number",
    "num": "number",
    "amt": "amount",
    "dt": "date",
    "bal": "balance",
    "avg": "average",
    "acct": "account",
    "acc": "account",
    "cust": "customer",
    "prod": "product",
}
# Values of a column that are held against what the bank knows.
LOOKED_UP = 50
# Where words are mapped one by one.
ASKED = (Type.CHOICE, Type.FLAG, Type.DECIMAL, Type.INTEGER, Type.DATE)
# Columns our own file of rejects adds; a mended one comes back with them.
REJECT_COLUMNS = ("rejected line", "rejected because")


@dataclass(frozen=True)
class Proposal:
    """``options`` are those a source or an earlier file was read with."""

    mapping: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)


def propose(kind: Kind, columns: Sequence[sampling.Column], twins: Sequence[str] = ()) -> dict[str, str]:
    """File column → meaning for every column whose name, or look, fits a target that is still free; the rest are facts
    or left out.

    ``twins`` are columns that share a name: which of them counts is for a person to say.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    asked = [column for column in columns if column.name not in (*twins, *REJECT_COLUMNS)]
    for column, meaning in [
        *_by_name(kind, asked),
        *_by_look(kind, asked),
        *_by_reference(kind, asked),
        *_by_key(kind, asked),
    ]:
        name = meaning.partition(":")[0]
        if column.name not in found and name not in taken:
            found[column.name] = meaning
            taken.add(name)
    rest = mapping.FACTS if kind.keeps_other_columns else mapping.LEFT_OUT
    mapped = {column.name: found.get(column.name, rest) for column in columns}
    return mapped | {name: mapping.LEFT_OUT for name in REJECT_COLUMNS if name in mapped}


def _by_name(kind: Kind, columns: Sequence[sampling.Column]) -> list[tuple[sampling.Column, str]]:
    """(column, meaning) of every pair whose names agree, the closest names first."""
    pairs = []
    heading = [
        {plain(column.name), plain(UNIT.sub("", column.name)), spelt_out(column.name)} for column in columns
    ]
    for target in kind.targets:
        for rank, (name, meaning) in enumerate(_names(target)):
            called = {plain(name), spelt_out(name)}
            for at, column in enumerate(columns):
                # Where every other column is a fact anyway, a name alone is a weak reason.
                if heading[at] & called and (
                    not kind.keeps_other_columns or rank == 0 or _fits(target, column)
                ):
                    pairs.append((rank, at, column, meaning))
    return [(column, meaning) for _rank, _at, column, meaning in sorted(pairs, key=lambda pair: pair[:2])]


def _names(target: Target) -> list[tuple[str, str]]:
    """(name, meaning) of a target and its readings, its own name first."""
    labels = []
    for language in ("en", "zh-hans"):
        with override(language):
            labels.append(str(target.label))
    own = [(name, target.name) for name in (target.name, *labels, *target.synonyms)]
    others = [
        (name, f"{target.name}:{reading.code}") for reading in target.readings for name in reading.synonyms
    ]
    return own + others


def plain(name: str) -> str:
    """A heading without case, blanks and marks: "Customer_ID" and "customer id" are one."""
    return re.sub(r"[\W_]+", "", name.lower())


def spelt_out(name: str) -> str:
    """The same with what people write short: "Principal Amt" and "principal amount", "cif_no" and "cif number"."""
    return "".join(SHORT.get(word, word) for word in in_words(name).split())


def _by_look(kind: Kind, columns: Sequence[sampling.Column]) -> list[tuple[sampling.Column, str]]:
    if kind.keeps_other_columns:
        return []
    return [
        (column, target.name)
        for target in kind.targets
        if target.type in BY_LOOK
        for column in columns
        if column.looks_like(BY_LOOK[target.type])
    ]


def _by_reference(kind: Kind, columns: Sequence[sampling.Column]) -> list[tuple[sampling.Column, str]]:
    """Columns most of whose values the bank knows as its customers' numbers or as its products."""
    if kind.keeps_other_columns:
        return []
    words = [{value for value, _count in column.values[:LOOKED_UP]} for column in columns]
    found = []
    for target in kind.targets:
        if target.type not in (Type.CUSTOMER, Type.PRODUCT) or target.name in kind.key:
            continue
        known = references.known(target.type, set().union(*words))
        found += [
            (column, target.name)
            for column, asked in zip(columns, words, strict=True)
            if 2 * len(asked & known) > len(asked)
        ]
    return found


def _by_key(kind: Kind, columns: Sequence[sampling.Column]) -> list[tuple[sampling.Column, str]]:
    """Where no name says which column is the key: the first that names every row, such as Loan_ID or Ref No."""
    if len(kind.key) > 1 or kind.keeps_other_columns:
        return []
    return [(column, kind.key[0]) for column in columns if column.could_name_rows]


def _fits(target: Target, column: sampling.Column) -> bool:
    if target.type not in (Type.CHOICE, Type.FLAG):
        return True
    return all(values.understood(target, value) is not None for value, _count in column.values)


def form_of(target: Target, reading: Reading | None, column: sampling.Column) -> str:
    """How the column seems to write its days or numbers, "" for the usual way; a person confirms it."""
    kind = reading.type if reading else target.type
    if kind in (Type.DATE, Type.MONTH_END):
        forms = column.day_forms()
        if kind == Type.DATE and len(forms) > 1 and forms[0] == "yymmdd":
            forms = forms[1:] if "ym" in forms else forms
        return forms[0] if forms and forms[0] != "ymd" else ""
    if kind in (Type.DECIMAL, Type.INTEGER) and column.number_form() == "comma":
        return "comma"
    return ""


def words_of(target: Target, reading: Reading | None, column: sampling.Column) -> dict[str, str]:
    """What words of the column may mean, for a person to confirm: "" where they say nothing, bands by their middle."""
    kind = reading.type if reading else target.type
    if kind not in ASKED or not column.is_code_list:
        return {}
    known = set(dict(reading.known if reading else target.known))
    found = {}
    for value, _count in column.values:
        if value.lower() in known or value.lower() not in values.NOTHING:
            continue
        found[value] = ""
    if kind in (Type.DECIMAL, Type.INTEGER):
        for value in column.odd_numbers():
            figure = None if value in found else bands.figure_of(value, target, reading)
            if figure is not None:
                found[value] = f"{figure.normalize():f}"
    return found


# ── what is remembered ─────────────────────────────────────────────────────────────────────────────────────────────


def remembered(kind: str, columns: Sequence[str]) -> tuple[dict[str, str], dict[str, Any]] | None:
    """Mapping and options of the newest file of this kind with the same columns that went in."""
    same = ImportFile.objects.filter(
        kind=kind,
        columns__contains=list(columns),
        columns__contained_by=list(columns),
        state=State.MERGED,
    ).order_by("-pk")
    file = same.first()
    return None if file is None else (file.mapping, _shared(file))


def _shared(file: ImportFile) -> dict[str, Any]:
    """What the next file may be read with too: the day of this load is not the day of the next."""
    options = {key: value for key, value in file.options.items() if key not in OF_ONE_FILE}
    day, of_load = KINDS[file.kind].day, file.effective_on.isoformat() if file.effective_on else ""
    constants = {
        name: text
        for name, text in options.get("constants", {}).items()
        if text != of_load and (name != day or mapping.PLACEHOLDER.search(str(text)))
    }
    return options | {"constants": constants} if "constants" in options else options


def source_of(kind: str, name: str, columns: Sequence[str]) -> ImportSource | None:
    """The source of that name; without a name the one source whose last file had exactly these columns."""
    known = ImportSource.objects.filter(kind=kind)
    if name:
        return known.filter(name=name).first()
    same = list(known.filter(columns=list(columns))[:2])
    return same[0] if len(same) == 1 else None


def of_source(source: ImportSource, columns: Sequence[str], fresh: dict[str, str]) -> Proposal:
    """How the source's files are read, for the columns that are still there; ``options["moved"]`` says what differs.

    Columns that merely stand in another order are found by their names.
    """
    ours = [name for name in columns if name not in REJECT_COLUMNS]
    gone = [name for name in source.columns if name not in ours and name not in REJECT_COLUMNS]
    new = [name for name in ours if name not in source.columns]
    mapped = {name: source.mapping.get(name, mapping.LEFT_OUT) for name in columns}
    options = dict(source.options)
    lost = {name: source.mapping.get(name, "") for name in gone}
    if new or any(meaning not in (mapping.LEFT_OUT, mapping.FACTS) for meaning in lost.values()):
        options["moved"] = {
            "source": source.name,
            "gone": lost,
            "new": new,
            "perhaps": _perhaps(lost, new, fresh),
            "sentence": _sentence(
                own.extended(KINDS[source.kind], options.get("own", {}), {}), source.name, lost, new
            ),
        }
    return Proposal(mapped, options)


def _perhaps(lost: dict[str, str], new: Sequence[str], fresh: dict[str, str]) -> dict[str, str]:
    """New column → the lost one it may be: the same meaning by its own name, or nearly the same name."""
    found: dict[str, str] = {}
    for name in new:
        for old, meaning in lost.items():
            alike = SequenceMatcher(None, plain(old), plain(name)).ratio() >= 0.7
            if old not in found.values() and (alike or (meaning and fresh.get(name) == meaning)):
                found[name] = old
                break
    return found


def _sentence(kind: Kind, source: str, lost: dict[str, str], new: Sequence[str]) -> str:
    gone = [
        _("%(column)s (%(meaning)s)") % {"column": name, "meaning": mapping.meaning_label(kind, meaning)}
        if meaning
        else name
        for name, meaning in lost.items()
    ]
    parts = []
    if gone:
        parts.append(_("gone: %(names)s") % {"names": ", ".join(gone)})
    if new:
        parts.append(_("new: %(names)s") % {"names": ", ".join(new)})
    return _("The columns changed since “%(source)s” was last read; %(what)s. Say what they mean.") % {
        "source": source,
        "what": "; ".join(parts),
    }


def remember(file: ImportFile, user: User | None) -> None:
    """Keep how the file was read as the way its source is read."""
    if not file.source:
        return
    options = _shared(file)
    kept = [name for name in file.columns if name not in REJECT_COLUMNS]
    ImportSource.objects.update_or_create(
        kind=file.kind,
        name=file.source,
        defaults={
            "columns": kept,
            "mapping": {name: file.mapping.get(name, "") for name in kept},
            "options": options | {"encoding": file.encoding, "delimiter": file.delimiter},
            "updated_by": user or file.uploaded_by,
            "updated_at": Now(),
        },
    )
