"""Pages about users: the list, a new colleague, one colleague."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from bankcrm import absence, clock, paging, people
from bankcrm.models import User
from bankcrm.people_forms import UserForm, UserSearch
from bankcrm.people_frame import changes, form_page, saved, tabs
from bankcrm.policy import SignedIn

FORM = "bankcrm/user_form.html"


def user_list(request: SignedIn) -> HttpResponse:
    """Everybody who works here."""
    search = UserSearch(request.GET)
    users = search.filter(User.objects.visible_to(request.user).select_related("branch"))
    page = paging.page_of(request, users, ("full_name", "pk"))
    away = absence.on(clock.today())
    held = [(duty.label, duty.count([person.pk for person in page.rows])) for duty in people.DUTIES.values()]
    context = {
        "page": page,
        "rows": [
            {
                "person": person,
                "away_until": away[person.pk].last_day if person.pk in away else None,
                "held": [counts.get(person.pk, 0) for _label, counts in held],
            }
            for person in page.rows
        ],
        "held_labels": [label for label, _counts in held],
        "pager": page.pager(request, paging.capped_count(users)),
        "search": search,
        "tabs": tabs(request, "user-list"),
        "filtered": any(request.GET.get(name) for name in search.fields),
    }
    return render(request, "bankcrm/users.html", context)


def user_create(request: SignedIn) -> HttpResponse:
    """A new colleague."""
    form = UserForm(request.POST or None)
    if request.method == "POST" and saved(
        form, lambda: people.save_user(form.instance, request.user, form.cleaned_data["new_password"])
    ):
        messages.success(request, _("%(name)s can sign in now.") % {"name": form.instance})
        return redirect("user-list")
    return form_page(request, form, _("New user"), "user-list", _("Users"), template=FORM)


def user_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Role, branch, access, capacity, working week and password of one colleague."""
    user = get_object_or_404(User.objects.visible_to(request.user).select_related("branch"), pk=pk)
    before = User.objects.select_related("branch").get(pk=pk)
    form = UserForm(request.POST or None, instance=user)
    told: list[str] = []
    # What would be refused is said before anything is asked.
    if request.method == "POST" and saved(form, lambda: _check(before, form.instance, request.user)):
        told = people.consequences(before, form.instance)
        if told and not form.cleaned_data["confirmed"]:
            if form.cleaned_data["new_password"]:
                told.append(_("Type the new password once more."))
            return _person_page(request, form, before, told)
        if saved(form, lambda: _save(request, form)):
            messages.success(
                request, _("Saved. What %(name)s may do changes at once.") % {"name": form.instance}
            )
            return redirect("user-list")
    return _person_page(request, form, before, [])


def _check(before: User, after: User, actor: User) -> None:
    people.check_own_rights(before, after, actor)
    people.check_duties(before, after)


def _transfer_url(person: User) -> str:
    """The page that gives away what the person holds, with the person ticked; "" where no app holds anything."""
    route = next((duty.route for duty in people.DUTIES.values()), "")
    return f"{reverse(route)}?where={person.branch_id}&source={person.pk}" if route else ""


def _save(request: SignedIn, form: UserForm) -> User:
    return people.save_user(
        form.instance, request.user, form.cleaned_data["new_password"], version=form.seen_version
    )


def _person_page(request: SignedIn, form: UserForm, person: User, told: list[str]) -> HttpResponse:
    today = clock.today()
    more: dict[str, Any] = {
        "person": person,
        "told": told,
        "duties": people.duties(person),
        "transfer_url": _transfer_url(person),
        "stuck": any(error.code == "duties" for error in form.non_field_errors().as_data()),
        "stale": any(error.code == "stale" for error in form.non_field_errors().as_data()),
        "away": absence.on(today).get(person.pk),
        "leaves": person.leaves.filter(last_day__gte=today).select_related("backup").order_by("first_day"),
        "changes": changes("bankcrm.user", person.pk),
    }
    page = form_page(request, form, person.full_name, "user-list", _("Users"), template=FORM, **more)
    if told:
        page.status_code = 422
    return page
