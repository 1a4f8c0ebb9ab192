"""Pages of predictive models: list, one model, and the acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from analytics import (
    card_page,
    model_charts,
    model_page,
    predictive,
    preference_page,
    targets,
    uplift_page,
    verification_page,
    watch,
)
from analytics.customer_churn import of as chances_of
from analytics.customer_preferences import of as preferences_of
from analytics.forms import FORMS, Kind
from analytics.models import ModelAlert, ModelVersion, PredictiveModel, ScoreRun
from bankcrm import clock, parsing, runs
from bankcrm.models import Run, User
from bankcrm.policy import REGISTRY, SignedIn
from customers.models import Customer


def model_list(request: SignedIn) -> HttpResponse:
    """Every model with its champion, how good it is, and how fresh its scores are."""
    today = clock.today()
    found = list(model_page.models().filter(pk__in=_seen(request)))
    attention = verification_page.attention(found)
    counted, waiting = verification_page.newest(found), model_page.waiting(found)
    rows = [
        {
            **model_page.summary(model, today, waiting.get(model.pk)),
            "attention": attention.get(model.pk),
            "counted": counted.get(model.pk),
        }
        for model in found
    ]
    # What calls for action stands first; the rest keeps its order.
    rows.sort(
        key=lambda row: ("act", "watch", "").index(row["attention"]["level"] if row["attention"] else "")
    )
    context = {
        "rows": rows,
        "may_write": request.user.may_act_as(predictive.WRITERS),
    }
    return render(request, "analytics/models.html", context)


def model_create(request: SignedIn) -> HttpResponse:
    """Define a model: what, of whom, over which horizon. ``?kind=`` chooses which form."""
    kind = request.GET.get("kind", Kind.RESPONSE)
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        model = predictive.define(request.user, **form.definition())
        messages.success(request, _("“%(name)s” is defined. Train it next.") % {"name": model.name})
        return redirect("model-detail", model.pk)
    context = {
        "form": form,
        "kind": kind,
        "kinds": [(known, known.label) for known in Kind if known in FORMS],
    }
    return render(request, "analytics/model_form.html", context, status=422 if form.errors else 200)


def model_detail(request: SignedIn, pk: int) -> HttpResponse:
    """One model: how good, compared with what, of which data, and its versions."""
    seen = _seen(request)
    model = get_object_or_404(model_page.models().filter(pk__in=seen), pk=pk)
    rows = model_page.versions(model, request.user)
    challenger = predictive.challenger_of(model, [row["version"] for row in rows])
    shown = model.champion or challenger
    against = model_page.comparison(challenger, model.champion)
    previous = predictive.previous_champion(model)
    if previous is not None and previous.trained_by_id == request.user.pk:
        previous = None  # a second person goes back to it
    context = {
        "model": model,
        "predicts": targets.sentence(model),
        "summary": model_page.summary(model, clock.today()),
        "versions": rows,
        "challenger": challenger,
        "shown": shown,
        "verdict": model_page.verdict(challenger, against) or preference_page.verdict(model, challenger),
        "against": against,
        "metrics": model_page.metric_rows(challenger if against else shown, against),
        "charts": model_charts.of_version(shown, challenger),
        "importance": model_page.importance(shown) if shown else [],
        "uplift": uplift_page.evidence(shown),
        "preference": preference_page.evidence(model, shown),
        "answers": preference_page.in_use(model),
        "watch": model_page.watch(model),
        "alerts": verification_page.alerts(model),
        "may_decide": request.user.may_act_as(watch.DECIDERS),
        "card": card_page.card_rows(model, shown),
        "tested": card_page.tested(shown),
        "previous": previous,
        "previous_scores": predictive.last_scores(previous) if previous else None,
        "runs": model_page.score_runs(model)[:12],
        "work": _work(model, request.user),
        "may_write": request.user.may_act_as(predictive.WRITERS),
        "may_promote": request.user.may_act_as(predictive.PROMOTERS),
    }
    return render(request, "analytics/model.html", context)


def _work(model: PredictiveModel, user: User) -> list[dict[str, Any]]:
    """Work under way on the model, whoever asked for it."""
    unfinished = Run.objects.unfinished().filter(
        kind__in=["analytics.train", "analytics.score", "analytics.verify"], key=predictive.work_key(model)
    )
    return [
        {"run": run, "title": runs.title(run.kind), "mine": run.requested_by_id == user.pk}
        for run in unfinished.select_related("requested_by")
    ]


def model_work(request: SignedIn, pk: int) -> HttpResponse:
    """The progress panel, asked for again while work is under way; the page reloads when it has ended."""
    model = get_object_or_404(_seen(request), pk=pk)
    work = _work(model, request.user)
    response = render(request, "analytics/_work.html", {"work": work, "model": model})
    if not work:
        response.headers["HX-Refresh"] = "true"
    return response


def model_verification(request: SignedIn, pk: int) -> HttpResponse:
    """Predicted against actual of one score run as a worker counted it: a part of two pages."""
    model = get_object_or_404(_seen(request), pk=pk)
    context = verification_page.of_run(model, _run_asked_for(request, model))
    context["may_write"] = request.user.may_act_as(predictive.WRITERS)
    return render(request, "analytics/_verification.html", context)


def model_proof(request: SignedIn, pk: int) -> HttpResponse:
    """Verification of a model: alerts and the rules behind them, the trend over months, one run by group."""
    model = get_object_or_404(model_page.models().filter(pk__in=_seen(request)), pk=pk)
    context = {
        **verification_page.of_run(model, _run_asked_for(request, model)),
        "alerts": verification_page.alerts(model),
        "past_alerts": verification_page.past_alerts(model),
        "rules": verification_page.rules(),
        "trend": verification_page.trend(model),
        "runs": model_page.score_runs(model)[:24],
        "may_write": request.user.may_act_as(predictive.WRITERS),
        "may_decide": request.user.may_act_as(watch.DECIDERS),
        "work": _work(model, request.user),
    }
    return render(request, "analytics/proof.html", context)


def _seen(request: SignedIn) -> Any:
    return PredictiveModel.objects.visible_to(request.user)


def _run_asked_for(request: SignedIn, model: PredictiveModel) -> ScoreRun | None:
    published = model_page.score_runs(model)
    asked = parsing.whole_number(request.GET.get("run", ""))
    if asked:
        return get_object_or_404(published, pk=asked)
    return verification_page.shown_run(list(published.filter(challenger=False)[:12]))


@require_POST
def model_count(request: SignedIn, pk: int) -> HttpResponse:
    """Count what published scores came to, those counted before as well."""
    return _start(request, pk, "analytics.verify", _("Counting has started."))


@require_POST
def alert_set_aside(request: SignedIn, pk: int, alert: int) -> HttpResponse:
    """Say why an alert is no reason to act."""
    model = get_object_or_404(_seen(request), pk=pk)
    found = get_object_or_404(ModelAlert.objects.visible_to(request.user), pk=alert, model=model)
    try:
        watch.set_aside(found, request.user, request.POST.get("note", ""))
    except predictive.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The alert is set aside; the same finding does not raise it again."))
    return redirect("model-proof", model.pk)


def customer_preferences(request: SignedIn, pk: int) -> HttpResponse:
    """What models in use find likeliest for one customer: a panel of Customer-360."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    context = {
        "customer": customer,
        "rows": preferences_of(customer),
        "may_ask": REGISTRY["score-why"].allows(request.user, "POST"),
        "may_open_models": REGISTRY["model-detail"].allows(request.user, "GET"),
    }
    return render(request, "analytics/_customer_preferences.html", context)


