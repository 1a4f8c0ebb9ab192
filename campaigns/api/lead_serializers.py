"""Leads as the API shows them, and what may be typed about one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bankcrm import clock, figures
from bankcrm.amounts import Amount
from bankcrm.models import Role, User
from bankcrm.parsing import KnownCode, Query, Strict
from campaigns import calling, queue
from campaigns.followup import FARTHEST_DAYS
from campaigns.lead_forms import DUES
from campaigns.lead_views import rows
from campaigns.models import Campaign, FollowUp, Lead, Offer
from campaigns.outcomes import DeclineReason, NextStep
from customers.models import ContactChannel, Customer

ALL = "all"


class LeadCustomer(serializers.ModelSerializer):
    """Whom it is about; the number in full is given out on the lead's page only, one by one, on record."""

    phone = serializers.SerializerMethodField(help_text=gettext_lazy("masked"))

    class Meta:
        model = Customer
        fields = ["id", "number", "name", "phone"]
        read_only_fields = fields

    def get_phone(self, customer: Customer) -> str:
        return figures.masked_phone(customer.phone)


class LeadSerializer(serializers.ModelSerializer):
    """A lead in the queue."""

    campaign = serializers.CharField(source="campaign.code", read_only=True)
    product = serializers.CharField(source="campaign.product.code", read_only=True)
    customer = LeadCustomer(read_only=True)
    rm = serializers.SlugRelatedField(slug_field="employee_number", read_only=True, allow_null=True)
    branch = serializers.SlugRelatedField(slug_field="code", read_only=True, allow_null=True)
    value = Amount(
        read_only=True, allow_null=True, help_text=gettext_lazy("what a contact is worth by the score")
    )
    last_outcome = serializers.ChoiceField(
        choices=Lead.Outcome.choices,
        allow_blank=True,
        help_text=gettext_lazy("empty before the first"),
    )
    why = serializers.SerializerMethodField(
        help_text=gettext_lazy(
            "the strongest reason for this customer, or the score, or that the order was drawn without a model"
        )
    )
    holder = serializers.SerializerMethodField(
        help_text=gettext_lazy("employee number of the colleague who works on it now")
    )

    class Meta:
        model = Lead
        fields = [
            "id",
            "campaign",
            "product",
            "customer",
            "rm",
            "branch",
            "state",
            "value",
            "due_on",
            "next_step",
            "next_at",
            "last_outcome",
            "why",
            "holder",
            "version",
        ]
        read_only_fields = fields

    def get_why(self, lead: Lead) -> str:
        return rows.top_reason(lead)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_holder(self, lead: Lead) -> str | None:
        colleague = queue.holder(lead, self.context["request"].user)
        return colleague.employee_number if colleague else None


class ScoreSerializer(serializers.Serializer):
    """The score that chose the customer: its model, version and the day of its data."""

    probability = serializers.FloatField(source="target.probability")
    decile = serializers.IntegerField(source="target.decile", allow_null=True)
    model = serializers.CharField(source="target.selection.score_run.version.model.code")
    model_version = serializers.IntegerField(source="target.selection.score_run.version.number")
    as_of = serializers.DateField(source="target.selection.score_run.as_of")


class ReasonSerializer(serializers.Serializer):
    text = serializers.CharField()
    share = serializers.FloatField(allow_null=True, help_text=gettext_lazy("of the score, 0 to 1"))


class OfferSerializer(serializers.ModelSerializer):
    """What is offered and what one says."""

    class Meta:
        model = Offer
        fields = [
            "code",
            "name",
            "terms",
            "valid_to",
            "script_open",
            "script_ask",
            "script_offer",
            "script_if_unsure",
        ]
        read_only_fields = fields


class FollowUpSerializer(serializers.ModelSerializer):
    """One outcome; undone, it stays and says so."""

    by = serializers.SlugRelatedField(slug_field="employee_number", read_only=True)

    class Meta:
        model = FollowUp
        fields = [
            "id",
            "lead",
            "by",
            "at",
            "channel",
            "outcome",
            "reason_code",
            "note",
            "amount",
            "next_step",
            "next_at",
            "undone_at",
        ]
        read_only_fields = fields


class LeadDetailSerializer(LeadSerializer):
    arm = serializers.CharField(source="arm.code", read_only=True)
    offer = OfferSerializer(source="arm.offer", read_only=True, allow_null=True)
    score = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()
    blocks = serializers.SerializerMethodField(
        help_text=gettext_lazy("why the customer must not be called today; empty: may be called")
    )
    outcomes = serializers.SerializerMethodField(help_text=gettext_lazy("the last 20, newest first"))

    class Meta(LeadSerializer.Meta):
        fields = [
            *LeadSerializer.Meta.fields,
            "arm",
            "offer",
            "score",
            "reasons",
            "blocks",
            "outcomes",
            "claimed_at",
            "closed_at",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ScoreSerializer(allow_null=True))
    def get_score(self, lead: Lead) -> Any:
        scored = lead.target.selection.score_run and lead.target.probability is not None
        return ScoreSerializer(lead).data if scored else None

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, lead: Lead) -> Any:
        return ReasonSerializer(rows.reasons(lead), many=True).data

    def get_blocks(self, lead: Lead) -> list[str]:
        return calling.blocks(lead, clock.today()) if lead.is_open else []

    @extend_schema_field(FollowUpSerializer(many=True))
    def get_outcomes(self, lead: Lead) -> Any:
        return FollowUpSerializer(lead.follow_ups.select_related("by")[:20], many=True).data


class Soon(serializers.DateTimeField):
    """A moment at most two years ahead."""

    def to_internal_value(self, value: Any) -> dt.datetime:
        moment: dt.datetime = super().to_internal_value(value)
        if moment > timezone.now() + dt.timedelta(days=FARTHEST_DAYS) or moment.year < 2000:
            raise serializers.ValidationError(_("A moment within the next two years."))
        return moment


class OutcomeSerializer(Strict):
    """What came of a contact. Without ``next_step`` and ``next_at`` the proposed ones of the outcome hold."""

    outcome = serializers.ChoiceField(choices=Lead.Outcome.choices)
    channel = serializers.ChoiceField(choices=ContactChannel.choices, default=ContactChannel.PHONE)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
    reason_code = serializers.ChoiceField(
        choices=DeclineReason.choices, required=False, allow_blank=True, default=""
    )
    amount = serializers.DecimalField(16, 2, required=False, allow_null=True, min_value=0, default=None)
    next_step = serializers.ChoiceField(
        choices=NextStep.choices, required=False, allow_blank=True, default=""
    )
    next_at = Soon(required=False, allow_null=True, default=None)
    client_key = serializers.UUIDField(
        required=False, help_text=gettext_lazy("instead of Idempotency-Key: made once by the sender")
    )


class SnoozeSerializer(Strict):
    until = Soon()


def _campaigns(user: User) -> QuerySet[Campaign]:
    """A relationship manager knows campaigns by their leads only."""
    if user.role != Role.RM:
        return Campaign.objects.visible_to(user)
    return Campaign.objects.filter(pk__in=Lead.objects.visible_to(user).order_by().values("campaign"))


class LeadQuery(Query):
    state = serializers.ChoiceField(
        choices=[*Lead.State.choices, (ALL, gettext_lazy("All"))],
        required=False,
        help_text=gettext_lazy("absent: open leads"),
    )
    campaign = KnownCode(_campaigns, help_text=gettext_lazy("code"))
    due = serializers.ChoiceField(choices=list(DUES.items()), required=False)
    waiting = serializers.BooleanField(
        required=False,
        help_text=gettext_lazy("true: only what can be worked now, without what was put off"),
    )
