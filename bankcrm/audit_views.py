"""The audit trail as a page: who did what, when, to which object."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bankcrm import paging
from bankcrm.models import AuditEvent, User
from bankcrm.people_forms import day_field
from bankcrm.policy import SignedIn


class AuditSearch(forms.Form):
    who = forms.CharField(label=_("Who"), required=False, max_length=60)
    action = forms.CharField(label=_("Action"), required=False, max_length=60)
    kind = forms.CharField(label=_("Object"), required=False, max_length=40)
    number = forms.CharField(label=_("Number"), required=False, max_length=40)
    since = day_field(_("From"))
    until = day_field(_("To"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].required = self.fields["until"].required = False

    def filter(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """The events the form asks for."""
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("who"):
            text = wanted["who"]
            people = User.objects.filter(
                Q(full_name__icontains=text) | Q(username__iexact=text) | Q(employee_number__iexact=text)
            )
            events = events.filter(actor__in=people)
        if wanted.get("action"):
            events = events.filter(action__startswith=wanted["action"])
        if wanted.get("kind"):
            # "campaigns.campaign" and "campaign" both mean it.
            events = events.filter(
                Q(object_type=wanted["kind"].lower()) | Q(object_type__endswith=f".{wanted['kind'].lower()}")
            )
        if wanted.get("number"):
            events = events.filter(object_id=wanted["number"])
        if wanted.get("since"):
            events = events.filter(at__gte=_midnight(wanted["since"]))
        if wanted.get("until"):
            events = events.filter(at__lt=_midnight(wanted["until"] + dt.timedelta(days=1)))
        return events


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def audit_list(request: SignedIn) -> HttpResponse:
    """Newest first; the filters stand in the URL."""
    search = AuditSearch(request.GET)
    events = search.filter(AuditEvent.objects.select_related("actor"))
    page = paging.page_of(request, events, ("-pk",))
    context = {
        "page": page,
        "pager": page.pager(request),
        "search": search,
        "filtered": any(request.GET.get(name) for name in search.fields),
    }
    return render(request, "bankcrm/audit.html", context)
