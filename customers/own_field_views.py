"""Pages of own fields: what there is, how one is called, and whether it is offered."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from bankcrm.people_frame import changes, form_page, saved
from bankcrm.policy import REGISTRY, SignedIn
from customers import own_field_settings, value_page
from customers.imports.own_fields import MOST_FIELDS
from customers.models import OwnField


class OwnFieldForm(forms.ModelForm):
    """What people may say of a field; its type and code stay as they came."""

    class Meta:
        model = OwnField
        fields = own_field_settings.CHANGEABLE
        widgets: ClassVar = {"meaning": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar = {
            "label": gettext_lazy("As pages and lists call it."),
            "meaning": gettext_lazy("What the data dictionary says of it."),
            "unit": gettext_lazy(
                "Such as months or points; “share” shows 0.25 as 25 %, “money” shows amounts."
            ),
            "personal": gettext_lazy(
                "Sensitive values are shown to nobody, and no condition, model or list uses them."
            ),
            "model_use": gettext_lazy(
                "Leave it out where it tells what happened after the day a model speaks of."
            ),
        }


def _may_post(request: SignedIn) -> bool:
    return REGISTRY["own-field-edit"].allows(request.user, "POST")


@require_GET
def own_field_list(request: SignedIn) -> HttpResponse:
    """Every own field with its type, where it came from and of how many customers it says something."""
    context = {
        "tabs": value_page.tabs(request.user, "own-field-list"),
        "rows": own_field_settings.listed(),
        "most": MOST_FIELDS,
        "may_import": REGISTRY["import-upload"].allows(request.user, "GET"),
    }
    return render(request, "customers/own_fields/list.html", context)


def own_field_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Label, meaning, unit, class and use of one field, with its changes."""
    field = get_object_or_404(OwnField.objects.select_related("first_file"), pk=pk)
    name = field.label
    form = OwnFieldForm(request.POST or None, instance=field)
    if request.method == "POST" and saved(form, lambda: own_field_settings.save(form.instance, request.user)):
        messages.success(request, _("%(name)s was saved.") % {"name": field.label})
        return redirect("own-field-list")
    return form_page(
        request,
        form,
        name,
        "own-field-list",
        _("Own fields"),
        template="customers/own_fields/edit.html",
        field=field,
        may_post=_may_post(request),
        changes=changes("customers.ownfield", pk),
    )


@require_POST
def own_field_retire(request: SignedIn, pk: int) -> HttpResponse:
    """Offer the field no more, or again."""
    field = get_object_or_404(OwnField, pk=pk)
    if "restore" in request.POST:
        own_field_settings.restore(field, request.user)
        messages.success(request, _("%(name)s is offered again.") % {"name": field.label})
    else:
        own_field_settings.retire(field, request.user)
        messages.success(
            request,
            _("%(name)s is retired: it is offered nowhere, its values are kept.") % {"name": field.label},
        )
    return redirect("own-field-list")
