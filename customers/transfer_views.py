"""Pages of portfolio transfers: choose, look, do; what was done; undo; the history of one customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from bankcrm import clock, figures, paging
from bankcrm.models import Branch, Role
from bankcrm.policy import SignedIn
from bankcrm.runs import Conflict, Refused
from customers import transfer, transfer_page
from customers import transfer_plan as planning
from customers.models import Customer, PortfolioMove, PortfolioTransfer
from customers.transfer_forms import BackupForm, OrderForm, TransferForm, WhereForm

State = PortfolioTransfer.State


@require_GET
def transfer_list(request: SignedIn) -> HttpResponse:
    """Transfers planned and done, newest first."""
    found = PortfolioTransfer.objects.visible_to(request.user).select_related("requested_by")
    state = request.GET.get("state", "")
    if state in State.values:
        found = found.filter(state=state)
    page = paging.page_of(request, found, ("-pk",))
    context = {
        "rows": transfer_page.rows(page.rows),
        "pager": page.pager(request, paging.capped_count(found)),
        "states": [("", _("All")), *State.choices],
        "state": state,
    }
    return render(request, "customers/transfers/list.html", context)


def transfer_create(request: SignedIn) -> HttpResponse:
    """Choose whose customers go to whom; what is sent is shown as a preview and changes nothing."""
    where = WhereForm(request.POST if request.method == "POST" else request.GET, request.user)
    branch = where.branch(request.user)
    if request.method != "POST":
        sources = request.GET.getlist("source")
        initial = {"sources": sources, "open_leads": PortfolioTransfer.OpenLeads.MOVE}
        form = TransferForm(None, request.user, branch)
        form.initial = initial
        return _page(request, where, branch, form)
    form = TransferForm(request.POST, request.user, branch)
    return _previewed(request, where, branch, form)


def _previewed(
    request: SignedIn, where: WhereForm, branch: Branch, form: TransferForm, said: str = ""
) -> HttpResponse:
    preview = None
    if form.is_valid():
        try:
            preview = planning.preview(request.user, form.choice())
        except (Refused, PermissionDenied) as refusal:
            form.add_error(None, str(refusal))
    return _page(request, where, branch, form, preview, said=said)


def _page(
    request: SignedIn,
    where: WhereForm,
    branch: Branch,
    form: TransferForm,
    preview: planning.Preview | None = None,
    said: str = "",
    order: OrderForm | None = None,
) -> HttpResponse:
    people, more = transfer_page.listed(request.user, branch, form)
    if preview and order is None:
        order = OrderForm(token=preview.token)
    context: dict[str, Any] = {
        "where": where,
        "branch": branch,
        "form": form,
        "people": people,
        "more": more,
        "held_labels": transfer_page.held_labels(),
        "preview": preview,
        "along": transfer_page.along(preview.along) if preview else [],
        "order": order,
        "said": said,
        "today": clock.today(),
    }
    refused = bool(form.errors or said or (order and order.errors))
    return render(request, "customers/transfers/new.html", context, status=422 if refused else 200)


@require_POST
def transfer_order(request: SignedIn) -> HttpResponse:
    """Do what the preview showed. What cannot be done comes back with its reason and a new preview."""
    order = OrderForm(request.POST)
    said = ""
    if order.is_valid():
        asked = order.cleaned_data
        try:
            done = transfer.order(request.user, asked["token"], asked["reason"], asked["on"])
        except (Refused, Conflict) as refusal:
            said = str(refusal)
        else:
            messages.success(request, _told(done))
            return redirect("transfer-detail", done.pk)
    choice = planning.choice_in(request.POST.get("token", ""))
    if choice is None:
        messages.error(request, said or _("This preview is too old. Look at a new one."))
        return redirect("transfer-create")
    where = WhereForm(request.POST, request.user)
    branch = where.branch(request.user)
    form = TransferForm(TransferForm.data_of(choice), request.user, branch)
    if said:
        return _previewed(request, where, branch, form, said)
    preview = planning.preview(request.user, choice)
    order.data = {**request.POST.dict(), "token": preview.token}
    form.is_valid()
    return _page(request, where, branch, form, preview, order=order)


def _told(done: PortfolioTransfer) -> str:
    if done.state == State.PLANNED:
        return _("The transfer is planned for %(day)s.") % {"day": figures.day(done.effective_on)}
    moved = done.result.get("customers", 0)
    return ngettext("%(n)s customer moved.", "%(n)s customers moved.", moved) % {"n": f"{moved:,}"}


@require_GET
def transfer_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One transfer: who gave and took how many, why; and the customers, for whoever may see them."""
    found = get_object_or_404(
        PortfolioTransfer.objects.visible_to(request.user).select_related("requested_by", "ended_by"), pk=pk
    )
    moves = PortfolioMove.objects.filter(
        transfer=found, customer__in=Customer.objects.visible_to(request.user)
    ).select_related("customer", "from_rm", "to_rm")
    page = paging.page_of(request, moves, ("pk",), 20)
    context = {**transfer_page.detail(found), "page": page, "pager": page.pager(request)}
    return render(request, "customers/transfers/detail.html", context)


@require_POST
def transfer_undo(request: SignedIn, pk: int) -> HttpResponse:
    """Give customers back where nothing else changed since."""
    return _act(request, pk, transfer.undo, _("Undone: the customers are back."))


@require_POST
def transfer_cancel(request: SignedIn, pk: int) -> HttpResponse:
    """Take a planned transfer back before its day."""
    return _act(request, pk, transfer.cancel, _("The planned transfer is cancelled."))


def _act(request: SignedIn, pk: int, act: Callable[..., PortfolioTransfer], said: str) -> HttpResponse:
    try:
        act(request.user, pk)
    except PortfolioTransfer.DoesNotExist as error:
        raise Http404 from error
    except (Refused, Conflict) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("transfer-detail", pk)


def customer_portfolio(request: SignedIn, pk: int) -> HttpResponse:
    """Whose customer this is and was, since when and why, and who stands in; branch managers name the backup."""
    seen = Customer.objects.visible_to(request.user).select_related("primary_rm", "backup_rm")
    customer = get_object_or_404(seen, pk=pk)
    names = request.user.may_act_as({Role.BRANCH_MANAGER})
    form = BackupForm(request.POST or None, request.user, customer) if names else None
    if request.method == "POST" and form and form.is_valid():
        try:
            transfer.name_backup(request.user, customer, form.cleaned_data["backup"])
        except Refused as refusal:
            form.add_error("backup", str(refusal))
        else:
            messages.success(request, _("The backup was saved."))
            return redirect("customer-portfolio", pk)
    context = {
        "customer": customer,
        "moves": transfer_page.moves_of(customer),
        "form": form,
        **transfer_page.standing_in(customer),
    }
    template = "customers/transfers/_history.html" if request.htmx else "customers/transfers/history.html"
    return render(request, template, context, status=422 if form and form.errors else 200)
