"""Customers: the list, finding one, one of them, and a number in full."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock
from bankcrm.models import User
from bankcrm.parsing import KnownCode, Query
from bankcrm.people_api import every_branch
from bankcrm.problems import Problem
from customers import kyc, portfolio, profile, search
from customers import reveal as revealing
from customers.api.serializers import (
    CustomerDetailSerializer,
    CustomerSerializer,
    RevealedSerializer,
    RevealSerializer,
    SearchSerializer,
)
from customers.forms import RevealForm
from customers.grades import LoyaltyGrade
from customers.models import Customer, TierRule
from customers.reveal import Secret

NOT_KEPT = {"Cache-Control": "no-store, private"}


def _managers(user: User) -> QuerySet[User]:
    """Colleagues in sight and whoever else has customers in sight, such as those one stands in for."""
    held = Customer.objects.visible_to(user).filter(primary_rm=OuterRef("pk"))
    return User.objects.filter(
        Q(pk__in=User.objects.visible_to(user).relationship_managers().values("pk")) | Exists(held)
    )


class CustomerQuery(Query):
    branch = KnownCode(every_branch, max_length=20, help_text=_("code; with the branches below it"))
    rm = KnownCode(
        _managers,
        "employee_number",
        max_length=20,
        help_text=_("employee number of the relationship manager"),
    )
    tier = KnownCode(lambda _user: TierRule.objects.all(), max_length=20)
    loyalty = serializers.ChoiceField(choices=LoyaltyGrade.choices, required=False)
    maturing = serializers.BooleanField(
        required=False, help_text=_("something matures within 30 days of the business day")
    )
    falling = serializers.BooleanField(required=False, help_text=_("fewer assets than three months ago"))
    idle = serializers.BooleanField(required=False, help_text=_("never contacted"))


class CustomerList(generics.ListAPIView):
    """Customers the caller may see, with the figures of the latest month; phone and identity numbers are masked."""

    serializer_class = CustomerSerializer
    queryset = Customer.objects.none()
    ordering = ("number",)
    orderings = {
        "number": ("number",),
        "aum": ("assets", "pk"),
        "change": ("change", "pk"),
        "maturity": ("next_maturity_on", "pk"),
    }

    @extend_schema(operation_id="customers_list", parameters=[CustomerQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        seen = portfolio.with_profile(
            Customer.objects.visible_to(self.request.user).active(), profile.latest_month(), clock.today()
        )
        return portfolio.narrowed(seen, CustomerQuery.of(self.request)).select_related(
            "home_branch", "primary_rm"
        )


class CustomerSearch(APIView):
    """Finding a customer; by POST, so that no name or number stands in an address or a log."""

    @extend_schema(
        operation_id="customers_search", request=SearchSerializer, responses=CustomerSerializer(many=True)
    )
    def post(self, request: Request) -> Response:
        """Up to 20 customers the caller may see, best match first."""
        sent = SearchSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        found = portfolio.with_profile(
            search.find(request.user, sent.validated_data["q"]), profile.latest_month(), clock.today()
        )
        rows = found.select_related("home_branch", "primary_rm")[: search.MOST]
        return Response(CustomerSerializer(rows, many=True).data, headers=NOT_KEPT)


class CustomerDetail(generics.GenericAPIView):
    """One customer."""

    serializer_class = CustomerDetailSerializer
    queryset = Customer.objects.none()

    @extend_schema(operation_id="customers_retrieve", responses=CustomerDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Attributes, how the customer came to us, consents, and the exportable fields of the latest profile."""
        month = profile.latest_month()
        seen = portfolio.with_profile(Customer.objects.visible_to(request.user), month, clock.today())
        related = seen.select_related("home_branch", "primary_rm", "backup_rm").prefetch_related("consents")
        customer = get_object_or_404(related, pk=pk)
        return Response(CustomerDetailSerializer(customer, context={"month": month}).data)


class CustomerReveal(APIView):
    """A phone or identity number in full, for those who talk to the customer."""

    # No key: a repetition is another look at the number and another line of the audit trail.
    @extend_schema(operation_id="customers_reveal", request=RevealSerializer, responses=RevealedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """The number, once, on record with the reason; never part of any other answer."""
        customer = kyc.customer_for(request.user, pk)
        if customer is None:
            raise Http404
        sent = RevealSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        # The page's form decides what counts as a reason.
        form = RevealForm(sent.validated_data)
        if not form.is_valid():
            raise Problem(400, "invalid", str(form.errors["reason"][0]), errors=form.errors)
        secret = Secret(sent.validated_data["what"])
        value = revealing.reveal(request.user, customer, secret, form.cleaned_data["reason"])
        return Response({"what": secret.value, "value": value}, headers=NOT_KEPT)
