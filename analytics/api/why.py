"""A customer's scores and segments by API, and why: asked for, made by a worker, then kept."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import why_page
from analytics.models import ModelVersion, PredictiveModel
from bankcrm import runs
from bankcrm.api import StartedRun, accepted
from bankcrm.idempotency import once
from customers.models import Customer

STATES = (
    ("told", _("Told")),
    ("working", _("A worker is at it")),
    ("not_asked", _("Nobody has asked yet")),
    ("refused", _("There is nothing to tell")),
)


class CustomerScoreSerializer(serializers.Serializer):
    """One score in use; without figures where the model did not ask about the customer, with the reason."""

    score_run = serializers.IntegerField(source="run.pk")
    model = serializers.CharField(source="model.code")
    kind = serializers.ChoiceField(source="model.kind", choices=PredictiveModel.Kind.choices)
    predicts = serializers.CharField(help_text=_("the definition as a sentence"))
    version = serializers.IntegerField(source="run.version.number")
    algorithm = serializers.ChoiceField(
        source="run.version.algorithm", choices=ModelVersion.Algorithm.choices
    )
    as_of = serializers.DateField(source="run.as_of")
    probability = serializers.FloatField(allow_null=True, help_text=_("of an uplift model the gain"))
    decile = serializers.IntegerField(allow_null=True)
    why_not = serializers.CharField(allow_blank=True)


class CustomerSegmentSerializer(serializers.Serializer):
    """The customer's segment in one segmentation; without one, why."""

    segment_run = serializers.IntegerField(source="run.pk")
    segmentation = serializers.CharField(source="segmentation.code")
    version = serializers.IntegerField(source="run.version.number")
    as_of = serializers.DateField(source="run.as_of")
    number = serializers.IntegerField(allow_null=True)
    title = serializers.CharField(allow_blank=True)
    why_not = serializers.CharField(allow_blank=True)


class ReasonLineSerializer(serializers.Serializer):
    text = serializers.CharField()
    field = serializers.CharField(
        allow_blank=True, help_text=_("code of the field; empty of a count of purchases")
    )
    effect = serializers.CharField(allow_blank=True, help_text=_("raises, lowers, or empty"))
    share = serializers.FloatField(allow_null=True, help_text=_("of all that has this effect, 0 to 1"))
    contribution = serializers.FloatField(allow_null=True, help_text=_("log-odds"))


class PartSerializer(serializers.Serializer):
    label = serializers.CharField()
    contribution = serializers.FloatField()


class ReasonsSerializer(serializers.Serializer):
    """``base`` and all ``parts`` add up to ``total``, the log-odds of the score; of a preference of its margin over the
    next likeliest. None and empty where the method has no such sum."""

    state = serializers.ChoiceField(choices=STATES)
    lack = serializers.CharField(allow_blank=True, help_text=_("why there is nothing to tell"))
    lead = serializers.CharField(allow_blank=True)
    reasons = ReasonLineSerializer(many=True)
    note = serializers.CharField(allow_blank=True)
    base = serializers.FloatField(allow_null=True)
    parts = PartSerializer(many=True)
    total = serializers.FloatField(allow_null=True)


def _customer(request: Request, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)


class CustomerScores(APIView):
    """The scores in use of one customer."""

    @extend_schema(operation_id="customers_scores", responses=CustomerScoreSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """Every model's score, by the model's name; preferences have their own address."""
        return Response(CustomerScoreSerializer(why_page.scores(_customer(request, pk)), many=True).data)


class CustomerSegments(APIView):
    """The segments of one customer."""

    @extend_schema(operation_id="customers_segments", responses=CustomerSegmentSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The customer's segment in every segmentation in use."""
        return Response(CustomerSegmentSerializer(why_page.segments(_customer(request, pk)), many=True).data)


class Reasons(APIView):
    """Why one customer has a score or segment."""

    kind = ""

    def _why(self, request: Request, pk: int, run: int) -> why_page.Why:
        customer = _customer(request, pk)
        found = why_page.find(self.kind, run)
        if found is None:
            raise Http404
        return why_page.why(found, customer, request.user, may_ask=True)


def _answer(why: why_page.Why) -> Response:
    told = why.told
    data: dict[str, Any] = {
        "state": why.state,
        "lack": why.lack,
        "lead": told.lead if told else "",
        "reasons": told.lines if told else (),
        "note": told.note if told else "",
        "base": told.base if told else None,
        "parts": [{"label": label, "contribution": value} for label, value in told.parts] if told else [],
        "total": told.total if told else None,
    }
    return Response(ReasonsSerializer(data).data)


class ScoreReasons(Reasons):
    """Why this score, or this preference."""

    kind = why_page.SCORES

    @extend_schema(operation_id="customers_score_reasons", responses=ReasonsSerializer)
    def get(self, request: Request, pk: int, run: int) -> Response:
        """What was found, or that it is under way, or that nobody has asked."""
        return _answer(self._why(request, pk, run))

    @extend_schema(
        operation_id="customers_score_reasons_ask",
        request=None,
        responses={200: ReasonsSerializer, 202: StartedRun},
    )
    @once
    def post(self, request: Request, pk: int, run: int) -> Response:
        """Ask: at once where it is kept, else a worker's run of seconds."""
        return _asked(self._why(request, pk, run), request)


class SegmentReasons(Reasons):
    """Why this segment."""

    kind = why_page.SEGMENTS

    @extend_schema(operation_id="customers_segment_reasons", responses=ReasonsSerializer)
    def get(self, request: Request, pk: int, run: int) -> Response:
        """What was found, or that it is under way, or that nobody has asked."""
        return _answer(self._why(request, pk, run))

    @extend_schema(
        operation_id="customers_segment_reasons_ask",
        request=None,
        responses={200: ReasonsSerializer, 202: StartedRun},
    )
    @once
    def post(self, request: Request, pk: int, run: int) -> Response:
        """Ask: at once where it is kept, else a worker's run of seconds."""
        return _asked(self._why(request, pk, run), request)


def _asked(why: why_page.Why, request: Request) -> Response:
    if why.told or (why.lack and not why.may_ask):
        return _answer(why)
    run = runs.start(why_page.WORK, request.user, **why_page.work_on(why.run, why.customer))
    return accepted(request, run)
