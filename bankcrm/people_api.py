"""The organisation by API: the branch tree and staff to read, leave to enter and take back."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import absence, clock, people
from bankcrm.idempotency import once
from bankcrm.models import Branch, BranchLink, Leave, Role, User
from bankcrm.parsing import KnownCode, Query, Strict


def every_branch(_user: User) -> QuerySet[Branch]:
    """The bank's own map, which everybody reads."""
    return Branch.objects.all()


class BranchSerializer(serializers.ModelSerializer):
    parent = serializers.CharField(source="parent.code", default=None, read_only=True, allow_null=True)
    depth = serializers.IntegerField(read_only=True)

    class Meta:
        model = Branch
        fields = ["id", "code", "name", "kind", "parent", "depth", "closed_on"]
        read_only_fields = fields


class BranchQuery(Query):
    below = KnownCode(every_branch, max_length=20, help_text=gettext_lazy("code of a branch"))
    closed = serializers.BooleanField(required=False)


@extend_schema(parameters=[BranchQuery])
class BranchList(generics.ListAPIView):
    """The branch tree as a list, each branch with the code of its parent and its depth below the head office.

    Everybody reads it: it is the bank's own map and holds no customer. ``below`` (a code) cuts a subtree out; closed
    branches come with ``closed=true``.
    """

    serializer_class = BranchSerializer
    queryset = Branch.objects.none()
    ordering = ("code",)

    def get_queryset(self) -> Any:
        asked = BranchQuery.of(self.request)
        depth = BranchLink.objects.filter(descendant=OuterRef("pk")).order_by("-depth").values("depth")[:1]
        found = Branch.objects.select_related("parent").annotate(depth=Subquery(depth))
        if not asked.get("closed"):
            found = found.filter(closed_on__isnull=True)
        if "below" in asked:
            below = BranchLink.objects.filter(ancestor__code=asked["below"]).values("descendant")
            found = found.filter(pk__in=below)
        return found


class StaffSerializer(serializers.ModelSerializer):
    branch = serializers.CharField(source="branch.code", read_only=True)
    on_leave_until = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "employee_number",
            "full_name",
            "role",
            "branch",
            "daily_capacity",
            "portfolio_size",
            "working_week",
            "is_active",
            "on_leave_until",
        ]
        read_only_fields = fields

    def get_on_leave_until(self, user: User) -> str | None:
        away = self.context["away"].get(user.pk)
        return away.last_day.isoformat() if away else None


class StaffQuery(Query):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    branch = KnownCode(
        every_branch, max_length=20, help_text=gettext_lazy("code; with the branches below it")
    )
    active = serializers.BooleanField(required=False)


@extend_schema(parameters=[StaffQuery])
class StaffList(generics.ListAPIView):
    """Colleagues in sight: one's own branch and below, oneself for a relationship manager, all for administrators."""

    serializer_class = StaffSerializer
    queryset = User.objects.none()
    ordering = ("employee_number",)

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = super().get_serializer_context()
        return context | {"away": absence.on(clock.today())}

    def get_queryset(self) -> Any:
        asked = StaffQuery.of(self.request)
        found = User.objects.visible_to(self.request.user).select_related("branch")
        if "branch" in asked:
            below = BranchLink.objects.filter(ancestor__code=asked["branch"]).values("descendant")
            found = found.filter(branch__in=below)
        if "role" in asked:
            found = found.filter(role=asked["role"])
        if "active" in asked:
            found = found.filter(is_active=asked["active"])
        return found


class LeaveSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user.employee_number", read_only=True)
    backup = serializers.CharField(
        source="backup.employee_number", default=None, read_only=True, allow_null=True
    )

    class Meta:
        model = Leave
        fields = ["id", "user", "first_day", "last_day", "backup"]
        read_only_fields = fields


class NewLeaveSerializer(Strict):
    """People by employee number."""

    user = serializers.CharField(max_length=20)
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    backup = serializers.CharField(max_length=20, required=False, allow_null=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["last_day"] < data["first_day"]:
            raise serializers.ValidationError({"last_day": [_("The last day comes before the first.")]})
        data["user"] = self._manager(data["user"], "user")
        if data.get("backup"):
            data["backup"] = self._manager(data["backup"], "backup")
            if data["backup"] == data["user"]:
                raise serializers.ValidationError({"backup": [_("Nobody is their own backup.")]})
        return data

    def _manager(self, number: str, name: str) -> User:
        seen = User.objects.visible_to(self.context["request"].user).relationship_managers()
        found = seen.filter(employee_number=number).first()
        if found is None:
            raise serializers.ValidationError(
                {name: [_("No relationship manager in your branches has this number.")]}
            )
        return found


def _leaves(request: Request) -> Any:
    seen = User.objects.visible_to(request.user)
    return Leave.objects.filter(user__in=seen).select_related("user", "backup")


class ChangedLeaveSerializer(NewLeaveSerializer):
    """What is not sent stays; whose leave it is stays in any case."""

    user = None
    first_day = serializers.DateField(required=False)
    last_day = serializers.DateField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        leave: Leave = self.context["leave"]
        whole = {
            "user": leave.user.employee_number,
            "first_day": leave.first_day,
            "last_day": leave.last_day,
            "backup": leave.backup.employee_number if leave.backup else None,
        }
        return super().validate(whole | data)


class LeaveList(generics.ListAPIView):
    serializer_class = LeaveSerializer
    queryset = Leave.objects.none()
    ordering = ("-last_day", "-pk")

    @extend_schema(operation_id="leave_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Leave of colleagues in sight, the latest first."""
        response: Response = super().get(request, *args, **kwargs)
        return response

    def get_queryset(self) -> Any:
        return _leaves(self.request)

    @extend_schema(operation_id="leave_create", request=NewLeaveSerializer, responses={201: LeaveSerializer})
    @once
    def post(self, request: Request) -> Response:
        """Enter leave; while it lasts the backup sees and works the customers and open leads."""
        sent = NewLeaveSerializer(data=request.data, context={"request": request})
        sent.is_valid(raise_exception=True)
        leave = people.save_leave(Leave(**sent.validated_data), request.user)
        return Response(LeaveSerializer(leave).data, status=201)


class LeaveDetail(APIView):
    @extend_schema(operation_id="leave_retrieve", responses=LeaveSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One leave."""
        return Response(LeaveSerializer(get_object_or_404(_leaves(request), pk=pk)).data)

    @extend_schema(operation_id="leave_update", request=ChangedLeaveSerializer, responses=LeaveSerializer)
    @once
    def patch(self, request: Request, pk: int) -> Response:
        """Other days or another backup."""
        leave = get_object_or_404(_leaves(request), pk=pk)
        sent = ChangedLeaveSerializer(data=request.data, context={"request": request, "leave": leave})
        sent.is_valid(raise_exception=True)
        for name, value in sent.validated_data.items():
            setattr(leave, name, value or None)
        return Response(LeaveSerializer(people.save_leave(leave, request.user)).data)

    @extend_schema(operation_id="leave_cancel", request=None, responses={204: None})
    @once
    def delete(self, request: Request, pk: int) -> Response:
        """Take leave back; leads the backup was given meanwhile stay with the backup."""
        people.remove_leave(get_object_or_404(_leaves(request), pk=pk), request.user)
        return Response(status=204)
