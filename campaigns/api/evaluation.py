"""The evaluation report: every figure with its interval or with the reason why there is none."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bankcrm.amounts import Amount
from bankcrm.definitions import DEFINITIONS
from campaigns import evaluation
from campaigns.api.campaigns import CampaignView
from campaigns.effect import Effect, Estimate, Interval
from campaigns.effect_tables import ShrunkCell
from campaigns.evaluation import Evaluation
from campaigns.models import Arm
from campaigns.refusal import Refusal
from campaigns.verdict import ArmReadout, Verdict
from campaigns.verdict_text import verdict_sentence

DEFINED = (
    "as_of",
    "attribution_window",
    "control_group",
    "conversion",
    "intention_to_treat",
    "interval",
    "holm",
)


class EstimateSerializer(serializers.Serializer):
    """A value and its interval at ``level``, in the unit of the figure."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    level = serializers.FloatField()


class RefusalSerializer(serializers.Serializer):
    """Why there is no figure, what would be needed, and by when."""

    code = serializers.CharField()
    sentence = serializers.CharField()
    needed = serializers.CharField()
    by_when = serializers.DateField(allow_null=True)


class CountsSerializer(serializers.Serializer):
    """An arm as assigned, contacted or not."""

    arm = serializers.CharField()
    name = serializers.CharField()
    is_control = serializers.BooleanField()
    assigned = serializers.IntegerField()
    contacted = serializers.IntegerField()
    reached = serializers.IntegerField()
    conversions = serializers.IntegerField()
    successes = serializers.IntegerField(help_text=_("responses of the kind that decides: see success"))
    rate = serializers.FloatField(allow_null=True, help_text=_("successes per customer assigned"))
    cost = Amount()


class EffectSerializer(serializers.Serializer):
    """A treated arm against control. Either the figures or ``refusal``."""

    arm = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    effect = EstimateSerializer(
        allow_null=True, help_text=_("difference of rates, Holm-corrected interval: 0.021 is 2.1 points")
    )
    p_value = serializers.FloatField(allow_null=True)
    extra_sales = EstimateSerializer(allow_null=True)
    smallest_provable_effect = serializers.FloatField(allow_null=True)
    extra_revenue = EstimateSerializer(allow_null=True)
    extra_revenue_capped = EstimateSerializer(allow_null=True)
    roi = EstimateSerializer(allow_null=True)
    refusal = RefusalSerializer(allow_null=True)
    revenue_refusal = RefusalSerializer(allow_null=True)
    roi_refusal = RefusalSerializer(allow_null=True)


class GroupSerializer(serializers.Serializer):
    """The effect in one branch or decile, shrunk towards the mean; groups below 30 per arm are left out."""

    label = serializers.CharField()
    treated = serializers.IntegerField()
    control = serializers.IntegerField()
    raw = serializers.FloatField()
    effect = EstimateSerializer()
    rank = serializers.IntegerField(allow_null=True)


class RatioSerializer(serializers.Serializer):
    p_value = serializers.FloatField(allow_null=True)
    blocked = serializers.BooleanField()


class DefinitionSerializer(serializers.Serializer):
    term = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField()


class EvaluationSerializer(serializers.Serializer):
    campaign = serializers.CharField()
    as_of = serializers.DateField()
    window_end = serializers.DateField(allow_null=True)
    data_through = serializers.DateField(allow_null=True)
    is_frozen = serializers.BooleanField()
    report_version = serializers.IntegerField(allow_null=True)
    inputs_hash = serializers.CharField(allow_null=True)
    success = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    sentence = serializers.CharField()
    refusals = RefusalSerializer(many=True)
    sample_ratio = RatioSerializer(allow_null=True)
    arms = CountsSerializer(many=True)
    effects = EffectSerializer(many=True)
    overall = EstimateSerializer(allow_null=True)
    branches = GroupSerializer(many=True)
    deciles = GroupSerializer(many=True)
    definitions = DefinitionSerializer(many=True)


