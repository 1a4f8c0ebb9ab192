"""The API of acquisition cohorts: the figures of the cohort page, of the customers the caller may see."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm.amounts import Amount
from bankcrm.parsing import KnownCode, Query
from bankcrm.people_api import every_branch
from bankcrm.problems import Problem
from customers.acquisition_figures import DIMENSIONS, HORIZONS, Figures, Share, figures
from customers.acquisition_forms import CohortFilter
from customers.models import Acquisition


class CohortQuery(Query):
    by = serializers.ChoiceField(choices=DIMENSIONS, required=False, help_text=_("what is compared"))
    first = serializers.DateField(required=False, help_text=_("first day of the first month"))
    last = serializers.DateField(required=False, help_text=_("first day of the last month"))
    branch = KnownCode(every_branch, max_length=20, help_text=_("code; with the branches below it"))
    channel = serializers.CharField(required=False, max_length=40, help_text=_("“-”: not known"))
    partner = serializers.CharField(required=False, max_length=60)
    scene = serializers.CharField(required=False, max_length=60)


class CohortShareSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    n = serializers.IntegerField(help_text=_("0: too early to say, or nobody"))
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text=_("95 %, Wilson"))
    high = serializers.FloatField(allow_null=True)


class CostRatioSerializer(serializers.Serializer):
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class CohortFiguresSerializer(serializers.Serializer):
    group = serializers.CharField(allow_null=True, help_text=_("null: all groups together; empty: not known"))
    cohort = serializers.DateField(allow_null=True, help_text=_("first day of the month; null: all months"))
    acquired = serializers.IntegerField()
    cost_per_customer = Amount(allow_null=True)
    fee_income = Amount()
    contribution = Amount()
    value_per_cost = CostRatioSerializer()
    second_product = serializers.DictField(child=CohortShareSerializer(), help_text=_("by months"))
    overdue = serializers.DictField(child=CohortShareSerializer(), help_text=_("customers, by days"))
    overdue_contracts = serializers.DictField(child=CohortShareSerializer())
    overdue_principal = serializers.DictField(child=serializers.FloatField(allow_null=True))
    is_small = serializers.BooleanField(help_text=_("too few customers for its shares to say much"))


class CohortsSerializer(serializers.Serializer):
    as_of = serializers.DateField()
    computed = serializers.DateTimeField()
    figures = CohortFiguresSerializer(many=True)


class Cohorts(APIView):
    """Where customers came from, what that cost, and what grew from it."""

    @extend_schema(
        operation_id="acquisition_cohorts",
        parameters=[CohortQuery],
        responses={
            200: CohortsSerializer,
            404: OpenApiResponse(description="No cohorts were computed yet."),
        },
    )
    def get(self, request: Request) -> Response:
        """All together, every group, every month, and every month of a group. 404 before the first month-end."""
        asked = CohortQuery.of(request)
        built = Acquisition.objects.only("as_of", "built_at").first()
        if built is None:
            raise Problem(404, "not_found", str(_("No cohorts were computed yet.")))
        given = {name: str(value) for name, value in asked.items()}
        scope = CohortFilter(request.user, built.as_of, given).scope
        found = figures(scope.rows, scope.dimension, scope.as_of)
        return Response(
            {
                "as_of": built.as_of,
                "computed": built.built_at,
                "figures": [CohortFiguresSerializer(_shown(one)).data for one in found],
            }
        )


def _shown(one: Figures) -> dict[str, Any]:
    return {
        "group": one.key,
        "cohort": one.cohort,
        "acquired": one.n,
        "cost_per_customer": one.cost_per_customer,
        "fee_income": one.fees,
        "contribution": one.value,
        "value_per_cost": _parts(one.per_cost, "value", "low", "high", "n"),
        "second_product": {str(n): _share(one.second(n)) for n in HORIZONS},
        "overdue": {str(n): _share(one.overdue(n)) for n in (30, 90)},
        "overdue_contracts": {str(n): _share(one.overdue_contracts(n)) for n in (30, 90)},
        "overdue_principal": {str(n): one.overdue_principal(n) for n in (30, 90)},
        "is_small": one.is_small,
    }


def _share(share: Share) -> dict[str, Any]:
    return _parts(share, "count", "n", "value", "low", "high")


def _parts(of: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}
