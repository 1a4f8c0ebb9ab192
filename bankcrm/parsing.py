"""Reading what a request brings within bounds: JSON, declared filters, and single values that no form checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from bankcrm.models import User

# An id or a version never has more digits; int() refuses thousands of them with a ValueError of its own.
MOST_DIGITS = 18
# Weeks can be added to and taken from any day between these.
YEARS = range(1900, 2200)
# A refusal that lists what is known stops here.
MOST_NAMED = 20


def whole_number(text: str) -> int | None:
    """An id or version from an address or a hidden field; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def day(text: str) -> dt.date | None:
    """An ISO day from an address; None for what is none and for days no calendar page can show."""
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in YEARS else None


def words(text: str, most: int) -> str:
    """Free text of at most ``most`` characters, as the database can hold it: without NUL."""
    return text.replace("\0", "")[:most]


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


class Telling(serializers.Serializer):
    """Fields whose refusals name what would be understood."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                known = [value for value in field.choices if value != ""]
                field.error_messages["invalid_choice"] = known_values(known)
            elif isinstance(field, serializers.BooleanField):
                field.error_messages["invalid"] = known_values(["true", "false"])
        return fields


class Strict(Telling):
    """A body in which every field is known: what cannot be set is refused, not dropped silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = [field.field_name for field in self._writable_fields]
            unknown = sorted(str(name) for name in data.keys() - set(writable))
            if unknown:
                sentence = _("This field cannot be set here. Known are: %(names)s.") % {
                    "names": ", ".join(writable)
                }
                raise serializers.ValidationError({name[:100]: [sentence] for name in unknown[:20]})
        return super().to_internal_value(data)


class KnownCode(serializers.CharField):
    """A filter by the code of something else. One that stands for nothing is refused with those there are.

    ``known``: what ``user`` may filter by, told apart by ``field``. What is out of sight is refused as if it were not.
    """

    def __init__(self, known: Callable[[User], QuerySet[Any]], field: str = "code", **given: Any) -> None:
        self.known, self.field = known, field
        super().__init__(**({"max_length": 40, "required": False} | given))

    def to_internal_value(self, data: Any) -> str:
        code: str = super().to_internal_value(data)
        known = self.known(self.context["request"].user).order_by(self.field)
        # PostgreSQL takes NUL in no text.
        if "\0" in code or not known.filter(**{self.field: code}).exists():
            codes = list(known.values_list(self.field, flat=True).distinct()[: MOST_NAMED + 1])
            told = ", ".join([*codes[:MOST_NAMED], "…"] if len(codes) > MOST_NAMED else codes)
            raise serializers.ValidationError(known_values([told or "—"]))
        return code


class Query(Telling):
    """The filters of a list: declared once, checked and documented from the same lines."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What was asked for; an empty filter counts as absent. Raises ValidationError."""
        names = cls().fields.keys()
        given = {name: text for name, text in request.query_params.items() if name in names and text != ""}
        query = cls(data=given, context={"request": request})
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


def known_values(values: Iterable[Any]) -> str:
    """The refusal of another value than these."""
    return _("This is not a valid choice. Known are: %(values)s.") % {"values": ", ".join(map(str, values))}
