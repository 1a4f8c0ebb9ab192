"""Leads: the queue, one lead, and working it. Numbers are masked; what is typed goes through the same verbs."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import clock, idempotency
from bankcrm.idempotency import REPLAYED, key_reused, once
from bankcrm.problems import Problem
from campaigns import followup, queue
from campaigns.api.lead_serializers import (
    ALL,
    FollowUpSerializer,
    LeadDetailSerializer,
    LeadQuery,
    LeadSerializer,
    OutcomeSerializer,
    SnoozeSerializer,
)
from campaigns.conflicts import Conflict
from campaigns.followup import Entry
from campaigns.lead_views import workspace
from campaigns.models import FollowUp, Lead


class LeadView(APIView):
    """What every view of leads shares: which it sees, and how it says that a colleague was faster."""

    def leads(self) -> Any:
        return workspace.sight(self.request.user)

    def lead(self, pk: int) -> Lead:
        """Raises Http404 out of sight."""
        found: Lead = get_object_or_404(self.leads(), pk=pk)
        return found

    def shown(self, pk: int) -> Any:
        """The lead as it stands now, as JSON."""
        return LeadDetailSerializer(self.lead(pk), context={"request": self.request}).data

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, queue.Taken):
            holder = error.holder.full_name if error.holder else None
            error = Problem(409, "taken", str(error), holder=holder, since=error.since)
        elif isinstance(error, Conflict) and isinstance(error.current, Lead):
            seen = self.leads().filter(pk=error.current.pk).exists()
            current = self.shown(error.current.pk) if seen else None
            error = Problem(409, "conflict", str(error), current=current)
        response: Response = super().handle_exception(error)
        return response


class LeadList(LeadView, generics.ListAPIView):
    serializer_class = LeadSerializer
    queryset = Lead.objects.none()
    ordering = queue.ORDER

    @extend_schema(operation_id="leads_list", parameters=[LeadQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The queue: open leads in sight, first the earliest due, among those the most valuable."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        asked = LeadQuery.of(self.request)
        state = asked.get("state", "")
        leads = self.leads().annotate(due_day=queue.DUE_DAY)
        if state != ALL:
            leads = leads.filter(state=state) if state else leads.open()
        if "campaign" in asked:
            leads = leads.filter(campaign__code=asked["campaign"])
        if "due" in asked:
            leads = leads.filter(_due(asked["due"], clock.today()))
        if asked.get("waiting"):
            leads = leads.filter(pk__in=queue.waiting(self.request.user).order_by().values("pk"))
        return leads


def _due(code: str, today: dt.date) -> Q:
    week = today + dt.timedelta(days=7)
    return {
        "overdue": Q(due_day__lt=today),
        "today": Q(due_day=today),
        "week": Q(due_day__range=(today, week)),
        "later": Q(due_day__gt=today),
    }[code]


class LeadDetail(LeadView):
    @extend_schema(operation_id="leads_retrieve", responses=LeadDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The masked customer, why they were chosen, the score's date and model version, and what to say."""
        return Response(self.shown(pk))


class LeadClaim(LeadView):
    @extend_schema(operation_id="leads_claim", request=None, responses=LeadDetailSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take the lead to work on; 409 with the holder when a colleague has it. Again: renews."""
        queue.claim(pk, request.user)
        return Response(self.shown(pk))


class LeadRelease(LeadView):
    @extend_schema(operation_id="leads_release", request=None, responses=LeadDetailSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Give the lead back without an outcome."""
        self.lead(pk)
        queue.release(pk, request.user)
        return Response(self.shown(pk))


class LeadSnooze(LeadView):
    @extend_schema(operation_id="leads_snooze", request=SnoozeSerializer, responses=LeadDetailSerializer)
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Keep the lead out of the way until a moment to come; no contact is recorded."""
        self.lead(pk)
        sent = SnoozeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        followup.snooze(pk, request.user, sent.validated_data["until"])
        return Response(self.shown(pk))


class LeadOutcomes(LeadView):
    # The follow-up itself is the memory of its key: ``once`` would hold the lock on the month's contacts too long.
    @extend_schema(
        operation_id="leads_outcome", request=OutcomeSerializer, responses={201: FollowUpSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Write what came of a contact, once per key: Idempotency-Key, or client_key in the body."""
        self.lead(pk)
        sent = OutcomeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key = _client_key(request, sent.validated_data.get("client_key"))
        entry = Entry(**(sent.validated_data | {"client_key": key}))
        known = FollowUp.objects.filter(client_key=key).first() if key else None
        # Before the lead is judged: what the first request did to it would otherwise answer the second.
        if known and not _stands_for(known, pk, entry):
            raise key_reused()
        done = followup.record(pk, request.user, entry)
        if not _stands_for(done, pk, entry):
            raise key_reused()
        return Response(
            FollowUpSerializer(done).data, status=201, headers={REPLAYED: "true"} if known else {}
        )

    post.honours_key = True  # type: ignore[attr-defined]  # read by the test of all endpoints


class OutcomeUndo(LeadView):
    @extend_schema(operation_id="leads_outcome_undo", request=None, responses=FollowUpSerializer)
    @once
    def post(self, request: Request, pk: int, outcome: int) -> Response:
        """Take back one's own last outcome within the hour: lead, history and feedback are as before."""
        self.lead(pk)
        get_object_or_404(FollowUp, pk=outcome, lead=pk, by=request.user)
        return Response(FollowUpSerializer(followup.undo(outcome, request.user)).data)


def _client_key(request: Request, sent: uuid.UUID | None) -> uuid.UUID | None:
    """The key of the follow-up. A header's is bound to its sender, so that nobody meets another's."""
    header = idempotency.header(request)
    if header and sent:
        raise Problem(400, "invalid", _("Send either Idempotency-Key or client_key, not both."))
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{request.user.pk}:{header}") if header else sent


def _stands_for(done: FollowUp, lead_id: int, entry: Entry) -> bool:
    """Whether the follow-up is what this very request asks for; what the verb filled in itself does not count."""
    asked = {"lead_id": lead_id, "outcome": entry.outcome, "note": entry.note, "amount": entry.amount}
    asked |= {"reason_code": entry.reason_code, "channel": entry.channel}
    if entry.next_at and done.next_at:
        asked["next_at"] = entry.next_at
    return all(getattr(done, name) == value for name, value in asked.items())
