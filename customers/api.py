"""The customers API: read only, numbers masked, rows as everywhere by ``visible_to``."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers

from bankcrm import figures
from bankcrm.parsing import Query
from customers import fields, portfolio, profile
from customers.fields import Field, Type
from customers.models import Customer, CustomerProfile

FIELD_CLASSES: dict[str, Any] = {
    Type.NUMBER: serializers.FloatField,
    Type.MONEY: lambda **given: serializers.DecimalField(max_digits=18, decimal_places=2, **given),
    Type.DATE: serializers.DateField,
    Type.FLAG: serializers.BooleanField,
    Type.LIST: lambda **given: serializers.ListField(child=serializers.CharField(), **given),
}


class CustomerQuery(Query):
    branch = serializers.CharField(
        required=False, max_length=20, help_text=_("code; with the branches below it")
    )
    rm = serializers.CharField(
        required=False, max_length=20, help_text=_("employee number of the relationship manager")
    )
    tier = serializers.CharField(required=False, max_length=20)
    loyalty = serializers.CharField(required=False, max_length=20)
    maturing = serializers.BooleanField(required=False, help_text=_("something matures within 30 days"))
    falling = serializers.BooleanField(required=False, help_text=_("fewer assets than three months ago"))
    idle = serializers.BooleanField(required=False, help_text=_("never contacted"))


class CustomerSerializer(serializers.ModelSerializer):
    branch = serializers.CharField(source="home_branch.code", default=None, read_only=True)
    primary_rm = serializers.CharField(source="primary_rm.employee_number", default=None, read_only=True)
    phone = serializers.SerializerMethodField(help_text=_("masked"))
    identity_number = serializers.SerializerMethodField(help_text=_("masked"))
    tier = serializers.CharField(read_only=True, allow_null=True)
    aum = serializers.DecimalField(16, 2, read_only=True, allow_null=True)
    aum_change = serializers.DecimalField(16, 2, read_only=True, allow_null=True)
    loyalty_grade = serializers.CharField(read_only=True, allow_null=True)
    maturing_30d = serializers.DecimalField(16, 2, read_only=True, allow_null=True)
    next_maturity_on = serializers.DateField(read_only=True, allow_null=True)
    last_contact_on = serializers.DateField(read_only=True, allow_null=True)

    class Meta:
        model = Customer
        fields = [
            "id",
            "number",
            "kind",
            "name",
            "phone",
            "identity_number",
            "branch",
            "primary_rm",
            "opened_on",
            "closed_on",
            "tier",
            "aum",
            "aum_change",
            "loyalty_grade",
            "maturing_30d",
            "next_maturity_on",
            "last_contact_on",
        ]
        read_only_fields = fields

    def get_phone(self, customer: Customer) -> str:
        return figures.masked_phone(customer.phone)

    def get_identity_number(self, customer: Customer) -> str:
        return figures.masked_id(customer.identity_number)


class ProfileSerializer(serializers.Serializer):
    """The exportable profile fields of the catalogue, as of ``month``."""

    month = serializers.DateField(read_only=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {
            field.code: _serialized(field) for field in fields.exportable().values() if _is_column(field)
        }


class CustomerDetailSerializer(CustomerSerializer):
    profile = serializers.SerializerMethodField()

    class Meta(CustomerSerializer.Meta):
        fields = [*CustomerSerializer.Meta.fields, "profile"]
        read_only_fields = fields

    @extend_schema_field(ProfileSerializer(allow_null=True))
    def get_profile(self, customer: Customer) -> dict[str, Any] | None:
        month = profile.latest_month()
        found = CustomerProfile.objects.filter(customer=customer, month=month).first() if month else None
        return ProfileSerializer(found).data if found else None


def _is_column(field: Field) -> bool:
    return field.source == f"p.{field.code}"


def _serialized(field: Field) -> Any:
    make = FIELD_CLASSES.get(field.type, serializers.CharField)
    return make(read_only=True, allow_null=True, label=field.label, help_text=field.meaning)


class CustomerList(generics.ListAPIView):
    """Customers the caller may see, with the figures of the latest month; phone and identity numbers are masked."""

    serializer_class = CustomerSerializer
    queryset = Customer.objects.none()
    ordering = ("number",)
    orderings = {"number": ("number",), "aum": ("assets", "pk"), "change": ("change", "pk")}

    @extend_schema(operation_id="customers_list", parameters=[CustomerQuery])
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        seen = portfolio.with_profile(
            Customer.objects.visible_to(self.request.user).active(), profile.latest_month()
        )
        return portfolio.narrowed(seen, CustomerQuery.of(self.request)).select_related(
            "home_branch", "primary_rm"
        )


class CustomerDetail(generics.RetrieveAPIView):
    """One customer with the exportable fields of the latest profile."""

    serializer_class = CustomerDetailSerializer
    queryset = Customer.objects.none()

    def get_queryset(self) -> Any:
        seen = portfolio.with_profile(Customer.objects.visible_to(self.request.user), profile.latest_month())
        return seen.select_related("home_branch", "primary_rm")
