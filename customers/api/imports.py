"""Imports by program: the same steps, refusals and rights as on the pages. Upload, map, check, read, confirm, undo."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import runs
from bankcrm.api import StartedRun, accepted
from bankcrm.idempotency import once
from bankcrm.models import Run
from customers import import_views, imports, tasks
from customers.api.import_serializers import (
    Confirmation,
    FileDetailSerializer,
    FileSerializer,
    ImportQuery,
    LoadBody,
    MappingBody,
    MappingSerializer,
    RejectQuery,
    RejectSerializer,
    ReportSerializer,
    UndoSerializer,
    UploadBody,
)
from customers.imports import loads, mapping, reporting, undo
from customers.imports.kinds import KINDS
from customers.models import ImportFile, ImportReject

State = ImportFile.State
STARTED = {202: OpenApiResponse(StartedRun, description="Under way; read the run at url.")}


class ImportView(APIView):
    """What every view of one import shares: which files it sees, and which it may change."""

    def seen(self, pk: int) -> ImportFile:
        """Raises Http404 out of sight."""
        found: ImportFile = get_object_or_404(_seen(self.request), pk=pk)
        return found

    def changeable(self, pk: int) -> ImportFile:
        """Raises PermissionDenied for a kind that is not for this role."""
        file = self.seen(pk)
        if not self.request.user.may_act_as(KINDS[file.kind].roles):
            raise PermissionDenied(_("Your role does not include this kind of file."))
        return file

    def told(self, body: type[serializers.Serializer]) -> dict[str, Any]:
        """What the caller sent, in the shape of ``body``. Raises ValidationError where it is not."""
        sent = body(data=self.request.data)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)

    def shown(self, pk: int, status: int = 200) -> Response:
        answer = FileDetailSerializer(self.seen(pk)).data
        address = reverse("api-import-detail", args=[pk])
        return Response(answer, status=status, headers={"Location": address} if status == 201 else {})

    def begin(self, file: ImportFile, step: str) -> Response:
        """Ask for a step. The step that is under way is the answer, whichever it is."""
        run = runs.start(
            tasks.KIND, self.request.user, subject=file.name, key=tasks.key(file), file=file.pk, step=step
        )
        ImportFile.objects.filter(pk=file.pk).update(run=run)
        return accepted(self.request, run)

    def describe(self, file: ImportFile, told: dict[str, Any]) -> None:
        """Store what was told of the load. Raises Refused."""
        loads.describe(
            file,
            source=told.get("source"),
            load=told.get("load", ""),
            effective_on=told.get("effective_on"),
        )

    def same(self, file: ImportFile, told: dict[str, Any]) -> None:
        """Raises Conflict where something else is told of a file that is here already."""
        here = {
            "source": file.source,
            "load": file.load,
            "effective_on": file.effective_on,
            "encoding": file.encoding,
        }
        other = [name for name, value in here.items() if told.get(name) and told[name] != value]
        if other:
            raise runs.Conflict(
                _(
                    "This very file is here as import %(id)s with another %(what)s. Change that one, or undo it first."
                )
                % {"id": file.pk, "what": ", ".join(other)}
            )

    def idle(self, file: ImportFile) -> None:
        """Raises Conflict while a step of the file is under way."""
        if Run.objects.unfinished().filter(kind=tasks.KIND, key=tasks.key(file)).exists():
            raise runs.Conflict(_("A step of this import is under way. Wait for it, or cancel it."))


def _seen(request: Request) -> Any:
    return ImportFile.objects.visible_to(request.user).select_related("uploaded_by", "undone_by", "run")


class ImportList(ImportView, generics.ListAPIView):
    """Files that came in, newest first."""

    serializer_class = FileSerializer
    queryset = ImportFile.objects.none()
    ordering = ("-id",)
    parser_classes: ClassVar = [MultiPartParser]

    def get_queryset(self) -> Any:
        return _seen(self.request).filter(**ImportQuery.of(self.request))

    @extend_schema(operation_id="imports_list", parameters=[ImportQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The history: every file with who brought it, what became of its rows, and whether it was undone."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    @extend_schema(
        operation_id="imports_create",
        request={"multipart/form-data": UploadBody},
        responses={
            201: FileDetailSerializer,
            200: OpenApiResponse(
                FileDetailSerializer, description="This very file is here already, told the same."
            ),
        },
    )
    @once
    def post(self, request: Request) -> Response:
        """Bring a file; it is kept and looked at, nothing of it goes in. A file that is here already is the answer.

        409 where the source, the load, its day or the encoding is told otherwise than of the file that is here.
        """
        told = self.told(UploadBody)
        newest = ImportFile.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        options = {"encoding": told["encoding"]} if told.get("encoding") else {}
        with transaction.atomic():
            file = imports.receive(
                told["file"],
                told["kind"],
                request.user,
                told["file"].name,
                options=options,
                from_source=told.get("source") or "",
            )
            if file.pk <= newest:
                self.same(file, told)
                return self.shown(file.pk)
            self.describe(file, told)
        return self.shown(file.pk, 201)


class ImportDetail(ImportView):
    """One file."""

    @extend_schema(operation_id="imports_retrieve", responses=FileDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Where the file stands: its state, counts, missing rows, the newest run, and what may be done now."""
        return self.shown(pk)

    @extend_schema(operation_id="imports_update", request=LoadBody, responses=FileDetailSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Say the source, whether the file is everything, and its day; then it must be checked again."""
        file = self.changeable(pk)
        told = self.told(LoadBody)
        self.idle(file)
        self.describe(file, told)
        return self.shown(pk)


class ImportMapping(ImportView):
    """What the columns mean."""

    @extend_schema(operation_id="imports_mapping", responses=MappingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Every column with its meaning as proposed or told, everything a column can mean, and what is missing."""
        return Response(MappingSerializer(self.seen(pk)).data)

    @extend_schema(operation_id="imports_map", request=MappingBody, responses=MappingSerializer)
    @once
    def put(self, request: Request, pk: int) -> Response:
        """Say what the columns mean; a column that is not named is left out. 422 when something required is missing."""
        file = self.changeable(pk)
        told = self.told(MappingBody)
        self.idle(file)
        means = told.pop("mapping")
        if strange := sorted(means.keys() - set(file.columns)):
            raise runs.Refused(_("The file has no column %(names)s.") % {"names": ", ".join(strange[:20])})
        with transaction.atomic():
            mapped = dict.fromkeys(file.columns, mapping.LEFT_OUT) | means
            mapping.complete(imports.remap(file, mapped, file.options | told))
        return Response(MappingSerializer(self.seen(pk)).data)


class ImportCheck(ImportView):
    @extend_schema(operation_id="imports_check", request=None, responses=STARTED)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Check every row; nothing goes in. The report is there once the run is done."""
        file = self.changeable(pk)
        if file.state in (State.MERGED, State.UNDONE):
            raise runs.Refused(_("The file is merged or undone; there is nothing to check."))
        mapping.complete(file)
        return self.begin(file, "check")


class ImportReport(ImportView):
    @extend_schema(operation_id="imports_report", responses=ReportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What the check found: what the good rows would do, rows left out by reason with first examples, warnings."""
        file = self.seen(pk)
        found = {
            "rows": file.rows,
            "accepted": file.accepted,
            "rejected": file.rejected,
            "known": file.options.get("known"),
            "staying": file.options.get("staying", []),
            "missing": file.missing,
            "expected": reporting.expected(file),
            "reasons": reporting.by_reason(file),
            "warnings": reporting.by_reason(file, warnings=True),
        }
        return Response(ReportSerializer(found).data)


class ImportRejects(ImportView, generics.ListAPIView):
    """Rows that were left out, in the order of the file."""

    serializer_class = RejectSerializer
    queryset = ImportReject.objects.none()
    ordering = ("line",)

    def get_queryset(self) -> Any:
        asked = RejectQuery.of(self.request)
        return ImportReject.objects.filter(file=self.seen(self.kwargs["pk"]), **asked)

    @extend_schema(operation_id="imports_rejects", parameters=[RejectQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Rows that were left out, and those warned of, with line, column and reason, page by page."""
        response: Response = super().get(request, *args, **kwargs)
        return response


class ImportRejectsFile(ImportView):
    @extend_schema(operation_id="imports_rejects_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """All of them as a CSV that a spreadsheet reads as text; the download is on record."""
        return import_views.rejects_of(self.seen(pk), request.user)


class ImportConfirm(ImportView):
    @extend_schema(operation_id="imports_confirm", request=Confirmation, responses=STARTED)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Let the good rows in. A full load says what becomes of missing rows, and confirms their number when large."""
        file = self.changeable(pk)
        told = self.told(Confirmation)
        self.idle(file)
        if file.state != State.CHECKED:
            raise runs.Refused(_("Only a checked file can go in. Nothing was changed."))
        if file.missing and file.inserted is None:
            if "missing" not in told:
                raise runs.Refused(loads.objection(file) or _("Say what becomes of the missing rows."))
            loads.confirm(file, request.user, told["missing"], told.get("agreed"))
        return self.begin(file, "merge")


class ImportUndo(ImportView):
    @extend_schema(operation_id="imports_undo_preview", responses=UndoSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What undoing would do, or what stands in its way."""
        file = self.seen(pk)
        objection = undo.objection(file)
        standing = [] if objection else undo.standing(file)
        found = {
            "allowed": not objection and not standing,
            "objection": objection,
            "standing": standing,
            "removes": file.inserted or 0,
            "restores": file.updated or 0,
            "reopens": file.closed or 0,
        }
        return Response(UndoSerializer(found).data)

    @extend_schema(operation_id="imports_undo", request=None, responses=STARTED)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take the import back: all of it or nothing. 422 when other work stands on it or a later import came."""
        file = self.changeable(pk)
        self.idle(file)
        if sentence := undo.objection(file) or undo.refusal(undo.standing(file)):
            raise runs.Refused(sentence)
        return self.begin(file, "undo")


__all__ = [
    "ImportCheck",
    "ImportConfirm",
    "ImportDetail",
    "ImportList",
    "ImportMapping",
    "ImportRejects",
    "ImportRejectsFile",
    "ImportReport",
    "ImportUndo",
]
