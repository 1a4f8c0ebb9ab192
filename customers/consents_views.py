"""Consent pages: the panel of Customer-360, recording a word or a quiet period, its undo, and the register."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bankcrm import clock, paging
from bankcrm.policy import SignedIn
from bankcrm.runs import Conflict, Refused
from customers import consents, consents_page, kyc
from customers.consents_forms import quiet_form, word_form
from customers.models import ConsentEvent, Customer, QuietPeriod


@require_http_methods(["GET", "POST"])
def panel(request: SignedIn, pk: int) -> HttpResponse:
    """What the customer said (GET, loaded by the page it stands on); POST writes down a word."""
    customer = _customer(request, pk)
    if request.method == "GET":
        return _panel(request, customer)
    form = word_form(clock.today(), request.POST)
    if not form.is_valid():
        return _form(request, customer, "word", form)
    word = form.word
    try:
        done = consents.record(customer.pk, request.user, word)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _form(request, customer, "word", form)
    if done.event is None:
        return _answer(request, customer, _("That is known already; nothing was changed."))
    sentence = _("Objection recorded; it holds at once.") if word.objects else _("Consent recorded.")
    if done.stopped:
        sentence += " " + ngettext("%(n)s open lead ended.", "%(n)s open leads ended.", done.stopped) % {
            "n": done.stopped
        }
    return _answer(request, customer, sentence)


@require_POST
def undo(request: SignedIn, event: int) -> HttpResponse:
    """Take one's own last word back."""
    try:
        customer = consents.undo(event, request.user)
    except (ConsentEvent.DoesNotExist, Customer.DoesNotExist) as error:
        raise Http404 from error
    except (Refused, Conflict) as refusal:
        messages.error(request, str(refusal))
        seen = ConsentEvent.objects.get(pk=event).customer_id
        return redirect("customer-detail", seen)
    messages.success(request, _("The entry is taken back; what was said before holds again."))
    return redirect("customer-detail", customer)


@require_POST
def rest(request: SignedIn, pk: int) -> HttpResponse:
    """Begin a quiet period."""
    customer = _customer(request, pk)
    form = quiet_form(clock.today(), request.POST)
    if not form.is_valid():
        return _form(request, customer, "quiet", form)
    try:
        consents.rest(customer.pk, request.user, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _form(request, customer, "quiet", form)
    return _answer(request, customer, _("Quiet period recorded; open leads wait until it ends."))


@require_POST
def lift(request: SignedIn, period: int) -> HttpResponse:
    """End a quiet period before its time."""
    try:
        lifted = consents.lift(period, request.user)
    except (QuietPeriod.DoesNotExist, Customer.DoesNotExist) as error:
        raise Http404 from error
    messages.success(request, _("The quiet period is over; what waited goes on."))
    return redirect("customer-detail", lifted.customer_id)


@require_GET
def register(request: SignedIn) -> HttpResponse:
    """Everybody in sight who may not be contacted, by kind."""
    what = request.GET.get("what", consents_page.WHAT[0])
    if what not in consents_page.WHAT:
        raise Http404
    found = consents_page.register(request.user, what, clock.today())
    page = paging.page_of(request, found, ["-pk"])
    labels = {
        "do_not_contact": _("Do not contact"),
        "objections": _("Objections"),
        "quiet": _("Quiet periods"),
    }
    context = {
        "what": what,
        "tabs": [
            {"label": labels[name], "url": f"?what={name}", "current": name == what}
            for name in consents_page.WHAT
        ],
        "page": page,
        "pager": page.pager(request, paging.capped_count(found)),
    }
    return render(request, "customers/consents/register.html", context)


def _customer(request: SignedIn, pk: int) -> Customer:
    customer = kyc.customer_for(request.user, pk)
    if customer is None:
        raise Http404
    return customer


def _panel(request: SignedIn, customer: Customer) -> HttpResponse:
    today = clock.today()
    context = consents_page.panel(request.user, customer, today)
    context |= {"word_form": word_form(today), "quiet_form": quiet_form(today)}
    return render(request, "customers/consents/_panel.html", context)


def _form(request: SignedIn, customer: Customer, name: str, form: Any) -> HttpResponse:
    context = {"customer": customer, "form": form}
    return render(request, f"customers/consents/_{name}_form.html", context, status=422)


def _answer(request: SignedIn, customer: Customer, sentence: str) -> HttpResponse:
    """The customer's page as it is now: what was said changes more of it than the panel."""
    messages.success(request, sentence)
    return redirect("customer-detail", customer.pk)
