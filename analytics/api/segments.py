"""Segmentations by API: what is in use, its sizes and movement; look, put to use, assign, name."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import segment_chart_page, segment_page, segments
from analytics.models import Segment, Segmentation, SegmentationVersion
from bankcrm import runs
from bankcrm.api import StartedRun, accepted
from bankcrm.idempotency import once
from bankcrm.parsing import Query, Strict


class SegmentationVersionSerializer(serializers.ModelSerializer):
    """One version; ``card`` has the numbers of segments tried, traits, shares and who kept their segment."""

    made_by = serializers.CharField(source="made_by.username", read_only=True)
    card = serializers.JSONField(read_only=True)

    class Meta:
        model = SegmentationVersion
        fields = ["number", "method", "state", "as_of", "sha256", "card", "made_by", "made_at"]
        read_only_fields = fields


class SegmentSizeSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    title = serializers.CharField()
    customers = serializers.IntegerField(source="n")
    share = serializers.FloatField(allow_null=True)
    typical = serializers.ListField(child=serializers.CharField())


class SegmentationMonthSerializer(serializers.Serializer):
    """``sizes``: customers by segment number."""

    as_of = serializers.DateField()
    version = serializers.IntegerField(source="version.number")
    customers = serializers.IntegerField(source="rows")
    sizes = serializers.DictField(child=serializers.IntegerField())


class MonthsMovedQuery(Query):
    since = serializers.DateField(required=False, help_text=_("a month-end; without it the one before"))
    until = serializers.DateField(required=False, help_text=_("a month-end; without it the one in use"))


class SegmentMoveSerializer(serializers.Serializer):
    """Customers who were in one segment and are in another or the same; null: had or have none."""

    before = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)
    customers = serializers.IntegerField()


class SegmentMovementSerializer(serializers.Serializer):
    since = serializers.DateField()
    until = serializers.DateField()
    customers = serializers.IntegerField(help_text=_("who had a segment at both"))
    stayed = serializers.FloatField(allow_null=True, help_text=_("share of them who kept it"))
    moves = SegmentMoveSerializer(many=True)


class SegmentationSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    version = serializers.IntegerField(source="in_use.number", read_only=True, default=None, allow_null=True)
    as_of = serializers.DateField(source="current_run.as_of", read_only=True, default=None, allow_null=True)
    customers = serializers.IntegerField(
        source="current_run.rows", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Segmentation
        fields = [
            "code",
            "name",
            "kind",
            "features",
            "rules",
            "population",
            "monthly",
            "owner",
            "version",
            "as_of",
            "customers",
        ]
        read_only_fields = fields


class SegmentNaming(Strict):
    name = serializers.CharField(max_length=60)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class SegmentSerializer(serializers.ModelSerializer):
    named_by = serializers.CharField(
        source="named_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Segment
        fields = ["number", "name", "description", "named_by"]
        read_only_fields = fields


def seen(request: Request) -> QuerySet[Segmentation]:
    return segment_page.segmentations().filter(pk__in=Segmentation.objects.visible_to(request.user))


def one(request: Request, code: str) -> Segmentation:
    return get_object_or_404(seen(request), code=code)


class Segmentations(generics.ListAPIView):
    """Every segmentation with what is in use, by name."""

    serializer_class = SegmentationSerializer
    queryset = Segmentation.objects.none()
    ordering = ("name", "id")

    def get_queryset(self) -> Any:
        return seen(self.request)


class SegmentationDetail(APIView):
    """One segmentation."""

    @extend_schema(operation_id="segmentations_retrieve", responses=SegmentationSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(SegmentationSerializer(one(request, code)).data)


class Sizes(APIView):
    """The segments of the run in use: customers, share, what is typical."""

    @extend_schema(operation_id="segmentations_sizes", responses=SegmentSizeSerializer(many=True))
    def get(self, request: Request, code: str) -> Response:
        made = one(request, code)
        return Response(SegmentSizeSerializer(segment_page.sizes(made, made.current_run), many=True).data)


class Months(APIView):
    """Customers by segment, month by month, the newest first."""

    @extend_schema(operation_id="segmentations_months", responses=SegmentationMonthSerializer(many=True))
    def get(self, request: Request, code: str) -> Response:
        runs_of = segment_chart_page.runs(one(request, code))
        return Response(SegmentationMonthSerializer(runs_of, many=True).data)


class Movement(APIView):
    """Who moved from which segment to which between two months."""

    @extend_schema(
        operation_id="segmentations_movement",
        parameters=[MonthsMovedQuery],
        responses=SegmentMovementSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        made = one(request, code)
        asked = MonthsMovedQuery.of(request)
        by_day = {run.as_of: run for run in segment_chart_page.runs(made)}
        until = asked.get("until", made.current_run.as_of if made.current_run else None)
        if until not in by_day or asked.get("since", until) not in by_day:
            raise Http404
        found = segment_page.movement(by_day[until], by_day[asked["since"]] if "since" in asked else None)
        if found is None:
            raise Http404
        moves = [
            {"before": before or None, "after": after or None, "customers": n}
            for (before, after), n in sorted(found["cells"].items())
        ]
        told = {"customers": found["both"], "stayed": found["stayed"], "moves": moves, "until": until}
        return Response(SegmentMovementSerializer({"since": found["earlier"].as_of, **told}).data)


class SegmentationVersions(generics.ListAPIView):
    """What was found, newest first."""

    serializer_class = SegmentationVersionSerializer
    queryset = SegmentationVersion.objects.none()
    ordering = ("-number",)

    def get_queryset(self) -> Any:
        versions = SegmentationVersion.objects.filter(segmentation=one(self.request, self.kwargs["code"]))
        return versions.select_related("made_by").defer("artefact")


class Work(APIView):
    """Long work on a segmentation."""

    kind = ""

    @extend_schema(request=None, responses={202: StartedRun})
    @once
    def post(self, request: Request, code: str) -> Response:
        made = one(request, code)
        if self.kind == "analytics.segments.find" and made.kind == Segmentation.Kind.RULES:
            raise segments.Refused(_("Rules say these segments; there is nothing to look for."))
        run = runs.start(self.kind, request.user, **segments.work_on(made))
        return accepted(request, run)


class Find(Work):
    """Look for segments in the newest month's data."""

    kind = "analytics.segments.find"


class Assign(Work):
    """Give the newest month's customers their segments."""

    kind = "analytics.segments.assign"


class Use(APIView):
    """Put a version to use."""

    @extend_schema(operation_id="segmentations_use", request=None, responses=SegmentationVersionSerializer)
    @once
    def post(self, request: Request, code: str, number: int) -> Response:
        version = get_object_or_404(
            SegmentationVersion.objects.filter(segmentation=one(request, code)), number=number
        )
        return Response(SegmentationVersionSerializer(segments.use(version, request.user)).data)


class Name(APIView):
    """Name one segment."""

    @extend_schema(operation_id="segmentations_name", request=SegmentNaming, responses=SegmentSerializer)
    @once
    def patch(self, request: Request, code: str, number: int) -> Response:
        segment = get_object_or_404(Segment, segmentation=one(request, code), number=number)
        sent = SegmentNaming(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(SegmentSerializer(segments.rename(segment, request.user, **sent.validated_data)).data)
