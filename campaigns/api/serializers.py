"""Campaigns as the API reads and writes them. Other things are named by their codes and numbers."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analytics import audience
from analytics.models import PredictiveModel
from bankcrm.api import StartedRun
from bankcrm.models import Role, User
from bankcrm.parsing import KnownCode, Query, Strict
from campaigns import blockers, lifecycle, targeting
from campaigns.models import Arm, Campaign, MarketingPlan, Offer, Selection
from customers.api.products import every_product
from customers.models import Product

FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2100, 12, 31)
MOST_ARMS = 20
LARGEST = 2**31 - 1


class StaffField(serializers.SlugRelatedField):
    """A member of staff by employee number; read only."""

    def __init__(self, **given: Any) -> None:
        super().__init__(slug_field="employee_number", read_only=True, **given)


class SeenField(serializers.SlugRelatedField):
    """Another thing by its code, out of those the caller may see."""

    def get_queryset(self) -> Any:
        found = super().get_queryset()
        if not hasattr(found, "visible_to"):
            return found
        return found.visible_to(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(serializers.CharField(max_length=40).run_validation(data))


class PlainDate(serializers.DateField):
    """A day that a bank may mean: 2000 to 2100."""

    def to_internal_value(self, value: Any) -> dt.date:
        day = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise serializers.ValidationError(_("A day from 2000 to 2100."))
        return day


@extend_schema_field({"type": "object", "additionalProperties": True})
class ConditionField(serializers.JSONField):
    """An audience: {} or groups all, any, none of {"field", "op", "value"} over the field catalogue."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, dict):
            raise serializers.ValidationError(_("An audience is an object."))
        # PostgreSQL's jsonb takes neither NUL nor half a surrogate pair; JSON does.
        try:
            text = json.dumps(value, ensure_ascii=False).encode().decode()
        except UnicodeEncodeError as error:
            raise serializers.ValidationError(_("An audience holds ordinary text only.")) from error
        if "\\u0000" in text:
            raise serializers.ValidationError(_("An audience holds ordinary text only."))
        if value and (faults := audience.validate(value)):
            raise serializers.ValidationError(faults)
        return value


class ArmSerializer(Strict, serializers.ModelSerializer):
    offer = SeenField(slug_field="code", queryset=Offer.objects.all(), allow_null=True, required=False)
    code = serializers.SlugField(max_length=40)

    class Meta:
        model = Arm
        fields = ["code", "name", "offer", "channel", "share"]


class WaterfallStep(serializers.Serializer):
    step = serializers.CharField()
    dropped = serializers.IntegerField()
    remaining = serializers.IntegerField()


NOBODY_DRAWN = {"pool": 0, "contacts": 0, "control": 0, "below": 0}


class ExplorationSerializer(serializers.Serializer):
    """``pool``: who could be contacted; ``contacts`` and ``control`` drawn of them at random; ``below``: of these who
    were not worth a contact by their score."""

    pool = serializers.IntegerField()
    contacts = serializers.IntegerField()
    control = serializers.IntegerField()
    below = serializers.IntegerField()


class SelectionSerializer(serializers.ModelSerializer):
    """Who would be contacted; ``is_current`` says whether it belongs to the campaign's present version."""

    waterfall = WaterfallStep(many=True, read_only=True)
    ranking = serializers.SerializerMethodField()
    exploration = serializers.SerializerMethodField()
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Selection
        fields = [
            "id",
            "campaign_version",
            "is_current",
            "profile_month",
            "targets_count",
            "control_count",
            "is_final",
            "waterfall",
            "ranking",
            "exploration",
            "seconds",
            "created_at",
        ]
        read_only_fields = fields

    def get_ranking(self, selection: Selection) -> str:
        """How customers were ranked, and why not by something better, in words."""
        kept = selection.definition
        ranked = kept.get("ranking")
        return targeting.ranking_sentence(ranked, kept.get("rate_source") or {}) if ranked else ""

    @extend_schema_field(ExplorationSerializer)
    def get_exploration(self, selection: Selection) -> Any:
        """Who was drawn to explore; all zero where nobody was."""
        return ExplorationSerializer({**NOBODY_DRAWN, **(selection.definition.get("exploration") or {})}).data

    def get_is_current(self, selection: Selection) -> bool:
        return selection.campaign_version == selection.campaign.version


class BlockerSerializer(serializers.Serializer):
    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=[blockers.BLOCKER, blockers.WARNING])
    sentence = serializers.CharField()
    anchor = serializers.CharField(help_text=gettext_lazy("the part of the campaign that mends it"))


class CampaignSerializer(serializers.ModelSerializer):
    """A campaign in a list."""

    product = serializers.CharField(source="product.code", read_only=True)
    owner = StaffField()
    targets_count = serializers.IntegerField(
        source="selection.targets_count", default=None, read_only=True, allow_null=True
    )
    control_count = serializers.IntegerField(
        source="selection.control_count", default=None, read_only=True, allow_null=True
    )

    class Meta:
        model = Campaign
        fields = [
            "id",
            "code",
            "name",
            "product",
            "owner",
            "state",
            "version",
            "starts_on",
            "ends_on",
            "budget",
            "targets_count",
            "control_count",
            "created_at",
        ]
        read_only_fields = fields


