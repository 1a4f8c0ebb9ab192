"""Files of the bank: received, checked row by row in sets, merged by natural keys.

``receive`` keeps a file and proposes what its columns mean; ``check`` stages it and says which rows are left out and
why; ``merge`` writes the rest. Each may be interrupted anywhere and called again. Rules: an earlier row of a file wins
over a later one with the same key; an empty cell of a mapped column empties the value; columns that are not mapped stay
as they are; a row that says what is known already changes nothing. A full load besides says what is no longer there
(``loads``); the last import of a source can be taken back (``undo``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from bankcrm import audit, bulk
from bankcrm.job import Job
from bankcrm.runs import Refused
from customers.imports import (
    campaign_arms,
    checking,
    kinds,
    loads,
    mapping,
    merging,
    own_fields,
    proposing,
    staging,
    undo,
    upsert,
)
from customers.imports.campaign_merging import foreign_rows
from customers.imports.receiving import again, path_of, receive, reread
from customers.models import ImportFile, Product

State = ImportFile.State


@dataclass(frozen=True)
class Completion:
    """What an app above does with a kind of file.

    ``objection`` says why it may not come in ("" = it may). ``done`` runs in the transaction that marks the file merged
    and returns the page to read it on: ``{"route": name of a URL, "pk": id}``.
    """

    objection: Callable[[ImportFile], str]
    done: Callable[[ImportFile], dict[str, Any]]


COMPLETIONS: dict[str, Completion] = {}


def on_completion(kind: str, completion: Completion) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    COMPLETIONS[kind] = completion


def check(file: ImportFile, job: Job | None = None) -> ImportFile:
    """Stage and check the file; rejects are written, nothing is merged. Raises Refused, and marks the file so.

    A file that is merged already stays as it is.
    """
    if file.state in (State.MERGED, State.UNDONE):
        return file
    try:
        with bulk.without_time_limit():
            _check(file, job)
    except Refused as refusal:
        staging.drop(file)
        _mark(file, State.REFUSED, error=str(refusal), rows=None, accepted=None, rejected=None)
        raise
    return file


def _check(file: ImportFile, job: Job | None) -> None:
    mapping.complete(file)
    if file.effective_on:
        constants = file.options.get("constants", {})
        if sentence := loads.day_objection(file, file.effective_on, file.mapping, constants):
            raise Refused(sentence)
    _objections(file)
    staging.sweep()
    _tell(job, 0, None, _("Reading the file"))
    rows = staging.stage(file, path_of(file))
    _tell(job, 0, rows, _("Checking every cell"))
    checking.check_cells(file)
    _tell(job, rows // 2, rows, _("Looking for duplicates"))
    checking.check_rows(file)
    checking.warn_of_lines(file)
    accepted = checking.accepted(file)
    _tell(job, rows, rows, _("Checked"))
    if not accepted:
        staging.drop(file)
        _mark(file, State.REFUSED, rows=rows, accepted=0, rejected=rows, error=_("Not one row can go in."))
        return
    if file.kind == ImportFile.Kind.CAMPAIGN and (sentence := campaign_arms.objection(file)):
        raise Refused(sentence)
    options = file.options | {"without_branch": checking.without_branch(file)}
    if kinds.of(file).model is not None and file.inserted is None:
        new, changed = upsert.expected(file)
        options["expected"] = {"new": new, "changed": changed}
    missing = loads.count(file)
    # Rows that are in are beyond choosing: an interrupted merge that is checked again keeps what was confirmed.
    if missing is not None and file.inserted is None:
        options.pop("absent", None)
        options["known"], options["ended"] = missing.known, missing.ended
        options["staying"] = loads.staying(file)
    _mark(
        file,
        State.CHECKED,
        rows=rows,
        accepted=accepted,
        rejected=rows - accepted,
        missing=missing.missing if missing else None,
        error="",
        options=options,
    )


def _objections(file: ImportFile) -> None:
    if sentences := own_fields.problems(file):
        raise Refused(" ".join(sentences))
    if file.kind == ImportFile.Kind.CAMPAIGN:
        campaign = file.options.get("campaign", {})
        if not campaign.get("code") or not campaign.get("name") or not campaign.get("product"):
            raise Refused(_("Say the code, the name and the product of the past campaign."))
        if not Product.objects.filter(code=campaign["product"]).exists():
            raise Refused(_("No product has the code “%(code)s”.") % {"code": campaign["product"]})
        if foreign_rows(campaign["code"]):
            raise Refused(
                _("The code %(code)s belongs to a campaign that was run here.") % {"code": campaign["code"]}
            )
    if file.kind in COMPLETIONS and (objection := COMPLETIONS[file.kind].objection(file)):
        raise Refused(objection)


def merge(file: ImportFile, job: Job | None = None) -> ImportFile:
    """Write the checked rows. A merged file changes nothing; an interrupted one goes on where it stopped.

    What was staged may be gone (a crash empties UNLOGGED tables): then the file is checked again first. Raises Refused
    for a file that was not checked or that may not come in.
    """
    if file.state == State.MERGED:
        return file
    if file.state == State.UNDONE:
        raise Refused(_("This import was undone. Bring the file again to let it in."))
    if file.state != State.CHECKED:
        raise Refused(file.error or _("The file was not checked yet."))
    _objections(file)
    with bulk.without_time_limit():
        if checking.accepted(file) != file.accepted:
            check(file, job)
        if objection := loads.objection(file):
            raise Refused(objection)
        if file.inserted is None:
            _mark(file, State.CHECKED, inserted=0, updated=0)
        _tell(job, 0, file.accepted, _("Writing"))
        merging.merge_rows(file, job)
        merging.close_missing(file, job)
        if "staying" in file.options:
            file.options["staying"] = loads.staying(file)
        merging.refresh_statistics(file)
        _finish(file, job)
    return file


@transaction.atomic
def _finish(file: ImportFile, job: Job | None) -> None:
    if job:
        job.fence()
    file.options.pop("resume", None)
    file.options["own_told"] = own_fields.told_customers(file)
    file.refresh_from_db(fields=["inserted", "updated"])
    if file.kind in COMPLETIONS:
        file.options["page"] = COMPLETIONS[file.kind].done(file)
    file.options["before"] = True
    _mark(file, State.MERGED, options=file.options, merged_at=Now())
    file.refresh_from_db()
    staging.drop(file)
    undo.forget_earlier(file)
    proposing.remember(file, job.requested_by if job else None)
    audit.record(
        job.requested_by if job else file.uploaded_by,
        "import.merged",
        file,
        from_state=State.CHECKED,
        to_state=State.MERGED,
        kind=file.kind,
        accepted=file.accepted,
        rejected=file.rejected,
        inserted=file.inserted,
        updated=file.updated,
        closed=file.closed,
    )


def remap(file: ImportFile, mapped: dict[str, str], options: dict[str, Any]) -> ImportFile:
    """Store another meaning of the columns; the file must be checked again. Raises Refused once rows of it are in."""
    options = mapping.how_read(file) | options
    options["own"] = own_fields.definitions(mapped, options.get("own", {}))
    changed = ImportFile.objects.filter(pk=file.pk, inserted__isnull=True).exclude(
        state__in=[State.MERGED, State.UNDONE]
    )
    if not changed.update(mapping=mapped, options=options, state=State.UPLOADED, error=""):
        raise Refused(
            _(
                "Rows of the file are in, so what its columns mean can no longer change. Undo the import first."
            )
        )
    file.refresh_from_db()
    staging.drop(file)
    return file


def _mark(file: ImportFile, state: str, **values: Any) -> None:
    ImportFile.objects.filter(pk=file.pk).update(state=state, **values)
    file.state = state
    for name, value in values.items():
        setattr(file, name, value)


def _tell(job: Job | None, done: int, total: int | None, note: str) -> None:
    if job:
        job.progress(done, total, note)


__all__ = [
    "COMPLETIONS",
    "Completion",
    "Refused",
    "again",
    "check",
    "merge",
    "on_completion",
    "path_of",
    "receive",
    "remap",
    "reread",
]
