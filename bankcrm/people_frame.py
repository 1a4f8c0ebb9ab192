"""What the pages about people share: their tabs, and a form whose verb may refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from bankcrm import audit
from bankcrm.change_words import Told, told
from bankcrm.models import Role
from bankcrm.policy import SignedIn

TABS = [
    (gettext_lazy("Users"), "user-list"),
    (gettext_lazy("Branches"), "branch-list"),
    (gettext_lazy("Leave"), "leave-list"),
    (gettext_lazy("Special days"), "holiday-list"),
]
# As many changes as a page tells of one row; the audit page has them all.
CHANGES = 20


def tabs(request: SignedIn, current: str) -> list[dict[str, Any]]:
    """The tabs over the people pages, for whoever may read all of them."""
    if request.user.role != Role.ADMINISTRATOR and not request.user.is_auditor:
        return []
    return [{"label": label, "url": reverse(name), "current": name == current} for label, name in TABS]


def saved(form: BaseForm, save: Callable[[], Any]) -> bool:
    """Whether ``save`` went through; a refusal by the verb becomes the form's error."""
    if not form.is_valid():
        return False
    try:
        save()
    except ValidationError as refusal:
        known = hasattr(refusal, "error_dict") and set(refusal.error_dict) <= set(form.fields)
        form.add_error(None, refusal if known or not hasattr(refusal, "error_dict") else refusal.messages)
        return False
    return True


def form_page(
    request: SignedIn, form: BaseForm, title: str, back: str, back_label: Any, **more: Any
) -> HttpResponse:
    """A page with one form; 422 when it was refused. ``template`` may name another than the plain one."""
    template = more.pop("template", "bankcrm/form.html")
    context = {"form": form, "title": title, "back_url": reverse(back), "back_label": back_label, **more}
    return render(request, template, context, status=422 if form.errors else 200)


def changes(label: str, pk: int) -> list[Told]:
    """The last changes of one row in words, newest first; ``label`` as in ``bankcrm.branch``."""
    return told(audit.about(label, pk)[:CHANGES])
