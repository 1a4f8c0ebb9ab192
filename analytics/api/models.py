"""Predictive models by API: define, train, compare, promote, score, verify, roll back."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import model_page, predictive, targets
from analytics.forms import FORMS
from analytics.models import ModelVersion, PredictiveModel, ScoreRun
from analytics.models.predictive import BalanceGroup
from bankcrm import runs
from bankcrm.api import StartedRun, accepted
from bankcrm.idempotency import once
from bankcrm.parsing import Strict
from customers.models import Product


class ModelVersionSerializer(serializers.ModelSerializer):
    """One version; ``card`` has the data dates, metrics with intervals, tables and limits."""

    trained_by = serializers.CharField(source="trained_by.username", read_only=True)
    promoted_by = serializers.CharField(
        source="promoted_by.username", read_only=True, default=None, allow_null=True
    )
    card = serializers.JSONField(read_only=True)
    features = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ModelVersion
        fields = [
            "number",
            "algorithm",
            "state",
            "features",
            "sha256",
            "card",
            "trained_by",
            "trained_at",
            "promoted_by",
            "promoted_at",
        ]
        read_only_fields = fields


class ScoreRunSerializer(serializers.ModelSerializer):
    """One score run; a challenger's chooses nobody. ``drift`` has the PSI of every field and what it is against."""

    version = serializers.IntegerField(source="version.number", read_only=True)
    drift = serializers.JSONField(read_only=True)

    class Meta:
        model = ScoreRun
        fields = ["id", "version", "challenger", "as_of", "rows", "psi", "drift", "published_at"]
        read_only_fields = fields


class ModelSerializer(serializers.ModelSerializer):
    product = serializers.CharField(source="product.code", read_only=True, default=None, allow_null=True)
    owner = serializers.CharField(source="owner.username", read_only=True)
    champion = serializers.IntegerField(
        source="champion.number", read_only=True, default=None, allow_null=True
    )
    scores = ScoreRunSerializer(source="current_score_run", read_only=True, allow_null=True)
    predicts = serializers.SerializerMethodField(help_text=_("the definition as a sentence"))

    class Meta:
        model = PredictiveModel
        fields = [
            "code",
            "name",
            "kind",
            "target",
            "predicts",
            "product",
            "balance",
            "own_field",
            "own_value",
            "share",
            "least",
            "least_seen",
            "horizon_days",
            "population",
            "exclusions",
            "features",
            "history_campaign",
            "prospect_list",
            "feeds",
            "monthly",
            "owner",
            "champion",
            "scores",
        ]
        read_only_fields = fields

    def get_predicts(self, model: PredictiveModel) -> str:
        return targets.sentence(model)


class ModelDefinition(Strict):
    """A new model. Which fields belong to a kind says the page; what is missing or does not belong is refused."""

    kind = serializers.ChoiceField(choices=PredictiveModel.Kind.choices)
    code = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=100)
    product = serializers.CharField(required=False, help_text=_("code; of a response model"))
    horizon_days = serializers.IntegerField(min_value=7, max_value=365)
    target = serializers.ChoiceField(choices=PredictiveModel.Target.choices, required=False)
    balance = serializers.ChoiceField(choices=BalanceGroup.choices, required=False)
    share = serializers.FloatField(required=False, min_value=0.01, max_value=0.99)
    least = serializers.DecimalField(required=False, max_digits=14, decimal_places=2, min_value=0)
    least_seen = serializers.IntegerField(
        required=False, min_value=1, max_value=100, help_text=_("of a preference model")
    )
    fills = serializers.BooleanField(
        required=False, help_text=_("of a preference model: its answers become the profile's field")
    )
    outcome = serializers.CharField(
        required=False,
        max_length=250,
        help_text=_("of a model of an own field: its code, or code=word of a field of two words"),
    )
    population = serializers.IntegerField(required=False, help_text=_("id of a saved audience"))
    exclusions = serializers.IntegerField(required=False, help_text=_("id of a saved audience"))
    history_campaign = serializers.CharField(required=False, max_length=40)
    feeds = serializers.ChoiceField(choices=PredictiveModel.Feeds.choices, required=False)
    monthly = serializers.BooleanField(required=False)
    prospect_list = serializers.CharField(
        required=False, max_length=40, help_text=_("code of a list; of a model of prospects")
    )
    tiers = serializers.ListField(
        child=serializers.CharField(max_length=12),
        required=False,
        max_length=50,
        help_text=_("codes of the lower tiers; of a model of raising"),
    )
    features = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=200
    )


