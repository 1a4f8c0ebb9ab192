"""The mapping page: every column with its values and what it means, what is still missing, how the file was read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.forms import BoundField
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from bankcrm.policy import SignedIn
from customers import imports
from customers.import_forms import ReadForm
from customers.import_load_forms import LoadForm
from customers.import_map_forms import MapForm
from customers.import_own_forms import BY_NUMBER, NEW, PARTS
from customers.import_views import changeable, may_change, start_step, visible
from customers.imports import loads, mapping, reject_file, sampling, sniffing, values, workbooks
from customers.imports.expressions import judged_target
from customers.imports.kinds import Type, own
from customers.models import ImportFile

DELIMITERS = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar"),
    "^": gettext_lazy("caret"),
    "\x01": gettext_lazy("control-A"),
}
LONG_DIGITS = re.compile(r"(\d{3})\d{5,}([\dXx]{3})")
ADDRESS = re.compile(r"^(.)[^@]*@(.+)$")


@dataclass
class Row:
    """One column of the file."""

    name: str
    examples: list[str]
    different: int
    empty: int
    means: BoundField
    shown: BoundField
    form: BoundField | None = None
    words: list[tuple[str, int, BoundField]] = field(default_factory=list)
    unsaid: int = 0
    # Every word is understood without anybody saying so.
    is_plain: bool = False
    # Meanings are typed, not chosen.
    typed: bool = False
    perhaps: str = ""
    # The controls of a column that becomes an own field, and why one is proposed to be left out.
    own: list[BoundField] = field(default_factory=list)
    why_not: str = ""


def import_map(request: SignedIn, pk: int) -> HttpResponse:
    """What every column means; saving it starts the check. A draft is shown as it would be and not saved."""
    file = changeable(request, pk) if request.method == "POST" else visible(request, pk)
    columns = _columns(request, file)
    if request.method == "POST" and "draft" in request.GET:
        form = MapForm(file, columns, draft=request.POST.dict())
        return render(request, "customers/imports/_map_body.html", _context(file, form))
    form = MapForm(file, columns, request.POST or None)
    load = LoadForm(file, request.POST or None)
    if request.method == "POST" and form.is_valid() and load.is_valid() and load.save():
        try:
            form.save()
        except imports.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return start_step(request, file, "check")
    return _show(request, file, form, load, ReadForm(file))


@require_POST
def import_read(request: SignedIn, pk: int) -> HttpResponse:
    """Read the file with another encoding, delimiter, sheet or header; where that fails it stays as it was."""
    file = changeable(request, pk)
    read = ReadForm(file, request.POST)
    if read.is_valid() and read.read():
        messages.success(request, _("The file was read again: %(how)s.") % {"how": _how_read(file)})
        return redirect("import-map", pk)
    return _show(request, file, MapForm(file, _columns(request, file)), LoadForm(file), read)


def _columns(request: SignedIn, file: ImportFile) -> list[sampling.Column]:
    try:
        return _sample(file)
    except imports.Refused as refusal:
        messages.error(request, str(refusal))
        return sampling.columns(file.columns, [])


def _show(request: SignedIn, file: ImportFile, form: MapForm, load: LoadForm, read: ReadForm) -> HttpResponse:
    context = _context(file, form) | {
        "load": load,
        "read": read,
        "how_read": _how_read(file),
        "notes": file.options.get("notes", []),
        "may_change": may_change(request, file) and file.inserted is None,
    }
    status = 422 if form.errors or load.errors or read.errors else 200
    return render(request, "customers/imports/map.html", context, status=status)


def _sample(file: ImportFile) -> list[sampling.Column]:
    """What the first rows of the file show. Raises Refused when the kept file can no longer be read."""
    rows = sniffing.sample(
        imports.path_of(file), file.encoding, file.delimiter, file.options, len(file.columns)
    )
    return [
        column.with_more(words.get(column.name, {}))
        for words in [reject_file.unknown_words(file)]
        for column in sampling.columns(file.columns, rows)
    ]


def disguised(value: str) -> str:
    """A value as a page may show it: what looks like a phone, an identity number or an address without its middle."""
    plain = ADDRESS.sub(r"\1***@\2", value)
    compact = re.sub(r"(?<=\d)[ -](?=\d)", "", plain)
    return LONG_DIGITS.sub(r"\1*****\2", compact if LONG_DIGITS.search(compact) else plain)


def _context(file: ImportFile, form: MapForm) -> dict[str, Any]:
    """Everything the body of the page shows."""
    rows = [_row(form, at, column) for at, column in enumerate(form.columns)]
    meanings = form.mapped()
    left_out = [name for name, meaning in meanings.items() if meaning == mapping.LEFT_OUT]
    constants = form.group("constant_")
    seen = max((column.seen for column in form.columns), default=0)
    return {
        "file": file,
        "form": form,
        "rows": rows,
        "needed": _needed(form, meanings),
        "sampled": seen if seen + 1 < int(file.options.get("lines") or 0) else 0,
        "example": _("Customer {%(column)s}") % {"column": form.key_column() or form.columns[0].name},
        "mapped": len(rows) - len(left_out),
        "left_out": len(left_out),
        "unsaid": sum(row.unsaid for row in rows),
        "twice": _twice(form, meanings),
        "shared": [each for each in constants if _is_usual(form, each)],
        "others": [each for each in constants if not _is_usual(form, each)],
        "campaign": form.group("campaign_"),
        "moved": file.options.get("moved"),
        "by_number": form[BY_NUMBER] if _asks_by_number(form, meanings) else None,
        "kept": sum(form.meaning(at) == NEW or own.is_own(form.meaning(at)) for at in range(len(rows))),
        "own_from": loads.effective_day(file),
    }


def _asks_by_number(form: MapForm, meanings: dict[str, str]) -> bool:
    """Whether the file names nobody: then it is asked what becomes of customers nobody knows."""
    named = "name" in meanings.values() or bool(
        "constant_name" in form.fields and form["constant_name"].value()
    )
    return form.kind.keeps_own_fields and not named


def _how_read(file: ImportFile) -> str:
    """ "UTF-8 · comma · 10,000 lines · names of columns in line 1"."""
    words = []
    if file.encoding == workbooks.ENCODING:
        words += [_("workbook"), _("sheet “%(title)s”") % {"title": file.options.get("sheet", "")}]
    else:
        words += [file.encoding.upper(), str(DELIMITERS.get(file.delimiter, file.delimiter))]
    if lines := file.options.get("lines"):
        words.append(ngettext("%(count)s line", "%(count)s lines", lines) % {"count": f"{lines:,}"})
    header = file.options.get("header", 1)
    words.append(
        _("names of columns in line %(line)s") % {"line": header} if header else _("columns have no names")
    )
    return " · ".join(words)


def _row(form: MapForm, at: int, column: sampling.Column) -> Row:
    told = form.told(at)
    hidden = bool(told and told[0].is_masked)
    found = Row(
        column.name,
        [_masked(value) if hidden else disguised(value) for value in column.examples()],
        len(column.values),
        column.seen - column.filled,
        form[f"column_{at}"],
        form[f"shown_{at}"],
        form[f"form_{at}"] if f"form_{at}" in form.fields else None,
    )
    for number, (word, count) in enumerate(form.words.get(at, [])):
        name = f"value_{at}_{number}"
        if name in form.fields:
            found.words.append((disguised(word), count, form[name]))
    found.unsaid = sum(
        field.value() in ("", None) for _word, _count, field in found.words if hasattr(field.field, "choices")
    )
    if told is not None:
        target = judged_target(*told)
        asked = [word for word, _count in form.words.get(at, [])]
        found.is_plain = all(
            values.understood(target, word) == bound.value()
            for word, (_shown, _count, bound) in zip(asked, found.words, strict=False)
        )
    found.typed = any(not hasattr(bound.field, "choices") for _word, _count, bound in found.words)
    found.own = [form[f"own_{part}_{at}"] for part in PARTS if f"own_{part}_{at}" in form.fields]
    if form.kind.keeps_own_fields and form.meaning(at) == mapping.LEFT_OUT:
        found.why_not = form.own.why_not(column.name)
    found.perhaps = (form.file.options.get("moved") or {}).get("perhaps", {}).get(column.name, "")
    return found


def _masked(value: str) -> str:
    shown = disguised(value)
    return shown if "*" in shown else f"{value[:2]}***{value[-2:]}" if len(value) > 4 else "***"


def _needed(form: MapForm, meanings: dict[str, str]) -> list[dict[str, Any]]:
    """Targets a file should give: label, state ("ok", "bad" when required and missing, "warn"), by what or why."""
    by = {meaning.partition(":")[0]: name for name, meaning in meanings.items() if meaning}
    found = []
    for target in form.kind.targets:
        if not (target.required or target.wanted):
            continue
        constant = form[f"constant_{target.name}"].value() if f"constant_{target.name}" in form.fields else ""
        column = by.get(target.name, "")
        is_free = target.type == Type.CUSTOMER and bool(
            form.file.options.get("campaign", {}).get("new_customers")
        )
        if not column and not constant and target.name == form.kind.day:
            day = form.draft.get("effective_on", form.file.effective_on)
            constant = _("%(day)s, the day of the load") % {"day": day} if day else ""
        tone = "ok" if column or constant or is_free else "bad" if target.required else "warn"
        why = column or str(constant or "") or str(target.wanted) or _("required")
        label = str(target.label)
        field = "" if column else f"#id_constant_{target.name}"
        if target.name == "name" and _asks_by_number(form, meanings) and form[BY_NUMBER].value() == "yes":
            tone, why, field = "ok", _("new customers are called by their number"), f"#id_{BY_NUMBER}"
        found.append({"label": label[:1].upper() + label[1:], "tone": tone, "why": why, "url": field})
    if any(":" in meaning for meaning in meanings.values()):
        day = loads.effective_day(form.file).isoformat()
        why = (
            day
            if form.file.effective_on
            else _("ages and years count back from %(day)s, unless you say another day")
        )
        found.append(
            {
                "label": _("As of"),
                "tone": "ok" if form.file.effective_on else "warn",
                "why": why % {"day": day},
                "url": "#id_effective_on",
            }
        )
    return found


def _twice(form: MapForm, meanings: dict[str, str]) -> list[str]:
    names = [
        meaning.partition(":")[0]
        for meaning in meanings.values()
        if meaning not in (mapping.FACTS, mapping.LEFT_OUT)
    ]
    return [str(target.label) for target in form.kind.targets if names.count(target.name) > 1]


def _is_usual(form: MapForm, bound: BoundField) -> bool:
    """What a file that does not say it often shares in every row."""
    target = form.kind.target(bound.name.removeprefix("constant_"))
    coded = target.type in (Type.BRANCH, Type.PRODUCT)
    return bool(target.required or target.wanted or coded or bound.value())
