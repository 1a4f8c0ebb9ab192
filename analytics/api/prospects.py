"""Lists of prospects by API: what a list says, who may be approached, and the ranking, masked."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import prospect_page, prospect_verification, prospects
from analytics.models import ProspectScore
from bankcrm.figures import masked_phone
from bankcrm.parsing import Query
from customers.models import Prospect

COUNTS = ("code", "size", "agreed", "objects", "approachable", "by_identity", "by_phone")


class ProspectListSerializer(serializers.Serializer):
    code = serializers.CharField()
    size = serializers.IntegerField()
    models = serializers.ListField(child=serializers.CharField(), help_text=_("codes of its models"))
    scored_at = serializers.DateTimeField(allow_null=True)


class FilledSerializer(serializers.Serializer):
    field = serializers.CharField()
    share = serializers.FloatField(help_text=_("of the prospects, of whom the list says it"))
    is_used = serializers.BooleanField()


class ProspectScoringSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    as_of = serializers.DateField()
    rows = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    complete_on = serializers.DateField(help_text=_("the day the last outcome of the window falls on"))
    counted = serializers.IntegerField(
        help_text=_("prospects whose outcome is known; 0 while the window is open")
    )
    observed = serializers.IntegerField(help_text=_("of them who became customers and opened the product"))
    expected = serializers.FloatField(help_text=_("the same as predicted"))


class ProspectStandingSerializer(serializers.Serializer):
    """``by_identity`` and ``by_phone`` are customers, now or once, and left out; nobody is approached without a yes."""

    code = serializers.CharField()
    size = serializers.IntegerField()
    agreed = serializers.IntegerField()
    objects = serializers.IntegerField()
    approachable = serializers.IntegerField()
    by_identity = serializers.IntegerField()
    by_phone = serializers.IntegerField()
    fields_said = FilledSerializer(many=True)
    scorings = ProspectScoringSerializer(many=True)


class RankedProspectSerializer(serializers.ModelSerializer):
    number = serializers.CharField(source="prospect.number", read_only=True)
    phone = serializers.SerializerMethodField()

    class Meta:
        model = ProspectScore
        fields = ["number", "phone", "decile", "probability"]
        read_only_fields = fields

    def get_phone(self, score: ProspectScore) -> str:
        """Masked."""
        return masked_phone(score.prospect.phone)


class RankingQuery(Query):
    scoring = serializers.IntegerField(
        required=False, min_value=1, help_text=_("id of a scoring; without it the newest")
    )


def seen(request: Request, code: str) -> prospects.Standing:
    found = prospects.standing(code)
    if found is None or not Prospect.objects.visible_to(request.user).filter(list_code=code).exists():
        raise Http404
    return found


class ProspectLists(APIView):
    """Every list of prospects, by name."""

    @extend_schema(operation_id="prospect_lists_list", responses=ProspectListSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = [
            {
                "code": row["code"],
                "size": row["size"],
                "models": [model.code for model in row["models"]],
                "scored_at": row["scored"],
            }
            for row in prospect_page.lists()
        ]
        return Response(ProspectListSerializer(rows, many=True).data)


class ProspectListDetail(APIView):
    """One list: its fields, who of it is a customer, who may be approached, and its newest scorings."""

    @extend_schema(operation_id="prospect_lists_retrieve", responses=ProspectStandingSerializer)
    def get(self, request: Request, code: str) -> Response:
        found = seen(request, code)
        shown: dict[str, Any] = {name: getattr(found, name) for name in COUNTS}
        shown["fields_said"] = [
            {"field": each.field.code, "share": each.share, "is_used": each.is_there} for each in found.fields
        ]
        shown["scorings"] = [
            {
                "id": run.pk,
                "model": run.version.model.code,
                "version": run.version.number,
                "as_of": run.as_of,
                "rows": run.rows,
                "created_at": run.created_at,
                "complete_on": came.complete_on,
                "counted": came.n,
                "observed": came.observed,
                "expected": came.expected,
            }
            for run in prospects.in_use(code)
            for came in [prospect_verification.outcome(run)]
        ]
        return Response(ProspectStandingSerializer(shown).data)


class ProspectRanking(generics.ListAPIView):
    """Who may be approached, best first, by the list's own number; phone numbers masked."""

    serializer_class = RankedProspectSerializer
    queryset = ProspectScore.objects.none()
    ordering = ("-raw", "prospect_id")

    @extend_schema(operation_id="prospect_lists_ranking", parameters=[RankingQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        found = seen(self.request, self.kwargs["code"])
        wanted = RankingQuery.of(self.request).get("scoring")
        scored = [run for run in prospects.in_use(found.code) if wanted in (None, run.pk)]
        if not scored:
            raise Http404
        return prospects.ranking(scored[0])
