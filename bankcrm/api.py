"""The runs API: list, one run, cancel."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import heartbeat, runs
from bankcrm.models import Run


class RunSerializer(serializers.ModelSerializer):
    title = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    requested_by = serializers.CharField(source="requested_by.username", default=None, read_only=True)

    class Meta:
        model = Run
        fields = [
            "id",
            "kind",
            "title",
            "subject",
            "requested_by",
            "state",
            "attempts",
            "cancel_requested",
            "done",
            "total",
            "note",
            "result",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_result(self, run: Run) -> dict[str, Any]:
        # Until the end the column is the reaper's notebook.
        return run.result if run.state == Run.State.DONE else {}

    def get_title(self, run: Run) -> str:
        return runs.title(run.kind)


def _visible(request: Request) -> Any:
    return Run.objects.visible_to(request.user).exclude(kind=heartbeat.KIND).select_related("requested_by")


class RunList(generics.ListAPIView):
    """The caller's runs, newest first; administrators and auditors get everybody's."""

    serializer_class = RunSerializer
    queryset = Run.objects.none()
    ordering = ("-id",)
    orderings = {"asked": ("created_at", "id")}

    def get_queryset(self) -> Any:
        found = _visible(self.request)
        state = self.request.query_params.get("state", "")
        if state:
            if state not in Run.State.values:
                raise serializers.ValidationError({"state": [f"One of {', '.join(Run.State.values)}."]})
            found = found.filter(state=state)
        return found


class RunDetail(generics.RetrieveAPIView):
    """One run."""

    serializer_class = RunSerializer
    queryset = Run.objects.none()

    def get_queryset(self) -> Any:
        return _visible(self.request)


class RunCancel(APIView):
    """Stop a run: waiting work at once, running work at its next step."""

    @extend_schema(
        request=None,
        responses={
            200: RunSerializer,
            404: OpenApiResponse(),
            409: OpenApiResponse(description="Already ended"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(_visible(request), pk=pk)
        try:
            run = runs.cancel(run, request.user)
        except runs.Conflict as conflict:
            return Response({"detail": str(conflict)}, status=409)
        return Response(RunSerializer(run).data)
