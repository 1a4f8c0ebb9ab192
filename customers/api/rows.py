"""What belongs to one customer, row by row as the API shows it, and the filters of each list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from bankcrm.parsing import YEARS, KnownCode, Query
from customers.api.products import every_product
from customers.models import (
    ConsumerFinanceContract,
    Contact,
    ContactChannel,
    Holding,
    MonthlyBalance,
    TierChange,
    Transaction,
)
from customers.models import Response as CustomerResponse
from customers.models.transactions import Channel, MerchantCategory, TransactionKind

SINCE = gettext_lazy("first day")
UNTIL = gettext_lazy("last day")


class PeriodQuery(Query):
    """Days from ``since`` to ``until``, both included; either may be missing."""

    since = serializers.DateField(required=False, help_text=SINCE)
    until = serializers.DateField(required=False, help_text=UNTIL)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        for name in ("since", "until"):
            if name in asked and asked[name].year not in YEARS:
                raise serializers.ValidationError({name: [_("This day is on no calendar of the bank.")]})
        if "since" in asked and "until" in asked and asked["until"] < asked["since"]:
            raise serializers.ValidationError({"until": [_("The last day lies before the first.")]})
        return asked

    @staticmethod
    def within(asked: dict[str, Any], field: str) -> Q:
        """Rows whose ``field`` lies in the period."""
        found = Q()
        if "since" in asked:
            found &= Q(**{f"{field}__gte": asked["since"]})
        if "until" in asked:
            found &= Q(**{f"{field}__lte": asked["until"]})
        return found


class HoldingQuery(Query):
    open = serializers.BooleanField(required=False, help_text=gettext_lazy("held today, or no longer"))
    product = KnownCode(every_product, help_text=gettext_lazy("code"))


class TransactionQuery(PeriodQuery):
    kind = serializers.ChoiceField(choices=TransactionKind.choices, required=False)
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    category = serializers.ChoiceField(choices=MerchantCategory.choices, required=False)
    direction = serializers.ChoiceField(
        choices=[("in", gettext_lazy("money in")), ("out", gettext_lazy("money out"))], required=False
    )


class BalanceQuery(PeriodQuery):
    product = KnownCode(every_product, help_text=gettext_lazy("code"))


class ContactQuery(PeriodQuery):
    channel = serializers.ChoiceField(choices=ContactChannel.choices, required=False)


class ResponseQuery(PeriodQuery):
    kind = serializers.ChoiceField(choices=CustomerResponse.Kind.choices, required=False)


def held_on(day: dt.date) -> Q:
    """Contracts held on that day."""
    return (Q(closed_on__isnull=True) | Q(closed_on__gt=day)) & Q(opened_on__lte=day)


class HoldingSerializer(serializers.ModelSerializer):
    product = serializers.CharField(source="product.code", read_only=True)

    class Meta:
        model = Holding
        fields = [
            "id",
            "number",
            "product",
            "opened_on",
            "closed_on",
            "first_used_on",
            "matures_on",
            "amount",
            "instalment",
            "channel",
            "status",
        ]
        read_only_fields = fields


class BalanceSerializer(serializers.ModelSerializer):
    product = serializers.CharField(source="product.code", read_only=True)

    class Meta:
        model = MonthlyBalance
        fields = ["month", "product", "average", "computed_average", "closing"]
        read_only_fields = fields


class TransactionSerializer(serializers.ModelSerializer):
    # Read only as the rest, but the schema must know that they may be empty.
    channel = serializers.ChoiceField(choices=Channel.choices, allow_blank=True, read_only=True)
    merchant_category = serializers.ChoiceField(
        choices=MerchantCategory.choices, allow_blank=True, read_only=True
    )

    class Meta:
        model = Transaction
        fields = [
            "booked_on",
            "reference",
            "holding_number",
            "amount",
            "balance_after",
            "kind",
            "channel",
            "hour",
            "merchant_category",
            "counterparty",
            "counterparty_bank",
        ]
        read_only_fields = fields


class ContactSerializer(serializers.ModelSerializer):
    class Meta:
        model = Contact
        fields = [
            "contacted_on",
            "reference",
            "campaign_code",
            "treatment_code",
            "product_code",
            "channel",
            "outcome",
            "was_reached",
            "talk_seconds",
            "staff_number",
        ]
        read_only_fields = fields


class ResponseSerializer(serializers.ModelSerializer):
    class Meta:
        model = CustomerResponse
        fields = ["id", "responded_on", "campaign_code", "product_code", "kind", "how", "amount"]
        read_only_fields = fields


class ConsumerFinanceSerializer(serializers.ModelSerializer):
    class Meta:
        model = ConsumerFinanceContract
        fields = [
            "id",
            "number",
            "opened_on",
            "partner",
            "scene",
            "upfront_fee",
            "principal",
            "principal_outstanding",
            "overdue_days",
            "as_of",
        ]
        read_only_fields = fields


class TierChangeSerializer(serializers.ModelSerializer):
    class Meta:
        model = TierChange
        fields = ["month", "from_tier", "to_tier", "is_up", "reason", "amount", "threshold"]
        read_only_fields = fields
