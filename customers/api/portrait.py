"""Figures about one customer: the portrait from bookings, customers alike, and the timeline."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock
from bankcrm.parsing import YEARS, Query
from customers import peers, profile, timeline
from customers import portrait as portraits
from customers.models import Customer, CustomerProfile
from customers.portrait import Rhythm


class MonthSerializer(serializers.Serializer):
    month = serializers.DateField(source="first", help_text=gettext_lazy("first day of the month"))
    money_in = serializers.FloatField()
    money_out = serializers.FloatField()
    bookings = serializers.IntegerField(source="number")


class CounterpartySerializer(serializers.Serializer):
    name = serializers.CharField()
    money_in = serializers.FloatField()
    money_out = serializers.FloatField()
    bookings = serializers.IntegerField(source="number")
    first_on = serializers.DateField(source="first")
    last_on = serializers.DateField(source="last")


class ChannelUseSerializer(serializers.Serializer):
    channel = serializers.CharField(source="code")
    bookings = serializers.IntegerField(source="number")
    hours = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text=gettext_lazy("the two hours most of them fall in, from and before"),
    )


class RegularSerializer(serializers.Serializer):
    counterparty = serializers.CharField()
    kind = serializers.CharField()
    category = serializers.CharField()
    rhythm = serializers.ChoiceField(choices=Rhythm.choices)
    amount = serializers.FloatField(help_text=gettext_lazy("median; minus is a payment"))
    bookings = serializers.IntegerField(source="number")
    last_on = serializers.DateField(source="last")
    next_on = serializers.DateField()
    is_late = serializers.BooleanField()


class UnusualSerializer(serializers.Serializer):
    booked_on = serializers.DateField(source="day")
    amount = serializers.FloatField()
    usual = serializers.FloatField(help_text=gettext_lazy("median of the customer's own in that direction"))
    limit = serializers.FloatField()
    kind = serializers.CharField()
    counterparty = serializers.CharField()
    is_new = serializers.BooleanField(
        help_text=gettext_lazy("nothing was booked with this other side before")
    )


class PortraitSerializer(serializers.Serializer):
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    is_cut = serializers.BooleanField(help_text=gettext_lazy("more bookings than were read; the oldest miss"))
    months = MonthSerializer(many=True)
    counterparties = CounterpartySerializer(many=True)
    channels = ChannelUseSerializer(many=True)
    footprint = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text=gettext_lazy("bookings by weekday, Monday first, and by spans of two hours"),
    )
    regular = RegularSerializer(many=True)
    unusual = UnusualSerializer(many=True)


class PeersSerializer(serializers.Serializer):
    month = serializers.DateField()
    level = serializers.CharField(help_text=gettext_lazy("what the customers compared with have in common"))
    customers = serializers.IntegerField()
    tier = serializers.CharField(allow_null=True)
    ages = serializers.ListField(
        child=serializers.IntegerField(), allow_null=True, help_text=gettext_lazy("first and last")
    )
    averages = serializers.DictField(child=serializers.FloatField())
    asset_shares = serializers.DictField(child=serializers.FloatField())
    holders = serializers.DictField(
        child=serializers.FloatField(), help_text=gettext_lazy("product code → share of those customers")
    )
    own = serializers.DictField(
        child=serializers.FloatField(), help_text=gettext_lazy("the customer's own figures, as in averages")
    )
    not_held = serializers.ListField(
        child=serializers.CharField(),
        help_text=gettext_lazy(
            "products that customers alike hold and this one does not, the commonest first"
        ),
    )


class EntrySerializer(serializers.Serializer):
    day = serializers.DateField()
    kind = serializers.CharField()
    what = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)
    amount = serializers.FloatField(allow_null=True)


class TimelineSerializer(serializers.Serializer):
    entries = EntrySerializer(many=True)
    next = serializers.CharField(
        allow_null=True, help_text=gettext_lazy("send it as after for older entries")
    )


class TimelineQuery(Query):
    until = serializers.DateField(required=False, help_text=gettext_lazy("absent: today"))
    group = serializers.ChoiceField(choices=timeline.Group.choices, required=False)
    after = serializers.CharField(
        required=False, max_length=200, help_text=gettext_lazy("next of a page before")
    )

    def validate_until(self, day: dt.date) -> dt.date:
        if day.year not in YEARS:
            raise serializers.ValidationError(_("This day is on no calendar of the bank."))
        return day

    def validate_after(self, text: str) -> timeline.Place:
        place = timeline.place_of(text)
        if place is None:
            raise serializers.ValidationError(_("This is no place of a timeline."))
        return place


def customer_of(request: Request, pk: int) -> Customer:
    """Raises Http404 out of sight."""
    found: Customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    return found


class Portrait(APIView):
    """What a customer's own bookings of the last year say."""

    @extend_schema(operation_id="customers_portrait", responses=PortraitSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Money by month, other sides, channels and hours, regular incomes and payments, unusual movements."""
        movements = portraits.read(customer_of(request, pk).pk, clock.today())
        series = portraits.regular(movements)
        found = {
            "first_on": movements.first,
            "last_on": movements.last,
            "is_cut": movements.is_cut,
            "months": portraits.by_month(movements),
            "counterparties": portraits.counterparties(movements),
            "channels": portraits.by_channel(movements),
            "footprint": portraits.footprint(movements).tolist(),
            "regular": series,
            "unusual": portraits.unusual(movements, series),
        }
        return Response(PortraitSerializer(found).data)


class CustomerPeers(APIView):
    """Customers like this one."""

    @extend_schema(operation_id="customers_peers", responses=PeersSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Averages of the same tier and age beside the own figures; 404 without a profile or without enough peers."""
        customer = customer_of(request, pk)
        month = profile.latest_month()
        own = CustomerProfile.objects.filter(customer=customer, month=month).first() if month else None
        alike = peers.of(own) if own else None
        if own is None or alike is None:
            raise Http404
        holders = sorted(alike.held.items(), key=lambda each: (-each[1], each[0]))
        found = {
            "month": own.month,
            "level": alike.level,
            "customers": alike.count,
            "tier": alike.tier,
            "ages": alike.band,
            "averages": alike.averages,
            "asset_shares": alike.shares,
            "holders": dict(holders),
            "own": {code: getattr(own, code) for code in peers.AVERAGED},
            "not_held": [code for code, _share in holders if code not in own.held_products],
        }
        return Response(PeersSerializer(found).data)


class Timeline(APIView):
    """What happened with a customer."""

    @extend_schema(
        operation_id="customers_timeline", parameters=[TimelineQuery], responses=TimelineSerializer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Contracts, contacts, responses, campaigns, consents, tiers, relation and imports, newest first, 50 a page."""
        asked: dict[str, Any] = TimelineQuery.of(request)
        entries = timeline.timeline(
            request.user,
            customer_of(request, pk),
            asked.get("until", clock.today()),
            timeline.MOST + 1,
            groups=[timeline.Group(asked["group"])] if "group" in asked else None,
            after=asked.get("after"),
        )
        shown = entries[: timeline.MOST]
        more = shown[-1].place if len(entries) > timeline.MOST else None
        return Response(TimelineSerializer({"entries": shown, "next": more}).data)
