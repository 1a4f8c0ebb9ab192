"""What the figures of customers mean: the field catalogue."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm.parsing import Query
from customers import fields
from customers.fields import Area, Basis, Origin, Personal, Type


class FieldChoiceSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()


class FieldSerializer(serializers.Serializer):
    """One field of the catalogue: what it means and what it may be used for."""

    code = serializers.CharField()
    label = serializers.CharField()
    meaning = serializers.CharField()
    area = serializers.ChoiceField(choices=Area.choices)
    type = serializers.ChoiceField(choices=Type.choices)
    unit = serializers.CharField()
    choices = serializers.SerializerMethodField()
    reference = serializers.CharField()
    basis = serializers.ChoiceField(choices=Basis.choices)
    origin = serializers.ChoiceField(choices=Origin.choices)
    personal = serializers.ChoiceField(choices=Personal.choices)
    importable = serializers.SerializerMethodField()
    model_use = serializers.BooleanField()
    filter = serializers.BooleanField()
    group = serializers.BooleanField()
    export = serializers.BooleanField()
    show = serializers.BooleanField()

    @extend_schema_field(FieldChoiceSerializer(many=True))
    def get_choices(self, field: fields.Field) -> list[dict[str, str]]:
        return [{"code": code, "label": str(label)} for code, label in field.choices]

    def get_importable(self, field: fields.Field) -> bool:
        return bool(field.column)


class FieldQuery(Query):
    area = serializers.ChoiceField(choices=Area.choices, required=False)


class FieldCatalogue(APIView):
    """The data dictionary."""

    @extend_schema(
        operation_id="customer_fields_list", parameters=[FieldQuery], responses=FieldSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Every customer field in the order of the catalogue, in the language of the request."""
        asked = FieldQuery.of(request)
        found = [
            field for field in fields.everything().values() if asked.get("area", field.area) == field.area
        ]
        return Response(FieldSerializer(found, many=True).data)