class CampaignDetailSerializer(CampaignSerializer):
    """A campaign with its definition, its selection, what blocks it and what the caller may do to it now."""

    model = serializers.CharField(source="model.code", default=None, read_only=True, allow_null=True)
    condition = serializers.DictField(read_only=True)
    arms = ArmSerializer(many=True, read_only=True)
    selection = SelectionSerializer(read_only=True, allow_null=True)
    submitted_by = StaffField(allow_null=True)
    approved_by = StaffField(allow_null=True)
    last_edited_by = StaffField()
    blockers = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta(CampaignSerializer.Meta):
        fields = [
            *CampaignSerializer.Meta.fields,
            "plan",
            "objective",
            "attribution_days",
            "lead_due_days",
            "condition",
            "profile_month",
            "model",
            "minimum_value",
            "capacity",
            "control_share",
            "exploration_share",
            "success",
            "arms",
            "selection",
            "last_edited_by",
            "submitted_by",
            "submitted_at",
            "approved_by",
            "approved_at",
            "assigned_on",
            "blockers",
            "actions",
        ]
        read_only_fields = fields

    @extend_schema_field(BlockerSerializer(many=True))
    def get_blockers(self, campaign: Campaign) -> Any:
        """What stands between the draft and its submission; nothing once it has left the planner's hands."""
        if campaign.state not in lifecycle.ACTIONS["edit"].sources:
            return []
        return BlockerSerializer(blockers.blockers(campaign), many=True).data

    def get_actions(self, campaign: Campaign) -> list[str]:
        user = self.context["request"].user
        return [action.code.replace("_", "-") for action in lifecycle.actions_for(campaign, user)]


class CampaignFields(Strict, serializers.ModelSerializer):
    """What a planner may set. Owner, state and everything of the approval belong to the lifecycle."""

    product = SeenField(slug_field="code", queryset=Product.objects.all())
    plan = serializers.PrimaryKeyRelatedField(
        queryset=MarketingPlan.objects.all(), allow_null=True, required=False
    )
    model = SeenField(
        slug_field="code", queryset=PredictiveModel.objects.for_targeting(), allow_null=True, required=False
    )
    starts_on = PlainDate()
    ends_on = PlainDate()
    profile_month = PlainDate(allow_null=True, required=False)
    condition = ConditionField(required=False)
    control_share = serializers.DecimalField(
        max_digits=4, decimal_places=3, min_value=Decimal(0), max_value=Decimal("0.5"), required=False
    )
    exploration_share = serializers.DecimalField(
        max_digits=4, decimal_places=3, min_value=Decimal(0), max_value=Decimal("0.5"), required=False
    )
    arms = ArmSerializer(many=True, required=False)

    class Meta:
        model = Campaign
        fields = [
            "name",
            "plan",
            "objective",
            "product",
            "starts_on",
            "ends_on",
            "budget",
            "attribution_days",
            "lead_due_days",
            "condition",
            "profile_month",
            "model",
            "minimum_value",
            "capacity",
            "control_share",
            "exploration_share",
            "arms",
        ]
        # The verbs run the model's own checks, with the row they lock.
        validators: list[Any] = []

    def validate_arms(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        codes = [arm["code"] for arm in arms]
        if len(codes) > MOST_ARMS:
            raise serializers.ValidationError(_("A campaign has at most %(n)s arms.") % {"n": MOST_ARMS})
        if len(set(codes)) < len(codes):
            raise serializers.ValidationError(_("Every arm needs a code of its own."))
        return arms


class CampaignCreate(CampaignFields):
    """A new draft; the code stays for ever."""

    class Meta(CampaignFields.Meta):
        fields = ["code", *CampaignFields.Meta.fields]


class CampaignPatch(CampaignFields):
    """Changed fields, and the version they were changed on. ``arms`` replaces all arms."""

    version = serializers.IntegerField(min_value=1, max_value=LARGEST)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000)

    class Meta(CampaignFields.Meta):
        fields = ["version", "comment", *CampaignFields.Meta.fields]

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name, field in fields.items():
            field.required = name == "version"
        return fields


class Step(Strict):
    """A step on a campaign, on the version the caller has read."""

    version = serializers.IntegerField(min_value=1, max_value=LARGEST)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


def _owners(user: User) -> QuerySet[User]:
    """Planners in sight, and whoever owns a campaign in sight."""
    owning = Campaign.objects.visible_to(user).order_by().values("owner")
    planning = User.objects.visible_to(user).filter(role=Role.PLANNER).values("pk")
    return User.objects.filter(Q(pk__in=owning) | Q(pk__in=planning))


class CampaignQuery(Query):
    state = serializers.ChoiceField(choices=Campaign.State.choices, required=False)
    product = KnownCode(every_product, help_text=gettext_lazy("code of the product"))
    owner = KnownCode(
        _owners, "employee_number", max_length=20, help_text=gettext_lazy("employee number of the owner")
    )


class Started(StartedRun):
    """Long work that was asked for, by whom, and where to read how far it is."""

    requested_by = serializers.SlugRelatedField(slug_field="employee_number", queryset=User.objects.none())


class Recalled(serializers.Serializer):
    recalled = serializers.IntegerField(help_text=gettext_lazy("leads taken back: those nobody had touched"))
    campaign = CampaignDetailSerializer()
