"""Imports as the API reads and writes them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bankcrm.parsing import Query, Strict
from customers.imports import loads, mapping, own_fields, reporting, undo
from customers.imports.kinds import KINDS, own
from customers.imports.mapping import DATE_FORMATS
from customers.models import ImportFile, ImportReject, OwnField

WORD = {"max_length": 200, "trim_whitespace": False, "allow_blank": True}


class ImportQuery(Query):
    kind = serializers.ChoiceField(choices=ImportFile.Kind.choices, required=False)
    source = serializers.CharField(required=False, max_length=40)
    state = serializers.ChoiceField(choices=ImportFile.State.choices, required=False)


class RejectQuery(Query):
    code = serializers.CharField(required=False, max_length=40)
    column = serializers.CharField(required=False, max_length=80)


class ExpectedSerializer(serializers.Serializer):
    """What the good rows of a checked file would do if they went in."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text=_("say what is known already"))


EXPECTED_HELP = _(
    "of a checked file: what its good rows would do; null before the check and once rows are in"
)


class FileSerializer(serializers.ModelSerializer):
    """A file: what it is, how far it is, and what became of its rows."""

    uploaded_by = serializers.CharField(source="uploaded_by.employee_number", default=None, read_only=True)
    undone_by = serializers.CharField(source="undone_by.employee_number", default=None, read_only=True)
    run = serializers.IntegerField(source="run_id", read_only=True, allow_null=True)
    known = serializers.SerializerMethodField(
        help_text=_("of a full load: rows known from its source that are still open")
    )

    class Meta:
        model = ImportFile
        fields = [
            "id",
            "kind",
            "name",
            "size",
            "sha256",
            "encoding",
            "delimiter",
            "columns",
            "source",
            "load",
            "effective_on",
            "state",
            "error",
            "rows",
            "accepted",
            "rejected",
            "inserted",
            "updated",
            "known",
            "missing",
            "closed",
            "uploaded_by",
            "uploaded_at",
            "merged_at",
            "undone_by",
            "undone_at",
            "run",
        ]
        read_only_fields = fields

    def get_known(self, file: ImportFile) -> int | None:
        known: int | None = file.options.get("known")
        return known


class FileDetailSerializer(FileSerializer):
    expected = serializers.SerializerMethodField(help_text=EXPECTED_HELP)
    may_undo = serializers.SerializerMethodField(
        help_text=_("it is the last import of its source, and what it changed is kept")
    )

    class Meta(FileSerializer.Meta):
        fields = [*FileSerializer.Meta.fields, "expected", "may_undo"]
        read_only_fields = fields

    @extend_schema_field(ExpectedSerializer(allow_null=True))
    def get_expected(self, file: ImportFile) -> dict[str, int] | None:
        return reporting.expected(file)

    def get_may_undo(self, file: ImportFile) -> bool:
        return not undo.objection(file)


class UploadBody(serializers.Serializer):
    """The file and where it comes from."""

    kind = serializers.ChoiceField(choices=ImportFile.Kind.choices)
    file = serializers.FileField(allow_empty_file=True, max_length=200)
    source = serializers.CharField(required=False, max_length=40, allow_blank=True)
    load = serializers.ChoiceField(choices=ImportFile.Load.choices, required=False)
    effective_on = serializers.DateField(required=False)
    encoding = serializers.CharField(required=False, max_length=20, help_text=_("absent: found out"))


class LoadBody(Strict):
    source = serializers.CharField(required=False, max_length=40, allow_blank=True)
    load = serializers.ChoiceField(choices=ImportFile.Load.choices, required=False)
    effective_on = serializers.DateField(required=False)


class TargetSerializer(serializers.Serializer):
    """One thing a column can mean."""

    name = serializers.CharField()
    label = serializers.CharField()
    type = serializers.CharField()
    required = serializers.BooleanField()


class ColumnSerializer(serializers.Serializer):
    column = serializers.CharField()
    means = serializers.CharField(help_text=_("the name of a target, facts, or empty: left out"))


class OwnFieldBody(Strict):
    """A column kept as a field of the bank's own."""

    label = serializers.CharField(max_length=60)
    meaning = serializers.CharField(max_length=300, required=False, allow_blank=True)
    type = serializers.ChoiceField(choices=OwnField.Type.choices)
    unit = serializers.CharField(max_length=20, required=False, allow_blank=True)
    personal = serializers.ChoiceField(choices=OwnField.Personal.choices, required=False)
    heading = serializers.CharField(max_length=200, required=False, allow_blank=True)


