"""The contact policy: its rules in words, what they cost today, and how they are added and retired."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bankcrm import clock
from bankcrm.policy import SignedIn
from campaigns import contact_rules
from campaigns.campaign_forms import add_errors
from campaigns.conflicts import Refused
from campaigns.contact_policy import BLOCKS
from campaigns.contact_rule_forms import ASKS, ContactRuleForm
from campaigns.models import ContactRule


def rule_list(request: SignedIn) -> HttpResponse:
    """Rules in force and retired, in words, with how many customers each reason keeps from a call today."""
    rules = list(ContactRule.objects.select_related("product", "other_product").order_by("-is_active", "id"))
    counted = contact_rules.blocked_today(clock.today())
    free = counted.pop("", 0)
    context = {
        "rows": [{"rule": rule, "sentence": contact_rules.sentence(rule)} for rule in rules],
        "kinds": ContactRule.Kind.choices,
        "blocked": [{"reason": BLOCKS[code][1], "count": n} for code, n in counted.items()],
        "free": free,
        "everybody": free + sum(counted.values()),
        "today": clock.today(),
        "history": contact_rules.history(),
        "may_write": request.user.may_act_as(contact_rules.MAKERS),
    }
    return render(request, "campaigns/contact_rules/list.html", context)


def rule_create(request: SignedIn, kind: str) -> HttpResponse:
    """Add a rule of one kind."""
    if kind not in ASKS:
        raise Http404
    form = ContactRuleForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            made = contact_rules.add(request.user, **form.rule())
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(
                request, _("In force from now: %(rule)s.") % {"rule": contact_rules.sentence(made)}
            )
            return redirect("contact-rule-list")
    context = {"form": form, "title": ContactRule.Kind(kind).label}
    return render(request, "campaigns/contact_rules/form.html", context, status=422 if form.errors else 200)


@require_POST
def rule_set(request: SignedIn, pk: int) -> HttpResponse:
    """Retire a rule, or let it bind again (``active``)."""
    rule = get_object_or_404(ContactRule.objects.select_related("product", "other_product"), pk=pk)
    active = request.POST.get("active") == "1"
    try:
        contact_rules.set_active(rule, request.user, active=active)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        said = _("In force again: %(rule)s.") if active else _("No longer in force: %(rule)s.")
        messages.success(request, said % {"rule": contact_rules.sentence(rule)})
    return redirect("contact-rule-list")
