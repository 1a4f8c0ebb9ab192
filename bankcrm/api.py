"""The runs API: list, one run, cancel."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import heartbeat, runs
from bankcrm.idempotency import once
from bankcrm.models import Run
from bankcrm.parsing import Query
from bankcrm.problems import Problem


class RunSerializer(serializers.ModelSerializer):
    title = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    requested_by = serializers.CharField(
        source="requested_by.employee_number", default=None, read_only=True, allow_null=True
    )

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


class StartedRun(serializers.Serializer):
    """Long work that was asked for: where to read how far it is."""

    run = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    url = serializers.HyperlinkedIdentityField(view_name="api-run-detail")


def accepted(request: Request, run: Run, shape: type[StartedRun] = StartedRun) -> Response:
    """202: the work of ``run`` is under way, and where to read how far it is."""
    answer = shape(run, context={"request": request}).data
    return Response(answer, status=202, headers={"Location": answer["url"]})


def _visible(request: Request) -> Any:
    return Run.objects.visible_to(request.user).exclude(kind=heartbeat.KIND).select_related("requested_by")


class RunQuery(Query):
    state = serializers.ChoiceField(choices=Run.State.choices, required=False)


@extend_schema(parameters=[RunQuery])
class RunList(generics.ListAPIView):
    """The caller's runs and those of work shared with the caller's role, newest first.

    Administrators and auditors get everybody's.
    """

    serializer_class = RunSerializer
    queryset = Run.objects.none()
    ordering = ("-id",)
    orderings = {"asked": ("created_at", "id")}

    def get_queryset(self) -> Any:
        return _visible(self.request).filter(**RunQuery.of(self.request))


class RunDetail(generics.RetrieveAPIView):
    """One run."""

    serializer_class = RunSerializer
    queryset = Run.objects.none()

    def get_queryset(self) -> Any:
        return _visible(self.request)


class RunCancel(APIView):
    """Stop a run: waiting work at once, running work at its next step."""

    @extend_schema(operation_id="runs_cancel", request=None, responses=RunSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        run = runs.cancel(get_object_or_404(_visible(request), pk=pk), request.user)
        return Response(RunSerializer(run).data)


class Nothing(APIView):
    """Every other address under /api/v1/: refused in the API's own words, not with a page."""

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str) -> Response:
        raise Problem(404, "not_found", _("There is no such address. Every address ends with a slash."))

    post = put = patch = delete = get