def seen(request: Request) -> QuerySet[PredictiveModel]:
    return model_page.models().filter(pk__in=PredictiveModel.objects.visible_to(request.user))


def one(request: Request, code: str) -> PredictiveModel:
    return get_object_or_404(seen(request), code=code)


class Models(generics.ListAPIView):
    """Every model with its champion and the scores in use, by name."""

    serializer_class = ModelSerializer
    queryset = PredictiveModel.objects.none()
    ordering = ("name", "id")

    def get_queryset(self) -> Any:
        return seen(self.request)

    @extend_schema(operation_id="models_define", request=ModelDefinition, responses={201: ModelSerializer})
    @once
    def post(self, request: Request) -> Response:
        """Define a model; train it next."""
        sent = ModelDefinition(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        form = FORMS[data.pop("kind")](_as_typed(data), user=request.user)
        unknown = sorted(set(data) - set(form.fields))
        if unknown:
            raise serializers.ValidationError(
                {name: [_("This kind of model has no such field.")] for name in unknown}
            )
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        model = predictive.define(request.user, **form.definition())
        return Response(ModelSerializer(model).data, status=201)


def _as_typed(data: dict[str, Any]) -> dict[str, Any]:
    """What the form of the page would have been sent; a product is named by its code there too."""
    if "product" in data:
        found = Product.objects.filter(code=data["product"]).first()
        if found is None:
            raise serializers.ValidationError({"product": [_("There is no such product.")]})
        return data | {"product": found.pk}
    return data


class ModelDetail(APIView):
    """One model."""

    @extend_schema(operation_id="models_retrieve", responses=ModelSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(ModelSerializer(one(request, code)).data)


class Versions(generics.ListAPIView):
    """The model's versions with their cards, newest first."""

    serializer_class = ModelVersionSerializer
    queryset = ModelVersion.objects.none()
    ordering = ("-number",)

    def get_queryset(self) -> Any:
        versions = ModelVersion.objects.filter(model=one(self.request, self.kwargs["code"]))
        return versions.select_related("trained_by", "promoted_by").defer("artefact")


class ScoreRuns(generics.ListAPIView):
    """Published score runs of the model, newest first."""

    serializer_class = ScoreRunSerializer
    queryset = ScoreRun.objects.none()
    ordering = ("-id",)

    def get_queryset(self) -> Any:
        return model_page.score_runs(one(self.request, self.kwargs["code"])).order_by()


class Work(APIView):
    """Long work on the model: ``train`` or ``score``."""

    kind = ""

    @extend_schema(request=None, responses={202: StartedRun})
    @once
    def post(self, request: Request, code: str) -> Response:
        model = one(request, code)
        run = runs.start(self.kind, request.user, **predictive.work_on(model))
        return accepted(request, run)


class Train(Work):
    """Train new versions from the outcomes known so far."""

    kind = "analytics.train"


class Score(Work):
    """Score the newest month's customers with the champion and put the scores to use."""

    kind = "analytics.score"


class Count(Work):
    """Count what published scores came to, where their window is over."""

    kind = "analytics.verify"


class Promote(APIView):
    """Make a version champion, in the name of a second person."""

    @extend_schema(operation_id="models_promote", request=None, responses=ModelVersionSerializer)
    @once
    def post(self, request: Request, code: str, number: int) -> Response:
        version = ModelVersion.objects.filter(model=one(request, code), number=number).first()
        if version is None:
            raise Http404
        return Response(ModelVersionSerializer(predictive.promote(version, request.user)).data)


class RollBack(APIView):
    """Back to the champion before, with the scores it published last."""

    @extend_schema(operation_id="models_roll_back", request=None, responses=ModelVersionSerializer)
    @once
    def post(self, request: Request, code: str) -> Response:
        return Response(ModelVersionSerializer(predictive.roll_back(one(request, code), request.user)).data)
