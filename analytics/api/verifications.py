"""Verification by API: what a score run came to, and the alerts of a model."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import model_page, verification, watch
from analytics.api.models import one
from analytics.models import ModelAlert, Verification
from bankcrm.idempotency import once
from bankcrm.parsing import Strict


class Verified(serializers.Serializer):
    """Predicted against actual of one score run, as counted once its window was over."""

    complete_on = serializers.DateField()
    is_known = serializers.BooleanField(help_text=_("counted; else the window is open or counting waits"))
    counted_at = serializers.DateTimeField(allow_null=True)
    data_through = serializers.DateField(allow_null=True, help_text=_("outcomes were in to this day"))
    n = serializers.IntegerField(allow_null=True)
    observed = serializers.IntegerField(allow_null=True)
    expected = serializers.FloatField(allow_null=True)
    alarm = serializers.ChoiceField(choices=Verification.Alarm.choices, allow_null=True)
    result = serializers.JSONField(
        allow_null=True,
        help_text=_(
            "rows: deciles; groups: by what campaigns did, branch and segment; ratio and intervals with 95 % bounds;"
            " against: of a challenger the champion on the same customers; preference: per answer"
        ),
    )


class ScoreRunVerification(APIView):
    """What one score run said, and what the customers then did."""

    @extend_schema(operation_id="models_verification", responses=Verified)
    def get(self, request: Request, code: str, pk: int) -> Response:
        run = get_object_or_404(model_page.score_runs(one(request, code)), pk=pk)
        kept = Verification.objects.filter(score_run=run).first()
        told: dict[str, Any] = {
            "complete_on": verification.complete_on(run),
            "is_known": kept is not None,
            "counted_at": kept.computed_at if kept else None,
            **{
                name: getattr(kept, name, None)
                for name in ("data_through", "n", "observed", "expected", "alarm", "result")
            },
        }
        return Response(Verified(told).data)


class AlertSerializer(serializers.ModelSerializer[ModelAlert]):
    finding = serializers.SerializerMethodField(help_text=_("what was found, as a sentence"))
    ended_by = serializers.CharField(source="ended_by.employee_number", allow_null=True, read_only=True)

    class Meta:
        model = ModelAlert
        fields = [
            "id",
            "rule",
            "level",
            "finding",
            "proposes_training",
            "raised_at",
            "ended_at",
            "ended_as",
            "ended_by",
            "note",
        ]

    def get_finding(self, alert: ModelAlert) -> str:
        return watch.told(alert)


class Alerts(generics.ListAPIView):
    """Rules a model in use has broken, the newest first: open ones have no ``ended_at``."""

    serializer_class = AlertSerializer
    queryset = ModelAlert.objects.none()
    ordering = ("-id",)

    def get_queryset(self) -> Any:
        return ModelAlert.objects.filter(model=one(self.request, self.kwargs["code"])).select_related(
            "ended_by"
        )


class SetAside(Strict):
    note = serializers.CharField(max_length=300, help_text=_("why this is no reason to act"))


class AlertSetAside(APIView):
    """Say why an alert is no reason to act; the same finding does not raise it again."""

    @extend_schema(operation_id="models_alert_set_aside", request=SetAside, responses=AlertSerializer)
    @once
    def post(self, request: Request, code: str, pk: int) -> Response:
        alert = get_object_or_404(ModelAlert.objects.filter(model=one(request, code)), pk=pk)
        asked = SetAside(data=request.data)
        asked.is_valid(raise_exception=True)
        watch.set_aside(alert, request.user, asked.validated_data["note"])
        alert.refresh_from_db()
        return Response(AlertSerializer(alert).data)
