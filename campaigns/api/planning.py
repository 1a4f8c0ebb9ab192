"""Plans with their targets, the contact policy, and universal controls."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock, runs
from bankcrm.idempotency import once
from bankcrm.problems import Problem
from campaigns import contact_rules, planning, universal
from campaigns.api.planning_serializers import (
    ContactRuleFields,
    ContactRuleSerializer,
    EndReason,
    InForce,
    PlanDetailSerializer,
    PlanFields,
    PlanPatch,
    PlanSerializer,
    PlanTargets,
    PlanTargetSerializer,
    UniversalDetailSerializer,
    UniversalFields,
    UniversalSerializer,
)
from campaigns.conflicts import Conflict
from campaigns.models import ContactRule, MarketingPlan, PlanTarget, UniversalControl


class PlanView(APIView):
    """What views of plans share: which a user sees, and how they say that somebody was faster."""

    def plans(self) -> Any:
        return MarketingPlan.objects.visible_to(self.request.user).select_related("owner")

    def plan(self, pk: int) -> MarketingPlan:
        found: MarketingPlan = get_object_or_404(self.plans(), pk=pk)
        return found

    def shown(self, pk: int) -> Any:
        plan: Any = self.plan(pk)
        plan.figures = planning.figures(plan)
        return PlanDetailSerializer(plan).data

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Conflict) and isinstance(error.current, MarketingPlan):
            error = Problem(409, "stale", str(error), current=self.shown(error.current.pk))
        response: Response = super().handle_exception(error)
        return response


class PlanList(PlanView, generics.ListAPIView):
    """Plans, the newest period first."""

    serializer_class = PlanSerializer
    queryset = MarketingPlan.objects.none()
    ordering = ("-starts_on", "-id")

    def get_queryset(self) -> Any:
        return self.plans()

    @extend_schema(operation_id="plans_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Plans, the newest period first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    @extend_schema(operation_id="plans_create", request=PlanFields, responses={201: PlanDetailSerializer})
    @once
    def post(self, request: Request) -> Response:
        """Make a plan, owned by whoever makes it."""
        sent = PlanFields(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        made = planning.create(request.user, **sent.validated_data)
        address = reverse("api-plan-detail", args=[made.pk])
        return Response(self.shown(made.pk), status=201, headers={"Location": address})


class PlanDetail(PlanView):
    """One plan."""

    @extend_schema(operation_id="plans_retrieve", responses=PlanDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The plan with what was planned, committed, spent and sold under it."""
        return Response(self.shown(pk))

    @extend_schema(operation_id="plans_update", request=PlanPatch, responses=PlanDetailSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Change fields; 409 with the plan as it stands when somebody else was faster."""
        plan = self.plan(pk)
        sent = PlanPatch(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        changes = dict(sent.validated_data)
        planning.edit(plan, request.user, changes.pop("version"), **changes)
        return Response(self.shown(pk))


class PlanTargetList(PlanView):
    """The targets of a plan."""

    def _targets(self, plan: MarketingPlan) -> Any:
        rows = PlanTarget.objects.filter(plan=plan).select_related("branch", "product")
        targets = PlanTargetSerializer(rows.order_by("month", "branch__code", "product__code"), many=True)
        return {"version": plan.version, "targets": targets.data}

    @extend_schema(operation_id="plans_targets", responses=PlanTargets)
    def get(self, request: Request, pk: int) -> Response:
        """Sales and volume by branch, product and month, with the version of the plan they belong to."""
        return Response(self._targets(self.plan(pk)))

    @extend_schema(operation_id="plans_targets_set", request=PlanTargets, responses=PlanTargets)
    @once
    def put(self, request: Request, pk: int) -> Response:
        """Make these the targets of the plan: those not sent are removed."""
        plan = self.plan(pk)
        sent = PlanTargets(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        planning.set_targets(
            plan, request.user, sent.validated_data["targets"], sent.validated_data["version"]
        )
        return Response(self._targets(self.plan(pk)))


class ContactRuleList(generics.ListAPIView):
    """The rules of the contact policy."""

    serializer_class = ContactRuleSerializer
    queryset = ContactRule.objects.select_related("product", "other_product")
    ordering = ("id",)

    @extend_schema(operation_id="contact_rules_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every rule, in force or retired."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    @extend_schema(
        operation_id="contact_rules_create", request=ContactRuleFields, responses={201: ContactRuleSerializer}
    )
    @once
    def post(self, request: Request) -> Response:
        """Put a rule in force: at selection, at push and at the moment of contact."""
        sent = ContactRuleFields(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        made = contact_rules.add(request.user, **sent.validated_data)
        return Response(ContactRuleSerializer(made).data, status=201)


class ContactRuleDetail(APIView):
    """One rule."""

    @extend_schema(operation_id="contact_rules_update", request=InForce, responses=ContactRuleSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Retire it, or let it bind again."""
        rules = ContactRule.objects.select_related("product", "other_product")
        rule = get_object_or_404(rules, pk=pk)
        sent = InForce(data=request.data)
        sent.is_valid(raise_exception=True)
        contact_rules.set_active(rule, request.user, active=sent.validated_data["is_active"])
        return Response(ContactRuleSerializer(get_object_or_404(rules, pk=pk)).data)


class UniversalView(APIView):
    """What views of universal controls share."""

    def controls(self) -> Any:
        return UniversalControl.objects.visible_to(self.request.user).select_related("made_by")

    def shown(self, pk: int) -> Any:
        control: Any = get_object_or_404(self.controls(), pk=pk)
        control.programme = universal.programme(control)
        return UniversalDetailSerializer(control).data


class UniversalList(UniversalView, generics.ListAPIView):
    """Universal controls, the newest first."""

    serializer_class = UniversalSerializer
    queryset = UniversalControl.objects.none()
    ordering = ("-starts_on", "-id")

    def get_queryset(self) -> Any:
        return self.controls()

    @extend_schema(operation_id="universal_controls_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Universal controls, the newest first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    @extend_schema(
        operation_id="universal_controls_create",
        request=UniversalFields,
        responses={201: UniversalSerializer},
    )
    @once
    def post(self, request: Request) -> Response:
        """Begin one: members are drawn on its first day, today's by a run that begins at once."""
        sent = UniversalFields(data=request.data)
        sent.is_valid(raise_exception=True)
        with transaction.atomic():
            made = universal.begin(request.user, **sent.validated_data)
            if made.starts_on == clock.today():
                runs.start(universal.WORK, request.user, subject=made.name, key=universal.KEY)
        return Response(UniversalSerializer(made).data, status=201)


class UniversalDetail(UniversalView):
    """One universal control."""

    @extend_schema(operation_id="universal_controls_retrieve", responses=UniversalDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The control with what all campaigns together changed so far."""
        return Response(self.shown(pk))


class UniversalEnd(UniversalView):
    """End one early."""

    @extend_schema(operation_id="universal_controls_end", request=EndReason, responses={204: None})
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Let today be its last day, with the reason for the record; one that has not begun is taken back."""
        control = get_object_or_404(self.controls(), pk=pk)
        sent = EndReason(data=request.data)
        sent.is_valid(raise_exception=True)
        universal.end(control, request.user, sent.validated_data["reason"])
        return Response(status=204)
