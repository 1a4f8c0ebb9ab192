"""Whose customer somebody is and was, by API; branch managers name the backup."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm.idempotency import once
from bankcrm.models import User
from bankcrm.parsing import Strict
from customers import transfer
from customers.models import Customer, PortfolioMove

HISTORY = 100


class NumberField(serializers.CharField):
    """The employee number of a person, null for nobody."""

    def __init__(self, person: str) -> None:
        super().__init__(source=f"{person}.employee_number", default=None, read_only=True, allow_null=True)


class MoveSerializer(serializers.ModelSerializer):
    from_rm = NumberField("from_rm")
    to_rm = NumberField("to_rm")
    backup_before = NumberField("backup_before")
    backup_after = NumberField("backup_after")
    transfer = serializers.IntegerField(source="transfer_id", allow_null=True, read_only=True)
    file = serializers.IntegerField(
        source="file_id", allow_null=True, read_only=True, help_text=gettext_lazy("the import that did it")
    )
    reason = serializers.CharField(source="transfer.reason", default="", read_only=True)

    class Meta:
        model = PortfolioMove
        fields = [
            "id",
            "moved_at",
            "from_rm",
            "to_rm",
            "backup_before",
            "backup_after",
            "transfer",
            "file",
            "reason",
            "undone_at",
        ]
        read_only_fields = fields


class PortfolioSerializer(serializers.ModelSerializer):
    primary_rm = NumberField("primary_rm")
    backup_rm = NumberField("backup_rm")
    branch = serializers.CharField(source="home_branch.code", default=None, read_only=True, allow_null=True)
    history = serializers.SerializerMethodField(help_text=gettext_lazy("newest first, at most 100"))

    class Meta:
        model = Customer
        fields = ["primary_rm", "backup_rm", "branch", "history"]
        read_only_fields = fields

    @extend_schema_field(MoveSerializer(many=True))
    def get_history(self, customer: Customer) -> list[dict[str, Any]]:
        people = ("from_rm", "to_rm", "backup_before", "backup_after", "transfer")
        found = PortfolioMove.objects.filter(customer=customer).select_related(*people).order_by("-pk")
        return list(MoveSerializer(found[:HISTORY], many=True).data)


class BackupSerializer(Strict):
    backup = serializers.CharField(
        max_length=20, allow_null=True, help_text=gettext_lazy("an employee number; null: nobody")
    )


class CustomerPortfolio(APIView):
    @extend_schema(operation_id="customers_portfolio", responses=PortfolioSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Relationship manager, backup and branch of now, and every change by a transfer or an import."""
        return Response(PortfolioSerializer(self.customer(pk)).data)

    @extend_schema(operation_id="customers_backup", request=BackupSerializer, responses=PortfolioSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Name the backup, or nobody."""
        customer = self.customer(pk)
        sent = BackupSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        number, backup = sent.validated_data["backup"], None
        if number is not None:
            backup = User.objects.visible_to(request.user).filter(employee_number=number).first()
            if backup is None:
                raise serializers.ValidationError(
                    {"backup": [_("%(code)s is not known.") % {"code": number}]}
                )
        transfer.name_backup(request.user, customer, backup)
        return Response(PortfolioSerializer(self.customer(pk)).data)

    def customer(self, pk: int) -> Customer:
        seen = Customer.objects.visible_to(self.request.user)
        found: Customer = get_object_or_404(
            seen.select_related("primary_rm", "backup_rm", "home_branch"), pk=pk
        )
        return found
