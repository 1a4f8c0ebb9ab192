"""A customer's preferences by API: what models in use find likeliest, and what facts say."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import customer_preferences
from customers.models import Customer


class LikelySerializer(serializers.Serializer):
    """One preference; ``answer`` is empty with the reason in ``why_not``, such as not enough behaviour."""

    field = serializers.CharField(source="code", help_text=_("code of the field the answer fills"))
    answer = serializers.CharField(allow_blank=True)
    chance = serializers.FloatField(allow_null=True)
    second = serializers.CharField(allow_blank=True, help_text=_("the runner-up"))
    second_chance = serializers.FloatField(allow_null=True)
    fact = serializers.CharField(
        allow_blank=True, help_text=_("what was preferred so far by the catalogue's rule")
    )
    why_not = serializers.CharField(allow_blank=True)
    model = serializers.CharField(source="model.code", allow_null=True, default=None)
    version = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateField(allow_null=True)


class CustomerPreferences(APIView):
    """The four preferences of one customer."""

    @extend_schema(operation_id="customers_preferences", responses=LikelySerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """Product line, channel, risk and finance: likeliest answer with its chance and the runner-up."""
        customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
        return Response(LikelySerializer(customer_preferences.of(customer), many=True).data)
