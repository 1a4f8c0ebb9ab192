"""Plans, rules of the contact policy and universal controls as the API reads and writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy
from rest_framework import serializers

from bankcrm.models import Branch
from bankcrm.parsing import Strict
from campaigns import contact_rules, universal_page
from campaigns.api.serializers import LARGEST, PlainDate, SeenField, StaffField
from campaigns.models import ContactRule, MarketingPlan, PlanTarget, UniversalControl
from campaigns.verdict_text import verdict_sentence
from customers.models import ContactChannel, Product

MOST_TARGETS = 20_000


class PlanSerializer(serializers.ModelSerializer):
    """A plan in a list."""

    owner = StaffField()

    class Meta:
        model = MarketingPlan
        fields = ["id", "name", "objective", "starts_on", "ends_on", "budget", "owner", "version"]
        read_only_fields = fields


class PlanCampaign(serializers.Serializer):
    """A campaign under a plan: money in the bank's currency, sales of treated customers inside the window."""

    id = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    budget = serializers.DecimalField(max_digits=14, decimal_places=2)
    committed = serializers.DecimalField(max_digits=14, decimal_places=2)
    spent = serializers.DecimalField(max_digits=14, decimal_places=2)
    leads = serializers.IntegerField()
    open_leads = serializers.IntegerField()
    sales = serializers.IntegerField()


class PlanDetailSerializer(PlanSerializer):
    """A plan with how it stands."""

    planned = serializers.DecimalField(max_digits=16, decimal_places=2, source="figures.planned")
    committed = serializers.DecimalField(max_digits=16, decimal_places=2, source="figures.committed")
    spent = serializers.DecimalField(max_digits=16, decimal_places=2, source="figures.spent")
    sales_target = serializers.IntegerField(source="figures.sales_target")
    sales = serializers.IntegerField(source="figures.sales")
    campaigns = PlanCampaign(many=True, source="figures.campaigns")

    class Meta(PlanSerializer.Meta):
        fields = [
            *PlanSerializer.Meta.fields, "planned", "committed", "spent", "sales_target", "sales", "campaigns",
        ]  # fmt: skip
        read_only_fields = fields


class PlanFields(Strict, serializers.ModelSerializer):
    """What a planner may set."""

    starts_on = PlainDate()
    ends_on = PlainDate()
    budget = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal(0))

    class Meta:
        model = MarketingPlan
        fields = ["name", "objective", "starts_on", "ends_on", "budget"]


