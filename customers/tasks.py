"""Long work on files: the second door to ``imports.check`` and ``imports.merge``. Started with ids, never with rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import figures, runs, units
from bankcrm.models import Role
from customers import acquisition, imports, profile, transfer
from customers.imports import undo
from customers.imports.kinds import KINDS
from customers.models import ImportFile

KIND = "customers.import"


@runs.work(KIND, gettext_lazy("Import a file"), roles={Role.ADMINISTRATOR, Role.ANALYST})
def run_import(job: runs.Job) -> dict[str, Any]:
    """Arguments: file, step (check, merge, undo). Start with ``key=key(file)``: one step of a file at a time."""
    file = ImportFile.objects.filter(pk=job.arguments["file"]).first()
    if file is None:
        raise runs.Refused(_("The file no longer exists."))
    user = job.requested_by
    if user is not None and user.role not in KINDS[file.kind].roles:
        raise runs.Refused(_("Your role does not include this kind of file."))
    if job.arguments["step"] == "undo":
        undo.undo(file, user, job)
        counts = {"rows_removed": file.inserted, "rows_restored": file.updated}
    elif job.arguments["step"] == "merge":
        imports.merge(file, job)
        counts = {"rows_new": file.inserted, "rows_changed": file.updated, "rows_left_out": file.rejected}
    else:
        imports.check(file, job)
        counts = {"rows_ready": file.accepted, "rows_left_out": file.rejected}
    return {"url": reverse("import-detail", args=[file.pk]), **counts}


@runs.work(
    "customers.profile",
    gettext_lazy("Month-end profiles"),
    roles={Role.ADMINISTRATOR, Role.ANALYST},
    daily=True,
    unit=units.STEPS,
)
def build_profile(job: runs.Job) -> dict[str, Any]:
    """Arguments: month (ISO), a month-end. Without it the newest month that data came in for, unless all are built."""
    asked = job.arguments.get("month")
    month = dt.date.fromisoformat(asked) if asked else profile.newest_data()
    if month is None or (
        not asked
        and month == profile.latest_month()
        and not profile.misses_somebody(month)
        and not profile.was_before_its_balances(month)
    ):
        if month is not None:
            # Contracts and holdings come in between month-ends.
            acquisition.build(month, job)
        return {"sentence": _("No newer month has data."), "customers": 0}
    step = _("Profiles of %(day)s") % {"day": figures.day(month)}
    rows = profile.build(month, lambda done, total: job.progress(done, total, step))
    acquisition.build(month, job)
    told = ngettext(
        "Profiles of %(day)s are built: %(n)s customer.",
        "Profiles of %(day)s are built: %(n)s customers.",
        rows,
    ) % {"day": figures.day(month), "n": figures.number(rows)}
    return {"sentence": told, "month": month.isoformat(), "customers": rows}


@runs.work(
    "customers.transfers",
    gettext_lazy("Portfolio transfers of the day"),
    roles={Role.ADMINISTRATOR, Role.BRANCH_MANAGER},
    daily=True,
)
def transfer_portfolios(job: runs.Job) -> dict[str, Any]:
    """Every planned transfer whose day has come, each in its own transaction and under its asker's rights."""
    return dict(transfer.do_due(job))


def key(file: ImportFile) -> str:
    return f"import:{file.pk}"
