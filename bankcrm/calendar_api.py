"""The working calendar by API: days that are not what their weekday says."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import people
from bankcrm.idempotency import once
from bankcrm.models import Branch, Holiday
from bankcrm.parsing import YEARS, Query, Strict
from bankcrm.people_forms import HolidayForm


class SpecialDaySerializer(serializers.ModelSerializer):
    branch = serializers.CharField(source="branch.code", default=None, read_only=True, allow_null=True)

    class Meta:
        model = Holiday
        fields = ["id", "day", "name", "works_as", "branch"]
        read_only_fields = fields
        extra_kwargs = {"works_as": {"help_text": gettext_lazy("0 Monday … 4 Friday; null: nobody works")}}


class NewSpecialDaySerializer(Strict):
    day = serializers.DateField(
        validators=[
            MinValueValidator(dt.date(YEARS.start, 1, 1)),
            MaxValueValidator(dt.date(YEARS.stop - 1, 12, 31)),
        ]
    )
    name = serializers.CharField(max_length=60)
    works_as = serializers.IntegerField(min_value=0, max_value=4, required=False, allow_null=True)
    branch = serializers.CharField(
        max_length=20,
        required=False,
        allow_null=True,
        help_text=gettext_lazy("the code of a branch, for it and all below it; absent: the whole bank"),
    )

    def validate_branch(self, code: str | None) -> int | None:
        if code is None:
            return None
        found = Branch.objects.filter(code=code, closed_on__isnull=True).first()
        if found is None:
            raise serializers.ValidationError(_("%(code)s is not known.") % {"code": code})
        return int(found.pk)


class SpecialDayQuery(Query):
    year = serializers.IntegerField(min_value=YEARS.start, max_value=YEARS.stop - 1, required=False)


class SpecialDays(generics.ListAPIView):
    serializer_class = SpecialDaySerializer
    queryset = Holiday.objects.none()
    ordering = ("-day", "-pk")

    @extend_schema(operation_id="special_days_list", parameters=[SpecialDayQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Holidays and make-up working days, of the bank and of single branches, the latest first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        found = Holiday.objects.select_related("branch")
        year = SpecialDayQuery.of(self.request).get("year")
        return found.filter(day__year=year) if year else found

    @extend_schema(
        operation_id="special_days_create",
        request=NewSpecialDaySerializer,
        responses={201: SpecialDaySerializer},
    )
    @once
    def post(self, request: Request) -> Response:
        """Make a day a holiday, or a weekend worked like some weekday."""
        sent = NewSpecialDaySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        form = HolidayForm(sent.validated_data)
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        return Response(
            SpecialDaySerializer(people.save_holiday(form.instance, request.user)).data, status=201
        )


class SpecialDay(APIView):
    @extend_schema(operation_id="special_days_remove", request=None, responses={204: None})
    @once
    def delete(self, request: Request, pk: int) -> Response:
        """Make the day what its weekday says again."""
        people.remove_holiday(get_object_or_404(Holiday, pk=pk).pk, request.user)
        return Response(status=204)