class PlanPatch(PlanFields):
    """Any of the fields, and the version they were read at."""

    version = serializers.IntegerField(min_value=1, max_value=LARGEST)

    class Meta(PlanFields.Meta):
        fields = [*PlanFields.Meta.fields, "version"]
        extra_kwargs = {"name": {"required": False}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PlanFields.Meta.fields:
            self.fields[name].required = False


class PlanTargetSerializer(Strict, serializers.ModelSerializer):
    """How many sales a branch is to reach of a product in a month."""

    branch = SeenField(slug_field="code", queryset=Branch.objects.all())
    product = SeenField(slug_field="code", queryset=Product.objects.all())
    month = PlainDate(help_text=gettext_lazy("any day of the month"))
    sales = serializers.IntegerField(min_value=0, max_value=LARGEST)
    volume = serializers.DecimalField(
        max_digits=16, decimal_places=2, min_value=Decimal(0), default=Decimal(0)
    )

    class Meta:
        model = PlanTarget
        fields = ["branch", "product", "month", "sales", "volume"]


class PlanTargets(Strict, serializers.Serializer):
    """All targets of a plan: those not sent are removed."""

    version = serializers.IntegerField(min_value=1, max_value=LARGEST)
    targets = PlanTargetSerializer(many=True, max_length=MOST_TARGETS)


class ContactRuleSerializer(serializers.ModelSerializer):
    """A rule over all campaigns, and the rule in words."""

    product = serializers.CharField(source="product.code", default=None, allow_null=True)
    other_product = serializers.CharField(source="other_product.code", default=None, allow_null=True)
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = ContactRule
        fields = [
            "id", "kind", "channel", "maximum", "days", "same_product_only", "product", "other_product", "is_active",
            "sentence",
        ]  # fmt: skip
        read_only_fields = fields

    def get_sentence(self, rule: ContactRule) -> str:
        return contact_rules.sentence(rule)


class ContactRuleFields(Strict, serializers.ModelSerializer):
    """A new rule; which fields it needs depends on its kind, and the refusal names them."""

    channel = serializers.ChoiceField(choices=ContactChannel.choices, allow_blank=True, default="")
    maximum = serializers.IntegerField(min_value=0, max_value=1000, default=0)
    days = serializers.IntegerField(min_value=0, max_value=3650, default=0)
    same_product_only = serializers.BooleanField(default=False)
    product = SeenField(slug_field="code", queryset=Product.objects.all(), allow_null=True, default=None)
    other_product = SeenField(
        slug_field="code", queryset=Product.objects.all(), allow_null=True, default=None
    )

    class Meta:
        model = ContactRule
        fields = ["kind", "channel", "maximum", "days", "same_product_only", "product", "other_product"]


class InForce(Strict, serializers.Serializer):
    is_active = serializers.BooleanField(
        help_text=gettext_lazy("false retires the rule, true lets it bind again")
    )


class UniversalSerializer(serializers.ModelSerializer):
    """A period in which a share of all customers is contacted by no campaign."""

    made_by = StaffField()

    class Meta:
        model = UniversalControl
        fields = ["id", "name", "share", "starts_on", "ends_on", "drawn_at", "made_by", "created_at"]
        read_only_fields = fields


class UniversalGroup(serializers.Serializer):
    """What one side did since the first day: ``buyers`` opened a contract, ``contacted`` had a campaign's contact."""

    customers = serializers.IntegerField()
    buyers = serializers.IntegerField()
    contacted = serializers.IntegerField()
    contacts = serializers.IntegerField()


class UniversalDetailSerializer(UniversalSerializer):
    """With what all campaigns together changed so far; the figures are null while nobody has been drawn."""

    state = serializers.SerializerMethodField()
    verdict = serializers.CharField(source="programme.readout.verdict.value", allow_null=True)
    sentence = serializers.SerializerMethodField()
    until = serializers.DateField(source="programme.until", allow_null=True)
    effect = serializers.FloatField(
        source="programme.readout.overall.value",
        allow_null=True,
        help_text=gettext_lazy("share of buyers, rest less members"),
    )
    low = serializers.FloatField(
        source="programme.readout.overall.interval.low",
        allow_null=True,
        help_text=gettext_lazy("lower end of the 95 % interval, Newcombe"),
    )
    high = serializers.FloatField(
        source="programme.readout.overall.interval.high",
        allow_null=True,
        help_text=gettext_lazy("upper end of the 95 % interval, Newcombe"),
    )
    rest = UniversalGroup(source="programme.rest", allow_null=True)
    members = UniversalGroup(source="programme.members", allow_null=True)

    class Meta(UniversalSerializer.Meta):
        fields = [
            *UniversalSerializer.Meta.fields, "state", "verdict", "sentence", "until", "effect", "low", "high", "rest",
            "members",
        ]  # fmt: skip
        read_only_fields = fields

    def get_state(self, control: UniversalControl) -> str:
        return str(universal_page.state(control)["word"])

    def get_sentence(self, control: Any) -> str | None:
        return verdict_sentence(control.programme.readout) if control.programme else None


class UniversalFields(Strict, serializers.ModelSerializer):
    """A new universal control. ``share`` is a fraction: 0.02 is 2 %."""

    share = serializers.DecimalField(
        max_digits=4, decimal_places=3, min_value=Decimal("0.01"), max_value=Decimal("0.05")
    )
    starts_on = PlainDate()
    ends_on = PlainDate()

    class Meta:
        model = UniversalControl
        fields = ["name", "share", "starts_on", "ends_on"]


class EndReason(Strict, serializers.Serializer):
    reason = serializers.CharField(max_length=2000)
