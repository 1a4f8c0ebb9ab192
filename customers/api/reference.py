"""What the figures of customers mean: the field catalogue, tiers, weights of asset classes, products."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock
from bankcrm.parsing import Query
from customers import fields, tiering
from customers.fields import Area, Basis, Origin, Personal, Type
from customers.models import AssetClass, AssetClassWeight, Product, ProductLine, TierRule


class FieldChoiceSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()


class FieldSerializer(serializers.Serializer):
    """One field of the catalogue: what it means and what it may be used for."""

    code = serializers.CharField()
    label = serializers.CharField()
    meaning = serializers.CharField()
    area = serializers.ChoiceField(choices=Area.choices)
    type = serializers.ChoiceField(choices=Type.choices)
    unit = serializers.CharField()
    choices = serializers.SerializerMethodField()
    reference = serializers.CharField()
    basis = serializers.ChoiceField(choices=Basis.choices)
    origin = serializers.ChoiceField(choices=Origin.choices)
    personal = serializers.ChoiceField(choices=Personal.choices)
    importable = serializers.SerializerMethodField()
    model_use = serializers.BooleanField()
    filter = serializers.BooleanField()
    group = serializers.BooleanField()
    export = serializers.BooleanField()
    show = serializers.BooleanField()

    @extend_schema_field(FieldChoiceSerializer(many=True))
    def get_choices(self, field: fields.Field) -> list[dict[str, str]]:
        return [{"code": code, "label": str(label)} for code, label in field.choices]

    def get_importable(self, field: fields.Field) -> bool:
        return bool(field.column)


class FieldQuery(Query):
    area = serializers.ChoiceField(choices=Area.choices, required=False)


class FieldCatalogue(APIView):
    """The data dictionary."""

    @extend_schema(
        operation_id="customer_fields_list", parameters=[FieldQuery], responses=FieldSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Every customer field in the order of the catalogue, in the language of the request."""
        asked = FieldQuery.of(request)
        found = [field for field in fields.CATALOGUE.values() if asked.get("area", field.area) == field.area]
        return Response(FieldSerializer(found, many=True).data)


class TierSerializer(serializers.ModelSerializer):
    class Meta:
        model = TierRule
        fields = ["code", "name", "rank", "minimum_aum", "minimum_loan", "valid_from"]
        read_only_fields = fields


class WeightSerializer(serializers.ModelSerializer):
    class Meta:
        model = AssetClassWeight
        fields = ["asset_class", "weight", "is_counted", "valid_from"]
        read_only_fields = fields


class OnQuery(Query):
    on = serializers.DateField(required=False, help_text="absent: today")


class Tiers(APIView):
    """Tiers and their thresholds."""

    @extend_schema(operation_id="tiers_list", parameters=[OnQuery], responses=TierSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The rules in force on a day, best tier first."""
        day = OnQuery.of(request).get("on") or clock.today()
        return Response(TierSerializer(tiering.rules_at(day), many=True).data)


class Weights(APIView):
    """How much of each asset class counts towards assets under management."""

    @extend_schema(
        operation_id="asset_weights_list", parameters=[OnQuery], responses=WeightSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The weights in force on a day; a class without a weight counts in full."""
        day = OnQuery.of(request).get("on") or clock.today()
        found = AssetClassWeight.objects.filter(valid_from__lte=day).order_by("asset_class", "-valid_from")
        return Response(WeightSerializer(found.distinct("asset_class"), many=True).data)


class ProductQuery(Query):
    line = serializers.ChoiceField(choices=ProductLine.choices, required=False)
    active = serializers.BooleanField(required=False)


class ProductSerializer(serializers.ModelSerializer):
    asset_class = serializers.ChoiceField(choices=AssetClass.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Product
        fields = ["code", "name", "line", "asset_class", "is_loan", "annual_margin", "is_active"]
        read_only_fields = fields


@extend_schema_view(get=extend_schema(operation_id="products_list", parameters=[ProductQuery]))
class Products(generics.ListAPIView):
    """What the bank sells, by code."""

    serializer_class = ProductSerializer
    queryset = Product.objects.none()
    ordering = ("code",)

    def get_queryset(self) -> Any:
        asked = ProductQuery.of(self.request)
        names = {"line": "line", "active": "is_active"}
        return Product.objects.filter(**{names[name]: value for name, value in asked.items()})
