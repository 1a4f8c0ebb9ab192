"""The mapping page: every column with its values and what it means, what is still missing, how the file was read."""

from __future__ import annotations

from django.contrib import messages
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
from customers.import_shown_forms import body
from customers.import_views import changeable, may_change, start_step, visible
from customers.imports import known_files, reject_file, sampling, sniffing, workbooks
from customers.models import ImportFile

DELIMITERS = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar"),
    "^": gettext_lazy("caret"),
    "\x01": gettext_lazy("control-A"),
}


def import_map(request: SignedIn, pk: int) -> HttpResponse:
    """What every column means; saving it starts the check. A draft is judged and not saved: the answer holds what
    depends on a meaning, never a control that somebody may be typing in."""
    file = changeable(request, pk) if request.method == "POST" else visible(request, pk)
    known = known_files.like(file.columns)
    if known and request.GET.get("as") == known.code and known.kind == file.kind:
        file = known.applied(file)
    columns = _columns(request, file)
    if request.method == "POST" and "draft" in request.GET:
        form = MapForm(file, columns, draft=request.POST.dict())
        told, at = body(file, form), request.GET["draft"]
        told["row"] = next((row for row in told["rows"] if str(row.at) == at), None)
        return render(request, "customers/imports/_map_answer.html", told)
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
    context = body(file, form) | {
        "load": load,
        "read": read,
        "how_read": _how_read(file),
        "notes": file.options.get("notes", []),
        "may_change": may_change(request, file) and file.inserted is None,
        "known": known_files.like(file.columns) if not file.options.get("confirmed") else None,
        "is_as_known": "as" in request.GET,
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
