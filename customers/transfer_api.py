"""Portfolio transfers by API: preview, order, undo, cancel. The same verbs and rights as the pages; counts only."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm.idempotency import once
from bankcrm.models import Branch, User
from bankcrm.parsing import Query, Strict
from customers import transfer
from customers import transfer_plan as planning
from customers.models import Customer, PortfolioTransfer


class TransferSerializer(serializers.ModelSerializer):
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)

    class Meta:
        model = PortfolioTransfer
        fields = [
            "id",
            "state",
            "reason",
            "effective_on",
            "open_leads",
            "changes_branch",
            "requested_by",
            "created_at",
            "done_at",
            "ended_at",
            "result",
        ]
        read_only_fields = fields


class ChoiceSerializer(Strict):
    """Whose customers go to whom. People by employee number, branches by code, customers by number."""

    sources = serializers.ListField(child=serializers.CharField(max_length=20), default=list, max_length=200)
    receivers = serializers.ListField(
        child=serializers.CharField(max_length=20), default=list, max_length=200
    )
    spread_over = serializers.CharField(max_length=20, required=False)
    without_manager_in = serializers.CharField(max_length=20, required=False)
    tier = serializers.CharField(max_length=20, default="")
    branch = serializers.CharField(max_length=20, required=False)
    customers = serializers.ListField(
        child=serializers.CharField(max_length=32), required=False, max_length=5000
    )
    open_leads = serializers.ChoiceField(
        choices=PortfolioTransfer.OpenLeads.choices, default=PortfolioTransfer.OpenLeads.MOVE
    )
    changes_branch = serializers.BooleanField(default=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        user = self.context["request"].user
        staff = dict(User.objects.visible_to(user).values_list("employee_number", "pk"))
        for name in ("sources", "receivers"):
            data[name] = tuple(self._known(staff, number, name) for number in data[name])
        branches = dict(Branch.objects.values_list("code", "pk"))
        for name in ("spread_over", "without_manager_in", "branch"):
            if name in data:
                data[name] = self._known(branches, data[name], name)
        if "customers" in data:
            data["customers"] = self._customers(data)
        data["nobody_in"] = data.pop("without_manager_in", None)
        return data

    def _known(self, known: dict[str, int], code: str, name: str) -> int:
        if code not in known:
            raise serializers.ValidationError({name: [_("%(code)s is not known.") % {"code": code}]})
        return known[code]

    def _customers(self, data: dict[str, Any]) -> tuple[int, ...]:
        found = dict(
            Customer.objects.active()
            .filter(primary_rm__in=data["sources"], number__in=data["customers"])
            .values_list("number", "pk")
        )
        for number in data["customers"]:
            self._known(found, number, "customers")
        return tuple(sorted(found.values()))


class ShareSerializer(serializers.Serializer):
    employee_number = serializers.CharField(source="rm.employee_number")
    name = serializers.CharField(source="rm.full_name")
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    portfolio_size = serializers.IntegerField(source="rm.portfolio_size")
    is_over = serializers.BooleanField()


class PreviewSerializer(serializers.Serializer):
    customers = serializers.IntegerField()
    aum = serializers.DecimalField(max_digits=20, decimal_places=2)
    losing_backup = serializers.IntegerField()
    giving = ShareSerializer(many=True)
    receiving = ShareSerializer(many=True)
    along = serializers.DictField(child=serializers.IntegerField())
    token = serializers.CharField()


class OrderSerializer(Strict):
    token = serializers.CharField(max_length=200_000)
    reason = serializers.CharField(max_length=300)
    effective_on = serializers.DateField(required=False)


class TransferQuery(Query):
    state = serializers.ChoiceField(choices=PortfolioTransfer.State.choices, required=False)


def _visible(request: Request) -> Any:
    return PortfolioTransfer.objects.visible_to(request.user).select_related("requested_by")


class TransferList(generics.ListAPIView):
    serializer_class = TransferSerializer
    queryset = PortfolioTransfer.objects.none()
    ordering = ("-pk",)

    @extend_schema(operation_id="transfers_list", parameters=[TransferQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Transfers planned and done, newest first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        return _visible(self.request).filter(**TransferQuery.of(self.request))

    @extend_schema(
        operation_id="transfers_order", request=OrderSerializer, responses={201: TransferSerializer}
    )
    @once
    def post(self, request: Request) -> Response:
        """Carry out what a preview showed, now or on a day; 409 when the customers changed since."""
        sent = OrderSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        done = transfer.order(request.user, asked["token"], asked["reason"], asked.get("effective_on"))
        return Response(TransferSerializer(done).data, status=201)


class TransferPreview(APIView):
    @extend_schema(operation_id="transfers_preview", request=ChoiceSerializer, responses=PreviewSerializer)
    @once
    def post(self, request: Request) -> Response:
        """What a transfer would do: customers, AUM, open leads, loads before and after. Changes nothing."""
        sent = ChoiceSerializer(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        shown = planning.preview(request.user, planning.Choice(**sent.validated_data))
        return Response(PreviewSerializer(shown).data)


class TransferDetail(APIView):
    @extend_schema(operation_id="transfers_retrieve", responses=TransferSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One transfer, with how many each gave and took."""
        return Response(TransferSerializer(get_object_or_404(_visible(request), pk=pk)).data)


class TransferUndo(APIView):
    @extend_schema(operation_id="transfers_undo", request=None, responses=TransferSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Give the customers back, apart from those something else happened to since."""
        return Response(TransferSerializer(transfer.undo(request.user, pk)).data)


class TransferCancel(APIView):
    @extend_schema(operation_id="transfers_cancel", request=None, responses=TransferSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take a planned transfer back before its day."""
        return Response(TransferSerializer(transfer.cancel(request.user, pk)).data)
