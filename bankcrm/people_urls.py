"""Routes of the pages about people, branches, leave and special days."""

from collections.abc import Callable, Iterable
from typing import Any

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from bankcrm import calendar_api, policy
from bankcrm import people_api as api
from bankcrm import people_branch_views as tree
from bankcrm import people_calendar_views as days
from bankcrm import people_views as people
from bankcrm.models import Role

ADMINISTRATORS = {Role.ADMINISTRATOR}
LEAVE_SETTERS = {Role.ADMINISTRATOR, Role.BRANCH_MANAGER}


def _reading(
    pattern: str, view: Callable[..., Any], name: str, roles: Iterable[Role] = ADMINISTRATORS
) -> URLPattern:
    return policy.route(f"people/{pattern}", view, name=name, read=roles)


def _form(
    pattern: str, view: Callable[..., Any], name: str, roles: Iterable[Role] = ADMINISTRATORS
) -> URLPattern:
    return policy.route(f"people/{pattern}", view, name=name, read=roles, write=roles)


def _act(
    pattern: str, view: Callable[..., Any], name: str, roles: Iterable[Role] = ADMINISTRATORS
) -> URLPattern:
    return policy.route(f"people/{pattern}", view, name=name, read=policy.NOBODY, write=roles)


urlpatterns = [
    _reading("users/", people.user_list, "user-list"),
    _form("users/new/", people.user_create, "user-create"),
    _form("users/<int:pk>/", people.user_edit, "user-edit"),
    _reading("branches/", tree.branch_list, "branch-list"),
    _form("branches/new/", tree.branch_create, "branch-create"),
    _form("branches/file/", tree.branch_file, "branch-file"),
    _form("branches/<int:pk>/", tree.branch_edit, "branch-edit"),
    _form("branches/<int:pk>/move/", tree.branch_move, "branch-move"),
    _form("branches/<int:pk>/close/", tree.branch_close, "branch-close"),
    _act("branches/<int:pk>/reopen/", tree.branch_reopen, "branch-reopen"),
    _reading("leave/", days.leave_list, "leave-list", LEAVE_SETTERS),
    _form("leave/new/", days.leave_create, "leave-create", LEAVE_SETTERS),
    _form("leave/<int:pk>/", days.leave_edit, "leave-edit", LEAVE_SETTERS),
    _act("leave/<int:pk>/delete/", days.leave_delete, "leave-delete", LEAVE_SETTERS),
    _form("holidays/", days.holiday_list, "holiday-list"),
    _act("holidays/<int:pk>/delete/", days.holiday_delete, "holiday-delete"),
    policy.route("api/v1/branches/", api.BranchList.as_view(), name="api-branch-list"),
    policy.route("api/v1/staff/", api.StaffList.as_view(), name="api-staff-list"),
    policy.route(
        "api/v1/leave/",
        api.LeaveList.as_view(),
        name="api-leave-list",
        read=LEAVE_SETTERS,
        write=LEAVE_SETTERS,
    ),
    policy.route(
        "api/v1/leave/<int:pk>/",
        api.LeaveDetail.as_view(),
        name="api-leave-detail",
        read=LEAVE_SETTERS,
        write=LEAVE_SETTERS,
    ),
    policy.route(
        "api/v1/special-days/",
        calendar_api.SpecialDays.as_view(),
        name="api-special-day-list",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route(
        "api/v1/special-days/<int:pk>/",
        calendar_api.SpecialDay.as_view(),
        name="api-special-day",
        read=policy.NOBODY,
        write=ADMINISTRATORS,
    ),
]

policy.navigation(_("People"), "users", "user-list", "/people/", order=80)
policy.navigation(_("Leave"), "beach", "leave-list", "/people/leave/", order=82)
