"""Lists of what belongs to one customer, newest first, page by page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from bankcrm import clock
from bankcrm.parsing import Query
from customers.api import rows
from customers.api.serializers import ProfileSerializer
from customers.models import (
    ConsumerFinanceContract,
    Contact,
    Customer,
    CustomerProfile,
    Holding,
    MonthlyBalance,
    TierChange,
    Transaction,
)
from customers.models import Response as CustomerResponse


def called(operation: str, query: type[Query] | None = None) -> Callable[[Any], Any]:
    """Decorator of a list: its name in the schema, which is a promise, and its filters."""
    return extend_schema_view(
        get=extend_schema(operation_id=operation, parameters=[query] if query else None)
    )


class OfCustomer(generics.ListAPIView, ABC):
    """Rows of one customer; of one out of sight there is nothing to be found."""

    # For the schema, which asks whose number stands in the address.
    queryset = Customer.objects.none()
    asks: type[Query] = Query

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        get_object_or_404(Customer.objects.visible_to(request.user).only("pk"), pk=self.kwargs["pk"])
        response: Response = super().list(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        return self.found(self.asks.of(self.request)).filter(customer_id=self.kwargs["pk"])

    @abstractmethod
    def found(self, asked: dict[str, Any]) -> Any:
        """Everybody's rows that pass the filters."""


@called("customers_profiles", rows.PeriodQuery)
class Profiles(OfCustomer):
    """The exportable profile fields of every month, newest first."""

    serializer_class = ProfileSerializer
    ordering = ("-month", "-customer_id")
    page_size = 12
    asks = rows.PeriodQuery

    def found(self, asked: dict[str, Any]) -> Any:
        return CustomerProfile.objects.filter(rows.PeriodQuery.within(asked, "month"))


@called("customers_holdings", rows.HoldingQuery)
class Holdings(OfCustomer):
    """Contracts, the newest first; today's and those that ended."""

    serializer_class = rows.HoldingSerializer
    ordering = ("-opened_on", "-pk")
    orderings = {
        "opened": ("opened_on", "pk"),
        "maturity": ("matures_on", "pk"),
        "amount": ("amount", "pk"),
    }
    asks = rows.HoldingQuery

    def found(self, asked: dict[str, Any]) -> Any:
        found = Holding.objects.select_related("product")
        if "open" in asked:
            held = rows.held_on(clock.today())
            found = found.filter(held if asked["open"] else ~held)
        return found.filter(product__code=asked["product"]) if "product" in asked else found


@called("customers_balances", rows.BalanceQuery)
class Balances(OfCustomer):
    """Balances by month and product, newest month first: the average of the days and the month-end."""

    serializer_class = rows.BalanceSerializer
    ordering = ("-month", "-customer_id", "-product_id")
    asks = rows.BalanceQuery

    def found(self, asked: dict[str, Any]) -> Any:
        found = MonthlyBalance.objects.select_related("product").filter(
            rows.PeriodQuery.within(asked, "month")
        )
        return found.filter(product__code=asked["product"]) if "product" in asked else found


@called("customers_transactions", rows.TransactionQuery)
class Transactions(OfCustomer):
    """Bookings, newest first; minus is money out."""

    serializer_class = rows.TransactionSerializer
    ordering = ("-booked_on", "-reference")
    asks = rows.TransactionQuery

    def found(self, asked: dict[str, Any]) -> Any:
        found = Transaction.objects.filter(rows.PeriodQuery.within(asked, "booked_on"))
        for name, field in (("kind", "kind"), ("channel", "channel"), ("category", "merchant_category")):
            if name in asked:
                found = found.filter(**{field: asked[name]})
        if "direction" in asked:
            found = found.filter(amount__gt=0) if asked["direction"] == "in" else found.filter(amount__lt=0)
        return found


@called("customers_contacts", rows.ContactQuery)
class Contacts(OfCustomer):
    """Every contact of every campaign, newest first."""

    serializer_class = rows.ContactSerializer
    ordering = ("-contacted_on", "-reference")
    asks = rows.ContactQuery

    def found(self, asked: dict[str, Any]) -> Any:
        found = Contact.objects.filter(rows.PeriodQuery.within(asked, "contacted_on"))
        return found.filter(channel=asked["channel"]) if "channel" in asked else found


@called("customers_responses", rows.ResponseQuery)
class Responses(OfCustomer):
    """What the customer answered to offers, newest first."""

    serializer_class = rows.ResponseSerializer
    ordering = ("-responded_on", "-pk")
    asks = rows.ResponseQuery

    def found(self, asked: dict[str, Any]) -> Any:
        found = CustomerResponse.objects.filter(rows.PeriodQuery.within(asked, "responded_on"))
        return found.filter(kind=asked["kind"]) if "kind" in asked else found


@called("customers_consumer_finance")
class ConsumerFinance(OfCustomer):
    """Consumer-finance contracts as they stand: fee up front, principal outstanding, days overdue."""

    serializer_class = rows.ConsumerFinanceSerializer
    ordering = ("-opened_on", "-pk")

    def found(self, asked: dict[str, Any]) -> Any:
        return ConsumerFinanceContract.objects.all()


@called("customers_tier_changes")
class TierChanges(OfCustomer):
    """Every move to another tier, newest first, with what it was decided on."""

    serializer_class = rows.TierChangeSerializer
    ordering = ("-month", "-pk")

    def found(self, asked: dict[str, Any]) -> Any:
        return TierChange.objects.all()
