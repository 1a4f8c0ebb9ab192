"""What the pages of one import show beside its rows: the load, an interrupted merge, and the way back."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import figures
from customers.imports import campaign_undo, loads, own_fields, reporting, undo
from customers.models import ImportFile

State = ImportFile.State


def load_line(file: ImportFile) -> str:
    """ "core · full load · as of 2026-10-31", or "" where nothing was said."""
    words = [file.source]
    if file.load == ImportFile.Load.FULL:
        words.append(_("full load"))
    if file.effective_on:
        words.append(_("as of %(day)s") % {"day": file.effective_on.isoformat()})
    return " · ".join(filter(None, words))


def load_context(file: ImportFile, *, may_change: bool) -> dict[str, Any]:
    """For the page of a file at rest: the load in words, missing rows, and where an interrupted merge stands."""
    resume = file.options.get("resume") if file.state == State.CHECKED and file.inserted is not None else None
    half = None
    if resume:
        total = file.accepted or 0
        half = {"rows": resume["rows"], "total": total, "left": total - int(resume["rows"])}
    return {
        "load_line": load_line(file),
        "missing": _missing(file),
        "half": half,
        "undo_url": reverse("import-undo", args=[file.pk]) if may_change and not undo.objection(file) else "",
    }


def may_check(file: ImportFile) -> bool:
    """Whether its rows can be checked (again); an undone one begins anew, unless the same file came meanwhile."""
    if file.state == State.UNDONE:
        return not ImportFile.objects.present().filter(kind=file.kind, sha256=file.sha256).exists()
    return file.state in (State.UPLOADED, State.CHECKED, State.REFUSED)


def expected(file: ImportFile) -> list[tuple[str, int, str]]:
    """(label, rows, tone) of what the good rows would do; empty where the check could not know."""
    told = reporting.expected(file)
    if told is None:
        return []
    return [
        (_("Would be new"), told["new"], ""),
        (_("Would change"), told["changed"], ""),
        (_("Say nothing new"), told["unchanged"], ""),
    ]


def sure(file: ImportFile) -> str:
    """What is asked before rows go in: how many, what they would do, how many stay out."""
    resume = file.options.get("resume", {})
    good, rejected = (file.accepted or 0) - int(resume.get("rows", 0)), file.rejected or 0
    words = [
        ngettext("Let %(rows)s row in?", "Let %(rows)s rows in?", good) % {"rows": f"{good:,}"},
        ", ".join(f"{label}: {rows:,}" for label, rows, _tone in expected(file)),
    ]
    if rejected:
        words.append(
            ngettext("%(rows)s stays out.", "%(rows)s stay out.", rejected) % {"rows": f"{rejected:,}"}
        )
    return " ".join(f"{word}." if word[-1] not in ".?" else word for word in words if word)


def _missing(file: ImportFile) -> dict[str, Any] | None:
    if file.state != State.CHECKED or not file.missing or file.inserted is not None:
        return None
    known = int(file.options.get("known", 0))
    sentence = ngettext(
        "%(missing)s of the %(known)s open rows known from %(source)s (%(share)s) is not in the file.",
        "%(missing)s of the %(known)s open rows known from %(source)s (%(share)s) are not in the file.",
        file.missing,
    )
    counted, ended = loads.Missing(known, file.missing), int(file.options.get("ended", 0))
    return {
        "sentence": sentence
        % {
            "missing": f"{file.missing:,}",
            "known": f"{known:,}",
            "source": file.source,
            "share": figures.pct(counted.share),
        },
        "ended": ngettext(
            "%(ended)s more row of this source had ended before and is not counted.",
            "%(ended)s more rows of this source had ended before and are not counted.",
            ended,
        )
        % {"ended": f"{ended:,}"}
        if ended
        else "",
        "is_many": counted.is_many,
        "first": loads.KEEP if counted.is_many else loads.CLOSE,
        "closing": str(loads.CLOSINGS[file.kind].sentence),
    }


def undo_context(file: ImportFile) -> dict[str, Any]:
    """What taking the file back would do, or what stands in the way."""
    objection = undo.objection(file)
    standing = [] if objection else undo.standing(file)
    own_told = own_fields.told_customers(file) if file.inserted is not None else 0
    effects = (
        _campaign_effects(file)
        if file.kind == ImportFile.Kind.CAMPAIGN
        else [
            (_("Rows it brought, which are removed"), file.inserted or 0),
            (_("Rows it changed, which get their former values"), file.updated or 0),
            (_("Rows it marked as gone, which are open again"), file.closed or 0),
            (_("Customers whose own fields say again what they said before"), own_told),
        ]
    )
    return {
        "file": file,
        "objection": objection,
        "standing": standing,
        "effects": [(label, rows) for label, rows in effects if rows],
        "may_undo": not objection and not standing,
    }


def _campaign_effects(file: ImportFile) -> list[tuple[str, int]]:
    others = campaign_undo.files(file).exclude(pk=file.pk).count() if file.inserted is not None else 0
    return [
        (_("Customers of the campaign whose part in it is removed"), file.accepted or 0),
        (_("Earlier files of the campaign, which go with it"), others),
    ]
