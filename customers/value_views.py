"""Pages of what value rests on: tiers and who changed them, products, asset classes, costs to serve."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bankcrm import audit, clock, figures, paging, parsing
from bankcrm.models import Role
from bankcrm.people_frame import changes, form_page, saved
from bankcrm.policy import REGISTRY, SignedIn
from bankcrm.spreadsheets import csv_bytes
from customers import dated, profile, tier_changes, tier_rules, value_forms, value_page, value_settings
from customers.models import AssetClassWeight, CostRate, Product, ProductMargin, TierRule

# Word in the address → model, action, page.
DATED: dict[str, tuple[Any, str, str]] = {
    "tiers": (TierRule, tier_rules.ACTION, "tier-list"),
    "asset-classes": (AssetClassWeight, value_settings.CLASSES_ACTION, "asset-class-list"),
    "costs": (CostRate, value_settings.COSTS_ACTION, "cost-list"),
    "margins": (ProductMargin, value_settings.MARGINS_ACTION, "margin-list"),
}


def _sets(request: SignedIn) -> bool:
    return request.user.may_change and request.user.role == Role.ADMINISTRATOR


@require_GET
def tier_list(request: SignedIn) -> HttpResponse:
    """Tiers in force, changes ahead and before."""
    today, month = clock.today(), profile.latest_month()
    context = {
        "tabs": value_page.tabs(request.user, "tier-list"),
        "rows": value_page.tiers(today, month),
        "history": value_page.tier_history(today),
        "month": month,
        "may_set": _sets(request),
        "sees_customers": REGISTRY["customer-list"].allows(request.user, "GET"),
    }
    return render(request, "customers/value/tiers.html", context)


def tier_change(request: SignedIn) -> HttpResponse:
    """Plan other thresholds, see who would move, then save them."""
    before = tier_rules.in_force(dated.LAST_DAY)
    data = request.POST or None
    rows, day = value_forms.tier_set(before, data), value_forms.DayForm(data)
    month = profile.latest_month()
    context: dict[str, Any] = {"rows": rows, "day": day, "month": month, "before": before}
    if data is not None and rows.is_valid() and day.is_valid():
        planned, valid_from = rows.tiers(), day.cleaned_data["valid_from"]
        seen = tier_rules.digest(planned, valid_from)
        if "save" in data and data.get("seen") == seen:
            if saved(
                day, lambda: tier_rules.begin(request.user, planned, valid_from, day.cleaned_data["reason"])
            ):
                said = _("The thresholds hold from %(day)s.") % {"day": figures.day(valid_from)}
                messages.success(request, said)
                return redirect("tier-list")
        elif saved(day, lambda: dated.check_day(TierRule, valid_from)):
            context["seen"] = seen
            context["changed"] = tier_rules.differences(before, planned)
            if month:
                found = tier_rules.preview(before, planned, month)
                context["preview"] = value_page.preview(found, before, planned)
    refused = data is not None and "seen" not in context
    return render(request, "customers/value/tier_change.html", context, status=422 if refused else 200)


@require_GET
def tier_change_list(request: SignedIn) -> HttpResponse:
    """Who moved up or down in a month, by branch and one by one."""
    form = value_forms.ChangeFilters(request.user, tier_changes.months(), request.GET)
    chosen = form.chosen
    found = tier_changes.seen(request.user, chosen, form.branch_ids)
    page = paging.page_of(
        request, found.select_related("customer__home_branch", "customer__primary_rm"), ("-amount", "-pk")
    )
    branches = tier_changes.by_branch(found)
    names = value_page.names(chosen["month"] or clock.today())
    context = {
        "tabs": value_page.tabs(request.user, "tier-change-list"),
        "form": form,
        "chosen": chosen,
        "filtered": bool(set(chosen) - {"month"}),
        "page": page,
        "pager": page.pager(request, paging.capped_count(found)),
        "rows": [
            {
                "change": change,
                "from": names.get(change.from_tier, change.from_tier),
                "to": names.get(change.to_tier, change.to_tier) or _("no tier"),
                "why": tier_changes.why(change),
            }
            for change in page.rows
        ],
        "branches": branches,
        "kpis": [
            {"label": _("Up"), "value": figures.number(sum(row["up"] for row in branches))},
            {"label": _("Down"), "value": figures.number(sum(row["down"] for row in branches))},
        ],
    }
    return render(request, "customers/value/tier_changes.html", context)


@require_GET
def tier_change_file(request: SignedIn) -> HttpResponse:
    """The changes of the page as a CSV; who took it stands in the audit trail."""
    form = value_forms.ChangeFilters(request.user, tier_changes.months(), request.GET)
    chosen = form.chosen
    if chosen["month"] is None:
        raise Http404
    found = tier_changes.seen(request.user, chosen, form.branch_ids)
    rows = list(tier_changes.table(found, value_page.names(chosen["month"])))
    told = {name: str(value) for name, value in chosen.items()}
    audit.record(request.user, "tier-changes.exported", request.user, rows=len(rows) - 1, **told)
    answer = HttpResponse(csv_bytes(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="tier-changes-{chosen["month"]:%Y-%m}.csv"'
    return answer


@require_GET
def product_list(request: SignedIn) -> HttpResponse:
    """What the bank sells, line by line."""
    context = {
        "tabs": value_page.tabs(request.user, "product-list"),
        "rows": value_settings.margins_at(clock.today()),
        "may_set": _sets(request),
    }
    return render(request, "customers/value/products.html", context)


def product_create(request: SignedIn) -> HttpResponse:
    """A new product."""
    return _product(request, Product(), _("New product"))


def product_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Name, line and asset class of one product, with its changes."""
    product = get_object_or_404(Product, pk=pk)
    return _product(request, product, product.name, changes=changes("customers.product", pk))


