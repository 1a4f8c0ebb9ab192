"""What value rests on, by API: thresholds, weights, margins and costs, each from a day on; products.

The same verbs and rights as the pages. What is sent holds from ``valid_from``; what is not sent stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock, parsing
from bankcrm.idempotency import once
from bankcrm.parsing import YEARS, Query, Strict
from bankcrm.runs import Refused
from customers import dated, profile, tier_rules, tiering, value_page, value_settings
from customers.models import (
    AssetClass,
    AssetClassWeight,
    CostRate,
    Product,
    ProductMargin,
    TierRule,
)
from customers.tier_rules import Tier

FIRST, LAST = dt.date(YEARS.start, 1, 1), dt.date(YEARS.stop - 1, 12, 31)


class OnQuery(Query):
    on = serializers.DateField(required=False, help_text="absent: today")


class FromDay(Strict):
    """From which day a change holds, and why."""

    valid_from = serializers.DateField(
        validators=[MinValueValidator(FIRST), MaxValueValidator(LAST)],
        help_text=gettext_lazy("The first month that ends on or after this day uses it."),
    )
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


def _once_each(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Raises ValidationError when two rows speak of the same."""
    seen = [tuple(row[name] for name in names) for row in rows]
    for key in seen:
        if seen.count(key) > 1:
            raise serializers.ValidationError(_("“%(what)s” stands twice.") % {"what": " ".join(key)})
    return rows