def customer_churn(request: SignedIn, pk: int) -> HttpResponse:
    """What churn models in use say of one customer, and what that does to the loyalty grade: a panel as above."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    context = {
        "customer": customer,
        "rows": chances_of(customer),
        "may_ask": REGISTRY["score-why"].allows(request.user, "POST"),
        "may_open_models": REGISTRY["model-detail"].allows(request.user, "GET"),
    }
    return render(request, "analytics/_customer_churn.html", context)


@require_POST
def model_train(request: SignedIn, pk: int) -> HttpResponse:
    """Start a training."""
    return _start(request, pk, "analytics.train", _("Training has started."))


@require_POST
def model_score(request: SignedIn, pk: int) -> HttpResponse:
    """Start scoring with the champion."""
    return _start(request, pk, "analytics.score", _("Scoring has started."))


def _start(request: SignedIn, pk: int, kind: str, said: str) -> HttpResponse:
    model = get_object_or_404(_seen(request), pk=pk)
    runs.start(kind, request.user, **predictive.work_on(model))
    messages.success(request, said)
    return redirect("model-detail", model.pk)


@require_POST
def model_promote(request: SignedIn, pk: int, number: int) -> HttpResponse:
    """Make a version champion, in the name of a second person."""
    seen = _seen(request)
    version = get_object_or_404(
        ModelVersion.objects.filter(model__in=seen).select_related("model").defer("artefact"),
        model=pk,
        number=number,
    )
    try:
        predictive.promote(version, request.user)
    except predictive.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            _("v%(number)s is the champion. Scores change with the next scoring.") % {"number": number},
        )
    return redirect("model-detail", pk)


@require_POST
def model_roll_back(request: SignedIn, pk: int) -> HttpResponse:
    """Back to the champion before, with its scores."""
    model = get_object_or_404(_seen(request), pk=pk)
    try:
        earlier = predictive.roll_back(model, request.user)
    except predictive.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Back to v%(number)s and its scores.") % {"number": earlier.number})
    return redirect(reverse("model-detail", args=[pk]))
