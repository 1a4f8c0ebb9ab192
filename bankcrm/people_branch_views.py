"""Pages about the branch tree: the tree, one branch, moving a subtree, closing a branch."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import branch_file as files
from bankcrm import branches
from bankcrm.models import Branch
from bankcrm.people_forms import BranchCloseForm, BranchFileForm, BranchForm, BranchMoveForm
from bankcrm.people_frame import changes, form_page, saved, tabs
from bankcrm.policy import SignedIn
from bankcrm.table_file import MOST_BYTES, MOST_ERRORS, WrongFile


def branch_list(request: SignedIn) -> HttpResponse:
    """The tree, top down, with what stands under each branch and below it."""
    found = branches.nodes()
    with_closed = request.GET.get("closed") == "1"
    names = branches.labels()
    context = {
        "rows": branches.in_order(found, hide_closed=not with_closed),
        "labels": list(names.items()),
        "with_closed": with_closed,
        "closed": sum(1 for node in found if node.branch.closed_on),
        "tabs": tabs(request, "branch-list"),
    }
    return render(request, "bankcrm/branches.html", context)


def branch_create(request: SignedIn) -> HttpResponse:
    """A new node of the tree."""
    form = BranchForm(request.POST or None, initial={"parent": request.GET.get("parent")})
    if request.method == "POST" and saved(form, lambda: branches.save(form.instance, request.user)):
        messages.success(request, _("%(name)s was added.") % {"name": form.instance})
        return redirect("branch-list")
    return form_page(request, form, _("New branch"), "branch-list", _("Branches"))


def branch_file_page(request: SignedIn, form: BranchFileForm, wrong: list[str]) -> HttpResponse:
    """The upload, with what is wrong in the file that was sent, line by line."""
    page = form_page(
        request,
        form,
        _("Branches from a file"),
        "branch-list",
        _("Branches"),
        template="bankcrm/branch_file.html",
        wrong=wrong,
        most=MOST_ERRORS,
    )
    page.status_code = 422 if wrong else page.status_code
    return page


def branch_file(request: SignedIn) -> HttpResponse:
    """The tree, or a part of it, from a file: all of it goes in, or nothing and the page says which lines are wrong."""
    form = BranchFileForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return branch_file_page(request, form, [])
    try:
        done = files.bring(files.read(form.cleaned_data["file"].read(MOST_BYTES + 1)), request.user)
    except WrongFile as refusal:
        return branch_file_page(request, form, refusal.sentences)
    messages.success(
        request,
        _(
            "%(new)s branches are new, %(changed)s changed (%(moved)s of them moved), %(same)s were so already."
        )
        % {"new": done.new, "changed": done.changed, "moved": done.moved, "same": done.same},
    )
    return redirect("branch-list")


def branch_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Name, code and kind of a branch; where it lies and whether it is open change on pages that show first."""
    branch = get_object_or_404(Branch.objects.select_related("parent"), pk=pk)
    stored = Branch.objects.get(pk=pk)
    form = BranchForm(request.POST or None, instance=branch)
    if request.method == "POST" and saved(
        form, lambda: branches.save(form.instance, request.user, version=form.seen_version)
    ):
        messages.success(request, _("%(name)s was saved.") % {"name": branch})
        return redirect("branch-list")
    return form_page(
        request,
        form,
        stored.name,
        "branch-list",
        _("Branches"),
        template="bankcrm/branch.html",
        branch=stored,
        parent=Branch.objects.filter(pk=stored.parent_id or 0).first(),
        left=_left(stored),
        stale=any(error.code == "stale" for error in form.non_field_errors().as_data()),
        changes=changes("bankcrm.branch", pk),
    )


def branch_move(request: SignedIn, pk: int) -> HttpResponse:
    """Put a subtree below another branch: choosing shows who sees what afterwards, saving does it."""
    branch = get_object_or_404(Branch.objects.select_related("parent"), pk=pk)
    data = request.POST if request.method == "POST" else request.GET if "parent" in request.GET else None
    form = BranchMoveForm(data and _versioned(data, branch), branch)
    preview = None
    if data is not None and form.is_valid():
        parent = form.cleaned_data["parent"]
        if request.method == "POST" and saved(form, lambda: _move(request, branch, form)):
            messages.success(
                request, _("%(name)s lies below %(parent)s now.") % {"name": branch, "parent": parent}
            )
            return redirect("branch-list")
        try:
            preview = branches.preview_move(branch, parent)
        except ValidationError as refusal:
            form.add_error("parent", refusal)
    labels = branches.labels()
    return form_page(
        request,
        form,
        _("Move %(name)s") % {"name": branch},
        "branch-list",
        _("Branches"),
        template="bankcrm/branch_move.html",
        branch=branch,
        preview=preview,
        figures=[(labels[name], n) for name, n in preview.figures.items()] if preview else [],
    )


def _versioned(data: Any, branch: Branch) -> Any:
    """The preview's own address names no version; what is saved names the one that was shown."""
    if "version" in data:
        return data
    found = data.copy()
    found["version"] = branch.version
    return found


def _move(request: SignedIn, branch: Branch, form: BranchMoveForm) -> None:
    branch.parent = form.cleaned_data["parent"]
    branches.save(branch, request.user, version=form.cleaned_data["version"])


def branch_close(request: SignedIn, pk: int) -> HttpResponse:
    """Close a branch that is empty, or give what it has to another first."""
    branch = get_object_or_404(Branch, pk=pk)
    form = BranchCloseForm(request.POST or None, branch)
    if request.method == "POST" and saved(
        form,
        lambda: branches.close(
            branch, request.user, form.cleaned_data["heir"], version=form.cleaned_data["version"]
        ),
    ):
        messages.success(request, _("%(name)s is closed.") % {"name": branch})
        return redirect("branch-list")
    return form_page(
        request,
        form,
        _("Close %(name)s") % {"name": branch},
        "branch-list",
        _("Branches"),
        template="bankcrm/branch_close.html",
        branch=branch,
        left=_left(branch),
    )


def _left(branch: Branch) -> list[tuple[Any, int]]:
    labels = branches.labels() | {"branches": _("Branches below")}
    return [(labels[name], n) for name, n in branches.left_in(branch).items()]


@require_POST
def branch_reopen(request: SignedIn, pk: int) -> HttpResponse:
    """Open a closed branch again."""
    branch = get_object_or_404(Branch, pk=pk)
    try:
        branches.reopen(branch, request.user)
        messages.success(request, _("%(name)s is open again.") % {"name": branch})
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
    return redirect(reverse("branch-edit", args=[pk]))