class MappingSerializer(serializers.Serializer):
    """The columns with their meanings, the targets there are, and what still stands in the way of a check."""

    columns = serializers.SerializerMethodField()
    targets = serializers.SerializerMethodField()
    date_format = serializers.SerializerMethodField()
    constants = serializers.SerializerMethodField()
    values = serializers.SerializerMethodField()
    own = serializers.SerializerMethodField(help_text=_("own fields the columns give, by code"))
    named_by_number = serializers.SerializerMethodField()
    objection = serializers.SerializerMethodField()

    def get_named_by_number(self, file: ImportFile) -> bool:
        return bool(file.options.get(own.NAMED_BY_NUMBER))

    @extend_schema_field(ColumnSerializer(many=True))
    def get_columns(self, file: ImportFile) -> list[dict[str, str]]:
        return [{"column": name, "means": file.mapping.get(name, "")} for name in file.columns]

    @extend_schema_field(TargetSerializer(many=True))
    def get_targets(self, file: ImportFile) -> list[dict[str, Any]]:
        targets: Any = TargetSerializer(self._targets(file), many=True)
        found: list[dict[str, Any]] = targets.data
        return found

    def _targets(self, file: ImportFile) -> Any:
        """Those of the kind, own fields there are, and those the file is to bring."""
        kept = own_fields.proposable(file.kind) | file.options.get("own", {})
        return own.extended(KINDS[file.kind], kept, {}).targets

    @extend_schema_field(serializers.DictField(child=OwnFieldBody()))
    def get_own(self, file: ImportFile) -> dict[str, Any]:
        found: dict[str, Any] = file.options.get("own", {})
        return found

    def get_date_format(self, file: ImportFile) -> str:
        return str(file.options.get("date_format", "ymd"))

    def get_constants(self, file: ImportFile) -> dict[str, str]:
        found: dict[str, str] = file.options.get("constants", {})
        return found

    def get_values(self, file: ImportFile) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = file.options.get("values", {})
        return found

    def get_objection(self, file: ImportFile) -> str:
        try:
            mapping.complete(file)
        except mapping.Refused as refusal:
            return str(refusal)
        return ""


class CampaignBody(Strict):
    """What a past campaign was."""

    code = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=100)
    product = serializers.CharField(max_length=40)
    success = serializers.CharField(required=False, max_length=12)
    channel = serializers.CharField(required=False, max_length=16)
    control_cells = serializers.ListField(child=serializers.CharField(**WORD), required=False, max_length=50)
    is_random = serializers.BooleanField(required=False)
    new_customers = serializers.CharField(required=False, max_length=16, allow_blank=True)
    branch = serializers.CharField(required=False, max_length=20, allow_blank=True)


class MappingBody(Strict):
    mapping = serializers.DictField(
        child=serializers.CharField(max_length=80, allow_blank=True), help_text=_("column → what it means")
    )
    date_format = serializers.ChoiceField(choices=list(DATE_FORMATS), required=False)
    century = serializers.IntegerField(required=False, min_value=19, max_value=20)
    constants = serializers.DictField(
        child=serializers.CharField(**WORD), required=False, help_text=_("target → value of every row")
    )
    values = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(**WORD)),
        required=False,
        help_text=_("target → value in the file → known value"),
    )
    campaign = CampaignBody(required=False)
    own = serializers.DictField(
        child=OwnFieldBody(),
        required=False,
        help_text=_("code, beginning with own_ → the new own field that a column of that meaning becomes"),
    )
    named_by_number = serializers.BooleanField(
        required=False, help_text=_("customers nobody knows come in without a name, called by their number")
    )

    def validate_own(self, told: dict[str, Any]) -> dict[str, Any]:
        if wrong := [code for code in told if not own_fields.CODE.fullmatch(code)]:
            raise serializers.ValidationError(
                _("A code is own_ and small letters, digits and _: %(codes)s.")
                % {"codes": ", ".join(wrong[:5])}
            )
        return told


class ExampleSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    reason = serializers.CharField()


class LeftOutSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    column = serializers.CharField()
    count = serializers.IntegerField()
    examples = ExampleSerializer(many=True)


class StayingSerializer(serializers.Serializer):
    number = serializers.CharField()
    name = serializers.CharField()
    holds = serializers.CharField()


class ReportSerializer(serializers.Serializer):
    rows = serializers.IntegerField(allow_null=True)
    accepted = serializers.IntegerField(allow_null=True)
    rejected = serializers.IntegerField(allow_null=True)
    known = serializers.IntegerField(allow_null=True)
    missing = serializers.IntegerField(allow_null=True)
    expected = ExpectedSerializer(allow_null=True, help_text=EXPECTED_HELP)
    staying = StayingSerializer(
        many=True,
        help_text=_("of a full load of staff: missing people who stay, because they still hold something"),
    )
    reasons = LeftOutSerializer(many=True)
    warnings = LeftOutSerializer(many=True)


class RejectSerializer(serializers.ModelSerializer):
    class Meta:
        model = ImportReject
        fields = ["line", "column", "code", "reason", "is_warning"]
        read_only_fields = fields


class Confirmation(Strict):
    missing = serializers.ChoiceField(
        choices=[loads.CLOSE, loads.KEEP],
        required=False,
        help_text=_("of a full load: what becomes of rows it does not hold"),
    )
    agreed = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text=_("their number, where they are many")
    )


class StandingSerializer(serializers.Serializer):
    label = serializers.CharField()
    rows = serializers.IntegerField()


class UndoSerializer(serializers.Serializer):
    """What undoing an import does."""

    allowed = serializers.BooleanField()
    objection = serializers.CharField()
    standing = StandingSerializer(many=True)
    removes = serializers.IntegerField()
    restores = serializers.IntegerField()
    reopens = serializers.IntegerField()
