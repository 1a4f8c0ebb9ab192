"""Reading a request's JSON within bounds, and its query string by declared filters."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request


class BoundedJSONParser(JSONParser):
    """JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, whatever its depth."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        text = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0"
        if text.isdigit() and int(text) > most:
            raise RequestDataTooBig
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error


class Strict(serializers.Serializer):
    """A body in which every field is known: what cannot be set is refused, not dropped silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {field.field_name for field in self._writable_fields}
            unknown = sorted(str(name) for name in data.keys() - writable)
            if unknown:
                raise serializers.ValidationError(
                    {name[:100]: [_("This field cannot be set here.")] for name in unknown[:20]}
                )
        return super().to_internal_value(data)


class Query(serializers.Serializer):
    """The filters of a list: declared once, checked and documented from the same lines."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What was asked for; an empty filter counts as absent. Raises ValidationError."""
        names = cls().fields.keys()
        given = {name: text for name, text in request.query_params.items() if name in names and text != ""}
        query = cls(data=given)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)
