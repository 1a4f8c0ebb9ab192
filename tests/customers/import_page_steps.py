"""The way of a file through the import pages, as the tests of them walk it."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bankcrm import runs
from bankcrm.models import Run
from customers.models import ImportFile


def upload(
    client: Client, data: bytes, kind: str = "customers", name: str = "clients.csv", **more: Any
) -> Any:
    """Bring a file; the page that answers, redirects followed."""
    return client.post(
        reverse("import-upload"), {"kind": kind, "file": SimpleUploadedFile(name, data), **more}, follow=True
    )


def filled(page: Any) -> dict[str, Any]:
    """The mapping form as the page proposes it."""
    found = {}
    for form in (page.context["form"], page.context["load"]):
        found |= {bound.html_name: bound.value() or "" for bound in form if bound.value() is not False}
    return found


def field_of(page: Any, column: str, kind: str = "column") -> str:
    """The name of the control of a file column: its meaning, or its ``form``."""
    return f"{kind}_{[each.name for each in page.context['form'].columns].index(column)}"


def word_of(page: Any, column: str, word: str) -> str:
    """The name of the control that says what a word of a column means."""
    form = page.context["form"]
    at = [each.name for each in form.columns].index(column)
    return f"value_{at}_{[value for value, _count in form.words[at]].index(word)}"


def draft(client: Client, file: ImportFile, told: dict[str, Any]) -> Any:
    """The body of the page as it would be with other meanings; nothing is saved."""
    return client.post(reverse("import-map", args=[file.pk]) + "?draft=1", told)


def work() -> Run:
    """Do the one piece of work that waits."""
    run = Run.objects.filter(state=Run.State.QUEUED).get()
    runs.execute(run.pk)
    run.refresh_from_db()
    return run


def bring_in(client: Client, page: Any, told: dict[str, Any]) -> ImportFile:
    """Save the mapping, check, let the good rows in."""
    file = page.context["file"]
    answer = client.post(reverse("import-map", args=[file.pk]), told)
    assert answer.status_code == 302, answer.context["form"].errors
    work()
    file.refresh_from_db()
    if file.state == ImportFile.State.CHECKED:
        client.post(reverse("import-merge", args=[file.pk]))
        work()
        file.refresh_from_db()
    return file
