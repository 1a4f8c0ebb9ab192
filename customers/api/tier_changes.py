"""Who moved to another tier, by API: the rows of the page, with its filters."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bankcrm.models import BranchLink
from bankcrm.parsing import KnownCode, Query
from bankcrm.people_api import every_branch
from customers import tier_changes
from customers.api.rows import TierChangeSerializer
from customers.models import TierChange


class MovedSerializer(TierChangeSerializer):
    number = serializers.CharField(source="customer.number", read_only=True)

    class Meta:
        model = TierChange
        fields = ["customer", "number", *TierChangeSerializer.Meta.fields]
        read_only_fields = fields


class MovedQuery(Query):
    month = serializers.DateField(required=False, help_text="a month-end; absent: the newest with changes")
    way = serializers.ChoiceField(choices=["up", "down"], required=False)
    reason = serializers.ChoiceField(choices=TierChange.Reason.choices, required=False)
    branch = KnownCode(every_branch, max_length=20, help_text="a code, with what is below it")


class TierChangeList(generics.ListAPIView):
    serializer_class = MovedSerializer
    queryset = TierChange.objects.none()
    ordering = ("-amount", "-pk")

    @extend_schema(operation_id="tier_changes_list", parameters=[MovedQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Customers in sight who moved to another tier at a month-end, the largest first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        asked = MovedQuery.of(self.request)
        if "month" not in asked:
            asked["month"] = next(iter(tier_changes.months()), None)
        below = None
        if branch := asked.pop("branch", ""):
            links = BranchLink.objects.filter(ancestor__code=branch)
            below = list(links.values_list("descendant_id", flat=True))
        return tier_changes.seen(self.request.user, asked, below).select_related("customer")
