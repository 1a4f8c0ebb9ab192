"""A customer as the API shows one; the fields of the catalogue are serialized as their type says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bankcrm import figures
from bankcrm.parsing import Strict
from customers import fields, kyc, own_values
from customers.fields import Area, Field, Type
from customers.models import Consent, Customer, CustomerProfile
from customers.reveal import Secret

FIELD_CLASSES: dict[str, Any] = {
    Type.NUMBER: serializers.FloatField,
    Type.MONEY: lambda **given: serializers.DecimalField(max_digits=18, decimal_places=2, **given),
    Type.DATE: serializers.DateField,
    Type.FLAG: serializers.BooleanField,
    Type.LIST: lambda **given: serializers.ListField(child=serializers.CharField(), **given),
}


def serialized(catalogue: Iterable[Field]) -> dict[str, Any]:
    """One serializer field per catalogue field, with its label and meaning as documentation."""
    found = {}
    for field in catalogue:
        make = FIELD_CLASSES.get(field.type, serializers.CharField)
        found[field.code] = make(read_only=True, allow_null=True, label=field.label, help_text=field.meaning)
    return found


def profile_fields() -> list[Field]:
    """The exportable fields that are columns of the profile."""
    return [field for field in fields.exportable().values() if field.source == f"p.{field.code}"]


def attribute_fields() -> list[Field]:
    """The attributes that a page shows beside its header."""
    return [field for field in fields.in_area(Area.ATTRIBUTE) if field.code not in kyc.HEADER]


class CustomerSerializer(serializers.ModelSerializer):
    branch = serializers.CharField(source="home_branch.code", default=None, read_only=True, allow_null=True)
    primary_rm = serializers.CharField(
        source="primary_rm.employee_number", default=None, read_only=True, allow_null=True
    )
    phone = serializers.SerializerMethodField(help_text=_("masked"))
    identity_number = serializers.SerializerMethodField(help_text=_("masked"))
    tier = serializers.CharField(read_only=True, allow_null=True)
    aum = serializers.DecimalField(16, 2, read_only=True, allow_null=True)
    aum_change = serializers.DecimalField(16, 2, read_only=True, allow_null=True)
    loyalty_grade = serializers.CharField(read_only=True, allow_null=True)
    maturing_30d = serializers.DecimalField(
        16, 2, read_only=True, help_text=_("matures within 30 days of the business day")
    )
    next_maturity_on = serializers.DateField(
        read_only=True, allow_null=True, help_text=_("the business day or later")
    )
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
        return super().get_fields() | serialized(profile_fields())


class AttributesSerializer(serializers.Serializer):
    """The attributes of the catalogue."""

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | serialized(attribute_fields())


class CustomerConsentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Consent
        fields = ["channel", "purpose", "is_objection", "since", "source"]
        read_only_fields = fields


class AcquisitionSerializer(serializers.ModelSerializer):
    """How the customer came to us."""

    class Meta:
        model = Customer
        fields = ["acquisition_channel", "acquisition_partner", "acquisition_scene", "acquisition_cost"]
        read_only_fields = fields


class CustomerDetailSerializer(CustomerSerializer):
    backup_rm = serializers.CharField(
        source="backup_rm.employee_number", default=None, read_only=True, allow_null=True
    )
    consents = CustomerConsentSerializer(many=True, read_only=True)
    attributes = serializers.SerializerMethodField()
    acquisition = AcquisitionSerializer(source="*", read_only=True)
    profile = serializers.SerializerMethodField()
    own_fields = serializers.SerializerMethodField(
        help_text=_("code of an own field → its newest value, null where nothing is known")
    )

    class Meta(CustomerSerializer.Meta):
        fields = [
            *CustomerSerializer.Meta.fields,
            "backup_rm",
            "consents",
            "attributes",
            "acquisition",
            "profile",
            "own_fields",
        ]
        read_only_fields = fields

    @extend_schema_field(AttributesSerializer)
    def get_attributes(self, customer: Customer) -> dict[str, Any]:
        found = kyc.facts(customer, self.context["month"], [Area.ATTRIBUTE], {})
        return AttributesSerializer({code: fact.value for code, fact in found.items()}).data

    @extend_schema_field(serializers.DictField(child=serializers.JSONField(allow_null=True)))
    def get_own_fields(self, customer: Customer) -> dict[str, Any]:
        return own_values.of(customer.pk)

    @extend_schema_field(ProfileSerializer(allow_null=True))
    def get_profile(self, customer: Customer) -> dict[str, Any] | None:
        month = self.context["month"]
        found = CustomerProfile.objects.filter(customer=customer, month=month).first() if month else None
        return ProfileSerializer(found).data if found else None


class SearchSerializer(Strict):
    q = serializers.CharField(
        max_length=60,
        help_text=_("a number or its beginning, the last digits of a phone, or a name"),
    )


class RevealSerializer(Strict):
    what = serializers.ChoiceField(choices=Secret.choices)
    reason = serializers.CharField(
        min_length=5, max_length=200, help_text=_("kept in the audit trail with your name and the time")
    )


class RevealedSerializer(serializers.Serializer):
    what = serializers.ChoiceField(choices=Secret.choices, read_only=True)
    value = serializers.CharField(
        read_only=True, help_text=_("the number in full; empty where none is known")
    )