def _sent(kind: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    sent = kind(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


class TierSerializer(serializers.ModelSerializer):
    class Meta:
        model = TierRule
        fields = ["code", "name", "rank", "minimum_aum", "minimum_loan", "valid_from"]
        read_only_fields = fields


class PlannedTier(Strict):
    code = serializers.CharField(
        max_length=12,
        validators=[RegexValidator(r"^[a-z0-9_-]+$", gettext_lazy("Use small letters, digits, - and _."))],
    )
    name = serializers.CharField(max_length=40)
    minimum_aum = serializers.DecimalField(max_digits=16, decimal_places=2, min_value=Decimal(0))
    minimum_loan = serializers.DecimalField(
        max_digits=16, decimal_places=2, min_value=Decimal(0), allow_null=True, required=False, default=None
    )


class TierPlan(FromDay):
    """Every tier there shall be, in any order; one that is not named is given up."""

    tiers = PlannedTier(many=True, allow_empty=False, max_length=20)

    def validate_tiers(self, rows: list[dict[str, Any]]) -> list[Tier]:
        tiers = [Tier(row["code"], row["name"], row["minimum_aum"], row["minimum_loan"]) for row in rows]
        tiers.sort(key=lambda tier: -tier.aum)
        if faults := tier_rules.faults(tiers):
            raise serializers.ValidationError(faults)
        return tiers


class TierChangePlan(TierPlan):
    token = serializers.CharField(
        max_length=64, help_text=gettext_lazy("What the preview of just these thresholds answered.")
    )


class TierMoveSerializer(serializers.Serializer):
    from_tier = serializers.CharField(help_text=gettext_lazy("empty: no tier"))
    to_tier = serializers.CharField()
    customers = serializers.IntegerField()
    is_up = serializers.BooleanField()


class BranchMovesSerializer(serializers.Serializer):
    branch = serializers.CharField()
    up = serializers.IntegerField()
    down = serializers.IntegerField()


class CountedSerializer(serializers.Serializer):
    month = serializers.DateField()
    customers = serializers.IntegerField()
    not_rated = serializers.IntegerField(
        help_text=gettext_lazy("customers of today who were none at that month-end")
    )
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    moves = TierMoveSerializer(many=True)
    branches = BranchMovesSerializer(many=True)


class TierPreviewSerializer(serializers.Serializer):
    changes = serializers.ListField(child=serializers.CharField())
    counted = CountedSerializer(allow_null=True, help_text=gettext_lazy("null before the first profile"))
    token = serializers.CharField()


class Tiers(APIView):
    """Tiers and their thresholds."""

    @extend_schema(operation_id="tiers_list", parameters=[OnQuery], responses=TierSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The rules in force on a day, best tier first."""
        day = OnQuery.of(request).get("on") or clock.today()
        return Response(TierSerializer(tiering.rules_at(day), many=True).data)

    @extend_schema(
        operation_id="tiers_change", request=TierChangePlan, responses={201: TierSerializer(many=True)}
    )
    @once
    def post(self, request: Request) -> Response:
        """Let thresholds hold from a day. They are saved only after a preview of just these."""
        asked = _sent(TierChangePlan, request)
        if asked["token"] != tier_rules.digest(asked["tiers"], asked["valid_from"]):
            raise Refused(_("Look at a preview of just these thresholds and that day first."))
        tier_rules.begin(request.user, asked["tiers"], asked["valid_from"], asked["reason"])
        return Response(TierSerializer(tiering.rules_at(asked["valid_from"]), many=True).data, status=201)


class TierPreview(APIView):
    @extend_schema(operation_id="tiers_preview", request=TierPlan, responses=TierPreviewSerializer)
    @once
    def post(self, request: Request) -> Response:
        """Who would move up and down by other thresholds. Changes nothing; its token is what a change needs."""
        asked = _sent(TierPlan, request)
        dated.check_day(TierRule, asked["valid_from"])
        before, month = tier_rules.in_force(dated.LAST_DAY), profile.latest_month()
        shown = {
            "changes": tier_rules.differences(before, asked["tiers"]),
            "counted": tier_rules.preview(before, asked["tiers"], month) if month else None,
            "token": tier_rules.digest(asked["tiers"], asked["valid_from"]),
        }
        return Response(TierPreviewSerializer(shown).data)


class WeightSerializer(serializers.ModelSerializer):
    class Meta:
        model = AssetClassWeight
        fields = ["asset_class", "weight", "is_counted", "valid_from"]
        read_only_fields = fields


class PlannedWeight(Strict):
    asset_class = serializers.ChoiceField(choices=AssetClass.choices)
    weight = serializers.DecimalField(max_digits=5, decimal_places=4, min_value=Decimal(0))
    is_counted = serializers.BooleanField(default=True)


class WeightPlan(FromDay):
    weights = PlannedWeight(many=True, allow_empty=False)

    def validate_weights(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _once_each(rows, "asset_class")


class Weights(APIView):
    """How much of each asset class counts towards assets under management."""

    @extend_schema(
        operation_id="asset_weights_list", parameters=[OnQuery], responses=WeightSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The weights in force on a day; a class without a weight counts in full."""
        return Response(self.shown(OnQuery.of(request).get("on") or clock.today()))

    @extend_schema(
        operation_id="asset_weights_change", request=WeightPlan, responses={201: WeightSerializer(many=True)}
    )
    @once
    def post(self, request: Request) -> Response:
        """Let weights and switches hold from a day."""
        asked = _sent(WeightPlan, request)
        planned = {row["asset_class"]: (row["weight"], row["is_counted"]) for row in asked["weights"]}
        value_settings.begin_classes(request.user, planned, asked["valid_from"], asked["reason"])
        return Response(self.shown(asked["valid_from"]), status=201)

    def shown(self, day: dt.date) -> Any:
        found = AssetClassWeight.objects.filter(valid_from__lte=day).order_by("asset_class", "-valid_from")
        return WeightSerializer(found.distinct("asset_class"), many=True).data


class CostSerializer(serializers.ModelSerializer):
    class Meta:
        model = CostRate
        fields = ["basis", "channel", "cost", "valid_from"]
        read_only_fields = fields


class PlannedCost(Strict):
    basis = serializers.ChoiceField(choices=CostRate.Basis.choices)
    channel = serializers.CharField(max_length=16)
    cost = serializers.DecimalField(max_digits=10, decimal_places=4, min_value=Decimal(0))

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if (data["basis"], data["channel"]) not in value_settings.COSTS:
            raise serializers.ValidationError(
                {"channel": [_("%(code)s is not known.") % {"code": data["channel"]}]}
            )
        return data


class CostPlan(FromDay):
    costs = PlannedCost(many=True, allow_empty=False)

    def validate_costs(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _once_each(rows, "basis", "channel")


class Costs(APIView):
    """What one transaction and one contact cost through each channel."""

    @extend_schema(operation_id="costs_list", parameters=[OnQuery], responses=CostSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The costs of a day; what is not listed costs nothing."""
        return Response(self.shown(OnQuery.of(request).get("on") or clock.today()))

    @extend_schema(operation_id="costs_change", request=CostPlan, responses={201: CostSerializer(many=True)})
    @once
    def post(self, request: Request) -> Response:
        """Let costs hold from a day."""
        asked = _sent(CostPlan, request)
        planned = {(row["basis"], row["channel"]): row["cost"] for row in asked["costs"]}
        value_settings.begin_costs(request.user, planned, asked["valid_from"], asked["reason"])
        return Response(self.shown(asked["valid_from"]), status=201)

    def shown(self, day: dt.date) -> Any:
        return CostSerializer(list(value_settings.costs_at(day).values()), many=True).data


class MarginSerializer(serializers.Serializer):
    product = serializers.CharField(source="product.code")
    annual_margin = serializers.DecimalField(source="margin", max_digits=6, decimal_places=4)
    valid_from = serializers.DateField(allow_null=True, help_text=gettext_lazy("null: from the beginning"))


class PlannedMargin(Strict):
    product = serializers.CharField(max_length=40)
    annual_margin = serializers.DecimalField(
        max_digits=6, decimal_places=4, min_value=Decimal(-1), max_value=Decimal(1)
    )


class MarginPlan(FromDay):
    margins = PlannedMargin(many=True, allow_empty=False, max_length=2000)

    def validate_margins(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known = set(Product.objects.values_list("code", flat=True))
        for row in rows:
            if row["product"] not in known:
                raise serializers.ValidationError(_("%(code)s is not known.") % {"code": row["product"]})
        return _once_each(rows, "product")


class Margins(APIView):
    """What every product earns in a year, as a share of its balance."""

    @extend_schema(operation_id="margins_list", parameters=[OnQuery], responses=MarginSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The margin of every product on a day, by line and name."""
        day = OnQuery.of(request).get("on") or clock.today()
        return Response(MarginSerializer(value_settings.margins_at(day), many=True).data)

    @extend_schema(
        operation_id="margins_change", request=MarginPlan, responses={201: MarginSerializer(many=True)}
    )
    @once
    def post(self, request: Request) -> Response:
        """Let margins hold from a day; months that are finished keep theirs."""
        asked = _sent(MarginPlan, request)
        planned = {row["product"]: row["annual_margin"] for row in asked["margins"]}
        value_settings.begin_margins(request.user, planned, asked["valid_from"], asked["reason"])
        shown = value_settings.margins_at(asked["valid_from"])
        return Response(MarginSerializer(shown, many=True).data, status=201)


# Word in the address → model, action, history.
DATED: dict[str, tuple[Any, str, Callable[[dt.date], list[dict[str, Any]]]]] = {
    "tiers": (TierRule, tier_rules.ACTION, value_page.tier_history),
    "asset-weights": (AssetClassWeight, value_settings.CLASSES_ACTION, value_page.class_history),
    "costs": (CostRate, value_settings.COSTS_ACTION, value_page.cost_history),
    "margins": (ProductMargin, value_settings.MARGINS_ACTION, value_page.margin_history),
}


class VersionSerializer(serializers.Serializer):
    valid_from = serializers.DateField()
    changes = serializers.ListField(child=serializers.CharField(), source="said")
    by = serializers.CharField(source="event.actor.username", default=None, allow_null=True)
    at = serializers.DateTimeField(source="event.at", default=None, allow_null=True)
    reason = serializers.CharField(source="event.reason", default="")
    may_be_undone = serializers.SerializerMethodField()

    def get_may_be_undone(self, row: dict[str, Any]) -> bool:
        return bool(row["undo_url"])


class Versions(APIView):
    """The days from which thresholds, weights, costs or margins hold."""

    what = ""

    @extend_schema(responses=VersionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The newest twelve: what changed, by whom, why, and whether it may be taken back."""
        _model, _action, history = DATED[self.what]
        return Response(VersionSerializer(history(clock.today()), many=True).data)


class Version(APIView):
    what = ""

    @extend_schema(request=None, responses={204: None})
    @once
    def delete(self, request: Request, day: str) -> Response:
        """Take back what begins on that day, unless a profile was built with it."""
        model, action, _history = DATED[self.what]
        valid_from = parsing.day(day)
        if valid_from is None:
            raise Http404
        dated.undo(request.user, model, valid_from, action)
        return Response(status=204)
