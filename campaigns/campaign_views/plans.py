"""Marketing plans: a period with budget and targets, and how its campaigns stand against them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import clock, figures, paging, parsing, table_file
from bankcrm.policy import SignedIn
from campaigns import plan_file, plan_page, planning
from campaigns.campaign_forms import add_errors
from campaigns.campaign_views import frame
from campaigns.conflicts import Conflict
from campaigns.models import Campaign, MarketingPlan
from campaigns.plan_forms import PlanForm, TargetFileForm, target_forms, targets_of
from campaigns.versioned_forms import both_sides
from campaigns.wording import STATE_TONES


def _may_write(request: SignedIn) -> bool:
    return request.user.may_act_as(planning.PLANNERS)


def plan_list(request: SignedIn) -> HttpResponse:
    """Every plan, the newest period first."""
    found = MarketingPlan.objects.visible_to(request.user)
    shown = paging.page_of(request, found.select_related("owner"), ("-starts_on", "-pk"))
    return render(
        request,
        "campaigns/plans/list.html",
        {
            "rows": shown.rows,
            "pager": shown.pager(request, paging.capped_count(found)),
            "today": clock.today(),
            "may_write": _may_write(request),
        },
    )


def plan_create(request: SignedIn) -> HttpResponse:
    """A new plan; its targets follow on its page."""
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = planning.create(request.user, **form.values())
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("“%(name)s” is planned. Set its targets next.") % {"name": made.name})
            return redirect("plan-detail", made.pk)
    context = {"form": form, "title": _("New plan")}
    return render(request, "campaigns/plans/form.html", context, status=422 if form.errors else 200)


def plan_edit(request: SignedIn, pk: int) -> HttpResponse:
    """Name, period, budget and objective of a plan."""
    plan = get_object_or_404(MarketingPlan.objects.visible_to(request.user), pk=pk)
    form = PlanForm(request.POST or None, instance=plan)
    stale: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        try:
            planning.edit(plan, request.user, form.seen, **form.values())
        except ValidationError as refusal:
            add_errors(form, refusal)
        except Conflict as conflict:
            stale = both_sides(form, conflict, lambda row: PlanForm(instance=row))
        else:
            messages.success(request, _("Saved."))
            return redirect("plan-detail", pk)
    context = {"form": form, "title": plan.name, "plan": plan, "stale": stale}
    return render(request, "campaigns/plans/form.html", context, status=frame.status(form, stale))


def plan_detail(request: SignedIn, pk: int) -> HttpResponse:
    """Planned, committed, spent and sold, by campaign and in all; targets up the branch tree, fatigue, overlap."""
    plan = get_object_or_404(MarketingPlan.objects.visible_to(request.user).select_related("owner"), pk=pk)
    found = planning.figures(plan)
    names = dict(Campaign.State.choices)
    context = {
        "plan": plan,
        "figures": found,
        "kpis": _kpis(found),
        "campaigns": [
            {
                "row": row,
                "state": names[row.state],
                "tone": STATE_TONES[row.state][0],
                "icon": STATE_TONES[row.state][1],
                **_span(plan, row.starts_on, row.ends_on),
            }
            for row in found.campaigns
        ],
        "progress": plan_page.progress(plan, request.GET.get("product", "")),
        "fatigue": plan_page.fatigue(plan),
        "overlap": plan_page.overlap(plan),
        "may_write": _may_write(request),
    }
    return render(request, "campaigns/plans/detail.html", context)


def plan_sheet(request: SignedIn, pk: int) -> HttpResponse:
    """The targets as a sheet that may be changed and brought back."""
    plan = get_object_or_404(MarketingPlan.objects.visible_to(request.user), pk=pk)
    response = HttpResponse(plan_file.sheet(plan), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="targets-{plan.pk}.csv"'
    return response


def plan_file_in(request: SignedIn, pk: int) -> HttpResponse:
    """Targets from a sheet: all of it goes in, or nothing and the page says which lines are wrong."""
    plan = get_object_or_404(MarketingPlan.objects.visible_to(request.user), pk=pk)
    form = TargetFileForm(request.POST or None, request.FILES or None, initial={"version": plan.version})
    wrong: list[str] = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            lines = plan_file.read(data["file"].read(table_file.MOST_BYTES + 1))
            n = plan_file.bring(
                plan, request.user, lines, data["version"], keep_others=bool(data["keep_others"])
            )
        except table_file.WrongFile as refusal:
            wrong = refusal.sentences
        except (ValidationError, Conflict) as refusal:
            wrong = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
        else:
            said = ngettext("The plan has %(n)s target now.", "The plan has %(n)s targets now.", n)
            messages.success(request, said % {"n": figures.number(n)})
            return redirect("plan-detail", pk)
    context = {"plan": plan, "form": form, "wrong": wrong, "most": table_file.MOST_ERRORS}
    status = 422 if wrong or form.errors else 200
    return render(request, "campaigns/plans/file.html", context, status=status)


def _span(plan: MarketingPlan, first: dt.date, last: dt.date) -> dict[str, float]:
    """Where a campaign lies in the plan's period, in per cent of it, for the calendar."""
    days = (plan.ends_on - plan.starts_on).days + 1
    left = max(0, (first - plan.starts_on).days)
    right = min(days, (last - plan.starts_on).days + 1)
    return {
        "left": round(100 * min(left, days) / days, 2),
        "width": round(100 * max(1, right - left) / days, 2),
    }


def _kpis(found: planning.PlanFigures) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Planned"),
            "value": figures.money_short(found.planned),
            "note": _("of %(budget)s budget") % {"budget": figures.money_short(found.budget)},
            "tone": "warn" if found.is_overplanned else "",
        },
        {
            "label": _("Committed"),
            "value": figures.money_short(found.committed),
            "note": _("contacts of approved campaigns"),
        },
        {"label": _("Spent"), "value": figures.money_short(found.spent), "note": _("contacts made")},
        {
            "label": _("Sales"),
            "value": figures.number(found.sales),
            "note": _(
                "of %(target)s targeted; treated customers who bought inside the window, in the books or reported"
            )
            % {"target": figures.number(found.sales_target)},
        },
    ]


def plan_targets(request: SignedIn, pk: int) -> HttpResponse:
    """The targets of a plan as lines of branch, product and month."""
    plan = get_object_or_404(MarketingPlan.objects.visible_to(request.user), pk=pk)
    formset = target_forms(plan, request.POST or None)
    refusal, stale = "", {}
    version = parsing.whole_number(request.POST.get("version", "")) or 0
    if request.method == "POST" and formset.is_valid():
        try:
            n = planning.set_targets(plan, request.user, targets_of(formset), version)
        except ValidationError as error:
            refusal = " ".join(error.messages)
        except Conflict as conflict:
            stale = {"sentence": str(conflict), "version": conflict.current.version}
        else:
            messages.success(request, _("%(n)s targets saved.") % {"n": n})
            return redirect("plan-targets" if "more" in request.POST else "plan-detail", pk)
    posted = request.method == "POST"
    context = {
        "plan": plan,
        "formset": formset,
        "refusal": refusal,
        "stale": stale,
        "version": version if posted else plan.version,
    }
    status = 409 if stale else 422 if posted else 200
    return render(request, "campaigns/plans/targets.html", context, status=status)
