"""What the pages of prospects show: the lists, one list with its fields, scores and ranking. Reads, never writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Avg, Count, Max, Min
from django.utils.translation import gettext as _

from analytics import prospect_verification, prospects
from analytics.models import PredictiveModel, ProspectRun, ProspectScore
from analytics.verification_page import ALARM_WORDS
from bankcrm.charts import plots
from bankcrm.charts.chart import Chart
from bankcrm.figures import masked_phone, number, pct
from customers.models import ImportFile, Prospect

TOP = 20


def lists() -> list[dict[str, Any]]:
    """Every list: prospects on it, its models, and the newest scoring."""
    models: dict[str, list[PredictiveModel]] = {}
    for model in PredictiveModel.objects.exclude(prospect_list="").order_by("name"):
        models.setdefault(model.prospect_list, []).append(model)
    scored = dict(ProspectRun.objects.values_list("list_code").annotate(last=Max("created_at")).order_by())
    sizes = Prospect.objects.values_list("list_code").annotate(n=Count("pk")).order_by("list_code")
    return [
        {"code": code, "size": n, "models": models.get(code, []), "scored": scored.get(code)}
        for code, n in sizes
    ]


def files(code: str) -> list[ImportFile]:
    """The files that brought the list, the newest first."""
    brought = Prospect.objects.filter(list_code=code, brought_by__isnull=False)
    return list(
        ImportFile.objects.filter(pk__in=brought.values("brought_by").distinct()).order_by(
            "-merged_at", "-pk"
        )
    )


def figures(found: prospects.Standing) -> list[tuple[str, str, str]]:
    """The rules a prospect must pass to be handed over, as (label, number, why)."""
    return [
        (_("On the list"), number(found.size), ""),
        (
            _("Customers already, by identity number"),
            number(found.by_identity),
            _("now or once; left out"),
        ),
        (_("Customers already, by phone"), number(found.by_phone), _("now or once; left out")),
        (_("Agreed to be contacted"), number(found.agreed), _("without a yes nobody is handed over")),
        (_("Must not be contacted"), number(found.objects), _("left out of the ranking handed over")),
        (
            _("May be approached"),
            number(found.approachable),
            _("agreed, does not object, no customer"),
        ),
    ]


def fields(found: prospects.Standing) -> list[dict[str, Any]]:
    return [
        {"label": each.field.label, "share": each.share, "is_used": each.is_there} for each in found.fields
    ]


def deciles(run: ProspectRun) -> Chart | str:
    """The distribution of a run's scores by tenth."""
    rows = list(
        ProspectScore.objects.filter(prospect_run=run)
        .values("decile")
        .annotate(
            n=Count("prospect_id"),
            mean=Avg("probability"),
            low=Min("probability"),
            high=Max("probability"),
        )
        .order_by("decile")
    )
    return plots.columns(
        [
            {
                "label": str(row["decile"]),
                "value": row["mean"],
                "more": [number(row["n"]), pct(row["low"], 2), pct(row["high"], 2)],
            }
            for row in rows
        ],
        format="pct",
        axis_label=_("decile, 1 = highest score"),
        label=_("Mean chance by decile"),
        more=[_("Prospects"), _("Lowest"), _("Highest")],
    )


def outcome(run: ProspectRun) -> dict[str, Any]:
    """Predicted against actual of a run, and of the model's earlier runs on the list."""
    counted = prospect_verification.trend(run)
    found = next((each for each in counted if each.run == run), None) or prospect_verification.outcome(run)
    return {
        "found": found,
        "word": ALARM_WORDS.get(found.alarm, ""),
        "trend": [{"of": each, "word": ALARM_WORDS.get(each.alarm, "")} for each in counted],
    }


def top(run: ProspectRun) -> list[dict[str, Any]]:
    """The best of the ranking handed over, masked."""
    return [
        {
            "rank": rank,
            "number": score.prospect.number,
            "phone": masked_phone(score.prospect.phone),
            "decile": score.decile,
            "probability": score.probability,
        }
        for rank, score in enumerate(prospects.ranking(run)[:TOP], start=1)
    ]


def table(run: ProspectRun) -> Iterator[list[Any]]:
    """The whole ranking for a file: who may be approached, by the list's own number; personal data masked."""
    yield [_("Rank"), _("Number on the list"), _("Phone"), _("Decile"), _("Chance")]
    for rank, score in enumerate(prospects.ranking(run).iterator(chunk_size=5000), start=1):
        yield [
            rank,
            score.prospect.number,
            masked_phone(score.prospect.phone),
            score.decile,
            round(score.probability, 5),
        ]