class CampaignEvaluation(CampaignView):
    """The frozen report, or the evaluation as the data stand now."""

    @extend_schema(
        operation_id="campaigns_evaluation",
        responses={200: EvaluationSerializer, 422: OpenApiResponse(description="Nobody was assigned yet.")},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Figures with their intervals and refusals, as-of date and definitions. 422 before anybody was assigned."""
        return Response(EvaluationSerializer(described(evaluation.latest(self.campaign(pk)))).data)


def described(found: Evaluation) -> dict[str, Any]:
    """The evaluation as plain values; the statistics are those of ``campaigns.verdict``."""
    report, readout = found.report, found.readout
    ratio = readout.ratio
    return {
        "campaign": found.campaign.code,
        "as_of": found.as_of,
        "window_end": found.sums["window_end"],
        "data_through": found.sums["data_through"],
        "is_frozen": found.is_frozen,
        "report_version": report.version if report else None,
        "inputs_hash": report.inputs_hash if report else None,
        "success": found.sums["success"],
        "verdict": readout.verdict,
        "sentence": verdict_sentence(readout, found.sums["success"]),
        "refusals": readout.refusals,
        "sample_ratio": {"p_value": _finite(ratio.p_value), "blocked": ratio.blocked} if ratio else None,
        "arms": _arms(found),
        "effects": [_effect(arm) for arm in readout.arms],
        "overall": _difference(readout.overall),
        "branches": [_group(cell) for cell in found.branches],
        "deciles": [_group(cell) for cell in found.deciles],
        "definitions": [
            {"term": term, "name": str(DEFINITIONS[term][0]), "text": str(DEFINITIONS[term][1])}
            for term in DEFINED
        ],
    }


def _arms(found: Evaluation) -> list[dict[str, Any]]:
    names = dict(Arm.objects.filter(campaign=found.campaign).values_list("code", "name"))
    return [
        arm
        | {
            "arm": arm["cell_code"],
            "name": names.get(arm["cell_code"], ""),
            "rate": arm["successes"] / arm["assigned"] if arm["assigned"] else None,
        }
        for arm in found.arms
    ]


def _effect(readout: ArmReadout) -> dict[str, Any]:
    figures = readout.figures
    revenue = figures.revenue if figures else None
    roi = figures.roi if figures else None
    return {
        "arm": readout.arm.code,
        "verdict": readout.verdict,
        "effect": _estimate(figures.effect.value, figures.interval) if figures else None,
        "p_value": _finite(figures.p_value) if figures else None,
        "extra_sales": _estimate(figures.extra.value, figures.extra.interval) if figures else None,
        "smallest_provable_effect": figures.mde if figures else None,
        "extra_revenue": _money(revenue.uncapped if revenue else None),
        "extra_revenue_capped": _money(revenue.capped if revenue else None),
        "roi": _estimate(roi.value, roi.interval) if isinstance(roi, Estimate) else None,
        "refusal": readout.refusal,
        "revenue_refusal": revenue.refusal if revenue else None,
        "roi_refusal": roi if isinstance(roi, Refusal) else None,
    }


def _money(effect: Effect | None) -> dict[str, Any] | None:
    total = effect.total() if effect else None
    return _estimate(total.value, total.interval) if total else None


def _difference(effect: Effect | None) -> dict[str, Any] | None:
    return _estimate(effect.value, effect.interval) if effect else None


def _group(cell: ShrunkCell) -> dict[str, Any]:
    return {
        "label": cell.cell.label,
        "treated": cell.cell.treated_n,
        "control": cell.cell.control_n,
        "raw": cell.raw.value,
        "effect": _estimate(cell.shrunk, cell.interval),
        "rank": cell.rank,
    }


def _estimate(value: float, interval: Interval) -> dict[str, Any]:
    return {
        "value": value,
        "low": _finite(interval.low),
        "high": _finite(interval.high),
        "level": interval.level,
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity: an end that does not exist is null."""
    return value if math.isfinite(value) else None