def _product(request: SignedIn, product: Product, title: str, **more: Any) -> HttpResponse:
    form = value_forms.ProductForm(request.POST or None, instance=product)
    if request.method == "POST" and saved(
        form,
        lambda: value_settings.save_product(form.instance, request.user, form.cleaned_data["version"]),
    ):
        messages.success(request, _("%(name)s was saved; the next profile uses it.") % {"name": product.name})
        return redirect("product-list")
    template = "customers/value/product.html"
    return form_page(request, form, title, "product-list", _("Products"), template=template, **more)


def margin_list(request: SignedIn) -> HttpResponse:
    """What every product earns, from which day on."""
    today = clock.today()
    states = value_settings.margins_at(dated.LAST_DAY if _sets(request) else today)
    form = value_forms.MarginsForm(request.POST or None, states=states)
    if request.method == "POST" and saved(
        form,
        lambda: value_settings.begin_margins(
            request.user, form.planned(), form.cleaned_data["valid_from"], form.cleaned_data["reason"]
        ),
    ):
        messages.success(request, _held_from(form))
        return redirect("margin-list")
    context = {
        "tabs": value_page.tabs(request.user, "margin-list"),
        "form": form,
        "rows": value_page.margin_rows(_bound(form), states),
        "history": value_page.margin_history(today),
        "may_set": _sets(request),
    }
    return render(request, "customers/value/margins.html", context, status=422 if form.errors else 200)


def asset_class_list(request: SignedIn) -> HttpResponse:
    """Which classes count towards AUM, and how much of each."""
    today, month = clock.today(), profile.latest_month()
    states = value_settings.classes_at(dated.LAST_DAY if _sets(request) else today)
    form = value_forms.ClassesForm(request.POST or None, states=states)
    if request.method == "POST" and saved(
        form,
        lambda: value_settings.begin_classes(
            request.user, form.planned(), form.cleaned_data["valid_from"], form.cleaned_data["reason"]
        ),
    ):
        messages.success(request, _held_from(form))
        return redirect("asset-class-list")
    context = {
        "tabs": value_page.tabs(request.user, "asset-class-list"),
        "form": form,
        "rows": value_page.class_rows(_bound(form), states, month),
        "history": value_page.class_history(today),
        "month": month,
        "may_set": _sets(request),
    }
    return render(request, "customers/value/classes.html", context, status=422 if form.errors else 200)


def cost_list(request: SignedIn) -> HttpResponse:
    """What a contact and a transaction cost through each channel."""
    today = clock.today()
    rates = value_settings.costs_at(dated.LAST_DAY if _sets(request) else today)
    form = value_forms.CostsForm(request.POST or None, rates=rates)
    if request.method == "POST" and saved(
        form,
        lambda: value_settings.begin_costs(
            request.user, form.planned(), form.cleaned_data["valid_from"], form.cleaned_data["reason"]
        ),
    ):
        messages.success(request, _held_from(form))
        return redirect("cost-list")
    context = {
        "tabs": value_page.tabs(request.user, "cost-list"),
        "form": form,
        "groups": value_page.cost_groups(_bound(form), rates),
        "history": value_page.cost_history(today),
        "may_set": _sets(request),
    }
    return render(request, "customers/value/costs.html", context, status=422 if form.errors else 200)


def _bound(form: value_forms.DayForm) -> dict[str, Any]:
    """The form's fields by name, for a presenter, which knows no forms."""
    return {name: form[name] for name in form.fields}


def _held_from(form: value_forms.DayForm) -> str:
    return _("Saved: it holds from %(day)s.") % {"day": figures.day(form.cleaned_data["valid_from"])}


@require_POST
def undo(request: SignedIn, what: str, day: str) -> HttpResponse:
    """Take back a change that no profile was built with."""
    valid_from = parsing.day(day)
    if what not in DATED or valid_from is None:
        raise Http404
    model, action, page = DATED[what]
    try:
        dated.undo(request.user, model, valid_from, action)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(
            request, _("The change of %(day)s was taken back.") % {"day": figures.day(valid_from)}
        )
    return redirect(page)
