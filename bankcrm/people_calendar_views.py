"""Pages about days: who is on leave when, and which days are not what their weekday says."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import clock, figures, paging, people
from bankcrm.models import Holiday, Leave, User
from bankcrm.people_forms import WEEKDAYS, HolidayForm, LeaveForm, LeaveSearch
from bankcrm.people_frame import form_page, saved, tabs
from bankcrm.policy import SignedIn


def _leaves(request: SignedIn) -> Any:
    seen = User.objects.visible_to(request.user)
    return Leave.objects.filter(user__in=seen).select_related("user__branch", "backup")


def leave_list(request: SignedIn) -> HttpResponse:
    """Who is away when, and who stands in."""
    search = LeaveSearch(request.GET)
    page = paging.page_of(request, search.filter(_leaves(request)), ("-last_day", "-pk"))
    today = clock.today()
    standing = people.standing_leaves(page.rows)
    stand_ins = User.objects.in_bulk({away.stand_in for away in standing.values() if away.stand_in})
    context = {
        "rows": [
            {
                "leave": leave,
                "now": leave.pk in standing,
                "over": leave.last_day < today,
                # Who really has the customers today: the end of the chain, which is not always the backup named.
                "stand_in": stand_ins.get(standing[leave.pk].stand_in or 0) if leave.pk in standing else None,
            }
            for leave in page.rows
        ],
        "page": page,
        "pager": page.pager(request),
        "search": search,
        "filtered": any(request.GET.get(name) for name in search.fields),
        "tabs": tabs(request, "leave-list"),
    }
    return render(request, "bankcrm/leaves.html", context)


def leave_create(request: SignedIn) -> HttpResponse:
    """New leave of somebody in one's own branches."""
    return _leave_form(request, Leave(), _("New leave"))


def leave_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Other days or another backup."""
    return _leave_form(request, get_object_or_404(_leaves(request), pk=pk), _("Leave"))


def _leave_form(request: SignedIn, leave: Leave, title: str) -> HttpResponse:
    form = LeaveForm(
        request.POST or None, instance=leave, actor=request.user, initial={"user": request.GET.get("user")}
    )
    if request.method == "POST" and saved(form, lambda: people.save_leave(form.instance, request.user)):
        messages.success(request, _saved_sentence(form.instance))
        return redirect("leave-list")
    return form_page(request, form, title, "leave-list", _("Leave"))


def _saved_sentence(leave: Leave) -> str:
    told = _("Leave of %(name)s was saved.") % {"name": leave.user}
    others = people.taken_over(leave)
    if leave.backup is None or not others:
        return told
    names = ", ".join(str(other.user) for other in others)
    return f"{told} " + _("%(backup)s takes over the customers of %(names)s from %(name)s as well.") % {
        "backup": leave.backup,
        "names": names,
        "name": leave.user,
    }


@require_POST
def leave_delete(request: SignedIn, pk: int) -> HttpResponse:
    """The person works after all."""
    leave = get_object_or_404(_leaves(request), pk=pk)
    people.remove_leave(leave, request.user)
    messages.success(request, _("Leave of %(name)s was removed.") % {"name": leave.user})
    return redirect("leave-list")


def holiday_list(request: SignedIn) -> HttpResponse:
    """Holidays and make-up working days, of the bank and of single branches."""
    form = HolidayForm(request.POST or None)
    if request.method == "POST" and saved(form, lambda: people.save_holiday(form.instance, request.user)):
        told = {"name": form.instance, "day": figures.day(form.instance.day)}
        works = form.instance.works_as is not None
        messages.success(
            request, _("%(day)s is worked.") % told if works else _("%(day)s is a holiday now.") % told
        )
        return redirect("holiday-list")
    page = paging.page_of(request, Holiday.objects.select_related("branch"), ("-day", "-pk"))
    context = {
        "page": page,
        "pager": page.pager(request),
        "today": clock.today(),
        "weekdays": WEEKDAYS,
        "form": form,
        "tabs": tabs(request, "holiday-list"),
    }
    return render(request, "bankcrm/holidays.html", context, status=422 if form.errors else 200)


@require_POST
def holiday_delete(request: SignedIn, pk: int) -> HttpResponse:
    """What its weekday says again."""
    day = people.remove_holiday(pk, request.user)
    if day:
        messages.success(request, _("%(day)s is an ordinary day again.") % {"day": figures.day(day)})
    return redirect("holiday-list")
