"""The API of consents and quiet periods of one customer: what holds, what was said, and recording a word."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm.idempotency import once
from bankcrm.parsing import Strict
from customers import consents
from customers.consents import Word
from customers.models import Consent, ConsentEvent, Customer, QuietPeriod

HISTORY = 100


class ConsentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Consent
        fields = ["channel", "purpose", "is_objection", "since", "source", "evidence"]
        read_only_fields = fields


class ConsentEventSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.employee_number", default=None, read_only=True, allow_null=True)

    class Meta:
        model = ConsentEvent
        fields = ["id", "channel", "purpose", "said", "since", "source", "evidence", "by", "at"]
        read_only_fields = fields


class ConsentsSerializer(serializers.Serializer):
    do_not_contact = serializers.BooleanField(help_text=_("on every channel, for every purpose"))
    current = ConsentSerializer(many=True, help_text=_("the latest word on each channel and purpose"))
    history = ConsentEventSerializer(many=True, help_text=_("newest first, at most 100"))


class WordSerializer(Strict):
    """One word of the customer."""

    channel = serializers.ChoiceField(choices=Consent._meta.get_field("channel").choices)
    purpose = serializers.ChoiceField(choices=Consent._meta.get_field("purpose").choices)
    objects = serializers.BooleanField(help_text=_("false: agrees, or withdraws an objection"))
    since = serializers.DateField(help_text=_("the day it was said"))
    source = serializers.CharField(max_length=60, required=False, default="")
    evidence = serializers.CharField(
        max_length=200, required=False, default="", help_text=_("needed to withdraw an objection")
    )


class RecordedSerializer(ConsentsSerializer):
    leads_ended = serializers.IntegerField(help_text=_("open leads that the word ended"))


class QuietPeriodSerializer(Strict, serializers.ModelSerializer):
    recorded_by = serializers.CharField(
        source="recorded_by.employee_number", default=None, read_only=True, allow_null=True
    )

    class Meta:
        model = QuietPeriod
        fields = [
            "id",
            "first_day",
            "last_day",
            "reason",
            "source",
            "recorded_by",
            "recorded_at",
            "lifted_at",
        ]
        read_only_fields = ["id", "recorded_by", "recorded_at", "lifted_at"]


class CustomerView(APIView):
    def customer(self, pk: int) -> Customer:
        """Raises Http404 out of sight."""
        found: Customer = get_object_or_404(Customer.objects.visible_to(self.request.user), pk=pk)
        return found


class Consents(CustomerView):
    """What a customer said about being contacted."""

    @extend_schema(operation_id="customers_consents", responses=ConsentsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What holds now and every word before it, newest first."""
        return Response(_shown(self.customer(pk)))

    @extend_schema(
        operation_id="customers_consents_record", request=WordSerializer, responses={201: RecordedSerializer}
    )
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Record a word. An objection holds at once: open leads it forbids end in the same transaction."""
        customer = self.customer(pk)
        sent = WordSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        done = consents.record(customer.pk, request.user, Word(**sent.validated_data))
        return Response(_shown(customer) | {"leads_ended": done.stopped}, status=201)


class QuietPeriods(CustomerView):
    """Days on which a customer is left alone."""

    @extend_schema(operation_id="customers_quiet_periods", responses=QuietPeriodSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The newest hundred, those that are over or were lifted included."""
        found = QuietPeriod.objects.filter(customer=self.customer(pk)).select_related("recorded_by")
        return Response(QuietPeriodSerializer(found.order_by("-id")[:HISTORY], many=True).data)

    @extend_schema(
        operation_id="customers_quiet_period_create",
        request=QuietPeriodSerializer,
        responses={201: QuietPeriodSerializer},
    )
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Leave the customer alone on these days; open leads come back the day after."""
        customer = self.customer(pk)
        sent = QuietPeriodSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        period = consents.rest(customer.pk, request.user, **sent.validated_data)
        return Response(QuietPeriodSerializer(period).data, status=201)


class Lift(APIView):
    """The end of a quiet period before its time."""

    @extend_schema(operation_id="customers_quiet_period_lift", request=None, responses=QuietPeriodSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """End it now; what waited for its end goes on. Lifted twice is lifted once."""
        return Response(QuietPeriodSerializer(consents.lift(pk, request.user)).data)


class UndoWord(APIView):
    """One's own last word on a customer taken back."""

    @extend_schema(operation_id="customers_consents_undo", request=None, responses=ConsentsSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take your last entry (its id in the history) back within the hour: the word before it holds again."""
        customer = consents.undo(pk, request.user)
        return Response(_shown(Customer.objects.get(pk=customer)))


def _shown(customer: Customer) -> dict[str, Any]:
    said = list(Consent.objects.filter(customer=customer).order_by("channel", "purpose"))
    events = ConsentEvent.objects.filter(customer=customer).select_related("by").order_by("-id")
    return ConsentsSerializer(
        {
            "do_not_contact": any(one.is_do_not_contact for one in said),
            "current": said,
            "history": list(events[:HISTORY]),
        }
    ).data
