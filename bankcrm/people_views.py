"""Pages about people: users, the branch tree, leave, holidays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.forms import BaseForm
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from bankcrm import paging, people
from bankcrm.models import Branch, Holiday, Leave, Role, User
from bankcrm.people_forms import BranchForm, HolidayForm, LeaveForm, UserForm, UserSearch
from bankcrm.policy import SignedIn

TABS = [
    (gettext_lazy("Users"), "user-list"),
    (gettext_lazy("Branches"), "branch-list"),
    (gettext_lazy("Leave"), "leave-list"),
    (gettext_lazy("Holidays"), "holiday-list"),
]


def _tabs(request: SignedIn, current: str) -> list[dict[str, Any]]:
    if request.user.role != Role.ADMINISTRATOR and not request.user.is_auditor:
        return []
    return [{"label": label, "url": reverse(name), "current": name == current} for label, name in TABS]


def _saved(form: BaseForm, save: Callable[[], Any]) -> bool:
    """Whether ``save`` went through; a refusal by the verb becomes the form's error."""
    if not form.is_valid():
        return False
    try:
        save()
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return False
    return True


def _form_page(request: SignedIn, form: BaseForm, title: str, back: str, back_label: Any) -> HttpResponse:
    context = {"form": form, "title": title, "back_url": reverse(back), "back_label": back_label}
    return render(request, "bankcrm/form.html", context, status=422 if form.errors else 200)


def user_list(request: SignedIn) -> HttpResponse:
    """Everybody who works here."""
    search = UserSearch(request.GET)
    users = search.filter(User.objects.visible_to(request.user).select_related("branch"))
    page = paging.page_of(request, users, ("full_name", "pk"))
    context = {
        "page": page,
        "pager": page.pager(request, paging.capped_count(users)),
        "search": search,
        "tabs": _tabs(request, "user-list"),
        "filtered": any(request.GET.get(name) for name in search.fields),
    }
    return render(request, "bankcrm/users.html", context)


def user_create(request: SignedIn) -> HttpResponse:
    """A new colleague."""
    form = UserForm(request.POST or None)
    if request.method == "POST" and _saved(
        form, lambda: people.save_user(form.instance, request.user, form.cleaned_data["new_password"])
    ):
        messages.success(request, _("%(name)s can sign in now.") % {"name": form.instance})
        return redirect("user-list")
    return _form_page(request, form, _("New user"), "user-list", _("Users"))


def user_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Role, branch, access, capacity and password of one colleague."""
    user = get_object_or_404(User.objects.visible_to(request.user), pk=pk)
    title = user.full_name
    form = UserForm(request.POST or None, instance=user)
    if request.method == "POST" and _saved(
        form, lambda: people.save_user(form.instance, request.user, form.cleaned_data["new_password"])
    ):
        messages.success(request, _("Saved. What %(name)s may do changes at once.") % {"name": user})
        return redirect("user-list")
    return _form_page(request, form, title, "user-list", _("Users"))


def branch_list(request: SignedIn) -> HttpResponse:
    """The tree, top down."""
    working = Count("staff", filter=Q(staff__is_active=True))
    everything = list(Branch.objects.annotate(working=working).order_by("name"))
    context = {"rows": _tree(everything), "tabs": _tabs(request, "branch-list")}
    return render(request, "bankcrm/branches.html", context)


def _tree(everything: Sequence[Branch]) -> list[dict[str, Any]]:
    below: dict[int | None, list[Branch]] = {}
    for branch in everything:
        below.setdefault(branch.parent_id, []).append(branch)
    rows: list[dict[str, Any]] = []
    waiting = [(branch, 0) for branch in reversed(below.get(None, []))]
    while waiting:
        branch, depth = waiting.pop()
        rows.append({"branch": branch, "depth": depth, "steps": range(depth)})
        waiting += [(child, depth + 1) for child in reversed(below.get(branch.pk, []))]
    return rows


def branch_create(request: SignedIn) -> HttpResponse:
    """A new node of the tree."""
    form = BranchForm(request.POST or None, initial={"parent": request.GET.get("parent")})
    if request.method == "POST" and _saved(form, lambda: people.save_branch(form.instance, request.user)):
        messages.success(request, _("%(name)s was added.") % {"name": form.instance})
        return redirect("branch-list")
    return _form_page(request, form, _("New branch"), "branch-list", _("Branches"))


def branch_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Rename or move a branch; everybody's view of its customers moves with it."""
    branch = get_object_or_404(Branch, pk=pk)
    title = branch.name
    form = BranchForm(request.POST or None, instance=branch)
    if request.method == "POST" and _saved(form, lambda: people.save_branch(form.instance, request.user)):
        messages.success(request, _("%(name)s was saved.") % {"name": branch})
        return redirect("branch-list")
    return _form_page(request, form, title, "branch-list", _("Branches"))


def _leaves(request: SignedIn) -> Any:
    seen = User.objects.visible_to(request.user)
    return Leave.objects.filter(user__in=seen).select_related("user__branch", "backup")


def leave_list(request: SignedIn) -> HttpResponse:
    """Who is away when, and who stands in."""
    page = paging.page_of(request, _leaves(request), ("-last_day", "-pk"))
    context = {"page": page, "pager": page.pager(request), "tabs": _tabs(request, "leave-list")}
    return render(request, "bankcrm/leaves.html", context)


def leave_create(request: SignedIn) -> HttpResponse:
    """New leave of somebody in one's own branches."""
    return _leave_form(request, Leave(), _("New leave"))


def leave_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Other days or another backup."""
    return _leave_form(request, get_object_or_404(_leaves(request), pk=pk), _("Leave"))


def _leave_form(request: SignedIn, leave: Leave, title: str) -> HttpResponse:
    form = LeaveForm(request.POST or None, instance=leave, actor=request.user)
    if request.method == "POST" and _saved(form, lambda: people.save_leave(form.instance, request.user)):
        messages.success(request, _("Leave of %(name)s was saved.") % {"name": form.instance.user})
        return redirect("leave-list")
    return _form_page(request, form, title, "leave-list", _("Leave"))


@require_POST
def leave_delete(request: SignedIn, pk: int) -> HttpResponse:
    """The person works after all."""
    leave = get_object_or_404(_leaves(request), pk=pk)
    people.remove_leave(leave, request.user)
    messages.success(request, _("Leave of %(name)s was removed.") % {"name": leave.user})
    return redirect("leave-list")


def holiday_list(request: SignedIn) -> HttpResponse:
    """Days on which no branch works; due dates skip them."""
    form = HolidayForm(request.POST or None)
    if request.method == "POST" and _saved(form, lambda: people.save_holiday(form.instance, request.user)):
        messages.success(request, _("%(name)s is a holiday now.") % {"name": form.instance})
        return redirect("holiday-list")
    context = {
        "holidays": Holiday.objects.order_by("-day")[: paging.MOST],
        "form": form,
        "tabs": _tabs(request, "holiday-list"),
    }
    return render(request, "bankcrm/holidays.html", context, status=422 if form.errors else 200)


@require_POST
def holiday_delete(request: SignedIn, day: str) -> HttpResponse:
    """A working day again."""
    try:
        wanted = dt.date.fromisoformat(day)
    except ValueError as error:
        raise Http404 from error
    if people.remove_holiday(wanted, request.user):
        messages.success(request, _("It is a working day again."))
    return redirect("holiday-list")
