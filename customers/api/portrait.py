"""Figures about one customer: the portrait from bookings, customers alike, and the timeline."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock
from bankcrm.amounts import Amount
from bankcrm.parsing import YEARS, Query
from customers import fields, kyc, peers, product_gap, timeline
from customers import portrait as portraits
from customers.models import Customer
from customers.portrait import Rhythm
from customers.tabs.seen import Seen, look
from customers.worth_knowing import worth_knowing

MOST_SENTENCES = 20


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "oneOf": [{"type": "number"}, {"type": "string", "format": "decimal"}],
        },
    }
)
class FigureDict(serializers.DictField):
    """Figures by code of the catalogue: amounts are strings with two places, counts are numbers."""

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        catalogue = fields.everything()
        return {
            code: Amount().to_representation(figure)
            if code in catalogue and catalogue[code].type == fields.Type.MONEY
            else float(figure)
            for code, figure in value.items()
        }


class MonthSerializer(serializers.Serializer):
    month = serializers.DateField(source="first", help_text=gettext_lazy("first day of the month"))
    money_in = Amount()
    money_out = Amount()
    bookings = serializers.IntegerField(source="number")


class CounterpartySerializer(serializers.Serializer):
    name = serializers.CharField()
    money_in = Amount()
    money_out = Amount()
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
    amount = Amount(help_text=gettext_lazy("median; minus is a payment"))
    bookings = serializers.IntegerField(source="number")
    last_on = serializers.DateField(source="last")
    next_on = serializers.DateField()
    is_late = serializers.BooleanField()


class UnusualSerializer(serializers.Serializer):
    booked_on = serializers.DateField(source="day")
    amount = Amount()
    usual = Amount(help_text=gettext_lazy("median of the customer's own in that direction"))
    limit = Amount()
    kind = serializers.CharField()
    counterparty = serializers.CharField()
    is_new = serializers.BooleanField(
        help_text=gettext_lazy("nothing was booked with this other side before")
    )


class PortraitSerializer(serializers.Serializer):
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    known_to = serializers.DateField(
        help_text=gettext_lazy("nothing is known of later days: what has not come by then is not late")
    )
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


class GapSerializer(serializers.Serializer):
    product = serializers.CharField(source="held.code")
    share = serializers.FloatField(
        source="held.share", help_text=gettext_lazy("of customers alike who hold it")
    )
    hindrance = serializers.CharField(help_text=gettext_lazy("why it may not be offered now; empty: it may"))


class PeersSerializer(serializers.Serializer):
    month = serializers.DateField()
    level = serializers.CharField(help_text=gettext_lazy("what the customers compared with have in common"))
    customers = serializers.IntegerField()
    tier = serializers.CharField(allow_null=True)
    ages = serializers.ListField(
        child=serializers.IntegerField(), allow_null=True, help_text=gettext_lazy("first and last")
    )
    averages = FigureDict()
    asset_shares = serializers.DictField(child=serializers.FloatField())
    holders = serializers.DictField(
        child=serializers.FloatField(), help_text=gettext_lazy("product code → share of those customers")
    )
    own = FigureDict(help_text=gettext_lazy("the customer's own figures, as in averages"))
    usually_also_hold = GapSerializer(
        many=True, help_text=gettext_lazy("on sale, held by one in five of them and not by the customer")
    )


class EntrySerializer(serializers.Serializer):
    day = serializers.DateField()
    kind = serializers.CharField()
    what = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)
    amount = serializers.SerializerMethodField()
    talk_seconds = serializers.SerializerMethodField(help_text=gettext_lazy("of a contact, where noted"))
    rows = serializers.SerializerMethodField(help_text=gettext_lazy("of this customer in the imported file"))

    @extend_schema_field(Amount(allow_null=True))
    def get_amount(self, entry: timeline.Entry) -> str | None:
        is_money = entry.amount is not None and not entry.kind.startswith(("contact_", "import_"))
        return str(Amount().to_representation(entry.amount)) if is_money else None

    def get_talk_seconds(self, entry: timeline.Entry) -> int | None:
        return _count(entry, "contact_")

    def get_rows(self, entry: timeline.Entry) -> int | None:
        return _count(entry, "import_")


def _count(entry: timeline.Entry, kind: str) -> int | None:
    return int(entry.amount) if entry.amount is not None and entry.kind.startswith(kind) else None


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


def seen_of(request: Request, pk: int) -> Seen:
    """What the page of the customer knows; raises Http404 out of sight."""
    found = kyc.found(request.user, pk)
    if found is None:
        raise Http404
    return look(request.user, found)


class WorthSerializer(serializers.Serializer):
    text = serializers.CharField()
    tone = serializers.CharField(help_text=gettext_lazy("warn where something may go wrong"))
    rule = serializers.CharField(help_text=gettext_lazy("when the sentence appears"))


class WorthKnowing(APIView):
    """What to know before a call."""

    @extend_schema(operation_id="customers_worth_knowing", responses=WorthSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """A sentence for every stated rule that holds, the most pressing first."""
        found = worth_knowing(seen_of(request, pk), most=MOST_SENTENCES)
        return Response(WorthSerializer(found, many=True).data)


class Portrait(APIView):
    """What a customer's own bookings of the last year say."""

    @extend_schema(operation_id="customers_portrait", responses=PortraitSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Money by month, other sides, channels and hours, regular incomes and payments, unusual movements."""
        seen = seen_of(request, pk)
        movements = seen.movements
        found = {
            "first_on": movements.first,
            "last_on": movements.last,
            "known_to": movements.known_to,
            "is_cut": movements.is_cut,
            "months": portraits.by_month(movements),
            "counterparties": portraits.counterparties(movements),
            "channels": portraits.by_channel(movements),
            "footprint": portraits.footprint(movements).tolist(),
            "regular": seen.series,
            "unusual": seen.unusual,
        }
        return Response(PortraitSerializer(found).data)


class CustomerPeers(APIView):
    """Customers like this one."""

    @extend_schema(operation_id="customers_peers", responses=PeersSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Averages of the same tier and age beside the own figures; 404 without a profile or without enough peers."""
        seen = seen_of(request, pk)
        own, alike = seen.profile, seen.peers
        if own is None or alike is None:
            raise Http404
        found = {
            "month": own.month,
            "level": alike.level,
            "customers": alike.count,
            "tier": alike.tier,
            "ages": alike.band,
            "averages": alike.averages,
            "asset_shares": alike.shares,
            "holders": {one.code: one.share for one in alike.held},
            "own": {code: getattr(own, code) for code in peers.AVERAGED},
            "usually_also_hold": product_gap.gap(own, alike, seen.relation),
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
