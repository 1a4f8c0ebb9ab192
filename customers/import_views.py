"""Pages of imports: history, upload, what the columns mean, the check with its rejects, the merge."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import audit, figures, paging, runs
from bankcrm.models import Run, User
from bankcrm.policy import SignedIn
from customers import import_page, imports, profile, tasks
from customers.import_forms import UploadForm
from customers.import_load_forms import HistoryForm, MissingForm
from customers.imports import checking, kinds, mapping, reject_file, reporting
from customers.imports.kinds import KINDS, allowed
from customers.models import ImportFile

State = ImportFile.State
TONES = {
    State.UPLOADED: ("", "upload"),
    State.CHECKED: ("act", "checklist"),
    State.MERGED: ("ok", "check"),
    State.REFUSED: ("bad", "alert-triangle"),
    State.UNDONE: ("", "history"),
}


def visible(request: SignedIn, pk: int) -> ImportFile:
    return get_object_or_404(
        ImportFile.objects.visible_to(request.user).select_related("uploaded_by", "run"), pk=pk
    )


def may_change(request: SignedIn, file: ImportFile) -> bool:
    return request.user.may_act_as(KINDS[file.kind].roles)


def changeable(request: SignedIn, pk: int) -> ImportFile:
    file = visible(request, pk)
    if not may_change(request, file):
        raise PermissionDenied(_("Your role does not include this kind of file."))
    return file


def import_list(request: SignedIn) -> HttpResponse:
    """Files that came in, newest first."""
    history = HistoryForm(ImportFile.objects.visible_to(request.user), request.GET)
    found = history.narrowed().select_related("uploaded_by")
    page = paging.page_of(request, found, ("-pk",))
    context = {
        "rows": [{"file": file, "tone": TONES[State(file.state)]} for file in page.rows],
        "pager": page.pager(request, paging.capped_count(found)),
        "history": history,
        "narrowed": history.has_changed(),
        "may_upload": bool(allowed(request.user)),
        "newest_profile": profile.latest_month(),
        "newest_data": profile.newest_data(),
    }
    return render(request, "customers/imports/list.html", context)


@require_POST
def profile_build(request: SignedIn) -> HttpResponse:
    """Ask for the month-end profile of the newest month with data, anew where it is there already."""
    month = profile.newest_data()
    if month is None:
        messages.error(request, _("Nothing was built: bring balances or transactions first."))
        return redirect("import-list")
    run = runs.start(
        "customers.profile", request.user, key=month.isoformat(), subject=str(month), month=month.isoformat()
    )
    return redirect("run-detail", run.pk)


def import_upload(request: SignedIn) -> HttpResponse:
    """Bring a file; it is kept and looked at, nothing goes in yet."""
    form = UploadForm(
        request.user,
        request.POST or None,
        request.FILES or None,
        initial={"kind": request.GET.get("kind", "customers")},
    )
    if request.method == "POST" and form.is_valid():
        file = form.receive()
        if file is not None:
            return _received(request, file)
    return render(
        request, "customers/imports/upload.html", {"form": form}, status=422 if form.errors else 200
    )


def _received(request: SignedIn, file: ImportFile) -> HttpResponse:
    if file.state == State.MERGED:
        messages.info(
            request,
            _("This very file is in already, since %(day)s. Nothing was changed.")
            % {"day": figures.short_day(file.merged_at)},
        )
    seen = ImportFile.objects.visible_to(request.user).filter(pk=file.pk).exists()
    if not seen:
        messages.warning(request, _("A colleague brought this very file before; it is theirs to continue."))
        return redirect("import-list")
    return redirect(
        "import-map" if file.state in (State.UPLOADED, State.REFUSED) else "import-detail", file.pk
    )


def import_detail(request: SignedIn, pk: int) -> HttpResponse:
    """Where the file stands: the running work, what would go in, what is left out and why, what went in."""
    file = visible(request, pk)
    run = Run.objects.visible_to(request.user).filter(pk=file.run_id).first() if file.run_id else None
    running = run is not None and not run.is_finished
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=204)
        if not running:
            answer["HX-Refresh"] = "true"
        return answer
    failed = (
        run
        if run is not None and run.state in (Run.State.FAILED, Run.State.DEAD, Run.State.CANCELLED)
        else None
    )
    may = may_change(request, file) and not running
    page = file.options.get("page")
    context: dict[str, Any] = {
        "file": file,
        "tone": TONES[State(file.state)],
        "run": run,
        "running": running,
        "failed": failed if failed and failed.error and failed.error != file.error else None,
        "kpis": _kpis(file),
        "sure": import_page.sure(file),
        "reasons": reporting.by_reason(file) if file.rejected and not running else [],
        "warnings": reporting.by_reason(file, warnings=True) if not running else [],
        "meanings": _meanings(file),
        "other_kinds": _other_kinds(request, file) if may else [],
        "without_branch": file.options.get("without_branch")
        if file.state in (State.CHECKED, State.MERGED)
        else 0,
        "may_map": may and file.inserted is None,
        "may_check": may and import_page.may_check(file),
        "may_merge": may and file.state == State.CHECKED,
        "page": reverse(page["route"], args=[page["pk"]]) if page else "",
    } | import_page.load_context(file, may_change=may)
    told = [*context["reasons"], *context["warnings"]]
    context["words_unknown"] = any(reason["code"] in reject_file.UNKNOWN_WORDS for reason in told)
    if context["missing"]:
        context["missing"]["form"] = MissingForm(file, initial={"missing": context["missing"]["first"]})
    return render(request, "customers/imports/detail.html", context)


def _other_kinds(request: SignedIn, file: ImportFile) -> list[tuple[str, str]]:
    kinds = [each.code for each in allowed(request.user) if each.code != file.kind]
    return [(code, str(ImportFile.Kind(code).label)) for code in kinds]


def _kpis(file: ImportFile) -> list[dict[str, Any]]:
    figures = [
        (_("Rows"), file.rows, ""),
        (_("Good"), file.accepted, ""),
        (_("Left out"), file.rejected, "warn" if file.rejected else ""),
    ]
    if file.state == State.CHECKED and file.inserted is None:
        figures += import_page.expected(file)
    if file.state in (State.MERGED, State.UNDONE):
        told = file.options.get("own_told")
        same = (file.accepted or 0) - (file.inserted or 0) - (file.updated or 0)
        figures += [
            (_("New"), file.inserted, ""),
            (_("Changed"), file.updated, ""),
            # A row may say something new in own fields alone.
            (_("Own fields told of"), told, "") if told else (_("Said nothing new"), same, ""),
            (_("Marked as gone"), file.closed, ""),
        ]
    return [
        {"label": label, "value": f"{value:,}", "tone": tone}
        for label, value, tone in figures
        if value is not None
    ]


def _meanings(file: ImportFile) -> list[tuple[str, str]]:
    """(column or constant, what it means) of everything that goes in."""
    kind = kinds.of(file)
    # JSON keeps no order; the file does.
    named = [(column, file.mapping.get(column, "")) for column in file.columns]
    constants = file.options.get("constants", {}).items()
    besides = []
    if set(file.mapping) <= set(file.columns):  # a mapping by hand may name columns that are not there
        sources = mapping.sources(file)
        besides = [
            (sources[target.filled_from][1], _("%(field)s, told by the number") % {"field": target.label})
            for target in checking.told_besides(file)
        ]
    return [(column, mapping.meaning_label(kind, name)) for column, name in named if name] + [
        *besides,
        *((f"“{value}”", mapping.meaning_label(kind, name)) for name, value in constants),
    ]


@require_POST
def import_check(request: SignedIn, pk: int) -> HttpResponse:
    """Check again, as after a missing branch or product was added; one that was undone begins anew."""
    file = changeable(request, pk)
    if file.state == State.UNDONE:
        file = imports.again(file, request.user)
        if file.inserted is not None:
            return _received(request, file)
    return start_step(request, file, "check")


@require_POST
def import_again(request: SignedIn, pk: int) -> HttpResponse:
    """Use the same file for another kind: the balances of a list of customers, the contracts of a list of loans."""
    file = changeable(request, pk)
    kind = request.POST.get("kind", "")
    if kind not in {each.code for each in allowed(request.user)}:
        raise PermissionDenied(_("Your role does not include this kind of file."))
    try:
        other = imports.receive(imports.path_of(file), kind, request.user, file.name)
    except imports.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("import-detail", pk)
    return _received(request, other)


@require_POST
def import_merge(request: SignedIn, pk: int) -> HttpResponse:
    """Let the good rows in."""
    file = changeable(request, pk)
    if file.state != State.CHECKED:
        messages.warning(request, _("Only a checked file can go in. Nothing was changed."))
        return redirect("import-detail", pk)
    if file.missing and file.inserted is None:
        word = MissingForm(file, request.POST)
        refusal = (
            word.confirm(request.user) if word.is_valid() else _("Say what becomes of the missing rows.")
        )
        if refusal:
            messages.error(request, refusal)
            return redirect("import-detail", pk)
    return start_step(request, file, "merge")


def import_undo(request: SignedIn, pk: int) -> HttpResponse:
    """What taking the import back would do or what stands on it; a POST takes it back."""
    file = changeable(request, pk) if request.method == "POST" else visible(request, pk)
    context = import_page.undo_context(file)
    if request.method == "POST" and context["may_undo"]:
        return start_step(request, file, "undo")
    context["may_undo"] = context["may_undo"] and may_change(request, file)
    return render(
        request, "customers/imports/undo.html", context, status=422 if request.method == "POST" else 200
    )


def start_step(request: SignedIn, file: ImportFile, step: str) -> HttpResponse:
    run = runs.start(
        tasks.KIND, request.user, subject=file.name, key=tasks.key(file), file=file.pk, step=step
    )
    ImportFile.objects.filter(pk=file.pk).update(run=run)
    return redirect("import-detail", file.pk)


def import_rejects(request: SignedIn, pk: int) -> StreamingHttpResponse:
    """Every row that was left out, as a CSV that can be mended and brought again."""
    return rejects_of(visible(request, pk), request.user)


def rejects_of(file: ImportFile, user: User) -> StreamingHttpResponse:
    """The download of the rows of ``file`` that were left out, put on record."""
    if user.may_change:
        audit.record(user, "import.rejects_downloaded", file, rows=file.rejected)
    answer = StreamingHttpResponse(reject_file.lines(file), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="rejects-{file.pk}.csv"'
    return answer
