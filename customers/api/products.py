"""Products by API: what the bank sells; new ones, and changes of one version to the next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator
from rest_framework.views import APIView

from bankcrm import clock
from bankcrm.idempotency import once
from bankcrm.models import User
from bankcrm.parsing import Query, Strict
from customers import value_settings
from customers.models import AssetClass, Product, ProductLine, ProductMargin


def every_product(_user: User) -> QuerySet[Product]:
    """What the bank sells is no secret from anybody in it."""
    return Product.objects.all()


class ProductQuery(Query):
    line = serializers.ChoiceField(choices=ProductLine.choices, required=False)
    active = serializers.BooleanField(required=False)


class ProductSerializer(serializers.ModelSerializer):
    asset_class = serializers.ChoiceField(choices=AssetClass.choices, allow_blank=True, read_only=True)
    annual_margin = serializers.DecimalField(
        source="margin_today",
        max_digits=6,
        decimal_places=4,
        read_only=True,
        help_text=gettext_lazy("of today; margins/ has other days and changes it"),
    )

    class Meta:
        model = Product
        fields = [
            "id",
            "code",
            "name",
            "line",
            "asset_class",
            "is_loan",
            "annual_margin",
            "is_active",
            "version",
        ]
        read_only_fields = fields


class _Writable(Strict):
    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        known = self.context.get("product")
        is_loan = data.get("is_loan", known.is_loan if known else False)
        if is_loan and data.get("asset_class", known.asset_class if known else ""):
            raise serializers.ValidationError({"asset_class": [_("A loan is no asset of the customer.")]})
        return data


class NewProductSerializer(_Writable):
    code = serializers.CharField(
        max_length=40,
        validators=[UniqueValidator(Product.objects.all(), message=gettext_lazy("A product has this code."))],
    )
    name = serializers.CharField(max_length=100)
    line = serializers.ChoiceField(choices=ProductLine.choices)
    asset_class = serializers.ChoiceField(choices=AssetClass.choices, allow_blank=True, required=False)
    is_loan = serializers.BooleanField(required=False)
    annual_margin = serializers.DecimalField(
        max_digits=6, decimal_places=4, min_value=Decimal(-1), max_value=Decimal(1), required=False
    )
    is_active = serializers.BooleanField(required=False)


class ChangedProductSerializer(_Writable):
    """What is not sent stays. The code stays for ever; a margin is changed from a day on, at ``margins/``."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=100, required=False)
    line = serializers.ChoiceField(choices=ProductLine.choices, required=False)
    asset_class = serializers.ChoiceField(choices=AssetClass.choices, allow_blank=True, required=False)
    is_loan = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


def _shown() -> QuerySet[Product]:
    newest = ProductMargin.objects.filter(product=OuterRef("pk"), valid_from__lte=clock.today())
    latest = Subquery(newest.order_by("-valid_from").values("annual_margin")[:1])
    return Product.objects.annotate(margin_today=Coalesce(latest, F("annual_margin")))


class Products(generics.ListAPIView):
    """What the bank sells, by code."""

    serializer_class = ProductSerializer
    queryset = Product.objects.none()
    ordering = ("code",)

    @extend_schema(operation_id="products_list", parameters=[ProductQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every product with its line, its asset class and its margin of today."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        asked = ProductQuery.of(self.request)
        names = {"line": "line", "active": "is_active"}
        return _shown().filter(**{names[name]: value for name, value in asked.items()})

    @extend_schema(
        operation_id="products_create", request=NewProductSerializer, responses={201: ProductSerializer}
    )
    @once
    def post(self, request: Request) -> Response:
        """A new product; its margin holds from the beginning."""
        sent = NewProductSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        product = Product(**sent.validated_data)
        value_settings.save_product(product, request.user)
        return Response(ProductSerializer(_shown().get(pk=product.pk)).data, status=201)


class ProductDetail(APIView):
    @extend_schema(operation_id="products_retrieve", responses=ProductSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One product."""
        return Response(ProductSerializer(get_object_or_404(_shown(), pk=pk)).data)

    @extend_schema(
        operation_id="products_update", request=ChangedProductSerializer, responses=ProductSerializer
    )
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Change a product, decided on its ``version``."""
        product = get_object_or_404(Product, pk=pk)
        sent = ChangedProductSerializer(data=request.data, context={"product": product})
        sent.is_valid(raise_exception=True)
        changed = dict(sent.validated_data)
        version = changed.pop("version")
        for name, value in changed.items():
            setattr(product, name, value)
        value_settings.save_product(product, request.user, version)
        return Response(ProductSerializer(_shown().get(pk=product.pk)).data)
