"""Campaigns: list, make, read, change, and every step of their life."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import runs
from bankcrm.api import accepted
from bankcrm.idempotency import once
from bankcrm.models import Run
from bankcrm.problems import Problem
from campaigns import exploration, lifecycle, push
from campaigns.api.serializers import (
    CampaignCreate,
    CampaignDetailSerializer,
    CampaignPatch,
    CampaignQuery,
    CampaignSerializer,
    Recalled,
    Started,
    Step,
)
from campaigns.conflicts import Conflict
from campaigns.models import Campaign


class CampaignView(APIView):
    """What every view of campaigns shares: which it sees, and how it says that somebody was faster."""

    def campaigns(self) -> Any:
        return Campaign.objects.visible_to(self.request.user).select_related(
            "product",
            "owner",
            "model",
            "selection__campaign",
            "last_edited_by",
            "submitted_by",
            "approved_by",
        )

    def campaign(self, pk: int) -> Campaign:
        """Raises Http404 out of sight."""
        found: Campaign = get_object_or_404(self.campaigns(), pk=pk)
        return found

    def shown(self, pk: int) -> Any:
        """The campaign as it stands now, as JSON."""
        return CampaignDetailSerializer(self.campaign(pk), context={"request": self.request}).data

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Conflict) and isinstance(error.current, Campaign):
            current = self.shown(error.current.pk)
            sent = self.request.data if isinstance(self.request.data, dict) else {}
            stale = sent.get("version") not in (None, current["version"])
            error = Problem(
                409, "stale" if stale else "conflict", str(error), current=current, yours=dict(sent)
            )
        response: Response = super().handle_exception(error)
        return response


class CampaignList(CampaignView, generics.ListAPIView):
    """Campaigns, newest first."""

    serializer_class = CampaignSerializer
    queryset = Campaign.objects.none()
    ordering = ("-id",)
    orderings: ClassVar = {"starts": ("starts_on", "id"), "name": ("name", "id")}

    def get_queryset(self) -> Any:
        asked = CampaignQuery.of(self.request)
        names = {"state": "state", "product": "product__code", "owner": "owner__employee_number"}
        return self.campaigns().filter(**{names[name]: value for name, value in asked.items()})

    @extend_schema(operation_id="campaigns_list", parameters=[CampaignQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Campaigns, newest first, by state, product and owner."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    @extend_schema(
        operation_id="campaigns_create", request=CampaignCreate, responses={201: CampaignDetailSerializer}
    )
    @once
    def post(self, request: Request) -> Response:
        """Make a draft, owned by whoever makes it."""
        sent = CampaignCreate(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        model = sent.validated_data.get("model")
        made = lifecycle.create(
            request.user, **({"exploration_share": exploration.proposed(model)} | sent.validated_data)
        )
        address = reverse("api-campaign-detail", args=[made.pk])
        return Response(self.shown(made.pk), status=201, headers={"Location": address})


class CampaignDetail(CampaignView):
    """One campaign."""

    @extend_schema(operation_id="campaigns_retrieve", responses=CampaignDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The definition, arms, waterfall of the selection, blockers, state and version."""
        return Response(self.shown(pk))

    @extend_schema(operation_id="campaigns_update", request=CampaignPatch, responses=CampaignDetailSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Change fields. What was submitted or approved becomes a draft again; 409 with both versions when stale."""
        campaign = self.campaign(pk)
        sent = CampaignPatch(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        changes = dict(sent.validated_data)
        lifecycle.edit(campaign, request.user, changes.pop("version"), **changes)
        return Response(self.shown(pk))


class CampaignStep(CampaignView):
    """One step of the life of a campaign: the subclass says which, the lifecycle whether it may be done."""

    action = ""

    def read(self, request: Request, pk: int) -> tuple[Campaign, int, str]:
        """The campaign, the version the caller has read, the comment. Raises Conflict when it has moved on."""
        campaign = self.campaign(pk)
        sent = Step(data=request.data)
        # What cannot be done in this state at all is said before the want of a version is.
        if sent.is_valid() or sent.errors.keys() == {"version"}:
            lifecycle.check_allowed(self.action, campaign, request.user)
        sent.is_valid(raise_exception=True)
        version, comment = sent.validated_data["version"], sent.validated_data["comment"]
        if campaign.version != version:
            sentence = _("The campaign is at version %(now)s; you have read version %(version)s.")
            raise Conflict(sentence % {"now": campaign.version, "version": version}, campaign)
        return campaign, version, comment


def step(action: str, description: str) -> type[CampaignStep]:
    """A view for a step that is done at once by the verb of its name and answers with the campaign."""
    verb = getattr(lifecycle, action)
    takes_comment = lifecycle.ACTIONS[action].wants_comment or action == "close"

    class Done(CampaignStep):
        @extend_schema(
            operation_id=f"campaigns_{action}",
            request=Step,
            responses=CampaignDetailSerializer,
            description=description,
        )
        @once
        def post(self, request: Request, pk: int) -> Response:
            campaign, version, comment = self.read(request, pk)
            given = {"comment": comment} if takes_comment else {}
            verb(campaign, request.user, version=version, **given)
            return Response(self.shown(pk))

    Done.action = action
    Done.__name__ = Done.__qualname__ = f"Campaign{action.title().replace('_', '')}"
    return Done


Submit = step("submit", "Send a draft to approval. 422 with the first blocker.")
Withdraw = step("withdraw", "Take a submission back.")
Approve = step("approve", "Approve what somebody else made; signs definition, population and counts.")
SendBack = step("send_back", "Give a submission back with a comment on what should change.")
Cancel = step("cancel", "Give up a campaign that was not pushed.")
Close = step("close", "End a running campaign.")


class Recall(CampaignStep):
    """Take back the leads nobody has touched."""

    action = "recall"

    @extend_schema(operation_id="campaigns_recall", request=Step, responses=Recalled)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take back the leads nobody has touched; the customers stay in the evaluation as assigned."""
        campaign, _version, comment = self.read(request, pk)
        with transaction.atomic():
            recalled = push.recall(campaign, request.user, comment)
        return Response({"recalled": recalled, "campaign": self.shown(pk)})


class LongStep(CampaignStep):
    """A step that a worker does: 202 with the run. Asked for twice, the unfinished run answers."""

    def begin(self, request: Request, run: Run) -> Response:
        return accepted(request, run, Started)


STARTED = {202: OpenApiResponse(Started, description="Under way; read the run at url.")}


class Select(LongStep):
    """Select customers and control: 202 with the run. The campaign's waterfall is there once the run is done."""

    action = "select"

    @extend_schema(operation_id="campaigns_select", request=Step, responses=STARTED)
    @once
    def post(self, request: Request, pk: int) -> Response:
        campaign, version, _comment = self.read(request, pk)
        run = runs.start(
            "campaigns.select",
            request.user,
            subject=campaign.name,
            key=f"campaign:{campaign.pk}",
            campaign=campaign.pk,
            version=version,
        )
        return self.begin(request, run)


class Push(LongStep):
    """Turn the approved selection into leads: 202 with the run, which is the unfinished one when asked for twice."""

    action = "push"

    @extend_schema(operation_id="campaigns_push", request=Step, responses=STARTED)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """While a push is under way, it is the answer, whoever began it."""
        kind, key = "campaigns.push", f"campaign:{pk}:wave:1"
        running = Run.objects.unfinished().filter(kind=kind, key=key).first()
        if running:
            return self.begin(request, running)
        campaign, _version, _comment = self.read(request, pk)
        run = runs.start(kind, request.user, subject=campaign.name, key=key, campaign=campaign.pk, wave=1)
        return self.begin(request, run)
